"""Replay and back-fill: existing submissions sent to a hook again, or for the first time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from formrelay import clock, ids
from formrelay.api import hook_retries
from formrelay.settings import settings
from formrelay.storage import deliveries, keys, table
from tests.support.calls import counting, crashing, failing
from tests.support.grants import grant
from tests.support.receiver import Answer
from tests.support.world import World

FAILED, PENDING, SUCCESS = 0, 1, 2
WAYS = "all, query, since, submission_ids"


def replay(world: World, selection: dict[str, Any]) -> dict[str, Any]:
    answer = world.app.send("POST", world.hook_path("replay/"), selection)
    assert answer.status == 202, answer.text
    job: dict[str, Any] = answer.json()
    assert answer.headers["location"] == job["url"]
    return job


def job(world: World, found: dict[str, Any]) -> dict[str, Any]:
    now: dict[str, Any] = world.app.get(found["url"].removeprefix("https://kf.example.org")).json()
    return now


def later_hook(world: World, **fields: Any) -> None:
    """A hook that is younger than what was submitted so far; the world's own from then on."""
    world.run(0)
    world.receiver.requests.clear()
    world._came.clear()
    world.clock.forward(60)
    world.hook = world.app.add_hook(world.asset, world.receiver.url("/later"), name="Later", **fields)


def sent(world: World) -> list[int]:
    """Submissions that the hook got, in the order in which they came."""
    return [request.json()["_id"] for request in world.requests if request.path == "/later"]


def edit(world: World, xml: str, old: str, new: str) -> None:
    """An edit of the submission with the instanceID ``old``, which changes Ana to Bea."""
    changed = xml.replace(">Ana<", ">Bea<").replace(
        f"<instanceID>{old}", f"<deprecatedID>{old}</deprecatedID><instanceID>{new}"
    )
    assert world.app.submit(changed).status == 201


# What is sent


def test_a_new_hook_gets_what_was_submitted_before_it(world: World) -> None:
    sids = sorted(world.submit() for _ in range(3))
    later_hook(world)
    made = replay(world, {"all": True})
    assert (made["kind"], made["state"], made["total"]) == ("replay", "running", 3)
    world.run(60)
    assert sorted(sent(world)) == sids
    done = job(world, made)
    assert (done["state"], done["total"], done["done"], done["failed"]) == ("done", 3, 3, 0)
    assert {world.log(sid)["status"] for sid in sids} == {SUCCESS}
    assert [request.header("formrelay-replay") for request in world.requests] == [None] * 3


def test_what_arrived_is_sent_again_as_a_replay_with_its_number(world: World) -> None:
    sid = world.submit()
    world.run(0)
    for number in ("1", "2"):
        replay(world, {"all": True})
        world.run(60)
        request = world.requests[-1]
        assert request.header("formrelay-replay") == number
        assert request.header("webhook-id") == ids.delivery_uid(world.hook, sid)
    assert world.log(sid)["tries"] == 3


