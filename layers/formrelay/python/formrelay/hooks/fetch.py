"""Fetching a file from an address that a user names, under the same guard as hooks (design §4, I7).

Redirects are followed, as links to shared files are full of them; each goes through the guard, and all of them and the
file share one deadline.
"""

from __future__ import annotations

import http.client
import time
from email.message import Message
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from formrelay.hooks import resolve, transport
from formrelay.hooks.attempt import HEAD_BUDGET, Attempt, AttemptError, tls_context
from formrelay.hooks.http import Session, Timeouts, check_userinfo

if TYPE_CHECKING:
    import ssl

    from formrelay.hooks.attempt import Resolver
    from formrelay.hooks.guard import Policy

MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS = {"User-Agent": "formrelay", "Accept": "*/*", "Accept-Encoding": "identity"}
_PIECE = 64 * 1024


class FetchError(Exception):
    """The file could not be had; the text says why, for the user who named the address."""


class Fetched(NamedTuple):
    """A file, and the name that its server or its address gives it."""

    data: bytes
    name: str


def fetch(
    url: str,
    limit: int,
    timeouts: Timeouts,
    policy: Policy,
    *,
    https_only: bool = False,
    resolver: Resolver = resolve.lookup,
) -> Fetched:
    """The file at ``url``, of at most ``limit`` bytes. Raises FetchError for whatever keeps it from coming."""
    attempt = Attempt(
        policy=policy,
        resolver=resolver,
        tls=_tls,
        connect_timeout=timeouts.connect,
        total=timeouts.total,
        deadline=time.monotonic() + timeouts.total,
    )
    transport.begin(attempt)
    try:
        return _follow(attempt, url, limit, https_only)
    except AttemptError as error:
        text = "the address is not allowed" if error.kind == "forbidden" else error.text
        raise FetchError(f"The file could not be fetched: {text}.") from None
    except ValueError:
        # Of taking apart what the user or a redirect names, such as ``http://[``.
        raise FetchError("The file could not be fetched: the address cannot be used.") from None
    finally:
        transport.end()


def _follow(attempt: Attempt, url: str, limit: int, https_only: bool) -> Fetched:
    for _ in range(MAX_REDIRECTS + 1):
        if urlsplit(url).scheme not in (("https",) if https_only else ("http", "https")):
            raise AttemptError("unusable", "the address is not one of the web")
        response = _get(attempt, url)
        try:
            if response.status_code not in _REDIRECTS:
                return _file(attempt, response, url, limit)
            url = urljoin(url, response.headers.get("Location", ""))
        finally:
            response.raw.close()
    raise AttemptError("redirect", f"more than {MAX_REDIRECTS} redirects")


def _get(attempt: Attempt, url: str) -> requests.Response:
    session = _session()
    attempt.budget = HEAD_BUDGET
    try:
        request = session.prepare_request(requests.Request("GET", url, headers=_HEADERS))
        check_userinfo(request.url or "")
        return session.send(request, stream=True, allow_redirects=False, proxies={}, timeout=attempt.left())
    except (requests.RequestException, HTTPError, ValueError):
        # All that happens on a connection is an AttemptError already.
        raise AttemptError("unusable", "the address cannot be used") from None


def _file(attempt: Attempt, response: requests.Response, url: str, limit: int) -> Fetched:
    if response.status_code != 200:
        raise AttemptError("http", f"the server answered {response.status_code}")
    attempt.budget = limit + HEAD_BUDGET
    data = bytearray()
    try:
        while piece := response.raw.read1(_PIECE, decode_content=False):
            data += piece
            if len(data) > limit:
                raise AttemptError("protocol", f"it has more than {limit} bytes")
    except (HTTPError, http.client.HTTPException, OSError, ValueError):
        raise AttemptError("broken", "the connection ended before all of it came") from None
    return Fetched(bytes(data), _name(response.headers.get("Content-Disposition", ""), url))


def _name(disposition: str, url: str) -> str:
    message = Message()
    message["Content-Disposition"] = disposition.replace("\r", " ").replace("\n", " ")
    return message.get_filename() or unquote(urlsplit(url).path).rpartition("/")[2]


@cache
def _session() -> Session:
    return Session()


@cache
def _tls() -> ssl.SSLContext:
    import certifi

    return tls_context(certifi.where())
