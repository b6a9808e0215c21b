"""``…/hooks/{hook}/stats/``: deliveries of the last hours by outcome, and how long receivers took, for charts."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from formrelay import clock
from formrelay.api import hooks
from formrelay.api.about import HOOKS, About, Query
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import invalid
from formrelay.storage import deliveries
from formrelay.storage.table import Item

MAX_HOURS = 168
_DIGITS = 6
# The newest deliveries that are looked at, whatever the hours asked for: about a megabyte.
MAX_DELIVERIES = 2_000
_DEFAULT = 48
_HOUR = 3_600_000
_PAGE = 500


def get_stats(ctx: Context, asset: str, hook: str) -> Response:
    """One entry for each hour, oldest first; ``complete`` is false where there were more than are looked at."""
    hooks.require(ctx, asset, hook)
    hours = _hours(ctx.request.query.get("hours", ""))
    first = clock.now_ms() // _HOUR - hours + 1
    found, complete = _newest(hook, first * _HOUR)
    by_hour: dict[int, list[Item]] = {first + index: [] for index in range(hours)}
    for item in found:
        by_hour.setdefault(item["created"] // _HOUR, []).append(item)
    entries = [_entry(hour * _HOUR, items) for hour, items in sorted(by_hour.items())]
    return json_response({"complete": complete, "hours": entries})


def _hours(text: str) -> int:
    if not text:
        return _DEFAULT
    # Python refuses to read numbers of thousands of digits.
    hours = int(text) if len(text) <= _DIGITS and text.isascii() and text.isdigit() else 0
    if not 1 <= hours <= MAX_HOURS:
        raise invalid("hours", f"Give a number from 1 to {MAX_HOURS}.")
    return hours


def _newest(hook: str, since: int) -> tuple[list[Item], bool]:
    """Deliveries made since then (ms), at most so many of them; and whether those are all."""
    found: list[Item] = []
    for item in _pages(hook):
        if item["created"] < since:
            return found, True
        if len(found) == MAX_DELIVERIES:
            return found, False
        found.append(item)
    return found, True


def _pages(hook: str) -> Iterator[Item]:
    before: int | None = None
    while True:
        items, before = deliveries.page(hook, before, _PAGE)
        yield from items
        if before is None:
            return


def _entry(start: int, items: list[Item]) -> dict[str, Any]:
    took = sorted(item["arrived"]["took"] for item in items if "arrived" in item)
    status = [item["status"] for item in items]
    failed, success = status.count(deliveries.FAILED), status.count(deliveries.SUCCESS)
    return {
        "start": clock.iso_seconds(start),
        "success": success,
        "pending": len(status) - failed - success,
        "failed": failed,
        "p50_ms": round(statistics.median(took)) if took else None,
        "p95_ms": took[min(len(took) - 1, len(took) * 95 // 100)] if took else None,
    }


ROUTES = [
    Route(
        "GET",
        "/api/v2/assets/{asset}/hooks/{hook}/stats",
        get_stats,
        about=About(
            "Deliveries by hour and outcome, and how long they took",
            HOOKS,
            {200: "HookStats"},
            (Query("hours", f"How many, up to {MAX_HOURS}; {_DEFAULT} unless told.", {"type": "integer"}),),
            errors=(400,),
        ),
    )
]
