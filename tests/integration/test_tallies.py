"""Deliveries of a hook counted and listed without reading all of them: exact, whatever is sent and replayed."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from formrelay import clock as clocks
from formrelay import ids
from formrelay.api import log_filters
from formrelay.settings import Settings, settings
from formrelay.storage import backfill, deliveries, keys, marks, table, tallies
from formrelay.storage.table import Item
from tests.support.app import Clock
from tests.support.calls import counting, doing
from tests.support.receiver import Answer
from tests.support.world import World

HOOK = "hTest"
_STATES: dict[str, tuple[int, str | None]] = {
    "arrived": (deliveries.SUCCESS, None),
    "failed": (deliveries.FAILED, "failed"),
    "again": (deliveries.PENDING, "pending"),
    "parked": (deliveries.PENDING, "parked"),
    "waiting": (deliveries.PENDING, "waiting"),
}


@pytest.fixture(autouse=True)
def small(aws: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches of ten, and no hook small enough to be read whole."""
    monkeypatch.setattr(marks, "STRETCH", 10)
    monkeypatch.setattr(marks, "WORTH", 3)
    monkeypatch.setattr(tallies, "FEW", 1)


def made(sid: int, state: str = "arrived", hook: str = HOOK) -> Item:
    now = clocks.now_ms()
    item = deliveries.new("aTest", hook, sid, origin="https://x", now=now, due_at=now, sweep_at=now)
    status, trouble = _STATES.get(state, (deliveries.PENDING, None))
    if status != deliveries.PENDING:
        item = {name: value for name, value in item.items() if name not in ("sweep", "sweep_at")}
    return {**item, "status": status, **({"trouble": keys.trouble(hook, trouble)} if trouble else {})}


def put(clock: Clock, ago: float, state: str = "arrived") -> int:
    """A delivery of a submission whose id was drawn so many seconds ago."""
    now = clock.time
    clock.time = now - ago
    sid = ids.submission_id()
    clock.time = now
    table.put(settings().data_table, made(sid, state), condition="attribute_not_exists(#pk)")
    return sid


def truth() -> Counter[int]:
    return Counter(item["status"] for item in deliveries.newest_first(HOOK))


def test_a_tally_says_what_all_deliveries_say(clock: Clock) -> None:
    chance = random.Random(7)
    for number in range(60):
        put(clock, 1_000 - number * 10, chance.choice([*_STATES, "arrived", "arrived"]))
    assert tallies.of(HOOK).by_status == truth()
    assert tallies.of(HOOK).parked == deliveries.count_troubled(HOOK, "parked")
    assert marks.census(HOOK).marks


def test_deliveries_under_way_are_counted_as_what_they_are(clock: Clock) -> None:
    for ago in range(400, 380, -1):
        put(clock, ago)
    put(clock, 5, "under way")
    assert tallies.of(HOOK).by_status == truth() == {deliveries.SUCCESS: 20, deliveries.PENDING: 1}


def test_a_small_hook_is_counted_by_its_deliveries(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "FEW", 1_000)
    for ago, state in enumerate(("arrived", "parked", "failed", "under way", "parked"), 400):
        put(clock, ago, state)
    with counting() as calls:
        tally = tallies.of(HOOK)
    # Whether there are marks, then all of them.
    assert calls == {"dynamodb.Query": 2}
    assert (tally.by_status, tally.parked) == (truth(), 2)


def test_a_tally_reads_marks_and_the_tail_and_no_more(clock: Clock) -> None:
    for number in range(50):
        put(clock, 1_000 - number)
    tallies.of(HOOK)
    with counting() as calls:
        tallies.of(HOOK)
    # The marks, the tail, four kinds of trouble.
    assert calls == {"dynamodb.Query": 6}


