"""Letters: written with what they tell of, sent once, and not lost whatever fails (design §5)."""

from __future__ import annotations

import pytest

from formrelay.letters import run as running
from formrelay.letters.texts import ACCESS_EXPORT, LETTERS, PAGES
from formrelay.storage import letters as outbox
from formrelay.storage.table import Item
from tests.support.app import App, Clock
from tests.support.aws import mails, messages
from tests.support.calls import crashing, failing
from tests.support.reports import letters, set_account


def write(**values: object) -> Item:
    letter = outbox.new(
        ACCESS_EXPORT, **{"username": "ann", "facts": {"days": 7}, "link": "https://x/", **values}
    )
    outbox.put(letter)
    return letter


def test_a_letter_goes_out_once_however_often_it_is_asked_for(app: App) -> None:
    letter = write()
    with letters() as sent:
        for _ in range(3):
            running.send_soon(letter)
        app.report()
    assert len(sent) == 1


def test_recovery_sends_what_no_message_asks_for(app: App, clock: Clock) -> None:
    letter = write()
    with failing("sqs.SendMessage"):
        running.send_soon(letter)
    app.recover()
    with letters() as sent:
        app.report()
        clock.forward(121)
        assert app.recover() == {"letter": 1}
        app.report()
        clock.forward(4_000)
        assert app.recover() == {}
    assert len(sent) == 1


def test_a_letter_survives_the_end_of_the_process_that_sends_it(app: App, clock: Clock) -> None:
    letter = write()
    running.send_soon(letter)
    with crashing("sesv2.SendEmail"):
        app.report()
    assert mails() == []
    clock.forward(121)
    app.recover()
    app.report()
    assert len(mails()) == 1


def test_what_ses_refuses_for_good_is_not_tried_again(app: App, clock: Clock) -> None:
    running.send_soon(write())
    with failing("sesv2.SendEmail", "MessageRejected"):
        app.report()
    clock.forward(4_000)
    assert app.recover() == {}


@pytest.mark.parametrize("fields", [{"active": False}, {"email": ""}])
def test_nobody_is_written_to_who_cannot_be(app: App, clock: Clock, fields: Item) -> None:
    set_account("ann", **fields)
    running.send_soon(write())
    with letters() as sent:
        app.report()
    clock.forward(4_000)
    assert (sent, app.recover(), messages(app.settings.report_queue)) == ([], {}, [])


def test_every_language_says_everything() -> None:
    assert LETTERS.keys() == PAGES.keys() == {"en", "fr", "es", "ar"}
    facts = {"username": "u", "project": "p", "projects": "q", "sender": "s", "days": 1, "hours": 2}
    for said in LETTERS.values():
        assert said.keys() == LETTERS["en"].keys()
        for kind, letter in said.items():
            for paragraph, english in zip(letter.body, LETTERS["en"][kind].body, strict=True):
                names = {name for name in facts if f"{{{name}}}" in paragraph}
                assert names == {name for name in facts if f"{{{name}}}" in english}
                assert "{" not in paragraph.format(**facts)
