"""Many projects at once: archive, take out, delete (contract assets §5)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.test_assets import ASSETS, make, send_form
from tests.support.app import FORM, App
from tests.support.grants import grant


def bulk(app: App, user: str | None = "ann", **payload: Any) -> tuple[int, Any]:
    answer = app.send("POST", f"{ASSETS}bulk/", {"payload": payload}, user=user)
    return answer.status, answer.json()


def states(app: App) -> dict[str, str]:
    return {row["uid"]: row["deployment_status"] for row in app.get(ASSETS).json()["results"]}


def test_projects_are_archived_taken_out_and_deleted(app: App) -> None:
    one, two, other = (app.deploy(FORM, name=name) for name in ("1", "2", "3"))
    assert bulk(app, asset_uids=[one, two, one], action="archive") == (
        200,
        {"detail": "2 projects have been archived"},
    )
    assert states(app) == {one: "archived", two: "archived", other: "deployed"}
    assert bulk(app, asset_uids=[one], action="unarchive") == (
        200,
        {"detail": "1 project has been unarchived"},
    )
    assert states(app) == {one: "deployed", two: "archived", other: "deployed"}
    assert bulk(app, asset_uids=[two, other], action="delete") == (
        200,
        {"detail": "2 projects have been deleted"},
    )
    assert states(app) == {one: "deployed"}


def test_the_payload_may_be_text(app: App) -> None:
    uid = app.deploy(FORM)
    payload = json.dumps({"asset_uids": [uid], "action": "archive"})
    assert send_form(app, "POST", f"{ASSETS}bulk/", {"payload": payload}).status == 200
    assert states(app) == {uid: "archived"}


def test_all_own_projects_need_confirmation(app: App) -> None:
    app.add_user("bob")
    theirs = app.deploy(FORM, user="bob")
    grant(theirs, "ann", "view_asset", "manage_asset")
    one, draft = app.deploy(FORM), make(app)["uid"]
    assert bulk(app, action="archive") == (400, {"detail": "Confirmation is required"})
    assert bulk(app, action="archive", confirm=True) == (200, {"detail": "1 project has been archived"})
    assert states(app) == {one: "archived", draft: "draft", theirs: "deployed"}
    assert bulk(app, action="delete", confirm=True) == (200, {"detail": "2 projects have been deleted"})
    assert states(app) == {theirs: "deployed"}


@pytest.mark.parametrize("action", ["archive", "delete"])
def test_one_that_may_not_be_changed_keeps_all_from_it(app: App, action: str) -> None:
    app.add_user("bob")
    mine, theirs = app.deploy(FORM), app.deploy(FORM, user="bob")
    forbidden = (403, {"detail": "You do not have permission to perform this action."})
    for other in (theirs, "aUnknownUnknownUnknow2", "x" * 2_000, ""):
        assert bulk(app, asset_uids=[mine, other], action=action) == forbidden
    grant(theirs, "ann", "view_asset", "change_asset")
    assert bulk(app, asset_uids=[mine, theirs], action=action) == forbidden
    assert states(app) == {mine: "deployed", theirs: "deployed"}


def test_managers_archive_and_only_owners_delete(app: App) -> None:
    app.add_user("bob")
    uid = app.deploy(FORM)
    grant(uid, "bob", "view_asset", "manage_asset")
    assert bulk(app, "bob", asset_uids=[uid], action="archive")[0] == 200
    assert bulk(app, "bob", asset_uids=[uid], action="delete")[0] == 403


def test_drafts_have_no_archive(app: App) -> None:
    expected = (400, {"detail": "Draft projects cannot be archived"})
    assert bulk(app, asset_uids=[make(app)["uid"]], action="archive") == expected


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"asset_uids": []}, "`action` parameter is required"),
        ({"asset_uids": [], "action": ["x"]}, "\"['x']\" is not a valid choice."),
        ({"asset_uids": "aX", "action": "archive"}, "`asset_uids` must be a list of uids"),
        ({"asset_uids": [1], "action": "archive"}, "`asset_uids` must be a list of uids"),
        (
            {"asset_uids": [f"a{i}" for i in range(1_001)], "action": "archive"},
            "At most 1000 projects can be changed at once",
        ),
    ],
)
def test_what_cannot_be_done_is_refused(app: App, payload: Any, text: str) -> None:
    assert bulk(app, **payload) == (400, {"detail": text})
    assert bulk(app, None, **payload)[0] == 401


def test_deleted_projects_do_not_come_back(app: App) -> None:
    app.add_user("root", superuser=True)
    asked: dict[str, Any] = {"asset_uids": ["aX"], "action": "undelete"}
    assert bulk(app, **asked)[0] == 403
    assert bulk(app, "root", **asked) == (400, {"detail": "Deleted projects cannot be brought back"})
