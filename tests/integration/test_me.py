"""``/me/``: what people change of their own accounts, passwords above all (contract accounts §3)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from formrelay.storage import accounts
from tests.support.app import PASSWORD, Answer, App, Clock
from tests.support.calls import doing
from tests.support.reports import fail, letters
from tests.support.world import World

NEW = "another fine horse"
WRONG = {"current_password": ["Incorrect current password."]}


def basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def patch(app: App, **data: Any) -> Answer:
    return app.send("PATCH", "/me/", data)


def details(app: App) -> dict[str, Any]:
    found: dict[str, Any] = app.get("/me/").json()["extra_details"]
    return found


def change_password(app: App, current: object = PASSWORD, new: object = NEW) -> Answer:
    return patch(app, current_password=current, new_password=new)


def may_sign_in(app: App, password: str) -> bool:
    return app.call("GET", "/token/", headers=basic("ann", password)).status == 200


# Details


def test_details_are_merged_key_by_key(app: App) -> None:
    first = patch(app, extra_details={"name": "Ann Li", "city": "Quito"})
    assert first.status == 200
    assert first.json()["extra_details"]["name"] == "Ann Li"
    patch(app, extra_details={"city": "Lima", "newsletter": True, "n": 1e300})
    found = details(app)
    assert (found["name"], found["city"], found["newsletter"], found["n"]) == ("Ann Li", "Lima", True, 1e300)
    assert found["require_auth"] is True
    assert found["bio"] == ""


def test_details_may_be_a_json_text_and_a_form(app: App) -> None:
    assert patch(app, extra_details=json.dumps({"city": "Quito"})).status == 200
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = b"extra_details=%7B%22bio%22%3A%22b%22%7D"
    assert app.call("PATCH", "/me/", body=body, headers=headers).status == 200
    assert (details(app)["city"], details(app)["bio"]) == ("Quito", "b")


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("{", "Unable to parse JSON"),
        ([1], "Must be a JSON object"),
        ({"bio": "x" * 9_000}, "Ensure this field"),
    ],
)
def test_details_that_will_not_do_are_named_and_change_nothing(app: App, sent: object, text: str) -> None:
    answer = patch(app, extra_details=sent, first_name="Ann")
    assert answer.status == 400
    assert answer.json()["extra_details"][0].startswith(text)
    assert app.get("/me/").json()["first_name"] == ""


def test_details_are_bounded_as_a_whole(app: App) -> None:
    assert patch(app, extra_details={"a": "x" * 5_000}).status == 200
    assert patch(app, extra_details={"b": "x" * 5_000}).status == 400
    assert "b" not in details(app)


def test_two_who_change_details_at_once_lose_nothing(app: App) -> None:
    with doing("dynamodb.TransactWriteItems", lambda: patch(app, extra_details={"city": "Quito"})):
        assert patch(app, extra_details={"bio": "b"}).status == 200
    assert (details(app)["city"], details(app)["bio"]) == ("Quito", "b")


def test_names_are_kept_and_the_rest_means_nothing(app: App) -> None:
    before = app.get("/me/").json()
    answer = patch(
        app,
        first_name=" Ann ",
        last_name="Li",
        email="other@example.org",
        is_superuser=True,
        username="root",
        x=1,
    )
    assert answer.status == 200
    changed = {"first_name": "Ann", "last_name": "Li"}
    assert app.get("/me/").json() | {"server_time": 0, "last_login": 0} == before | changed | {
        "server_time": 0,
        "last_login": 0,
    }
    assert patch(app, first_name="x" * 151).status == 400
    assert app.send("PATCH", "/me/", {"first_name": "x"}, user=None).status == 401


def test_an_empty_patch_changes_nothing(app: App) -> None:
    assert app.call("PATCH", "/me/").status == 200
    assert app.send("PATCH", "/me/", app.get("/me/").json()).status == 200


def test_mails_come_in_the_language_of_the_account(world: World) -> None:
    assert patch(world.app, extra_details={"language": "fr"}).status == 200
    fail(world)
    with letters() as sent:
        world.run(121)
    assert [letter.subject for letter in sent] == ["Rapport d’échec des services REST"]


# Passwords


def test_a_password_is_changed_with_the_current_one(app: App) -> None:
    assert may_sign_in(app, PASSWORD)
    answer = change_password(app)
    assert answer.status == 200
    assert answer.json()["username"] == "ann"
    assert (may_sign_in(app, PASSWORD), may_sign_in(app, NEW)) == (False, True)
    assert app.get("/me/").status == 200


def test_a_wrong_current_password_changes_nothing(app: App) -> None:
    answer = change_password(app, current="wrong horse")
    assert (answer.status, answer.json()) == (400, WRONG)
    assert may_sign_in(app, PASSWORD)


@pytest.mark.parametrize(
    ("sent", "field", "text"),
    [
        ({"current_password": PASSWORD}, "new_password", "This field is required."),
        ({"new_password": NEW}, "current_password", "This field is required."),
        ({"current_password": PASSWORD, "new_password": "short"}, "new_password", "A password has at least"),
        (
            {"current_password": PASSWORD, "new_password": "x" * 1025},
            "new_password",
            "A password has at most",
        ),
        ({"current_password": PASSWORD, "new_password": ["x"]}, "new_password", "Not a valid string."),
        ({"current_password": 7, "new_password": NEW}, "current_password", "Not a valid string."),
    ],
)
def test_a_password_needs_both_and_to_be_one(app: App, sent: dict[str, Any], field: str, text: str) -> None:
    answer = patch(app, **sent)
    assert (answer.status, list(answer.json())) == (400, [field])
    assert answer.json()[field][0].startswith(text)
    assert may_sign_in(app, PASSWORD)


def test_wrong_current_passwords_count_as_failed_logins(app: App, clock: Clock) -> None:
    for _ in range(21):
        assert change_password(app, current="wrong horse").status == 400
    clock.forward(100)
    answer = change_password(app)
    assert answer.status == 429
    # What is left of the window that the first failure opened.
    assert answer.headers["retry-after"] == "500"
    assert app.call("GET", "/token/", headers=basic("ann", PASSWORD)).headers["retry-after"] == "500"
    clock.forward(499)
    assert change_password(app).headers["retry-after"] == "1"
    clock.forward(1)
    assert change_password(app).status == 200


def test_of_two_changes_at_once_against_one_password_one_is_refused(app: App) -> None:
    answers: list[Answer] = []
    with doing("dynamodb.TransactWriteItems", lambda: answers.append(change_password(app))):
        answers.append(change_password(app, new="a third horse"))
    assert [answer.status for answer in answers] == [200, 400]
    assert answers[1].json() == WRONG
    assert may_sign_in(app, NEW)


def test_no_password_stands_anywhere_in_the_clear(app: App) -> None:
    change_password(app)
    account = accounts.get_account("ann")
    assert account is not None
    assert account["password"].startswith("scrypt$")
    assert NEW not in repr(account)
