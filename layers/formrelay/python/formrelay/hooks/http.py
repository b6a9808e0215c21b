"""The outgoing client: one guarded, bounded POST whose every end is an Outcome (design §4, I7).

``requests`` does the HTTP; the attempt decides where a connection may lead and how long
and how much it may take. No redirects, cookies, proxies or netrc, no second try of any kind.
"""

from __future__ import annotations

import logging
import time
from functools import cache, cached_property
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from formrelay.hooks import answer, resolve, transport
from formrelay.hooks.attempt import BODY_BUDGET, Attempt, AttemptError, tls_context
from formrelay.hooks.ladder import FAILED, Outcome
from formrelay.hooks.payload import UnusableError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from formrelay.hooks.attempt import Resolver
    from formrelay.hooks.guard import Policy
    from formrelay.hooks.ladder import Kind

# What the contract stores for an answer that did not come in time (rest-services §3).
TIMEOUT_STATUS = 504
_RETRY_AFTER_LIMIT = 100
_PORTS = {"http": 80, "https": 443}


class Timeouts(NamedTuple):
    """Seconds: for one TCP connection, and for the whole attempt from name look-up to the end of the answer."""

    connect: float = 3.0
    total: float = 20.0


class Session(requests.Session):
    """Connections under the attempt of their thread; nothing of the environment, no cookies, no redirects."""

    def __init__(self) -> None:
        super().__init__()
        # Its warnings name the URL, which may hold a secret, and any destination can cause them.
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        self.trust_env = False
        self.headers.clear()
        self.cookies.set_policy(DefaultCookiePolicy(netscape=False, rfc2965=False))
        adapter = transport.Adapter()
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """None: requests would read the whole body of a redirect, however long, even when not following it."""
        return None


class Client:
    """Connections and TLS settings of one process; safe to use from many threads.

    ``ca_file`` names trusted certificates, certifi's by default.
    """

    def __init__(self, ca_file: str | None = None) -> None:
        self._ca_file = ca_file
        self._session = Session()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        import certifi

        return tls_context(self._ca_file or certifi.where())

    def close(self) -> None:
        """Closes the idle connections."""
        self._session.close()

    def post(
        self,
        url: str,
        headers: Mapping[str, str | bytes],
        body: bytes,
        timeouts: Timeouts,
        policy: Policy,
        resolver: Resolver = resolve.lookup,
    ) -> Outcome:
        """POSTs ``body`` once. Whatever the destination does comes back as an Outcome, never as an exception."""
        started = time.monotonic()
        attempt = Attempt(
            policy=policy,
            resolver=resolver,
            tls=lambda: self._tls,
            connect_timeout=timeouts.connect,
            total=timeouts.total,
            deadline=started + timeouts.total,
        )
        transport.begin(attempt)
        try:
            outcome = self._exchange(attempt, url, headers, body)
        except AttemptError as error:
            outcome = _failed(error, url)
        finally:
            transport.end()
        took = round((time.monotonic() - started) * 1000)
        return outcome._replace(duration_ms=took, address=attempt.address)

    def prepare(self, url: str, headers: Mapping[str, str | bytes], body: bytes) -> requests.PreparedRequest:
        """The request as it is handed to a connection. Raises AttemptError for what cannot be one."""
        try:
            request = self._session.prepare_request(requests.Request("POST", url, headers=headers, data=body))
        except (requests.RequestException, HTTPError, ValueError):
            raise _unusable() from None
        check_userinfo(request.url or "")
        return request

    def _exchange(
        self, attempt: Attempt, url: str, headers: Mapping[str, str | bytes], body: bytes
    ) -> Outcome:
        request = self.prepare(url, headers, body)
        try:
            response = self._session.send(
                request, stream=True, allow_redirects=False, proxies={}, timeout=attempt.left()
            )
        except (requests.RequestException, HTTPError, ValueError):
            # All that happens on a connection is an AttemptError already.
            raise _unusable() from None
        attempt.budget = BODY_BUDGET
        return _outcome(response)


def _unusable() -> AttemptError:
    return AttemptError("unusable", "the URL or a header cannot be used")


def check_userinfo(url: str) -> None:
    """Credentials in a URL would be sent as Basic authentication, and stand in clear in the hook."""
    if "@" in urlsplit(url).netloc:
        raise AttemptError("unusable", "the URL holds a user name")


def _outcome(response: requests.Response) -> Outcome:
    status, headers = response.status_code, response.headers
    data, cut = answer.read(response.raw)
    retry_after = headers.get("Retry-After")
    retry_after = retry_after[:_RETRY_AFTER_LIMIT] if retry_after else None
    if 300 <= status <= 399:
        to = answer.location(headers.get("Location"))
        text = f"{FAILED}HTTP {status}, redirects are not followed ({to})"
        return Outcome("redirect", status, text, retry_after=retry_after)
    text = answer.message(data, cut, headers.get("Content-Type", ""), headers.get("Content-Encoding", ""))
    kind: Kind = "success" if 200 <= status <= 299 else "http"
    return Outcome(kind, status, text, retry_after=retry_after)


def _failed(error: AttemptError, url: str) -> Outcome:
    text = f"{answer.without_query(url)} is not allowed" if error.kind == "forbidden" else FAILED + error.text
    status = TIMEOUT_STATUS if error.kind == "timeout" else None
    return Outcome(error.kind, status, answer.shorten(text))


@cache
def client() -> Client:
    """The client of this process."""
    return Client()


def post(
    url: str,
    headers: Mapping[str, str | bytes],
    body: bytes,
    timeouts: Timeouts,
    policy: Policy,
    resolver: Resolver = resolve.lookup,
) -> Outcome:
    """:meth:`Client.post` on the client of this process."""
    return client().post(url, headers, body, timeouts, policy, resolver)


def as_sent(url: str, headers: Mapping[str, str | bytes], body: bytes) -> tuple[str, list[tuple[str, str]]]:
    """URL and headers of a request as :func:`post` puts them on the wire, ``Host`` and ``Content-Length`` included.

    The bytes of values are shown as Latin-1, which is how most receivers read them. Raises UnusableError.
    """
    try:
        request = client().prepare(url, headers, body)
    except AttemptError as error:
        raise UnusableError(error.text) from None
    sent = [("Host", _host(request.url or ""))]
    for name, value in request.headers.items():
        sent.append((name, value.decode("latin-1") if isinstance(value, bytes) else value))
    return request.url or "", sent


def _host(url: str) -> str:
    """The ``Host`` header for a URL: without the scheme's own port."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, _PORTS.get(parts.scheme)) else f"{host}:{parts.port}"
