"""When attempts are made, and how often (invariants I2–I4, design §4)."""

from __future__ import annotations

import json
from email.utils import formatdate

import pytest

from formrelay.settings import settings
from formrelay.storage import deliveries, hooks
from functions.deliver import app as deliver
from tests.support.app import LambdaContext
from tests.support.aws import messages
from tests.support.calls import crashing, failing
from tests.support.receiver import Answer
from tests.support.world import World

FAILED, PENDING, SUCCESS, PROCESSING = 0, 1, 2, 3


def log(world: World, sid: int) -> tuple[int, int, int | None]:
    """(status, tries, status_code) of a delivery's log."""
    found = world.log(sid)
    return found["status"], found["tries"], found["status_code"]


def test_four_attempts_are_made_at_their_times_and_no_more(world: World) -> None:
    world.receiver.answer = Answer(500, b"no")
    sid = world.submit()
    world.run(8_000)
    # The last wait is handed over by recovery, with two seconds for the difference of two clocks.
    assert world.posts == [0, 60, 660, 6662]
    assert log(world, sid) == (FAILED, 4, 500)
    assert "sweep_at" not in world.item(sid)


def test_a_success_ends_the_ladder(world: World) -> None:
    world.receiver.script.append(Answer(503, b'{"error": "busy"}'))
    sid = world.submit()
    world.run(0)
    assert log(world, sid) == (PENDING, 1, 503)
    assert world.log(sid)["message"] == '{"error": "busy"}'
    world.run(8_000)
    assert world.posts == [0, 60]
    assert log(world, sid) == (SUCCESS, 2, 200)
    assert not {"sweep", "sweep_at", "trouble", "lease", "due_at"} & set(world.item(sid))


