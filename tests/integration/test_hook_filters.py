"""Filters of hooks: what is sent, and what is not even stored to be sent (docs/hooks.md, "Filters")."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest

from formrelay import hook_filters
from formrelay.event_kinds import ALL
from formrelay.settings import settings
from formrelay.storage import assets, deliveries, hooks, keys, table
from tests.support.app import Parts
from tests.support.calls import counting, crashing, doing
from tests.support.forms import small_jpeg
from tests.support.receiver import Answer
from tests.support.world import World

ADULTS = {"age": {"$in": ["18", "34"]}}
# Hardly compressed, it stands in S3.
LARGE = base64.b64encode(random.Random(0).randbytes(300_000)).decode()
UUIDS = [f"uuid:{digit * 8}-1111-4111-8111-111111111111" for digit in "123"]


def heard(world: World) -> list[tuple[str | None, Any]]:
    """(event, name in the body) of each request."""
    return [(request.header("formrelay-event"), request.json().get("name")) for request in world.requests]


def names(world: World) -> list[str]:
    return sorted(str(name) for _, name in heard(world))


def submit(world: World, *pairs: tuple[str, str]) -> None:
    for name, age in pairs:
        world.submit(name=name, age=age)


def shown(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.app.get(world.hook_path()).json()
    return found


def spoil(world: World, text: str) -> None:
    """Stores what no caller could: a filter that cannot be applied."""
    key = keys.hook_state(world.asset, world.hook)
    table.update(world.app.settings.data_table, key, "SET #filter = :text", {":text": text})


# The field


def test_a_hook_shows_its_filter_as_an_object(world: World) -> None:
    assert shown(world)["filter"] is None
    for given in (ADULTS, json.dumps(ADULTS)):
        answer = world.app.send("PATCH", world.hook_path(), {"filter": given})
        assert (answer.status, answer.json()["filter"]) == (200, ADULTS)
        assert shown(world)["filter"] == ADULTS
    other = world.app.add_hook(world.asset, "http://127.0.0.1:9/", name="Other", filter=ADULTS)
    (listed,) = [
        hook
        for hook in world.app.get(f"/api/v2/assets/{world.asset}/hooks/").json()["results"]
        if hook["uid"] == other
    ]
    assert listed["filter"] == ADULTS


@pytest.mark.parametrize("nothing", [None, {}, "", "{}"])
def test_a_filter_is_taken_away_by_what_everything_meets(world: World, nothing: Any) -> None:
    world.change_hook(filter=ADULTS)
    world.change_hook(filter=nothing)
    assert shown(world)["filter"] is None
    assert "filter" not in assets.project(world.asset).hooks[world.hook]  # type: ignore[union-attr]
    submit(world, ("Ana", "3"))
    world.run(0)
    assert names(world) == ["Ana"]


def test_a_form_sends_a_filter_as_text(world: World) -> None:
    parts: Parts = [("filter", (None, json.dumps(ADULTS), None))]
    assert world.app.send_form("PATCH", world.hook_path(), parts).json()["filter"] == ADULTS


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("{", "Value must be valid JSON."),
        ({"age": {"$near": 1}}, "Unsupported query: unsupported operator $near."),
        ({"age": "x" * 2_000}, "The query has more than 2000 bytes."),
        (
            {"age": {"$regex": "(x{20}){20}"}},
            "Unsupported query: the regular expressions are too large together.",
        ),
    ],
)
def test_a_filter_that_cannot_be_is_refused(world: World, given: Any, fault: str) -> None:
    answer = world.app.send("PATCH", world.hook_path(), {"filter": given})
    assert (answer.status, answer.json()) == (400, {"filter": [fault]})
    assert shown(world)["filter"] is None


def test_other_changes_leave_the_filter_as_it_is(world: World) -> None:
    world.change_hook(filter=ADULTS)
    world.change_hook(name="Renamed")
    world.change_hook(paused=True)
    world.change_hook(paused=False)
    submit(world, ("Ana", "3"), ("Bea", "34"))
    world.run(600)
    assert (names(world), shown(world)["filter"]) == (["Bea"], ADULTS)


def test_the_activity_of_the_project_tells_that_it_was_changed(world: World) -> None:
    world.change_hook(filter=ADULTS)
    world.change_hook(filter=ADULTS)
    history = world.app.get(f"/api/v2/assets/{world.asset}/history/").json()["results"]
    assert sorted(entry["action"] for entry in history if "service" in entry["action"]) == [
        "modify-service",
        "register-service",
    ]


# New submissions


def test_only_what_meets_the_filter_is_sent(world: World) -> None:
    world.change_hook(filter=ADULTS)
    submit(world, ("Ana", "3"), ("Bea", "34"), ("Cy", "18"))
    world.run(8_000)
    assert names(world) == ["Bea", "Cy"]


def test_what_does_not_meet_it_makes_no_delivery_and_no_message(world: World) -> None:
    world.change_hook(filter=ADULTS)
    submit(world, ("Ana", "3"))
    assert world.queued("first") == []
    assert list(deliveries.newest_first(world.hook)) == []
    assert (shown(world)["success_count"], shown(world)["pending_count"]) == (0, 0)
    assert [record["name"] for record in world.app.records(world.asset)] == ["Ana"]


def test_each_hook_has_a_filter_of_its_own(world: World) -> None:
    world.change_hook(filter=ADULTS)
    for path, wanted in (("/all", None), ("/children", {"age": {"$nin": ["18", "34"]}})):
        world.app.add_hook(world.asset, world.receiver.url(path), name=path, filter=wanted)
    submit(world, ("Ana", "3"), ("Bea", "34"))
    world.run(0)
    assert sorted((request.path, request.json()["name"]) for request in world.requests) == [
        ("/all", "Ana"),
        ("/all", "Bea"),
        ("/children", "Ana"),
        ("/in", "Bea"),
    ]


@pytest.mark.parametrize(
    ("wanted", "meets"),
    [
        ({"_submitted_by": "ann"}, True),
        ({"_submitted_by": "bob"}, False),
        ({"_submission_time": {"$gt": "2026-08-01"}}, True),
        ({"_submission_time": {"$gt": "2026-08-03"}}, False),
        ({"_attachments": {"$elemMatch": {"media_file_basename": "p.jpg"}}}, True),
        ({"_attachments": []}, False),
        ({"_geolocation": [-1.5, 36.5]}, True),
        ({"_geolocation": None}, False),
        ({"_validation_status.uid": {"$exists": False}}, True),
        ({"_validation_status.uid": "validation_status_approved"}, False),
        ({"_id": {"$gt": 1}}, True),
        ({"_id": {"$lt": 1}}, False),
        ({"member": {"$elemMatch": {"member/who": "Bo"}}}, True),
        ({"member": {"$elemMatch": {"member/who": "Cy"}}}, False),
        ({"meta/rootUuid": UUIDS[0]}, True),
        ({"name": {"$regex": "^an", "$options": "i"}}, True),
        ({"nowhere": {"$exists": True}}, False),
    ],
    ids=str,
)
def test_the_record_is_judged_that_the_data_api_shows(
    world: World, wanted: dict[str, Any], meets: bool
) -> None:
    world.change_hook(filter=wanted)
    values = {"name": "Ana", "member": [{"who": "Bo"}], "gps": "-1.5 36.5 0 0", "photo": "p.jpg"}
    xml = world.app.filled(world.asset, values, UUIDS[0])
    assert world.app.submit(xml, {"p.jpg": small_jpeg()}).status == 201
    world.run(0)
    data = world.app.get(f"/api/v2/assets/{world.asset}/data/", query=json.dumps(wanted)).json()
    assert (len(world.requests), data["count"]) == (int(meets), int(meets))


def test_json_submissions_and_duplicates_are_judged_as_well(world: World) -> None:
    world.change_hook(filter={"_submitted_by": "ann", "name": {"$ne": "Bea"}})
    path = f"/api/v2/assets/{world.asset}/data/"
    for number, name in enumerate(("Ana", "Bea")):
        data = {"id": world.asset, "submission": {"name": name, "meta": {"instanceID": UUIDS[number]}}}
        assert world.app.send("POST", "/api/v1/submissions", data).status == 201
    world.run(0)
    assert names(world) == ["Ana"]
    for record in world.app.records(world.asset):
        assert world.app.send("POST", f"{path}{record['_id']}/duplicate/").status == 201
    world.run(0)
    assert names(world) == ["Ana", "Ana"]


def test_a_changed_filter_counts_for_the_next_submission_and_what_waits_is_sent(world: World) -> None:
    world.change_hook(filter=ADULTS)
    submit(world, ("Ana", "3"), ("Bea", "34"))
    world.change_hook(filter={"age": "3"})
    submit(world, ("Cy", "3"), ("Dan", "34"))
    world.run(0)
    assert names(world) == ["Bea", "Cy"]


def test_retries_are_not_judged_again(world: World) -> None:
    world.receiver.script.append(Answer(500))
    submit(world, ("Bea", "34"))
    world.run(0)
    world.change_hook(filter={"age": "3"})
    world.run(60)
    assert names(world) == ["Bea", "Bea"]


def test_a_paused_hook_parks_only_what_meets_its_filter(world: World) -> None:
    world.change_hook(filter=ADULTS, paused=True)
    submit(world, ("Ana", "3"), ("Bea", "34"))
    assert shown(world)["health"]["parked_count"] == 1
    world.change_hook(paused=False)
    world.run(300)
    assert names(world) == ["Bea"]


def test_a_pause_that_ends_at_that_moment_lets_through_only_what_meets_the_filter(world: World) -> None:
    world.change_hook(filter=ADULTS, paused=True)
    xml = [
        world.app.filled(world.asset, {"name": name, "age": age}) for name, age in (("A", "3"), ("B", "34"))
    ]
    with doing("dynamodb.TransactWriteItems", lambda: world.change_hook(paused=False)):
        assert [world.app.submit(one).status for one in reversed(xml)] == [201, 201]
    world.run(300)
    assert names(world) == ["B"]


def test_a_submission_in_parts_is_judged_by_its_first_part(world: World) -> None:
    world.change_hook(filter={"_attachments": []})
    xml = world.app.filled(world.asset, {"name": "Ana", "photo": "p.jpg"}, UUIDS[0])
    assert world.app.submit(xml, incomplete=True).status == 201
    assert world.app.submit(xml, {"p.jpg": small_jpeg()}).status == 201
    world.run(0)
    assert names(world) == ["Ana"]
    (request,) = world.requests
    assert [file["media_file_basename"] for file in request.json()["_attachments"]] == ["p.jpg"]


def test_a_part_releases_nothing_for_a_hook_whose_filter_kept_it_back(world: World) -> None:
    world.change_hook(filter=ADULTS)
    xml = world.app.filled(world.asset, {"name": "Ana", "age": "3", "photo": "p.jpg"}, UUIDS[0])
    assert world.app.submit(xml, incomplete=True).status == 201
    with counting() as made:
        assert world.app.submit(xml, {"p.jpg": small_jpeg()}).status == 201
    assert made["sqs.SendMessageBatch"] == 0
    world.run(8_000)
    assert world.requests == []


# What it costs


def calls(world: World, name: str) -> dict[str, int]:
    xml = world.app.filled(world.asset, {"name": name, "age": "34"})
    with counting() as made:
        assert world.app.submit(xml).status == 201
    return dict(made)


def test_a_filter_costs_no_call_of_aws(world: World) -> None:
    calls(world, "the first, for which the form is read")
    without = calls(world, "Ana")
    world.change_hook(filter=ADULTS)
    assert calls(world, "Bea") == without
    world.change_hook(filter={"age": "3"})
    assert calls(world, "Cy") == {name: n for name, n in without.items() if not name.startswith("sqs.")}


def test_without_filters_the_record_is_not_even_looked_at() -> None:
    project = assets.Project("a1", {}, {"h1": {"active": True}, "h2": {"active": True, "events": [*ALL]}})
    assert hook_filters.chosen(project, ["h1", "h2"], {}) == ["h1", "h2"]


def test_a_body_in_s3_is_judged_without_being_read_back(world: World) -> None:
    world.change_hook(filter={"age": "34"})
    made = calls(world, LARGE)
    assert (made["s3.PutObject"], made.get("s3.GetObject", 0)) == (1, 0)
    world.run(0)
    assert len(world.requests) == 1


# What cannot be judged


@pytest.mark.parametrize("text", ["{", '{"a": {"$gone": 1}}', "7"])
def test_a_filter_that_cannot_be_applied_holds_back_nothing(
    world: World, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    spoil(world, text)
    submit(world, ("Ana", "3"))
    world.run(0)
    assert names(world) == ["Ana"]
    (line,) = [entry for entry in caplog.records if entry.message == "filter not applied"]
    assert line.hook == world.hook  # type: ignore[attr-defined]


def test_a_text_too_long_for_its_regular_expression_is_sent_and_not_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.change_hook(filter={"name": {"$regex": "a{100}c"}})
    submit(world, ("secret" * 2_000, "3"))
    world.run(0)
    assert len(world.requests) == 1
    assert [entry.message for entry in caplog.records].count("filter not applied") == 1
    assert "secretsecret" not in caplog.text


# Other events


def edit(world: World, xml: str, age: str, number: int) -> None:
    old, new = UUIDS[number - 1 : number + 1]
    changed = xml.replace(">3<", f">{age}<").replace(
        f"<instanceID>{UUIDS[0]}", f"<deprecatedID>{old}</deprecatedID><instanceID>{new}"
    )
    world.clock.forward(1)
    assert world.app.submit(changed).status == 201
    world.run(0)


def test_an_edit_is_judged_by_what_it_made_of_the_record(world: World) -> None:
    world.change_hook(filter=ADULTS, events=list(ALL))
    xml = world.app.filled(world.asset, {"name": "Ana", "age": "3"}, UUIDS[0])
    assert world.app.submit(xml).status == 201
    world.run(0)
    edit(world, xml, "34", 1)
    edit(world, xml, "4", 2)
    assert heard(world) == [("submission.edited", "Ana")]


def test_edits_over_the_api_are_judged_one_by_one(world: World) -> None:
    world.change_hook(filter={"name": {"$ne": "Bea"}, "age": "34"}, events=["submission.edited"])
    submit(world, ("Ana", "3"), ("Bea", "3"))
    payload = {"submission_ids": world.sids(), "data": {"age": "34"}}
    answer = world.app.send("PATCH", f"/api/v2/assets/{world.asset}/data/bulk/", {"payload": payload})
    assert answer.status == 200
    world.run(0)
    assert heard(world) == [("submission.edited", "Ana")]


def test_a_validation_is_judged_by_the_status_that_it_gave(world: World) -> None:
    approved = "validation_status_approved"
    world.change_hook(filter={"_validation_status.uid": approved}, events=list(ALL))
    submit(world, ("Ana", "3"))
    (sid,) = world.sids()
    path = f"/api/v2/assets/{world.asset}/data/{sid}/validation_status/"
    for status in ("validation_status_on_hold", approved):
        assert world.app.send("PATCH", path, {"validation_status.uid": status}).status == 200
        world.run(0)
    assert heard(world) == [("submission.validated", "Ana")]
    assert world.requests[0].json()["_validation_status"]["uid"] == approved


def test_a_deletion_is_judged_by_the_record_as_it_was(world: World) -> None:
    world.change_hook(filter=ADULTS, events=["submission.deleted"])
    submit(world, ("Ana", "3"), ("Bea", "34"))
    bea = next(record["_id"] for record in world.app.records(world.asset) if record["name"] == "Bea")
    payload = {"submission_ids": world.sids()}
    answer = world.app.send("DELETE", f"/api/v2/assets/{world.asset}/data/bulk/", {"payload": payload})
    assert answer.status == 200
    world.run(0)
    assert [request.json()["_id"] for request in world.requests] == [bea]


def test_events_of_a_record_whose_body_is_in_s3_are_judged(world: World) -> None:
    world.change_hook(filter=ADULTS, events=list(ALL))
    submit(world, (LARGE, "34"), (LARGE, "3"))
    young = next(record["_id"] for record in world.app.records(world.asset) if record["age"] == "3")
    old = next(sid for sid in world.sids() if sid != young)
    data = f"/api/v2/assets/{world.asset}/data/"
    payload = {"submission_ids": [young], "data": {"age": "18"}}
    assert world.app.send("PATCH", f"{data}bulk/", {"payload": payload}).status == 200
    given = {"validation_status.uid": "validation_status_approved"}
    assert world.app.send("PATCH", f"{data}{old}/validation_status/", given).status == 200
    world.run(0)
    assert world.app.call("DELETE", f"{data}{old}/").status == 204
    world.run(0)
    assert sorted(
        (request.header("formrelay-event"), request.json()["_id"]) for request in world.requests
    ) == [
        ("submission.created", old),
        ("submission.deleted", old),
        ("submission.edited", young),
        ("submission.validated", old),
    ]


# Replay


def replay(world: World, selection: dict[str, Any]) -> dict[str, Any]:
    answer = world.app.send("POST", world.hook_path("replay/"), selection)
    assert answer.status == 202, answer.text
    world.run(300)
    job: dict[str, Any] = world.app.get(answer.json()["url"].removeprefix("https://kf.example.org")).json()
    return job


def test_a_replay_leaves_out_what_does_not_meet_the_filter_and_says_how_many(world: World) -> None:
    submit(world, ("Ana", "3"), ("Bea", "34"), ("Cy", "4"))
    world.run(0)
    world.receiver.requests.clear()
    world.hook = world.app.add_hook(world.asset, world.receiver.url(), name="Later", filter=ADULTS)
    job = replay(world, {"all": True})
    assert names(world) == ["Bea"]
    assert (job["state"], job["total"], job["done"], job["left_out"]) == ("done", 1, 1, 2)
    assert [log["submission_id"] for log in world.app.logs(world.asset, world.hook)] == [
        record["_id"] for record in world.app.records(world.asset) if record["name"] == "Bea"
    ]


@pytest.mark.parametrize("way", ["query", "submission_ids"])
def test_a_replay_of_some_counts_those_of_them_that_it_leaves_out(world: World, way: str) -> None:
    submit(world, ("Ana", "3"), ("Bea", "34"), ("Cy", "4"))
    world.run(0)
    world.change_hook(filter={"age": "34"})
    world.receiver.requests.clear()
    ids = [record["_id"] for record in world.app.records(world.asset) if record["name"] != "Cy"]
    job = replay(world, {"query": {"name": {"$ne": "Cy"}}} if way == "query" else {"submission_ids": ids})
    assert (names(world), job["total"], job["left_out"]) == (["Bea"], 1, 1)


def test_a_replay_sends_and_judges_the_record_as_it_is_by_now(world: World) -> None:
    xml = world.app.filled(world.asset, {"name": "Ana", "age": "3"}, UUIDS[0])
    assert world.app.submit(xml).status == 201
    world.run(0)
    edit(world, xml, "34", 1)
    world.change_hook(filter=ADULTS)
    job = replay(world, {"all": True})
    assert (job["done"], job["left_out"]) == (1, 0)
    assert world.requests[-1].json()["age"] == "34"


@pytest.mark.parametrize(
    "operation", ["dynamodb.UpdateItem", "dynamodb.GetItem", "dynamodb.TransactWriteItems"]
)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_replay_that_dies_anywhere_counts_each_once(
    world: World, monkeypatch: pytest.MonkeyPatch, operation: str, number: int
) -> None:
    monkeypatch.setenv("FORMRELAY_REPLAY_WINDOW", "3")
    settings.cache_clear()
    submit(world, *((f"s{n}", "34" if n % 2 else "3") for n in range(8)))
    world.run(0)
    world.receiver.requests.clear()
    world.hook = world.app.add_hook(world.asset, world.receiver.url(), name="Later", filter=ADULTS)
    # Before there is a job, the caller and the hook are read.
    with crashing(operation, number + 2 * (operation == "dynamodb.GetItem")):
        world.app.send("POST", world.hook_path("replay/"), {"all": True})
    with crashing(operation, number):
        world.sweep()
    world.run(1_200)
    (job,) = world.app.get(world.hook_path("jobs/")).json()["results"]
    assert (job["state"], job["total"], job["done"], job["left_out"]) == ("done", 4, 4, 4)
    assert names(world) == ["s1", "s3", "s5", "s7"]


# Preview and test


@pytest.mark.parametrize(("age", "meets"), [("34", True), ("3", False)])
def test_preview_and_test_tell_whether_the_submission_meets_the_filter(
    world: World, age: str, meets: bool
) -> None:
    submit(world, ("Ana", age))
    world.change_hook(filter=ADULTS)
    assert world.app.get(world.hook_path("preview/")).json()["matches"] is meets
    assert world.app.send("POST", world.hook_path("test/")).json()["request"]["matches"] is meets
    assert len(world.requests) == 1  # a test is sent in any case


def test_a_filter_can_be_tried_before_it_is_saved(world: World) -> None:
    submit(world, ("Ana", "3"))
    for path in (world.hook_path("preview/"), f"/api/v2/assets/{world.asset}/hooks/preview/"):
        tried = [
            world.app.send("POST", path, {"filter": wanted}).json() for wanted in (ADULTS, {"age": "3"}, None)
        ]
        assert [found["matches"] for found in tried] == [False, True, True]
    tested = world.app.send("POST", world.hook_path("test/"), {"filter": ADULTS}).json()
    assert tested["request"]["matches"] is False
    assert shown(world)["filter"] is None


def test_the_preview_of_a_filter_that_cannot_be_says_why(world: World) -> None:
    answer = world.app.send("POST", world.hook_path("preview/"), {"filter": {"a": {"$near": 1}}})
    assert (answer.status, answer.json()) == (
        400,
        {"filter": ["Unsupported query: unsupported operator $near."]},
    )


def test_what_a_delivery_sent_is_not_judged(world: World) -> None:
    submit(world, ("Ana", "3"))
    world.run(0)
    world.change_hook(filter=ADULTS)
    (log,) = world.app.logs(world.asset, world.hook)
    found = world.app.get(world.hook_path("preview/"), log=log["uid"]).json()
    assert (found["matches"], json.loads(found["body"])["name"]) == (None, "Ana")


# Copies


def test_a_hook_made_of_what_another_shows_has_its_filter(world: World) -> None:
    world.change_hook(filter=ADULTS)
    copied = {**shown(world), "name": "Copy"}
    made = world.app.send("POST", f"/api/v2/assets/{world.asset}/hooks/", copied)
    assert (made.status, made.json()["filter"]) == (201, ADULTS)
    assert hooks.get(world.asset, made.json()["uid"])["filter"] == '{"age":{"$in":["18","34"]}}'  # type: ignore[index]
