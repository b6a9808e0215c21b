"""Bodies that a client compressed (Content-Encoding), undone within bounds."""

from __future__ import annotations

import zlib

from formrelay.errors import ApiError, detail

MAX_INFLATED = 6_000_000
"""Bytes: as many as could have come without compression."""
_GZIP = ("gzip", "x-gzip")
_MAGIC = b"\x1f\x8b"  # begins no text, and no body of parts
_WINDOW = 31  # of gzip alone


def decoded(body: bytes, coding: str) -> bytes:
    """The body behind a ``Content-Encoding``, which may be empty.

    Raises ApiError 415 for a coding other than gzip, 400 where it is not what was announced, 413 beyond
    ``MAX_INFLATED``.
    """
    coding = coding.strip().lower()
    if not body or coding in ("", "identity"):
        return body
    if coding not in _GZIP:
        text = f'Unsupported content encoding "{coding[:100]}" in request.'
        raise ApiError(415, {"detail": text}, {"Accept-Encoding": "gzip"})
    if not body.startswith(_MAGIC):
        return body  # a proxy has undone it, and left the header
    inflater = zlib.decompressobj(_WINDOW)
    try:
        inflated = inflater.decompress(body, MAX_INFLATED + 1)
    except zlib.error:
        raise _no_gzip() from None
    if len(inflated) > MAX_INFLATED:
        raise detail(413, "Request body is too large.")
    if not inflater.eof or inflater.unused_data:
        raise _no_gzip()
    return inflated


def _no_gzip() -> ApiError:
    return detail(400, "The body is not in gzip, as its Content-Encoding says.")
