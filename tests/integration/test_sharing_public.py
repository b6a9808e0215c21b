"""What anybody may do once AnonymousUser was given rights (contract permissions §2.1, submissions §2, §9)."""

from __future__ import annotations

import pytest

from tests.support.app import FORM, App
from tests.support.grants import ANONYMOUS
from tests.support.sharing import held, path, row_of, share, url_path

ASSETS = "/api/v2/assets/"


@pytest.fixture
def asset(app: App) -> str:
    app.add_user("bob")
    uid = app.deploy(FORM)
    assert app.submit(app.filled(uid, {"name": "Ana"})).status == 201
    return uid


def statuses(app: App, asset: str, user: str | None) -> dict[str, int]:
    paths = {
        "project": f"{ASSETS}{asset}/",
        "form": f"{ASSETS}{asset}.xml",
        "versions": f"{ASSETS}{asset}/versions/",
        "assignments": path(asset),
        "data": f"{ASSETS}{asset}/data/",
        "hooks": f"{ASSETS}{asset}/hooks/",
    }
    return {name: app.get(where, user=user).status for name, where in paths.items()}


CLOSED = dict.fromkeys(("project", "form", "versions", "assignments", "data", "hooks"), 404)
FORM_OPEN = {**CLOSED, "project": 200, "form": 200, "versions": 200, "assignments": 200}


@pytest.mark.parametrize("user", [None, "bob"])
def test_a_form_is_shown_to_anybody_and_hidden_again(app: App, asset: str, user: str | None) -> None:
    assert statuses(app, asset, user) == CLOSED
    assert share(app, asset, ANONYMOUS, "view_asset").status == 201
    assert statuses(app, asset, user) == FORM_OPEN
    shown = app.get(f"{ASSETS}{asset}/", user=user).json()
    assert shown["status"] == "public"
    assert shown["deployment__submission_count"] is None
    assert shown["effective_permissions"] == [{"codename": "view_asset"}]
    app.call("DELETE", url_path(row_of(app, asset, ANONYMOUS, "view_asset")))
    assert statuses(app, asset, user) == CLOSED


@pytest.mark.parametrize("user", [None, "bob"])
def test_data_are_shown_to_anybody_and_hidden_again(app: App, asset: str, user: str | None) -> None:
    share(app, asset, ANONYMOUS, "view_submissions")
    assert statuses(app, asset, user) == {**FORM_OPEN, "data": 200}
    assert [record["name"] for record in app.get(f"{ASSETS}{asset}/data/", user=user).json()["results"]] == [
        "Ana"
    ]
    app.call("DELETE", url_path(row_of(app, asset, ANONYMOUS, "view_submissions")))
    assert statuses(app, asset, user) == FORM_OPEN


def test_public_projects_are_in_nobodys_list(app: App, asset: str) -> None:
    share(app, asset, ANONYMOUS, "view_submissions")
    for user in ("bob", None):
        assert app.get(ASSETS, user=user).json()["count"] == 0


def test_what_is_public_is_read_only(app: App, asset: str) -> None:
    share(app, asset, ANONYMOUS, "view_submissions")
    for method, where in (("PATCH", f"{ASSETS}{asset}/"), ("PATCH", f"{ASSETS}{asset}/deployment/")):
        assert app.send(method, where, {}, user=None).status == 401
        assert app.send(method, where, {}, user="bob").status == 403


def test_wrong_credentials_are_refused_where_none_are_needed(app: App, asset: str) -> None:
    share(app, asset, ANONYMOUS, "view_submissions")
    headers = {"authorization": f"Token {'0' * 40}"}
    for where in (f"{ASSETS}{asset}/", f"{ASSETS}{asset}/data/", path(asset), "/api/v2/permissions/"):
        refused = app.call("GET", where, headers=headers)
        assert (refused.status, refused.json()) == (401, {"detail": "Invalid token."})


def test_anybody_may_submit_to_a_form_that_was_opened(app: App, asset: str) -> None:
    filled = app.filled(asset, {"name": "Bo"})
    assert app.submit(filled, user=None, path="/ann/submission").status == 401
    assert app.submit(filled, user="bob").status == 403
    assert share(app, asset, ANONYMOUS, "add_submissions").status == 201
    assert app.submit(filled, user=None, path="/ann/submission").status == 201
    assert app.submit(app.filled(asset, {"name": "Cy"}), user="bob").status == 201
    assert app.submit(app.filled(asset, {"name": "Di"}), user=None).status == 401
    assert [record["_submitted_by"] for record in app.records(asset)] == ["ann", None, "bob"]


def test_a_form_open_to_anybody_is_in_its_owners_public_list(app: App, asset: str) -> None:
    def shown() -> tuple[bool, int]:
        listed = app.get("/ann/formList", user=None)
        form = app.get(f"/ann/forms/{asset}/form.xml", user=None)
        return asset in listed.text, form.status

    assert shown() == (False, 404)
    share(app, asset, ANONYMOUS, "add_submissions")
    assert shown() == (True, 200)
    app.call("DELETE", url_path(row_of(app, asset, ANONYMOUS, "add_submissions")))
    assert shown() == (False, 404)


def test_managers_offer_open_forms_under_their_own_name(app: App, asset: str) -> None:
    share(app, asset, ANONYMOUS, "add_submissions")
    share(app, asset, "bob", "change_submissions")
    assert asset not in app.get("/bob/formList", user=None).text
    share(app, asset, "bob", "manage_asset")
    assert asset in app.get("/bob/formList", user=None).text


def test_a_form_open_to_anybody_does_not_show_its_project(app: App, asset: str) -> None:
    share(app, asset, ANONYMOUS, "add_submissions")
    assert held(app, asset, ANONYMOUS) == ["add_submissions"]
    assert statuses(app, asset, None) == CLOSED
    share(app, asset, ANONYMOUS, "view_asset")
    app.call("DELETE", url_path(row_of(app, asset, ANONYMOUS, "view_asset")))
    assert held(app, asset, ANONYMOUS) == ["add_submissions"]


def test_users_who_may_submit_have_the_form_in_their_list(app: App, asset: str) -> None:
    share(app, asset, "bob", "view_submissions")
    assert asset not in app.get("/formList", user="bob").text
    share(app, asset, "bob", "partial_submissions", change=[{"_submitted_by": "bob"}])
    assert asset in app.get("/formList", user="bob").text
    assert app.submit(app.filled(asset, {"name": "Bo"}, user="bob"), user="bob").status == 201
