"""The deliver function under a batch of messages, and what an attempt costs (I6, design §4, §10)."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from formrelay import hook_requests
from formrelay.delivery.call import NOT_MADE
from formrelay.log import logger
from formrelay.settings import settings
from functions.deliver import app as deliver
from tests.support.app import LambdaContext
from tests.support.calls import counting, failing
from tests.support.receiver import Answer
from tests.support.template import ROOT
from tests.support.world import World

if TYPE_CHECKING:
    import pytest

# What an attempt has no use for, and would pay for at every cold start.
HEAVY = ("pydantic", "pyxform", "openpyxl", "xlrd", "jinja2", "boto3", "aws_xray_sdk", "xmltodict", "lxml")


def batch(*bodies: Any) -> dict[str, Any]:
    """An SQS event; message ids are "0", "1", …; texts are sent as they are."""
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return {"Records": [{"messageId": str(number), "body": text} for number, text in enumerate(texts)]}


def failed(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_ten_attempts_run_at_the_same_time(world: World) -> None:
    sids = [world.submit() for _ in range(10)]
    world.receiver.answer = Answer(delay=0.5)
    began = time.monotonic()
    answer = deliver.handler(batch(*(world.message(sid, 1) for sid in sids)), LambdaContext())
    took = time.monotonic() - began
    assert failed(answer) == []
    assert len(world.requests) == 10
    arrived = [request.at for request in world.requests]
    # One after the other they would come over four and a half seconds.
    assert max(arrived) - min(arrived) < 2
    assert took < 4


def test_messages_that_mean_nothing_fail_one_by_one_and_harm_no_other(world: World) -> None:
    sid = world.submit()
    good = world.message(sid, 1)
    bad: list[Any] = [
        "",
        "{",
        "null",
        "[]",
        "7",
        {},
        {**good, "s": "x"},
        {**good, "n": None, "s": None},
        {"h": world.hook, "s": sid},
    ]
    answer = deliver.handler(batch(*bad, good), LambdaContext())
    assert failed(answer) == [str(number) for number in range(len(bad))]
    assert len(world.requests) == 1
    assert world.log(sid)["status"] == 2


def test_a_failure_of_ours_fails_its_own_message_only(world: World) -> None:
    sids = [world.submit() for _ in range(4)]
    with failing("dynamodb.UpdateItem", times=1):
        answer = deliver.handler(batch(*(world.message(sid, 1) for sid in sids)), LambdaContext())
    assert len(failed(answer)) == 1
    assert len(world.requests) == 3


def test_an_attempt_that_could_not_be_read_is_given_back_and_does_not_count(world: World) -> None:
    sid = world.submit()
    with failing("dynamodb.BatchGetItem", times=1):
        assert failed(world.hand(world.message(sid, 1))) == ["1"]
    assert (world.item(sid)["status"], world.item(sid)["tries"]) == (1, 0)
    world.run(10)
    assert world.posts == [10]
    assert (world.log(sid)["status"], world.log(sid)["tries"]) == (2, 1)


def test_a_failure_of_the_destination_is_no_failure_of_the_function(world: World) -> None:
    world.receiver.answer = Answer(500)
    sids = [world.submit() for _ in range(3)]
    answer = deliver.handler(batch(*(world.message(sid, 1) for sid in sids)), LambdaContext())
    assert failed(answer) == []


def test_a_hook_with_broken_credentials_at_rest_harms_no_other(world: World) -> None:
    from formrelay.storage import keys, table

    world.change_hook(settings={"custom_headers": {"A": "b"}})
    other = world.app.add_hook(world.asset, world.receiver.url("/other"), name="Other")
    sid = world.submit()
    key = keys.hook(world.asset, world.hook)
    table.update(world.app.settings.data_table, key, "SET #sealed = :junk", {":junk": [b"junk"]})
    messages = [world.message(sid, 1), {**world.message(sid, 1), "h": other}]
    assert failed(deliver.handler(batch(*messages), LambdaContext())) == []
    assert [request.path for request in world.requests] == ["/other"]
    assert (world.log(sid)["status"], world.log(sid)["message"]) == (1, hook_requests.UNREADABLE)


def test_a_request_that_cannot_be_made_is_told_as_not_sent_and_made_again(world: World) -> None:
    # Too long to be kept in the table.
    sid = world.submit(name=secrets.token_hex(200_000))
    with failing("s3.GetObject", times=1):
        world.run(0)
    assert world.requests == []
    (attempt,) = world.app.get(world.hook_path(f"logs/{world.log(sid)['uid']}/attempts/")).json()["results"]
    assert (attempt["outcome"], attempt["interrupted"], attempt["message"]) == ("internal", False, NOT_MADE)
    # It is no fault of the hook's, which keeps all of its threads, too.
    assert world.app.get(world.hook_path()).json()["health"]["failures"] == 0
    assert not deliver._memory.is_poor(world.hook)
    world.run(60)
    assert world.posts == [60]


def test_an_empty_batch_is_no_failure() -> None:
    assert deliver.handler({"Records": []}, LambdaContext()) == {"batchItemFailures": []}


# Costs


def test_a_first_attempt_that_succeeds_costs_three_calls(world: World) -> None:
    sid = world.submit(name="Ana", member=[{"who": "Bo"}])
    with counting() as made:
        world.hand(world.message(sid, 1), "first")
    assert made == {"dynamodb.UpdateItem": 2, "dynamodb.BatchGetItem": 1}
    assert world.log(sid)["status"] == 2


def test_credentials_are_opened_once_a_process(world: World) -> None:
    world.change_hook(settings={"custom_headers": {"A": "b"}})
    with counting() as made:
        for _ in range(3):
            world.hand(world.message(world.submit(), 1), "first")
    assert made["kms.Decrypt"] <= 1


def test_a_stale_message_costs_one_call(world: World) -> None:
    sid = world.submit()
    world.run(0)
    with counting() as made:
        world.hand(world.message(sid, 1))
    assert made == {"dynamodb.UpdateItem": 1}


def test_a_failed_attempt_costs_five_calls_and_the_last_one_six(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    with counting() as made:
        world.hand(world.message(sid, 1), "first")
    # One of them counts the failure in the hook's health.
    assert made == {
        "dynamodb.UpdateItem": 2,
        "dynamodb.BatchGetItem": 1,
        "dynamodb.TransactWriteItems": 1,
        "sqs.SendMessage": 1,
    }

    monkeypatch.setenv("FORMRELAY_RETRY_DELAYS", "60")
    settings.cache_clear()
    world.lose_queues()
    world.clock.forward(60)
    with counting() as made:
        world.hand(world.message(sid, 2))
    assert made == {
        "dynamodb.UpdateItem": 2,
        "dynamodb.BatchGetItem": 1,
        "dynamodb.Query": 1,
        "dynamodb.TransactWriteItems": 1,
    }


def test_the_function_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.path[:0] = ['.', 'layers/formrelay/python'];"
        " import functions.deliver.app; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "formrelay" in loaded
    assert not loaded & set(HEAVY)


def test_log_lines_hold_neither_content_nor_credentials(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.change_hook(
        auth_level="basic_auth",
        settings={"username": "uSecret", "password": "pSecret", "custom_headers": {"X-T": "tSecret"}},
    )
    world.receiver.script.extend([Answer(500, b"rSecret"), Answer(200, b"rSecret")])
    world.submit(name="nSecret")
    world.run(settings().retry_delays[0])
    assert len(world.requests) == 2
    logged = "".join(logger.registered_formatter.format(record) for record in caplog.records)
    assert '"message":"attempt"' in logged
    for secret in ("uSecret", "pSecret", "tSecret", "rSecret", "nSecret"):
        assert secret not in logged


# A slow or failing hook


def test_a_hook_that_failed_gets_half_of_the_threads(world: World) -> None:
    sids = [world.submit() for _ in range(11)]
    world.receiver.answer = Answer(500)
    deliver.handler(batch(world.message(sids[0], 1)), LambdaContext())
    world.receiver.answer = Answer(delay=0.4)
    answer = deliver.handler(batch(*(world.message(sid, 1) for sid in sids[1:])), LambdaContext())
    assert failed(answer) == []
    arrived = sorted(request.at for request in world.requests[1:])
    assert len(arrived) == 10
    # Five at a time: the sixth begins when one of the first five has ended.
    assert arrived[5] - arrived[0] >= 0.4


def to_a_poor_hook(world: World, monkeypatch: pytest.MonkeyPatch, count: int) -> list[int]:
    """So many submissions, the first of which failed; the hook takes long for the others."""
    monkeypatch.setenv("FORMRELAY_TOTAL_TIMEOUT", "5")
    settings.cache_clear()
    sids = [world.submit() for _ in range(count)]
    world.receiver.answer = Answer(500)
    deliver.handler(batch(world.message(sids[0], 1)), LambdaContext())
    world.receiver.answer = Answer(delay=3.5)
    return sids


def test_what_a_slow_hook_has_no_time_for_comes_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sids = to_a_poor_hook(world, monkeypatch, 8)
    # Ten seconds are needed for an attempt: two and a half are left to wait, less than an answer takes.
    answer = deliver.handler(batch(*(world.message(sid, 1) for sid in sids[1:])), LambdaContext(12.5))
    assert failed(answer) == []
    assert len(world.requests) == 6
    untouched = [sid for sid in sids if world.item(sid)["tries"] == 0]
    assert len(untouched) == 2
    again = [body for delay, body in world.queued("retry") if delay == 10]
    assert sorted(body["s"] for body in again) == sorted(untouched)
    world.receiver.answer = Answer()
    world.run(10)
    assert {world.log(sid)["status"] for sid in untouched} == {2}


def test_replays_that_a_slow_hook_has_no_time_for_stay_in_their_lane(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sids = to_a_poor_hook(world, monkeypatch, 7)
    messages = [world.message(sid, 1) for sid in sids[1:]]
    deliver.handler(from_lane(settings().replay_queue, *messages), LambdaContext(12.5))
    (untouched,) = [sid for sid in sids if world.item(sid)["tries"] == 0]
    assert world.queued("replay") == [(10, world.message(untouched, 1))]


def from_lane(queue: str, *bodies: Any) -> dict[str, Any]:
    arn = "arn:aws:sqs:eu-west-1:123456789012:" + queue.rpartition("/")[2]
    return {"Records": [{**record, "eventSourceARN": arn} for record in batch(*bodies)["Records"]]}


def from_first_lane(world: World, *bodies: Any) -> dict[str, Any]:
    return from_lane(world.app.settings.first_queue, *bodies)


def make_slow(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One attempt that took longer than is good for the others."""
    monkeypatch.setattr("formrelay.isolation.shares.SLOW_MS", 100)
    world.receiver.script.append(Answer(delay=0.2))
    world.submit()
    world.run(0)
    assert world.app.get(world.hook_path()).json()["health"]["slow"] is True
    world.lose_queues()


