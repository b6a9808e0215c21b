"""A real destination for hooks on a loopback address: what it answers can be switched, what it gets is kept.

    with Receiver() as receiver:
        receiver.answer = Answer(503, headers={"Retry-After": "120"})
        ...
        assert receiver.requests[0].json() == {...}

Bad manners are one field each of :class:`Answer`, or any bytes at all through ``raw``. Loops end with the receiver.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import socket
import ssl
import tempfile
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

_MAX_SENT = 1 << 30
_BLOCK = b"x" * 65_536


@dataclass(frozen=True)
class Answer:
    """What the receiver does with one request.

    ``delay`` seconds before the first byte; ``head_drip`` / ``drip`` seconds between the bytes of the head / body;
    ``endless`` a chunked body that never ends; ``interim`` so many ``103`` before the answer; ``hang_up`` closes the
    connection instead of answering, ``reset`` does it with RST; ``raw`` is sent as it is instead of all that, and the
    connection closed; ``close`` ends the connection after the answer.
    """

    status: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0
    head_drip: float = 0
    drip: float = 0
    endless: bool = False
    interim: int = 0
    hang_up: bool = False
    reset: bool = False
    raw: bytes | None = None
    close: bool = False


@dataclass(frozen=True)
class Received:
    """One request: header names as they came; ``connection`` numbers the connections from 1."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    at: float
    connection: int

    def header(self, name: str) -> str | None:
        """The value of a header, by any spelling; None without it."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class Receiver:
    """An HTTP server on ``host`` and a free port, over TLS if told so (``ca_file`` then names what to trust).

    ``connections`` and ``closed`` count the connections made and ended so far.
    """

    def __init__(self, host: str = "127.0.0.1", *, tls: bool = False) -> None:
        self.answer = Answer()
        self.script: deque[Answer] = deque()
        self.requests: list[Received] = []
        self.connections = 0
        self.closed = 0
        self.stopping = threading.Event()
        self._tls = tls
        self._server = _Server((host, 0), _Handler)
        self._server.receiver = self
        self.host, self.port = host, int(self._server.server_address[1])
        self.ca_file = certificate() if tls else ""
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.ca_file)
            # The handshake happens in the thread of the connection, with its first read.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def url(self, path: str = "/in", host: str | None = None) -> str:
        """Its address, under another name if given."""
        return f"http{'s' if self._tls else ''}://{host or self.host}:{self.port}{path}"

    def next_answer(self) -> Answer:
        """The next one of ``script``, then ``answer`` for ever."""
        return self.script.popleft() if self.script else self.answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    receiver: Receiver

    def get_request(self) -> tuple[socket.socket, Any]:
        accepted = super().get_request()
        self.receiver.connections += 1
        return accepted

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.receiver.closed += 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: clients that go away are what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 30

    def setup(self) -> None:
        self.number = self.server.receiver.connections
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle_any(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        receiver.requests.append(
            Received(self.command, self.path, list(self.headers.items()), body, time.monotonic(), self.number)
        )
        answer = receiver.next_answer()
        receiver.stopping.wait(answer.delay)
        with contextlib.suppress(OSError):
            self._answer(answer)

    do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_POST = handle_any  # noqa: N815

    def _answer(self, answer: Answer) -> None:
        self.close_connection = answer.close or answer.raw is not None or answer.hang_up or answer.reset
        if answer.reset:
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        elif answer.raw is not None:
            self.wfile.write(answer.raw)
        elif not answer.hang_up:
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * answer.interim)
            self._send(_head(answer), answer.head_drip)
            self._endless() if answer.endless else self._send(answer.body, answer.drip)

    def _send(self, data: bytes, drip: float) -> None:
        if not drip:
            self.wfile.write(data)
            return
        for byte in data:
            self.wfile.write(bytes([byte]))
            if self.server.receiver.stopping.wait(drip):
                return

    def _endless(self) -> None:
        self.close_connection = True
        for _ in range(_MAX_SENT // len(_BLOCK)):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(_BLOCK), _BLOCK))
            if self.server.receiver.stopping.is_set():
                return

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: tests look at ``requests``."""


def _head(answer: Answer) -> bytes:
    headers = dict(answer.headers)
    if answer.endless:
        headers["Transfer-Encoding"] = "chunked"
    elif answer.status not in (204, 304):
        headers.setdefault("Content-Length", str(len(answer.body)))
    lines = [f"HTTP/1.1 {answer.status} Switched", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@cache
def certificate() -> str:
    """A file with a fresh key and self-signed certificate for ``localhost`` and 127.0.0.1, made once a process."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = Path(tempfile.mkdtemp(prefix="formrelay-tls-")) / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return str(file)
