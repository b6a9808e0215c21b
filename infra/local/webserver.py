"""A small HTTP/1.1 server on asyncio, standard library only: the front, the Runtime API and the emulator use it.

Bounded in every direction: size of the head and of the body, time to send a request, connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus

log = logging.getLogger(__name__)

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


Handler = Callable[[Request], Awaitable[Response]]
Refusal = Callable[[int], Response]


@dataclass(frozen=True)
class Limits:
    """Bytes and seconds; ``head`` counts the request line and all header lines."""

    head: int = 64 * 1024
    body: int = 64 * 1024 * 1024
    idle: float = 75.0
    request: float = 60.0
    connections: int = 1000


def plain_refusal(status: int) -> Response:
    """The answer to a request that was not understood or is too large."""
    return text_response(status, HTTPStatus(status).phrase + "\n")


def text_response(status: int, text: str, content_type: str = "text/plain; charset=utf-8") -> Response:
    return Response(status, [("Content-Type", content_type)], text.encode())


class _BadRequestError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Connection(asyncio.Protocol):
    """One client: reads a request, has it answered, then reads the next one."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.buffer = bytearray()
        self.transport: asyncio.Transport | None = None
        self.request: Request | None = None
        self.length: int | None = 0  # bytes of body to come; None: chunked
        self.busy = False
        self.keep = True
        self.peer = "127.0.0.1"
        self.task: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - typing only
        self.transport = transport
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else self.peer
        self.server.connections.add(self)
        if len(self.server.connections) > self.server.limits.connections:
            self._refuse(503)
            return
        self._wait(self.server.limits.idle)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.server.connections.discard(self)
        self._wait(None)
        if self.task is not None and self.server.cancel_on_close:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.busy:
            if len(self.buffer) > self.server.limits.head and self.transport is not None:
                self.transport.pause_reading()
            return
        self._advance()

    # reading

    def _advance(self) -> None:
        try:
            if self.request is None and not self._read_head():
                return
            body = self._read_body()
        except _BadRequestError as error:
            self._refuse(error.status)
            return
        if body is None or self.request is None:
            return
        request, self.request = self.request, None
        request.body = body
        self.busy = True
        self._wait(None)
        self.task = asyncio.ensure_future(self._answer(request))

    def _read_head(self) -> bool:
        while self.buffer[:2] == b"\r\n":  # blank lines before a request are ignored (RFC 9112 2.2)
            del self.buffer[:2]
        end = self.buffer.find(b"\r\n\r\n")
        if max(end, 0) > self.server.limits.head or (end < 0 and len(self.buffer) > self.server.limits.head):
            raise _BadRequestError(431)
        if self.buffer:
            self._wait(self.server.limits.request)
        if end < 0:
            return False
        head = bytes(self.buffer[:end]).decode("latin-1")
        del self.buffer[: end + 4]
        self.request = _parse_head(head, self.peer)
        self.length = _body_length(self.request)
        if self.length is not None and self.length > self.server.limits.body:
            raise _BadRequestError(413)
        connection = self.request.header("connection").lower()
        self.keep = connection != "close" and (
            self.request.version == "HTTP/1.1" or connection == "keep-alive"
        )
        if self.request.header("expect").lower() == "100-continue" and not self.buffer:
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _read_body(self) -> bytes | None:
        if self.length is None:
            return self._read_chunks()
        if len(self.buffer) < self.length:
            return None
        body = bytes(self.buffer[: self.length])
        del self.buffer[: self.length]
        return body

    def _read_chunks(self) -> bytes | None:
        if len(self.buffer) > 2 * self.server.limits.body:
            raise _BadRequestError(413)
        decoded = _decode_chunks(self.buffer, self.server.limits.body)
        if decoded is None:
            return None
        body, used = decoded
        del self.buffer[:used]
        return body

    # answering

    async def _answer(self, request: Request) -> None:
        try:
            response = await self.server.handler(request)
        except asyncio.CancelledError:
            if self.transport is not None:
                self.transport.abort()
            return
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            response = plain_refusal(500)
        self._write(_render(response, keep=self.keep, head_only=request.method == "HEAD"))
        self._finish()

    def _finish(self) -> None:
        self.busy = False
        self.task = None
        if self.transport is None or self.transport.is_closing():
            return
        if not self.keep or self.server.closing:
            self.transport.close()
            return
        self._wait(self.server.limits.idle)
        self.transport.resume_reading()
        if self.buffer:
            self._advance()

    def _refuse(self, status: int) -> None:
        self._write(_render(self.server.refusal(status), keep=False, head_only=False))
        if self.transport is not None:
            self.transport.close()

    def _write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def _wait(self, seconds: float | None) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if seconds is not None:
            self.timer = asyncio.get_running_loop().call_later(seconds, self._timed_out)

    def _timed_out(self) -> None:
        if self.transport is not None:
            self.transport.close()


