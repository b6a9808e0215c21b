"""Retries and replays that people ask for (contract rest-services §5)."""

from __future__ import annotations

from typing import Any

from formrelay import clock, functions, ids, jobs
from formrelay.api import hook_jobs, hook_logs, hooks, moments
from formrelay.api.about import HOOKS, About, Body, Query
from formrelay.api.http import Response, json_response, parse_json
from formrelay.api.router import Context, Route
from formrelay.errors import ApiError, UnavailableError, detail, invalid
from formrelay.hooks import fields
from formrelay.hooks.ladder import DELETED
from formrelay.isolation import lanes
from formrelay.query import texts
from formrelay.resends import jobs as resends
from formrelay.resends import replays, retries
from formrelay.storage import deliveries
from formrelay.storage.table import Item

# Seconds that a request may spend on naming deliveries, and on sending them; the rest is left to recovery.
_NAMING = 5.0
_INLINE = 5.0
# So many uids fit well into one answer.
_MAX_NAMED = 50_000
# Of one replay: ids that it may name, and bytes of its query.
MAX_CHOSEN = 1_000
MAX_QUERY = 10_000
_BUSY = "Data is being or has already been processed"
_WAYS = ("all", "query", "since", "submission_ids")


# One


def retry_log(ctx: Context, asset: str, hook: str, log: str) -> Response:
    """Sends one delivery again while the caller waits; queues it where that is not possible."""
    found, item = hook_logs.delivery(ctx, asset, hook, log)
    force = _force({**ctx.request.query, **ctx.request.data()})
    may_send = found["active"] and _may_send(item, force)
    if may_send and retries.is_spent(item):
        return json_response({"detail": DELETED, "status_code": None}, 400)
    due = retries.retry(item) if may_send else None
    if due is None:
        return json_response({"detail": _BUSY, "status_code": None}, 400)
    try:
        outcome = functions.deliver_now(lanes.message(due))
    except UnavailableError:
        outcome = {"sent": False}
    if not outcome["sent"]:
        retries.send(due)
        return json_response({"detail": "The retry is queued", "status_code": None})
    code, text = outcome["status_code"], outcome["detail"]
    if outcome["ok"]:
        return json_response({"detail": text, "status_code": code})
    return json_response({"detail": f"HTTP {code} - {text}", "status_code": code}, 400)


def _may_send(item: Item, force: bool) -> bool:
    """Whatever is not in flight may be sent again, but what arrived only when the caller insists."""
    if item["status"] == deliveries.SUCCESS:
        return force
    return bool(item["status"] != deliveries.PROCESSING)


def _force(given: dict[str, Any]) -> bool:
    """Whether the caller insists. Raises ApiError 400."""
    return fields.flag("force", given["force"]) if given.get("force") not in (None, "") else False


# Many


def retry_hook(ctx: Context, asset: str, hook: str) -> Response:
    """Makes failed deliveries of a hook due again: all, or those that parameters or the body's fields choose."""
    _, found = hooks.require(ctx, asset, hook)
    filters = _filters({**ctx.request.query, **ctx.request.data()})
    if not found["active"]:
        raise detail(400, "Cannot retry on disabled hooks")
    chosen = retries.named(hook, filters, clock.now_ms(), most=_MAX_NAMED, seconds=_NAMING)
    if not chosen:
        return json_response({"detail": "No data to retry", "pending_uids": []})
    job = resends.retry(asset, hook, filters)
    jobs.begin(job, _INLINE)
    uids = [ids.delivery_uid(hook, sid) for sid in chosen]
    answer = {"detail": "Task successfully scheduled", "pending_uids": uids, "job": hook_jobs.url(ctx, job)}
    return json_response(answer)


def _filters(data: dict[str, Any]) -> retries.Filters:
    """What of a hook's deliveries is to be retried. Raises ApiError 400; what is left empty is no condition.

    Dates may be named as filters of logs are: whoever retries what a list shows would else send everything again.
    """
    given = {name: value for name, value in data.items() if value not in (None, "")}
    return retries.Filters(
        since=_moment(given, "since", "start_date"),
        until=_moment(given, "until", "end_date"),
        code=_code(given["status_code"]) if "status_code" in given else None,
        force=_force(given),
    )


