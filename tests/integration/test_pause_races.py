"""Pauses that begin and end while other things happen, processes that die in between, and the drain (I1, I2, I5)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from formrelay import ids, jobs, recovery
from formrelay.isolation import drains, pauses
from formrelay.settings import settings
from formrelay.storage import deliveries, health, hooks, keys, parking, sweep, table
from tests.support.aws import stored
from tests.support.calls import CrashError, crashing, doing, failing
from tests.support.receiver import Answer
from tests.support.world import World

PENDING, SUCCESS = 1, 2
CONFLICT = [{"Code": "None"}, {"Code": "TransactionConflict"}]


def pause(world: World) -> None:
    world.change_hook(paused=True)


def resume(world: World) -> None:
    world.change_hook(paused=False)


def pause_for_failures(world: World) -> None:
    """As after failures, so that the hook is probed in a minute."""
    found = health.get(world.asset, world.hook)
    assert found is not None
    now = round(world.clock.time * 1000)
    health.pause(found, by="failures", now=now, origin="https://kf.example.org", probe_at=now + 60_000)


def submits(world: World, number: int) -> list[int]:
    sids = []
    for _ in range(number):
        world.clock.forward(0.002)
        sids.append(world.submit())
    return sids


def is_parked(world: World, sid: int) -> bool:
    return parking.is_parked(world.item(sid))


def statuses(world: World) -> set[int]:
    return {item["status"] for item in deliveries.newest_first(world.hook)}


def probe_entry(world: World) -> dict[str, Any]:
    """What the index says of the hook's health."""
    found = health.get(world.asset, world.hook)
    assert found is not None
    return {"pk": found["pk"], "sk": found["sk"], "sweep_at": found["sweep_at"]}


def drain_job(world: World) -> dict[str, Any]:
    (job,) = [
        sweep.item({"pk": item["pk"]["S"], "sk": "J"})
        for item in stored(world.app.settings.data_table)
        if item.get("kind", {}).get("S") == jobs.DRAIN_HOOK
    ]
    assert job is not None
    return job


def forever() -> float:
    return time.monotonic() + 1000


# Ingest


def test_a_pause_that_begins_while_a_submission_is_written_parks_its_delivery_a_moment_later(
    world: World,
) -> None:
    xml = world.app.filled(world.asset, {"name": "Ana"})
    # The submission has read that the hook is not paused, and is about to write its delivery.
    with doing("dynamodb.TransactWriteItems", lambda: pause(world)):
        assert world.app.submit(xml).status == 201
    (sid,) = world.sids()
    assert not is_parked(world, sid)
    world.run(0)
    assert is_parked(world, sid)
    assert world.posts == []
    resume(world)
    world.run(60)
    assert world.log(sid)["status"] == SUCCESS


def test_a_pause_that_ends_while_a_submission_is_written_leaves_nothing_parked(world: World) -> None:
    pause(world)
    xml = world.app.filled(world.asset, {"name": "Ana"})
    with doing("dynamodb.TransactWriteItems", lambda: resume(world)):
        assert world.app.submit(xml).status == 201
    (sid,) = world.sids()
    assert not is_parked(world, sid)
    world.run(0)
    assert world.log(sid)["status"] == SUCCESS
    assert len(world.posts) == 1


def test_submissions_to_a_paused_hook_do_not_wait_for_each_other(world: World) -> None:
    pause(world)
    xml = world.app.filled(world.asset, {"name": "Ana"})
    before = world.clock.time
    with failing(
        "dynamodb.TransactWriteItems", "TransactionCanceledException", 1, CancellationReasons=CONFLICT
    ):
        assert world.app.submit(xml).status == 201
    # Instead of checking once more, at once, that the hook is paused, it leaves the parking to the attempt.
    assert world.clock.time == before
    (sid,) = world.sids()
    assert not is_parked(world, sid)
    world.run(0)
    assert is_parked(world, sid)


def test_a_repeated_submission_to_a_paused_hook_is_known(world: World) -> None:
    pause(world)
    xml = world.app.filled(world.asset, {"name": "Ana"})
    assert [world.app.submit(xml).status for _ in range(2)] == [201, 202]
    assert len(world.sids()) == 1


