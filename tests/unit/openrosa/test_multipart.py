"""multipart/form-data, as different clients write it."""

from __future__ import annotations

import contextlib
import time
from email.message import EmailMessage

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from formrelay.openrosa import multipart
from formrelay.openrosa.errors import MultipartError
from formrelay.openrosa.multipart import Part

TYPE = "multipart/form-data; boundary=xyz"


def body(*parts: bytes) -> bytes:
    return b"".join(b"--xyz\r\n" + part + b"\r\n" for part in parts) + b"--xyz--\r\n"


def one(disposition: str | bytes, data: bytes = b"data", headers: bytes = b"") -> Part:
    """The part that is read from a body with these headers."""
    raw = disposition.encode() if isinstance(disposition, str) else disposition
    (part,) = multipart.parse(TYPE, body(b"Content-Disposition: " + raw + b"\r\n" + headers + b"\r\n" + data))
    return part


# Bodies


def test_fields_and_files_are_told_apart_and_stay_in_order() -> None:
    parts = multipart.parse(
        TYPE,
        body(
            b'Content-Disposition: form-data; name="xml_submission_file"; filename="s.xml"\r\n'
            b"Content-Type: text/xml\r\n\r\n<f/>",
            b'Content-Disposition: form-data; name="*isIncomplete*"\r\n\r\nyes',
            b"content-disposition:form-data;name=a;filename=b.jpg\r\nCONTENT-TYPE: image/jpeg\r\n\r\n\xff\xd8\r\n\x00",
        ),
    )
    assert parts == [
        Part("xml_submission_file", "s.xml", "text/xml", b"<f/>"),
        Part("*isIncomplete*", None, None, b"yes"),
        Part("a", "b.jpg", "image/jpeg", b"\xff\xd8\r\n\x00"),
    ]


def test_two_files_under_one_name_are_both_there() -> None:
    header = b'Content-Disposition: form-data; name="a"; filename="%s"\r\n\r\n%s'
    parts = multipart.parse(TYPE, body(header % (b"1", b"x"), header % (b"2", b"y")))
    assert [(part.filename, part.data) for part in parts] == [("1", b"x"), ("2", b"y")]


def test_a_part_may_hold_nothing_or_line_breaks_only() -> None:
    assert one('form-data; name="a"', b"").data == b""
    assert one('form-data; name="a"', b"\r\n\r\n").data == b"\r\n\r\n"


def test_a_body_may_have_no_parts() -> None:
    assert multipart.parse(TYPE, b"--xyz--") == []


def test_text_that_only_begins_like_the_boundary_is_data() -> None:
    data = b"\r\n--xyzzy\r\n--xyz-\r\n--xyz--no\r\n--xy"
    assert one('form-data; name="a"', data).data == data


def test_preamble_epilogue_and_padding_are_skipped() -> None:
    part = b'--xyz \t\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    raw = b"ignored\r\n" + part + b"--xyz-- \r\nalso ignored\r\n--xyz\r\n"
    assert multipart.parse(TYPE, raw) == [Part("a", None, None, b"1")]


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ('Multipart/Form-Data; boundary="a b;c"', b"a b;c"),
        ("multipart/form-data; charset=utf-8; boundary=xyz", b"xyz"),
        ("multipart/form-data;boundary=----WebKitFormBoundaryA1b2 ", b"----WebKitFormBoundaryA1b2"),
        ("multipart/form-data; BOUNDARY=x'()+_,-./:=?y", b"x'()+_,-./:=?y"),
    ],
)
def test_boundaries_are_found(content_type: str, boundary: bytes) -> None:
    raw = b'--%s\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--%s--' % (boundary, boundary)
    assert [part.data for part in multipart.parse(content_type, raw)] == [b"1"]


def test_a_continued_header_line_is_one_line() -> None:
    assert one('form-data; name="a";\r\n filename="b.txt"').filename == "b.txt"


def test_quoted_printable_parts_are_decoded() -> None:
    encoding = b"Content-Transfer-Encoding: Quoted-Printable\r\n"
    assert one('form-data; name="a"', b"<a b=3D'=C3=A9'>=\r\n</a>", encoding).data == "<a b='é'></a>".encode()
    assert one('form-data; name="a"', b"=3D", b"Content-Transfer-Encoding: 8bit\r\n").data == b"=3D"


def test_base64_parts_are_decoded() -> None:
    assert one('form-data; name="a"', b"AAE=", b"Content-Transfer-Encoding: BASE64\r\n").data == b"\x00\x01"
    assert one('form-data; name="a"', b"AAE=", b"Content-Transfer-Encoding: binary\r\n").data == b"AAE="


# Names