def test_short_waits_are_queued_with_exactly_their_delay(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(0)
    assert world.queued("retry") == [(60, world.message(sid, 2))]
    assert world.sweeps_in(sid) == 60 + 120
    world.run(60)
    assert world.queued("retry") == [(600, world.message(sid, 3))]
    assert world.sweeps_in(sid) == 600 + 120


def test_the_long_wait_is_queued_by_recovery_with_the_exact_rest(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(660)
    assert world.queued("retry") == []
    assert world.sweeps_in(sid) == 6000 - 110

    world.recovers = False
    world.run(5889)
    assert world.sweep() == {}
    world.run(1)
    assert world.sweep() == {"sent": 1}
    assert world.queued("retry") == [(112, world.message(sid, 4))]
    assert world.sweeps_in(sid) == 110 + 120
    world.run(200)
    assert world.posts[-1] == 660 + 6002


def test_a_wait_of_exactly_900_seconds_is_still_queued(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_RETRY_DELAYS", "900,901")
    settings.cache_clear()
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(0)
    assert world.queued("retry") == [(900, world.message(sid, 2))]
    world.run(900)
    assert world.queued("retry") == []
    assert world.sweeps_in(sid) == 901 - 110


def test_the_delays_of_the_deployment_count(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_RETRY_DELAYS", "1,2")
    settings.cache_clear()
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(600)
    assert world.posts == [0, 1, 3]
    assert log(world, sid) == (FAILED, 3, 500)


# Retry-After


@pytest.mark.parametrize(
    ("value", "second"),
    [("120", 120), ("30", 60), ("3600", 600), ("soon", 60), ("-5", 60)],
    ids=["later", "never earlier", "at most the following rung", "unreadable", "negative"],
)
def test_retry_after_moves_the_next_attempt_within_the_ladder(
    world: World, value: str, second: float
) -> None:
    world.receiver.script.append(Answer(503, headers={"Retry-After": value}))
    world.submit()
    world.run(3600)
    assert world.posts == [0, second]


def test_a_wait_that_retry_after_makes_long_is_handed_over_to_recovery(world: World) -> None:
    world.receiver.script.extend([Answer(500), Answer(503, headers={"Retry-After": "5000"})])
    world.submit()
    world.run(60)
    assert world.queued("retry") == []
    world.run(8_000)
    assert world.posts == [0, 60, 5062]


def test_retry_after_may_be_a_date(world: World) -> None:
    at = formatdate(world.clock.time + 300, usegmt=True)
    world.receiver.script.append(Answer(429, headers={"Retry-After": at}))
    world.submit()
    world.run(3600)
    assert world.posts == [0, 300]


def test_retry_after_makes_no_attempt_after_the_last(world: World) -> None:
    world.receiver.answer = Answer(503, headers={"Retry-After": "10"})
    world.submit()
    world.run(8_000)
    assert len(world.posts) == 4


# Final at once


def test_410_is_final_at_once(world: World) -> None:
    world.receiver.answer = Answer(410, b"gone")
    sid = world.submit()
    world.run(8_000)
    assert world.posts == [0]
    assert log(world, sid) == (FAILED, 1, 410)


def test_a_forbidden_address_is_final_at_once_and_nothing_is_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORMRELAY_ALLOW_NETWORKS", "")
    settings.cache_clear()
    sid = world.submit()
    world.run(8_000)
    assert world.posts == []
    assert log(world, sid) == (FAILED, 1, None)
    assert world.log(sid)["message"] == f"{world.receiver.url()} is not allowed"


def test_nothing_is_sent_over_plain_http_once_the_deployment_forbids_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sid = world.submit()
    monkeypatch.setenv("FORMRELAY_HTTPS_ONLY", "true")
    settings.cache_clear()
    world.run(8000)
    assert world.requests == []
    log = world.log(sid)
    assert (log["status"], log["tries"], log["status_code"]) == (0, 1, None)
    assert log["message"] == "Unsecured endpoint is not allowed"


def test_a_hook_that_is_switched_off_gets_nothing_more(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(0)
    world.change_hook(active=False)
    world.run(8_000)
    assert world.posts == [0]
    assert log(world, sid) == (FAILED, 2, None)
    assert world.log(sid)["message"] == "The hook is switched off"


def test_a_changed_hook_counts_for_the_next_attempt(world: World) -> None:
    world.receiver.answer = Answer(500)
    world.submit()
    world.run(0)
    world.change_hook(endpoint=world.receiver.url("/repaired"))
    world.run(60)
    assert [request.path for request in world.requests] == ["/in", "/repaired"]


# What counts as a failure, and what its log says


@pytest.mark.parametrize("status", [200, 204, 299])
def test_2xx_is_success(world: World, status: int) -> None:
    world.receiver.answer = Answer(status, b"" if status == 204 else b"fine")
    sid = world.submit()
    world.run(0)
    assert log(world, sid) == (SUCCESS, 1, status)


@pytest.mark.parametrize("status", [304, 400, 401, 404, 429, 503])
def test_every_other_answer_goes_down_the_ladder(world: World, status: int) -> None:
    world.receiver.answer = Answer(status, b"" if status == 304 else b"no", close=True)
    sid = world.submit()
    world.run(60)
    assert world.posts == [0, 60]
    assert log(world, sid) == (PENDING, 2, status)


def test_a_redirect_is_a_failure_that_names_where_it_leads(world: World) -> None:
    world.receiver.answer = Answer(301, headers={"Location": world.receiver.url("/elsewhere")})
    sid = world.submit()
    world.run(0)
    assert [request.path for request in world.requests] == ["/in"]
    assert log(world, sid) == (PENDING, 1, 301)
    assert world.receiver.url("/elsewhere") in world.log(sid)["message"]


def test_a_slow_answer_is_a_time_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_TOTAL_TIMEOUT", "0.2")
    settings.cache_clear()
    world.receiver.answer = Answer(delay=1)
    sid = world.submit()
    world.run(0)
    assert log(world, sid) == (PENDING, 1, 504)


def test_nobody_listening_is_a_failure_without_a_code(world: World) -> None:
    world.change_hook(endpoint="http://127.0.0.1:1/in")
    sid = world.submit()
    world.run(0)
    assert log(world, sid) == (PENDING, 1, None)
    assert world.log(sid)["message"].startswith("An error occurred when sending data to external endpoint: ")


@pytest.mark.parametrize(
    "answer",
    [Answer(hang_up=True), Answer(reset=True), Answer(raw=b"hello\r\n\r\n")],
    ids=["eof", "rst", "junk"],
)
def test_no_answer_at_all_is_a_failure_without_a_code(world: World, answer: Answer) -> None:
    world.receiver.answer = answer
    sid = world.submit()
    world.run(60)
    assert len(world.posts) == 2
    assert log(world, sid) == (PENDING, 2, None)


def test_a_name_that_does_not_resolve_is_a_failure_without_a_code(world: World) -> None:
    world.change_hook(endpoint="http://nosuch.invalid/in")
    sid = world.submit()
    world.run(0)
    assert log(world, sid) == (PENDING, 1, None)
    assert "is not allowed" not in world.log(sid)["message"]


def test_an_answer_without_end_is_cut_and_bounded(world: World) -> None:
    world.receiver.answer = Answer(endless=True)
    sid = world.submit()
    world.run(0)
    found = world.log(sid)
    assert (found["status"], found["status_code"]) == (SUCCESS, 200)
    assert len(found["message"].encode()) <= 4096
    assert found["message"].endswith("[cut]")


def test_a_deleted_submission_ends_its_delivery(world: World) -> None:
    from formrelay.storage import keys, table

    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(0)
    table.delete(world.app.settings.data_table, keys.submission(world.asset, sid))
    world.run(60)
    assert world.posts == [0]
    assert (world.log(sid)["status"], world.log(sid)["message"]) == (FAILED, "Submission has been deleted")


# Messages: twice, late, early, out of order


def test_a_message_that_comes_twice_is_delivered_once(world: World) -> None:
    sid = world.submit()
    world.run(0)
    assert world.hand(world.message(sid, 1)) == {"batchItemFailures": []}
    assert world.posts == [0]
    assert log(world, sid) == (SUCCESS, 1, 200)


def test_a_message_of_an_earlier_attempt_is_stale(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(60)
    for seq in (1, 2):
        world.hand(world.message(sid, seq))
    assert world.posts == [0, 60]


def test_a_message_of_a_later_attempt_is_ignored(world: World) -> None:
    sid = world.submit()
    world.hand(world.message(sid, 2))
    assert world.posts == []
    assert log(world, sid) == (PENDING, 0, None)


def test_a_message_that_comes_early_by_the_difference_of_two_clocks_waits(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(0)
    world.lose_queues()
    world.run(58)
    world.hand(world.message(sid, 2))
    assert world.posts[0] == 0
    assert world.posts[1] == pytest.approx(60, abs=0.01)
    assert world.posts[1] >= 60


def test_a_message_that_comes_far_too_early_is_ignored_and_recovery_sends(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(0)
    world.lose_queues()
    world.run(30)
    world.hand(world.message(sid, 2))
    assert world.posts == [0]
    world.run(180)
    assert world.posts == [0, 180]


def test_a_machine_whose_clock_is_behind_waits(world: World) -> None:
    sid = world.submit()
    due = world.clock.time
    world.clock.time -= 2
    world.run(0)
    assert log(world, sid) == (SUCCESS, 1, 200)
    assert world.clock.time >= due


def test_a_recovery_whose_clock_is_ahead_makes_no_attempt_early(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(660)
    world.recovers = False
    world.run(5_890)
    world.clock.time += 2
    assert world.sweep() == {"sent": 1}
    world.clock.time -= 2
    world.run(200)
    assert world.posts[-1] == 6_660
    assert log(world, sid) == (FAILED, 4, 500)


def test_messages_of_one_hook_are_one_group(world: World) -> None:
    world.receiver.script.append(Answer(500))
    world.submit()
    assert [message.group for message in messages(world.app.settings.first_queue)] == [world.hook]
    (sid,) = world.sids()
    world.hand(world.message(sid, 1), "first")
    assert [message.group for message in messages(world.app.settings.retry_queue)] == [world.hook]


def test_while_an_attempt_runs_no_other_begins(world: World) -> None:
    sid = world.submit()
    world.claim(sid, 1)
    world.run(0)
    assert world.posts == []
    assert log(world, sid) == (PROCESSING, 0, None)
    assert world.log(sid)["message"] == "Submission is being queued for processing"


def test_a_message_for_an_unknown_delivery_is_ignored(world: World) -> None:
    assert world.hand(world.message(7, 1)) == {"batchItemFailures": []}


# Processes that die


def test_an_attempt_that_vanished_fails_when_its_lease_ends(world: World) -> None:
    sid = world.submit()
    world.claim(sid, 1)
    world.lose_queues()
    world.run(120)
    # The lease ended after 50 s, so the next attempt was due after 110.
    assert world.posts == [120]
    assert log(world, sid) == (SUCCESS, 2, 200)


def test_a_vanished_attempt_says_that_it_may_have_been_delivered(world: World) -> None:
    world.recovers = False
    sid = world.submit()
    claimed = world.claim(sid, 1)
    world.lose_queues()
    world.run(120)
    assert world.sweep() == {"expired": 1}
    assert log(world, sid) == (PENDING, 1, None)
    assert "may have been delivered" in world.log(sid)["message"]
    assert world.item(sid)["due_at"] == claimed["lease"] + 60_000
    assert world.queued("retry") == [(0, world.message(sid, 2))]


def test_the_ladder_counts_from_the_end_of_the_lease(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_RECOVERY_GRACE", "75")
    settings.cache_clear()
    sid = world.submit()
    world.claim(sid, 1)
    world.lose_queues()
    world.recovers = False
    world.run(76)
    world.sweep()
    assert world.queued("retry") == [(34, world.message(sid, 2))]


def test_the_fourth_vanished_attempt_is_the_last_and_is_reported(world: World) -> None:
    sid = world.submit()
    for seq in (1, 2, 3, 4):
        world.lose_queues()
        world.run(max(0, world.item(sid)["due_at"] / 1000 - world.clock.time))
        world.lose_queues()
        world.claim(sid, seq)
        world.recovers = False
        world.run(3700)
        world.sweep()
        world.recovers = True
    assert world.posts == []
    assert log(world, sid) == (FAILED, 4, None)
    assert world.report_item() is not None


def test_a_process_that_dies_after_the_post_sends_again_only_after_its_lease(world: World) -> None:
    sid = world.submit()
    with crashing("dynamodb.UpdateItem", 2):
        world.run(0)
    assert world.posts == [0]
    assert log(world, sid) == (PROCESSING, 0, None)
    world.run(600)
    assert world.posts == [0, 120]
    assert world.requests[0].header("webhook-id") == world.requests[1].header("webhook-id")
    assert log(world, sid) == (SUCCESS, 2, 200)


def test_a_process_that_dies_before_the_post_costs_one_attempt(world: World) -> None:
    sid = world.submit()
    with crashing("dynamodb.BatchGetItem"):
        world.run(0)
    assert world.posts == []
    world.run(600)
    assert world.posts == [120]
    assert log(world, sid) == (SUCCESS, 2, 200)


@pytest.mark.parametrize("status", [200, 500, 410])
def test_an_outcome_that_comes_after_its_lease_was_lost_changes_nothing(world: World, status: int) -> None:
    from formrelay import delivery
    from formrelay.hooks.ladder import Kind, Outcome

    sid = world.submit()
    world.lose_queues()
    claimed = world.claim(sid, 1)
    world.run(130)
    before = world.item(sid)
    kind: Kind = "success" if status == 200 else "http"
    hook = hooks.get(world.asset, world.hook)
    assert hook is not None
    delivery.conclude(claimed, hook, Outcome(kind, status, "late"), round(world.clock.time * 1000))
    assert world.item(sid) == before
    assert world.posts == [120]


def test_a_retry_that_cannot_be_queued_is_sent_by_recovery(world: World) -> None:
    world.receiver.script.append(Answer(500))
    sid = world.submit()
    with failing("sqs.SendMessage"):
        world.run(0)
    assert log(world, sid) == (PENDING, 1, 500)
    assert world.queued("retry") == []
    world.run(600)
    assert world.posts == [0, 180]


def test_a_first_attempt_that_cannot_be_queued_is_sent_by_recovery(world: World) -> None:
    with failing("sqs.SendMessageBatch"):
        sid = world.submit()
    world.run(600)
    assert world.posts == [120]
    assert log(world, sid) == (SUCCESS, 1, 200)


def test_a_conflict_of_transactions_delays_the_end_of_the_last_attempt(world: World) -> None:
    world.receiver.answer = Answer(410)
    sid = world.submit()
    reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}, {"Code": "None"}]
    with failing(
        "dynamodb.TransactWriteItems", "TransactionCanceledException", times=3, CancellationReasons=reasons
    ):
        world.run(0)
    assert log(world, sid) == (FAILED, 1, 410)


def test_an_attempt_that_there_is_no_time_for_comes_again(world: World) -> None:
    sid = world.submit()
    event = {"Records": [{"messageId": "x", "body": json.dumps(world.message(sid, 1))}]}
    assert deliver.handler(event, LambdaContext(10)) == {"batchItemFailures": [{"itemIdentifier": "x"}]}
    assert world.posts == []
    assert deliveries.get(world.hook, sid) is not None
    assert log(world, sid) == (PENDING, 0, None)
