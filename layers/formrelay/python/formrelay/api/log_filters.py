"""Filters of ``…/hooks/{hook}/logs/``: what they ask for, and what they find (contract rest-services §3).

A hook of a few deliveries is looked through. Of more, the index of those in trouble tells which failed or wait, and the
tallies how many stand how; what neither knows is looked for as long as a request may take.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from typing import NamedTuple
from urllib.parse import parse_qsl

from formrelay import clock, ids
from formrelay.api import moments
from formrelay.api.http import Request
from formrelay.errors import detail, invalid
from formrelay.openrosa import instance_ids
from formrelay.storage import deliveries, hooks, marks, submissions, tallies
from formrelay.storage.deliveries import FAILED, PENDING, SUCCESS
from formrelay.storage.table import Item

# Seconds that deliveries may be looked through; the gateway waits for 30.
PATIENCE = 22.0
_TOO_SLOW = (
    "There are too many deliveries to look through in one request. Those that failed (status=0) or wait (status=1)"
    " are found at once."
)
# Kinds of trouble in the index. Beside these, what was made a moment ago waits.
_IN_TROUBLE = {FAILED: ("failed",), PENDING: ("pending", "parked", "waiting")}
# Digits that an ``_id`` has at most, and a number that is none.
_DIGITS = len(str(ids.MAX_SUBMISSION_ID))
_NOBODYS = ids.MAX_SUBMISSION_ID + 1
_UUID = re.compile(r"(uuid:)?[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


class Filters(NamedTuple):
    """None for any status, any submission; times of the last change in ms, ``until`` not included."""

    status: int | None = None
    submission: int | None = None
    since: float = float("-inf")
    until: float = float("inf")

    @property
    def has_dates(self) -> bool:
        return (self.since, self.until) != (float("-inf"), float("inf"))

    def keep(self, item: Item) -> bool:
        is_meant = self.status is None or item["status"] == self.status
        is_meant = is_meant and self.submission in (None, deliveries.submission_id(item))
        return bool(is_meant and self.since <= item["modified"] < self.until)


NONE = Filters()


def asked(request: Request, asset: str) -> Filters:
    """The filters of a log list. Raises ApiError 400 for what is no status, no number or no date."""
    query = _sorted_out(request)
    status = query.get("status", "")
    if status not in ("", "0", "1", "2", "3"):
        raise invalid("status", f"Select a valid choice. {status} is not one of the available choices.")
    since, until = query.get("start_date", ""), query.get("end_date", "")
    return Filters(
        int(status) if status else None,
        _submission(asset, query.get("submission_id", "")),
        moments.required("start_date", since) if since else NONE.since,
        moments.required("end_date", until) if until else NONE.until,
    )


def _submission(asset: str, text: str) -> int | None:
    """The ``_id`` that is meant, as such or by a UUID; of a submission that is deleted, too. Raises ApiError 400."""
    if not text:
        return None
    if _UUID.fullmatch(text):
        guard = submissions.get_guard(asset, instance_ids.bare(text))
        return guard.sid if guard else _NOBODYS
    if not (text.isascii() and text.isdigit()):
        raise invalid("submission_id", "Enter an `_id` or a UUID.")
    # Python refuses to read numbers of thousands of digits.
    digits = text.lstrip("0") or "0"
    return int(digits) if len(digits) <= _DIGITS else _NOBODYS


def _sorted_out(request: Request) -> dict[str, str]:
    """The request's query, changed in place so that the links to other pages have it too.

    n8n sends its date filters as ``start`` and ``end``, and adds them to ``next`` again, where ``start`` is a row:
    of ``start`` the last bare number is a row, and the last date is ``start_date``.
    """
    query = request.query
    pairs = parse_qsl(request.raw_query, keep_blank_values=True)
    for name in ("start", "end"):
        values = [value for key, value in pairs if key == name]
        rows = [value for value in values if value.isascii() and value.isdigit()]
        dates = [value for value in values if value not in rows and moments.parsed(value) is not None]
        if name == "start" and rows:
            query[name] = rows[-1]
        else:
            query.pop(name, None)
        if dates:
            query.setdefault(f"{name}_date", dates[-1])
    return query


def found(hook: str, filters: Filters, start: int, limit: int) -> tuple[int, list[Item]]:
    """How many deliveries the filters keep, and those of one page, newest submission first.

    Of a hook with many, the first may lag by moments. Raises ApiError 400 where that takes longer than a request may.
    """
    if tallies.may_be_few(marks.stretches(hook)):
        few = list(deliveries.newest_first(hook, most=tallies.FEW + 1))
        if len(few) <= tallies.FEW:
            return _page(filter(filters.keep, few), start, limit)
    kept = filter(filters.keep, _in_time(_candidates(hook, filters.status)))
    if filters.has_dates or filters.status not in (*_IN_TROUBLE, SUCCESS):
        return _page(kept, start, limit)
    count = tallies.of(hook).by_status[filters.status]
    return count, list(islice(kept, start, start + limit)) if start < count else []


def of_submission(hook: Item, filters: Filters, start: int, limit: int) -> tuple[int, list[Item]]:
    """The same of the deliveries of one submission to a hook, as stored.

    To a hook that only ever heard of new submissions that is one, which is looked up. Those of others are looked
    through, from the newest delivery to that of the creation. Raises ApiError 400 as :func:`found`.
    """
    sid = filters.submission or 0
    there: Iterable[Item]
    if not hooks.heard_more(hook):
        created = deliveries.get(hook["uid"], sid)
        there = [created] if created else []
    else:
        there = takewhile(lambda item: item["sid"] >= sid, deliveries.newest_first(hook["uid"]))
    return _page(filter(filters.keep, _in_time(there)), start, limit)


def _page(items: Iterable[Item], start: int, limit: int) -> tuple[int, list[Item]]:
    count, page = 0, []
    for item in items:
        if start <= count < start + limit:
            page.append(item)
        count += 1
    return count, page


def _candidates(hook: str, status: int | None) -> Iterator[Item]:
    """The deliveries among which those of that status are, newest submission first."""
    kinds = _IN_TROUBLE.get(status) if status is not None else None
    if kinds is None:
        return deliveries.newest_first(hook)
    troubled = deliveries.in_trouble(hook, kinds)
    if status == FAILED:
        return troubled
    first = marks.census(hook).end
    tail = takewhile(lambda item: item["sid"] >= first, deliveries.newest_first(hook))
    return heapq.merge(
        troubled, (item for item in tail if "trouble" not in item), key=lambda item: -item["sid"]
    )


def _in_time(items: Iterable[Item]) -> Iterator[Item]:
    ends = clock.now() + PATIENCE
    for item in items:
        if clock.now() > ends:
            raise detail(400, _TOO_SLOW)
        yield item
