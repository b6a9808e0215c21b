"""multipart/form-data in one piece (RFC 7578), as ODK Collect, browsers and scripts send it.

Own code because no locked library does it: ``email`` decodes what must stay bytes, and is slow. The whole
body is at hand, so the parser is a search for the boundary.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from formrelay.openrosa.errors import MultipartError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PARTS = 520
"""As many files as a submission can have, and the fields beside them."""
MAX_HEADER_BYTES = 16_384
"""Of all header lines of one part together."""
MAX_NAME_BYTES = 4_096
MAX_BOUNDARY_BYTES = 200

_DELIMITER_END = re.compile(rb"[ \t]*\r\n")
_CLOSE_END = re.compile(rb"--[ \t]*(?:\r\n|\Z)")
_PARAMETER_NAME = re.compile(r";\s*([^\s=;\"]+)\s*=\s*")
_TOKEN = re.compile(r"[^\s;\"]+")
_REST_IS_PARAMETERS = re.compile(r"\s*(?:\Z|;\s*[^\s=;\"]+\s*=)")
_PERCENT_IN_QUOTES = re.compile(r"%(22|0[dD]|0[aA])")
_PIECE = re.compile(r"(.+)\*([0-9]{1,3})(\*?)")
_EXTENDED = re.compile(r"([A-Za-z0-9-]+)'[^']*'(.*)", re.DOTALL)


_Pieces = dict[int, tuple[str, bool]]
"""Number of a piece → its text, and whether that is percent-encoded."""


class Part(NamedTuple):
    """One part; a part without a file name, or with an empty one, is a form field, not a file."""

    name: str
    filename: str | None
    content_type: str | None
    data: bytes


def parse(content_type: str, body: bytes) -> list[Part]:
    """The parts of a body, in order; ``content_type`` is the request's header with the boundary.

    Names are kept byte for byte (UTF-8; Latin-1 where they are not UTF-8), with path separators; only
    their escapes are undone. Raises MultipartError.
    """
    delimiter = b"--" + _boundary(content_type)
    return [_part(body, start, end) for start, end in _spans(body, delimiter)]


def _boundary(content_type: str) -> bytes:
    kind, semicolon, rest = content_type.partition(";")
    if kind.strip().lower() != "multipart/form-data":
        raise MultipartError("the content type is not multipart/form-data")
    boundary = _parameters(semicolon + rest).get("boundary", "")
    try:
        encoded = boundary.encode("latin-1")
    except UnicodeEncodeError:
        raise MultipartError("the boundary is not usable") from None
    if not 0 < len(encoded) <= MAX_BOUNDARY_BYTES:
        raise MultipartError("no usable boundary in the content type")
    return encoded


def _spans(body: bytes, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each part, headers included. Raises MultipartError when the last boundary is missing."""
    # A body begins with a delimiter line, or with a preamble that one follows.
    found = _delimiter_after(
        body, delimiter, 0 if body.startswith(delimiter) else body.find(b"\r\n" + delimiter)
    )
    count = 0
    while not found.last:
        count += 1
        if count > MAX_PARTS:
            raise MultipartError(f"more than {MAX_PARTS} parts")
        # The line break of a delimiter line may be the one before the next delimiter: a part of no bytes.
        following = _delimiter_after(body, delimiter, body.find(b"\r\n" + delimiter, found.end - 2))
        yield found.end, max(following.start, found.end)
        found = following


class _Delimiter(NamedTuple):
    start: int
    """Of its line break, where one precedes it."""
    end: int
    last: bool


def _delimiter_after(body: bytes, delimiter: bytes, start: int) -> _Delimiter:
    """The delimiter line at ``start`` or the next one; text that only begins like it is data."""
    while start >= 0:
        end = start + len(delimiter) + (2 if body.startswith(b"\r\n", start) else 0)
        if match := _DELIMITER_END.match(body, end):
            return _Delimiter(start, match.end(), last=False)
        if match := _CLOSE_END.match(body, end):
            return _Delimiter(start, match.end(), last=True)
        start = body.find(b"\r\n" + delimiter, end)
    raise MultipartError(_what_is_missing(body, delimiter))


def _what_is_missing(body: bytes, delimiter: bytes) -> str:
    if delimiter not in body:
        return "the boundary that the content type names is not in it"
    return "the closing boundary is missing" if b"\r\n" in body else "its lines do not end with CR and LF"


