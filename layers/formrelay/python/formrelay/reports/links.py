"""The one place that knows where the links of a failure mail lead: to routes of the API."""

from __future__ import annotations

from typing import NamedTuple

from formrelay.reports.texts import Texts
from formrelay.storage.table import Item


class Link(NamedTuple):
    """``method`` is how ``url`` is to be called: what is not GET is no link to click on."""

    label: str
    url: str
    method: str = "GET"


def project_url(line: Item) -> str:
    """The project of a line."""
    return f"{line['base_url']}/api/v2/assets/{line['asset']}/"


def hook_links(line: Item, texts: Texts, stop_url: str | None) -> list[Link]:
    """For the hook of a line: its logs, how to send again all that failed, and how to stop the mails about it."""
    url = f"{project_url(line)}hooks/{line['hook']}"
    found = [
        Link(texts.logs, f"{url}/logs/?status=0"),
        Link(texts.retry, f"{url}/retry/", "PATCH"),
    ]
    return found + ([Link(texts.stop, stop_url)] if stop_url else [])
