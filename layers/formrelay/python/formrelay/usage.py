"""How much was submitted to projects, day by day, and how much it takes (contract assets §8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from formrelay import clock, selection
from formrelay.ids import MAX_SUBMISSION_ID
from formrelay.permissions import Rows
from formrelay.storage import marks, submissions

DAY_MS = 86_400_000


class Tally(NamedTuple):
    """Submissions of a project: all of them, and those of each day (UTC, days since 1970) that was asked for."""

    total: int
    by_day: Counter[int]


def today() -> int:
    """Days since 1970, UTC."""
    return clock.now_ms() // DAY_MS


def tally(asset: str, first_day: int) -> Tally:
    """Counts from a day on. Stretches of one day are counted by their mark, others read, and so is the newest part.

    Raises UnavailableError as :func:`marks.census` does.
    """
    found = marks.census(asset)
    by_day: Counter[int] = Counter()
    for mark in found.marks:
        first, last = mark.low // DAY_MS, mark.high // DAY_MS
        if last < first_day or not mark.live:
            continue
        if first == last:
            by_day[first] += mark.live
        else:
            by_day.update(_days(asset, mark.first, mark.end, mark.rows))
    by_day.update(_days(asset, found.end, MAX_SUBMISSION_ID + 1, max(found.tail, 1)))
    return Tally(found.count, Counter({day: number for day, number in by_day.items() if day >= first_day}))


def _days(asset: str, first: int, end: int, most: int) -> Iterator[int]:
    return (time // DAY_MS for _, time in submissions.times(asset, first=first, end=end, most=most))


def tally_of(asset: str, rows: Rows, first_day: int, *, seconds: float) -> Tally:
    """The same of the submissions that somebody may see; reads them where that is not all of them.

    Raises SlowError when that takes longer.
    """
    if rows.all:
        return tally(asset, first_day)
    seen = replace(selection.of(asset, "", rows.query), ends=clock.now() + seconds)
    by_day = Counter(row.item["time"] // DAY_MS for row in seen.rows())
    return Tally(by_day.total(), Counter({day: number for day, number in by_day.items() if day >= first_day}))
