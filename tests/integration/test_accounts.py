"""Who calls: keys, passwords, failed logins, and what of them is kept (contract accounts §1–§4)."""

from __future__ import annotations

import base64
import json
import logging
import re
from typing import Any

import pytest

from formrelay import accounts, passwords
from formrelay.errors import ApiError
from tests.support.app import FORM, PASSWORD, Answer, App, Clock
from tests.support.aws import objects, stored
from tests.support.calls import counting, doing
from tests.support.grants import switch_off
from tests.support.receiver import Receiver

CHALLENGE = 'Basic realm="formrelay"'


def basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def token(
    app: App, method: str = "GET", path: str = "/token/", password: str = PASSWORD, query: str = ""
) -> Answer:
    return app.call(method, path, headers=basic("ann", password), query=query)


# Keys


@pytest.mark.parametrize(
    "path", ["/token/?format=json", "/token/", "/token", "/token?format=json", "/token.json", "//token//"]
)
def test_every_spelling_gives_the_one_key(app: App, path: str) -> None:
    path, _, query = path.partition("?")
    for method in ("GET", "POST"):
        answer = token(app, method, path, query=query)
        assert (answer.status, answer.json()) == (200, {"token": app.keys["ann"]})
    assert re.fullmatch(r"[0-9a-f]{40}", app.keys["ann"])


def test_a_key_gives_itself(app: App) -> None:
    assert app.get("/token/").json() == {"token": app.keys["ann"]}


def test_a_dropped_key_is_refused_at_once_and_the_next_one_is_another(app: App) -> None:
    old = app.keys["ann"]
    answer = token(app, "DELETE")
    assert (answer.status, answer.body) == (204, b"")
    refused = app.get("/api/v2/assets/")
    assert (refused.status, refused.json()) == (401, {"detail": "Invalid token."})
    assert refused.headers["www-authenticate"] == CHALLENGE
    assert token(app, "DELETE").status == 404
    made = token(app).json()["token"]
    assert made != old
    assert token(app).json()["token"] == made
    app.keys["ann"] = made
    assert app.get("/api/v2/assets/").status == 200


def test_a_key_made_by_post_is_201(app: App) -> None:
    token(app, "DELETE")
    assert [token(app, "POST").status for _ in range(2)] == [201, 200]


def test_two_who_ask_for_a_new_key_at_once_get_the_same(app: App) -> None:
    token(app, "DELETE")
    answers: list[Answer] = []
    with doing("dynamodb.TransactWriteItems", lambda: answers.append(token(app))):
        answers.append(token(app))
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()


def test_a_key_dropped_while_it_is_dropped_is_gone_once(app: App) -> None:
    answers: list[Answer] = []
    with doing("dynamodb.TransactWriteItems", lambda: answers.append(token(app, "DELETE"))):
        answers.append(token(app, "DELETE"))
    assert [answer.status for answer in answers] == [204, 404]


def test_nobody_has_no_key(app: App) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = app.call(method, "/token/", user=None)
        assert answer.status == 401
        assert answer.json() == {"detail": "Authentication credentials were not provided."}
        assert answer.headers["www-authenticate"] == CHALLENGE


@pytest.mark.parametrize("scheme", ["Token", "token", "TOKEN"])
def test_the_name_of_the_scheme_may_be_in_any_case(app: App, scheme: str) -> None:
    assert app.call("GET", "/me/", headers={"authorization": f"{scheme} {app.keys['ann']}"}).status == 200


@pytest.mark.parametrize(
    ("authorization", "detail"),
    [
        ("Token", "Invalid token header. No credentials provided."),
        ("Token ", "Invalid token header. No credentials provided."),
        ("Token a b", "Invalid token header. Token string should not contain spaces."),
        ("Token x", "Invalid token."),
        ("Bearer x", "Authentication credentials were not provided."),
        ('Digest username="ann"', "Authentication credentials were not provided."),
        ("x", "Authentication credentials were not provided."),
        ("Token \N{SNOWMAN}", "Invalid token."),
        ("Basic", "Invalid basic header. No credentials provided."),
        ("Basic x", "Invalid basic header. Credentials not correctly base64 encoded."),
        ("Basic \N{SNOWMAN}", "Invalid basic header. Credentials not correctly base64 encoded."),
        ("Basic /w==", "Invalid username/password."),
        ("Basic YW5u", "Invalid username/password."),
        (basic("ann", "wrong")["authorization"], "Invalid username/password."),
        (basic("nobody", PASSWORD)["authorization"], "Invalid username/password."),
        (basic("", PASSWORD)["authorization"], "Invalid username/password."),
        (basic("ANN", PASSWORD)["authorization"], "Invalid username/password."),
        (basic("ann", "x" * 2_000)["authorization"], "Invalid username/password."),
    ],
)
def test_wrong_credentials_are_named_and_challenged(app: App, authorization: str, detail: str) -> None:
    answer = app.call("GET", "/api/v2/assets/", headers={"authorization": authorization})
    assert (answer.status, answer.json()) == (401, {"detail": detail})
    assert answer.headers["www-authenticate"] == CHALLENGE


