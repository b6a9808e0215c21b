"""The limit on attempts at the same time that an owner may set (design §4)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from formrelay.storage import health
from functions.deliver import app as deliver
from tests.support.app import LambdaContext
from tests.support.calls import counting, crashing, doing
from tests.support.receiver import Answer
from tests.support.world import World

PENDING, SUCCESS = 1, 2


def taken(world: World) -> dict[str, int]:
    found = health.get(world.asset, world.hook)
    assert found is not None
    slots: dict[str, int] = found["slots"]
    return slots


def take(world: World, slot: str, lease: float) -> None:
    """An attempt of another process that holds a slot for so many seconds."""
    found = health.get(world.asset, world.hook)
    assert found is not None
    now = world.clock.time * 1000
    health.take_slot(found, slot, now=round(now), lease=round(now + lease * 1000))


def batch(world: World, sids: list[int]) -> Any:
    records = [
        {"messageId": str(at), "body": json.dumps(world.message(sid, 1))} for at, sid in enumerate(sids)
    ]
    return deliver.handler({"Records": records}, LambdaContext())


def test_no_more_attempts_run_at_once_than_the_owner_allows(world: World) -> None:
    world.change_hook(concurrency=2)
    lasts = 0.3
    world.receiver.answer = Answer(delay=lasts)
    sids = [world.submit() for _ in range(6)]
    world.lose_queues()
    assert batch(world, sids) == {"batchItemFailures": []}
    # On a busy machine one may come late enough to find a slot free again; never a third beside two that run.
    arrived = sorted(request.at for request in world.requests)
    assert all(third - first >= lasts for first, third in zip(arrived, arrived[2:], strict=False))
    waiting = [sid for sid in sids if world.item(sid)["status"] == PENDING]
    assert len(waiting) == 6 - len(arrived)
    assert taken(world) == {}


def test_an_attempt_without_a_slot_comes_again_in_a_moment_and_is_not_counted(world: World) -> None:
    world.change_hook(concurrency=1)
    take(world, "s0", 10)
    sid = world.submit()
    world.run(0)
    assert world.posts == []
    item = world.item(sid)
    assert (item["status"], item["tries"], item["rung"], item["seq"]) == (PENDING, 0, 0, 2)
    ((delay, body),) = world.queued("first")
    assert 2 <= delay <= 5
    assert body == world.message(sid, 2)
    assert 122 <= world.sweeps_in(sid) <= 125
    world.run(20)
    assert world.log(sid)["status"] == SUCCESS
    assert world.log(sid)["tries"] == 1


def test_a_retry_without_a_slot_comes_again_on_its_own_lane(world: World) -> None:
    world.receiver.script.append(Answer(500))
    sid = world.submit()
    world.run(0)
    world.change_hook(concurrency=1)
    world.clock.forward(60)
    take(world, "s0", 10)
    world.run(0)
    assert [body for _, body in world.queued("retry")] == [world.message(sid, 3)]
    world.run(20)
    assert (world.log(sid)["status"], world.log(sid)["tries"]) == (SUCCESS, 2)


def test_a_slot_whose_process_vanished_is_free_when_its_lease_ends(world: World) -> None:
    world.change_hook(concurrency=1)
    first = world.submit()
    with crashing("dynamodb.UpdateItem", 3):  # the claim, the slot, and no end
        world.run(0)
    assert len(taken(world)) == 1
    second = world.submit()
    world.run(49)
    assert world.log(second)["tries"] == 0
    world.run(10)
    assert world.log(second)["status"] == SUCCESS
    assert world.log(first)["tries"] == 0


def test_an_attempt_that_fails_gives_its_slot_back(world: World) -> None:
    world.change_hook(concurrency=1)
    world.receiver.answer = Answer(500)
    world.submit()
    world.run(0)
    assert taken(world) == {}


def test_a_slot_that_somebody_else_took_first_is_not_taken_twice(world: World) -> None:
    world.change_hook(concurrency=1)
    sid = world.submit()
    # Between the read that saw it free and the write.
    with doing("dynamodb.UpdateItem", lambda: take(world, "s0", 10), 2):
        world.run(0)
    assert world.posts == []
    assert world.log(sid)["tries"] == 0


def test_another_slot_is_taken_where_one_was_lost(world: World) -> None:
    world.change_hook(concurrency=2)
    sid = world.submit()

    def take_what_is_wanted() -> None:
        take(world, "s0", 10)

    with doing("dynamodb.UpdateItem", take_what_is_wanted, 2):
        world.run(0)
    assert world.log(sid)["status"] == SUCCESS


def test_a_lowered_limit_counts_at_once(world: World) -> None:
    world.change_hook(concurrency=3)
    world.change_hook(concurrency=1)
    take(world, "s0", 10)
    sid = world.submit()
    world.run(0)
    assert world.log(sid)["tries"] == 0


def test_without_a_limit_no_slot_is_taken(world: World) -> None:
    sid = world.submit()
    with counting() as made:
        world.hand(world.message(sid, 1), "first")
    assert made.total() == 3


def test_a_limit_costs_two_calls(world: World) -> None:
    world.change_hook(concurrency=5)
    sid = world.submit()
    with counting() as made:
        world.hand(world.message(sid, 1), "first")
    assert made == {"dynamodb.UpdateItem": 4, "dynamodb.BatchGetItem": 1}


def test_a_retry_by_hand_without_a_slot_is_queued(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(0)
    world.change_hook(concurrency=1)
    take(world, "s0", 5)
    answer = world.retry(sid)
    assert (answer.status, answer.json()["status_code"]) == (200, None)
    world.receiver.answer = Answer(200)
    world.run(20)
    assert (world.log(sid)["status"], world.log(sid)["tries"]) == (SUCCESS, 2)


# The field


@pytest.mark.parametrize(("value", "stored"), [(1, 1), (50, 50), ("7", 7), (None, None), ("", None)])
def test_a_limit_is_kept_and_shown(world: World, value: Any, stored: int | None) -> None:
    world.change_hook(concurrency=value)
    assert world.app.get(world.hook_path()).json()["concurrency"] == stored


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "Ensure this value is greater than or equal to 1."),
        (-3, "Ensure this value is greater than or equal to 1."),
        (51, "Ensure this value is less than or equal to 50."),
        ("many", "A valid integer is required."),
        (1.5, "A valid integer is required."),
        (True, "A valid integer is required."),
        ([], "A valid integer is required."),
        ("9" * 400, "A valid integer is required."),
    ],
)
def test_a_limit_that_is_none_is_refused(world: World, value: Any, text: str) -> None:
    answer = world.app.send("PATCH", world.hook_path(), {"concurrency": value})
    assert (answer.status, answer.json()) == (400, {"concurrency": [text]})


def test_a_new_hook_has_no_limit_and_a_copy_has_that_of_its_source(world: World) -> None:
    source = world.app.get(world.hook_path()).json()
    assert source["concurrency"] is None
    copy = world.app.add_hook(world.asset, world.receiver.url(), concurrency=3)
    assert world.app.get(f"/api/v2/assets/{world.asset}/hooks/{copy}/").json()["concurrency"] == 3