def test_what_came_a_moment_ago_is_read_once(clock: Clock) -> None:
    for number in range(25):
        put(clock, 1_000 - number)
    for _ in range(8):
        put(clock, 5, "under way")
    tallies.of(HOOK)
    with counting() as calls:
        tally = tallies.of(HOOK)
    assert tally.by_status == truth()
    # The marks, some of the tail, whether marks are due, the tail, four kinds of trouble.
    assert calls == {"dynamodb.Query": 9}


def test_what_is_added_late_counts(clock: Clock) -> None:
    sids = [put(clock, 1_000 - number) for number in range(25)]
    assert marks.census(HOOK).count == 25
    late = [made(sids[3] + 1), made(sids[20] + 1)]
    assert backfill.create(HOOK, late) == late
    assert marks.census(HOOK).count == 27 == truth().total()


def test_what_stands_there_already_is_not_added_again(clock: Clock) -> None:
    sid = put(clock, 1_000)
    fresh = made(sid + 1)
    assert backfill.create(HOOK, [made(sid, "failed"), fresh]) == [fresh]
    assert truth() == {deliveries.SUCCESS: 2}


def test_marks_made_while_something_is_added_late_do_not_miss_it(clock: Clock) -> None:
    sids = [put(clock, 1_000 - number) for number in range(25)]

    def marked() -> None:
        assert marks.census(HOOK).count == 25

    with doing("dynamodb.TransactWriteItems", marked):
        backfill.create(HOOK, [made(sids[3] + 1)])
    assert marks.census(HOOK).count == 26 == truth().total()


def test_a_purged_hook_leaves_no_marks(world: World) -> None:
    for number in range(1, 20):
        table.put(settings().data_table, made(number, hook=world.hook))
    assert marks.census(world.hook).marks
    assert world.app.send("DELETE", world.hook_path()).status == 204
    world.run(60)
    assert list(table.query_all(settings().data_table, "#pk = :pk", {":pk": keys.marks_pk(world.hook)})) == []


def shown(world: World) -> tuple[int, int, int]:
    hook: dict[str, Any] = world.app.get(world.hook_path()).json()
    return hook["success_count"], hook["pending_count"], hook["failed_count"]


def test_a_first_attempt_that_is_long_overdue_is_not_taken_for_one_that_arrived(world: World) -> None:
    for number in range(1, 20):
        table.put(settings().data_table, made(number, hook=world.hook))
    world.submit()
    world.lose_queues()
    world.clock.forward(130)
    world.sweep()
    world.lose_queues()
    # By now it is older than what is looked at one by one.
    world.clock.forward(400)
    assert shown(world) == (19, 1, 0)


def test_what_was_let_through_after_a_pause_is_pending_until_it_is_sent(world: World) -> None:
    for number in range(1, 20):
        table.put(settings().data_table, made(number, hook=world.hook))
    world.change_hook(paused=True)
    for _ in range(4):
        world.submit()
    world.clock.forward(400)
    assert shown(world) == (19, 4, 0)
    world.change_hook(paused=False)
    world.sweep()
    assert len(world.queued("first")) == 4
    assert shown(world) == (19, 4, 0)
    assert world.app.get(world.hook_path()).json()["health"]["parked_count"] == 0
    assert listed(world, status="1")[0] == 4
    world.run(10)
    assert shown(world) == (23, 0, 0)


@pytest.mark.parametrize("status", [deliveries.PENDING, deliveries.PROCESSING])
def test_what_is_old_and_under_way_is_not_taken_for_one_that_arrived(clock: Clock, status: int) -> None:
    for number in range(30):
        put(clock, 1_000 - number)
    waits = put(clock, 900, "under way")
    for number in range(30):
        put(clock, 800 - number)
    # As one does whose submission waits for its files, for up to ten minutes.
    key = keys.delivery(HOOK, waits)
    table.update(settings().data_table, key, "SET #status = :status", {":status": status})
    assert tallies.of(HOOK).by_status == truth() == {deliveries.SUCCESS: 60, status: 1}
    assert marks.census(HOOK).end <= waits
    table.update(settings().data_table, key, "SET #status = :status", {":status": deliveries.SUCCESS})
    assert tallies.of(HOOK).by_status == truth() == {deliveries.SUCCESS: 61}
    assert marks.census(HOOK).end > waits


