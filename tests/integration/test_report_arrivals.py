"""What had failed for good and arrived after all is told once, in the next failure mail (design §5)."""

from __future__ import annotations

import pytest

from formrelay.storage import reports, table
from tests.support.aws import stored
from tests.support.calls import counting, crashing, doing
from tests.support.receiver import Answer
from tests.support.reports import arrive, fail
from tests.support.world import World

HOUR = 3600
HEAD = "Had failed, arrived since"


def marks(world: World) -> list[dict[str, dict[str, str]]]:
    """What is still to be told as arrived."""
    return [item for item in stored(world.app.settings.data_table) if item["sk"]["S"].startswith("K#")]


def test_what_was_reported_and_arrived_by_retry_is_told_in_the_next_mail(world: World) -> None:
    sid = fail(world)
    world.run(121)
    arrive(world, sid)
    world.run(2 * HOUR)
    assert len(world.mails) == 1  # that alone is no reason for a mail
    later = fail(world)
    world.run(121)
    failures, arrived = world.mails[1].html.split(HEAD)
    assert str(sid) in arrived
    assert str(sid) not in failures
    assert str(later) in failures
    assert marks(world) == []
    world.run(2 * HOUR)
    fail(world)
    world.run(121)
    assert HEAD not in world.mails[2].html


def test_a_failure_that_arrives_before_its_mail_is_not_mailed_as_failed(world: World) -> None:
    sid = fail(world)
    world.change_hook(email_notification=True)
    arrive(world, sid)
    assert not [line for line in reports.lines("ann")[0] if line.get("sid") == sid]
    assert [mark["sid"]["N"] for mark in marks(world)] == [str(sid)]


def test_what_failed_again_after_it_had_arrived_is_told_as_failed_alone(world: World) -> None:
    sid = fail(world)
    arrive(world, sid)
    line = {"asset": world.asset, "hook": world.hook, "sid": sid, "at": 1, "code": 500, "message": ""}
    names = {"asset_name": "Households", "hook_name": "ERP", "base_url": "https://kf.example.org"}
    table.transact(reports.failure_ops("ann", line | names, now=int(world.clock.time * 1000)))
    world.run(121)
    (mail,) = world.mails
    assert str(sid) in mail.html
    assert HEAD not in mail.html


def test_a_delivery_that_was_never_reported_leaves_no_mark_and_costs_nothing(world: World) -> None:
    world.receiver.script.append(Answer(500))
    world.submit()
    with counting() as made:
        world.run(61)
    assert made["dynamodb.TransactWriteItems"] == 1  # of the attempt that failed
    assert marks(world) == []


def test_a_failure_that_nobody_wants_mailed_leaves_no_mark(world: World) -> None:
    world.change_hook(email_notification=False)
    sid = fail(world)
    arrive(world, sid)
    assert marks(world) == []


def test_marks_expire(world: World) -> None:
    sid = fail(world)
    arrive(world, sid)
    (mark,) = marks(world)
    assert int(mark["expires"]["N"]) - world.clock.time == pytest.approx(30 * 86400, abs=5)


def test_a_crash_before_an_arrival_is_written_loses_neither_delivery_nor_mark(world: World) -> None:
    sid = fail(world)
    world.run(121)
    world.receiver.answer = Answer(200)
    before = len(world.posts)
    with crashing("dynamodb.TransactWriteItems"):
        world.retry(sid)
    assert len(world.posts) == before + 1
    assert (world.log(sid)["status"], marks(world)) == (3, [])
    world.run(3 * HOUR)
    assert world.log(sid)["status"] == 2
    assert [mark["sid"]["N"] for mark in marks(world)] == [str(sid)]


def test_a_crash_after_the_mail_repeats_one_mail_with_its_arrivals(world: World) -> None:
    sid = fail(world)
    world.run(121)
    arrive(world, sid)
    world.run(HOUR)
    fail(world)
    with crashing("dynamodb.DeleteItem"):
        world.run(121)
    world.run(3 * HOUR)
    assert len(world.mails) == 3
    assert all(str(sid) in mail.html.split(HEAD)[1] for mail in world.mails[1:])
    assert marks(world) == []


def test_an_arrival_while_the_mail_is_sent_is_told_in_the_next_one(world: World) -> None:
    sid = fail(world)
    with doing("sesv2.SendEmail", lambda: arrive(world, sid)):
        world.run(121)
    assert HEAD not in world.mails[0].html
    assert len(marks(world)) == 1
    world.run(HOUR)
    fail(world)
    world.run(121)
    assert str(sid) in world.mails[1].html.split(HEAD)[1]


def test_more_arrivals_than_are_listed_are_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("formrelay.reports.content.MAX_ARRIVED", 2)
    sids = [fail(world) for _ in range(3)]
    for sid in sids:
        arrive(world, sid)
    fail(world)
    world.run(121)
    (mail,) = world.mails
    assert "Further submissions that arrived since: 1." in mail.html
    assert marks(world) == []
