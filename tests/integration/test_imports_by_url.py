"""XLSForms fetched from an address (contract assets §9): under the guard of hooks, bounded in every way."""

from __future__ import annotations

from typing import Any

import pytest

from formrelay.settings import settings
from tests.integration.test_imports import IMPORTS, ONE, XLSX, created, task
from tests.support.app import App
from tests.support.receiver import Answer, Receiver


def fetched(app: App, url: str, **fields: str) -> dict[str, Any]:
    return task(app, {"url": url, "library": "false", **fields})


def refused(app: App, url: str) -> str:
    done = fetched(app, url)
    assert (done["status"], done["messages"]["error_type"]) == ("error", "ValueError"), done
    assert app.get("/api/v2/assets/").json()["count"] == 0
    text: str = done["messages"]["error"]
    return text


def test_a_form_is_fetched_and_made_a_project(app: App, receiver: Receiver) -> None:
    receiver.answer = Answer(body=XLSX)
    project = created(app, fetched(app, receiver.url("/visits.xlsx")))
    assert (project["asset_type"], project["name"]) == ("survey", "Household visit")
    (request,) = receiver.requests
    assert (request.method, request.body) == ("GET", b"")
    assert (request.header("cookie"), request.header("authorization")) == (None, None)


@pytest.mark.parametrize(
    ("disposition", "fields", "id_string"),
    [
        ('attachment; filename="from server.xlsx"', {}, "from_server"),
        ("attachment; filename*=UTF-8''wells.xlsx", {}, "wells"),
        ("inline", {}, "visits"),
        ('attachment; filename="from server.xlsx"', {"name": "mine.xlsx"}, "mine"),
    ],
)
def test_the_name_is_that_of_the_request_the_server_or_the_address(
    app: App, receiver: Receiver, disposition: str, fields: dict[str, str], id_string: str
) -> None:
    receiver.answer = Answer(body=ONE, headers={"Content-Disposition": disposition})
    project = created(app, fetched(app, receiver.url("/a/visits.xlsx?x=1"), **fields))
    assert project["content"]["settings"]["id_string"] == id_string


def test_redirects_are_followed(app: App, receiver: Receiver) -> None:
    receiver.script.append(Answer(302, headers={"Location": "there/visits.xlsx"}))
    receiver.answer = Answer(body=XLSX)
    assert fetched(app, receiver.url("/moved"))["status"] == "complete"
    assert [request.path for request in receiver.requests] == ["/moved", "/there/visits.xlsx"]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Answer(404), "The file could not be fetched: the server answered 404."),
        (Answer(302, headers={"Location": "/"}), "The file could not be fetched: more than 5 redirects."),
        (
            Answer(302, headers={"Location": "file:///etc/passwd"}),
            "The file could not be fetched: the address is not one of the web.",
        ),
        (
            Answer(302, headers={"Location": "http://[::1/"}),
            "The file could not be fetched: the address cannot be used.",
        ),
        (Answer(302), "The file could not be fetched: more than 5 redirects."),
        (Answer(body=b"<html>"), "Unsupported format, or corrupt file"),
        (Answer(hang_up=True), "The file could not be fetched: the connection ended before an answer came."),
        (Answer(endless=True), "The file could not be fetched: it has more than 10000000 bytes."),
    ],
    ids=["status", "loop", "file", "no address", "nowhere", "html", "hang up", "endless"],
)
def test_what_does_not_come_makes_no_project(app: App, receiver: Receiver, answer: Answer, text: str) -> None:
    receiver.answer = answer
    assert refused(app, receiver.url()) == text


@pytest.mark.parametrize(
    "url", ["http://169.254.1.1/latest/", "http://10.0.0.1/", "http://[::1]/", "http://0x7f.1/"]
)
def test_addresses_that_hooks_may_not_reach_are_not_asked(
    app: App, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("FORMRELAY_ALLOW_NETWORKS", "")
    settings.cache_clear()
    assert refused(app, url) == "The file could not be fetched: the address is not allowed."


def test_a_redirect_to_such_an_address_is_not_followed(app: App, receiver: Receiver) -> None:
    receiver.answer = Answer(302, headers={"Location": "http://169.254.1.1/"})
    assert refused(app, receiver.url()) == "The file could not be fetched: the address is not allowed."


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "visits.xlsx", "http://", "http://ann:x@127.0.0.1/", "http://a b/"]
)
def test_other_addresses_are_refused(app: App, url: str) -> None:
    assert refused(app, url).startswith("The file could not be fetched: ")


def test_plain_http_can_be_forbidden(app: App, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_HTTPS_ONLY", "true")
    settings.cache_clear()
    assert refused(app, receiver.url()) == "The file could not be fetched: the address is not one of the web."


def test_an_address_must_be_text(app: App) -> None:
    answer = app.send("POST", IMPORTS, {"url": ["x"]})
    assert (answer.status, answer.json()) == (400, {"url": ["Not a valid string."]})


@pytest.mark.parametrize(
    "url", ["http://[", "http://[::1", "http://a\u2100b/", "http://\u2024/", "http://a b/"]
)
def test_what_is_no_address_is_told(app: App, url: str) -> None:
    assert refused(app, url).startswith("The file could not be fetched: ")