def _moment(given: dict[str, Any], *names: str) -> int | None:
    """The moment (ms) under the first of these names. Raises ApiError 400."""
    name = next((name for name in names if name in given), None)
    return int(moments.required(name, given[name])) if name else None


def _code(value: Any) -> int:
    """A status code of HTTP, or ``none`` for attempts without an answer."""
    text = str(value).strip().lower() if isinstance(value, int | str) else ""
    if text == "none":
        return retries.NO_CODE
    if not (len(text) == 3 and text.isascii() and text.isdigit() and text >= "100"):
        raise invalid("status_code", "Enter a status code of HTTP, or none.")
    return int(text)


# Replay


def replay_hook(ctx: Context, asset: str, hook: str) -> Response:
    """Sends existing submissions to a hook, whether or not they were sent before."""
    _, found = hooks.require(ctx, asset, hook)
    wanted = _wanted(ctx.request.data())
    if not found["active"]:
        raise detail(400, "Cannot replay to disabled hooks")
    job = resends.replay(asset, hook, wanted)
    jobs.begin(job, _INLINE)
    shown = hook_jobs.fresh(ctx, job)
    return json_response(shown, 202, {"Location": shown["url"]})


def _wanted(data: dict[str, Any]) -> replays.Wanted:
    """Which submissions are to be sent. Raises ApiError 400."""
    ways = [name for name in _WAYS if data.get(name) not in (None, "")]
    if len(ways) != 1:
        raise invalid("non_field_errors", f"Give exactly one of {', '.join(_WAYS)}.")
    value = data[ways[0]]
    if ways == ["query"]:
        return replays.Wanted(query=_query(value))
    if ways == ["since"]:
        return replays.Wanted(since=int(moments.required("since", value)))
    if ways == ["submission_ids"]:
        return replays.Wanted(chosen=_chosen(value))
    if not fields.flag("all", value):
        raise invalid("all", "Must be true.")
    return replays.Wanted()


def _query(value: Any) -> str:
    """A query of the data API, as JSON or as its text."""
    try:
        return texts.kept(value, MAX_QUERY)
    except texts.RefusedError as error:
        raise invalid("query", str(error)) from None


def _chosen(value: Any) -> tuple[int, ...]:
    value = _parsed_list(value)
    if not isinstance(value, list):
        raise invalid("submission_ids", f'Expected a list of items but got type "{type(value).__name__}".')
    if not value:
        raise invalid("submission_ids", "This list may not be empty.")
    if len(value) > MAX_CHOSEN:
        raise invalid("submission_ids", f"Ensure this field has no more than {MAX_CHOSEN} elements.")
    return tuple(dict.fromkeys(_id(entry) for entry in value))


def _parsed_list(value: Any) -> Any:
    """How a form sends a list: as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except ApiError:
        return value


def _id(value: Any) -> int:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(ids.MAX_SUBMISSION_ID))):
        raise invalid("submission_ids", "A valid integer is required.")
    return int(text)


_HOOK = "/api/v2/assets/{asset}/hooks/{hook}"
_FORCE = Query("force", "Send what has arrived, too.", {"type": "boolean"})
ROUTES = [
    Route(
        "PATCH",
        _HOOK + "/retry",
        retry_hook,
        about=About(
            "Retry failed deliveries of a hook, in the background",
            HOOKS,
            {200: "RetryStarted"},
            body=Body("RetryFilters", {"status_code": 503}),
            text="The fields may be parameters of the query string, too.",
        ),
    ),
    Route(
        "PATCH",
        _HOOK + "/logs/{log}/retry",
        retry_log,
        about=About(
            "Retry one delivery now",
            HOOKS,
            {200: "RetryResult", 400: "RetryResult"},
            query=(_FORCE,),
            body=Body("RetryOne", {"force": True}),
        ),
    ),
    Route(
        "POST",
        _HOOK + "/replay",
        replay_hook,
        about=About(
            "Send existing submissions to a hook, in the background",
            HOOKS,
            {202: "Job"},
            body=Body("ReplaySelection", {"all": True}, required=True),
        ),
    ),
]
