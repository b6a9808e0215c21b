"""The failure report as a mail: text and HTML with the same content (contract rest-services §8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from itertools import groupby

from formrelay import ids
from formrelay.storage.table import Item

SUBJECT = "REST Services Failure Report"
_TEXT_CUT, _HTML_CUT = 23, 50
# "Submission" is the log's uid, as readers of these mails are used to.
_COLUMNS = ("Hook", "Submission", "Submission ID", "Status code", "Message", "Date")


@dataclass(frozen=True)
class Mail:
    """What SES is given."""

    subject: str
    text: str
    html: str


def build(username: str, lines: Sequence[Item], *, more: bool) -> Mail:
    """The mail for failures of one owner: by project, hook and time, newest first.

    ``more`` says that further failures follow in the next mail.
    """
    ordered = sorted(lines, key=lambda line: (line["asset_name"], line["asset"], line["hook"], -line["at"]))
    projects = [list(group) for _, group in groupby(ordered, key=lambda line: line["asset"])]
    return Mail(SUBJECT, _text(username, projects, more), _html(username, projects, more))


_INTRO = (
    "some submissions did not reach the endpoint of a REST Service, and no further attempt is made by itself. "
    "You can send them again from the logs."
)
_MORE = "There are more failures; they follow in the next report."
_SIGNED = "formrelay"


def _text(username: str, projects: list[list[Item]], more: bool) -> str:
    out = [f"Dear {username},", "", _INTRO, ""]
    for lines in projects:
        out += [_line(lines[0]["asset_name"]), ""]
        for line in lines:
            cells = zip(_COLUMNS, _cells(line, _TEXT_CUT), strict=True)
            out.append("  " + " | ".join(f"{column}: {cell}" for column, cell in cells))
        out += ["", *(f"  {name}: {url}" for name, url in _links(lines)), ""]
    if more:
        out += [_MORE, ""]
    return "\n".join([*out, _SIGNED, ""])


def _html(username: str, projects: list[list[Item]], more: bool) -> str:
    out = [f"<p>Dear {escape(username)},</p><p>{_INTRO}</p>"]
    head = "".join(f"<th align='left'>{column}</th>" for column in _COLUMNS)
    for lines in projects:
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(line, _HTML_CUT)) + "</tr>"
            for line in lines
        )
        links = " · ".join(f'<a href="{escape(url)}">{escape(name)}</a>' for name, url in _links(lines))
        out.append(
            f"<h2>{escape(_line(lines[0]['asset_name']))}</h2>"
            f"<table border='1' cellpadding='4' style='border-collapse:collapse'><tr>{head}</tr>{rows}</table>"
            f"<p>{links}</p>"
        )
    out.append((f"<p>{_MORE}</p>" if more else "") + f"<p>{_SIGNED}</p>")
    return "<!doctype html><html><body style='font-family:sans-serif'>" + "".join(out) + "</body></html>"


def _cells(line: Item, cut: int) -> tuple[str, ...]:
    message = _line(line["message"])
    return (
        _line(line["hook_name"]),
        ids.delivery_uid(line["hook"], line["sid"]),
        str(line["sid"]),
        str(line["code"]),
        message if len(message) <= cut else message[: cut - 1] + "…",
        datetime.fromtimestamp(line["at"] / 1000, UTC).strftime("%Y-%m-%d %H:%M"),
    )


def _line(text: str) -> str:
    """Any text as one line."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _links(lines: list[Item]) -> list[tuple[str, str]]:
    """For each hook of a project its logs and the address that sends all of them again."""
    found = []
    for line in {line["hook"]: line for line in lines}.values():
        url = f"{line['base_url']}/api/v2/assets/{line['asset']}/hooks/{line['hook']}"
        name = _line(line["hook_name"])
        found += [
            (f"Logs of {name}", f"{url}/logs/?status=0"),
            (f"Retry all of {name} (PATCH)", f"{url}/retry/"),
        ]
    return found