def test_a_back_fill_shows_what_it_has_not_sent_yet_as_pending(world: World) -> None:
    sid = world.submit()
    world.run(0)
    later = world.app.add_hook(world.asset, world.receiver.url())
    world.receiver.answer = Answer(503)
    path = f"/api/v2/assets/{world.asset}/hooks/{later}/"
    assert world.app.send("POST", f"{path}replay/", {"submission_ids": [sid]}).status == 202
    assert world.app.get(path).json()["pending_count"] == 1


@pytest.mark.parametrize("start", [0, 7, 24, 25, 26, 99])
def test_logs_are_the_same_page_by_page_as_all_at_once(world: World, start: int) -> None:
    for number in range(1, 26):
        table.put(settings().data_table, made(number, hook=world.hook))
    path = world.hook_path("logs/")
    whole = world.app.get(path).json()
    page = world.app.get(path, start=str(start), limit="5").json()
    assert page["count"] == whole["count"] == 25
    assert page["results"] == whole["results"][start : start + 5]


# Filtered logs


def filled(world: World, states: list[str]) -> None:
    """Settled deliveries of those states, and one that was made a moment ago."""
    for number, state in enumerate(states, 1):
        table.put(settings().data_table, made(number, state, world.hook))
    world.clock.forward(600)
    table.put(settings().data_table, made(ids.submission_id(), "under way", world.hook))


def listed(world: World, **query: str) -> tuple[int, list[int]]:
    page = world.app.get(world.hook_path("logs/"), **query).json()
    return page["count"], [log["submission_id"] for log in page["results"]]


@pytest.mark.parametrize("status", [deliveries.FAILED, deliveries.PENDING, deliveries.SUCCESS])
def test_the_logs_of_a_status_are_found_without_looking_at_all(world: World, status: int) -> None:
    chance = random.Random(3)
    filled(world, chance.choices([*_STATES, "arrived"], k=60))
    wanted = [item["sid"] for item in deliveries.newest_first(world.hook) if item["status"] == status]
    assert listed(world, status=str(status)) == (len(wanted), wanted)
    assert listed(world, status=str(status), start="3", limit="4") == (len(wanted), wanted[3:7])
    assert listed(world, status=str(status), start="900") == (len(wanted), [])


def test_failed_logs_are_read_from_the_index(world: World) -> None:
    filled(world, ["failed", *["arrived"] * 198, "failed"])
    listed(world, status="0")
    with counting() as calls:
        assert listed(world, status="0", limit="1") == (2, [200])
    # Whether there are few, the two that failed, six for the tally; who calls, the project and the hook.
    assert calls == {"dynamodb.Query": 9, "dynamodb.BatchGetItem": 1, "dynamodb.GetItem": 2}


def test_dates_and_statuses_filter_together(world: World) -> None:
    filled(world, ["failed", "arrived", "failed"])
    now = clocks.iso_micro(clocks.now_ms())
    assert listed(world, status="0", end_date=now) == (2, [3, 1])
    assert listed(world, status="0", start_date=now) == (0, [])
    assert listed(world, end_date=now) == (3, [3, 2, 1])


def test_what_takes_too_long_to_look_through_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(world, ["arrived"] * 3)
    monkeypatch.setattr(log_filters, "PATIENCE", -1)
    answer = world.app.get(world.hook_path("logs/"), status="3")
    assert (answer.status, list(answer.json())) == (400, ["detail"])


def test_what_changes_its_trouble_while_it_is_looked_for_is_found_once(world: World) -> None:
    filled(world, ["failed", "failed"])

    def tried_again() -> None:
        table.put(settings().data_table, made(1, "again", world.hook))

    with doing("dynamodb.Query", tried_again, 2):
        sids, _ = deliveries.troubled(world.hook, None, 10)
    assert sids == [2, 1]
