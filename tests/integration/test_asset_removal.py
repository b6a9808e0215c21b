"""Deleting projects: gone at once, everything of them removed later (contract assets §5)."""

from __future__ import annotations

from typing import Any

import pytest

from formrelay import aws, purges
from formrelay.storage import deliveries, typed
from tests.integration.test_assets import ASSETS, make, patch
from tests.support.app import FORM, App, Clock
from tests.support.calls import crashing, doing
from tests.support.grants import ANONYMOUS, grant
from tests.support.receiver import Answer
from tests.support.world import World

EXPORT = {
    "name": "Sheet",
    "export_settings": {
        "type": "csv", "lang": "_xml", "group_sep": "/", "fields_from_all_versions": True,
        "hierarchy_in_labels": False, "multiple_select": "both", "fields": [],
    },
}  # fmt: skip
NOT_FOUND = (404, {"detail": "Not found."})


def delete(app: App, uid: str, user: str | None = "ann") -> tuple[int, Any]:
    answer = app.call("DELETE", f"{ASSETS}{uid}/", user=user)
    return answer.status, answer.json() if answer.body else None


def everything(app: App) -> list[dict[str, Any]]:
    pages = aws.dynamodb().get_paginator("scan").paginate(TableName=app.settings.data_table)
    return [item for page in pages for item in page["Items"]]


def left(app: App, *names: str) -> list[str]:
    """Keys of items that have one of the names in them, and objects; not what the sweep removes in its own time."""
    keys = [f"{item['pk']['S']} {item['sk']['S']}" for item in everything(app)]
    keys = [key for key in keys if not key.startswith("X#")]
    objects = aws.s3().list_objects_v2(Bucket=app.settings.bucket).get("Contents", [])
    keys += [item["Key"] for item in objects]
    return [key for key in keys if any(name in key for name in names)]


@pytest.fixture
def full(app: App) -> tuple[str, str]:
    """A project that has some of everything, and its hook."""
    app.add_user("bob")
    uid = app.deploy(FORM)
    hook = app.add_hook(uid, "http://127.0.0.1:9/")
    grant(uid, "bob", "view_asset", "view_submissions")
    for i in range(3):
        assert (
            app.submit(app.filled(uid, {"name": f"Ana {i}", "photo": "a.jpg"}), {"a.jpg": b"x"}).status == 201
        )
    patch(app, uid, {"name": "Renamed"})
    first = app.records(uid)[0]["_id"]
    assert app.call("DELETE", f"{ASSETS}{uid}/data/{first}/").status == 204
    assert app.send("POST", f"{ASSETS}{uid}/export-settings/", EXPORT).status == 201
    aws.s3().put_object(Bucket=app.settings.bucket, Key=f"exports/{uid}/eX", Body=b"x")
    return uid, hook


def test_a_deleted_project_is_gone_at_once(app: App, full: tuple[str, str]) -> None:
    uid, hook = full
    other = make(app, name="Other")["uid"]
    xml = app.filled(uid, {"name": "late"})
    assert delete(app, uid) == (204, None)
    for path in ("", "data/", "versions/", "deployment/", "hooks/", f"hooks/{hook}/", "content/", "files/"):
        answer = app.get(f"{ASSETS}{uid}/{path}")
        assert (answer.status, answer.json()) == NOT_FOUND, path
    assert delete(app, uid) == NOT_FOUND
    assert patch(app, uid, {"name": "x"}).status == 404
    assert [row["uid"] for row in app.get(ASSETS).json()["results"]] == [other]
    assert app.get(ASSETS, user="bob").json()["count"] == 0
    assert uid not in app.get("/formList").text
    assert app.submit(xml).status == 404


