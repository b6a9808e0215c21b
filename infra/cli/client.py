"""A server's API v2 as the commands use it. Works with formrelay and with KoboToolbox."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import requests

from infra.cli.faults import ServerError, no_server, refusal, unreachable

__all__ = ["Client", "ServerError", "key_for", "origin"]

TIMEOUT = 60
PAGE = 300
# Answers after which the same request is made again where that does no harm, and how often.
_AGAIN = (429, 502, 503, 504)
_TRIES = 5
_LONGEST_WAIT = 60


class Client:
    """One server and one API key. ``openrosa`` is where forms go in, when that is another host (KoboToolbox)."""

    def __init__(self, url: str, key: str, openrosa: str = "") -> None:
        self.url = origin(url)
        self.openrosa = origin(openrosa or url)
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Token {key}"

    def request(self, method: str, path: str, *, twice: bool = False, **options: Any) -> requests.Response:
        """One request; again, after a while, when the server asks for that, or is away and ``twice`` does no harm.

        Raises ServerError for 4xx and 5xx, and for a server that cannot be reached.
        """
        url = path if path.startswith("http") else self.url + path
        twice = twice or method == "GET"
        for number in range(1, _TRIES + 1):
            last = number == _TRIES
            try:
                answer = self._session.request(method, url, timeout=TIMEOUT, **options)
            except requests.RequestException as error:
                if last or not twice or not isinstance(error, requests.ConnectionError):
                    raise unreachable(url, error) from None
                time.sleep(2.0 ** (number - 1))
                continue
            if last or not _may_try_again(answer, twice=twice):
                break
            time.sleep(_wait(answer, number))
        if answer.status_code >= 400:
            raise refusal(answer)
        return answer

    def get(self, path: str, **parameters: Any) -> Any:
        """An object of the API."""
        return _read(self.request("GET", path, params={"format": "json", **parameters}))

    def send(self, method: str, path: str, data: Any = None) -> Any:
        """A change; the answer's JSON, None where there is none."""
        answer = self.request(method, path, json=data)
        return _read(answer) if answer.content else None

    def pages(self, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every object of a list, page by page."""
        start = 0
        while True:
            page = self.get(path, start=start, limit=PAGE, **parameters)
            yield from page["results"]
            start += len(page["results"])
            if not page["next"] or not page["results"]:
                return

    def submit(self, xml: bytes, files: dict[str, tuple[str, bytes, str]]) -> int:
        """A submission with its files; the status, 201 for a new one and 202 for one that was there."""
        parts = {"xml_submission_file": ("instance.xml", xml, "text/xml"), **files}
        headers = {"X-OpenRosa-Version": "1.0"}
        url = f"{self.openrosa}/submission"
        return self.request("POST", url, twice=True, files=parts, headers=headers).status_code


def origin(url: str) -> str:
    """An address as people type it, as one to which paths can be added. Raises ServerError."""
    loopback = url.partition(":")[0].partition("/")[0] in ("localhost", "127.0.0.1")
    full = url if "://" in url else f"{'http' if loopback else 'https'}://{url}"
    parts = urlsplit(full)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ServerError(f"{url!r} is no address of a server; it looks like https://kf.example.org")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def key_for(url: str, username: str, password: str) -> str:
    """The API key of an account. Raises ServerError."""
    where = f"{origin(url)}/token/"
    # Of its own accord requests would write it in Latin-1, which not every password can be.
    pair = base64.b64encode(f"{username}:{password}".encode()).decode()
    try:
        answer = requests.get(
            where, params={"format": "json"}, headers={"Authorization": f"Basic {pair}"}, timeout=TIMEOUT
        )
    except requests.RequestException as error:
        raise unreachable(where, error) from None
    if answer.status_code == 404:
        raise no_server(where)
    if answer.status_code >= 400:
        raise refusal(answer, signing_in=True)
    found = _read(answer)
    if not isinstance(found, dict) or "token" not in found:
        raise no_server(where)
    return str(found["token"])


def _read(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise no_server(answer.url) from None


def _may_try_again(answer: requests.Response, *, twice: bool) -> bool:
    """A gateway that has lost its patience does not know whether the request is being worked on."""
    asks = answer.status_code == 429 or (answer.status_code == 503 and "Retry-After" in answer.headers)
    return asks or (twice and answer.status_code in _AGAIN)


def _wait(answer: requests.Response, number: int) -> float:
    given = answer.headers.get("Retry-After", "")
    return min(float(given) if given.isdigit() else 2.0**number, _LONGEST_WAIT)
