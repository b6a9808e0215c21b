"""The one place that knows where the links of a failure mail lead: to the console, and how programs do the same."""

from __future__ import annotations

from typing import NamedTuple

from formrelay.reports.texts import Texts
from formrelay.storage.table import Item


class Link(NamedTuple):
    """``url`` is a page for people; ``call`` the call of the API that does what it offers, if there is one."""

    label: str
    url: str
    call: str | None = None


def project_url(line: Item) -> str:
    """The project of a line, by the address of its first hook that readers of these mails are used to (contract §8)."""
    return f"{line['base_url']}/#/forms/{line['asset']}/settings/rest/{line['hook']}"


def hook_links(line: Item, texts: Texts, stop_url: str | None) -> list[Link]:
    """For the hook of a line: its logs, how to send again all that failed, and how to stop the mails about it."""
    page = f"{line['base_url']}/#/p/{line['asset']}/h/{line['hook']}"
    call = f"PATCH {line['base_url']}/api/v2/assets/{line['asset']}/hooks/{line['hook']}/retry/"
    found = [
        Link(texts.logs, f"{page}/deliveries?status=0"),
        Link(texts.retry, f"{page}/resend", call),
    ]
    return found + ([Link(texts.stop, stop_url)] if stop_url else [])
