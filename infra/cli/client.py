"""A server's API v2 as the commands use it. Works with formrelay and with KoboToolbox."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import requests

TIMEOUT = 60
PAGE = 300
# Answers after which the same request is made again, and how often.
_AGAIN = (429, 502, 503, 504)
_TRIES = 5
_LONGEST_WAIT = 60


class ServerError(Exception):
    """The server refused; the text is what it said."""


class Client:
    """One server and one API key. ``openrosa`` is where forms go in, when that is another host (KoboToolbox)."""

    def __init__(self, url: str, key: str, openrosa: str = "") -> None:
        self.url = url.rstrip("/")
        self.openrosa = (openrosa or url).rstrip("/")
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Token {key}"

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request; again, after a while, when the server is busy. Raises ServerError for 4xx and 5xx."""
        url = path if path.startswith("http") else self.url + path
        for number in range(1, _TRIES + 1):
            answer = self._session.request(method, url, timeout=TIMEOUT, **options)
            if answer.status_code not in _AGAIN or number == _TRIES:
                break
            time.sleep(_wait(answer, number))
        if answer.status_code >= 400:
            raise ServerError(f"{method} {url}: {answer.status_code} {answer.text[:500]}")
        return answer

    def get(self, path: str, **parameters: Any) -> Any:
        """An object of the API."""
        return self.request("GET", path, params={"format": "json", **parameters}).json()

    def send(self, method: str, path: str, data: Any = None) -> Any:
        """A change; the answer's JSON, None where there is none."""
        answer = self.request(method, path, json=data)
        return answer.json() if answer.content else None

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
        return self.request("POST", f"{self.openrosa}/submission", files=parts, headers=headers).status_code


def key_for(url: str, username: str, password: str) -> str:
    """The API key of an account. Raises ServerError."""
    answer = requests.get(
        f"{url.rstrip('/')}/token/", params={"format": "json"}, auth=(username, password), timeout=TIMEOUT
    )
    if answer.status_code >= 400:
        raise ServerError(f"{answer.status_code} {answer.text[:500]}")
    return str(answer.json()["token"])


def _wait(answer: requests.Response, number: int) -> float:
    given = answer.headers.get("Retry-After", "")
    return min(float(given) if given.isdigit() else 2.0**number, _LONGEST_WAIT)
