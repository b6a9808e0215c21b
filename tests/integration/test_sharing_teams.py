"""Rights of a whole team at once (contract permissions §2): bulk, clone."""

from __future__ import annotations

from typing import Any

import pytest

from formrelay.settings import settings
from formrelay.storage import history, keys, table
from tests.support.app import BASE, FORM, Answer, App
from tests.support.calls import counting, crashing, doing
from tests.support.grants import ANONYMOUS, switch_off
from tests.support.sharing import assignment, held, path, row_of, rows, share

ASSETS = "/api/v2/assets/"


@pytest.fixture
def asset(app: App) -> str:
    for name in ("bob", "cleo", "dora"):
        app.add_user(name)
    return app.deploy(FORM)


def replace(app: App, asset: str, body: Any, *, user: str | None = "ann") -> Answer:
    return app.send("POST", path(asset, "bulk/"), body, user=user)


def remove(app: App, asset: str, body: Any, *, user: str | None = "ann") -> Answer:
    return app.send("DELETE", path(asset, "bulk/"), body, user=user)


def clone(app: App, asset: str, source: str | None, *, user: str | None = "ann") -> Answer:
    return app.send("PATCH", path(asset, "clone/"), {"clone_from": source} if source else {}, user=user)


def users(app: App, asset: str) -> list[str]:
    return sorted({row["user"].split("/")[-2] for row in rows(app, asset)} - {"ann"})


def listed(app: App, user: str) -> list[str]:
    return [row["uid"] for row in app.get(ASSETS, user=user).json()["results"]]


def told(app: App, asset: str) -> list[tuple[str, dict[str, Any]]]:
    """What the project's activity tells of rights, oldest first."""
    pk = keys.history_entry(asset, "")["pk"]
    entries = table.query_all(settings().data_table, "#pk = :pk", {":pk": pk})
    return [(entry["action"], history.more(entry)) for entry in entries if entry["subtype"] == "permission"]


# Bulk


def test_a_bulk_replaces_everything_but_the_owners_rights(app: App, asset: str) -> None:
    share(app, asset, "bob", "manage_asset")
    kept = row_of(app, asset, "bob", "view_asset")
    share(app, asset, "cleo", "view_asset")
    share(app, asset, ANONYMOUS, "view_asset")
    made = replace(
        app,
        asset,
        [
            assignment("bob", "view_submissions"),
            assignment("bob", "view_submissions"),
            assignment("dora", "change_submissions"),
        ],
    )
    assert made.status == 200
    assert made.json() == rows(app, asset)
    assert users(app, asset) == ["bob", "dora"]
    assert held(app, asset, "bob") == ["view_asset", "view_submissions"]
    assert row_of(app, asset, "bob", "view_asset") == kept
    assert "add_submissions" in held(app, asset, "dora")
    assert len(held(app, asset, "ann")) == 8
    assert [listed(app, name) for name in ("bob", "cleo", "dora")] == [[asset], [], [asset]]


def test_an_empty_bulk_takes_everything(app: App, asset: str) -> None:
    share(app, asset, "bob", "manage_asset")
    assert replace(app, asset, []).status == 200
    assert users(app, asset) == []
    assert listed(app, "bob") == []


def test_what_was_read_can_be_sent_back(app: App, asset: str) -> None:
    share(app, asset, "bob", "change_asset")
    share(app, asset, "bob", "partial_submissions", change=[{"_submitted_by": "bob"}])
    share(app, asset, "cleo", "manage_asset")
    share(app, asset, ANONYMOUS, "view_submissions")
    before = rows(app, asset)
    others = [row for row in before if not row["user"].endswith("/ann/")]
    with counting() as calls:
        again = replace(app, asset, others)
    assert (again.status, again.json()) == (200, before)
    assert "dynamodb.TransactWriteItems" not in calls


def test_a_manager_who_is_not_in_the_bulk_loses_the_project(app: App, asset: str) -> None:
    share(app, asset, "bob", "manage_asset")
    made = replace(app, asset, [assignment("cleo", "view_asset")], user="bob")
    assert made.status == 200
    assert app.get(path(asset), user="bob").status == 404
    assert users(app, asset) == ["cleo"]


def test_a_bulk_is_one_transaction(app: App, asset: str) -> None:
    share(app, asset, "bob", "view_asset")
    body = [assignment("cleo", "manage_asset"), assignment("dora", "view_asset")]
    with crashing("dynamodb.TransactWriteItems"):
        replace(app, asset, body)
    assert users(app, asset) == ["bob"]
    with counting() as calls:
        assert replace(app, asset, body).status == 200
    assert calls["dynamodb.TransactWriteItems"] == 1
    assert users(app, asset) == ["cleo", "dora"]


def test_a_bulk_replaces_what_was_given_in_the_same_moment(app: App, asset: str) -> None:
    share(app, asset, "bob", "view_asset")
    with doing("dynamodb.TransactWriteItems", lambda: share(app, asset, "bob", "manage_asset")):
        assert replace(app, asset, [assignment("bob", "add_submissions")]).status == 200
    assert held(app, asset, "bob") == ["add_submissions", "view_asset"]


