"""``A/counts/``, ``/api/v2/asset_usage/`` and ``/api/v2/service_usage/`` (contract assets §8)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from formrelay import clock, listings, permissions, usage
from formrelay.api import paging
from formrelay.api.about import PAGING, PROJECTS, About, Page, Query
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import ApiError, detail, invalid, not_found
from formrelay.selection import SlowError
from formrelay.storage import assets, blobs
from formrelay.storage.listings import of_user
from formrelay.storage.table import Item
from formrelay.usage import DAY_MS, Tally

MAX_DAYS = 31
_DAYS = 30
_THREADS = 8
# For measuring projects, and for reading what somebody may see of one; the gateway waits for 30.
SECONDS = 20.0
_TOO_MUCH = (
    "Measuring so many projects and files takes too long: ask for fewer of them, with a limit on asset_usage."
)
_NLP_TOTALS = (
    "asr_seconds_current_period",
    "asr_seconds_all_time",
    "mt_characters_current_period",
    "mt_characters_all_time",
)
_NLP = {"total_nlp_asr_seconds": 0, "total_nlp_mt_characters": 0}


def get_counts(ctx: Context, asset: str) -> Response:
    project = assets.project(asset)
    rows = permissions.rows(ctx.caller, project, permissions.VIEW)
    if project is None or not project.is_deployed:
        raise not_found()
    try:
        found = usage.tally_of(asset, rows, usage.today() - _days(ctx), seconds=SECONDS)
    except SlowError:
        raise detail(400, "There are too many submissions to count those that you may see.") from None
    days = {clock.iso_seconds(day * DAY_MS)[:10]: number for day, number in sorted(found.by_day.items())}
    return json_response({"daily_submission_counts": days, "total_submission_count": found.total})


def _days(ctx: Context) -> int:
    text = ctx.request.query.get("days", str(_DAYS)).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise invalid("days", "A valid integer is required.")
    if not 1 <= int(text) <= MAX_DAYS:
        raise invalid("days", f"Ensure this value is between 1 and {MAX_DAYS}.")
    return int(text)


def list_usage(ctx: Context) -> Response:
    """Own projects, each with what it takes."""
    rows = listings.ordered(_own(ctx), "")
    start, limit, page = paging.page(ctx.request, rows)
    results = [
        {
            "asset": f"{ctx.api}/assets/{row['uid']}/",
            "asset__name": row["name"],
            "nlp_usage_current_period": _NLP,
            "nlp_usage_all_time": _NLP,
            "storage_bytes": size,
            "submission_count_current_period": found.by_day.total(),
            "submission_count_all_time": found.total,
        }
        for row, found, size in _measured(page)
    ]
    return json_response(paging.envelope(ctx.request, len(rows), results, start, limit))


def get_service_usage(ctx: Context) -> Response:
    """All own projects together; the period is the month (UTC)."""
    measured = _measured(_own(ctx))
    now = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
    begin = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    return json_response(
        {
            "total_nlp_usage": dict.fromkeys(_NLP_TOTALS, 0),
            "total_storage_bytes": sum(size for _, _, size in measured),
            "total_submission_count": {
                "current_period": sum(found.by_day.total() for _, found, _ in measured),
                "all_time": sum(found.total for _, found, _ in measured),
            },
            "current_period_start": _second(begin),
            "current_period_end": _second(end),
            "last_updated": _second(now),
        }
    )


def _own(ctx: Context) -> list[Item]:
    name = ctx.user.username
    return [row for row in of_user(name) if row["owner"] == name]


def _measured(rows: Sequence[Item]) -> list[tuple[Item, Tally, int]]:
    """Counts of this month, and bytes; drafts have neither. Raises ApiError 503 where that takes too long."""
    ends = time.monotonic() + SECONDS
    month = usage.today() - datetime.fromtimestamp(clock.now_ms() / 1000, UTC).day + 1

    def measure(row: Item) -> tuple[Item, Tally, int]:
        if not row["deployed"]:
            return row, Tally(0, Counter()), 0
        if time.monotonic() > ends:
            raise TimeoutError
        return row, usage.tally(row["uid"], month), blobs.attached_bytes(row["uid"], ends)

    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            return list(pool.map(measure, rows))
        except TimeoutError:
            raise ApiError(503, {"detail": _TOO_MUCH}, {"Retry-After": "60"}) from None


def _second(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


ROUTES = [
    Route(
        "GET",
        "/api/v2/assets/{asset}/counts",
        get_counts,
        about=About(
            "Count the submissions of a project, day by day",
            PROJECTS,
            {200: "ProjectCounts"},
            (
                Query(
                    "days",
                    f"How many days back, {_DAYS} unless told.",
                    {"type": "integer", "minimum": 1, "maximum": MAX_DAYS},
                ),
            ),
            errors=(400,),
            public=True,
        ),
    ),
    Route(
        "GET",
        "/api/v2/asset_usage",
        list_usage,
        about=About("What each own project takes", PROJECTS, {200: Page("ProjectUsage")}, PAGING),
    ),
    Route(
        "GET",
        "/api/v2/service_usage",
        get_service_usage,
        about=About("What all own projects take together", PROJECTS, {200: "ServiceUsage"}),
    ),
]
