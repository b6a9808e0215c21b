"""Names, types and addresses of media files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formrelay.forms import media


@given(st.text(max_size=300))
def test_a_name_is_one_part_of_a_path_or_none(path: str) -> None:
    name = media.base_name(path)
    if name is not None:
        assert name.strip() == name
        assert not set(name) & set("/\\\n\r\0")
        assert 0 < len(name.encode(errors="replace")) <= media.MAX_NAME
        assert media.base_name(name) == name


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a.csv", "http://example.org:8080/a.csv?b=c#d", "HTTPS://EXAMPLE.ORG", "http://10.0.0.1/",
        "https://example.org?x=1", "https://example.org/%C3%B1.csv",
    ],
)  # fmt: skip
def test_an_address_is_taken(url: str) -> None:
    assert media.is_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "", "example.org/a.csv", "//example.org/a", "file:///etc/passwd", "javascript:alert(1)", "https://",
        "https:///a", "https://a@b/", "https://a:b@c/", "https://exa mple.org/", "https://example.org/ñ.csv",
        "https://example.org/a\n", "https://example.org\\@b/a", "https://example.org:99999999/",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_not_taken(url: str) -> None:
    assert not media.is_url(url)


@given(st.text(max_size=100))
def test_an_address_can_stand_in_a_header(text: str) -> None:
    if media.is_url(f"https://example.org/{text}"):
        assert text.isascii()
        assert text.isprintable()
        assert " " not in text
