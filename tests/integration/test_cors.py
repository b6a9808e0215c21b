"""Web pages of other origins: what a browser asks before it sends something, and what it is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.support.app import App
from tests.support.gateway import gateway

PAGE = {"Origin": "https://dashboard.example.org"}


@pytest.fixture
def url(app: App) -> Iterator[str]:
    with gateway() as base:
        yield base


def asks(url: str, method: str, headers: str) -> requests.Response:
    """What a browser sends first: no credentials, nothing of the request itself."""
    told = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return requests.options(url, headers={**PAGE, **told}, timeout=10)


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        ("/api/v2/assets/", "GET", "authorization"),
        ("/api/v2/assets/aX/hooks/hX/", "PATCH", "authorization,content-type"),
        ("/api/v2/nothing/", "DELETE", "authorization"),
        ("/submission", "POST", "authorization,content-type,x-openrosa-version"),
        ("/ann/submission", "POST", "x-openrosa-version"),
        ("/formList", "GET", "authorization,x-openrosa-version"),
        ("/token/", "GET", "authorization"),
    ],
)
def test_a_browser_may_send_what_clients_send(url: str, path: str, method: str, headers: str) -> None:
    answer = asks(url + path, method, headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert method in answer.headers["access-control-allow-methods"].split(",")
    assert set(headers.split(",")) <= set(answer.headers["access-control-allow-headers"].split(","))
    assert "access-control-allow-credentials" not in answer.headers


def test_a_page_reads_what_it_asked_for_with_a_key(app: App, url: str) -> None:
    key = {"Authorization": f"Token {app.keys['ann']}"}
    answer = requests.get(f"{url}/api/v2/assets/?format=json", headers={**PAGE, **key}, timeout=10)
    assert (answer.status_code, answer.json()["count"]) == (200, 0)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-expose-headers"] == "*"


def test_a_page_reads_why_it_was_refused(url: str) -> None:
    wrong = {"Authorization": "Token " + "0" * 40}
    answer = requests.get(f"{url}/api/v2/assets/", headers={**PAGE, **wrong}, timeout=10)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, "*")


def test_what_no_browser_sends_is_answered_as_ever(url: str) -> None:
    answer = requests.options(f"{url}/api/v2/assets/", timeout=10)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
