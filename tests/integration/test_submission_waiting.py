"""Hooks wait until a submission with files is complete, and no longer than promised (contract submissions §4, §11)."""

from __future__ import annotations

import pytest

from tests.support.app import App
from tests.support.calls import crashing
from tests.support.world import World

A, B = b"first file", b"second file"


@pytest.fixture
def xml(app: App, world: World) -> str:
    return app.filled(world.asset, {"photo": "p.jpg"})


def _delivered(world: World, seconds: float) -> list[float]:
    world.run(seconds)
    return world.posts


def test_a_complete_submission_is_sent_at_once(world: World, xml: str) -> None:
    world.app.submit(xml, {"p.jpg": A})
    assert _delivered(world, 1) == [0]


def test_a_submission_without_files_that_names_none_is_sent_at_once(app: App, world: World) -> None:
    app.submit(app.filled(world.asset, {"name": "Ana"}))
    assert _delivered(world, 1) == [0]


def test_a_submission_that_names_a_missing_file_waits_a_minute(app: App, world: World, xml: str) -> None:
    assert app.submit(xml).status == 201
    assert len(app.records(world.asset)) == 1
    assert _delivered(world, 59) == []
    assert _delivered(world, 10_000) == [60]


def test_the_missing_file_releases_the_submission_at_once(app: App, world: World, xml: str) -> None:
    app.submit(xml)
    world.run(20)
    assert app.submit(xml, {"p.jpg": A}).status == 201
    assert _delivered(world, 10_000) == [20]
    (request,) = world.requests
    assert [file["media_file_basename"] for file in request.json()["_attachments"]] == ["p.jpg"]


def test_a_file_under_the_name_it_is_stored_by_is_not_missing(app: App, world: World) -> None:
    xml = app.filled(world.asset, {"photo": "front door.jpg"})
    app.submit(xml, {"front_door.jpg": A})
    assert _delivered(world, 10_000) == [0]


def test_another_file_than_the_missing_one_releases_nothing(app: App, world: World, xml: str) -> None:
    app.submit(xml)
    world.run(20)
    assert app.submit(xml, {"q.jpg": A}).status == 201
    assert _delivered(world, 10_000) == [60]


def test_a_repeated_first_part_does_not_end_the_wait_for_a_missing_file(
    app: App, world: World, xml: str
) -> None:
    app.submit(xml)
    world.run(20)
    assert app.submit(xml).status == 202
    assert _delivered(world, 10_000) == [60]


def test_a_submission_marked_incomplete_waits_ten_minutes(app: App, world: World, xml: str) -> None:
    app.submit(xml, {"p.jpg": A}, incomplete=True)
    assert _delivered(world, 599) == []
    assert _delivered(world, 10_000) == [600]


def test_the_last_part_releases_what_was_marked_incomplete(app: App, world: World, xml: str) -> None:
    app.submit(xml, incomplete=True)
    world.run(100)
    app.submit(xml, {"q.jpg": B}, incomplete=True)
    assert _delivered(world, 100) == []
    app.submit(xml, {"p.jpg": A})
    assert _delivered(world, 10_000) == [200]


def test_a_closing_part_without_a_file_is_a_duplicate_and_completes(app: App, world: World, xml: str) -> None:
    app.submit(xml, {"p.jpg": A}, incomplete=True)
    world.run(30)
    assert app.submit(xml).status == 202
    assert _delivered(world, 10_000) == [30]


@pytest.mark.parametrize("mark", ["no", "", "1"])
def test_only_yes_marks_a_part_as_incomplete(app: App, world: World, xml: str, mark: str) -> None:
    parts = [
        ("xml_submission_file", ("i.xml", xml, "text/xml")),
        ("p.jpg", ("p.jpg", A, "image/jpeg")),
        ("*isIncomplete*", (None, mark, None)),
    ]
    assert app.send_form("POST", "/submission", parts).status == 201  # type: ignore[arg-type]
    assert _delivered(world, 1) == [0]


def test_parts_after_the_wait_add_files_and_send_nothing_more(app: App, world: World, xml: str) -> None:
    app.submit(xml)
    assert _delivered(world, 100) == [60]
    assert app.submit(xml, {"p.jpg": A}).status == 201
    assert app.submit(xml).status == 202
    assert _delivered(world, 10_000) == [60]
    assert len(app.records(world.asset)[0]["_attachments"]) == 1


def test_a_file_beside_a_complete_submission_sends_nothing_more(app: App, world: World, xml: str) -> None:
    app.submit(xml, {"p.jpg": A})
    world.run(1)
    app.submit(xml, {"q.jpg": B})
    assert _delivered(world, 10_000) == [0]


def test_encrypted_submissions_do_not_wait(app: App, world: World, xml: str) -> None:
    app.submit(xml.replace(" id=", ' encrypted="yes" id=', 1))
    assert _delivered(world, 1) == [0]


def test_json_submissions_do_not_wait(app: App, world: World) -> None:
    body = {"id": world.asset, "submission": {"photo": "p.jpg", "meta": {"instanceID": "uuid:1"}}}
    assert app.send("POST", "/submission", body).status == 201
    assert _delivered(world, 1) == [0]


@pytest.mark.parametrize(
    "operation",
    ["s3.PutObject", "dynamodb.GetItem", "dynamodb.UpdateItem", "sqs.SendMessageBatch"],
)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_wherever_the_last_part_dies_the_client_repeats_it_and_it_is_sent_once(
    app: App, world: World, xml: str, operation: str, number: int
) -> None:
    app.submit(xml, incomplete=True)
    world.run(10)
    with crashing(operation, number):
        app.submit(xml, {"p.jpg": A})
    assert app.submit(xml, {"p.jpg": A}).status in (201, 202)
    assert len(_delivered(world, 10_000)) == 1
    assert [len(record["_attachments"]) for record in app.records(world.asset)] == [1]


@pytest.mark.parametrize(
    ("operation", "number"),
    [
        ("s3.PutObject", 1),
        ("dynamodb.UpdateItem", 1),
        ("dynamodb.UpdateItem", 2),
        ("sqs.SendMessageBatch", 1),
    ],
)
def test_a_last_part_that_dies_and_is_not_repeated_is_sent_all_the_same(
    app: App, world: World, xml: str, operation: str, number: int
) -> None:
    app.submit(xml, incomplete=True)
    with crashing(operation, number):
        app.submit(xml, {"p.jpg": A})
    assert len(_delivered(world, 10_000)) == 1
