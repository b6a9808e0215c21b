"""Events that hooks may choose to hear of: what is sent when, and that nothing else is (contract rest-services §6)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from formrelay import events, ids
from formrelay.event_kinds import DELETED, EDITED, VALIDATED
from formrelay.storage import assets, deliveries, keys, submissions, table
from tests.support.aws import stored
from tests.support.calls import CrashError, counting, crashing, doing, failing
from tests.support.forms import small_jpeg
from tests.support.receiver import Answer
from tests.support.world import World

UUIDS = [f"uuid:{digit * 8}-1111-4111-8111-111111111111" for digit in "123"]
CREATED_AND_EDITED = ["submission.created", "submission.edited"]


@pytest.fixture
def xml(world: World) -> str:
    return world.app.filled(world.asset, {"name": "Ana", "photo": "p.jpg"}, UUIDS[0])


def submit(world: World, xml: str) -> int:
    assert world.app.submit(xml, {"p.jpg": small_jpeg()}).status == 201
    (sid,) = world.sids()
    return sid


def edit(world: World, xml: str, name: str, number: int = 1, *, photo: bool = True) -> Any:
    """Edit number ``number`` of the submission, as web forms post it; the answer."""
    old, new = UUIDS[number - 1 : number + 1]
    changed = xml.replace(">Ana<", f">{name}<").replace(
        f"<instanceID>{UUIDS[0]}", f"<deprecatedID>{old}</deprecatedID><instanceID>{new}"
    )
    return world.app.submit(changed if photo else changed.replace(">p.jpg<", "><"))


def record(world: World) -> dict[str, Any]:
    (found,) = world.app.records(world.asset)
    return found


def heard(world: World) -> list[tuple[str | None, Any]]:
    """(event, name in the body) of each request."""
    return [(request.header("formrelay-event"), request.json().get("name")) for request in world.requests]


def logs(world: World) -> list[dict[str, Any]]:
    return world.app.logs(world.asset, world.hook)


def part(world: World, xml: str, *files: str, incomplete: bool = False) -> int:
    """A part of an edit that names two files, as one that is split; the status."""
    changed = xml.replace(">p.jpg<", ">front.jpg<").replace("<name>Ana</name>", "<name>Bo</name>")
    changed = changed.replace(
        f"<instanceID>{UUIDS[0]}", f"<deprecatedID>{UUIDS[0]}</deprecatedID><instanceID>{UUIDS[1]}"
    )
    return world.app.submit(changed, {name: name.encode() for name in files}, incomplete=incomplete).status


def files_of(world: World) -> list[tuple[str | None, list[str]]]:
    """(event, files in the body) of each request."""
    return [
        (
            request.header("formrelay-event"),
            [file["media_file_basename"] for file in request.json()["_attachments"]],
        )
        for request in world.requests
    ]


# The choice


def test_a_hook_hears_of_creations_unless_it_chooses(world: World, xml: str) -> None:
    submit(world, xml)
    world.run(0)
    assert edit(world, xml, "Bea").status == 201
    world.run(8_000)
    assert heard(world) == [("submission.created", "Ana")]
    assert [log["event"] for log in logs(world)] == ["submission.created"]


def test_a_hook_hears_of_edits_when_it_chooses(world: World, xml: str) -> None:
    world.change_hook(events=CREATED_AND_EDITED)
    sid = submit(world, xml)
    world.run(0)
    world.clock.forward(1)
    edit(world, xml, "Bea")
    world.run(0)
    assert heard(world) == [("submission.created", "Ana"), ("submission.edited", "Bea")]
    assert world.requests[1].json() == record(world)
    assert [(log["event"], log["submission_id"], log["status"]) for log in logs(world)] == [
        ("submission.edited", sid, 2),
        ("submission.created", sid, 2),
    ]


def test_a_hook_may_hear_of_edits_alone(world: World, xml: str) -> None:
    world.change_hook(events=["submission.edited"])
    submit(world, xml)
    world.run(0)
    assert (heard(world), logs(world)) == ([], [])
    edit(world, xml, "Bea")
    world.run(0)
    assert heard(world) == [("submission.edited", "Bea")]


def test_each_event_has_an_id_of_its_own_and_keeps_it_over_its_attempts(world: World, xml: str) -> None:
    world.change_hook(events=CREATED_AND_EDITED)
    submit(world, xml)
    world.run(0)
    world.clock.forward(1)
    world.receiver.script.append(Answer(500))
    edit(world, xml, "Bea")
    world.run(60)
    created, *edited = [request.header("webhook-id") for request in world.requests]
    assert len(set(edited)) == 1
    assert created not in edited
    assert logs(world)[0]["uid"] == edited[0]


def test_the_choice_is_shown_and_counts_for_the_next_change(world: World, xml: str) -> None:
    submit(world, xml)
    assert world.app.get(world.hook_path()).json()["events"] == ["submission.created"]
    world.change_hook(events=["submission.edited", "submission.created", "submission.edited"])
    assert world.app.get(world.hook_path()).json()["events"] == CREATED_AND_EDITED
    edit(world, xml, "Bea")
    world.change_hook(events=["submission.created"])
    edit(world, xml, "Cy", 2)
    world.run(0)
    assert sorted(heard(world)) == [("submission.created", "Ana"), ("submission.edited", "Bea")]


def test_a_hook_that_is_off_hears_of_nothing(world: World, xml: str) -> None:
    world.change_hook(events=CREATED_AND_EDITED)
    submit(world, xml)
    world.run(0)
    world.change_hook(active=False)
    edit(world, xml, "Bea")
    world.run(600)
    assert len(world.requests) == 1


def test_all_hooks_of_one_event_share_its_id(world: World, xml: str) -> None:
    world.change_hook(events=["submission.edited"])
    other = world.app.add_hook(
        world.asset, world.receiver.url("/other"), name="Other", events=["submission.edited"]
    )
    submit(world, xml)
    edit(world, xml, "Bea")
    assert {body["s"] for _, body in world.queued("first")} == {
        item["sid"] for hook in (world.hook, other) for item in deliveries.newest_first(hook)
    }
    world.run(0)
    assert sorted(request.path for request in world.requests) == ["/in", "/other"]


@pytest.mark.parametrize(
    ("value", "faults"),
    [
        (["submission.lost"], ['"submission.lost" is not a valid choice.']),
        (["submission.created", 7], ['"7" is not a valid choice.']),
        ([["submission.created"]], ["\"['submission.created']\" is not a valid choice."]),
        ("submission.created", ['Expected a list of items but got type "str".']),
        ({}, ['Expected a list of items but got type "dict".']),
        ([], ["This list may not be empty."]),
        (None, ["This field may not be null."]),
    ],
)
def test_a_choice_that_there_is_not_is_refused(world: World, value: Any, faults: list[str]) -> None:
    answer = world.app.send("PATCH", world.hook_path(), {"events": value})
    assert (answer.status, answer.json()) == (400, {"events": faults})


# What an edit sends, and when


def test_an_edit_is_sent_as_it_was_made_although_another_one_followed(world: World, xml: str) -> None:
    world.change_hook(events=CREATED_AND_EDITED)
    submit(world, xml)
    edit(world, xml, "Bea")
    edit(world, xml, "Cy", 2)
    world.run(0)
    assert sorted(heard(world)) == [
        ("submission.created", "Ana"),
        ("submission.edited", "Bea"),
        ("submission.edited", "Cy"),
    ]
    by_name = {request.json()["name"]: request.json() for request in world.requests}
    assert by_name["Bea"]["_uuid"] == UUIDS[1].removeprefix("uuid:")
    assert by_name["Bea"]["meta/rootUuid"] == UUIDS[0]


def test_a_retry_of_an_edit_sends_the_same_bytes(world: World, xml: str) -> None:
    world.change_hook(events=["submission.edited"])
    submit(world, xml)
    world.receiver.script.append(Answer(500))
    edit(world, xml, "Bea")
    world.run(0)
    edit(world, xml, "Cy", 2, photo=False)
    world.run(60)
    bodies = [request.body for request in world.requests if b"Bea" in request.body]
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert b"p.jpg" in bodies[0]


def test_files_that_a_later_edit_removes_are_in_the_edit_before(world: World, xml: str) -> None:
    world.change_hook(events=["submission.edited"])
    submit(world, xml)
    edit(world, xml, "Bea")
    edit(world, xml, "Cy", 2, photo=False)
    world.run(0)
    files = {request.json()["name"]: len(request.json()["_attachments"]) for request in world.requests}
    assert files == {"Bea": 1, "Cy": 0}


def test_an_edit_is_sent_in_xml_to_hooks_that_want_it(world: World, xml: str) -> None:
    world.change_hook(events=["submission.edited"], export_type="xml")
    submit(world, xml)
    edit(world, xml, "Bea")
    world.run(0)
    (request,) = world.requests
    assert ET.fromstring(request.body).findtext("name") == "Bea"  # noqa: S314


def test_an_edit_of_a_submission_that_is_gone_is_not_sent(world: World, xml: str) -> None:
    world.change_hook(events=["submission.edited"])
    sid = submit(world, xml)
    edit(world, xml, "Bea")
    table.delete(world.app.settings.data_table, keys.submission(world.asset, sid))
    world.run(0)
    assert world.requests == []
    assert logs(world)[0]["message"] == "Submission has been deleted"


def test_a_forced_retry_of_an_edit_sends_what_is_current(world: World, xml: str) -> None:
    world.change_hook(events=["submission.edited"])
    submit(world, xml)
    edit(world, xml, "Bea")
    world.run(0)
    world.change_hook(events=["submission.created"])
    edit(world, xml, "Cy", 2)
    (log,) = logs(world)
    path = world.hook_path(f"logs/{log['uid']}/retry/")
    assert world.app.call("PATCH", path, query="force=true").status == 200
    assert heard(world) == [("submission.edited", "Bea"), ("submission.edited", "Cy")]
    assert world.requests[1].header("formrelay-replay") == "1"


def test_a_failed_edit_goes_down_the_ladder_and_is_reported_with_its_submission(
    world: World, xml: str
) -> None:
    world.change_hook(events=["submission.edited"])
    sid = submit(world, xml)
    world.receiver.answer = Answer(500)
    edit(world, xml, "Bea")
    world.run(8_000)
    assert len(world.posts) == 4
    (mail,) = world.mails
    assert str(sid) in mail.html
    assert logs(world)[0]["uid"] in mail.html


def test_the_attempts_of_an_event_are_listed(world: World, xml: str) -> None:
    world.change_hook(events=["submission.edited"])
    submit(world, xml)
    world.receiver.script.append(Answer(500))
    edit(world, xml, "Bea")
    world.run(60)
    page = world.app.get(world.hook_path(f"logs/{logs(world)[0]['uid']}/attempts/")).json()
    assert [attempt["status_code"] for attempt in page["results"]] == [200, 500]


def test_a_replay_sends_no_event_but_the_creation(world: World, xml: str) -> None:
    world.change_hook(events=CREATED_AND_EDITED)
    submit(world, xml)
    edit(world, xml, "Bea")
    world.run(0)
    world.requests.clear()
    world._came.clear()
    assert world.app.send("POST", world.hook_path("replay/"), {"all": True}).status == 202
    world.run(60)
    assert heard(world) == [("submission.created", "Bea")]


def test_an_edit_of_a_paused_hook_waits(world: World, xml: str) -> None:
    world.change_hook(events=["submission.edited"])
    submit(world, xml)
    world.change_hook(paused=True)
    edit(world, xml, "Bea")
    world.run(300)
    assert world.requests == []
    world.change_hook(paused=False)
    world.run(300)
    assert heard(world) == [("submission.edited", "Bea")]


# Durability


def test_an_edit_and_its_deliveries_are_written_together(world: World, xml: str) -> None:
    world.change_hook(events=["submission.edited"])
    submit(world, xml)
    with crashing("sqs.SendMessageBatch"):
        edit(world, xml, "Bea")
    assert record(world)["name"] == "Bea"
    world.run(300)
    assert heard(world) == [("submission.edited", "Bea")]


def test_an_edit_that_is_sent_again_makes_no_second_event(world: World, xml: str) -> None:
    world.change_hook(events=["submission.edited"])
    submit(world, xml)
    assert [edit(world, xml, "Bea").status for _ in range(2)] == [201, 202]
    world.run(300)
    assert len(world.requests) == 1


def test_an_edit_that_comes_too_late_makes_no_event(world: World, xml: str) -> None:
    world.change_hook(events=["submission.edited"])
    submit(world, xml)
    other = UUIDS[2]
    late = xml.replace(
        f"<instanceID>{UUIDS[0]}", f"<deprecatedID>{UUIDS[0]}</deprecatedID><instanceID>{other}"
    )
    with doing("dynamodb.TransactWriteItems", lambda: edit(world, xml, "Bea")):
        assert world.app.submit(late).status == 410
    assert len(logs(world)) == 1


def test_an_event_whose_id_is_taken_draws_another_one(
    world: World, xml: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.change_hook(events=CREATED_AND_EDITED)
    sid = submit(world, xml)
    drawn = iter([sid, sid + 1])
    monkeypatch.setattr(ids, "submission_id", lambda: next(drawn))
    assert edit(world, xml, "Bea").status == 201
    world.run(0)
    assert sorted(heard(world)) == [("submission.created", "Ana"), ("submission.edited", "Bea")]


def test_a_submission_whose_id_an_event_has_draws_another_one(
    world: World, xml: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.change_hook(events=CREATED_AND_EDITED)
    sid = submit(world, xml)
    edit(world, xml, "Bea")
    (taken,) = {item["sid"] for item in deliveries.newest_first(world.hook)} - {sid}
    drawn = iter([taken, taken + 7])
    monkeypatch.setattr(ids, "submission_id", lambda: next(drawn))
    assert world.app.submit(world.app.filled(world.asset, {"name": "Dan"})).status == 201
    assert sorted(world.sids()) == sorted([sid, taken + 7])
    world.run(0)
    assert len(world.requests) == 3


def test_an_edit_that_nobody_hears_of_costs_no_more_than_before(world: World, xml: str) -> None:
    submit(world, xml)
    world.run(0)
    with counting() as made:
        edit(world, xml, "Bea")
    assert made["dynamodb.TransactWriteItems"] == 1
    assert made["sqs.SendMessageBatch"] == 0


def test_a_queue_that_is_away_costs_time_only(world: World, xml: str) -> None:
    world.change_hook(events=["submission.edited"])
    submit(world, xml)
    with failing("sqs.SendMessageBatch"):
        assert edit(world, xml, "Bea").status == 201
    world.run(300)
    assert heard(world) == [("submission.edited", "Bea")]


# Deletion and validation: deliveries for whoever makes those changes


def announce(world: World, event: str, submission: dict[str, Any]) -> list[dict[str, Any]]:
    """Writes and queues the deliveries of an event, as the code that makes the change does."""
    project = assets.project(world.asset)
    assert project is not None
    rows = events.deliveries_for(project, event, submission, origin="https://kf.example.org")
    if rows:
        table.transact([deliveries.put_op(row) for row in rows])
    events.send(rows)
    return rows


def deleted(world: World, sid: int) -> None:
    found = submissions.get(world.asset, sid)
    assert found is not None
    table.delete(world.app.settings.data_table, keys.submission(world.asset, sid))
    announce(world, DELETED, found)


def test_of_a_deleted_submission_only_what_tells_it_is_sent(world: World, xml: str) -> None:
    world.change_hook(events=[DELETED], subset_fields=["name"], payload_template='{"gone": %SUBMISSION%}')
    sid = submit(world, xml)
    deleted(world, sid)
    world.run(0)
    (request,) = world.requests
    assert request.header("formrelay-event") == "submission.deleted"
    assert request.json() == {
        "gone": {
            "_id": sid,
            "_xform_id_string": world.asset,
            "_uuid": UUIDS[0].removeprefix("uuid:"),
            "meta/rootUuid": UUIDS[0],
        }
    }
    assert (logs(world)[0]["submission_id"], logs(world)[0]["event"]) == (sid, "submission.deleted")


def test_a_deletion_is_sent_in_xml_to_hooks_that_want_it(world: World, xml: str) -> None:
    world.change_hook(events=[DELETED], export_type="xml")
    deleted(world, submit(world, xml))
    world.run(0)
    (request,) = world.requests
    root = ET.fromstring(request.body)  # noqa: S314
    assert (root.tag, root.attrib) == (world.asset, {"id": world.asset})
    assert [(child.tag, child.text) for child in root.iter() if child.text] == [
        ("instanceID", UUIDS[0]),
        ("rootUuid", UUIDS[0]),
    ]
    assert request.header("Content-Type") == "application/xml"


def test_no_answer_outlives_a_deletion(world: World, xml: str) -> None:
    world.change_hook(events=[DELETED])
    deleted(world, submit(world, xml))
    for item in stored(world.app.settings.data_table):
        assert not item["pk"]["S"].startswith("H#") or "Ana" not in str(item)


def test_a_deletion_is_retried_with_the_same_bytes(world: World, xml: str) -> None:
    world.change_hook(events=[DELETED])
    world.receiver.script.append(Answer(500))
    deleted(world, submit(world, xml))
    world.run(60)
    first, second = world.requests
    assert first.body == second.body
    path = world.hook_path(f"logs/{logs(world)[0]['uid']}/retry/")
    assert world.app.call("PATCH", path, query="force=true").status == 200
    assert world.requests[2].body == first.body


def test_a_validation_is_sent_with_the_status_and_the_answers_of_that_moment(world: World, xml: str) -> None:
    world.change_hook(events=[VALIDATED])
    sid = submit(world, xml)
    status = {"uid": "validation_status_approved", "by_whom": "ann", "timestamp": 1, "label": "Approved"}
    announce(world, VALIDATED, {**(submissions.get(world.asset, sid) or {}), "status": status})
    edit(world, xml, "Bea")
    world.run(0)
    assert heard(world) == [("submission.validated", "Ana")]
    assert world.requests[0].json()["_validation_status"] == status


def test_hooks_that_did_not_choose_an_event_get_no_delivery_of_it(world: World, xml: str) -> None:
    sid = submit(world, xml)
    found = submissions.get(world.asset, sid) or {}
    assert [announce(world, event, found) for event in (EDITED, DELETED, VALIDATED)] == [[], [], []]
    assert world.queued("first") == [(0, world.message(sid, 1))]


def test_a_creation_is_not_announced_like_that(world: World, xml: str) -> None:
    sid = submit(world, xml)
    with pytest.raises(ValueError, match="created with its deliveries"):
        announce(world, "submission.created", submissions.get(world.asset, sid) or {})


# Edits in parts


@pytest.fixture
def edited(world: World, xml: str) -> str:
    """The XML of a submission that was sent to a hook, which hears of its edits, too."""
    world.app.send(
        "PATCH",
        f"/api/v2/assets/{world.asset}/hooks/{world.hook}/",
        {"events": CREATED_AND_EDITED},
    )
    submit(world, xml)
    world.run(1)
    assert files_of(world) == [("submission.created", ["p.jpg"])]
    return xml


def test_an_edit_in_parts_is_sent_with_all_of_its_files_once_the_last_came(world: World, edited: str) -> None:
    assert part(world, edited, "audit.csv", incomplete=True) == 201
    world.run(300)
    assert len(world.requests) == 1
    assert part(world, edited, "front.jpg") == 201
    world.run(10_000)
    assert world.posts[1:] == [301]
    assert files_of(world)[1:] == [("submission.edited", ["audit.csv", "front.jpg"])]


def test_an_edit_whose_last_part_does_not_come_is_sent_after_ten_minutes(world: World, edited: str) -> None:
    part(world, edited, "front.jpg", incomplete=True)
    world.run(10_000)
    assert world.posts[1:] == [601]
    assert files_of(world)[1:] == [("submission.edited", ["front.jpg"])]


def test_an_edit_that_names_a_file_which_did_not_come_waits_a_minute_for_it(
    world: World, edited: str
) -> None:
    part(world, edited)
    world.run(20)
    assert part(world, edited, "audit.csv") == 201
    world.run(20)
    assert len(world.requests) == 1
    assert part(world, edited, "front.jpg") == 201
    world.run(10_000)
    assert world.posts[1:] == [41]
    assert files_of(world)[1:] == [("submission.edited", ["audit.csv", "front.jpg"])]


def test_an_edit_of_an_edit_that_waits_leaves_the_first_with_what_it_had(world: World, edited: str) -> None:
    part(world, edited, "front.jpg", incomplete=True)
    assert edit(world, edited, "Cy", 2).status == 201
    world.run(10_000)
    assert heard(world)[1:] == [("submission.edited", "Cy"), ("submission.edited", "Bo")]
    assert files_of(world)[1:] == [("submission.edited", ["p.jpg"]), ("submission.edited", ["front.jpg"])]


def test_a_part_of_the_submission_does_not_end_the_wait_of_its_edit(world: World, xml: str) -> None:
    world.app.send(
        "PATCH",
        f"/api/v2/assets/{world.asset}/hooks/{world.hook}/",
        {"events": CREATED_AND_EDITED},
    )
    world.app.submit(xml, incomplete=True)
    part(world, xml, "audit.csv", incomplete=True)
    world.run(10)
    world.app.submit(xml, {"p.jpg": small_jpeg()})
    world.run(10)
    assert [event for event, _ in heard(world)] == ["submission.created"]
    part(world, xml, "front.jpg")
    world.run(1)
    assert files_of(world)[1:] == [("submission.edited", ["audit.csv", "front.jpg"])]
    world.run(10_000)
    assert len(world.requests) == 2


def test_an_edit_in_parts_sends_nothing_where_nobody_wants_to_hear_of_it(world: World, xml: str) -> None:
    submit(world, xml)
    world.run(1)
    part(world, xml, "audit.csv", incomplete=True)
    with counting() as made:
        part(world, xml, "front.jpg")
    assert made["sqs.SendMessageBatch"] == 0
    world.run(10_000)
    assert [event for event, _ in heard(world)] == ["submission.created"]


def test_wherever_the_last_part_of_an_edit_dies_the_client_repeats_it_and_it_is_sent_once(
    world: World, edited: str
) -> None:
    part(world, edited, "audit.csv", incomplete=True)
    for operation in ("s3.PutObject", "dynamodb.UpdateItem", "sqs.SendMessageBatch"):
        with suppress(CrashError), crashing(operation):
            part(world, edited, "front.jpg")
    with suppress(CrashError), crashing("dynamodb.UpdateItem", 3):
        part(world, edited, "front.jpg")
    part(world, edited, "front.jpg")
    world.run(10_000)
    assert files_of(world)[1:] == [("submission.edited", ["audit.csv", "front.jpg"])]
