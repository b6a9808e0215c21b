"""Failures of a project that has got another owner are mailed to that one (contract rest-services §8)."""

from __future__ import annotations

import pytest

from formrelay.storage import deliveries
from tests.integration.test_ownership import given
from tests.support.aws import stored
from tests.support.calls import crashing, doing
from tests.support.reports import arrive, fail
from tests.support.world import World

HOUR = 3600


@pytest.fixture(autouse=True)
def bob(world: World) -> None:
    world.app.add_user("bob")


def lines(world: World) -> list[str]:
    items = stored(world.app.settings.data_table)
    return [item["pk"]["S"] for item in items if item["sk"]["S"].startswith("M#")]


def test_what_failed_before_a_project_went_over_is_mailed_to_its_new_owner(world: World) -> None:
    sid = fail(world)
    given(world.app, world.asset)
    world.run(240)
    letter = next(mail for mail in world.mails if "Failure Report" in mail.subject)
    assert letter.to == ["bob@example.org"]
    assert str(sid) in letter.html
    assert "Dear bob" in letter.html
    # The pause, which is a notice without a delivery, went along.
    assert "is paused since" in letter.html
    world.run(2 * HOUR)
    assert len([mail for mail in world.mails if "Failure Report" in mail.subject]) == 1
    assert lines(world) == []


def test_what_arrived_since_is_mailed_to_neither(world: World) -> None:
    sid = fail(world)
    given(world.app, world.asset)
    arrive(world, sid)
    world.run(240)
    assert not [mail for mail in world.mails if str(sid) in mail.html]


def test_what_arrives_after_it_was_handed_over_is_told_as_arrived_to_the_new_owner(world: World) -> None:
    sid = fail(world)
    given(world.app, world.asset)
    world.run(240)
    assert world.item(sid)["reported"] == "bob"
    arrive(world, sid)
    world.run(HOUR)
    later = fail(world)
    world.run(121)
    failures, arrived = world.mails[-1].html.split("Had failed, arrived since")
    assert world.mails[-1].to == ["bob@example.org"]
    assert str(later) in failures
    assert str(sid) in arrived


def test_the_owner_before_is_not_told_what_arrived_after_a_project_went_over(world: World) -> None:
    sid = fail(world)
    world.run(121)
    given(world.app, world.asset)
    arrive(world, sid)
    world.setting()  # another project of ann's
    fail(world)
    world.run(HOUR)
    letter = world.mails[-1]
    assert (letter.to, str(sid) in letter.html) == (["ann@example.org"], False)


@pytest.mark.parametrize("step", [1, 2])
def test_a_crash_while_failures_are_handed_over_loses_none(world: World, step: int) -> None:
    sid = fail(world)
    given(world.app, world.asset)
    with crashing("dynamodb.TransactWriteItems", step):
        world.hand({"owner": "ann"}, "report")
    world.run(240)
    letter = next(mail for mail in world.mails if "Failure Report" in mail.subject)
    assert (letter.to, str(sid) in letter.html) == (["bob@example.org"], True)
    # What had not gone over yet may have missed that mail, and is in the next one.
    world.run(2 * HOUR)
    assert lines(world) == []


def test_a_failure_that_arrives_while_it_is_handed_over_is_not_mailed(world: World) -> None:
    sid = fail(world)
    given(world.app, world.asset)
    with doing("dynamodb.TransactWriteItems", lambda: arrive(world, sid)):
        world.hand({"owner": "ann"}, "report")
    found = deliveries.get(world.hook, sid)
    assert found is not None
    assert found["status"] == deliveries.SUCCESS
    world.run(240)
    assert not [mail for mail in world.mails if str(sid) in mail.html]
    assert lines(world) == []