def test_what_failed_is_sent_again(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(7_000)
    world.receiver.answer = Answer()
    replay(world, {"all": True})
    world.run(60)
    assert world.log(sid)["status"] == SUCCESS
    assert world.requests[-1].header("formrelay-replay") is None


def test_what_is_under_way_is_left_alone(world: World) -> None:
    world.receiver.answer = Answer(500)
    waiting = world.submit()
    world.run(0)
    queued, running = world.submit(), world.submit()
    world.claim(running, 1)
    before = [world.item(sid)["seq"] for sid in (waiting, queued, running)]
    made = replay(world, {"all": True})
    assert [world.item(sid)["seq"] for sid in (waiting, queued, running)] == before
    assert (made["total"], made["state"]) == (0, "done")


@pytest.mark.parametrize("export_type", ["json", "xml"])
def test_the_current_version_is_sent(world: World, export_type: str) -> None:
    first, second = (f"uuid:{digit * 8}-1111-4111-8111-111111111111" for digit in "12")
    xml = world.app.filled(world.asset, {"name": "Ana"}, first)
    world.app.submit(xml)
    edit(world, xml, first, second)
    later_hook(world, export_type=export_type)
    replay(world, {"all": True})
    world.run(0)
    assert b"Bea" in world.requests[-1].body
    assert b"Ana" not in world.requests[-1].body


def test_the_current_version_of_a_failed_delivery_is_sent(world: World) -> None:
    first, second = (f"uuid:{digit * 8}-1111-4111-8111-111111111111" for digit in "12")
    xml = world.app.filled(world.asset, {"name": "Ana"}, first)
    world.receiver.script.extend([Answer(500)] * 4)
    world.app.submit(xml)
    world.run(7_000)
    edit(world, xml, first, second)
    replay(world, {"all": True})
    world.run(0)
    assert world.requests[-1].json()["name"] == "Bea"


def test_a_back_fill_that_fails_goes_down_the_ladder_in_its_lane_and_is_reported(world: World) -> None:
    sid = world.submit()
    later_hook(world)
    world.receiver.answer = Answer(500)
    made = replay(world, {"all": True})
    world.run(0)
    assert world.queued("retry") == []
    assert world.queued("replay") == [(60, world.message(sid, 2))]
    world.run(8_000)
    assert len(world.posts) == 4
    assert (job(world, made)["state"], job(world, made)["failed"]) == ("done", 1)
    assert world.report_item() is not None
    assert "lane" not in world.item(sid)


def test_a_retry_by_hand_takes_a_replay_out_of_its_lane(world: World) -> None:
    sid = world.submit()
    later_hook(world)
    world.receiver.script.append(Answer(500))
    replay(world, {"all": True})
    world.run(0)
    world.lose_queues()
    world.app.lambdas.down.add(world.app.settings.deliver_function)
    assert world.retry(sid).status == 200
    assert world.queued("replay") == []
    assert world.queued("retry") == [(0, world.message(sid, 3))]


# Which


def test_submissions_are_chosen_by_query(world: World) -> None:
    world.submit(name="Ana", age="3")
    wanted = world.submit(name="Bo", age="34")
    later_hook(world)
    made = replay(world, {"query": {"age": {"$in": ["34", "35"]}}})
    world.run(60)
    assert sent(world) == [wanted]
    assert job(world, made)["total"] == 1


def test_a_query_may_come_as_text(world: World) -> None:
    world.submit(name="Ana")
    wanted = world.submit(name="Bo")
    later_hook(world)
    replay(world, {"query": '{"name": "Bo"}'})
    world.run(0)
    assert sent(world) == [wanted]


def test_large_submissions_are_read_for_a_query_by_recovery_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    import base64

    name = base64.b64encode(bytes(i * 7919 % 251 for i in range(300_000))).decode()
    wanted = world.submit(name=name, age="7")
    later_hook(world)
    with crashing("dynamodb.UpdateItem"):
        world.app.send("POST", world.hook_path("replay/"), {"query": {"age": "7"}})
    world.run(180)
    assert sent(world) == [wanted]


def test_submissions_are_chosen_by_the_time_at_which_they_came(world: World) -> None:
    world.submit()
    world.clock.forward(60)
    since = clock.iso_micro(clock.now_ms())
    wanted = [world.submit() for _ in range(2)]
    later_hook(world)
    replay(world, {"since": since})
    world.run(0)
    assert sorted(sent(world)) == sorted(wanted)


def test_submissions_are_chosen_by_their_ids(world: World) -> None:
    sids = [world.submit() for _ in range(4)]
    later_hook(world)
    made = replay(world, {"submission_ids": [sids[2], str(sids[0]), sids[2], 7]})
    world.run(60)
    assert sorted(sent(world)) == sorted([sids[0], sids[2]])
    assert job(world, made)["total"] == 2


def test_what_comes_after_the_request_is_not_part_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = world.submit()
    later_hook(world)
    with crashing("dynamodb.UpdateItem"):
        world.app.send("POST", world.hook_path("replay/"), {"all": True})
    world.clock.forward(1)
    second = world.submit()
    world.run(0)
    assert sent(world) == [second]
    world.run(180)
    assert sent(world) == [second, first]
    assert world.log(second)["tries"] == 1


def test_a_form_may_send_its_fields(world: World) -> None:
    sids = [world.submit() for _ in range(2)]
    later_hook(world)
    body = f"submission_ids=[{sids[1]}]".encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = world.app.call("POST", world.hook_path("replay/"), body=body, headers=headers)
    assert answer.status == 202
    world.run(0)
    assert sent(world) == [sids[1]]


# The lane


def test_replays_have_a_lane_of_their_own(world: World) -> None:
    old = world.submit()
    later_hook(world)
    replay(world, {"all": True})
    fresh = world.submit()
    assert world.queued("replay") == [(0, world.message(old, 1))]
    assert [body["s"] for _, body in world.queued("first") if body["h"] == world.hook] == [fresh]


def test_recovery_sends_replays_back_to_their_lane(world: World) -> None:
    old = world.submit()
    later_hook(world)
    replay(world, {"all": True})
    world.lose_queues()
    world.recovers = False
    world.run(120)
    world.sweep()
    assert world.queued("first") == world.queued("retry") == []
    assert world.queued("replay") == [(0, world.message(old, 1))]


def test_messages_of_a_replay_bear_the_group_of_their_hook(world: World) -> None:
    world.submit()
    later_hook(world)
    replay(world, {"all": True})
    (message,) = world.app.deliver()
    assert message["group"] == world.hook


def test_a_replay_waits_while_its_hook_is_paused(world: World) -> None:
    sid = world.submit()
    later_hook(world)
    world.app.send("PATCH", world.hook_path(), {"paused": True})
    made = replay(world, {"all": True})
    world.run(300)
    assert sent(world) == []
    assert job(world, made)["state"] == "running"
    world.app.send("PATCH", world.hook_path(), {"paused": False})
    world.run(1_000)
    assert sent(world) == [sid]
    assert job(world, made)["state"] == "done"


# Many, and crashes


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("FORMRELAY_REPLAY_WINDOW", "4")
    settings.cache_clear()
    return 4


def test_a_replay_has_only_so_many_under_way(world: World, window: int) -> None:
    sids = sorted(world.submit() for _ in range(10))
    later_hook(world)
    made = replay(world, {"all": True})
    assert (made["total"], made["selecting"]) == (4, True)
    assert len(world.queued("replay")) == window
    world.run(300)
    assert sorted(sent(world)) == sids
    done = job(world, made)
    assert (done["total"], done["done"], done["selecting"]) == (10, 10, False)


@pytest.mark.parametrize(
    "operation",
    ["dynamodb.UpdateItem", "dynamodb.PutItem", "dynamodb.BatchGetItem", "sqs.SendMessageBatch"],
)
def test_a_replay_that_dies_anywhere_sends_each_once(world: World, window: int, operation: str) -> None:
    sids = sorted(world.submit() for _ in range(6))
    later_hook(world)
    with crashing(operation, 2):
        world.app.send("POST", world.hook_path("replay/"), {"all": True})
    for number in (1, 2, 3):
        with crashing(operation, number):
            world.sweep()
        world.run(120)
    world.run(1_200)
    assert sorted(sent(world)) == sids
    (found,) = world.app.get(world.hook_path("jobs/")).json()["results"]
    assert (found["state"], found["total"], found["done"]) == ("done", 6, 6)


def test_two_replays_at_once_send_each_once(world: World) -> None:
    sids = sorted(world.submit() for _ in range(3))
    later_hook(world)
    replay(world, {"all": True})
    replay(world, {"all": True})
    world.run(120)
    assert sorted(sent(world)) == sids


def test_a_queue_that_is_away_costs_time_only(world: World) -> None:
    sid = world.submit()
    later_hook(world)
    with failing("sqs.SendMessageBatch"):
        replay(world, {"all": True})
    world.run(300)
    assert sent(world) == [sid]


def test_a_replay_reads_a_hundred_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        hook_retries, "_INLINE", 600.0
    )  # all of it in the request, however busy the machine is
    sid = world.submit()
    world.run(0)
    template = table.get(world.app.settings.data_table, keys.submission(world.asset, sid))
    for number in range(1, 150):
        copy = {**(template or {}), **keys.submission(world.asset, number), "id": number}
        table.put(world.app.settings.data_table, copy)
    later_hook(world)
    with counting() as made:
        replay(world, {"all": True})
    assert made["dynamodb.TransactWriteItems"] == 15  # the deliveries
    assert made["dynamodb.PutItem"] == 1  # the job
    assert made["sqs.SendMessageBatch"] == 15
    # Tens: which deliveries and which submissions there are.
    assert made["dynamodb.BatchGetItem"] == 30
    assert len(list(deliveries.newest_first(world.hook))) == 150


