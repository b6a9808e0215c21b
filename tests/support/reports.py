"""What tests of failure mails share: a failure to be mailed, and mails with all that SES is given of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from formrelay import aws
from formrelay.settings import settings
from formrelay.storage import keys, table
from tests.support.receiver import Answer
from tests.support.world import World

# A failure that is final at once, so that tests need not wait for the ladder.
GONE = Answer(410, b"gone for good")


def fail(world: World) -> int:
    """One submission that fails for good, a moment ago."""
    world.receiver.answer = GONE
    sid = world.submit()
    world.run(0)
    assert world.log(sid)["status"] == 0
    # That answer paused the hook as well.
    world.change_hook(paused=False)
    return sid


def arrive(world: World, sid: int) -> None:
    """What failed for good arrives by a retry."""
    world.receiver.answer = Answer(200)
    assert world.retry(sid).status == 200
    assert world.log(sid)["status"] == 2


def set_account(username: str, **fields: Any) -> None:
    """Changes an account as its owner or an operator would."""
    if "details" in fields:
        fields["details"] = json.dumps(fields["details"])
    for name, value in fields.items():
        table.update(
            settings().accounts_table, keys.account(username), f"SET #{name} = :value", {":value": value}
        )


@dataclass(frozen=True)
class Letter:
    """One mail as SES is given it."""

    to: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    tags: dict[str, str]

    @property
    def stop_urls(self) -> list[str]:
        """The links that switch off the mails about one hook, in the order of the mail."""
        return re.findall(r'href="([^"]*/unsubscribe/[^"]*)"', self.html)

    @property
    def one_click(self) -> str:
        """The link for the button of a mail client."""
        return self.headers["List-Unsubscribe"].strip("<>")


@contextmanager
def letters() -> Iterator[list[Letter]]:
    """Collects what is sent while it lasts."""
    sent: list[Letter] = []

    def note(params: dict[str, Any], **_: object) -> None:
        simple = params["Content"]["Simple"]
        body = simple["Body"]
        sent.append(
            Letter(
                params["Destination"]["ToAddresses"][0],
                simple["Subject"]["Data"],
                body["Text"]["Data"],
                body["Html"]["Data"],
                {pair["Name"]: pair["Value"] for pair in simple["Headers"]},
                {pair["Name"]: pair["Value"] for pair in params["EmailTags"]},
            )
        )

    events, name = aws.sesv2().meta.events, "provide-client-params.sesv2.SendEmail"
    events.register(name, note)
    try:
        yield sent
    finally:
        events.unregister(name, note)
