"""What a failure mail says, in the language of its reader; :mod:`as_text` and :mod:`as_html` show the same of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from formrelay import ids
from formrelay.hooks.ladder import FAILED
from formrelay.reports.links import Link, hook_links, project_url
from formrelay.reports.texts import Texts
from formrelay.storage.table import Item

# Deliveries that arrived after all are good news, which is short.
MAX_ARRIVED = 50
_JOINERS = "\u200c\u200d"  # not printable, but part of words
# Around a text whose direction is its own; they take no place.
ISOLATE, END = "\u2068", "\u2069"
_PREHEADER = 140
_NOTICE_CUT = 50


class Section(NamedTuple):
    """One project. ``hooks`` has the links of each hook that is named as failing."""

    title: str
    url: str
    notices: list[str]
    failures: list[Item]
    arrived: list[Item]
    hooks: list[tuple[str, list[Link]]]


class Content(NamedTuple):
    """One mail; every text of it is one line. ``notes`` say what did not fit."""

    texts: Texts
    greeting: str
    intro: str
    preheader: str
    sections: list[Section]
    notes: list[str]


def arrange(
    username: str,
    lines: Sequence[Item],
    arrived: Sequence[Item],
    *,
    texts: Texts,
    more: bool,
    stop_urls: Mapping[str, str],
) -> Content:
    """The content for failures and notices (``lines``) and deliveries that arrived after all, of one owner.

    By project, hook and time, newest first. ``more`` says that further failures follow in the next mail;
    ``stop_urls`` has a hook's link for switching its mails off.
    """
    ordered = sorted(
        [*lines, *arrived[:MAX_ARRIVED]],
        key=lambda line: (line["asset_name"], line["asset"], line["hook"], -line["at"]),
    )
    by_project: dict[str, list[Item]] = {}
    for line in ordered:
        by_project.setdefault(line["asset"], []).append(line)
    sections = [_section(group, texts, stop_urls) for group in by_project.values()]
    notes = [texts.more_failed] if more else []
    if len(arrived) > MAX_ARRIVED:
        notes.append(texts.more_arrived.format(count=len(arrived) - MAX_ARRIVED))
    failed = sum(len(section.failures) for section in sections)
    told = [section for section in sections if section.failures or section.notices]
    titles = ", ".join(isolated(section.title, texts) for section in told)
    preheader = texts.preheader_failed if failed else texts.preheader_changed
    return Content(
        texts,
        greeting=texts.greeting.format(name=one_line(username)),
        intro=texts.some_failed if failed else texts.hooks_changed,
        preheader=cut(preheader.format(count=failed, projects=titles), _PREHEADER),
        sections=sections,
        notes=notes,
    )


def _section(lines: list[Item], texts: Texts, stop_urls: Mapping[str, str]) -> Section:
    told = [line for line in lines if line.get("kind") != "arrived"]
    by_hook = {line["hook"]: line for line in reversed(told)}
    return Section(
        title=one_line(lines[0]["asset_name"]),
        url=project_url(lines[0]),
        notices=[_notice(line, texts) for line in reversed(told) if line.get("kind")],
        failures=[line for line in told if not line.get("kind")],
        arrived=[line for line in lines if line.get("kind") == "arrived"],
        hooks=[
            (one_line(line["hook_name"]), hook_links(line, texts, stop_urls.get(hook)))
            for hook, line in sorted(by_hook.items())
        ],
    )


def _notice(line: Item, texts: Texts) -> str:
    text = {"paused": texts.paused, "switched-off": texts.switched_off}[line["kind"]]
    answer = f"{_code(line, texts)} {cut(_message(line), _NOTICE_CUT)}".rstrip()
    return text.format(
        hook=isolated(one_line(line["hook_name"]), texts),
        date=isolated(date(line), texts),
        failures=line.get("failures"),
        answer=isolated(answer, texts),
    )


def _code(line: Item, texts: Texts) -> str:
    return texts.no_code if line["code"] is None else str(line["code"])


def columns(texts: Texts) -> tuple[str, ...]:
    """The heads of the table of failures. "Submission" is the log's uid, as readers of these mails are used to."""
    return (
        texts.hook,
        texts.submission,
        texts.submission_id,
        texts.status_code,
        texts.message,
        texts.date,
    )


def cells(line: Item, texts: Texts, message_cut: int) -> tuple[str, ...]:
    """One failure, as :func:`columns` name it."""
    return (
        *_named(line),
        _code(line, texts),
        cut(_message(line), message_cut),
        date(line),
    )


def _message(line: Item) -> str:
    """What went wrong, in one line: a column has no room for words that say only that something did."""
    return one_line(line["message"].removeprefix(FAILED))


def arrived_columns(texts: Texts) -> tuple[str, ...]:
    """The heads of the table of what arrived after all."""
    return texts.hook, texts.submission, texts.submission_id, texts.date


def arrived_cells(line: Item) -> tuple[str, ...]:
    """One delivery that arrived after all, and when."""
    return *_named(line), date(line)


def _named(line: Item) -> tuple[str, str, str]:
    sid = line["sid"]
    return one_line(line["hook_name"]), ids.delivery_uid(line["hook"], sid), str(line.get("submission", sid))


def date(line: Item) -> str:
    """When it happened, UTC, to the minute (contract rest-services §8)."""
    return datetime.fromtimestamp(line["at"] / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def isolated(text: str, texts: Texts) -> str:
    """The text as a part of another one in that language, where it could run the other way."""
    return f"{ISOLATE}{text}{END}" if texts.direction == "rtl" or turns(text) else text


def turns(text: str) -> bool:
    """Whether a text has letters that run from right to left."""
    return any(unicodedata.bidirectional(char) in ("R", "AL") for char in text)


def cut(text: str, length: int) -> str:
    """The text with at most so many characters, its end marked when it was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def one_line(text: str) -> str:
    """Any text as one line without control characters, those that turn the direction of text included."""
    kept = (char if char.isprintable() or char in _JOINERS else " " for char in text)
    return " ".join("".join(kept).split())