def test_a_hook_that_is_deleted_while_a_submission_is_written_parks_nothing(world: World) -> None:
    pause(world)
    xml = world.app.filled(world.asset, {"name": "Ana"})
    with doing("dynamodb.TransactWriteItems", lambda: world.app.call("DELETE", world.hook_path())):
        assert world.app.submit(xml).status == 201
    world.run(300)
    assert not [item for item in stored(world.app.settings.data_table) if world.hook in item["pk"]["S"]]


def test_fifty_paused_hooks_fit_into_the_transaction_of_a_submission(world: World) -> None:
    hook = hooks.get(world.asset, world.hook)
    assert hook is not None
    uids = [world.hook, *(ids.uid("h") for _ in range(hooks.MAX_HOOKS - 1))]
    for uid in uids:
        if uid != world.hook:
            hooks.create(world.asset, {**hook, **keys.hook(world.asset, uid), "uid": uid})
        pauses.switch(world.asset, uid, True)
    sid = world.submit()
    world.run(0)
    assert world.posts == []
    assert {uid for uid in uids if deliveries.count_troubled(uid, parking.PARKED)} == set(uids)
    assert deliveries.get(uids[-1], sid) is not None


def test_a_submission_that_waits_for_files_is_drained_no_earlier_than_it_is_complete(world: World) -> None:
    pause(world)
    xml = world.app.filled(world.asset, {"name": "Ana"})
    assert world.app.submit(xml, incomplete=True).status == 201
    (sid,) = world.sids()
    assert is_parked(world, sid)
    resume(world)
    world.run(599)
    assert world.posts == []
    world.run(2)
    assert world.log(sid)["status"] == SUCCESS


def test_files_that_come_while_a_hook_is_paused_do_not_move_its_delivery(world: World) -> None:
    pause(world)
    xml = world.app.filled(world.asset, {"name": "Ana", "photo": "a.jpg"})
    assert world.app.submit(xml, incomplete=True).status == 201
    (sid,) = world.sids()
    before = world.item(sid)
    assert world.app.submit(xml, {"a.jpg": b"jpeg"}).status == 201
    assert world.item(sid) == before
    assert world.queued("first") == []


# The probe


def test_two_recoveries_at_once_send_one_probe(world: World) -> None:
    pause_for_failures(world)
    sids = submits(world, 2)
    world.recovers = False
    world.run(60)
    seen = probe_entry(world)
    done: list[str] = []
    with doing("dynamodb.UpdateItem", lambda: done.append(recovery.look(seen, forever()))):
        done.append(recovery.look(seen, forever()))
    assert done == ["probe", "moved"]
    assert world.queued("first") == [(0, world.message(sids[0], 1))]


def test_a_recovery_that_dies_between_choosing_and_sending_costs_one_interval(world: World) -> None:
    pause_for_failures(world)
    sids = submits(world, 2)
    world.recovers = False
    world.run(60)
    with crashing("dynamodb.UpdateItem", 2):
        recovery.look(probe_entry(world), forever())
    assert is_parked(world, sids[0])
    world.recovers = True
    world.run(119)
    assert world.posts == []
    world.run(240)
    assert statuses(world) == {SUCCESS}
    assert len(world.posts) == 2


def test_a_probe_whose_message_is_lost_is_sent_again(world: World) -> None:
    pause_for_failures(world)
    (sid,) = submits(world, 1)
    world.recovers = False
    world.run(60)
    with crashing("sqs.SendMessageBatch"):
        recovery.look(probe_entry(world), forever())
    assert not is_parked(world, sid)
    world.recovers = True
    world.run(180)
    assert world.log(sid)["status"] == SUCCESS


def test_a_probe_that_comes_late_is_parked_again(world: World) -> None:
    pause_for_failures(world)
    first, second = submits(world, 2)
    world.recovers = False
    world.run(60)
    recovery.look(probe_entry(world), forever())
    message = world.message(first, 1)
    assert world.queued("first") == [(0, message)]
    world.lose_queues()
    world.run(120)
    world.receiver.answer = Answer(500)
    recovery.look(probe_entry(world), forever())
    world.run(0)
    assert world.item(second)["tries"] == 1
    world.hand(message, "first")
    assert is_parked(world, first)
    assert world.item(first)["tries"] == 0


def test_a_look_at_a_pause_that_is_over_does_nothing(world: World) -> None:
    pause_for_failures(world)
    world.submit()
    world.recovers = False
    world.run(60)
    seen = probe_entry(world)
    resume(world)
    assert recovery.look(seen, forever()) == "stale"


