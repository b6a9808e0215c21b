"""``doctor``: whether what stands before a deployment lets through what form clients and scripts send.

A domain, a proxy or another kind of gateway in front may change headers, paths or bodies; each check names the remedy.
"""

from __future__ import annotations

import argparse
import http.client
import os
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from infra.operate.command import Command, RefusedError

_TIMEOUT = 40
_BIG = 3_900_000


@dataclass(frozen=True)
class Answer:
    """What came back; headers by their name in lower case."""

    status: int
    headers: dict[str, str]


@dataclass(frozen=True)
class Check:
    """``ask`` gives None when all is well, else what was found."""

    name: str
    ask: Callable[[Site], str | None]
    remedy: str
    needs_key: bool = False


class Site:
    """The deployment as its clients reach it. Paths and queries go out as they stand."""

    def __init__(self, url: str, key: str = "") -> None:
        self.url = url
        self._url: SplitResult = urlsplit(url.rstrip("/"))
        if self._url.scheme not in ("http", "https") or not self._url.hostname:
            raise RefusedError(f"{url} is no http or https address.")
        self.key = key

    def call(self, method: str, path: str, body: bytes = b"", content_type: str = "") -> Answer:
        """Raises OSError and HTTPException when nothing sensible answers."""
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.netloc, timeout=_TIMEOUT)
        headers = {"X-OpenRosa-Version": "1.0"}
        headers |= {"Authorization": f"Token {self.key}"} if self.key else {}
        headers |= {"Content-Type": content_type} if content_type else {}
        try:
            connection.request(method, self._url.path + path, body or None, headers)
            answer = connection.getresponse()
            answer.read()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()})
        finally:
            connection.close()


def _challenge(site: Site) -> str | None:
    answer = Site(site.url).call("GET", "/formList")
    challenge = answer.headers.get("www-authenticate", "none")
    if answer.status == 401 and challenge.lower().startswith("basic "):
        return None
    return f"{answer.status}, WWW-Authenticate: {challenge}"


def _head(site: Site) -> str | None:
    answer = site.call("HEAD", "/submission")
    length = answer.headers.get("x-openrosa-accept-content-length")
    return None if answer.status == 204 and length else f"{answer.status}, accepted length: {length}"


def _braces(site: Site) -> str | None:
    return _is(site.call("GET", '/api/v2/assets/?q=name:x&query={"a":"b|c"}'), 200)


def _doubled(site: Site) -> str | None:
    return _is(site.call("GET", "/api/v2//assets/"), 200)


def _slashless(site: Site) -> str | None:
    return _is(site.call("GET", "/api/v2/assets"), 200)


def _big_body(site: Site) -> str | None:
    """Ours is the answer that refuses it as a submission: of bytes that are no XML, or of nobody."""
    boundary = "formrelay-doctor"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="xml_submission_file"; filename="x.xml"\r\n'
        "Content-Type: text/xml\r\n\r\n"
    )
    body = head.encode() + b"x" * _BIG + f"\r\n--{boundary}--\r\n".encode()
    answer = site.call("POST", "/submission", body, f"multipart/form-data; boundary={boundary}")
    return _is(answer, 400 if site.key else 401)


def _is(answer: Answer, status: int) -> str | None:
    return None if answer.status == status else str(answer.status)


CHECKS = (
    Check(
        "401 comes with a Basic challenge",
        _challenge,
        "ODK Collect, Excel and Power BI send no password without it. REST APIs of API Gateway rename"
        " WWW-Authenticate: use an HTTP API, and let proxies pass the header.",
    ),
    Check(
        "HEAD /submission is 204 with the length that is accepted",
        _head,
        "ODK Collect asks before it sends. Let HEAD through as it is, with its headers.",
        needs_key=True,
    ),
    Check(
        "braces and bars in a query stand as they are",
        _braces,
        "Scripts do not encode them. CloudFront and REST APIs refuse them: point the domain at the HTTP API itself.",
    ),
    Check(
        "doubled slashes are served",
        _doubled,
        "Clients join addresses carelessly. Switch the merging or refusal of slashes off in the proxy.",
    ),
    Check(
        "paths without a slash at their end are served, not redirected",
        _slashless,
        "A redirect makes a GET of a POST. Switch the redirect off in the proxy.",
    ),
    Check(
        "a submission of four megabytes gets through",
        _big_body,
        "Raise the body limit of the proxy to 10 MB (nginx: client_max_body_size), and its time-out to 30 s.",
    ),
)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", help="where clients connect to; an API key is read from FORMRELAY_KEY")


def run(options: argparse.Namespace) -> int:
    """Prints a line per check, and the remedy where one fails; 1 when one does."""
    site = Site(options.url, os.environ.get("FORMRELAY_KEY", ""))
    passed = [_passes(check, site) for check in CHECKS]
    return 0 if all(passed) else 1


def _passes(check: Check, site: Site) -> bool:
    if check.needs_key and not site.key:
        print(f"skipped  {check.name} (needs an API key in FORMRELAY_KEY)")
        return True
    try:
        fault = check.ask(site)
    except (OSError, http.client.HTTPException) as error:
        fault = f"no answer ({error or type(error).__name__})"
    if fault is None:
        print(f"ok       {check.name}")
        return True
    print(f"FAILED   {check.name}: {fault}\n         {check.remedy}")
    return False


COMMANDS = (Command("doctor", "check what stands before a deployment", _arguments, run, remote=True),)