NOBODY = {"user": ["Invalid hyperlink - Object does not exist."]}


@pytest.mark.parametrize(
    ("item", "answer"),
    [
        (assignment("nobody", "view_asset"), NOBODY),
        (assignment("bob", "fly"), {"permission": NOBODY["user"]}),
        (assignment("ann", "view_asset"), {"user": "Owner's permissions cannot be assigned explicitly"}),
        (
            assignment(ANONYMOUS, "delete_submissions"),
            {"permission": "Anonymous users cannot be granted the permission delete_submissions."},
        ),
        (
            {
                **assignment("bob", "partial_submissions"),
                "partial_permissions": [{"url": "permissions/view_submissions/"}],
            },
            {"partial_permissions": ["Permission assignment must contain filters"]},
        ),
        (7, {"non_field_errors": ["Invalid data. Expected a dictionary."]}),
    ],
)
def test_one_fault_in_a_bulk_leaves_everything_as_it_was(
    app: App, asset: str, item: Any, answer: dict[str, Any]
) -> None:
    share(app, asset, "bob", "view_asset")
    before = rows(app, asset)
    refused = replace(app, asset, [assignment("cleo", "view_asset"), item])
    assert (refused.status, refused.json()) == (400, answer)
    assert rows(app, asset) == before


@pytest.mark.parametrize("body", [{}, "bob", None, 7])
def test_a_bulk_is_a_list(app: App, asset: str, body: Any) -> None:
    share(app, asset, "bob", "view_asset")
    refused = replace(app, asset, body)
    assert (refused.status, refused.json()) == (400, {"non_field_errors": ["Expected a list of items."]})
    assert users(app, asset) == ["bob"]


