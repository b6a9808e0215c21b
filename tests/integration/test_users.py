"""``/api/v2/users/``: the directory, and accounts that superusers make, change and delete (contract accounts §4)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from formrelay import accounts as domain
from formrelay.storage import accounts, keys, table
from tests.support.app import BASE, FORM, PASSWORD, Answer, App, Clock
from tests.support.calls import counting, crashing, doing
from tests.support.grants import grant

USERS = "/api/v2/users/"
NEW: dict[str, Any] = {"username": "bob", "password": "a fine horse", "email": "bob@example.org"}


@pytest.fixture(autouse=True)
def _root(app: App) -> None:
    app.add_user("root", superuser=True)


def basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def create(app: App, **fields: Any) -> Answer:
    return app.send("POST", USERS, {**NEW, **fields}, user="root")


def change(app: App, username: str, **fields: Any) -> Answer:
    return app.send("PATCH", f"{USERS}{username}/", fields, user="root")


def delete(app: App, username: str) -> Answer:
    return app.call("DELETE", f"{USERS}{username}/", user="root")


def listed(app: App, **query: str) -> list[str]:
    answer = app.get(USERS, user="root", **query)
    assert answer.status == 200, answer.text
    assert answer.json()["count"] == len(answer.json()["results"])
    return [row["username"] for row in answer.json()["results"]]


def signs_in(app: App, name: str, password: str) -> int:
    return app.call("GET", "/me/", headers=basic(name, password)).status


# The directory


def test_the_directory_is_for_superusers(app: App) -> None:
    assert app.get(USERS, user="ann").status == 403
    assert app.get(USERS, user=None).status == 401
    assert listed(app) == ["ann", "root"]


def test_an_account_is_listed_with_what_is_known_of_it(app: App, clock: Clock) -> None:
    create(app, extra_details={"organization": "Water Trust"})
    app.deploy(FORM)
    grant(app.deploy(FORM), "bob", "view_asset")
    rows = app.get(USERS, user="root").json()["results"]
    assert list(rows[1]) == [
        "id", "username", "is_superuser", "date_joined", "last_login", "is_active", "email", "asset_count", "metadata",
    ]  # fmt: skip
    assert isinstance(rows[1].pop("id"), int)
    assert rows[1] == {
        "username": "bob",
        "is_superuser": False,
        "date_joined": "2026-08-02T08:10:05Z",
        "last_login": None,
        "is_active": True,
        "email": "bob@example.org",
        "asset_count": 0,
        "metadata": {"organization": "Water Trust"},
    }
    assert [row["asset_count"] for row in rows] == [2, 0, 0]
    assert rows[2]["is_superuser"] is True


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("ann", ["ann"]),
        ("ANN", ["ann"]),
        ("bob", ["bob"]),
        ("username:bob", ["bob"]),
        ("is_active:false", ["bob"]),
        ("is_superuser:true", ["root"]),
        ("email__icontains:EXAMPLE.ORG", ["ann", "bob", "root"]),
        ("extra_details__data__organization:Water", ["bob"]),
        ("NOT username:ann AND NOT is_superuser:true", ["bob"]),
        ("date_joined__gte:2026-08-01 AND bob", ["bob"]),
        ("last_login:null AND bob", ["bob"]),
        ("((", []),
    ],
)
def test_the_directory_is_searched(app: App, clock: Clock, query: str, names: list[str]) -> None:
    create(app, extra_details={"organization": "Water"}, is_active=False)
    assert listed(app, q=query) == names


@pytest.mark.parametrize("query", ["password:x", "key_hash:x", "ab"])
def test_searches_that_are_refused(app: App, query: str) -> None:
    assert app.get(USERS, user="root", q=query).status == 400


def test_the_directory_comes_in_pages(app: App) -> None:
    for name in ("bob", "cleo", "dan"):
        create(app, username=name)
    first = app.get(USERS, user="root", limit="2").json()
    assert (first["count"], first["next"]) == (5, f"{BASE}{USERS}?limit=2&start=2")
    assert [row["username"] for row in first["results"]] == ["ann", "bob"]


def test_a_page_reads_the_directory_and_no_account(app: App) -> None:
    with counting() as made:
        app.get(USERS, user="root")
    assert made == {"dynamodb.GetItem": 1, "dynamodb.Query": 1 + 2}


# Making


def test_a_superuser_makes_an_account_that_works(app: App) -> None:
    answer = create(app, is_superuser="true", extra_details='{"language": "fr"}')
    assert answer.status == 201
    assert answer.headers["Location".lower()] == f"{BASE}{USERS}bob/"
    body = answer.json()
    assert (body["username"], body["is_superuser"], body["metadata"]) == ("bob", True, {"language": "fr"})
    assert signs_in(app, "bob", "a fine horse") == 200
    key = app.get("/token/", user="root", username="bob").json()["token"]
    assert app.call("GET", "/token/", headers=basic("bob", "a fine horse")).json() == {"token": key}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"username": "ann"}, "username"),
        ({"username": "Bob"}, "username"),
        ({"username": ""}, "username"),
        ({"username": None}, "username"),
        ({"password": "short"}, "password"),
        ({"password": ""}, "password"),
        ({"password": 7}, "password"),
        ({"email": "nowhere"}, "email"),
        ({"email": "a@b c"}, "email"),
        ({"email": "x" * 250 + "@example.org"}, "email"),
        ({"is_superuser": "perhaps"}, "is_superuser"),
        ({"extra_details": [1]}, "extra_details"),
        ({"extra_details": {"x": "x" * 9_000}}, "extra_details"),
    ],
)
def test_an_account_that_will_not_do_is_refused(app: App, fields: dict[str, Any], named: str) -> None:
    answer = create(app, **fields)
    assert (answer.status, list(answer.json())) == (400, [named])
    assert listed(app) == ["ann", "root"]


def test_others_make_change_and_delete_none(app: App) -> None:
    create(app)
    for user, status in (("ann", 403), (None, 401)):
        assert app.send("POST", USERS, {**NEW, "username": "cleo"}, user=user).status == status
        assert app.send("PATCH", USERS + "bob/", {"email": ""}, user=user).status == status
        assert app.call("DELETE", USERS + "bob/", user=user).status == status
    assert listed(app) == ["ann", "bob", "root"]


def test_a_crash_leaves_an_account_whole_or_not_at_all(app: App) -> None:
    with crashing("dynamodb.TransactWriteItems"):
        create(app)
    assert listed(app) == ["ann", "root"]
    assert accounts.get_account("bob") is None
    assert create(app).status == 201


# Changing


def test_switching_an_account_off_revokes_key_and_password_at_once(app: App) -> None:
    assert signs_in(app, "ann", PASSWORD) == app.get("/me/").status == 200
    answer = change(app, "ann", is_active=False)
    assert (answer.status, answer.json()["is_active"]) == (200, False)
    assert signs_in(app, "ann", PASSWORD) == app.get("/me/").status == 401
    assert app.get(USERS + "ann/", user="root").status == 404
    assert change(app, "ann", is_active=True).status == 200
    assert signs_in(app, "ann", PASSWORD) == app.get("/me/").status == 200


def test_rights_of_superusers_come_and_go_with_the_next_request(app: App) -> None:
    assert change(app, "ann", is_superuser=True).status == 200
    assert app.get(USERS, user="ann").status == 200
    assert change(app, "ann", is_superuser=False).status == 200
    assert app.get(USERS, user="ann").status == 403


def test_a_key_that_is_made_while_the_account_is_switched_off_does_not_work(app: App) -> None:
    made: list[Answer] = []
    app.call("DELETE", "/token/")
    with doing("dynamodb.TransactWriteItems", lambda: change(app, "ann", is_active=False)):
        made.append(app.call("GET", "/token/", headers=basic("ann", PASSWORD)))
    (answer,) = made
    key = answer.json()["token"]
    assert app.call("GET", "/me/", headers={"authorization": f"Token {key}"}).status == 401


def test_password_address_and_details_are_changed(app: App) -> None:
    answer = change(app, "ann", password="a fourth horse", email="li@example.org", extra_details={"bio": "b"})
    assert answer.status == 200
    assert (signs_in(app, "ann", PASSWORD), signs_in(app, "ann", "a fourth horse")) == (401, 200)
    assert app.get("/me/").json()["email"] == "li@example.org"
    change(app, "ann", extra_details={"city": "Quito"})
    row = app.get(USERS, user="root", q="email:li@example.org").json()["results"][0]
    assert row["metadata"] == {"bio": "b", "city": "Quito"}


def test_changes_of_ones_own_account_show_in_the_directory(app: App) -> None:
    app.send("PATCH", "/me/", {"extra_details": {"city": "Quito"}})
    assert listed(app, q="extra_details__data__city:Quito") == ["ann"]


@pytest.mark.parametrize("fields", [{"password": "short"}, {"email": "x"}, {"is_active": "perhaps"}])
def test_a_change_that_will_not_do_is_refused(app: App, fields: dict[str, Any]) -> None:
    assert change(app, "ann", **fields).status == 400
    assert signs_in(app, "ann", PASSWORD) == 200


def test_superusers_do_not_lock_themselves_out(app: App) -> None:
    for answer in (
        change(app, "root", is_active=False),
        change(app, "root", is_superuser=False),
        delete(app, "root"),
    ):
        assert (answer.status, list(answer.json())) == (400, ["detail"])
    assert change(app, "root", email="root2@example.org").status == 200


@pytest.mark.parametrize("name", ["nobody", "x" * 200, "AnonymousUser"])
def test_an_account_that_is_not_there_is_404(app: App, name: str) -> None:
    assert change(app, name, is_active=False).status == 404
    assert delete(app, name).status == 404


def test_who_stands_for_everybody_can_be_looked_up_and_is_not_listed(app: App) -> None:
    shown = app.get(USERS + "AnonymousUser/", user="ann")
    assert shown.status == 200
    assert (shown.json()["url"], shown.json()["username"], shown.json()["date_joined"]) == (
        "https://kf.example.org/api/v2/users/AnonymousUser/",
        "AnonymousUser",
        None,
    )
    assert "AnonymousUser" not in listed(app)


# Deleting


def test_a_deleted_account_is_gone_with_key_and_password(app: App) -> None:
    create(app)
    key = app.get("/token/", user="root", username="bob").json()["token"]
    assert delete(app, "bob").status == 204
    assert signs_in(app, "bob", "a fine horse") == 401
    assert app.call("GET", "/me/", headers={"authorization": f"Token {key}"}).status == 401
    assert listed(app) == ["ann", "root"]
    assert app.get(USERS + "bob/", user="root").status == 404
    assert delete(app, "bob").status == 404
    kept = table.get(app.settings.accounts_table, keys.account("bob"))
    assert kept is not None
    assert not {"password", "email", "details", "key_sealed"} & kept.keys()


def test_the_name_of_a_deleted_account_stays_taken(app: App) -> None:
    """Rights that were given to it would be another's otherwise."""
    create(app)
    grant(app.deploy(FORM), "bob", "view_asset")
    assert delete(app, "bob").status == 204
    answer = create(app)
    assert (answer.status, list(answer.json())) == (400, ["username"])
    assert domain.create_account("bob", PASSWORD, "") is None


def test_an_account_that_owns_projects_is_not_deleted(app: App) -> None:
    app.deploy(FORM)
    answer = delete(app, "ann")
    assert (answer.status, list(answer.json())) == (400, ["detail"])
    assert app.get("/me/").status == 200


# Keys of others


def test_superusers_have_the_keys_of_others(app: App) -> None:
    path = "/token/"
    assert app.get(path, user="root", username="ann").json() == {"token": app.keys["ann"]}
    assert app.get(path, user="ann", username="ann").status == 200
    assert app.get(path, user="ann", username="root").status == 403
    assert app.get(path, user=None, username="ann").status == 401
    assert app.get(path, user="root", username="nobody").status == 404
    assert app.call("DELETE", path, user="root", query="username=ann").status == 204
    assert app.get("/me/", user="ann").status == 401
    assert app.get("/me/", user="root").status == 200
