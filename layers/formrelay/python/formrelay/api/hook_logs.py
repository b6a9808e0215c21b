"""``…/hooks/{hook}/logs/`` and the retries (contract rest-services §1, §3–§5)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from formrelay import clock, functions, ids, jobs
from formrelay.api import hooks, paging
from formrelay.api.http import Request, Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import UnavailableError, detail, invalid, not_found
from formrelay.storage import deliveries
from formrelay.storage.table import Item

# Time that a request may spend on retrying many deliveries before the rest is left to recovery (s).
_INLINE = 20.0
# So many uids fit well into one answer.
_MAX_NAMED = 50_000
_BUSY = "Data is being or has already been processed"


def list_logs(ctx: Context, asset: str, hook: str) -> Response:
    hooks.require(ctx, asset, hook)
    status, since, until = _filters(_sorted_out(ctx.request))
    start, limit = paging.window(ctx.request)
    count, rows = 0, []
    for item in deliveries.newest_first(hook):
        if status is not None and item["status"] != status:
            continue
        if not since <= item["modified"] < until:
            continue
        if start <= count < start + limit:
            rows.append(_log(ctx, item))
        count += 1
    return json_response(paging.envelope(ctx.request, count, rows, start, limit))


def _filters(query: dict[str, str]) -> tuple[int | None, float, float]:
    """``(status, since, until)`` of a log list, times in ms. Raises 400 for what is no status or no date."""
    status = query.get("status", "")
    if status not in ("", "0", "1", "2", "3"):
        raise invalid("status", f"Select a valid choice. {status} is not one of the available choices.")
    since, until = query.get("start_date", ""), query.get("end_date", "")
    return (
        int(status) if status else None,
        _moment("start_date", since) if since else float("-inf"),
        _moment("end_date", until) if until else float("inf"),
    )


def _moment(field: str, text: str) -> float:
    moment = _parsed(text)
    if moment is None:
        raise invalid(field, "Enter a valid date/time.")
    return moment


def _parsed(text: str) -> float | None:
    """A date or time as ms, UTC unless it says otherwise; None for anything else."""
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() * 1000


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
        dates = [value for value in values if value not in rows and _parsed(value) is not None]
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
        "submission_id": item["sid"],
        "tries": item["tries"],
        "status": item["status"],
        "status_str": deliveries.STATUS_NAMES[item["status"]],
        "status_code": item.get("code"),
        "message": message,
        "date_modified": clock.iso_micro(item["modified"]),
    }


# Retries


def retry_log(ctx: Context, asset: str, hook: str, log: str) -> Response:
    """Sends one delivery again while the caller waits; queues it where that is not possible."""
    found, item = delivery(ctx, asset, hook, log)
    message = jobs.retry_one(item, queue=False) if found["active"] and _may_send(ctx, item) else None
    if message is None:
        return json_response({"detail": _BUSY, "status_code": None}, 400)
    try:
        outcome = functions.deliver_now(message)
    except UnavailableError:
        outcome = {"sent": False}
    if not outcome["sent"]:
        jobs.send(message)
        return json_response({"detail": "The retry is queued", "status_code": None})
    code, text = outcome["status_code"], outcome["detail"]
    if outcome["ok"]:
        return json_response({"detail": text, "status_code": code})
    return json_response({"detail": f"HTTP {code} - {text}", "status_code": code}, 400)


def _may_send(ctx: Context, item: Item) -> bool:
    """Whatever is not in flight may be sent again, but what arrived only when the caller insists."""
    if item["status"] == deliveries.SUCCESS:
        return ctx.request.query.get("force", "").lower() in ("true", "1")
    return bool(item["status"] != deliveries.PROCESSING)


def retry_hook(ctx: Context, asset: str, hook: str) -> Response:
    """Makes every failed delivery of a hook due again."""
    _, found = hooks.require(ctx, asset, hook)
    if not found["active"]:
        raise detail(400, "Cannot retry on disabled hooks")
    chosen = jobs.retriable(hook, clock.now_ms())
    if not chosen:
        return json_response({"detail": "No data to retry", "pending_uids": []})
    jobs.begin(jobs.retry_hook(asset, hook), _INLINE)
    uids = [ids.delivery_uid(hook, sid) for sid in chosen[:_MAX_NAMED]]
    return json_response({"detail": "Task successfully scheduled", "pending_uids": uids})


_HOOK = "/api/v2/assets/{asset}/hooks/{hook}"
ROUTES = [
    Route("PATCH", _HOOK + "/retry", retry_hook),
    Route("GET", _HOOK + "/logs", list_logs),
    Route("GET", _HOOK + "/logs/{log}", get_log),
    Route("PATCH", _HOOK + "/logs/{log}/retry", retry_log),
]
