from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formrelay.hooks.answer import CUT, MESSAGE_LIMIT, READ_LIMIT, location, message


def _text(data: bytes, content_type: str = "", encoding: str = "", *, cut: bool = False) -> str:
    return message(data, cut, content_type, encoding)


def test_json_is_kept_to_the_letter() -> None:
    assert _text(b' {"error": "<b>no</b>"} ') == ' {"error": "<b>no</b>"} '


def test_in_other_texts_each_tag_becomes_a_space() -> None:
    assert _text(b"<html><p>Bad\ngateway</p>\n</html>") == "Bad\ngateway"
    assert _text(b"a < b <br> c") == "a < b   c"


def test_a_text_is_utf8_unless_the_answer_says_latin() -> None:
    assert _text("né".encode()) == "né"
    assert _text(b"n\xe9", "text/plain; charset=ISO-8859-1") == "né"
    assert _text(b"n\xe9") == "n\ufffd"
    assert _text(b"+ADw-", "text/plain; charset=utf-7") == "+ADw-"


def test_a_long_text_ends_with_a_mark_within_4096_bytes() -> None:
    text = _text(("ü" * 10_000).encode())
    assert text.endswith(CUT)
    assert MESSAGE_LIMIT - 4 < len(text.encode()) <= MESSAGE_LIMIT
    assert _text(b"x" * MESSAGE_LIMIT) == "x" * MESSAGE_LIMIT


def test_a_text_that_was_cut_on_the_way_is_marked_and_json_of_it_kept() -> None:
    assert _text(b"abc", cut=True) == f"abc{CUT}"
    assert _text(b'{"a": "<b>', cut=True) == f'{{"a": "<b>{CUT}'


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", gzip.compress(b"packed", mtime=0)),
        ("GZIP ", gzip.compress(b"packed", mtime=0)),
        ("deflate", zlib.compress(b"packed")),
        ("deflate", zlib.compress(b"packed")[2:-4]),
        ("identity", b"packed"),
    ],
)
def test_a_packed_text_is_unpacked(encoding: str, data: bytes) -> None:
    assert _text(data, "", encoding) == "packed"


def test_a_compression_bomb_is_unpacked_no_further_than_the_limit() -> None:
    bomb = gzip.compress(b"\0" * 10_000_000, mtime=0)
    assert len(bomb) < READ_LIMIT
    assert len(_text(bomb, "", "gzip").encode()) <= MESSAGE_LIMIT


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip"])
def test_a_packed_text_that_we_cannot_read_is_named(encoding: str) -> None:
    assert _text(b"\x00\x01\x02", "", encoding) == f"({encoding}-encoded body)"


def test_deep_json_is_only_text() -> None:
    assert _text(b"[" * READ_LIMIT).startswith("[[[")


def test_a_location_is_one_short_line() -> None:
    assert location("https://a/\r\nX: y") == "https://a/  X: y"
    assert len(location("x" * 9999)) == 500
    assert location(None) == location("") == "no Location"
    assert location("https://a/in?token=secret#x") == "https://a/in?…"


@given(st.binary(max_size=300), st.sampled_from(["", "gzip", "deflate", "br"]), st.booleans())
def test_any_bytes_give_a_text_that_can_be_stored(data: bytes, encoding: str, cut: bool) -> None:
    assert len(_text(data, "text/html", encoding, cut=cut).encode()) <= MESSAGE_LIMIT


def test_a_page_of_open_brackets_takes_no_time_to_speak_of() -> None:
    # A pattern that scans to the end from each bracket would take minutes here.
    assert _text(b"<" * 2_000_000).startswith("<<<")
