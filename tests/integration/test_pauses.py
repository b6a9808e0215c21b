"""Pause of a hook: when it begins, what it holds back, how it is probed and how it ends (design §4)."""

from __future__ import annotations

from typing import Any

import pytest

from formrelay.settings import settings
from formrelay.storage import health, parking
from tests.support.calls import counting, doing
from tests.support.receiver import Answer
from tests.support.world import World

FAILED, PENDING, SUCCESS = 0, 1, 2
HOUR = 3600


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three failures in a row are enough, however fast they come."""
    monkeypatch.setenv("FORMRELAY_PAUSE_FAILURES", "3")
    monkeypatch.setenv("FORMRELAY_PAUSE_AFTER", "0")
    settings.cache_clear()


@pytest.fixture
def quiet(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, and nothing is probed within the first hour."""
    monkeypatch.setenv("FORMRELAY_PROBE_INTERVAL", str(HOUR))
    settings.cache_clear()


def shown(world: World) -> dict[str, Any]:
    """The hook as its owner sees it."""
    found: dict[str, Any] = world.app.get(world.hook_path()).json()
    return found


def state(world: World) -> str:
    word: str = shown(world)["health"]["state"]
    return word


def parked(world: World) -> list[int]:
    """Submissions whose deliveries are parked, oldest first."""
    return [item["sid"] for item in parking.waiting(world.hook)]


def pause(world: World) -> list[int]:
    """Pauses the hook by three failures; the submissions that failed."""
    world.receiver.answer = Answer(500, b"out of order")
    sids = [world.submit() for _ in range(3)]
    world.run(0)
    assert state(world) == "paused"
    return sids


def submits(world: World, number: int) -> list[int]:
    """Submissions that are told apart by their time, oldest first."""
    sids = []
    for _ in range(number):
        world.clock.forward(0.002)
        sids.append(world.submit())
    return sids


def posted(world: World) -> list[int]:
    """Submissions in the order in which they were sent."""
    return [request.json()["_id"] for request in world.requests]


# When it begins


def test_a_hook_is_paused_after_twenty_failures_in_a_row_over_ten_minutes(world: World) -> None:
    world.receiver.answer = Answer(503, b"down")
    for _ in range(10):
        world.submit()
    world.run(659)
    # Twenty failures, all within the first minute.
    found = shown(world)["health"]
    assert (found["state"], found["failures"]) == ("failing", 20)
    world.run(1)
    found = shown(world)
    assert found["paused"] is True
    assert (found["health"]["state"], found["health"]["paused_by"]) == ("paused", "failures")


def test_a_few_failures_pause_no_hook_however_long_they_take(world: World) -> None:
    world.receiver.answer = Answer(503)
    world.submit()
    world.run(8_000)
    found = shown(world)["health"]
    assert (found["state"], found["failures"]) == ("failing", 4)


def test_a_success_begins_the_count_anew(world: World, quick: None) -> None:
    world.receiver.script.extend([Answer(500), Answer(500), Answer(200), Answer(500), Answer(500)])
    for _ in range(5):
        world.submit()
        world.run(0)
    found = shown(world)["health"]
    assert (found["state"], found["failures"]) == ("failing", 2)
    assert found["failing_since"] is not None


def test_a_success_on_a_hook_that_is_well_is_not_noted_anywhere(world: World) -> None:
    before = health.get(world.asset, world.hook)
    sid = world.submit()
    with counting() as made:
        world.hand(world.message(sid, 1), "first")
    assert made.total() == 3
    assert health.get(world.asset, world.hook) == before


def test_the_first_success_after_failures_costs_one_call_more(world: World) -> None:
    world.receiver.script.append(Answer(500))
    world.submit()
    world.run(0)
    sid = world.submit()
    with counting() as made:
        world.hand(world.message(sid, 1), "first")
    assert made == {"dynamodb.UpdateItem": 3, "dynamodb.BatchGetItem": 1}
    assert shown(world)["health"] == {
        "state": "ok",
        "slow": False,
        "failures": 0,
        "failing_since": None,
        "paused_at": None,
        "paused_by": None,
        "next_probe": None,
        "parked_count": 0,
        "unreadable": False,
    }


