"""The request as it goes on the wire, without sending it."""

from __future__ import annotations

import pytest

from formrelay.hooks import http
from formrelay.hooks.payload import UnusableError


def test_what_http_needs_is_added_around_the_headers_in_their_order() -> None:
    url, headers = http.as_sent("http://example.org/in", {"B": "1", "a": b"\xe9"}, b"12345")
    assert url == "http://example.org/in"
    assert headers == [("Host", "example.org"), ("B", "1"), ("a", "é"), ("Content-Length", "5")]


@pytest.mark.parametrize(
    ("url", "sent", "host"),
    [
        ("HTTP://Example.ORG", "http://example.org/", "example.org"),
        ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4", "xn--bcher-kva.example"),
        ("https://example.org:443/", "https://example.org:443/", "example.org"),
        ("https://example.org:80/", "https://example.org:80/", "example.org:80"),
        ("http://[2001:db8::1]:8080/", "http://[2001:db8::1]:8080/", "[2001:db8::1]:8080"),
    ],
)
def test_urls_are_spelled_as_the_client_spells_them(url: str, sent: str, host: str) -> None:
    assert http.as_sent(url, {}, b"x")[0] == sent
    assert http.as_sent(url, {}, b"x")[1][0] == ("Host", host)


@pytest.mark.parametrize("url", ["http://", "http://u:p@example.org/", "http://[::1", "http://x:99999/"])
def test_a_url_that_cannot_be_sent_is_unusable(url: str) -> None:
    with pytest.raises(UnusableError, match="the URL"):
        http.as_sent(url, {}, b"x")


def test_a_header_that_cannot_be_sent_is_unusable() -> None:
    with pytest.raises(UnusableError):
        http.as_sent("http://example.org", {"A": "x\r\ny"}, b"x")