def bound_socket(host: str, port: int) -> socket.socket:
    """A TCP socket bound to that address. Raises OSError when it is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


class Server:
    """Listens on one loopback address and hands every request to ``handler``.

    ``cancel_on_close`` stops the handler when its client hangs up (long polls); otherwise it runs to its end.
    """

    def __init__(
        self,
        handler: Handler,
        limits: Limits | None = None,
        refusal: Refusal = plain_refusal,
        cancel_on_close: bool = False,
    ) -> None:
        self.handler = handler
        self.limits = limits or Limits()
        self.refusal = refusal
        self.cancel_on_close = cancel_on_close
        self.connections: set[_Connection] = set()
        self.closing = False
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> None:
        """Bind and listen; port 0 takes a free one (see ``port``). Raises OSError when it can't be had."""
        await self.start_on(bound_socket(host, port))

    async def start_on(self, listener: socket.socket) -> None:
        """Listen on a socket that is bound already."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), sock=listener, backlog=1024)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self, grace: float = 0.0) -> None:
        """Stop listening; requests in work get ``grace`` seconds to be answered, then connections are cut."""
        self.closing = True
        if self._server is not None:
            self._server.close()
        tasks = [c.task for c in self.connections if c.task is not None]
        for connection in list(self.connections):
            if connection.task is None and connection.transport is not None:
                connection.transport.close()
        if tasks and grace > 0:
            await asyncio.wait(tasks, timeout=grace)
        for connection in list(self.connections):
            if connection.transport is not None:
                connection.transport.abort()


def _parse_head(head: str, peer: str) -> Request:
    first, *lines = head.split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0") or not parts[0] or not parts[1]:
        raise _BadRequestError(400)
    headers: Headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise _BadRequestError(400)
        headers.append((name.lower(), value.strip(" \t")))
    method, target, version = parts
    if target.startswith(("http://", "https://")):  # absolute form (RFC 9112 3.2.2)
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    return Request(method, target, headers, peer=peer, version=version)


def _body_length(request: Request) -> int | None:
    if request.header("transfer-encoding"):
        if request.header("transfer-encoding").lower() != "chunked":
            raise _BadRequestError(501)
        return None
    lengths = {value for name, value in request.headers if name == "content-length"}
    if not lengths:
        return 0
    length = lengths.pop()
    if lengths or not length.isascii() or not length.isdigit():
        raise _BadRequestError(400)
    return int(length)


def _decode_chunks(buffer: bytearray, limit: int) -> tuple[bytes, int] | None:
    """The body of a chunked request and how many bytes it took, or None while it is incomplete."""
    body = bytearray()
    at = 0
    while True:
        end = buffer.find(b"\r\n", at)
        if end < 0:
            return None
        try:
            size = int(bytes(buffer[at:end]).partition(b";")[0], 16)
        except ValueError:
            raise _BadRequestError(400) from None
        if size < 0 or len(body) + size > limit:
            raise _BadRequestError(413 if size >= 0 else 400)
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


def _render(response: Response, *, keep: bool, head_only: bool) -> bytes:
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
