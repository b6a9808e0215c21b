"""Connections that check where they lead, pooled under ``requests``.

They belong to the attempt that runs in their thread (:mod:`formrelay.hooks.attempt`) and end in its AttemptError.
"""

from __future__ import annotations

import http.client
import ssl
import threading
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from formrelay import clock
from formrelay.hooks.attempt import Attempt, AttemptError

if TYPE_CHECKING:
    import socket

# Servers close idle connections after 5 s or more, but gunicorn, which many receivers run on, after 2; and a frozen
# sandbox does not see it. Below that a reused connection is alive, except for a race.
MAX_IDLE = 1.5
# Pools (one per host) and connections kept in each; together well below the 1,024 open files of a function.
POOLS, POOL_SIZE = 16, 32

_running = threading.local()


def begin(attempt: Attempt) -> None:
    """Makes this the attempt that connections of this thread belong to."""
    _running.attempt = attempt


def end() -> None:
    """No attempt runs in this thread any more."""
    del _running.attempt


class _Response(http.client.HTTPResponse):
    """Skips all interim answers but 101, where the standard library skips 100 alone."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:  # ends with the budget of the head
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 102 <= status <= 199:
                return version, status, reason
            http.client.parse_headers(self.fp)


class _Connection(HTTPConnection):
    """Connects through the attempt of its thread and turns each fault of the destination into an AttemptError."""

    response_class = _Response
    idle_since = 0.0

    @property
    def is_connected(self) -> bool:
        return clock.now() - self.idle_since < MAX_IDLE and super().is_connected

    def _new_conn(self) -> socket.socket:
        attempt: Attempt = _running.attempt
        return attempt.connect(self._dns_host, self.port)

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            _running.attempt.adopt(self.sock)
        try:
            super().request(*args, **kwargs)
        except (BrokenPipeError, ConnectionResetError):
            raise  # urllib3 goes on to read an answer that came early
        except OSError:
            raise _broken() from None
        except (http.client.HTTPException, ValueError):
            raise AttemptError("unusable", "the request cannot be written as HTTP") from None

    def getresponse(self) -> Any:
        try:
            response = super().getresponse()
        except ssl.SSLError as error:
            raise AttemptError("tls", _tls_text(error)) from None
        except OSError:  # also the end of the connection without a byte
            raise _broken() from None
        except (http.client.HTTPException, HTTPError, ValueError):
            raise AttemptError("protocol", "the answer is not valid HTTP") from None
        if response.status < 200:
            self.close()  # after 101 it speaks another protocol
        return response


def _broken() -> AttemptError:
    return AttemptError("broken", "the connection ended before an answer came")


class _TLSConnection(_Connection, HTTPSConnection):
    """The same over TLS; the peer is checked before the first byte of the handshake."""

    def connect(self) -> None:
        attempt: Attempt = _running.attempt
        self.ssl_context = attempt.tls()
        try:
            super().connect()
        except TimeoutError:
            raise AttemptError("tls", "no TLS handshake in time") from None
        except ssl.SSLError as error:
            raise AttemptError("tls", _tls_text(error)) from None
        except OSError:
            raise AttemptError("tls", "the connection ended in the TLS handshake") from None


# What OpenSSL makes, by its version, of an answer that is plain text.
_PLAIN = ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")


def _tls_text(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted: {error.verify_message}"
    if error.reason in _PLAIN:
        return "the server does not speak TLS on that port"
    return f"TLS failed: {error.reason or 'connection closed'}"


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.idle_since = clock.now()
        super()._put_conn(conn)


class _TLSPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class Adapter(HTTPAdapter):
    """Pools of guarded connections; the TLS context does all verification and is loaded once."""

    def __init__(self) -> None:
        super().__init__(pool_connections=POOLS, pool_maxsize=POOL_SIZE)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: a path to a bundle here would be loaded again for each connection."""

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """The answer without cookies, and without reading anything of its body."""
        response = requests.Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        response.request = req
        response.url = req.url or ""
        return response
