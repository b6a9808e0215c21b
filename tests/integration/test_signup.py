"""Signing up by oneself: only where it is open, confirmed by mail, once, and telling nobody who has which name."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from formrelay import signups
from formrelay.settings import settings
from formrelay.storage import accounts
from tests.support.app import BASE, Answer, App, Clock
from tests.support.aws import stored
from tests.support.calls import counting, crashing, doing, failing
from tests.support.reports import Letter, letters

PATH = "/api/v2/signup/"
NEW: dict[str, Any] = {"username": "bob", "email": "bob@example.net", "password": "a fine horse"}


@pytest.fixture(autouse=True)
def _open(app: App, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_OPEN_SIGNUP", "true")
    settings.cache_clear()


def ask(app: App, *, address: str = "203.0.113.9", **fields: Any) -> tuple[Answer, list[Letter]]:
    """The answer, and what was mailed."""
    headers = {"content-type": "application/json"}
    body = json.dumps({**NEW, **fields}).encode()
    with letters() as sent:
        answer = app.call("POST", PATH, user=None, body=body, headers=headers, address=address)
        app.report()
    return answer, sent


def link(letter: Letter) -> str:
    found: list[str] = re.findall(r"https://\S+/signup/\S+", letter.text)
    (url,) = found
    assert f'href="{url}"' in letter.html
    assert url.startswith(BASE)
    return url.removeprefix(BASE)


def follow(app: App, url: str, method: str = "GET") -> Answer:
    path, _, query = url.partition("?")
    return app.call(method, path, query=query, user=None)


def signs_in(app: App, name: str = "bob") -> bool:
    encoded = base64.b64encode(f"{name}:{NEW['password']}".encode()).decode()
    return app.call("GET", "/me/", headers={"authorization": f"Basic {encoded}"}).status == 200


def test_an_account_is_made_by_the_button_behind_the_link(app: App) -> None:
    answer, (letter,) = ask(app)
    assert answer.status == 202
    assert letter.to == "bob@example.net"
    assert not signs_in(app)
    for method in ("GET", "HEAD", "GET"):
        assert follow(app, link(letter), method).status == 200
    page = follow(app, link(letter))
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<form method="post">' in page.text
    assert "bob" in page.text
    assert not signs_in(app)
    assert follow(app, link(letter), "POST").status == 200
    assert signs_in(app)
    me = app.call("GET", "/me/", headers={"authorization": f"Token {key_of(app)}"}).json()
    assert (me["email"], me["is_superuser"]) == ("bob@example.net", False)


def key_of(app: App) -> str:
    app.add_user("root", superuser=True)
    key: str = app.get("/token/", user="root", username="bob").json()["token"]
    return key


def test_a_sign_up_is_confirmed_once(app: App) -> None:
    _, (letter,) = ask(app)
    answers: list[Answer] = []
    with doing("dynamodb.TransactWriteItems", lambda: answers.append(follow(app, link(letter), "POST"))):
        answers.append(follow(app, link(letter), "POST"))
    answers.append(follow(app, link(letter), "POST"))
    assert [answer.status for answer in answers] == [200, 404, 404]


def test_a_crash_while_confirming_leaves_the_link_good(app: App) -> None:
    _, (letter,) = ask(app)
    with crashing("dynamodb.TransactWriteItems"):
        follow(app, link(letter), "POST")
    assert follow(app, link(letter), "POST").status == 200
    assert signs_in(app)


def test_a_link_ends_after_a_day(app: App, clock: Clock) -> None:
    _, (letter,) = ask(app)
    clock.forward(24 * 3_600)
    assert follow(app, link(letter)).status == 404
    assert follow(app, link(letter), "POST").status == 404
    assert not signs_in(app)


def test_whoever_has_the_name_the_answer_is_the_same_and_only_the_mail_tells(app: App) -> None:
    free, _ = ask(app)
    taken, (letter,) = ask(app, username="ann")
    assert (taken.status, taken.body, taken.headers) == (free.status, free.body, free.headers)
    assert letter.to == "bob@example.net"
    assert letter.subject == "Your account was not made"
    assert "/signup/" not in letter.text
    assert not signs_in(app, "ann")


def test_a_name_that_was_taken_meanwhile_is_told_behind_the_link(app: App) -> None:
    _, (letter,) = ask(app)
    app.add_user("bob")
    assert follow(app, link(letter), "POST").status == 409
    assert not signs_in(app)


def test_mail_and_page_are_in_the_language_that_was_asked_for(app: App) -> None:
    _, (letter,) = ask(app, extra_details={"language": "ar", "organization": "Water"})
    assert letter.subject == "أكّد حسابك"
    assert '<html lang="ar" dir="rtl">' in follow(app, link(letter)).text
    follow(app, link(letter), "POST")
    account = accounts.get_account("bob")
    assert account is not None
    assert account["details"] == {"language": "ar", "organization": "Water"}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"username": "Bob"}, "username"),
        ({"username": None}, "username"),
        ({"email": ""}, "email"),
        ({"email": "nowhere"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": None}, "password"),
        ({"extra_details": {"x": "x" * 9_000}}, "extra_details"),
        ({"extra_details": "{"}, "extra_details"),
    ],
)
def test_what_could_be_no_account_is_refused(app: App, fields: dict[str, Any], named: str) -> None:
    answer, sent = ask(app, **fields)
    assert (answer.status, list(answer.json()), sent) == (400, [named], [])


def test_mails_are_bounded_for_each_address_and_each_caller(app: App, clock: Clock) -> None:
    mailed = [len(ask(app, username=f"bob{i}", address=f"198.51.100.{i}")[1]) for i in range(5)]
    assert mailed == [1, 1, 1, 0, 0]
    mailed = [len(ask(app, username=f"al{i}", email=f"al{i}@example.net")[1]) for i in range(22)]
    assert sum(mailed) == signups.MOST_PER_CALLER
    clock.forward(86_400)
    answer, sent = ask(app)
    assert (answer.status, len(sent)) == (202, 1)


@pytest.mark.parametrize("missing", ["FORMRELAY_OPEN_SIGNUP", "FORMRELAY_MAIL_FROM"])
def test_where_it_is_not_open_there_is_nothing(
    app: App, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    _, (letter,) = ask(app)
    monkeypatch.setenv(missing, "")
    settings.cache_clear()
    assert app.send("POST", PATH, NEW, user=None).status == 404
    assert follow(app, link(letter), "POST").status == 404
    assert not signs_in(app)


def test_no_password_and_no_token_is_kept(app: App) -> None:
    _, (letter,) = ask(app)
    path, _, token = link(letter).partition("?token=")
    assert path == "/signup/confirm/"  # which stands in logs
    kept = repr(stored(app.settings.accounts_table) + stored(app.settings.data_table))
    assert token not in kept
    assert "a fine horse" not in kept
    for bad in ("x", "0" * 40, token + "0"):
        assert follow(app, f"/signup/confirm/?token={bad}").status == 404


def test_a_free_name_and_a_taken_one_take_the_same_calls(app: App) -> None:
    calls = []
    # The first one also opens the windows in which they are counted.
    for name in ("al", "bob", "ann"):
        with counting() as made:
            ask(app, username=name)
        calls.append(
            {operation: number for operation, number in made.items() if operation.startswith("dynamodb")}
        )
    assert calls[1] == calls[2]


def test_an_address_that_is_refused_rings_no_alarm(app: App, caplog: pytest.LogCaptureFixture) -> None:
    with failing("sesv2.SendEmail", "MessageRejected"):
        answer, _ = ask(app)
    assert answer.status == 202
    assert "failure report refused" not in caplog.text
    assert "letter refused" in caplog.text
