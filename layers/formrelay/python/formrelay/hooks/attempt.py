"""One POST under way: its deadline, its budget, and sockets that obey both.

Every socket operation runs against the attempt's one deadline and budget of received bytes, in the thread of the
attempt: no watchdog that could fire late or hit a socket already given to another attempt.
"""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from formrelay.hooks import guard, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from formrelay.hooks.ladder import Kind

    Resolver = Callable[[str, int, float], list[str]]

T = TypeVar("T")

DNS_TIMEOUT = 5.0
# Of several addresses, only the first ones are tried.
MAX_ADDRESSES = 3
# Received bytes: status line and headers, interim answers included; then the body with its chunk framing.
HEAD_BUDGET = BODY_BUDGET = 64 * 1024


class AttemptError(Exception):
    """The attempt is over. ``text`` is for the hook's owner: no URL, no header, nothing that was sent."""

    def __init__(self, kind: Kind, text: str) -> None:
        super().__init__(kind, text)
        self.kind: Kind = kind
        self.text = text


@dataclass(slots=True)
class Attempt:
    """One POST under way: its limits, and the peer once there is one. ``deadline`` is on the monotonic clock."""

    policy: guard.Policy
    resolver: Resolver
    tls: Callable[[], ssl.SSLContext]
    connect_timeout: float
    total: float
    deadline: float
    budget: int = HEAD_BUDGET
    address: str | None = None

    def left(self) -> float:
        """Seconds to the deadline. Raises AttemptError when there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise self.late()
        return left

    def late(self) -> AttemptError:
        """The end of an attempt whose time is over."""
        return AttemptError("timeout", f"no complete answer within {self.total:g} seconds")

    def connect(self, host: str, port: int) -> _Socket:
        """A socket connected to an allowed address of ``host``, if all its addresses are allowed (I7)."""
        try:
            addresses = self.resolver(host, port, min(DNS_TIMEOUT, self.left()))
        except resolve.DnsError as error:
            raise AttemptError("dns", str(error)) from None
        if not all(guard.allowed(address, self.policy) for address in addresses):
            raise AttemptError("forbidden", "")
        failure = AttemptError("dns", "the name does not resolve")
        for address in addresses[:MAX_ADDRESSES]:
            if time.monotonic() >= self.deadline:
                break
            try:
                return self._connect(address, port)
            except TimeoutError:
                failure = AttemptError("connect", f"no connection within {self.connect_timeout:g} seconds")
            except OSError as error:
                failure = AttemptError("connect", f"no connection: {error.strerror or 'failed'}")
        raise failure

    def _connect(self, address: str, port: int) -> _Socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = _Socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(min(self.connect_timeout, self.left()))
            sock.connect((address, port))
            self.adopt(sock)
            # For the TLS handshake, which runs beneath the methods of the socket.
            sock.settimeout(self.left())
        except BaseException:
            sock.close()
            raise
        return sock

    def adopt(self, sock: Any) -> None:
        """Puts a connected socket, new or reused, under this attempt once its real peer is allowed."""
        peer = sock.getpeername()[0]
        if not guard.allowed(peer, self.policy):
            raise AttemptError("forbidden", "")
        self.address = peer
        sock.attempt = self


class _Socket(socket.socket):
    """Plain socket under an attempt."""

    attempt: Attempt

    def recv_into(self, *args: Any) -> int:
        return _receive(self, super().recv_into, *args)

    def sendall(self, *args: Any) -> None:
        _timed(self, super().sendall, *args)


class _TLSSocket(ssl.SSLSocket):
    """TLS socket under an attempt; its ``sendall`` is a loop over ``send``."""

    attempt: Attempt

    def recv_into(self, *args: Any) -> int:
        return _receive(self, super().recv_into, *args)

    def send(self, *args: Any) -> int:
        return _timed(self, super().send, *args)


def _timed(sock: _Socket | _TLSSocket, call: Callable[..., T], *args: Any) -> T:
    sock.settimeout(sock.attempt.left())
    try:
        return call(*args)
    except TimeoutError:
        raise sock.attempt.late() from None


def _receive(sock: _Socket | _TLSSocket, call: Callable[..., int], *args: Any) -> int:
    count = _timed(sock, call, *args)
    sock.attempt.budget -= count
    if sock.attempt.budget < 0:
        raise AttemptError("protocol", "the answer is too long")
    return count


def tls_context(ca_file: str) -> ssl.SSLContext:
    """A verifying context whose sockets obey the attempt they belong to."""
    context = ssl.create_default_context(cafile=ca_file)
    context.sslsocket_class = _TLSSocket
    return context
