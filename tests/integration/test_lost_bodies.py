"""Big bodies in S3 of posts that came to nothing: removed later, and never one that a record names."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from tests.support.app import App, Clock
from tests.support.aws import objects
from tests.support.calls import counting, crashing, doing, failing

FORM: dict[str, Any] = {
    "survey": [{"type": "text", "name": "name", "label": "N"}, {"type": "text", "name": "long", "label": "L"}]
}
# What compressing makes no shorter than what an item takes.
LONG = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=250_000))
INSTANCE = "uuid:11111111-1111-4111-8111-111111111111"


@pytest.fixture
def asset(app: App, clock: Clock) -> str:
    return app.deploy(FORM)


def instance(app: App, asset: str, name: str = "Ana", more: str = "", own: str = INSTANCE) -> str:
    filled = app.filled(asset, {"name": name, "long": LONG}, own)
    return filled.replace("<instanceID>", f"{more}<instanceID>") if more else filled


def bodies(app: App) -> list[str]:
    return [key for key in objects(app.settings.bucket) if key.startswith("bodies/")]


def later(app: App, clock: Clock) -> None:
    """Time goes by until whatever is left over is gone."""
    for _ in range(3):
        clock.forward(200)
        app.recover()


def read(app: App, asset: str) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = app.get(f"/api/v2/assets/{asset}/data/").json()["results"]
    return results


def test_a_body_that_a_record_names_stays(app: App, asset: str, clock: Clock) -> None:
    assert app.submit(instance(app, asset)).status == 201
    (key,) = bodies(app)
    later(app, clock)
    assert bodies(app) == [key]
    assert read(app, asset)[0]["long"] == LONG


@pytest.mark.parametrize(("name", "status"), [("Ana", 202), ("Bo", 409)])
def test_the_body_of_the_second_of_two_at_once_goes(
    app: App, asset: str, clock: Clock, name: str, status: int
) -> None:
    first, second = instance(app, asset), instance(app, asset, name)
    with doing("dynamodb.TransactWriteItems", lambda: app.submit(first)):
        assert app.submit(second).status == status
    assert len(bodies(app)) == 2
    later(app, clock)
    assert len(bodies(app)) == 1
    assert [record["name"] for record in read(app, asset)] == ["Ana"]
    assert read(app, asset)[0]["long"] == LONG


@pytest.mark.parametrize("operation", ["s3.PutObject", "dynamodb.TransactWriteItems"])
def test_the_body_of_a_post_whose_process_died_goes(
    app: App, asset: str, clock: Clock, operation: str
) -> None:
    with crashing(operation):
        app.submit(instance(app, asset))
    later(app, clock)
    assert bodies(app) == []
    assert app.submit(instance(app, asset)).status == 201
    later(app, clock)
    assert len(bodies(app)) == 1


def test_the_body_of_a_post_that_was_stored_though_its_client_heard_nothing_stays(
    app: App, asset: str, clock: Clock
) -> None:
    app.add_hook(asset, "http://127.0.0.1:9/")
    with crashing("sqs.SendMessageBatch"):
        app.submit(instance(app, asset))
    later(app, clock)
    assert app.submit(instance(app, asset)).status == 202
    later(app, clock)
    assert len(bodies(app)) == 1
    assert read(app, asset)[0]["long"] == LONG


def test_a_record_is_not_written_once_its_body_goes(app: App, asset: str, clock: Clock) -> None:
    def slow() -> None:
        later(app, clock)

    with doing("dynamodb.TransactWriteItems", slow):
        assert app.submit(instance(app, asset)).status == 503
    assert (bodies(app), read(app, asset)) == ([], [])
    assert app.submit(instance(app, asset)).status == 201


def test_a_body_that_began_to_go_goes_on_after_a_crash(app: App, asset: str, clock: Clock) -> None:
    with crashing("dynamodb.TransactWriteItems"):
        app.submit(instance(app, asset))
    clock.forward(200)
    with failing("s3.DeleteObjects"):
        app.recover()
    assert len(bodies(app)) == 1
    later(app, clock)
    assert bodies(app) == []


def test_the_body_of_an_edit_that_was_late_goes(app: App, asset: str, clock: Clock) -> None:
    assert app.submit(instance(app, asset)).status == 201
    edits = [
        instance(app, asset, name, f"<deprecatedID>{INSTANCE}</deprecatedID>", own)
        for name, own in (
            ("Bo", INSTANCE.replace("1111-", "2222-")),
            ("Cy", INSTANCE.replace("1111-", "3333-")),
        )
    ]
    with doing("dynamodb.TransactWriteItems", lambda: app.submit(edits[0])):
        assert app.submit(edits[1]).status >= 400
    later(app, clock)
    # That of the record, and that of its history.
    assert len(bodies(app)) == 2
    assert [record["name"] for record in read(app, asset)] == ["Bo"]


def test_a_deleted_submission_leaves_no_body(app: App, asset: str, clock: Clock) -> None:
    app.submit(instance(app, asset))
    (record,) = read(app, asset)
    assert app.call("DELETE", f"/api/v2/assets/{asset}/data/{record['_id']}/").status == 204
    later(app, clock)
    assert bodies(app) == []


def test_a_body_of_usual_size_costs_no_call_more(app: App, asset: str) -> None:
    with counting() as usual:
        assert app.submit(app.filled(asset, {"name": "Ana"})).status == 201
    with counting() as big:
        assert app.submit(instance(app, asset)).status == 201
    assert big - usual == {"dynamodb.PutItem": 1, "s3.PutObject": 1}
    assert not re.search("PutItem", str(usual))
