"""``create-account``, ``list-accounts``, ``disable-account``, ``enable-account``, ``delete-account``."""

from __future__ import annotations

import base64

from tests.integration.operate.conftest import Run
from tests.support.app import FORM, PASSWORD, App


def test_an_account_is_made_and_its_key_printed(app: App, run: Run) -> None:
    made = run("create-account", "bob", "--email", "bob@example.org", given="long enough\n")
    app.keys["bob"] = made.output
    assert (made.code, app.get("/me/", user="bob").json()["email"]) == (0, "bob@example.org")


def test_a_name_that_is_taken_and_a_short_password_are_refused(app: App, run: Run) -> None:
    taken = run("create-account", "ann", given="long enough\n")
    assert (taken.code, taken.output, taken.remarks) == (1, "", "There is an account ann already.\n")
    assert run("create-account", "bob", given="short\n").code == 1


def test_accounts_are_listed_without_anything_secret(app: App, run: Run) -> None:
    app.add_user("bob", superuser=True)
    listed = run("list-accounts")
    assert {line["username"]: line["superuser"] for line in listed.lines} == {"ann": False, "bob": True}
    assert app.keys["ann"] not in listed.output
    assert "$" not in listed.output


def test_a_disabled_account_is_refused_by_key_and_password_until_it_is_enabled(app: App, run: Run) -> None:
    basic = {"authorization": "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode()}

    def statuses() -> list[int]:
        return [app.get("/me/").status, app.call("GET", "/me/", headers=basic).status]

    assert statuses() == [200, 200]
    assert run("disable-account", "ann").code == 0
    assert statuses() == [401, 401]
    assert "already" in run("disable-account", "ann").remarks
    assert run("enable-account", "ann").code == 0
    assert statuses() == [200, 200]


def test_an_account_without_a_key_is_disabled_and_enabled_too(app: App, run: Run) -> None:
    assert app.call("DELETE", "/token/").status == 204
    assert run("disable-account", "ann").code == 0
    assert run("enable-account", "ann").code == 0


def test_what_operators_switch_shows_in_the_directory(app: App, run: Run) -> None:
    app.add_user("root", superuser=True)
    run("disable-account", "ann")
    rows = app.get("/api/v2/users/", user="root", q="is_active:false").json()["results"]
    assert [row["username"] for row in rows] == ["ann"]


def test_an_account_without_projects_is_deleted(app: App, run: Run) -> None:
    app.add_user("bob")
    assert run("delete-account", "bob").code == 0
    assert app.get("/me/", user="bob").status == 401
    assert [line["username"] for line in run("list-accounts").lines] == ["ann"]
    assert run("delete-account", "bob").remarks == "There is no account bob.\n"
    assert run("create-account", "bob", given="long enough\n").code == 1
    app.deploy(FORM)
    refused = run("delete-account", "ann")
    assert (refused.code, "owns projects" in refused.remarks) == (1, True)
    assert app.get("/me/").status == 200


def test_an_account_that_is_not_there_is_said_so(run: Run) -> None:
    assert run("disable-account", "nobody").remarks == "There is no account nobody.\n"