def test_a_pause_that_ends_while_a_probe_is_chosen_sends_none(world: World) -> None:
    pause_for_failures(world)
    sid = world.submit()
    world.recovers = False
    world.run(60)
    with doing("dynamodb.UpdateItem", lambda: resume(world)):
        assert recovery.look(probe_entry(world), forever()) == "moved"
    assert is_parked(world, sid)
    world.recovers = True
    world.run(60)
    assert world.log(sid)["status"] == SUCCESS


def test_a_hook_that_is_changed_while_it_is_switched_off_is_looked_at_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORMRELAY_DEACTIVATE_AFTER", "60")
    settings.cache_clear()
    pause_for_failures(world)
    world.recovers = False
    world.run(60)
    with doing("dynamodb.TransactWriteItems", lambda: world.change_hook(name="Renamed")):
        assert recovery.look(probe_entry(world), forever()) == "moved"
    found = world.app.get(world.hook_path()).json()
    assert (found["name"], found["active"]) == ("Renamed", True)
    assert recovery.look(probe_entry(world), forever()) == "switched off"


def test_a_process_that_dies_before_it_ends_the_pause_leaves_that_to_the_next_success(world: World) -> None:
    pause_for_failures(world)
    first, second = submits(world, 2)
    # The one transaction of that time is the end of the pause.
    with crashing("dynamodb.TransactWriteItems"):
        world.run(60)
    assert world.log(first)["status"] == SUCCESS
    assert world.app.get(world.hook_path()).json()["paused"] is True
    world.run(200)
    assert world.log(second)["status"] == SUCCESS
    assert world.app.get(world.hook_path()).json()["paused"] is False


def test_two_successes_end_a_pause_once(world: World) -> None:
    pause_for_failures(world)
    found = health.get(world.asset, world.hook)
    assert found is not None
    health.resume(found, jobs.drain_hook(world.asset, world.hook))
    with pytest.raises(table.TransactionError):
        health.resume(found, jobs.drain_hook(world.asset, world.hook))
    drain_job(world)


def test_two_failures_open_a_pause_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_PAUSE_FAILURES", "1")
    monkeypatch.setenv("FORMRELAY_PAUSE_AFTER", "0")
    settings.cache_clear()
    world.receiver.answer = Answer(500)
    first, second = submits(world, 2)

    def other() -> None:
        world.hand(world.message(second, 1), "first")

    # The first transaction keeps the attempt, the second one opens the pause.
    with doing("dynamodb.TransactWriteItems", other, 2):
        world.hand(world.message(first, 1), "first")
    notices = [item for item in stored(world.app.settings.data_table) if "#paused" in item["sk"]["S"]]
    assert len(notices) == 1
    assert [world.item(sid)["tries"] for sid in (first, second)] == [1, 1]


# The drain