def test_a_bulk_is_bounded(app: App, asset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = replace(app, asset, [assignment("bob", "view_asset")] * 1001)
    assert (refused.status, refused.json()) == (
        400,
        {"non_field_errors": ["Ensure this list has no more than 1000 items."]},
    )
    monkeypatch.setattr("formrelay.storage.grants.MAX_CHANGED", 1)
    refused = replace(app, asset, [assignment(name, "view_asset") for name in ("bob", "cleo")])
    assert (refused.status, refused.json()) == (
        400,
        {"non_field_errors": ["At most 1 users' permissions can be changed at once."]},
    )


def test_as_many_users_as_a_transaction_takes_are_changed_at_once(app: App, asset: str) -> None:
    from formrelay.storage.grants import MAX_CHANGED

    names = [f"user{number}" for number in range(MAX_CHANGED - 1)]
    for name in names:
        app.add_user(name)
    share(app, asset, "bob", "manage_asset")
    body = [assignment(name, "manage_asset") for name in names]
    body += [assignment("bob", "manage_asset")]
    body += [assignment(ANONYMOUS, name) for name in ("view_submissions", "add_submissions")]
    made = replace(app, asset, body, user="bob")
    assert made.status == 200, made.text
    assert users(app, asset) == sorted([*names, "bob", ANONYMOUS])
    assert replace(app, asset, []).status == 400  # one more than that at once


@pytest.mark.parametrize(("user", "status"), [("bob", 403), ("cleo", 404), (None, 404)])
def test_only_managers_replace_and_clone(app: App, asset: str, user: str | None, status: int) -> None:
    share(app, asset, "bob", "change_submissions")
    assert replace(app, asset, [], user=user).status == status
    assert clone(app, asset, asset, user=user).status == status
    assert users(app, asset) == ["bob"]


# All rights of one user


def test_all_rights_of_a_user_are_taken(app: App, asset: str) -> None:
    share(app, asset, "bob", "manage_asset")
    share(app, asset, "cleo", "view_submissions")
    assert remove(app, asset, {"username": "bob"}).status == 204
    assert users(app, asset) == ["cleo"]
    assert remove(app, asset, {"username": "cleo"}, user="cleo").status == 204
    assert users(app, asset) == []
    assert remove(app, asset, {"username": "cleo"}).status == 204


def test_public_access_is_taken_at_once(app: App, asset: str) -> None:
    share(app, asset, ANONYMOUS, "view_submissions")
    assert remove(app, asset, {"username": ANONYMOUS}).status == 204
    assert users(app, asset) == []


@pytest.mark.parametrize(
    ("user", "body", "status", "answer"),
    [
        ("ann", {}, 400, {"username": "This field is required"}),
        ("ann", {"username": ""}, 400, {"username": "This field is required"}),
        ("ann", {"username": "ann"}, 409, {"detail": "Owner's permissions cannot be deleted"}),
        ("ann", {"username": "nobody"}, 404, {"detail": "Not found."}),
        ("bob", {"username": "cleo"}, 403, {"detail": "You do not have permission to perform this action."}),
        ("bob", {"username": "ann"}, 403, {"detail": "You do not have permission to perform this action."}),
        ("dora", {"username": "dora"}, 404, {"detail": "Not found."}),
        (None, {"username": "bob"}, 404, {"detail": "Not found."}),
    ],
)
def test_what_cannot_be_taken_is_told(
    app: App, asset: str, user: str | None, body: dict[str, str], status: int, answer: dict[str, str]
) -> None:
    share(app, asset, "bob", "view_asset")
    share(app, asset, "cleo", "view_asset")
    refused = remove(app, asset, body, user=user)
    assert (refused.status, refused.json()) == (status, answer)
    assert users(app, asset) == ["bob", "cleo"]


# Clone


def test_a_team_is_copied_with_its_row_level_rights(app: App, asset: str) -> None:
    source = app.deploy(FORM, user="bob")
    share(app, source, "ann", "manage_asset", user="bob")
    share(app, source, "cleo", "partial_submissions", user="bob", change=[{"age": "34"}])
    share(app, source, ANONYMOUS, "add_submissions", user="bob")
    share(app, asset, "dora", "view_asset")
    made = clone(app, asset, source)
    assert (made.status, made.json()) == (200, rows(app, asset))
    assert users(app, asset) == [ANONYMOUS, "cleo"]  # neither the source's owner nor this one's
    assert held(app, asset, "cleo") == ["add_submissions", "partial_submissions", "view_asset"]
    assert held(app, asset, ANONYMOUS) == ["add_submissions"]
    theirs = row_of(app, source, "cleo", "partial_submissions")
    ours = row_of(app, asset, "cleo", "partial_submissions")
    assert ours["partial_permissions"] == theirs["partial_permissions"]
    assert ours["url"].split("/")[-2] != theirs["url"].split("/")[-2]
    assert listed(app, "dora") == []


def test_a_clone_leaves_out_who_is_switched_off_and_what_the_type_does_not_know(app: App, asset: str) -> None:
    share(app, asset, "bob", "manage_asset")
    share(app, asset, "cleo", "partial_submissions", view=[{"age": "34"}])
    share(app, asset, "dora", "view_asset")
    switch_off("dora")
    made = app.send("POST", ASSETS, {"name": "T", "asset_type": "template"}).json()["uid"]
    assert clone(app, made, asset).status == 200
    assert users(app, made) == ["bob", "cleo"]
    assert held(app, made, "bob") == ["change_asset", "manage_asset", "view_asset"]
    assert held(app, made, "cleo") == ["view_asset"]


def test_a_source_has_to_be_visible(app: App, asset: str) -> None:
    source = app.deploy(FORM, user="bob")
    share(app, asset, "cleo", "view_asset")
    for unknown in (source, "aUnknown", f"{BASE}/api/v2/assets/{source}/"):
        refused = clone(app, asset, unknown)
        assert (refused.status, refused.json()) == (404, {"detail": "Not found."})
    refused = clone(app, asset, None)
    assert (refused.status, refused.json()) == (400, {"clone_from": ["This field is required."]})
    assert users(app, asset) == ["cleo"]


# What the project's activity tells


def test_changes_of_rights_are_told_by_user(app: App, asset: str) -> None:
    query = {"_submitted_by": "bob"}
    share(app, asset, "bob", "view_submissions")
    share(app, asset, "bob", "view_submissions")
    share(app, asset, "bob", "partial_submissions", delete=[query])
    remove(app, asset, {"username": "bob"})
    entry = {"code": "delete_submissions", "filters": [query]}
    view = {"code": "view_submissions", "filters": [query]}
    assert [(action, more["permissions"]) for action, more in told(app, asset)] == [
        (
            "modify-user-permissions",
            {"username": "bob", "added": ["view_asset", "view_submissions"], "removed": []},
        ),
        (
            "modify-user-permissions",
            {"username": "bob", "added": [entry, view], "removed": ["view_submissions"]},
        ),
        (
            "modify-user-permissions",
            {"username": "bob", "added": [], "removed": ["view_asset", entry, view]},
        ),
    ]


def test_public_sharing_is_told_in_words_of_its_own(app: App, asset: str) -> None:
    share(app, asset, ANONYMOUS, "view_submissions")
    share(app, asset, ANONYMOUS, "add_submissions")
    remove(app, asset, {"username": ANONYMOUS})
    actions = [action for action, _ in told(app, asset)]
    assert set(actions[:2]) == {"share-form-publicly", "share-data-publicly"}
    assert actions[2] == "allow-anonymous-submissions"
    assert set(actions[3:]) == {
        "unshare-form-publicly",
        "unshare-data-publicly",
        "disallow-anonymous-submissions",
    }


def test_a_clone_is_told_once(app: App, asset: str) -> None:
    source = app.deploy(FORM)
    share(app, source, "bob", "view_asset")
    clone(app, asset, source)
    clone(app, asset, source)
    assert told(app, asset) == [("clone-permissions", {"cloned_from": source})]


def test_a_refused_change_is_not_told(app: App, asset: str) -> None:
    share(app, asset, "nobody", "view_asset")
    share(app, asset, "bob", "view_asset", user="bob")
    assert told(app, asset) == []