def _part(body: bytes, start: int, end: int) -> Part:
    data_start = start + 2
    if not body.startswith(b"\r\n", start):
        blank = body.find(b"\r\n\r\n", start, min(end, start + MAX_HEADER_BYTES + 4))
        if blank < 0:
            raise MultipartError("the headers of a part do not end, or are too long")
        data_start = blank + 4
    headers = _headers(body[start : data_start - 2])
    kind, semicolon, rest = headers.get("content-disposition", "").partition(";")
    parameters = _parameters(semicolon + rest)
    if kind.strip().lower() != "form-data" or "name" not in parameters:
        raise MultipartError("a part has no name")
    if headers.get("content-type", "").lower().startswith("multipart/"):
        # As curl writes -F "files=@a.jpg,b.jpg"; taken for a field, they would be lost.
        raise MultipartError("each file needs a part of its own")
    return Part(
        name=_bounded(parameters["name"]),
        filename=_bounded(parameters.get("filename", "")) or None,
        content_type=headers.get("content-type") or None,
        data=_decoded(body[data_start:end], headers.get("content-transfer-encoding", "")),
    )


def _headers(block: bytes) -> dict[str, str]:
    """Header lines by lower-case name; a line that starts with a space continues the one before."""
    headers: dict[str, str] = {}
    name = ""
    for line in _text(block).split("\r\n"):
        if line[:1] in (" ", "\t") and name:
            headers[name] += " " + line.strip()
        elif line:
            name, colon, value = line.partition(":")
            if not colon:
                raise MultipartError("a header line of a part has no colon")
            name = name.strip().lower()
            headers[name] = value.strip()
    return headers


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _parameters(text: str) -> dict[str, str]:
    """``; key=value`` pairs of a header.

    ``key*`` (RFC 5987) is decoded and wins over ``key``; so does ``key*0``, ``key*1``, … (RFC 2231), put together.
    """
    plain: dict[str, str] = {}
    extended: dict[str, str] = {}
    pieces: dict[str, _Pieces] = {}
    position = 0
    while match := _PARAMETER_NAME.search(text, position):
        key = match[1].lower()
        if text.startswith('"', match.end()):
            value, position = _quoted(text, match.end() + 1)
        else:
            token = _TOKEN.match(text, match.end())
            value, position = (token[0], token.end()) if token else ("", match.end())
        if piece := _PIECE.fullmatch(key):
            pieces.setdefault(piece[1], {})[int(piece[2])] = value, bool(piece[3])
        elif key.endswith("*"):
            extended[key[:-1]] = _extended(value)
        else:
            plain.setdefault(key, value)
    return plain | {key: _joined(found) for key, found in pieces.items()} | extended


def _joined(pieces: _Pieces) -> str:
    """A value that came in pieces, as libraries for mail write long names."""
    if sorted(pieces) != list(range(len(pieces))):
        raise MultipartError("a piece of a name is missing")
    if not any(encoded for _, encoded in pieces.values()):
        return "".join(pieces[i][0] for i in range(len(pieces)))
    return _extended(
        "".join(value if encoded else quote(value) for _, (value, encoded) in sorted(pieces.items()))
    )


def _quoted(text: str, start: int) -> tuple[str, int]:
    """The value of a quoted string and the position behind it.

    Two ways of escaping are in use: a backslash before a quote and a backslash (RFC 822, older curl,
    Go), or ``%22``, ``%0D``, ``%0A`` with raw backslashes (browsers, requests, OkHttp). So a backslash
    escapes nothing else, and not a quote after which the header plainly goes on.
    """
    value: list[str] = []
    position = start
    while position < len(text):
        char = text[position]
        if char == '"':
            return _PERCENT_IN_QUOTES.sub(_unpercent, "".join(value)), position + 1
        following = text[position + 1 : position + 2]
        escapes = following == "\\" or (
            following == '"' and not _REST_IS_PARAMETERS.match(text, position + 2)
        )
        if char == "\\" and escapes:
            value.append(following)
            position += 2
        else:
            value.append(char)
            position += 1
    raise MultipartError("a quoted name does not end")


def _unpercent(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


def _extended(value: str) -> str:
    match = _EXTENDED.fullmatch(value)
    charset = match[1].lower() if match else ""
    if match is None or charset not in ("utf-8", "iso-8859-1"):
        raise MultipartError("an extended name is neither UTF-8 nor ISO-8859-1")
    try:
        return unquote_to_bytes(match[2]).decode(charset)
    except UnicodeDecodeError:
        raise MultipartError("an extended name is not in its charset") from None


def _bounded(name: str) -> str:
    if len(name.encode()) > MAX_NAME_BYTES:
        raise MultipartError(f"a name is longer than {MAX_NAME_BYTES} bytes")
    return name


def _decoded(data: bytes, encoding: str) -> bytes:
    """Undo the encodings of mail, which a few HTTP libraries still apply; all others leave bytes as they are."""
    encoding = encoding.lower()
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data)
    if encoding != "base64":
        return data
    try:
        return base64.b64decode(data)
    except binascii.Error:
        raise MultipartError("a part is not the base64 it says it is") from None
