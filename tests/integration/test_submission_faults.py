"""What an accepted submission is worth: durable, once, and sent, whatever fails beside it (design I1, I2)."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections import Counter

import pytest

from formrelay.storage import submissions
from tests.support.app import FORM, App
from tests.support.aws import messages, objects, stored
from tests.support.calls import counting, crashing, doing, failing
from tests.support.grants import ANONYMOUS, grant
from tests.support.template import ROOT
from tests.support.world import World

INSTANCE_ID = "uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7"
HOOK = "http://127.0.0.1:9/"


@pytest.fixture
def asset(app: App) -> str:
    return app.deploy(FORM)


@pytest.fixture
def xml(app: App, asset: str) -> str:
    return app.filled(asset, {"name": "Ana"}, INSTANCE_ID)


# Twins


def test_a_twin_that_comes_in_between_gets_its_202_once_the_first_is_durable(
    app: App, asset: str, xml: str
) -> None:
    statuses = []

    def twin() -> None:
        statuses.append(app.submit(xml).status)
        assert len(app.records(asset)) == 1

    app.add_hook(asset, HOOK)
    with doing("dynamodb.TransactWriteItems", twin):
        statuses.append(app.submit(xml).status)
    assert statuses == [201, 202]
    assert len(app.records(asset)) == 1
    assert len(messages(app.settings.first_queue)) == 1


def test_a_different_twin_that_comes_in_between_is_refused(app: App, asset: str, xml: str) -> None:
    other = xml.replace("Ana", "Bo")
    with doing("dynamodb.TransactWriteItems", lambda: _is_201(app, other)):
        assert app.submit(xml).status == 409
    assert [record["name"] for record in app.records(asset)] == ["Bo"]


def _is_201(app: App, xml: str) -> None:
    assert app.submit(xml).status == 201


def test_twins_with_different_files_end_as_one_submission_with_both(app: App, asset: str) -> None:
    xml = app.filled(asset, {"photo": "p.jpg"}, INSTANCE_ID)

    def twin() -> None:
        assert app.submit(xml, {"q.jpg": b"2"}).status == 201

    with doing("dynamodb.TransactWriteItems", twin):
        assert app.submit(xml, {"p.jpg": b"1"}).status == 201
    (item,) = submissions.scan(asset)
    assert sorted(item["files"]) == ["p.jpg", "q.jpg"]


def test_two_parts_that_bring_one_file_at_once_add_it_once(app: App, asset: str) -> None:
    xml = app.filled(asset, {"photo": "p.jpg"}, INSTANCE_ID)
    app.submit(xml)

    def twin() -> None:
        assert app.submit(xml, {"p.jpg": b"1"}).status == 201

    with doing("dynamodb.UpdateItem", twin):
        assert app.submit(xml, {"p.jpg": b"1"}).status == 202
    (item,) = submissions.scan(asset)
    assert list(item["files"]) == ["p.jpg"]


def test_two_parts_that_bring_different_bytes_at_once_keep_the_first(app: App, asset: str) -> None:
    xml = app.filled(asset, {"photo": "p.jpg"}, INSTANCE_ID)
    app.submit(xml)

    def twin() -> None:
        assert app.submit(xml, {"p.jpg": b"1"}).status == 201

    with doing("dynamodb.UpdateItem", twin):
        assert app.submit(xml, {"p.jpg": b"2"}).status == 409


def test_an_id_that_is_taken_is_drawn_again(
    app: App, asset: str, xml: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([7, 7, 8])
    monkeypatch.setattr("formrelay.ids.submission_id", lambda: next(drawn))
    app.submit(xml)
    app.submit(app.filled(asset, {"name": "Bo"}))
    assert [(record["_id"], record["name"]) for record in app.records(asset)] == [(7, "Ana"), (8, "Bo")]


# Faults of services


def _conflict(times: int) -> dict[str, object]:
    return {"times": times, "CancellationReasons": [{"Code": "TransactionConflict"}, {"Code": "None"}]}


def test_a_conflict_of_transactions_is_tried_again(app: App, asset: str, xml: str, clock: object) -> None:
    with failing("dynamodb.TransactWriteItems", "TransactionCanceledException", **_conflict(3)):  # type: ignore[arg-type]
        assert app.submit(xml).status == 201
    assert len(app.records(asset)) == 1


def test_a_conflict_that_does_not_end_is_503_with_a_time_to_come_back(
    app: App, asset: str, xml: str, clock: object
) -> None:
    with failing("dynamodb.TransactWriteItems", "TransactionCanceledException", **_conflict(100)):  # type: ignore[arg-type]
        answer = app.submit(xml)
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert "<message" in answer.text
    assert app.records(asset) == []


def test_a_store_that_fails_is_500_in_the_clients_dialect_and_nothing_is_said_of_it(
    app: App, asset: str, xml: str
) -> None:
    with failing("dynamodb.TransactWriteItems", "InternalServerError"):
        answer = app.submit(xml)
    assert answer.status == 500
    assert "OpenRosaResponse" in answer.text
    assert "Nothing is lost" in answer.text
    assert app.submit(xml).status == 201


def test_a_store_that_is_throttled_is_503_with_a_time_to_come_back(app: App, asset: str, xml: str) -> None:
    with failing("dynamodb.TransactWriteItems", "ThrottlingException"):
        answer = app.submit(xml)
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert "OpenRosaResponse" in answer.text
    assert app.submit(xml).status == 201


def test_a_queue_that_fails_costs_time_only(app: App, world: World) -> None:
    with failing("sqs.SendMessageBatch"):
        assert app.submit(app.filled(world.asset, {"name": "Ana"})).status == 201
    world.run(10_000)
    assert len(world.posts) == 1
    assert world.posts[0] >= 120


@pytest.mark.parametrize("operation", ["dynamodb.TransactWriteItems", "sqs.SendMessageBatch", "s3.PutObject"])
def test_wherever_ingest_dies_the_client_repeats_and_it_is_sent_once(
    app: App, world: World, operation: str
) -> None:
    xml = app.filled(world.asset, {"photo": "p.jpg"})
    with crashing(operation):
        app.submit(xml, {"p.jpg": b"1"})
    assert app.submit(xml, {"p.jpg": b"1"}).status in (201, 202)
    assert len(app.records(world.asset)) == 1
    world.run(10_000)
    assert len(world.posts) == 1


def test_what_died_after_it_was_stored_is_sent_without_the_client(app: App, world: World) -> None:
    with crashing("sqs.SendMessageBatch"):
        app.submit(app.filled(world.asset, {"name": "Ana"}))
    assert len(app.records(world.asset)) == 1
    world.run(10_000)
    assert len(world.posts) == 1


def test_every_queue_lost_every_submission_is_sent(app: App, world: World) -> None:
    for number in range(5):
        app.submit(app.filled(world.asset, {"name": f"n{number}"}))
    world.lose_queues()
    world.run(10_000)
    assert len(world.posts) == 5


# What it costs


@pytest.mark.parametrize(("hooks", "sends"), [(0, 0), (1, 1), (5, 1), (12, 2)])
def test_a_submission_takes_four_calls_at_most(app: App, asset: str, hooks: int, sends: int) -> None:
    """Key, project, transaction; and one message batch for ten hooks."""
    for _ in range(hooks):
        app.add_hook(asset, HOOK)
    app.submit(app.filled(asset, {"name": "warm"}))
    xml = app.filled(asset, {"name": "Ana"})
    with counting() as made:
        assert app.submit(xml).status == 201
    expected = {"dynamodb.GetItem": 1, "dynamodb.Query": 1, "dynamodb.TransactWriteItems": 1}
    assert made == Counter(expected) + Counter({"sqs.SendMessageBatch": sends})


def test_a_duplicate_takes_a_call_for_the_submission_more(app: App, asset: str, xml: str) -> None:
    app.submit(xml)
    with counting() as made:
        assert app.submit(xml).status == 202
    assert made == {"dynamodb.GetItem": 2, "dynamodb.Query": 1, "dynamodb.TransactWriteItems": 1}


def test_the_form_of_another_owner_takes_one_more_for_their_account(app: App, asset: str, xml: str) -> None:
    grant(asset, ANONYMOUS, "add_submissions")
    app.submit(app.filled(asset, {"name": "warm"}))
    with counting() as made:
        assert app.submit(xml, user=None, path="/ann/submission").status == 201
    assert made == {"dynamodb.GetItem": 1, "dynamodb.Query": 1, "dynamodb.TransactWriteItems": 1}


def test_ingest_imports_nothing_it_does_not_need(app: App) -> None:
    """Modules that the import of the handler, and nothing later, brings into a fresh process."""
    heavy = {
        "boto3.resources", "botocore.session", "botocore.client", "requests", "urllib3", "pydantic", "pyxform",
        "openpyxl", "xlrd", "jinja2", "aws_xray_sdk", "jsonpath_ng", "asyncio", "sqlite3",
        "formrelay.delivery", "formrelay.hooks", "formrelay.forms", "formrelay.projects",
        "formrelay.api.main", "formrelay.api.assets", "formrelay.api.router",
    }  # fmt: skip
    code = "import sys; import functions.ingest.app; print('\\n'.join(sys.modules))"
    path = f"{ROOT}:{ROOT}/layers/formrelay/python"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) & heavy == set()


# Big ones


def test_big_bodies_stand_in_s3_and_are_read_back_and_delivered(app: App, world: World) -> None:
    text = secrets.token_hex(500_000)
    xml = app.filled(world.asset, {"name": text})
    assert app.submit(xml).status == 201
    assert len(objects(app.settings.bucket)) == 1
    largest = max(len(repr(item)) for item in stored(app.settings.data_table))
    assert largest < 100_000
    (record,) = app.records(world.asset)
    assert record["name"] == text
    read = app.get(f"/api/v2/assets/{world.asset}/data/{record['_id']}.xml")
    assert read.text.partition("?>")[2] == xml.partition("?>")[2]
    world.run(1)
    (request,) = world.requests
    assert request.json()["name"] == text


def test_big_bodies_of_text_that_repeats_stay_in_the_table(app: App, asset: str) -> None:
    app.submit(app.filled(asset, {"name": "Ana " * 100_000}))
    assert objects(app.settings.bucket) == []
    assert app.records(asset)[0]["name"] == "Ana " * 100_000
