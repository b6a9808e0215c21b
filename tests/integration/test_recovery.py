"""The sweep: nothing is lost with the queues, nothing is sent twice, nothing runs without bounds (I5, design §4)."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any

from formrelay import delivery, recovery
from formrelay.storage import deliveries, keys, sweep, table
from functions.recover import app as recover
from tests.support.app import LambdaContext
from tests.support.aws import stored
from tests.support.calls import counting, crashing, doing, failing
from tests.support.receiver import Answer
from tests.support.world import World

SUCCESS = 2
GRACE = 120


def entry(world: World, sid: int, sweep_at: int) -> dict[str, Any]:
    """What the index says of a delivery, perhaps no longer truly."""
    return {**keys.delivery(world.hook, sid), "sweep": "0", "sweep_at": sweep_at}


def ends() -> float:
    return float("inf")


def test_queues_that_are_lost_before_the_first_attempt_cost_time_only(world: World) -> None:
    sids = [world.submit() for _ in range(3)]
    world.lose_queues()
    world.run(600)
    assert world.posts == [GRACE] * 3
    assert {world.log(sid)["status"] for sid in sids} == {SUCCESS}


def test_queues_that_are_lost_at_every_rung_cost_time_only(world: World) -> None:
    world.receiver.answer = Answer(500)
    world.submit()
    for _ in range(12):
        world.lose_queues()
        world.run(660)
    assert len(world.posts) == 4
    first, second, third, last = world.posts
    assert second - first >= 60
    assert third - second >= 600
    assert last - third >= 6000


def test_recovery_sends_nothing_while_messages_are_on_their_way(world: World) -> None:
    world.receiver.answer = Answer(500)
    world.submit()
    world.run(119)
    assert world.sweep() == {}


def test_a_first_attempt_goes_to_the_first_lane_and_a_later_one_to_the_other(world: World) -> None:
    sid = world.submit()
    world.lose_queues()
    world.recovers = False
    world.run(GRACE)
    world.sweep()
    assert world.queued("first") == [(0, world.message(sid, 1))]
    world.receiver.answer = Answer(500)
    world.run(0)
    world.lose_queues()
    world.run(60 + GRACE)
    world.sweep()
    assert world.queued("first") == []
    assert world.queued("retry") == [(0, world.message(sid, 2))]


def test_a_backlog_costs_ever_fewer_messages(world: World) -> None:
    world.submit()
    world.loses = True
    sent = []
    with counting() as made:
        for minute in range(1, 60 * 8):
            world.run(60)
            sent += [minute] * made.pop("sqs.SendMessageBatch", 0)
    # From the second minute on 2, 4, 8 … 60 minutes apart.
    assert sent == [2, 4, 8, 16, 32, 64, 124, 184, 244, 304, 364, 424]


def test_an_attempt_in_between_starts_the_doubling_anew(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.loses = True
    world.run(600)
    assert world.item(sid)["looks"] == 3
    world.hand(world.message(sid, 1), "first")
    assert "looks" not in world.item(sid)
    assert world.sweeps_in(sid) == 60 + GRACE


def test_a_retry_by_hand_starts_the_doubling_anew(world: World) -> None:
    sid = world.submit()
    world.loses = True
    world.run(600)
    world.app.lambdas.down.add(world.app.settings.deliver_function)
    assert world.retry(sid).status == 200
    assert "looks" not in world.item(sid)
    assert world.sweeps_in(sid) == GRACE


def test_an_index_that_is_behind_does_no_harm(world: World) -> None:
    sid = world.submit()
    then = world.item(sid)["sweep_at"]
    world.run(0)
    world.run(GRACE)
    assert recovery.look(entry(world, sid, then), ends()) == "stale"
    assert world.queued("first") == world.queued("retry") == []


def test_an_entry_of_the_index_without_an_item_does_no_harm(world: World) -> None:
    assert recovery.look(entry(world, 7, 1), ends()) == "stale"


def test_two_recoveries_one_after_the_other_send_one_message(world: World) -> None:
    world.submit()
    world.lose_queues()
    world.recovers = False
    world.run(GRACE)
    assert [world.sweep(), world.sweep()] == [{"sent": 1}, {}]
    assert len(world.queued("first")) == 1


def test_two_recoveries_at_once_send_one_message(world: World) -> None:
    sid = world.submit()
    world.lose_queues()
    world.recovers = False
    world.run(GRACE)
    seen = entry(world, sid, world.item(sid)["sweep_at"])
    done: list[str] = []
    # The second one does all its work between the first one's look and its write.
    with doing("dynamodb.UpdateItem", lambda: done.append(recovery.look(seen, ends()))):
        done.append(recovery.look(seen, ends()))
    assert done == ["sent", "moved"]
    assert len(world.queued("first")) == 1


def test_a_recovery_that_dies_before_it_sends_loses_nothing(world: World) -> None:
    world.submit()
    world.lose_queues()
    world.recovers = False
    world.run(GRACE)
    with crashing("sqs.SendMessageBatch"):
        world.sweep()
    assert world.queued("first") == []
    world.recovers = True
    world.run(600)
    assert world.posts == [2 * GRACE]


def test_one_entry_that_cannot_be_dealt_with_does_not_keep_the_others_waiting(world: World) -> None:
    sids = [world.submit() for _ in range(6)]
    world.lose_queues()
    world.recovers = False
    world.run(GRACE)
    with failing("dynamodb.UpdateItem", times=1):
        assert world.sweep() == {"sent": len(sids) - 1, "error": 1}
    assert len(world.queued("first")) == len(sids) - 1


def test_a_leased_attempt_is_looked_at_when_its_lease_ends(world: World) -> None:
    sid = world.submit()
    world.lose_queues()
    world.recovers = False
    world.run(100)
    claimed = world.claim(sid, 1)
    world.run(20)
    assert world.sweep() == {"leased": 1}
    assert world.item(sid)["sweep_at"] == claimed["lease"] + 1000
    world.run(31)
    assert world.sweep() == {"expired": 1}


def test_two_recoveries_conclude_a_vanished_attempt_once(world: World) -> None:
    sid = world.submit()
    world.claim(sid, 1)
    world.lose_queues()
    world.recovers = False
    world.run(GRACE)
    seen = entry(world, sid, world.item(sid)["sweep_at"])
    item = sweep.item(seen)
    assert item is not None
    assert recovery.look(seen, ends()) == "expired"
    delivery.expire(item)
    assert world.log(sid)["tries"] == 1
    assert len(world.queued("retry")) == 1


def test_an_attempt_that_expired_long_ago_is_sent_once(world: World) -> None:
    sid = world.submit()
    world.claim(sid, 1)
    world.lose_queues()
    world.recovers = False
    world.run(5000)
    assert world.sweep() == {"expired": 1}
    assert world.sweep() == {}
    assert world.queued("retry") == [(0, world.message(sid, 2))]


def test_a_vanished_attempt_of_a_deleted_hook_is_discarded(world: World) -> None:
    sid = world.submit()
    world.claim(sid, 1)
    table.delete(world.app.settings.data_table, keys.hook(world.asset, world.hook))
    world.lose_queues()
    world.run(GRACE)
    assert deliveries.get(world.hook, sid) is None


def test_a_delivery_created_while_its_hook_was_deleted_is_discarded(world: World) -> None:
    xml = world.app.filled(world.asset, {"name": "Ana"})

    def delete() -> None:
        assert world.app.call("DELETE", world.hook_path()).status == 204

    # The submission has read that there is a hook, and is about to write its delivery.
    with doing("dynamodb.TransactWriteItems", delete):
        assert world.app.submit(xml).status == 201
    (sid,) = world.sids()
    assert deliveries.get(world.hook, sid) is not None
    world.run(0)
    assert deliveries.get(world.hook, sid) is None
    assert world.posts == []
    assert world.mails == []


def test_such_a_delivery_is_discarded_even_when_its_message_is_lost(world: World) -> None:
    xml = world.app.filled(world.asset, {"name": "Ana"})
    with doing("dynamodb.TransactWriteItems", lambda: world.app.call("DELETE", world.hook_path())):
        world.app.submit(xml)
    world.lose_queues()
    world.run(600)
    assert world.posts == []
    assert not [item for item in stored(world.app.settings.data_table) if "sweep" in item]


# Bounds


def test_recovery_stops_when_its_time_is_over(world: World) -> None:
    for _ in range(3):
        world.submit()
    world.lose_queues()
    world.recovers = False
    world.run(GRACE)
    assert recover.handler({}, LambdaContext(recover.MARGIN)) == {}
    assert world.queued("first") == []


def test_a_job_does_not_wait_behind_deliveries(world: World) -> None:
    other = world.app.add_hook(world.asset, world.receiver.url("/other"), name="Other")
    in_shard = {keys.delivery_shard(world.hook, sid): sid for sid in range(1, 100)}
    for sid in in_shard.values():
        due = deliveries.new(world.asset, world.hook, sid, origin="", now=1, due_at=1, sweep_at=1)
        table.put(world.app.settings.data_table, due)
    world.app.call("DELETE", f"/api/v2/assets/{world.asset}/hooks/{other}/")
    job_done = threading.Event()
    waited: list[bool] = []

    def waits() -> None:
        waited.append(job_done.wait(20))

    with ExitStack() as busy:
        # No shard of deliveries gets any further before the job is at its end.
        for number in range(1, len(keys.DELIVERY_SHARDS) + 1):
            busy.enter_context(doing("dynamodb.BatchGetItem", waits, number))
        busy.enter_context(doing("dynamodb.DeleteItem", job_done.set))
        assert world.sweep() == {"job done": 1, "sent": len(keys.DELIVERY_SHARDS)}
    assert waited == [True] * len(keys.DELIVERY_SHARDS)


def test_all_but_deliveries_stands_in_shards_of_its_own(world: World) -> None:
    world.receiver.answer = Answer(410)
    world.submit()
    world.run(0)
    shards = {
        item["pk"]["S"][0]: item["sweep"]["S"]
        for item in stored(world.app.settings.data_table)
        if "sweep" in item
    }
    assert {"A", "R"} <= shards.keys()
    assert set(shards.values()) <= set(keys.ERRAND_SHARDS)


def test_deliveries_come_before_jobs(world: World) -> None:
    sid = world.submit()
    world.lose_queues()
    world.recovers = False
    world.run(GRACE)
    # A job in the same shard, where versions before this one put it, that has been due for longer.
    shard = world.item(sid)["sweep"]
    job = {**keys.job("jx"), "uid": "jx", "kind": "purge-hook", "hook": "h", "sweep": shard, "sweep_at": 1}
    table.put(world.app.settings.data_table, job)

    order: list[str] = []
    with (
        doing("sqs.SendMessageBatch", lambda: order.append("delivery")),
        doing("dynamodb.DeleteItem", lambda: order.append("job")),
    ):
        assert world.sweep() == {"sent": 1, "job done": 1}
    assert order == ["delivery", "job"]


def test_a_quiet_minute_costs_one_query_a_shard(world: World) -> None:
    world.submit()
    with counting() as made:
        world.sweep()
    assert made == {"dynamodb.Query": len(keys.SWEEP_SHARDS)}


def test_a_message_sent_again_costs_three_calls(world: World) -> None:
    world.submit()
    world.lose_queues()
    world.recovers = False
    world.run(GRACE)
    with counting() as made:
        world.sweep()
    assert made == {
        "dynamodb.Query": len(keys.SWEEP_SHARDS),
        "dynamodb.BatchGetItem": 1,
        "dynamodb.UpdateItem": 1,
        "sqs.SendMessageBatch": 1,
    }


def test_many_messages_are_read_and_sent_together(world: World) -> None:
    sids = [world.submit() for _ in range(24)]
    world.lose_queues()
    world.recovers = False
    world.run(GRACE)
    shards = len({keys.delivery_shard(world.hook, sid) for sid in sids})
    with counting() as made:
        assert world.sweep() == {"sent": 24}
    assert made == {
        "dynamodb.Query": len(keys.SWEEP_SHARDS),
        "dynamodb.BatchGetItem": shards,
        "dynamodb.UpdateItem": 24,
        "sqs.SendMessageBatch": shards,
    }
    assert sorted(body["s"] for _, body in world.queued("first")) == sorted(sids)


def test_messages_of_each_lane_and_delay_go_by_themselves(world: World) -> None:
    fresh = world.submit()
    failed = world.submit()
    world.lose_queues()
    world.receiver.answer = Answer(500)
    world.hand(world.message(failed, 1), "first")
    world.recovers = False
    world.lose_queues()
    world.run(60 + GRACE)
    assert world.sweep() == {"sent": 2}
    assert [body["s"] for _, body in world.queued("first")] == [fresh]
    assert [body["s"] for _, body in world.queued("retry")] == [failed]


def test_messages_that_the_queue_does_not_take_are_sent_at_the_next_look(world: World) -> None:
    world.submit()
    world.lose_queues()
    world.recovers = False
    world.run(GRACE)
    with failing("sqs.SendMessageBatch"):
        assert world.sweep() == {"error": 1}
    assert world.queued("first") == []
    world.run(GRACE)
    assert world.sweep() == {"sent": 1}