@pytest.mark.parametrize(
    ("parameter", "filename"),
    [
        ('filename="front door-10.jpg"', "front door-10.jpg"),
        ('filename="Björn \u200b.jpg"', "Björn \u200b.jpg"),
        ('filename=" a "', " a "),
        ('filename="a%22b%0D%0a.jpg"', 'a"b\r\n.jpg'),
        ('filename="100%41%zz.jpg"', "100%41%zz.jpg"),
        (r'filename="a\"b\\c.jpg"', r'a"b\c.jpg'),
        (r'filename="C:\temp\a.jpg"', r"C:\temp\a.jpg"),
        ('filename="a\\"', "a\\"),
        (r'filename="a\"; b.jpg"', 'a"; b.jpg'),
        ('filename="a; filename=b; name=c.jpg"', "a; filename=b; name=c.jpg"),
        ('filename="../../etc/passwd"', "../../etc/passwd"),
        ("filename=plain.jpg", "plain.jpg"),
        ("filename*=UTF-8''na%C3%AFve%20%22x%22.jpg", 'naïve "x".jpg'),
        ("filename*=utf-8'en'a.jpg", "a.jpg"),
        ("filename*=iso-8859-1''%E9.jpg", "é.jpg"),
        ("filename=\"a.jpg\"; filename*=UTF-8''%C3%A9.jpg", "é.jpg"),
        ("filename*=UTF-8''%C3%A9.jpg; filename=\"a.jpg\"", "é.jpg"),
        ('filename*0="front "; filename*1="door.jpg"', "front door.jpg"),
        ("filename*1*=%A9%20; filename*0*=UTF-8''%C3; filename*2=\"100%25.jpg\"", "é 100%25.jpg"),
        ('filename*0=a.jpg; filename="b.jpg"', "a.jpg"),
    ],
)
def test_file_names_are_kept_with_their_escapes_undone(parameter: str, filename: str) -> None:
    assert one(f'form-data; name="a"; {parameter}') == Part("a", filename, None, b"data")


def test_a_long_name_that_a_library_for_mail_wrote_is_read_back() -> None:
    name = "Präsenz " * 12 + ".jpg"
    message = EmailMessage()
    message.add_header("Content-Disposition", "form-data", name="a", filename=name)
    head = message.as_bytes(policy=message.policy.clone(linesep="\r\n")).strip()
    assert b"filename*1*=" in head
    assert multipart.parse(TYPE, body(head + b"\r\n\r\ndata")) == [Part("a", name, None, b"data")]


def test_a_part_with_an_empty_file_name_is_a_field() -> None:
    assert one('form-data; name="a"; filename=""') == Part("a", None, None, b"data")


def test_a_name_that_ends_in_a_backslash_does_not_swallow_the_file_name() -> None:
    assert one('form-data; name="a\\"; filename="b"') == Part("a\\", "b", None, b"data")


def test_a_name_that_is_not_utf_8_is_read_as_latin_1() -> None:
    assert one(b'form-data; name="a"; filename="\xe9.jpg"').filename == "é.jpg"


FIELD_NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(
    # What these stand for depends on the sender; see `_quoted`.
    lambda name: not any(escape in name.upper() for escape in ("\\\\", "%22", "%0D", "%0A"))
)


@given(
    st.lists(
        st.tuples(FIELD_NAME, FIELD_NAME, st.binary(max_size=100), st.sampled_from([None, "image/jpeg"])),
        min_size=1,
        max_size=5,
    )
)
def test_what_requests_encodes_is_read_back(files: list[tuple[str, str, bytes, str | None]]) -> None:
    prepared = requests.Request(
        "POST",
        "http://127.0.0.1/",
        files=[(name, (filename, data, kind)) for name, filename, data, kind in files],
        data={"*isIncomplete*": "yes"},
    ).prepare()
    assert isinstance(prepared.body, bytes)
    parts = multipart.parse(prepared.headers["Content-Type"], prepared.body)
    assert parts == [
        Part("*isIncomplete*", None, None, b"yes"),
        *(Part(name, filename, kind, data) for name, filename, data, kind in files),
    ]


# Refused


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "multipart/mixed; boundary=xyz",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary="xyz',
        "multipart/form-data; boundary=" + "x" * 201,
        "multipart/form-data; boundary=\u20ac",
    ],
)
def test_a_content_type_without_a_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(MultipartError):
        multipart.parse(content_type, body())


