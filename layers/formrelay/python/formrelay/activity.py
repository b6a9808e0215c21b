"""The activity of a project as it is read: entries and what submissions tell, merged by time, newest first.

What a list costs grows with its page: submissions are counted and skipped by their marks
(:mod:`formrelay.storage.marks`), entries counted by their blocks (:mod:`formrelay.storage.history_blocks`). A search
reads what it cannot leave out by action or date, up to :data:`MOST_SEARCHED`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from formrelay import clock, ids
from formrelay.errors import detail
from formrelay.history import PROJECT, submission_facts
from formrelay.search import Search
from formrelay.search.operators import moment
from formrelay.settings import settings
from formrelay.storage import history, history_blocks, keys, marks
from formrelay.storage.history_blocks import Block
from formrelay.storage.table import Item
from formrelay.user_agents import UNKNOWN
from formrelay.usernames import ANONYMOUS

# Of what a query does not tell apart by action or date, so much is read at most.
MOST_SEARCHED = 50_000
_DAY_MS = 86_400_000
# Behind every position there is.
_END = "9" * 16


class Event(NamedTuple):
    """One entry as people read it. ``uid`` and ``at`` (ms) of who did it and when; ``metadata`` of the contract."""

    username: str
    uid: str | None
    action: str
    metadata: dict[str, Any]
    at: int

    def record(self) -> dict[str, Any]:
        """What searches look into."""
        return {
            "user": {"username": self.username},
            "action": self.action,
            "metadata": self.metadata,
            "date_created": clock.iso_seconds(self.at),
        }


def page(asset: str, start: int, limit: int) -> tuple[int, list[Event]]:
    """How many events there are, and those of one page."""
    floor = _floor()
    census = marks.census(asset)
    blocks = history_blocks.extended(asset)
    entries = history.count_between(asset, blocks, after=floor, before=_END)
    count = _submitted(asset, census, floor) + entries
    if start >= count:
        return count, []
    before, rest = _located(asset, census, blocks, start, floor)
    return count, list(islice(_merged(asset, floor, before, page=rest + limit), rest, rest + limit))


def _floor() -> str:
    """The first position that is told of: older ones are as good as gone."""
    return keys.sid_text(ids.id_at(clock.now_ms() - settings().history_retention * _DAY_MS))


def _submitted(asset: str, census: marks.Census, floor: str) -> int:
    """How many submissions are not too old."""
    oldest = int(floor)
    count = 0
    for first, end, live in [
        *((mark.first, mark.end, mark.live) for mark in census.marks),
        (census.end, None, census.tail),
    ]:
        if first >= oldest:
            count += live
        elif end is None or end > oldest:
            last = _END if end is None else keys.sid_text(end - 1)
            count += sum(1 for _ in history.added(asset, after=floor, before=last))
    return count


def _located(
    asset: str, census: marks.Census, blocks: list[Block], start: int, floor: str
) -> tuple[str, int]:
    """Up to which position to read for row ``start``, and how many rows to leave out from there: whole stretches
    of submissions are skipped with the entries among them."""
    before = _END
    stretches = [(census.end, census.tail), *((mark.first, mark.live) for mark in reversed(census.marks))]
    for first, live in stretches:
        if first <= int(floor):
            break
        rows = live + history.count_between(asset, blocks, after=keys.sid_text(first), before=before)
        if rows > start:
            break
        # Behind the id before this stretch come the entries of its moment.
        start, before = start - rows, keys.sid_text(first - 1) + "~"
    return before, start


def _merged(asset: str, after: str, before: str, *, page: int | None = None) -> Iterator[Event]:
    """Everything between two positions, newest first; ``page`` is how many are wanted."""
    limit = min(page, marks.STRETCH) if page else None
    streams: list[Iterator[tuple[str, Event]]] = [
        (
            (item["sk"], _told(asset, item))
            for item in history.entries(asset, after=after, before=before, limit=limit)
        ),
        (
            (item["sk"], _added(asset, item))
            for item in history.added(asset, after=after, before=before, limit=limit)
        ),
        (
            (item["sk"], _added(asset, item))
            for item in history.deleted(asset, after=after, before=before, limit=limit)
        ),
    ]
    for _, event in heapq.merge(*streams, key=lambda row: row[0], reverse=True):
        yield event


def _told(asset: str, item: Item) -> Event:
    usual = _metadata(asset, item["subtype"], item["ip"], item["source"], item["owner"])
    return Event(item["username"], item["uid"], item["action"], {**usual, **history.more(item)}, item["at"])


def _added(asset: str, item: Item) -> Event:
    via = item.get("via") or {}
    usual = _metadata(asset, PROJECT, via.get("ip", ""), via.get("source", UNKNOWN), item["owner"])
    metadata = {**usual, "submission": submission_facts(item)}
    by, at = item.get("by") or ANONYMOUS, ids.time_of(int(item["sk"]))
    return Event(by, via.get("uid"), history.ADDED, metadata, at)


def _metadata(asset: str, subtype: str, ip: str, source: str, owner: str) -> dict[str, Any]:
    return {
        "asset_uid": asset,
        "log_subtype": subtype,
        "ip_address": ip,
        "source": source,
        "project_owner": owner,
    }


def actions(asset: str) -> list[str]:
    """Every action that the activity tells of, once."""
    floor = _floor()
    blocks = history_blocks.extended(asset)
    found = set(history_blocks.actions(blocks, floor))
    for low, high in history_blocks.counted(blocks, floor, _END)[1]:
        found |= {item["action"] for item in history.entries(asset, after=low, before=high)}
    submissions = (history.added, history.deleted)
    if any(True for read in submissions for _ in islice(read(asset, after=floor, before=_END, limit=1), 1)):
        found.add(history.ADDED)
    return sorted(found)


# Searches


def everything(asset: str) -> Iterator[Event]:
    """Every event, newest first."""
    return _merged(asset, _floor(), _END)


def matching(asset: str, search: Search) -> Iterator[Event]:
    """Every event that a search finds, newest first. Raises ApiError 400 where that is too much to read."""
    after, before = _bounds(search)
    wanted = search.only("action")
    if wanted is not None and history.ADDED not in wanted:
        found = history.entries(asset, after=after, before=before, actions=wanted) if wanted else iter(())
        events: Iterator[Event] = (_told(asset, item) for item in found)
    else:
        events = _merged(asset, after, before)
    for number, event in enumerate(events):
        if number >= MOST_SEARCHED:
            raise detail(400, "Too much to search: add a condition on date_created or action.")
        if search.matches(event.record()):
            yield event


def _bounds(search: Search) -> tuple[str, str]:
    """The positions between which all matches stand, as far as conditions on ``date_created`` tell."""
    low, high = clock.now_ms() - settings().history_retention * _DAY_MS, None
    for term in search.conditions("date_created"):
        found = moment(term.value)
        if found is None:
            continue
        at = _ms(found)
        if term.operator in ("gt", "gte", "exact", "date", "date__gt", "date__gte"):
            low = max(low, at)
        # Times are told in whole seconds, days as a whole.
        if term.operator in ("lt", "lte", "exact", "date", "date__lt", "date__lte"):
            end = at + (_DAY_MS if term.operator.startswith("date") else 1000)
            high = end if high is None else min(high, end)
    before = _END if high is None else keys.sid_text(ids.id_at(high))
    return keys.sid_text(ids.id_at(low)), before


def _ms(found: datetime) -> int:
    return int(found.timestamp() * 1000)