def test_all_of_it_is_removed_in_the_background(app: App, full: tuple[str, str], clock: Clock) -> None:
    uid, hook = full
    other = app.deploy(FORM, name="Other")
    app.submit(app.filled(other, {"name": "Ana", "photo": "a.jpg"}), {"a.jpg": b"x"})
    kept = left(app, other)
    delete(app, uid)
    app.recover()
    assert left(app, uid, hook) == []
    # Whatever a function that was running then has written goes a quarter of an hour later.
    clock.forward(60)
    aws.dynamodb().put_item(
        TableName=app.settings.data_table, Item={"pk": {"S": f"D#{uid}"}, "sk": {"S": "000000000000001"}}
    )
    app.recover()
    assert len(left(app, uid)) == 1
    clock.forward(15 * 60)
    app.recover()
    assert left(app, uid, hook, "J#") == []
    assert left(app, other) == kept


@pytest.mark.parametrize("step", range(1, 12))
def test_a_crash_while_it_is_removed_costs_time_only(
    app: App, full: tuple[str, str], clock: Clock, step: int
) -> None:
    uid, hook = full
    delete(app, uid)
    (raw,) = [item for item in everything(app) if item["pk"]["S"].startswith("J#")]
    job = typed.unmarshal_item(raw)
    with crashing("dynamodb.BatchWriteItem", step):
        purges.work(job, float("inf"))
    app.recover()
    assert left(app, uid, hook) == []


def test_nothing_more_is_sent_once_a_project_is_deleted(world: World) -> None:
    world.receiver.answer = Answer(503)
    waiting, new = world.submit(), world.submit()
    world.recovers = False
    world.hand(world.message(waiting, 1))
    assert len(world.posts) == 1
    assert delete(world.app, world.asset) == (204, None)
    world.run(8000)
    assert len(world.posts) == 1
    assert [deliveries.get(world.hook, sid) for sid in (waiting, new)] == [None, None]


def test_deliveries_of_a_deleted_project_are_not_made(app: App, full: tuple[str, str]) -> None:
    delete(app, full[0])
    app.recover()
    app.deliver()
    assert left(app, *full) == []


def test_what_comes_in_at_the_moment_of_deletion_is_removed_with_it(app: App, full: tuple[str, str]) -> None:
    app.add_user("cleo")
    uid, _ = full
    late: list[str] = []

    def add() -> None:
        late.append(app.add_hook(uid, "http://127.0.0.1:9/late"))
        grant(uid, "cleo", "view_asset")

    with doing("dynamodb.TransactWriteItems", add):
        assert delete(app, uid)[0] == 204
    assert app.get(ASSETS, user="cleo").json()["count"] == 0
    app.recover()
    assert left(app, uid, late[0]) == []


def test_a_change_at_the_moment_of_deletion_does_not_save_the_project(app: App) -> None:
    uid = make(app)["uid"]
    with doing("dynamodb.TransactWriteItems", lambda: patch(app, uid, {"name": "x"})):
        assert delete(app, uid)[0] == 204
    other = make(app)["uid"]
    with doing("dynamodb.TransactWriteItems", lambda: delete(app, other)):
        assert patch(app, other, {"name": "x"}).status == 404
    assert app.get(ASSETS).json()["count"] == 0


@pytest.mark.parametrize(
    ("rights", "status"),
    [
        ((), 404),
        (("view_asset",), 403),
        (("view_asset", "change_asset"), 403),
        (("view_asset", "manage_asset"), 403),
    ],
)
def test_others_do_not_delete_it(app: App, rights: tuple[str, ...], status: int) -> None:
    app.add_user("bob")
    uid = make(app)["uid"]
    if rights:
        grant(uid, "bob", *rights)
    assert delete(app, uid, "bob")[0] == status
    assert delete(app, uid, None)[0] == 404
    grant(uid, ANONYMOUS, "view_asset")
    assert delete(app, uid, None)[0] == 401
    assert app.get(f"{ASSETS}{uid}/").status == 200


def test_a_superuser_deletes_it(app: App) -> None:
    app.add_user("root", superuser=True)
    assert delete(app, make(app)["uid"], "root") == (204, None)