def test_a_drain_is_paced(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_DRAIN_RATE", "1")
    settings.cache_clear()
    now = round(world.clock.time * 1000)
    pause(world)
    for sid in range(1, 66):
        row = deliveries.new(
            world.asset, world.hook, sid, origin="https://x.example", now=now, due_at=now, sweep_at=now
        )
        table.put(world.app.settings.data_table, parking.parked(row))
    resume(world)
    world.recovers = False
    assert world.sweep() == {"job": 1}
    queued = world.queued("first")
    assert [body["s"] for _, body in queued] == list(range(1, 61))
    assert [delay for delay, _ in queued] == [at // 10 * 10 for at in range(60)]
    assert deliveries.count_troubled(world.hook, parking.PARKED) == 5
    # What is on its way is looked at only when it should have arrived.
    assert [world.sweeps_in(sid) for sid in (1, 60)] == [pytest.approx(120), pytest.approx(50 + 120)]
    assert world.sweep() == {}
    world.lose_queues()
    world.run(60)
    assert world.sweep() == {"job": 1}
    assert [body["s"] for _, body in world.queued("first")] == list(range(61, 66))
    assert deliveries.count_troubled(world.hook, parking.PARKED) == 0


def test_a_drain_stops_when_the_hook_is_paused_again_and_the_next_one_sends_the_rest(world: World) -> None:
    pause(world)
    sids = submits(world, 4)
    resume(world)
    world.recovers = False
    world.sweep()
    pause(world)
    sids += submits(world, 2)
    # What the drain had queued is parked again when its turn comes, like what came since.
    world.run(60)
    assert world.posts == []
    assert world.sweep() == {"job done": 1}
    assert [item["sid"] for item in parking.waiting(world.hook)] == sids
    resume(world)
    world.recovers = True
    world.run(60)
    assert [request.json()["_id"] for request in world.requests] == sids


def test_two_drains_at_once_send_each_delivery_once(world: World) -> None:
    pause(world)
    sids = submits(world, 12)
    resume(world)
    job = drain_job(world)
    # The second one does all its work between the first one's read and its first write.
    with doing("dynamodb.UpdateItem", lambda: drains.work(job, forever())):
        drains.work(job, forever())
    world.recovers = False
    assert sorted(body["s"] for _, body in world.queued("first")) == sids
    world.run(5)
    assert [request.json()["_id"] for request in world.requests] == sids


@pytest.mark.parametrize("call", ["dynamodb.UpdateItem", "sqs.SendMessageBatch"])
def test_a_drain_that_dies_loses_nothing(world: World, call: str) -> None:
    pause(world)
    sids = submits(world, 12)
    resume(world)
    with pytest.raises(CrashError), crashing_raised(call):
        drains.work(drain_job(world), forever())
    world.run(300)
    assert sorted(request.json()["_id"] for request in world.requests) == sids
    assert statuses(world) == {SUCCESS}


def crashing_raised(call: str) -> Any:
    def crash() -> None:
        raise CrashError(call)

    return doing(call, crash)


def test_what_a_slow_process_parks_behind_the_end_of_a_pause_is_sent_all_the_same(world: World) -> None:
    pause(world)
    (early,) = submits(world, 1)
    resume(world)
    world.run(60)
    assert world.log(early)["status"] == SUCCESS
    # A process read that the hook was paused, and parks its delivery only now.
    (late,) = submits(world, 1)
    parking.park(world.claim(late, 1), now=round(world.clock.time * 1000))
    world.lose_queues()
    world.run(300)
    assert world.log(late)["status"] == SUCCESS


def test_a_drain_ends_when_it_has_found_nothing_for_a_while(world: World) -> None:
    pause(world)
    resume(world)
    world.run(14 * 60)
    assert drain_job(world)["looks"] == 4
    world.run(2 * 60)
    assert not [item for item in stored(world.app.settings.data_table) if item["pk"]["S"].startswith("J#")]


def test_a_pause_that_ends_while_the_hook_is_off_fails_nothing_and_all_is_sent_when_it_is_on(
    world: World,
) -> None:
    pause(world)
    sids = submits(world, 3)
    world.change_hook(active=False)
    resume(world)
    world.run(300)
    assert [is_parked(world, sid) for sid in sids] == [True, True, True]
    world.change_hook(active=True)
    world.run(60)
    assert [request.json()["_id"] for request in world.requests] == sids


def test_a_drain_of_a_deleted_hook_ends(world: World) -> None:
    pause(world)
    world.submit()
    resume(world)
    world.app.call("DELETE", world.hook_path())
    world.run(60)
    assert not [item for item in stored(world.app.settings.data_table) if item["pk"]["S"].startswith("J#")]


def test_a_retry_while_a_drain_sends_makes_one_attempt(world: World) -> None:
    pause(world)
    (sid,) = submits(world, 1)
    resume(world)
    with doing("dynamodb.UpdateItem", lambda: world.retry(sid)):
        drains.work(drain_job(world), forever())
    world.run(60)
    assert len(world.posts) == 1
    assert world.log(sid)["status"] == SUCCESS


def test_a_drain_that_has_no_time_leaves_the_rest_to_the_next_look(world: World) -> None:
    pause(world)
    submits(world, 3)
    resume(world)
    drains.work(drain_job(world), time.monotonic())
    assert deliveries.count_troubled(world.hook, parking.PARKED) == 3
    world.run(120)
    assert statuses(world) == {SUCCESS}


def test_a_claim_of_an_unparked_delivery_that_vanishes_is_recovered(world: World) -> None:
    pause(world)
    (sid,) = submits(world, 1)
    resume(world)
    world.recovers = False
    world.sweep()
    world.lose_queues()
    world.claim(sid, 1)
    world.recovers = True
    world.run(300)
    assert world.log(sid)["status"] == SUCCESS
