"""``…/hooks/{hook}/logs/`` (contract rest-services §1, §3)."""

from __future__ import annotations

from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

from formrelay import clock, ids
from formrelay.api import hooks, moments, paging
from formrelay.api.about import HOOKS, PAGING, About, Page, Query
from formrelay.api.http import Request, Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import invalid, not_found
from formrelay.event_kinds import CREATED
from formrelay.storage import deliveries, marks
from formrelay.storage.table import Item


def list_logs(ctx: Context, asset: str, hook: str) -> Response:
    """Deliveries, newest submission first. Without filters, reads no more than the page and the marks before it."""
    hooks.require(ctx, asset, hook)
    filters = _filters(_sorted_out(ctx.request))
    start, limit = paging.window(ctx.request)
    count, items = _all(hook, start, limit) if filters == _NO_FILTERS else _some(hook, filters, start, limit)
    return json_response(
        paging.envelope(ctx.request, count, [_log(ctx, item) for item in items], start, limit)
    )


def _all(hook: str, start: int, limit: int) -> tuple[int, list[Item]]:
    census = marks.census(hook)
    if start >= census.count:
        return census.count, []
    before, skip = census.locate(start, forward=False)
    return census.count, list(islice(deliveries.newest_first(hook, before), skip, skip + limit))


def _some(hook: str, filters: _Filters, start: int, limit: int) -> tuple[int, list[Item]]:
    """Looks at every delivery: what a filter keeps is known only then."""
    status, since, until = filters
    count, items = 0, []
    for item in deliveries.newest_first(hook):
        if (status is None or item["status"] == status) and since <= item["modified"] < until:
            if start <= count < start + limit:
                items.append(item)
            count += 1
    return count, items


_Filters = tuple[int | None, float, float]
_NO_FILTERS: _Filters = (None, float("-inf"), float("inf"))


def _filters(query: dict[str, str]) -> _Filters:
    """``(status, since, until)`` of a log list, times in ms. Raises 400 for what is no status or no date."""
    status = query.get("status", "")
    if status not in ("", "0", "1", "2", "3"):
        raise invalid("status", f"Select a valid choice. {status} is not one of the available choices.")
    since, until = query.get("start_date", ""), query.get("end_date", "")
    return (
        int(status) if status else None,
        moments.required("start_date", since) if since else float("-inf"),
        moments.required("end_date", until) if until else float("inf"),
    )


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
                Query("start_date", "Only those changed at or after that time, ISO 8601."),
                Query("end_date", "Only those changed before that time, ISO 8601."),
            ),
            errors=(400,),
        ),
    ),
    Route("GET", _HOOK + "/logs/{log}", get_log, about=About("Read a delivery", HOOKS, {200: "Log"})),
]