# What cannot be done


@pytest.mark.parametrize(
    "selection",
    [{}, {"all": True, "since": "2026-01-01"}, {"query": {}, "submission_ids": [1]}, {"all": None}, {"x": 1}],
)
def test_exactly_one_way_of_choosing_is_given(world: World, selection: dict[str, Any]) -> None:
    answer = world.app.send("POST", world.hook_path("replay/"), selection)
    assert answer.status == 400
    assert answer.json() == {"non_field_errors": [f"Give exactly one of {WAYS}."]}


@pytest.mark.parametrize(
    ("selection", "faults"),
    [
        ({"all": False}, {"all": ["Must be true."]}),
        ({"all": "maybe"}, {"all": ["Must be a valid boolean."]}),
        ({"since": "yesterday"}, {"since": ["Enter a valid date/time."]}),
        ({"since": 17}, {"since": ["Enter a valid date/time."]}),
        ({"query": "{"}, {"query": ["Value must be valid JSON."]}),
        ({"query": {"a": "x" * 10_000}}, {"query": ["The query has more than 10000 bytes."]}),
        ({"submission_ids": 7}, {"submission_ids": ['Expected a list of items but got type "int".']}),
        ({"submission_ids": []}, {"submission_ids": ["This list may not be empty."]}),
        ({"submission_ids": ["x"]}, {"submission_ids": ["A valid integer is required."]}),
        ({"submission_ids": [True]}, {"submission_ids": ["A valid integer is required."]}),
        ({"submission_ids": [-1]}, {"submission_ids": ["A valid integer is required."]}),
        ({"submission_ids": [10**16]}, {"submission_ids": ["A valid integer is required."]}),
        (
            {"submission_ids": list(range(1001))},
            {"submission_ids": ["Ensure this field has no more than 1000 elements."]},
        ),
    ],
)
def test_what_means_nothing_is_refused(world: World, selection: Any, faults: Any) -> None:
    answer = world.app.send("POST", world.hook_path("replay/"), selection)
    assert (answer.status, answer.json()) == (400, faults)
    assert world.app.get(world.hook_path("jobs/")).json()["count"] == 0


