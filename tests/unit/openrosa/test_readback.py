"""Stored XML as it is shown again (contract data §4)."""

from __future__ import annotations

import pytest

from formrelay.openrosa import readback

BARE = '<a x="1"><b>é &amp; ü</b><!-- c --></a>'
DECLARED = "<?xml version='1.0' encoding='UTF-8' ?>" + BARE


@pytest.mark.parametrize(
    "declaration",
    ["<?xml version='1.0' ?>", "<?xml version=\"1.0\" encoding='utf-8'?>\n", "<?xml\tversion='1.0'?>"],
)
def test_a_declared_document_stays_byte_for_byte(declaration: str) -> None:
    xml = (declaration + BARE).encode()
    assert readback.document(xml) == xml
    assert readback.element(xml) == BARE.encode()


def test_a_bare_document_gets_a_declaration_and_nothing_else() -> None:
    assert readback.document(BARE.encode()) == readback.DECLARATION + BARE.encode()
    assert readback.element(f"\n {BARE} \n".encode()) == BARE.encode()


def test_what_stands_before_the_declaration_is_cut_off() -> None:
    for before in (b"\n  ", b"\xef\xbb\xbf"):
        assert readback.document(before + DECLARED.encode()) == DECLARED.encode()
        assert readback.element(before + DECLARED.encode()) == BARE.encode()


def test_another_instruction_is_no_declaration() -> None:
    xml = b'<?xml-stylesheet href="x"?><a/>'
    assert readback.document(xml) == readback.DECLARATION + xml
    assert readback.element(xml) == xml


@pytest.mark.parametrize(
    ("encoding", "declared", "mark"),
    [
        ("utf-16", "utf-16", b""),
        ("utf-16", None, b""),
        ("utf-16-le", "utf-16", b""),
        ("utf-16-le", None, b"\xff\xfe"),
        ("utf-16-be", "utf-16", b"\xfe\xff"),
        ("iso-8859-1", "iso-8859-1", b""),
        ("windows-1252", "Windows-1252", b""),
    ],
)
def test_other_encodings_come_out_in_utf_8(encoding: str, declared: str | None, mark: bytes) -> None:
    head = f"<?xml version='1.0' encoding='{declared}'?>" if declared else ""
    xml = mark + (head + '<a x="1"><b>é &amp; ü</b></a>').encode(encoding)
    assert readback.element(xml).decode() == '<a x="1"><b>é &amp; ü</b></a>'
    assert readback.document(xml).startswith(b"<?xml version='1.0' encoding='utf-8'?>")