@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
def test_a_password_with_accents_may_come_in_the_charset_of_any_client(app: App, charset: str) -> None:
    accounts.create_account("zoe", "mot de passé", "zoe@example.org")
    encoded = base64.b64encode("zoe:mot de passé".encode(charset)).decode()
    answer = app.call("GET", "/me/", headers={"authorization": f"Basic {encoded}"})
    assert (answer.status, answer.json()["username"]) == (200, "zoe")


def test_a_disabled_account_is_refused_by_key_and_by_password(app: App) -> None:
    assert token(app).status == 200
    switch_off("ann")
    for headers in (basic("ann", PASSWORD), {"authorization": f"Token {app.keys['ann']}"}):
        answer = app.call("GET", "/me/", headers=headers)
        assert (answer.status, answer.json()) == (401, {"detail": "User inactive or deleted."})


# Failed logins


def test_after_more_than_twenty_failed_logins_even_the_right_password_waits(app: App, clock: Clock) -> None:
    app.add_user("bob")
    for _ in range(21):
        assert app.call("GET", "/token/", headers=basic("bob", "wrong")).status == 401
    for _ in range(2):
        answer = app.call("GET", "/token/", headers=basic("bob", PASSWORD))
        assert answer.status == 429
        assert 0 < int(answer.headers["retry-after"]) <= 600
        assert "detail" in answer.json()
    clock.forward(601)
    assert app.call("GET", "/token/", headers=basic("bob", PASSWORD)).status == 200


def test_failed_logins_count_for_one_name_at_one_address(app: App, clock: Clock) -> None:
    app.add_user("bob")
    for _ in range(22):
        app.call("GET", "/token/", headers=basic("bob", "wrong"), address="198.51.100.1")
    elsewhere = app.call("GET", "/token/", headers=basic("bob", PASSWORD), address="198.51.100.2")
    assert elsewhere.status == 200
    assert app.call("GET", "/token/", headers=basic("ann", PASSWORD), address="198.51.100.1").status == 200


def test_failed_logins_lock_submissions_too_in_their_dialect(app: App, clock: Clock) -> None:
    for _ in range(21):
        app.call("HEAD", "/submission", headers=basic("nobody", "wrong"))
    answer = app.call("POST", "/submission", headers=basic("nobody", "wrong"), body=b"x")
    assert (answer.status, "retry-after" in answer.headers) == (429, True)
    assert "<root><detail>" in answer.text


def test_a_key_is_not_locked_by_failed_passwords(app: App, clock: Clock) -> None:
    for _ in range(22):
        app.call("GET", "/token/", headers=basic("ann", "wrong"))
    assert app.get("/me/").status == 200