def test_410_pauses_at_once(world: World) -> None:
    world.receiver.answer = Answer(410)
    world.submit()
    world.run(0)
    found = shown(world)["health"]
    assert (found["state"], found["paused_by"], found["failures"]) == ("paused", "gone", 1)


def test_what_fails_for_other_reasons_than_the_hook_does_not_count(world: World, quick: None) -> None:
    from formrelay.storage import keys, table

    for _ in range(4):
        sid = world.submit()
        table.delete(world.app.settings.data_table, keys.submission(world.asset, sid))
    world.run(0)
    world.claim(world.submit(), 1)
    world.run(200)
    assert state(world) == "ok"


def test_a_failure_that_cannot_be_counted_is_a_failure_all_the_same(world: World, quick: None) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.lose_queues()

    def away() -> None:
        raise ConnectionError

    # The claim is the first update, the count the second.
    with doing("dynamodb.UpdateItem", away, 2):
        world.hand(world.message(sid, 1), "first")
    assert (world.log(sid)["status"], world.log(sid)["tries"]) == (PENDING, 1)
    assert state(world) == "ok"


def test_the_pause_is_mailed(world: World, quick: None) -> None:
    pause(world)
    world.run(120)
    (mail,) = world.mails
    assert mail.to == ["ann@example.org"]
    for part in ("Households", "ERP", "paused", "3", "500", "out of order"):
        assert part in mail.html


def test_a_hook_without_email_notification_is_paused_without_a_mail(world: World, quiet: None) -> None:
    world.change_hook(email_notification=False)
    pause(world)
    world.run(HOUR)
    assert world.mails == []


# What it holds back


def test_a_submission_to_a_paused_hook_waits_without_message_or_look(world: World, quick: None) -> None:
    pause(world)
    world.lose_queues()
    sid = world.submit()
    item = world.item(sid)
    assert (item["status"], item["tries"], item["trouble"]) == (PENDING, 0, f"{world.hook}#parked")
    assert not {"sweep", "sweep_at"} & set(item)
    assert world.queued("first") == []
    assert parked(world) == [sid]
    found = shown(world)
    assert (found["health"]["parked_count"], found["pending_count"]) == (1, 4)


def test_a_submission_to_a_paused_hook_costs_no_call_more(world: World, quick: None) -> None:
    def calls() -> Any:
        xml = world.app.filled(world.asset, {"name": "Ana"})
        with counting() as made:
            assert world.app.submit(xml).status == 201
        return made

    calls()  # reads the form's shape, once a process
    before = calls()
    world.run(0)
    pause(world)
    after = calls()
    assert before.pop("sqs.SendMessageBatch") == 1
    assert after == before


def test_what_is_queued_already_is_parked_without_being_sent(world: World, quick: None) -> None:
    late = world.submit()
    message = world.message(late, 1)
    world.lose_queues()
    pause(world)
    posts = len(world.posts)
    assert world.hand(message, "first") == {"batchItemFailures": []}
    assert len(world.posts) == posts
    item = world.item(late)
    assert (item["status"], item["tries"], item["rung"]) == (PENDING, 0, 0)
    assert parked(world) == [late]
    # The message has done what it could: once more it changes nothing.
    world.hand(message, "first")
    assert world.item(late) == item


def test_parking_what_is_queued_costs_three_calls(world: World, quick: None) -> None:
    late = world.submit()
    world.lose_queues()
    pause(world)
    with counting() as made:
        world.hand(world.message(late, 1), "first")
    assert made == {"dynamodb.UpdateItem": 2, "dynamodb.BatchGetItem": 1}


def test_ladders_run_on_and_are_reported_in_time(world: World, quiet: None) -> None:
    sids = pause(world)
    world.run(6_662 + 120)
    assert [world.log(sid)["tries"] for sid in sids] == [4, 4, 4]
    assert {world.log(sid)["status"] for sid in sids} == {FAILED}
    assert any(str(sids[0]) in mail.html for mail in world.mails)


def test_other_hooks_of_the_project_go_on(world: World, quick: None) -> None:
    other = world.app.add_hook(world.asset, world.receiver.url("/other"), name="Other")
    world.change_hook(paused=True)
    world.submit()
    world.run(0)
    assert [request.path for request in world.requests] == ["/other"]
    assert world.app.logs(world.asset, other)[0]["status"] == SUCCESS


