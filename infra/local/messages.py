"""HTTP/1.1 messages as bytes: requests read strictly, answers written."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus

Headers = list[tuple[str, str]]


@dataclass
class Request:
    """One request: ``target`` as it stood in the request line, header names in lower case, body complete."""

    method: str
    target: str
    headers: Headers
    body: bytes = b""
    peer: str = "127.0.0.1"
    version: str = "HTTP/1.1"

    @property
    def path(self) -> str:
        """The path as it was sent, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What follows the first question mark, still percent-encoded."""
        return self.target.partition("?")[2]

    def header(self, name: str, default: str = "") -> str:
        """The last value of that header (name in lower case)."""
        for key, value in reversed(self.headers):
            if key == name:
                return value
        return default


@dataclass
class Response:
    """An answer; ``Content-Length``, ``Date`` and ``Connection`` are added where they are missing."""

    status: int = 200
    headers: Headers = field(default_factory=list)
    body: bytes = b""


def plain_refusal(status: int) -> Response:
    """The answer to a request that was not understood or is too large."""
    return text_response(status, HTTPStatus(status).phrase + "\n")


def text_response(status: int, text: str, content_type: str = "text/plain; charset=utf-8") -> Response:
    return Response(status, [("Content-Type", content_type)], text.encode())


class BadRequestError(Exception):
    """A request that is refused with ``status``."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def parse_head(head: str, peer: str) -> Request:
    """The request whose request line and headers these are. Raises BadRequestError."""
    first, *lines = head.split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0") or not parts[0] or not parts[1]:
        raise BadRequestError(400)
    headers: Headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequestError(400)
        headers.append((name.lower(), value.strip(" \t")))
    method, target, version = parts
    if target.startswith(("http://", "https://")):  # absolute form (RFC 9112 3.2.2)
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    return Request(method, target, headers, peer=peer, version=version)


def body_length(request: Request) -> int | None:
    """Bytes of body that follow; None for a chunked one. Raises BadRequestError."""
    if request.header("transfer-encoding"):
        if request.header("transfer-encoding").lower() != "chunked":
            raise BadRequestError(501)
        return None
    lengths = {value for name, value in request.headers if name == "content-length"}
    if not lengths:
        return 0
    length = lengths.pop()
    if lengths or not length.isascii() or not length.isdigit():
        raise BadRequestError(400)
    return int(length)


def decode_chunks(buffer: bytearray, limit: int) -> tuple[bytes, int] | None:
    """The body of a chunked request and how many bytes it took, or None while it is incomplete.

    Raises BadRequestError.
    """
    body = bytearray()
    at = 0
    while True:
        end = buffer.find(b"\r\n", at)
        if end < 0:
            return None
        try:
            size = int(bytes(buffer[at:end]).partition(b";")[0], 16)
        except ValueError:
            raise BadRequestError(400) from None
        if size < 0 or len(body) + size > limit:
            raise BadRequestError(413 if size >= 0 else 400)
        at = end + 2
        if size == 0:
            return _skip_trailers(buffer, at, bytes(body))
        if len(buffer) < at + size + 2:
            return None
        body += buffer[at : at + size]
        at += size + 2


def _skip_trailers(buffer: bytearray, at: int, body: bytes) -> tuple[bytes, int] | None:
    while True:
        end = buffer.find(b"\r\n", at)
        if end < 0:
            return None
        if end == at:
            return body, at + 2
        at = end + 2


def render(response: Response, *, keep: bool, head_only: bool) -> bytes:
    """The answer as bytes; ``head_only`` leaves the body out but not its length."""
    with contextlib.suppress(ValueError):
        reason = HTTPStatus(response.status).phrase
        return _join(response, reason, keep=keep, head_only=head_only)
    return _join(response, "", keep=keep, head_only=head_only)


def _join(response: Response, reason: str, *, keep: bool, head_only: bool) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {reason}"]
    names = set()
    for name, value in response.headers:
        names.add(name.lower())
        lines.append(f"{name}: {value}".replace("\r", " ").replace("\n", " "))
    if "content-length" not in names and response.status >= 200 and response.status not in (204, 304):
        lines.append(f"Content-Length: {len(response.body)}")
    if "date" not in names:
        lines.append(f"Date: {formatdate(usegmt=True)}")
    if "connection" not in names:
        lines.append(f"Connection: {'keep-alive' if keep else 'close'}")
    head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
    return head if head_only or response.status in (204, 304) else head + response.body
