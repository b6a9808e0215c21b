"""Failure reports: when an owner gets a mail, and what a crash does to it (design §5, contract rest-services §8)."""

from __future__ import annotations

import pytest

from formrelay.reports import run as reports
from formrelay.settings import settings
from formrelay.storage import keys, table
from tests.support.aws import MAIL_FROM, stored
from tests.support.calls import crashing, doing, failing
from tests.support.grants import switch_off
from tests.support.receiver import Answer
from tests.support.world import World

HOUR = 3600
# A failure that is final at once, so that tests need not wait for the ladder.
GONE = Answer(410, b"gone for good")


def lines(world: World) -> list[str]:
    """Submission ids of the failures that are still to be mailed."""
    items = stored(world.app.settings.data_table)
    return [item["sid"]["N"] for item in items if item["sk"]["S"].startswith("M#") and "sid" in item]


def fail(world: World) -> int:
    """One submission that fails for good, a moment ago."""
    world.receiver.answer = GONE
    sid = world.submit()
    world.run(0)
    assert world.log(sid)["status"] == 0
    # That answer paused the hook as well.
    world.change_hook(paused=False)
    return sid


def test_the_last_failure_is_mailed_to_the_owner_within_two_minutes(world: World) -> None:
    world.receiver.answer = Answer(500, b"out of order")
    sid = world.submit()
    world.run(6661)
    assert world.mails == []
    world.run(121)
    (mail,) = world.mails
    assert (mail.to, mail.subject) == (["ann@example.org"], "REST Services Failure Report")
    for part in ("ann", "Households", "ERP", str(sid), world.log(sid)["uid"], "500", "out of order"):
        assert part in mail.html
    assert lines(world) == []


def test_an_endpoint_that_recovers_in_time_is_not_mailed(world: World) -> None:
    world.receiver.script.extend([Answer(500)] * 3)
    world.submit()
    world.run(8000)
    assert len(world.posts) == 4
    assert world.mails == []


def test_without_email_notification_no_mail_is_sent(world: World) -> None:
    world.change_hook(email_notification=False)
    fail(world)
    world.run(HOUR)
    assert world.mails == []
    assert lines(world) == []