def test_a_change_of_a_paused_hook_leaves_it_paused(world: World, quick: None) -> None:
    pause(world)
    world.change_hook(name="Renamed")
    world.lose_queues()
    sid = world.submit()
    assert parked(world) == [sid]


# Probes


def test_parked_deliveries_are_sent_as_probes_ever_more_rarely_oldest_first(
    world: World, quick: None
) -> None:
    pause(world)
    world.lose_queues()
    sids = submits(world, 9)
    probes: dict[int, float] = {}
    world.run(244 * 60)
    for request, at in zip(world.requests, world.posts, strict=True):
        sid = request.json()["_id"]
        if sid in sids:
            probes.setdefault(sid, at)
    assert list(probes) == sids
    times = list(probes.values())
    gaps = [round((b - a) / 60) for a, b in zip([0.0, *times], times, strict=False)]
    assert gaps == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_with_nothing_parked_the_next_submission_is_the_probe(world: World, quick: None) -> None:
    pause(world)
    world.run(30 * 60)
    world.receiver.answer = Answer(200)
    sid = world.submit()
    assert parked(world) == [sid]
    world.run(60)
    assert world.log(sid)["status"] == SUCCESS
    assert state(world) == "ok"


def test_a_probe_that_succeeds_ends_the_pause_and_everything_is_sent_in_order(
    world: World, quick: None
) -> None:
    pause(world)
    world.lose_queues()
    sids = submits(world, 5)
    world.receiver.answer = Answer(200)
    before = len(world.requests)
    world.run(120)
    assert [sid for sid in posted(world)[before:] if sid in sids] == sids
    assert parked(world) == []
    assert {world.log(sid)["status"] for sid in sids} == {SUCCESS}
    found = shown(world)
    assert (found["paused"], found["health"]["state"]) == (False, "ok")


def test_a_success_on_the_ladder_ends_the_pause(world: World, quick: None) -> None:
    pause(world)
    sid = world.submit()
    world.receiver.answer = Answer(200)
    world.recovers = False
    world.run(60)
    assert state(world) == "ok"
    world.recovers = True
    world.run(120)
    assert world.log(sid)["status"] == SUCCESS


def test_a_probe_that_fails_goes_down_the_ladder(world: World, quick: None) -> None:
    pause(world)
    world.lose_queues()
    sid = world.submit()
    world.run(60)
    assert (world.log(sid)["status"], world.log(sid)["tries"]) == (PENDING, 1)
    world.run(60)
    assert world.log(sid)["tries"] == 2


def test_the_time_of_the_next_probe_is_shown(world: World, quick: None) -> None:
    from formrelay import clock

    pause(world)
    now = world.clock.time * 1000
    found = shown(world)["health"]
    assert found["next_probe"] == clock.iso_micro(now + 60_000)
    assert found["paused_at"] == clock.iso_micro(now)


# By hand


def test_a_hook_paused_by_hand_is_neither_probed_nor_mailed_nor_opened_by_a_success(world: World) -> None:
    world.receiver.script.append(Answer(500))
    first = world.submit()
    world.run(0)
    world.change_hook(paused=True)
    held = world.submit()
    world.run(3 * HOUR)
    assert world.log(first)["status"] == SUCCESS
    assert world.log(held)["tries"] == 0
    found = shown(world)
    assert (found["paused"], found["health"]["paused_by"]) == (True, "owner")
    assert found["health"]["next_probe"] is None
    assert world.mails == []


def test_a_pause_ends_by_hand(world: World, quick: None) -> None:
    world.change_hook(paused=True)
    sids = submits(world, 3)
    world.change_hook(paused=False)
    assert shown(world)["paused"] is False
    world.run(60)
    assert posted(world) == sids


def test_the_switch_says_the_same_when_it_is_used_twice(world: World, quick: None) -> None:
    pause(world)
    before = health.get(world.asset, world.hook)
    world.change_hook(paused=True)
    assert health.get(world.asset, world.hook) == before
    for _ in range(2):
        world.change_hook(paused=False)
    assert state(world) == "ok"


@pytest.mark.parametrize("value", [None, "perhaps", 7, [], {}])
def test_a_switch_that_is_no_boolean_is_refused_and_changes_nothing(world: World, value: Any) -> None:
    answer = world.app.send("PATCH", world.hook_path(), {"paused": value, "name": "Other"})
    assert (answer.status, list(answer.json())) == (400, ["paused"])
    assert shown(world)["name"] == "ERP"


