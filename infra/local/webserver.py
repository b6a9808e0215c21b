"""A small HTTP/1.1 server on asyncio, standard library only: the front, the Runtime API and the emulator use it.

Bounded in every direction: size of the head and of the body, time to send a request, connections.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from infra.local.messages import (
    BadRequestError,
    Request,
    Response,
    body_length,
    decode_chunks,
    parse_head,
    plain_refusal,
    render,
)

log = logging.getLogger(__name__)

# Seconds that a refused client may go on sending.
LINGER = 3.0

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


class _Connection(asyncio.Protocol):
    """One client: reads a request, has it answered, then reads the next one."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.buffer = bytearray()
        self.transport: asyncio.Transport | None = None
        self.request: Request | None = None
        self.length: int | None = 0  # bytes of body to come; None: chunked
        self.busy = False
        self.refused = False
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
        if self.refused:
            return
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
        except BadRequestError as error:
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
            raise BadRequestError(431)
        if self.buffer:
            self._wait(self.server.limits.request)
        if end < 0:
            return False
        head = bytes(self.buffer[:end]).decode("latin-1")
        del self.buffer[: end + 4]
        self.request = parse_head(head, self.peer)
        self.length = body_length(self.request)
        if self.length is not None and self.length > self.server.limits.body:
            raise BadRequestError(413)
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
            raise BadRequestError(413)
        decoded = decode_chunks(self.buffer, self.server.limits.body)
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
        self._write(render(response, keep=self.keep, head_only=request.method == "HEAD"))
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
        """Answer and close, but go on reading for a while: a client that still sends would otherwise be reset
        before it has seen the answer."""
        self.refused = True
        self.buffer.clear()
        self._write(render(self.server.refusal(status), keep=False, head_only=False))
        if self.transport is not None and self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
        self._wait(LINGER)

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