def test_first_attempts_of_a_slow_hook_go_through_the_lane_of_retries(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_slow(world, monkeypatch)
    sid = world.submit()
    world.lose_queues()
    posts = len(world.posts)
    assert failed(deliver.handler(from_first_lane(world, world.message(sid, 1)), LambdaContext())) == []
    assert len(world.posts) == posts
    item = world.item(sid)
    assert (item["status"], item["tries"], item["rung"]) == (1, 0, 0)
    assert world.queued("retry") == [(0, world.message(sid, 2))]
    world.run(0)
    assert (world.log(sid)["status"], world.log(sid)["tries"]) == (2, 1)
    # That one was fast, so the next one is welcome again.
    assert world.app.get(world.hook_path()).json()["health"]["slow"] is False
    again = world.submit()
    world.lose_queues()
    deliver.handler(from_first_lane(world, world.message(again, 1)), LambdaContext())
    assert world.log(again)["status"] == 2


def test_recovery_sends_again_through_the_lane_that_a_slow_hook_was_given(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_slow(world, monkeypatch)
    sid = world.submit()
    world.lose_queues()
    deliver.handler(from_first_lane(world, world.message(sid, 1)), LambdaContext())
    world.lose_queues()
    world.recovers = False
    world.run(120)
    world.sweep()
    assert world.queued("first") == []
    assert world.queued("retry") == [(0, world.message(sid, 2))]


def test_an_attempt_that_left_its_lane_is_looked_at_no_earlier_than_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_slow(world, monkeypatch)
    sid = world.submit()
    world.loses = True
    world.run(600)
    world.loses = False
    item = world.item(sid)
    deliver.handler(from_first_lane(world, world.message(sid, 1)), LambdaContext())
    assert world.item(sid)["sweep_at"] == item["sweep_at"]
    assert world.item(sid)["looks"] == item["looks"] > 1
