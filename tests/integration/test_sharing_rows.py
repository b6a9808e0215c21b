"""Row-level rights: what can be given (contract permissions §3), and what is answered when it cannot."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.app import BASE, FORM, App
from tests.support.sharing import PERMISSIONS, assignment, held, path, row_of, share, url_path

BOB, CLEO = {"_submitted_by": "bob"}, {"_submitted_by": "cleo"}


@pytest.fixture
def asset(app: App) -> str:
    app.add_user("bob")
    return app.deploy(FORM)


def partial(app: App, asset: str) -> dict[str, list[dict[str, Any]]]:
    """What bob holds on which rows, by codename."""
    entries = row_of(app, asset, "bob", "partial_submissions")["partial_permissions"]
    return {entry["url"].removeprefix(PERMISSIONS).strip("/"): entry["filters"] for entry in entries}


def test_row_level_rights_are_given_with_what_they_imply(app: App, asset: str) -> None:
    made = share(
        app,
        asset,
        "bob",
        "partial_submissions",
        view=[{"_submitted_by": {"$in": ["bob", "cleo"]}}],
        delete=[BOB],
    )
    assert made.status == 201
    assert made.json() == {
        "url": made.json()["url"],
        "user": f"{BASE}/api/v2/users/bob/",
        "permission": f"{PERMISSIONS}partial_submissions/",
        "label": {
            "default": "Act on submissions only from specific users",
            "view_submissions": "View submissions only from specific users",
            "change_submissions": "Edit submissions only from specific users",
            "delete_submissions": "Delete submissions only from specific users",
            "validate_submissions": "Validate submissions only from specific users",
        },
        "partial_permissions": [
            {"url": f"{PERMISSIONS}delete_submissions/", "filters": [BOB]},
            {
                "url": f"{PERMISSIONS}view_submissions/",
                "filters": [{"_submitted_by": {"$in": ["bob", "cleo"]}}, BOB],
            },
        ],
    }
    assert held(app, asset, "bob") == ["partial_submissions", "view_asset"]


def test_changing_rows_comes_with_adding(app: App, asset: str) -> None:
    share(app, asset, "bob", "partial_submissions", change=[BOB])
    assert held(app, asset, "bob") == ["add_submissions", "partial_submissions", "view_asset"]
    assert partial(app, asset) == {
        "add_submissions": [BOB],
        "change_submissions": [BOB],
        "view_submissions": [BOB],
    }


def test_giving_row_level_rights_again_replaces_them(app: App, asset: str) -> None:
    first = share(app, asset, "bob", "partial_submissions", delete=[BOB])
    again = share(app, asset, "bob", "partial_submissions", view=[CLEO])
    assert again.json()["url"] == first.json()["url"]
    assert partial(app, asset) == {"view_submissions": [CLEO]}


def test_a_right_on_all_rows_takes_the_place_of_those_on_some(app: App, asset: str) -> None:
    share(app, asset, "bob", "partial_submissions", delete=[BOB])
    share(app, asset, "bob", "view_submissions")
    assert held(app, asset, "bob") == ["view_asset", "view_submissions"]
    share(app, asset, "bob", "partial_submissions", view=[BOB])
    assert held(app, asset, "bob") == ["partial_submissions", "view_asset"]
    app.call("DELETE", url_path(row_of(app, asset, "bob", "partial_submissions")))
    assert held(app, asset, "bob") == ["view_asset"]


def test_a_form_sends_row_level_rights_as_json(app: App, asset: str) -> None:
    body = assignment("bob", "partial_submissions", view=[BOB])
    body["partial_permissions"] = json.dumps(body["partial_permissions"])
    made = app.call(
        "POST",
        path(asset),
        body=urlencode(body).encode(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert made.status == 201
    assert partial(app, asset) == {"view_submissions": [BOB]}


def test_row_level_users_see_what_they_are(app: App, asset: str) -> None:
    share(app, asset, "bob", "partial_submissions", view=[BOB])
    shown = app.get(f"/api/v2/assets/{asset}/", user="bob").json()
    assert shown["deployment__submission_count"] is None
    assert shown["effective_permissions"] == [
        {"codename": "partial_submissions"},
        {"codename": "view_asset"},
    ]
    assert app.get("/api/v2/assets/", user="bob").json()["results"][0]["deployment__submission_count"] is None
    assert app.get(f"/api/v2/assets/{asset}/hooks/", user="bob").status == 404


@pytest.fixture
def sent(app: App, asset: str) -> dict[str, int]:
    """Submissions of ann, bob and nobody; their ids by name."""
    share(app, asset, "bob", "add_submissions")
    share(app, asset, "AnonymousUser", "add_submissions")
    for user, name, age in (("ann", "Ana", "34"), ("bob", "Bo", "34"), ("bob", "Bea", "7")):
        assert app.submit(app.filled(asset, {"name": name, "age": age}), user=user).status == 201
    nameless = app.filled(asset, {"name": "Nemo", "photo": "p.jpg"})
    assert app.submit(nameless, {"p.jpg": b"photo"}, user=None, path="/ann/submission").status == 201
    return {record["name"]: record["_id"] for record in app.records(asset)}


@pytest.mark.parametrize(
    ("filters", "seen"),
    [
        ([BOB], ["Bo", "Bea"]),
        ([{**BOB, "age": "34"}], ["Bo"]),
        ([{"name": "Ana"}, {"name": "Bea"}], ["Ana", "Bea"]),
        ([CLEO], []),
        ([{"_submitted_by": "None"}, {"_submitted_by": ""}], []),
        ([{}], ["Ana", "Bo", "Bea", "Nemo"]),
    ],
)
def test_a_row_level_user_reads_the_rows_that_meet_a_filter(
    app: App, asset: str, sent: dict[str, int], filters: list[dict[str, str]], seen: list[str]
) -> None:
    share(app, asset, "bob", "partial_submissions", view=filters)
    data = f"/api/v2/assets/{asset}/data/"
    listed = app.get(data, user="bob").json()
    assert (listed["count"], [record["name"] for record in listed["results"]]) == (len(seen), seen)
    details = {name: app.get(f"{data}{sid}/", user="bob").status for name, sid in sent.items()}
    assert details == {name: 200 if name in seen else 404 for name in sent}


def test_files_of_rows_outside_the_filter_are_not_there(app: App, asset: str, sent: dict[str, int]) -> None:
    share(app, asset, "bob", "partial_submissions", view=[BOB])
    (file,) = app.records(asset)[-1]["_attachments"]
    where = file["download_url"].removeprefix(BASE)
    assert [app.get(where, user=user).status for user in ("ann", "bob")] == [200, 404]


def test_a_row_level_users_own_query_narrows_the_rows_further(
    app: App, asset: str, sent: dict[str, int]
) -> None:
    share(app, asset, "bob", "partial_submissions", view=[BOB])
    query = json.dumps({"$or": [{"age": "7"}, {"name": "Ana"}]})
    listed = app.get(f"/api/v2/assets/{asset}/data/", user="bob", query=query).json()
    assert [record["name"] for record in listed["results"]] == ["Bea"]


REQUIRED = "This field is required for the 'partial_submissions' permission"
VIEW = f"{PERMISSIONS}view_submissions/"


@pytest.mark.parametrize(
    ("value", "messages"),
    [
        (None, REQUIRED),
        ([], REQUIRED),
        ("", REQUIRED),
        ("[{", "Unable to parse JSON"),
        ([7], "Invalid `url`"),
        ([{"filters": [BOB]}], "Invalid `url`"),
        ([{"url": "view_submissions", "filters": [BOB]}], "Invalid `url`"),
        ([{"url": f"{PERMISSIONS}manage_asset/", "filters": [BOB]}], "Invalid `url`"),
        ([{"url": VIEW}], "Invalid `filters`"),
        ([{"url": VIEW, "filters": []}], "Invalid `filters`"),
        ([{"url": VIEW, "filters": "bob"}], "Invalid `filters`"),
        ([{"url": VIEW, "filters": [7]}], "Invalid `filters`"),
        (
            [{"url": VIEW, "filters": [{"age": {"$where": "1"}}]}],
            ["Invalid `filters`", "unsupported operator $where"],
        ),
        ([{"url": VIEW, "filters": [{"$or": []}]}], ["Invalid `filters`", "$or needs a list of queries"]),
        (
            [{"url": VIEW, "filters": [{"note": "x" * 10_000}]}],
            "Ensure this field has no more than 10000 characters.",
        ),
    ],
)
def test_row_level_rights_that_nothing_could_be_asked_by_are_refused(
    app: App, asset: str, value: Any, messages: str | list[str]
) -> None:
    body = {**assignment("bob", "partial_submissions"), "partial_permissions": value}
    refused = app.send("POST", path(asset), body)
    assert (refused.status, refused.json()) == (
        400,
        {"partial_permissions": [messages] if isinstance(messages, str) else messages},
    )
    assert held(app, asset, "bob") == []


def test_a_query_too_large_to_combine_is_refused(app: App, asset: str) -> None:
    some, others = [{"$or": [{"a": "1"}] * 260}], [{"$or": [{"b": "1"}] * 260}]
    assert share(app, asset, "bob", "partial_submissions", view=some).status == 201
    refused = share(app, asset, "bob", "partial_submissions", view=some, delete=others)
    assert refused.json() == {"partial_permissions": ["Invalid `filters`", "more than 500 conditions"]}