def test_what_fails_because_its_owner_wanted_it_is_not_mailed(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(0)
    world.change_hook(active=False)
    world.run(HOUR)
    assert world.log(sid)["status"] == 0
    assert world.mails == []


def test_failures_within_the_interval_are_grouped_into_one_mail(world: World) -> None:
    first = fail(world)
    world.run(120)
    others = [fail(world) for _ in range(3)]
    world.run(HOUR - 120)
    (mail,) = world.mails
    assert str(first) in mail.html
    assert not any(str(sid) in mail.html for sid in others)

    world.run(300)
    _, second = world.mails
    assert all(str(sid) in second.html for sid in others)
    assert str(first) not in second.html
    assert lines(world) == []
    world.run(3 * HOUR)
    assert len(world.mails) == 2


def test_a_failure_long_after_the_last_mail_is_mailed_at_once(world: World) -> None:
    fail(world)
    world.run(2 * HOUR)
    assert len(world.mails) == 1
    fail(world)
    world.run(121)
    assert len(world.mails) == 2


def test_the_interval_of_the_deployment_counts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_REPORT_INTERVAL", "300")
    settings.cache_clear()
    fail(world)
    world.run(121)
    fail(world)
    world.run(420)
    assert len(world.mails) == 2


def test_all_projects_of_an_owner_are_in_one_mail_and_those_of_others_are_not(world: World) -> None:
    app = world.app
    app.add_user("bea")
    fail(world)
    for user, name in (("ann", "Clinics"), ("bea", "Beaches")):
        asset = app.deploy({"survey": [{"type": "text", "name": "q", "label": "Q"}]}, user=user, name=name)
        app.add_hook(asset, world.receiver.url(), user=user)
        app.submit(app.filled(asset, {"q": "1"}, user=user), user=user)
    world.run(121)
    by_owner = {mail.to[0]: mail.html for mail in world.mails}
    assert set(by_owner) == {"ann@example.org", "bea@example.org"}
    assert "Households" in by_owner["ann@example.org"]
    assert "Clinics" in by_owner["ann@example.org"]
    assert "Beaches" not in by_owner["ann@example.org"]


def test_a_failure_that_comes_while_the_mail_is_sent_is_in_the_next_one(world: World) -> None:
    first = fail(world)
    later: list[int] = []
    with doing("sesv2.SendEmail", lambda: later.append(fail(world))):
        world.run(121)
    (mail,) = world.mails
    assert str(first) in mail.html
    assert lines(world) == [str(later[0])]
    world.run(HOUR + 120)
    assert str(later[0]) in world.mails[1].html
    assert lines(world) == []


def test_a_failure_that_comes_while_lines_are_cleared_is_in_the_next_mail(world: World) -> None:
    fail(world)
    later: list[int] = []
    with doing("dynamodb.DeleteItem", lambda: later.append(fail(world))):
        world.run(121)
    assert lines(world) == [str(later[0])]
    world.run(HOUR + 120)
    assert str(later[0]) in world.mails[1].html


def test_a_line_that_changed_while_the_mail_was_sent_stays(world: World) -> None:
    sid = fail(world)
    key = keys.report_line("ann", world.hook, sid)

    def again() -> None:
        table.update(world.app.settings.data_table, key, "SET #at = :at", {":at": 1})

    with doing("sesv2.SendEmail", again):
        reports.run("ann")
    assert lines(world) == [str(sid)]


def test_more_failures_than_fit_are_announced_and_follow(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("formrelay.storage.reports.MAX_LINES", 2)
    sids = [fail(world) for _ in range(3)]
    world.run(121)
    assert "more failures" in world.mails[0].html
    assert len(lines(world)) == 1
    world.run(HOUR + 120)
    first, second = world.mails
    assert "more failures" not in second.html
    assert [sum(str(sid) in mail.html for mail in (first, second)) for sid in sids] == [1, 1, 1]


# Crashes, duplicates, refusals


def test_two_messages_make_one_mail(world: World) -> None:
    fail(world)
    for _ in range(3):
        world.hand({"owner": "ann"}, "report")
    assert len(world.mails) == 1


def test_two_reports_at_once_make_one_mail(world: World) -> None:
    fail(world)
    done: list[bool] = []
    with doing("sesv2.SendEmail", lambda: done.append(reports.run("ann"))):
        done.append(reports.run("ann"))
    assert done == [False, True]
    assert len(world.mails) == 1


def test_a_message_for_an_owner_with_nothing_to_report_does_nothing(world: World) -> None:
    assert world.hand({"owner": "ann"}, "report") == {"batchItemFailures": []}
    assert world.mails == []
    assert world.report_item() is None


def test_a_malformed_message_is_reported_as_failed(world: World) -> None:
    assert world.hand({"who": "ann"}, "report") == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_a_crash_before_the_mail_delays_it(world: World) -> None:
    fail(world)
    with crashing("sesv2.SendEmail"):
        world.run(61)
    assert world.mails == []
    world.run(240)
    assert len(world.mails) == 1


def test_a_crash_between_mail_and_clearing_repeats_one_mail(world: World) -> None:
    sid = fail(world)
    with crashing("dynamodb.DeleteItem"):
        world.run(61)
    assert len(world.mails) == 1
    world.run(3 * HOUR)
    assert len(world.mails) == 2
    assert all(str(sid) in mail.html for mail in world.mails)
    assert lines(world) == []
    assert "sweep" not in (world.report_item() or {})


def test_a_crash_after_clearing_repeats_nothing(world: World) -> None:
    fail(world)
    with crashing("dynamodb.UpdateItem", 4):
        world.run(61)
    assert lines(world) == []
    world.run(3 * HOUR)
    assert len(world.mails) == 1
    assert "sweep" not in (world.report_item() or {})


def test_a_lost_message_costs_time_only(world: World) -> None:
    fail(world)
    world.loses = True
    world.run(61)
    world.loses = False
    world.run(240)
    assert len(world.mails) == 1


def test_a_failure_whose_record_is_not_written_is_not_mailed_either(world: World) -> None:
    world.receiver.answer = GONE
    sid = world.submit()
    with crashing("dynamodb.TransactWriteItems"):
        world.run(0)
    assert lines(world) == []
    assert world.log(sid)["status"] == 3


@pytest.mark.parametrize("code", ["TooManyRequestsException", "InternalFailure", "SendingPausedException"])
def test_a_mail_service_that_is_away_for_now_is_tried_again(world: World, code: str) -> None:
    fail(world)
    with failing("sesv2.SendEmail", code, times=2):
        assert world.hand({"owner": "ann"}, "report") == {"batchItemFailures": [{"itemIdentifier": "1"}]}
        assert len(lines(world)) == 1
        world.run(HOUR)
    assert len(world.mails) == 1
    assert lines(world) == []


@pytest.mark.parametrize(
    "code", ["MessageRejected", "MailFromDomainNotVerifiedException", "BadRequestException"]
)
def test_a_mail_that_is_refused_for_good_is_not_tried_again(
    world: World, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    fail(world)
    with failing("sesv2.SendEmail", code, times=1):
        assert world.hand({"owner": "ann"}, "report") == {"batchItemFailures": []}
    assert lines(world) == []
    assert any(record.levelname == "ERROR" and "refused" in record.message for record in caplog.records)
    world.run(3 * HOUR)
    assert world.mails == []


def test_an_owner_without_an_address_gets_no_mail_and_keeps_no_backlog(world: World) -> None:
    accounts = world.app.settings.accounts_table
    table.update(accounts, keys.account("ann"), "SET #email = :none", {":none": ""})
    fail(world)
    world.run(HOUR)
    assert world.mails == []
    assert lines(world) == []
    assert "sweep" not in (world.report_item() or {})


def test_an_owner_whose_account_is_off_gets_no_mail(world: World) -> None:
    fail(world)
    switch_off("ann")
    world.run(HOUR)
    assert world.mails == []


def test_a_deployment_without_a_sender_sends_no_mail(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_MAIL_FROM", "")
    settings.cache_clear()
    fail(world)
    world.run(HOUR)
    assert world.mails == []
    assert lines(world) == []


def test_the_configuration_set_of_the_deployment_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from formrelay import aws

    monkeypatch.setenv("FORMRELAY_MAIL_CONFIGURATION", "reports")
    settings.cache_clear()
    sent: list[dict[str, object]] = []

    def note(params: dict[str, object], **_: object) -> None:
        sent.append(params)

    aws.sesv2().meta.events.register("provide-client-params.sesv2.SendEmail", note)
    try:
        fail(world)
        world.run(121)
    finally:
        aws.sesv2().meta.events.unregister("provide-client-params.sesv2.SendEmail", note)
    assert [(mail["ConfigurationSetName"], mail["FromEmailAddress"]) for mail in sent] == [
        ("reports", MAIL_FROM)
    ]


def test_hostile_names_and_answers_cannot_become_markup_or_headers(world: World) -> None:
    world.app.send("PATCH", f"/api/v2/assets/{world.asset}/", {"name": "<b>Bad</b>\r\nBcc: eve@example.org"})
    world.change_hook(name='"><script>alert(1)</script>\r\nSubject: x')
    world.receiver.answer = Answer(410, b'{"a": "<img src=x>"}')
    world.submit()
    world.run(121)
    (mail,) = world.mails
    assert (mail.to, mail.subject) == (["ann@example.org"], "REST Services Failure Report")
    assert "<script" not in mail.html
    assert "<img" not in mail.html
    assert "<b>" not in mail.html


def test_a_manual_retry_that_fails_is_not_mailed_again(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(7000)
    assert len(world.mails) == 1
    assert world.retry(sid).status == 400
    world.run(3 * HOUR)
    assert len(world.mails) == 1


def test_a_ladder_begun_by_hand_that_fails_is_mailed(world: World) -> None:
    fail(world)
    world.run(121)
    world.receiver.answer = Answer(500)
    (sid,) = world.sids()
    assert world.retry(sid).status == 400
    assert world.log(sid)["status"] == 1
    world.run(3 * HOUR)
    assert world.log(sid)["status"] == 0
    assert len(world.mails) == 2
