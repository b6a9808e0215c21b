"""The template's metrics count what the functions really log, and what the gateway does."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable

import pytest

from formrelay.bounces import OWNER_TAG
from formrelay.log import logger
from formrelay.settings import settings
from functions.bounce import app as bounce
from tests.support.app import LambdaContext
from tests.support.calls import failing
from tests.support.metrics import Point, published
from tests.support.receiver import Answer
from tests.support.reports import GONE, fail, set_account
from tests.support.template import properties
from tests.support.world import World

HOUR = 3600
Counted = Callable[[str], dict[str, list[Point]]]


@pytest.fixture
def counted(caplog: pytest.LogCaptureFixture) -> Counted:
    """Metrics that a log group (logical id) would make of all that was logged since the last look."""
    caplog.set_level(logging.INFO, logger="formrelay")

    def look(group: str) -> dict[str, list[Point]]:
        lines = [logger.registered_formatter.format(record) for record in caplog.records]
        caplog.clear()
        return published(group, lines)

    return look


def outcomes(points: list[Point]) -> list[str]:
    return [dimensions["outcome"] for _, dimensions in points]


# Deliveries


def test_a_delivery_that_arrives_counts_with_its_time_since_the_submission(
    world: World, counted: Counted
) -> None:
    world.submit()
    world.clock.forward(3)
    world.run(0)
    metrics = counted("DeliverLogs")
    assert set(metrics) == {"Attempts", "AttemptTime", "ArrivalTime"}
    assert outcomes(metrics["Attempts"]) == ["success"]
    assert metrics["ArrivalTime"] == [(3000, {})]


def test_attempts_that_fail_count_by_outcome_and_as_retries(world: World, counted: Counted) -> None:
    world.receiver.answer = Answer(500)
    world.submit()
    world.run(60)
    world.receiver.answer = Answer(302, headers={"Location": "/"})
    world.run(2 * HOUR)
    metrics = counted("DeliverLogs")
    assert outcomes(metrics["Attempts"]) == ["http", "http", "redirect", "redirect"]
    assert metrics["Retries"] == [(1, {})] * 3
    assert metrics["FailedForGood"] == [(1, {})]
    assert "ArrivalTime" not in metrics


def test_what_is_sent_again_after_it_arrived_says_nothing_of_how_long_submissions_take(
    world: World, counted: Counted
) -> None:
    sid = world.submit()
    world.run(0)
    counted("DeliverLogs")
    assert world.retry(sid, "force=true").status == 200
    metrics = counted("DeliverLogs")
    assert outcomes(metrics["Attempts"]) == ["success"]
    assert "ArrivalTime" not in metrics


def test_what_its_owner_has_switched_off_is_no_failure(world: World, counted: Counted) -> None:
    world.submit()
    world.change_hook(active=False)
    world.run(0)
    metrics = counted("DeliverLogs")
    assert outcomes(metrics["Attempts"]) == ["unusable"]
    assert "FailedForGood" not in metrics


def test_a_retry_by_hand_of_what_failed_for_good_counts_it_once(world: World, counted: Counted) -> None:
    sid = fail(world)
    assert counted("DeliverLogs")["FailedForGood"] == [(1, {})]
    assert world.retry(sid).status == 400
    assert "FailedForGood" not in counted("DeliverLogs")


def test_an_attempt_of_a_process_that_died_is_counted_by_recovery(world: World, counted: Counted) -> None:
    sid = world.submit()
    world.lose_queues()
    world.claim(sid, 1)
    world.clock.forward(600)
    counted("RecoverLogs")
    world.sweep()
    assert outcomes(counted("RecoverLogs")["Attempts"]) == ["interrupted"]


def test_a_pause_and_its_end_by_switching_off_are_counted(world: World, counted: Counted) -> None:
    world.receiver.answer = GONE
    world.submit()
    world.run(0)
    assert counted("DeliverLogs")["HooksPaused"] == [(1, {})]
    world.clock.forward(settings().deactivate_after + HOUR)
    world.run(0)
    assert counted("RecoverLogs")["HooksSwitchedOff"] == [(1, {})]


# Recovery


def test_a_lost_message_counts_with_how_long_it_is_overdue_and_is_found_by_its_submission(
    world: World, counted: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    sid = world.submit()
    world.lose_queues()
    world.clock.forward(2 * HOUR)
    counted("RecoverLogs")
    world.sweep()
    told = [record.__dict__ for record in caplog.records if record.__dict__.get("sid") == sid]
    assert [(line["message"], line["asset"], line["hook"]) for line in told] == [
        ("message sent again", world.asset, world.hook)
    ]
    assert {line["levelname"] for line in told} == {"WARNING"}
    assert counted("RecoverLogs")["Overdue"] == [(2 * HOUR, {})]


def test_a_message_that_recovery_sends_ahead_of_its_time_is_not_overdue(
    world: World, counted: Counted
) -> None:
    world.receiver.answer = Answer(500)
    world.submit()
    world.run(60 + 600 + 6000 - 30)
    assert counted("RecoverLogs")["Overdue"] == [(0, {})]


def test_what_alarms_need_is_logged_whatever_the_level(
    world: World, counted: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="formrelay")
    fail(world)
    with failing("sesv2.SendEmail", "MessageRejected", times=1):
        world.run(121)
    world.submit()
    world.lose_queues()
    world.clock.forward(2 * HOUR)
    with failing("dynamodb.BatchGetItem", "AccessDeniedException"):
        world.sweep()
    world.sweep()
    assert {record.message for record in caplog.records} >= {
        "failure report refused",
        "entry not recovered",
        "message sent again",
        "delivery failed for good",
    }


def test_what_recovery_cannot_deal_with_is_counted(world: World, counted: Counted) -> None:
    world.submit()
    world.lose_queues()
    world.clock.forward(HOUR)
    counted("RecoverLogs")
    for operation in ("dynamodb.BatchGetItem", "dynamodb.UpdateItem", "sqs.SendMessageBatch"):
        with failing(operation, "AccessDeniedException"):
            assert world.sweep() == {"error": 1}
        assert counted("RecoverLogs") == {"NotRecovered": [(1, {})]}


# Mails


def test_mails_are_counted_by_what_became_of_them(world: World, counted: Counted) -> None:
    fail(world)
    with failing("sesv2.SendEmail", "MessageRejected", times=1):
        world.run(121)
    assert counted("ReportLogs") == {"MailsRefused": [(1, {})]}
    fail(world)
    world.run(121)
    assert counted("ReportLogs") == {"MailsSent": [(1, {})]}
    set_account("ann", email="")
    fail(world)
    world.run(2 * HOUR)
    assert counted("ReportLogs") == {"MailsNotSent": [(1, {})]}


def test_addresses_from_which_mails_come_back_are_counted(world: World, counted: Counted) -> None:
    told = {
        "eventType": "Bounce",
        "bounce": {"bounceType": "Permanent"},
        "mail": {"destination": ["ann@example.org"], "tags": {OWNER_TAG: ["ann"]}},
    }
    bounce.handler({"Records": [{"Sns": {"Message": json.dumps(told)}}]}, LambdaContext())
    assert counted("BounceLogs") == {"BadAddresses": [(1, {})]}


# The gateway


def access(**values: str) -> str:
    """A line of the access log, as its format has it."""
    told = properties("HttpApi")["AccessLogSettings"]["Format"]
    return re.sub(r"\$context\.([\w.]+)", lambda name: values.get(name[1], "-"), told)


@pytest.mark.parametrize(
    "path", ["/submission", "/submission/", "//submission", "/ann/submission", "/api/v1/submissions.json"]
)
def test_submissions_are_counted_under_every_path_that_takes_them(path: str) -> None:
    for status, metric in (("201", "Accepted"), ("202", "Repeated"), ("400", "Refused"), ("413", "Refused")):
        points = published("AccessLogs", [access(httpMethod="POST", path=path, status=status)])
        assert points == {f"Submissions{metric}": [(1, {})]}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("HEAD", "/submission", "204"),
        ("HEAD", "/submission", "401"),
        ("POST", "/submission", "503"),
        ("POST", "/api/v2/assets/", "201"),
        ("POST", "/api/v2/assets/aX/hooks/", "400"),
    ],
)
def test_nothing_else_counts_as_a_submission(method: str, path: str, status: str) -> None:
    assert published("AccessLogs", [access(httpMethod=method, path=path, status=status)]) == {}
