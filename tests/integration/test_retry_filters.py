"""Retries of many, chosen by date, by status code, or with what arrived."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from formrelay import clock, ids
from tests.support.receiver import Answer
from tests.support.world import World

NOTHING = {"detail": "No data to retry", "pending_uids": []}
FAILED, SUCCESS = 0, 2


def fail(world: World, status: int = 500) -> int:
    """A submission that goes all the way down the ladder."""
    world.receiver.answer = Answer(status)
    sid = world.submit()
    world.run(7_000)
    world.receiver.answer = Answer()
    return sid


def retry(world: World, query: str = "", **fields: Any) -> tuple[int, Any]:
    body = json.dumps(fields).encode() if fields else b""
    headers = {"content-type": "application/json"}
    answer = world.app.call("PATCH", world.hook_path("retry/"), query=query, body=body, headers=headers)
    return answer.status, answer.json()


def chosen(world: World, query: str = "", **fields: Any) -> list[int]:
    status, body = retry(world, query, **fields)
    assert status == 200, body
    return [ids.delivery_sid(world.hook, uid) or 0 for uid in body["pending_uids"]]


def now(world: World) -> str:
    return clock.iso_micro(world.clock.time * 1000)


def test_failures_since_a_date_are_chosen(world: World) -> None:
    fail(world)
    world.clock.forward(60)
    since = now(world)
    late = fail(world)
    assert chosen(world, since=since) == [late]
    world.run(60)
    assert [log["status"] for log in world.app.logs(world.asset, world.hook)] == [SUCCESS, FAILED]


def test_failures_before_a_date_are_chosen(world: World) -> None:
    early = fail(world)
    world.clock.forward(60)
    until = now(world)
    fail(world)
    assert chosen(world, f"until={quote(until)}") == [early]


@pytest.mark.parametrize(("first", "last"), [("since", "until"), ("start_date", "end_date")])
def test_dates_and_parameters_may_be_combined_and_named_as_filters_of_logs_are(
    world: World, first: str, last: str
) -> None:
    fail(world)
    world.clock.forward(60)
    since = now(world)
    middle = fail(world)
    world.clock.forward(60)
    until = now(world)
    fail(world)
    assert chosen(world, f"{first}={quote(since)}", **{last: until}) == [middle]


def test_what_is_no_date_is_told_under_the_name_it_came_by(world: World) -> None:
    assert retry(world, "start_date=x") == (400, {"start_date": ["Enter a valid date/time."]})


def test_failures_with_a_status_code_are_chosen(world: World) -> None:
    fail(world, 500)
    refused = fail(world, 403)
    assert chosen(world, status_code=403) == [refused]


def test_failures_without_an_answer_are_chosen(world: World) -> None:
    fail(world, 500)
    endpoint = world.receiver.url()
    world.change_hook(endpoint="http://127.0.0.1:1/in")
    nobody = fail(world)
    world.change_hook(endpoint=endpoint)
    assert chosen(world, "status_code=none") == [nobody]


def test_filters_that_match_nothing_retry_nothing_and_leave_no_job(world: World) -> None:
    fail(world)
    assert retry(world, status_code=404) == (200, NOTHING)
    assert world.app.get(world.hook_path("jobs/")).json()["count"] == 0


def test_what_is_left_empty_is_no_filter(world: World) -> None:
    sid = fail(world)
    assert chosen(world, "since=&until=&status_code=&force=", since=None) == [sid]


def test_what_arrived_is_sent_again_as_replay_when_the_owner_insists(world: World) -> None:
    failed = fail(world)
    arrived = world.submit()
    world.run(0)
    assert sorted(chosen(world, force=True)) == sorted([failed, arrived])
    before = len(world.requests)
    world.run(0)
    sent = {request.header("webhook-id"): request for request in world.requests[before:]}
    assert sent[ids.delivery_uid(world.hook, arrived)].header("formrelay-replay") == "1"
    assert sent[ids.delivery_uid(world.hook, failed)].header("formrelay-replay") is None


def test_what_arrived_with_a_code_is_chosen_by_it(world: World) -> None:
    world.receiver.answer = Answer(202)
    accepted = world.submit()
    world.run(0)
    world.receiver.answer = Answer(200)
    world.submit()
    world.run(0)
    assert chosen(world, "force=1&status_code=202") == [accepted]


def test_an_attempt_in_flight_is_left_alone_even_with_force(world: World) -> None:
    sid = world.submit()
    world.claim(sid, 1)
    world.lose_queues()
    assert retry(world, force=True) == (200, NOTHING)


def test_force_goes_through_all_deliveries_page_by_page(world: World) -> None:
    sids = []
    for _ in range(3):
        sids.append(world.submit())
        world.run(0)
    from formrelay.resends import retries

    filters = retries.Filters(force=True)
    asked = clock.now_ms()
    job = {"hook": world.hook, "what": filters.stored(), "created": asked, "cursor": None}
    first = retries.page(job, 2)
    second = retries.page({**job, "cursor": first.cursor}, 2)
    assert (first.sids + second.sids, second.cursor) == (sorted(sids, reverse=True), None)


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize("value", ["yesterday", 17, ["2026-01-01"], {"a": 1}, True])
def test_what_is_no_date_is_refused(world: World, name: str, value: Any) -> None:
    assert retry(world, **{name: value}) == (400, {name: ["Enter a valid date/time."]})


@pytest.mark.parametrize("value", ["abc", 99, 1000, -1, 4.5, ["500"], {"a": 1}, True])
def test_what_is_no_status_code_is_refused(world: World, value: Any) -> None:
    status, body = retry(world, status_code=value)
    assert (status, body) == (400, {"status_code": ["Enter a status code of HTTP, or none."]})


def test_what_is_no_boolean_is_refused(world: World) -> None:
    assert retry(world, "force=maybe") == (400, {"force": ["Must be a valid boolean."]})


def test_a_scheduled_attempt_is_replaced_and_not_doubled(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(900)  # three attempts; the last is due at 6662
    world.receiver.answer = Answer()
    assert chosen(world, status_code=500) == [sid]
    world.run(8_000)
    assert len(world.posts) == 4
    assert world.log(sid)["status"] == SUCCESS
