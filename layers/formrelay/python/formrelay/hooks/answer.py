"""What a log keeps of a destination's answer: a bounded text (contract rest-services §3, design §4)."""

from __future__ import annotations

import http.client
import json
import re
import zlib
from typing import TYPE_CHECKING

from urllib3.exceptions import HTTPError

from formrelay.hooks.attempt import AttemptError

if TYPE_CHECKING:
    from urllib3.response import HTTPResponse

READ_LIMIT = 16 * 1024
MESSAGE_LIMIT = 4096
CUT = " … [cut]"
_LOCATION_LIMIT = 500
_WINDOW_BITS = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}
_LATIN = frozenset({"iso-8859-1", "latin-1", "latin1", "us-ascii", "windows-1252", "cp1252"})
_TAG = re.compile(r"<[^<>]*>")
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]{1,40})", re.IGNORECASE)


def read(raw: HTTPResponse) -> tuple[bytes, bool]:
    """At most READ_LIMIT bytes of the body as they came, and whether there was more or it did not come in time.

    The connection goes back to its pool after a whole body and is closed otherwise.
    """
    data = bytearray()
    whole = False
    try:
        while len(data) <= READ_LIMIT:
            piece = raw.read1(READ_LIMIT + 1 - len(data), decode_content=False)
            if not piece:
                whole = True
                break
            data += piece
    except (AttemptError, HTTPError, http.client.HTTPException, OSError, ValueError):
        pass  # the status line is the verdict; what came of the body will do
    if not whole:
        raw.close()
    raw.release_conn()
    return bytes(data[:READ_LIMIT]), not whole


def message(data: bytes, cut: bool, content_type: str, encoding: str) -> str:
    """The body as the log shows it: JSON verbatim, else with each tag as a space; at most MESSAGE_LIMIT bytes."""
    encoding = encoding.strip().lower()
    if encoding not in ("", "identity"):
        inflated = _inflate(data, encoding)
        if inflated is None:
            return f"({encoding[:40]}-encoded body)"
        data, more = inflated
        cut = cut or more
    charset = _CHARSET.search(content_type)
    latin = charset is not None and charset[1].lower() in _LATIN
    text = data.decode("cp1252" if latin else "utf-8", "replace")
    if not _is_json(text) and not (cut and text.lstrip().startswith(("{", "["))):
        text = _TAG.sub(" ", text).replace("\0", " ").strip()
    return shorten(text, cut)


def _inflate(data: bytes, encoding: str) -> tuple[bytes, bool] | None:
    """The first READ_LIMIT bytes of a compressed body, and whether there is more; None for what we can't read."""
    for window in _WINDOW_BITS.get(encoding, ()):
        inflater = zlib.decompressobj(window)
        try:
            return inflater.decompress(data, READ_LIMIT), not inflater.eof
        except zlib.error:
            continue
    return None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def shorten(text: str, cut: bool = False) -> str:
    """The text within MESSAGE_LIMIT bytes of UTF-8, its end marked if something is missing."""
    data = text.encode("utf-8", "replace")
    if len(data) <= MESSAGE_LIMIT and not cut:
        return data.decode()
    mark = CUT.encode()
    return data[: MESSAGE_LIMIT - len(mark)].decode("utf-8", "ignore") + CUT


def without_query(url: str) -> str:
    """The URL as logs and mails may have it: a query may hold a secret, which receivers repeat when they redirect."""
    head, mark, _ = url.partition("?")
    return f"{head}?…" if mark else head


def location(value: str | None) -> str:
    """A ``Location`` header as one short line, without its query."""
    line = "".join(char if char.isprintable() else " " for char in value or "")
    return without_query(line)[:_LOCATION_LIMIT].strip() or "no Location"
