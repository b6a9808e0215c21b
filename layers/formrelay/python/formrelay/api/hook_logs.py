"""``…/hooks/{hook}/logs/`` (contract rest-services §1, §3)."""

from __future__ import annotations

from itertools import islice
from typing import Any

from formrelay import clock, ids
from formrelay.api import hooks, log_filters, paging
from formrelay.api.about import HOOKS, PAGING, About, Page, Query
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import not_found
from formrelay.event_kinds import CREATED
from formrelay.storage import deliveries, marks
from formrelay.storage.table import Item


def list_logs(ctx: Context, asset: str, hook: str) -> Response:
    """Deliveries, newest submission first. Without filters, reads no more than the page and the marks before it."""
    _, stored = hooks.require(ctx, asset, hook)
    filters = log_filters.asked(ctx.request, asset)
    start, limit = paging.window(ctx.request)
    if filters == log_filters.NONE:
        count, items = _all(hook, start, limit)
    elif filters.submission is not None:
        count, items = log_filters.of_submission(stored, filters, start, limit)
    else:
        count, items = log_filters.found(hook, filters, start, limit)
    return json_response(
        paging.envelope(ctx.request, count, [_log(ctx, item) for item in items], start, limit)
    )


def _all(hook: str, start: int, limit: int) -> tuple[int, list[Item]]:
    census = marks.census(hook)
    if start >= census.count:
        return census.count, []
    before, skip = census.locate(start, forward=False)
    return census.count, list(islice(deliveries.newest_first(hook, before, most=skip + limit), skip, None))


def delivery(ctx: Context, asset: str, hook: str, log: str) -> tuple[Item, Item]:
    """The hook and its delivery with that uid. Raises 404."""
    _, found = hooks.require(ctx, asset, hook)
    sid = ids.delivery_sid(hook, log)
    item = deliveries.get(hook, sid) if sid is not None else None
    if item is None:
        raise not_found()
    return found, item


def get_log(ctx: Context, asset: str, hook: str, log: str) -> Response:
    _, item = delivery(ctx, asset, hook, log)
    return json_response(_log(ctx, item))


def _log(ctx: Context, item: Item) -> dict[str, Any]:
    uid = ids.delivery_uid(item["hook"], item["sid"])
    processing = item["status"] == deliveries.PROCESSING
    message = "Submission is being queued for processing" if processing else item.get("message", "")
    return {
        "url": f"{ctx.api}/assets/{item['asset']}/hooks/{item['hook']}/logs/{uid}/",
        "uid": uid,
        "submission_id": deliveries.submission_id(item),
        "tries": item["tries"],
        "status": item["status"],
        "status_str": deliveries.STATUS_NAMES[item["status"]],
        "status_code": item.get("code"),
        "message": message,
        "date_modified": clock.iso_micro(item["modified"]),
        "event": item.get("event", CREATED),
    }


_HOOK = "/api/v2/assets/{asset}/hooks/{hook}"
ROUTES = [
    Route(
        "GET",
        _HOOK + "/logs",
        list_logs,
        about=About(
            "List the deliveries of a hook, newest first",
            HOOKS,
            {200: Page("Log")},
            (
                *PAGING,
                Query("status", "0 failed, 1 pending, 2 success, 3 processing.", {"enum": [0, 1, 2, 3]}),
                Query("submission_id", "Only those of that submission: its `_id`, or one of its UUIDs."),
                Query("start_date", "Only those changed at or after that time, ISO 8601."),
                Query("end_date", "Only those changed before that time, ISO 8601."),
            ),
            errors=(400,),
        ),
    ),
    Route("GET", _HOOK + "/logs/{log}", get_log, about=About("Read a delivery", HOOKS, {200: "Log"})),
]