NAMED = b'Content-Disposition: form-data; name="a"'


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no boundary at all",
        b"--xyz\r\n" + NAMED + b"\r\n\r\ncut off",
        b"--xyz\r\n" + NAMED + b"\r\n\r\n1\r\n--xyz",
        b"--xyz\r\n--xyz--",
        body(b""),
        body(b"\r\nno headers"),
        body(NAMED),
        body(b"Content-Type: text/plain\r\n\r\nno name"),
        body(b"Content-Disposition: form-data\r\n\r\nno name"),
        body(b'Content-Disposition: attachment; name="a"\r\n\r\nnot a form field'),
        body(b'Content-Disposition: form-data; name="a\r\n\r\nopen quote'),
        body(b"no colon\r\n\r\n"),
        body(NAMED + b"; filename*=UTF-16''%00a\r\n\r\nstrange charset"),
        body(NAMED + b"; filename*=UTF-8''%ff\r\n\r\nnot in its charset"),
        body(NAMED + b"; filename*=plain\r\n\r\nno charset"),
        body(NAMED + b"\r\nContent-Type: Multipart/Mixed; boundary=y\r\n\r\n--y\r\n\r\nb\r\n--y--\r\n"),
        body(NAMED + b"; filename*0=a; filename*2=b\r\n\r\na piece is missing"),
        body(NAMED + b"; filename*0*=a\r\n\r\nno charset"),
        body(NAMED + b"\r\nContent-Transfer-Encoding: base64\r\n\r\nAAE"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(raw: bytes) -> None:
    with pytest.raises(MultipartError, match=r"^\(400, 'Improperly formatted multipart body: .*\.'\)$"):
        multipart.parse(TYPE, raw)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (
            body(NAMED + b"\r\n\r\n1").replace(b"xyz", b"abc"),
            "the boundary that the content type names is not in it",
        ),
        (body(NAMED + b"\r\n\r\n1").replace(b"\r\n", b"\n"), "its lines do not end with CR and LF"),
        (body(NAMED + b"\r\n\r\n1")[:-9], "the closing boundary is missing"),
    ],
)
def test_what_is_missing_is_named(raw: bytes, reason: str) -> None:
    with pytest.raises(MultipartError, match=reason):
        multipart.parse(TYPE, raw)


def test_as_many_parts_as_a_submission_may_need_are_read_and_one_more_is_refused() -> None:
    part = NAMED + b"\r\n\r\n1"
    assert len(multipart.parse(TYPE, body(*[part] * 520))) == 520
    with pytest.raises(MultipartError, match="more than 520 parts"):
        multipart.parse(TYPE, body(*[part] * 521))


def test_headers_of_a_part_are_bounded() -> None:
    def with_header(length: int) -> bytes:
        return body(NAMED + b"\r\nX: " + b"x" * (length - len(NAMED) - 5) + b"\r\n\r\n1")

    assert len(multipart.parse(TYPE, with_header(multipart.MAX_HEADER_BYTES))) == 1
    with pytest.raises(MultipartError, match="too long"):
        multipart.parse(TYPE, with_header(multipart.MAX_HEADER_BYTES + 1))


@pytest.mark.parametrize("parameter", ["name", "filename"])
def test_names_are_bounded_in_bytes(parameter: str) -> None:
    def named(count: int) -> str:
        names = {"name": "a", "filename": "b"} | {parameter: "é" * count}
        return 'form-data; name="{name}"; filename="{filename}"'.format(**names)

    assert one(named(2_048)).data == b"data"
    with pytest.raises(MultipartError, match="longer than 4096 bytes"):
        one(named(2_049))


@given(st.binary(max_size=300), st.booleans())
def test_arbitrary_bytes_give_parts_or_a_typed_error(raw: bytes, framed: bool) -> None:
    try:
        parts = multipart.parse(TYPE, b"--xyz\r\n" + NAMED + raw + b"\r\n--xyz--" if framed else raw)
    except MultipartError as error:
        assert error.status == 400
    else:
        assert all(part.name for part in parts)


@pytest.mark.parametrize(
    "raw",
    [
        b"--xyz\r\n" + NAMED + b"\r\n\r\n" + b"\r\n--xyz!" * 500_000 + b"\r\n--xyz--",
        b"--xyz\r\n" + NAMED + b"\r\n\r\n" + b"\r\n--xy" * 700_000 + b"\r\n--xyz--",
        body(*[NAMED + b'; filename="' + b'\\"; a' * 2_600 + b'"\r\n\r\n'] * 200),
        body(*[NAMED + b"; " + b"; a " * 4_000 + b"\r\n\r\n"] * 200),
    ],
    ids=["false boundaries", "boundary prefixes", "escaped quotes", "loose parameters"],
)
def test_hostile_bodies_take_no_more_than_linear_time(raw: bytes) -> None:
    started = time.process_time()
    with contextlib.suppress(MultipartError):
        multipart.parse(TYPE, raw)
    # Quadratic work on these four megabytes would take minutes.
    assert time.process_time() - started < 10
