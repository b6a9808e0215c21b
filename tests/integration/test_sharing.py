"""Giving and taking rights one by one (contract permissions §1, §2)."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from formrelay.settings import settings
from formrelay.storage import keys, table
from tests.support.app import BASE, FORM, App
from tests.support.calls import counting, crashing, doing
from tests.support.grants import ANONYMOUS, switch_off
from tests.support.sharing import PERMISSIONS, assignment, held, path, row_of, rows, share, url_path

ASSETS = "/api/v2/assets/"
OWNER = [
    "add_submissions", "change_asset", "change_submissions", "delete_submissions", "manage_asset",
    "validate_submissions", "view_asset", "view_submissions",
]  # fmt: skip


@pytest.fixture
def asset(app: App) -> str:
    for name in ("bob", "cleo"):
        app.add_user(name)
    return app.deploy(FORM)


def listed(app: App, user: str) -> list[str]:
    answer = app.get(ASSETS, user=user).json()
    assert answer["count"] == len(answer["results"])
    return [row["uid"] for row in answer["results"]]


def test_a_new_survey_has_the_eight_rows_of_its_owner(app: App, asset: str) -> None:
    found = rows(app, asset)
    assert held(app, asset, "ann") == OWNER
    assert len(found) == 8
    assert found[0].keys() == {"url", "user", "permission", "label"}
    assert [row["label"] for row in found] == [
        "Add submissions", "Edit form", "Edit submissions", "Delete submissions", "Manage project",
        "Validate submissions", "View form", "View submissions",
    ]  # fmt: skip
    assert rows(app, asset) == found


def test_other_types_have_the_rights_of_forms(app: App) -> None:
    app.add_user("bob")
    made = app.send("POST", ASSETS, {"name": "T", "asset_type": "template"}).json()
    assert [row["label"] for row in rows(app, made["uid"])] == [
        "Edit template",
        "Manage template",
        "View template",
    ]
    refused = share(app, made["uid"], "bob", "view_submissions")
    text = "view_submissions cannot be assigned explicitly to Asset objects of this type."
    assert (refused.status, refused.json()) == (400, {"permission": [text]})


def test_a_right_is_given_with_what_it_implies(app: App, asset: str) -> None:
    made = share(app, asset, "bob", "change_submissions")
    assert made.status == 201
    answer = made.json()
    assert answer == {
        "url": answer["url"],
        "user": f"{BASE}/api/v2/users/bob/",
        "permission": f"{PERMISSIONS}change_submissions/",
        "label": "Edit submissions",
    }
    assert made.headers["location"] == answer["url"]
    assert held(app, asset, "bob") == [
        "add_submissions",
        "change_submissions",
        "view_asset",
        "view_submissions",
    ]
    uids = [row["url"].split("/")[-2] for row in rows(app, asset)]
    assert len(set(uids)) == 12
    assert all(len(uid) == 22 and uid.startswith("p") for uid in uids)


def test_giving_a_right_again_changes_nothing(app: App, asset: str) -> None:
    first = share(app, asset, "bob", "change_submissions")
    before = rows(app, asset)
    with counting() as calls:
        again = share(app, asset, "bob", "change_submissions")
    assert (again.status, again.json()) == (201, first.json())
    assert rows(app, asset) == before
    assert "dynamodb.TransactWriteItems" not in calls


def test_assignments_keep_their_uids_when_others_come_and_go(app: App, asset: str) -> None:
    uid = share(app, asset, "bob", "view_submissions").json()["url"]
    share(app, asset, "bob", "manage_asset")
    app.call("DELETE", url_path(row_of(app, asset, "bob", "manage_asset")))
    assert row_of(app, asset, "bob", "view_submissions")["url"] == uid
    assert app.get(url_path({"url": uid})).json()["url"] == uid


def test_forms_are_taken_as_well_as_json(app: App, asset: str) -> None:
    body = urlencode(assignment("bob", "view_asset")).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    made = app.call("POST", f"{ASSETS}{asset}/permission-assignments.json", body=body, headers=headers)
    assert made.status == 201
    assert held(app, asset, "bob") == ["view_asset"]


@pytest.mark.parametrize(
    "user",
    [
        "/api/v2/users/bob/",
        "users/bob",
        "https://elsewhere.example/stage/api/v2/users/bob/",
        "https://elsewhere.example/api/v2/users/bob/?format=json",
        f"{BASE}/api/v2/users/b%6fb",
    ],
)
def test_only_the_end_of_a_link_counts(app: App, asset: str, user: str) -> None:
    body = {"user": user, "permission": "/permissions/view_asset"}
    assert app.send("POST", path(asset), body).status == 201
    assert held(app, asset, "bob") == ["view_asset"]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"user": "bob"}, {"user": ["Invalid hyperlink - No URL match."]}),
        ({"user": 7}, {"user": ["Invalid hyperlink - No URL match."]}),
        ({"user": None}, {"user": ["Invalid hyperlink - No URL match."]}),
        ({"user": "users/" + "b" * 3000}, {"user": ["Invalid hyperlink - No URL match."]}),
        ({"user": "users/nobody"}, {"user": ["Invalid hyperlink - Object does not exist."]}),
        ({"user": "users/Bob%00"}, {"user": ["Invalid hyperlink - Object does not exist."]}),
        ({"user": "users/dora"}, {"user": ["Invalid hyperlink - Object does not exist."]}),
        ({"permission": "users/bob"}, {"permission": ["Invalid hyperlink - No URL match."]}),
        (
            {"permission": "permissions/fly"},
            {"permission": ["Invalid hyperlink - Object does not exist."]},
        ),
        (
            {"permission": "permissions/delete_asset"},
            {"permission": ["delete_asset cannot be assigned explicitly to Asset objects of this type."]},
        ),
        ({"user": "users/ann"}, {"user": "Owner's permissions cannot be assigned explicitly"}),
        (
            {"user": "users/AnonymousUser", "permission": "permissions/change_asset"},
            {"permission": "Anonymous users cannot be granted the permission change_asset."},
        ),
        (
            {"user": "users/AnonymousUser", "permission": "permissions/partial_submissions"},
            {"permission": "Anonymous users cannot be granted the permission partial_submissions."},
        ),
    ],
)
def test_what_cannot_be_given_is_told(
    app: App, asset: str, body: dict[str, object], answer: dict[str, object]
) -> None:
    app.add_user("dora")
    switch_off("dora")
    whole = {"user": "users/bob", "permission": "permissions/view_asset"}
    refused = app.send("POST", path(asset), {**whole, **body})
    assert (refused.status, refused.json()) == (400, answer)
    assert len(rows(app, asset)) == 8


def test_user_and_right_are_both_required(app: App, asset: str) -> None:
    required = ["This field is required."]
    refused = app.send("POST", path(asset))
    assert (refused.status, refused.json()) == (400, {"user": required, "permission": required})
    refused = app.send("POST", path(asset), {"user": "users/bob"})
    assert (refused.status, refused.json()) == (400, {"permission": required})


def test_a_right_takes_along_what_implies_it(app: App, asset: str) -> None:
    share(app, asset, "bob", "manage_asset")
    change = row_of(app, asset, "bob", "change_submissions")
    view = row_of(app, asset, "bob", "view_submissions")
    assert app.call("DELETE", url_path(view)).status == 204
    assert held(app, asset, "bob") == ["add_submissions", "change_asset", "view_asset"]
    gone = app.call("DELETE", url_path(change))
    assert (gone.status, gone.json()) == (404, {"detail": "Not found."})
    assert app.call("DELETE", url_path(row_of(app, asset, "bob", "view_asset"))).status == 204
    assert held(app, asset, "bob") == []


def test_shared_projects_come_into_the_users_list_and_leave_it(app: App, asset: str) -> None:
    assert listed(app, "bob") == []
    share(app, asset, "bob", "view_asset")
    assert listed(app, "bob") == [asset]
    share(app, asset, "bob", "add_submissions")
    assert f"<formID>{asset}</formID>" in app.get("/formList", user="bob").text
    app.call("DELETE", url_path(row_of(app, asset, "bob", "add_submissions")))
    assert asset not in app.get("/formList", user="bob").text
    assert listed(app, "bob") == [asset]
    app.call("DELETE", url_path(row_of(app, asset, "bob", "view_asset")))
    assert listed(app, "bob") == []
    assert listed(app, "ann") == [asset]


def test_a_users_list_shows_a_shared_project_as_it_is_now(app: App, asset: str) -> None:
    share(app, asset, "bob", "view_asset")
    own = app.deploy(FORM, user="bob", name="Wells")
    assert app.send("PATCH", f"{ASSETS}{asset}/", {"name": "Renamed"}).status == 200
    assert app.send("PATCH", f"{ASSETS}{asset}/deployment/", {"active": False}).status == 200
    found = app.get(ASSETS, user="bob").json()["results"]
    assert [(row["uid"], row["name"], row["deployment_status"]) for row in found] == [
        (own, "Wells", "deployed"),
        (asset, "Renamed", "archived"),
    ]


def test_a_list_reads_many_shared_projects_at_once(app: App) -> None:
    app.add_user("bob")
    for number in range(5):
        made = app.send("POST", ASSETS, {"name": f"P{number}", "asset_type": "survey"}).json()
        share(app, made["uid"], "bob", "view_asset")
    with counting() as calls:
        assert len(listed(app, "bob")) == 5
    assert calls["dynamodb.BatchGetItem"] == 2  # their rows, and what is shown of them


def test_grant_and_list_are_written_together(app: App, asset: str) -> None:
    with crashing("dynamodb.TransactWriteItems"):
        share(app, asset, "bob", "view_asset")
    assert (held(app, asset, "bob"), listed(app, "bob")) == ([], [])
    with counting() as calls:
        share(app, asset, "bob", "view_asset")
    assert calls["dynamodb.TransactWriteItems"] == 1
    assert calls["dynamodb.PutItem"] == 0
    uid = row_of(app, asset, "bob", "view_asset")
    with crashing("dynamodb.TransactWriteItems"):
        app.call("DELETE", url_path(uid))
    assert (held(app, asset, "bob"), listed(app, "bob")) == (["view_asset"], [asset])


def test_two_grants_at_once_both_count(app: App, asset: str) -> None:
    with doing("dynamodb.TransactWriteItems", lambda: share(app, asset, "bob", "change_asset")):
        assert share(app, asset, "bob", "add_submissions").status == 201
    assert held(app, asset, "bob") == ["add_submissions", "change_asset", "view_asset"]


def test_a_manager_who_is_removed_meanwhile_gives_nothing_any_more(app: App, asset: str) -> None:
    share(app, asset, "bob", "manage_asset")
    own = url_path(row_of(app, asset, "bob", "view_asset"))
    with doing("dynamodb.TransactWriteItems", lambda: app.call("DELETE", own)):
        refused = share(app, asset, "cleo", "view_asset", user="bob")
    assert refused.status == 404
    assert len(rows(app, asset)) == 8


def test_a_project_that_changes_all_the_time_is_tried_again_later(app: App, asset: str) -> None:
    key = keys.permission(asset, "bob")
    share(app, asset, "bob", "view_asset")

    def touch() -> None:
        table.update(settings().data_table, key, "ADD #revision :one", {":one": 1})

    with (
        doing("dynamodb.TransactWriteItems", touch, 1),
        doing("dynamodb.TransactWriteItems", touch, 2),
        doing("dynamodb.TransactWriteItems", touch, 3),
        doing("dynamodb.TransactWriteItems", touch, 4),
        doing("dynamodb.TransactWriteItems", touch, 5),
    ):
        busy = share(app, asset, "bob", "add_submissions")
    assert (busy.status, busy.headers["retry-after"]) == (503, "1")
    assert held(app, asset, "bob") == ["view_asset"]


def test_managers_share_and_others_do_not(app: App, asset: str) -> None:
    assert share(app, asset, "cleo", "view_asset", user="bob").status == 404
    share(app, asset, "bob", "view_submissions")
    assert share(app, asset, "cleo", "view_asset", user="bob").status == 403
    share(app, asset, "bob", "manage_asset")
    assert share(app, asset, "cleo", "view_asset", user="bob").status == 201
    share(app, asset, ANONYMOUS, "view_asset")
    anonymous = share(app, asset, "cleo", "view_asset", user=None)
    assert (anonymous.status, anonymous.json()) == (404, {"detail": "Not found."})


def test_everybody_may_leave(app: App, asset: str) -> None:
    share(app, asset, "bob", "view_submissions")
    share(app, asset, "cleo", "view_submissions")
    of_cleo = url_path(row_of(app, asset, "cleo", "view_asset"))
    assert app.call("DELETE", of_cleo, user="bob").status == 404  # who else is there, bob does not see
    own = url_path(row_of(app, asset, "bob", "view_asset"))
    assert app.call("DELETE", own, user="bob").status == 204
    assert app.get(f"{ASSETS}{asset}/", user="bob").status == 404


def test_the_owners_rows_stay(app: App, asset: str) -> None:
    share(app, asset, "bob", "view_asset")
    share(app, asset, "cleo", "manage_asset")
    own = url_path(row_of(app, asset, "ann", "manage_asset"))
    for user in ("ann", "cleo"):
        refused = app.call("DELETE", own, user=user)
        assert (refused.status, refused.json()) == (409, {"detail": "Owner's permissions cannot be deleted"})
    assert app.call("DELETE", own, user="bob").status == 403
    assert app.get(own, user="bob").status == 200


def test_who_sees_which_rows(app: App, asset: str) -> None:
    app.add_user("root", superuser=True)
    share(app, asset, "bob", "view_submissions")
    share(app, asset, "cleo", "manage_asset")
    share(app, asset, ANONYMOUS, "view_asset")

    def users(user: str | None) -> set[str]:
        return {row["user"].split("/")[-2] for row in rows(app, asset, user=user)}

    everybody = {"ann", "bob", "cleo", ANONYMOUS}
    assert users("ann") == users("cleo") == users("root") == everybody
    assert users("bob") == {"ann", "bob", ANONYMOUS}
    assert users(None) == {"ann", ANONYMOUS}
    of_cleo = url_path(row_of(app, asset, "cleo", "view_asset"))
    assert [app.get(of_cleo, user=user).status for user in ("ann", "bob", None)] == [200, 404, 404]
    order = [(row["user"], row["permission"]) for row in rows(app, asset)]
    assert order == sorted(order)


def test_users_who_are_switched_off_are_hidden(app: App, asset: str) -> None:
    share(app, asset, "bob", "view_asset")
    share(app, asset, "cleo", "view_asset")
    uid = row_of(app, asset, "bob", "view_asset")
    switch_off("bob")
    assert held(app, asset, "bob") == []
    assert held(app, asset, "cleo") == ["view_asset"]
    assert app.get(url_path(uid)).status == 404
    for shown in (app.get(f"{ASSETS}{asset}/").json(), app.get(ASSETS).json()["results"][0]):
        assert {row["user"].split("/")[-2] for row in shown["permissions"]} == {"ann", "cleo"}


def test_the_project_tells_who_may_do_what(app: App, asset: str) -> None:
    share(app, asset, "bob", "view_submissions")
    share(app, asset, "cleo", "manage_asset")
    detail = f"{ASSETS}{asset}/"
    for user in ("ann", "bob", "cleo"):
        shown = app.get(detail, user=user).json()
        assert shown["permissions"] == rows(app, asset, user=user)
        listed = app.get(ASSETS, user=user).json()["results"][0]
        assert listed["permissions"] == shown["permissions"]
        assert listed["status"] == shown["status"] == "shared"
    own = app.get(detail, user="cleo", current_user_permissions_only="true").json()["permissions"]
    assert {row["user"].split("/")[-2] for row in own} == {"cleo"}


@pytest.mark.parametrize(
    ("codename", "effective"),
    [
        ("view_asset", ["view_asset"]),
        ("change_submissions", ["add_submissions", "change_submissions", "view_asset", "view_submissions"]),
        ("manage_asset", OWNER),
    ],
)
def test_effective_permissions_are_the_callers(
    app: App, asset: str, codename: str, effective: list[str]
) -> None:
    share(app, asset, "bob", codename)
    shown = app.get(f"{ASSETS}{asset}/", user="bob").json()["effective_permissions"]
    assert [row["codename"] for row in shown] == effective
    own = app.get(f"{ASSETS}{asset}/").json()["effective_permissions"]
    assert {row["codename"] for row in own} == {*OWNER, "delete_asset"}


def test_assignable_permissions_are_those_of_the_type(app: App, asset: str) -> None:
    found = app.get(f"{ASSETS}{asset}/").json()["assignable_permissions"]
    assert [row["url"].split("/")[-2] for row in found] == sorted([*OWNER, "partial_submissions"])
    labels = {row["url"].split("/")[-2]: row["label"] for row in found}
    assert labels["partial_submissions"].keys() == {
        "default", "view_submissions", "change_submissions", "delete_submissions", "validate_submissions",
    }  # fmt: skip
    made = app.send("POST", ASSETS, {"name": "B", "asset_type": "block"}).json()
    assert [row["label"] for row in made["assignable_permissions"]] == [
        "Edit block",
        "Manage block",
        "View block",
    ]


def test_collections_tell_how_one_came_by_them(app: App) -> None:
    app.add_user("bob")
    made = app.send("POST", ASSETS, {"name": "C", "asset_type": "collection"}).json()
    assert (made["access_types"], made["status"]) == (["owned"], "private")
    share(app, made["uid"], "bob", "view_asset")
    share(app, made["uid"], ANONYMOUS, "view_asset")
    seen = app.get(f"{ASSETS}{made['uid']}/", user="bob").json()
    assert (seen["access_types"], seen["status"]) == (["public", "shared"], "public")


def test_a_check_of_rights_is_one_query(app: App, asset: str) -> None:
    share(app, asset, "bob", "view_submissions")
    with counting() as calls:
        assert app.get(path(asset), user="bob").status == 200
    assert calls == {"dynamodb.GetItem": 1, "dynamodb.Query": 1}  # the key, and the project with its rights
    with counting() as calls:
        assert app.get(path(asset), user="cleo").status == 404
    assert calls == {"dynamodb.GetItem": 1, "dynamodb.Query": 1}


def test_a_project_has_a_bounded_number_of_users(
    app: App, asset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("formrelay.sharing.MAX_USERS", 1)
    assert share(app, asset, "bob", "view_asset").status == 201
    refused = share(app, asset, "cleo", "view_asset")
    assert refused.status == 400
    assert refused.json() == {"non_field_errors": ["A project is shared with at most 1 users."]}
    assert share(app, asset, "bob", "add_submissions").status == 201
    assert app.call("DELETE", url_path(row_of(app, asset, "bob", "view_asset"))).status == 204
    assert share(app, asset, "cleo", "view_asset").status == 201


def test_other_methods_are_not_allowed(app: App, asset: str) -> None:
    own = url_path(row_of(app, asset, "ann", "view_asset"))
    for method in ("PUT", "PATCH"):
        refused = app.send(method, own, {})
        assert (refused.status, refused.json()) == (405, {"detail": f'Method "{method}" not allowed.'})


def test_the_catalogue_of_rights_is_public(app: App) -> None:
    listed = app.get("/api/v2/permissions/", user=None).json()
    assert listed["count"] == len(listed["results"]) == 9
    for right in listed["results"]:
        assert app.get(right["url"].removeprefix(BASE), user=None).json() == right
    change = app.get("/api/v2/permissions/change_submissions/", user=None).json()
    change["implied"].sort()
    assert change == {
        "url": f"{PERMISSIONS}change_submissions/",
        "codename": "change_submissions",
        "implied": [
            f"{PERMISSIONS}{name}/" for name in ("add_submissions", "view_asset", "view_submissions")
        ],
        "contradictory": [f"{PERMISSIONS}partial_submissions/"],
        "name": "Can modify submitted data for asset",
    }
    assert app.get("/api/v2/permissions/fly/", user=None).status == 404