@pytest.mark.parametrize("query", [{"$where": "1"}, {"a": {"$nosuch": 1}}, [], 7])
def test_a_query_that_is_not_supported_is_refused(world: World, query: Any) -> None:
    answer = world.app.send("POST", world.hook_path("replay/"), {"query": query})
    assert answer.status == 400
    assert answer.json()["query"][0].startswith("Unsupported query")


def test_a_query_that_cannot_be_applied_ends_the_job_and_says_why(world: World) -> None:
    world.submit(name="a" * 20_000)
    made = replay(world, {"query": {"name": {"$regex": "a{900}c"}}})
    world.run(120)
    done = job(world, made)
    assert (done["state"], done["total"]) == ("done", 0)
    assert done["detail"].startswith("The query cannot be applied: ")


def test_a_hook_that_is_off_gets_no_replay(world: World) -> None:
    world.change_hook(active=False)
    answer = world.app.send("POST", world.hook_path("replay/"), {"all": True})
    assert (answer.status, answer.json()) == (400, {"detail": "Cannot replay to disabled hooks"})


def test_replays_are_for_those_who_may_edit_the_hook(world: World) -> None:
    world.app.add_user("bob")
    path, everything = world.hook_path("replay/"), {"all": True}
    assert world.app.send("POST", path, everything, user="bob").status == 404
    assert world.app.send("POST", path, everything, user=None).status == 404
    grant(world.asset, "bob", "view_asset", "change_asset", "view_submissions")
    assert world.app.send("POST", path, everything, user="bob").status == 202


def test_a_replay_is_posted_and_nothing_else(world: World) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        assert world.app.call(method, world.hook_path("replay/")).status == 405


def test_a_body_that_is_no_json_is_refused(world: World) -> None:
    headers = {"content-type": "application/json"}
    for body in (b"{", b"[1]", json.dumps("all").encode()):
        answer = world.app.call("POST", world.hook_path("replay/"), body=body, headers=headers)
        assert answer.status == 400