def test_a_password_is_checked_slowly_once_per_process(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    assert token(app).status == 200
    checked: list[str] = []
    scrypt = passwords._scrypt

    def slowly(password: str, *rest: Any) -> bytes:
        checked.append(password)
        return scrypt(password, *rest)

    monkeypatch.setattr(passwords, "_scrypt", slowly)
    with counting() as made:
        assert app.call("GET", "/me/", headers=basic("ann", PASSWORD)).status == 200
    assert checked == []
    # Who calls, their account, and the row of it that knows when they last signed in.
    assert made["dynamodb.GetItem"] == 3
    assert app.call("GET", "/me/", headers=basic("ann", PASSWORD + "!")).status == 401
    assert len(checked) == 1


# Who am I


def test_me_says_who_calls(app: App, clock: Clock) -> None:
    me = app.call(
        "GET",
        "/me/",
        headers={"authorization": f"Token {app.keys['ann']}", "content-type": "application/json"},
    )
    body = me.json()
    assert list(body) == [
        "username", "first_name", "last_name", "email", "is_superuser", "server_time", "date_joined", "projects_url",
        "gravatar", "last_login", "extra_details", "git_rev", "social_accounts", "validated_password", "accepted_tos",
        "organization", "extra_details__uid",
    ]  # fmt: skip
    assert (body["username"], body["email"], body["is_superuser"]) == ("ann", "ann@example.org", False)
    assert body["server_time"] == "2026-08-02T08:10:05Z"
    assert body["projects_url"] == "https://kf.example.org/ann"
    assert re.fullmatch(r"https://www\.gravatar\.com/avatar/[0-9a-f]{32}\?s=40", body["gravatar"])
    assert re.fullmatch(r"u[A-Za-z0-9]{21}", body["extra_details__uid"])
    assert body["extra_details"]["require_auth"] is True


def test_users_are_found_by_name_by_those_who_are_signed_in(app: App) -> None:
    app.add_user("bob")
    answer = app.get("/api/v2/users/bob")
    assert answer.json()["url"] == "https://kf.example.org/api/v2/users/bob/"
    assert list(answer.json()) == [
        "url", "username", "date_joined", "public_collection_subscribers_count", "public_collections_count",
    ]  # fmt: skip
    assert app.get("/api/v2/users/bob/", user=None).status == 401
    switch_off("bob")
    for name in ("bob", "nobody", "x" * 250, "%00"):
        assert app.get(f"/api/v2/users/{name}/").status == 404


# Making accounts


@pytest.mark.parametrize(
    "name", ["", "a", "1a", "_a", "Ann", "a-b", "a b", "ä1", "a" * 31, "api", "token", "forms", "submission"]
)
def test_a_name_that_will_not_do_is_refused(app: App, name: str) -> None:
    with pytest.raises(ApiError) as refused:
        accounts.create_account(name, PASSWORD, "x@example.org")
    assert list(refused.value.body) == ["username"]


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1025])
def test_a_password_that_will_not_do_is_refused(app: App, password: str) -> None:
    with pytest.raises(ApiError) as refused:
        accounts.create_account("bob", password, "x@example.org")
    assert list(refused.value.body) == ["password"]


def test_a_name_that_is_taken_is_not_given_again(app: App) -> None:
    assert accounts.create_account("ann", PASSWORD, "x@example.org") is None
    assert app.get("/me/").json()["email"] == "ann@example.org"


def test_an_account_is_ensured_with_the_key_it_has(app: App) -> None:
    assert accounts.ensure_account("ann", "another password", "x@example.org") == app.keys["ann"]
    made = accounts.ensure_account("bob", PASSWORD, "bob@example.org")
    assert accounts.ensure_account("bob", PASSWORD, "bob@example.org") == made


# What is kept


def test_no_secret_stands_in_the_clear_and_no_answer_in_a_log(
    app: App, receiver: Receiver, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Passwords, keys and hook credentials at rest; those and submissions in logs (design I9)."""
    encoded = basic("ann", PASSWORD)["authorization"].removeprefix("Basic ")
    secrets = {PASSWORD, app.keys["ann"], "hook password 7Qx", "custom header 9Zw", encoded}
    answers = {"a very private answer", "another private answer"}
    caplog.set_level(logging.DEBUG, logger="formrelay")
    capsys.readouterr()
    asset = app.deploy(FORM)
    app.add_hook(
        asset,
        receiver.url(),
        auth_level="basic_auth",
        settings={
            "username": "u",
            "password": "hook password 7Qx",
            "custom_headers": {"X-Key": "custom header 9Zw"},
        },
    )
    token(app)
    token(app, password="wrong")
    app.submit(app.filled(asset, {"name": "a very private answer"}))
    app.submit("<a>another private answer")
    app.send("POST", "/submission", {"id": asset, "submission": {"name": "another private answer"}})
    app.deliver()
    assert len(receiver.requests) == 1
    kept = repr(stored(app.settings.data_table) + stored(app.settings.accounts_table))
    kept += repr(objects(app.settings.bucket))
    written = capsys.readouterr()
    logged = "".join([caplog.text, *(json.dumps(record.__dict__, default=repr) for record in caplog.records)])
    logged += written.out + written.err
    assert "attempt" in logged
    assert [secret for secret in secrets if secret in kept] == []
    assert [text for text in secrets | answers if text in logged] == []
