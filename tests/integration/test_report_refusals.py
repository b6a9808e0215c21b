"""Failures that cannot be mailed: the hook says why, an alarm is told, nothing is tried for ever (design §5)."""

from __future__ import annotations

import pytest

from formrelay.accounts import create_account
from formrelay.reports.run import REFUSED
from formrelay.settings import settings
from formrelay.storage import accounts
from tests.support.app import PASSWORD
from tests.support.calls import failing
from tests.support.grants import switch_off
from tests.support.reports import fail, letters, set_account
from tests.support.template import properties
from tests.support.world import World

HOUR = 3600


def report_error(world: World) -> dict[str, str] | None:
    shown: dict[str, str] | None = world.app.get(world.hook_path()).json()["report_error"]
    return shown


def test_a_hook_says_nothing_while_its_failures_are_mailed(world: World) -> None:
    assert report_error(world) is None
    fail(world)
    world.run(121)
    assert report_error(world) is None


@pytest.mark.parametrize("code", ["MessageRejected", "AccountSuspendedException", "NotFoundException"])
def test_a_refusal_for_good_is_shown_in_the_hook_until_a_mail_goes_out(world: World, code: str) -> None:
    fail(world)
    with failing("sesv2.SendEmail", code, times=1):
        world.run(121)
    error = report_error(world)
    assert error is not None
    assert error["reason"] == f"The mail service refused the mail: {code}."
    assert error["date"].startswith("2026-08-02T")
    assert world.app.get(f"/api/v2/assets/{world.asset}/hooks/").json()["results"][0]["report_error"] == error
    fail(world)
    world.run(121)
    assert len(world.mails) == 1
    assert report_error(world) is None


def test_a_refusal_for_good_is_counted_for_an_alarm(world: World, caplog: pytest.LogCaptureFixture) -> None:
    fail(world)
    with failing("sesv2.SendEmail", "MessageRejected", times=1):
        world.run(121)
    assert REFUSED in [record.message for record in caplog.records if record.levelname == "ERROR"]
    counted = properties("RefusedReports")
    assert counted["FilterPattern"] == f'{{ $.message = "{REFUSED}" }}'
    assert counted["LogGroupName"] == {"Ref": "ReportLogs"}
    metric = counted["MetricTransformations"][0]
    alarm = properties("RefusedReportsAlarm")
    assert (alarm["Namespace"], alarm["MetricName"]) == (metric["MetricNamespace"], metric["MetricName"])


def test_a_service_that_is_away_for_now_is_no_refusal(world: World) -> None:
    fail(world)
    with failing("sesv2.SendEmail", "TooManyRequestsException", times=1):
        world.run(61)
    assert report_error(world) is None


def test_an_owner_without_an_address_is_shown_in_the_hook(world: World) -> None:
    set_account("ann", email="")
    fail(world)
    world.run(121)
    error = report_error(world)
    assert error is not None
    assert error["reason"] == "The owner's account has no e-mail address."


def test_an_account_that_is_off_is_shown_to_others_who_may_see_the_hook(world: World) -> None:
    world.app.add_user("root", superuser=True)
    fail(world)
    switch_off("ann")
    world.run(121)
    shown = world.app.get(world.hook_path(), user="root").json()["report_error"]
    assert shown["reason"] == "The owner's account is off."


def test_a_deployment_without_a_sender_says_so_in_the_hook(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORMRELAY_MAIL_FROM", "")
    settings.cache_clear()
    fail(world)
    world.run(121)
    error = report_error(world)
    assert error is not None
    assert error["reason"] == "This deployment sends no mail."


def test_failures_of_a_hook_that_was_deleted_are_not_mailed(world: World) -> None:
    fail(world)
    assert world.app.send("DELETE", world.hook_path()).status == 204
    world.run(HOUR)
    assert world.mails == []
    assert "sweep" not in (world.report_item() or {})


# Languages


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("en", "REST Services Failure Report"),
        ("fr", "Rapport d’échec des services REST"),
        ("es-MX", "Informe de fallos de los servicios REST"),
        ("ar_EG", "تقرير إخفاقات خدمات REST"),
        ("sw", "REST Services Failure Report"),
        (17, "REST Services Failure Report"),
    ],
)
def test_the_mail_is_in_the_language_of_the_account(world: World, language: object, subject: str) -> None:
    set_account("ann", details={"language": language})
    fail(world)
    with letters() as sent:
        world.run(121)
    (letter,) = sent
    assert letter.subject == subject


def test_an_account_is_made_with_its_language(world: World) -> None:
    assert create_account("bea", PASSWORD, "bea@example.org", language="fr")
    account = accounts.get_account("bea")
    assert account is not None
    assert account["details"] == {"language": "fr"}