def test_copies_and_whole_objects_sent_back_do_not_pause(world: World) -> None:
    copy = world.app.add_hook(world.asset, world.receiver.url("/copy"), paused=True)
    path = f"/api/v2/assets/{world.asset}/hooks/{copy}/"
    assert world.app.get(path).json()["paused"] is False
    answer = world.app.send("PUT", path, {**world.app.get(path).json(), "paused": True})
    assert (answer.status, answer.json()["paused"]) == (200, False)


def test_pausing_needs_the_rights_that_the_hook_needs(world: World) -> None:
    world.app.add_user("bob")
    for value in (True, "perhaps"):
        assert world.app.send("PATCH", world.hook_path(), {"paused": value}, user="bob").status == 404
    assert world.app.call("PATCH", world.hook_path(), user=None, body=b"{").status == 404
    assert shown(world)["paused"] is False


# Too long


def test_a_hook_paused_for_too_long_is_switched_off_with_a_mail_and_keeps_what_is_parked(
    world: World, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORMRELAY_DEACTIVATE_AFTER", str(HOUR))
    settings.cache_clear()
    pause(world)
    sids = submits(world, 8)
    world.run(HOUR)
    found = shown(world)
    assert (found["active"], found["paused"], found["health"]["next_probe"]) == (False, True, None)
    waiting = parked(world)
    assert waiting == sids[-len(waiting) :] != []
    world.run(HOUR)
    assert any("switched off" in mail.html for mail in world.mails)
    # Nothing more is sent to it, and nothing is looked at any more.
    posts = len(world.posts)
    world.run(24 * HOUR)
    assert len(world.posts) == posts
    assert parked(world) == waiting


def test_a_hook_that_is_switched_on_again_is_probed_at_once_and_gets_what_waited(
    world: World, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORMRELAY_DEACTIVATE_AFTER", str(HOUR))
    settings.cache_clear()
    pause(world)
    sids = submits(world, 8)
    world.run(HOUR)
    assert shown(world)["active"] is False
    waiting = parked(world)
    world.receiver.answer = Answer(200)
    world.change_hook(active=True)
    world.run(180)
    assert {world.log(sid)["status"] for sid in waiting} == {SUCCESS}
    assert len(waiting) < len(sids)
    found = shown(world)
    assert (found["active"], found["paused"]) == (True, False)


def test_a_hook_that_its_owner_switched_off_is_not_probed_until_it_is_on_again(
    world: World, quick: None
) -> None:
    pause(world)
    sid = world.submit()
    world.lose_queues()
    world.change_hook(active=False)
    world.recovers = False
    world.run(60)
    assert world.sweep()["resting"] == 1
    assert parked(world) == [sid]
    world.recovers = True
    world.receiver.answer = Answer(200)
    world.change_hook(active=True)
    world.run(60)
    assert world.log(sid)["status"] == SUCCESS


# Retries by people


def test_a_parked_delivery_is_sent_by_a_retry_and_its_success_ends_the_pause(
    world: World, quick: None
) -> None:
    pause(world)
    sid = world.submit()
    world.receiver.answer = Answer(200)
    assert world.retry(sid).status == 200
    assert world.log(sid)["status"] == SUCCESS
    assert parked(world) == []
    assert state(world) == "ok"


def test_a_retry_of_a_parked_delivery_that_fails_begins_its_ladder(world: World, quick: None) -> None:
    pause(world)
    sid = world.submit()
    assert world.retry(sid).status == 400
    item = world.item(sid)
    assert (item["status"], item["tries"], item["trouble"]) == (PENDING, 1, f"{world.hook}#pending")
    assert parked(world) == []


def test_a_deleted_hook_leaves_nothing_of_its_pause(world: World, quick: None) -> None:
    from tests.support.aws import stored

    pause(world)
    for _ in range(3):
        world.submit()
    assert world.app.call("DELETE", world.hook_path()).status == 204
    world.run(HOUR)
    left = stored(world.app.settings.data_table)
    assert not [item for item in left if world.hook in item["pk"]["S"] + item["sk"]["S"]]
    assert not [item for item in left if "sweep" in item]
