"""Bounces and complaints, as SES tells of them through SNS: the address gets no more mails until it is changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from formrelay.storage import accounts
from functions.bounce import app as bounce
from tests.support.app import LambdaContext
from tests.support.reports import fail, letters, set_account
from tests.support.template import ROOT
from tests.support.world import World

HOUR = 3600
RECORDED: dict[str, Any] = json.loads((ROOT / "tests" / "events" / "bounce.json").read_text("utf-8"))


def event(kind: str = "Bounce", **changes: Any) -> dict[str, Any]:
    """The recorded bounce, of ann's mail, with other details."""
    message: dict[str, Any] = json.loads(RECORDED["Records"][0]["Sns"]["Message"])
    message["mail"]["tags"]["owner"] = ["ann"]
    message["mail"]["destination"] = ["ann@example.org"]
    message["eventType"] = kind
    if kind == "Bounce":
        message["bounce"] |= changes
    else:
        del message["bounce"]
        message[kind.lower()] = changes
    return message


def tell(*messages: object) -> int:
    """Hands events to the function; how many addresses it marked."""
    records = [{"EventSource": "aws:sns", "Sns": {"Message": text}} for text in map(_text, messages)]
    marked: int = bounce.handler({"Records": records}, LambdaContext())["marked"]
    return marked


def _text(message: object) -> str:
    return message if isinstance(message, str) else json.dumps(message)


def bad(username: str = "ann") -> dict[str, Any] | None:
    return (accounts.get_account(username) or {}).get("email_bad")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (event(), "bounce"),
        (event(bounceSubType="OnAccountSuppressionList"), "bounce"),
        (event("Complaint", complaintFeedbackType="abuse"), "complaint"),
        (event("Complaint"), "complaint"),
    ],
)
def test_mails_to_an_address_that_is_bad_stop(world: World, message: dict[str, Any], reason: str) -> None:
    assert tell(message) == 1
    mark = bad()
    assert mark is not None
    assert (mark["address"], mark["reason"]) == ("ann@example.org", reason)
    fail(world)
    world.run(HOUR)
    assert world.mails == []
    assert "sweep" not in (world.report_item() or {})
    shown = world.app.get(world.hook_path()).json()["report_error"]
    assert shown["reason"] == f"Mails to the owner's e-mail address are stopped: {reason}."


def test_mails_begin_again_when_the_address_is_changed(world: World) -> None:
    tell(event())
    set_account("ann", email="new@example.org")
    fail(world)
    world.run(121)
    assert [mail.to for mail in world.mails] == [["new@example.org"]]


@pytest.mark.parametrize(
    "message",
    [
        event(bounceType="Transient", bounceSubType="MailboxFull"),
        event(bounceType="Undetermined"),
        event("Complaint", complaintFeedbackType="not-spam"),
        event("Delivery"),
    ],
)
def test_what_passes_with_time_or_is_no_bounce_changes_nothing(world: World, message: dict[str, Any]) -> None:
    assert tell(message) == 0
    assert bad() is None


def test_a_bounce_of_an_address_that_was_changed_meanwhile_changes_nothing(world: World) -> None:
    set_account("ann", email="new@example.org")
    assert tell(event()) == 0
    assert bad() is None


@pytest.mark.parametrize("owner", ["nobody", "", "U#x", "a" * 5000])
def test_a_bounce_of_somebody_unknown_makes_no_account(world: World, owner: str) -> None:
    message = event()
    message["mail"]["tags"]["owner"] = [owner]
    assert tell(message) == 0
    assert accounts.get_account(owner) is None


@pytest.mark.parametrize(
    "message",
    [
        "",
        "no JSON",
        "[]",
        "null",
        '"text"',
        "{}",
        '{"eventType":"Bounce"}',
        "[" * 5000,
        '{"notificationType": 1}',
    ],
)
def test_what_is_no_event_of_ses_is_passed_over(world: World, message: str) -> None:
    assert tell(message, event()) == 1


def test_the_mail_names_its_owner_for_the_events_that_follow(world: World) -> None:
    fail(world)
    with letters() as sent:
        world.run(121)
    assert sent[0].tags == {"owner": "ann"}


def test_the_function_sees_nothing_of_the_account(world: World) -> None:
    from formrelay import aws

    asked: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: object) -> None:
        asked.append(params)

    events, name = aws.dynamodb().meta.events, "provide-client-params.dynamodb.UpdateItem"
    events.register(name, note)
    try:
        tell(event())
    finally:
        events.unregister(name, note)
    (update,) = asked
    assert update["ReturnValues"] == update["ReturnValuesOnConditionCheckFailure"] == "NONE"
    assert set(update["ExpressionAttributeNames"].values()) == {"email", "email_bad"}
