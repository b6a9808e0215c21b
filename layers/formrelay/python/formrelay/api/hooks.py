"""``…/hooks/`` and ``…/hooks/{hook}/logs/`` (contract rest-services §1–§5)."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from formrelay import clock, functions, hook_settings, ids, jobs, permissions, queues
from formrelay.api import paging
from formrelay.api.http import Response, json_response, no_content
from formrelay.api.router import Context, Route
from formrelay.errors import ApiError, UnavailableError, detail, not_found
from formrelay.hooks import guard, resolve
from formrelay.hooks.fields import Rules, clean, mask
from formrelay.settings import settings
from formrelay.storage import assets, deliveries, hooks
from formrelay.storage.assets import Project
from formrelay.storage.table import Item, TransactionError

_WRITABLE = (
    "active", "auth_level", "email_notification", "endpoint", "export_type", "name", "payload_template",
    "subset_fields",
)  # fmt: skip
# Time that a request may spend on retrying many deliveries before the rest is left to recovery (s).
_INLINE = 20.0
_BUSY = "Data is being or has already been processed"


def _project(ctx: Context, asset: str) -> Project:
    return permissions.require_hooks(ctx.caller, assets.project(asset))


def _hook(ctx: Context, asset: str, hook: str) -> tuple[Project, Item]:
    project = _project(ctx, asset)
    found = hooks.get(asset, hook)
    if found is None:
        raise not_found()
    return project, found


def list_hooks(ctx: Context, asset: str) -> Response:
    project = _project(ctx, asset)
    everything = sorted(hooks.listed(asset), key=lambda hook: (hook["name"], hook["uid"]))
    start, limit, shown = paging.page(ctx.request, everything)
    results = [_shown(ctx, project, hook) for hook in shown]
    return json_response(paging.envelope(ctx.request, len(everything), results, start, limit))


def create_hook(ctx: Context, asset: str) -> Response:
    project = _project(ctx, asset)
    if len(project.hooks) >= hooks.MAX_HOOKS:
        raise ApiError(400, {"non_field_errors": [f"A project has at most {hooks.MAX_HOOKS} hooks."]})
    values = clean(ctx.request.data(), None, partial=False, rules=_rules(ctx))
    now = clock.now_ms()
    hook = _stored({"uid": ids.uid("h"), "created": now, "revision": 0}, values, now)
    hooks.create(asset, hook)
    shown = _shown(ctx, project, hook)
    return json_response(shown, 201, {"Location": shown["url"]})


def get_hook(ctx: Context, asset: str, hook: str) -> Response:
    return json_response(_shown(ctx, *_hook(ctx, asset, hook)))


def patch_hook(ctx: Context, asset: str, hook: str) -> Response:
    return _change(ctx, asset, hook, partial=True)


def put_hook(ctx: Context, asset: str, hook: str) -> Response:
    return _change(ctx, asset, hook, partial=False)


def _change(ctx: Context, asset: str, hook: str, *, partial: bool) -> Response:
    project, found = _hook(ctx, asset, hook)
    values = clean(ctx.request.data(), found, partial=partial, rules=_rules(ctx))
    changed = _stored({**found, "revision": found["revision"] + 1}, values, clock.now_ms())
    try:
        hooks.save(asset, changed, found["revision"])
    except TransactionError:
        raise UnavailableError(1) from None
    return json_response(_shown(ctx, project, changed))


def delete_hook(ctx: Context, asset: str, hook: str) -> Response:
    _hook(ctx, asset, hook)
    hooks.remove(asset, hook, jobs.purge_hook(hook))
    return no_content()


def _stored(hook: Item, values: dict[str, Any], now: int) -> Item:
    """The hook as it is stored: settings sealed, everything else plain."""
    plain = {name: value for name, value in values.items() if name != "settings"}
    if "settings" in values:
        plain["sealed"] = hook_settings.sealed(values["settings"], hook["uid"])
    return {**hook, **plain, "modified": now}


def _rules(ctx: Context) -> Rules:
    def password_of(uid: str) -> str | None:
        """The password behind a mask, of any hook that the caller may edit: clients copy hooks across projects."""
        asset = hooks.asset_of(uid) if ids.is_uid(uid, "h") else None
        if asset is None:
            return None
        try:
            _, source = _hook(ctx, asset, uid)
        except ApiError:
            return None
        return str(hook_settings.opened(source).get("password", ""))

    return Rules(
        resolve=resolve.addresses,
        password_of=password_of,
        policy=guard.policy(settings().allow_networks, settings().deny_networks),
        https_only=settings().https_only,
    )


def _shown(ctx: Context, project: Project, hook: Item) -> dict[str, Any]:
    url = f"{ctx.api}/assets/{project.uid}/hooks/{hook['uid']}/"
    opened = hook_settings.opened(hook)
    if opened.get("password"):
        opened = {**opened, "password": mask(hook["uid"])}
    tally = deliveries.tally(hook["uid"])
    shown = {name: hook[name] for name in _WRITABLE} | {
        "asset": project.state["id"],
        "date_modified": clock.iso_micro(hook["modified"]),
        "failed_count": tally[deliveries.FAILED],
        "logs_url": f"{url}logs/",
        "pending_count": tally[deliveries.PENDING],
        "settings": opened,
        "success_count": tally[deliveries.SUCCESS],
        "uid": hook["uid"],
        "url": url,
    }
    return dict(sorted(shown.items()))


# Logs


def list_logs(ctx: Context, asset: str, hook: str) -> Response:
    _hook(ctx, asset, hook)
    status, since, until = _filters(ctx.request.query)
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
        text = f"Select a valid choice. {status} is not one of the available choices."
        raise ApiError(400, {"status": [text]})
    # n8n sends its date filters as start and end; a bare integer there is a row number.
    start, end = query.get("start", ""), query.get("end", "")
    since = query.get("start_date") or ("" if start.isdigit() else start)
    until = query.get("end_date") or ("" if end.isdigit() else end)
    return (
        int(status) if status else None,
        _moment("start_date", since) if since else float("-inf"),
        _moment("end_date", until) if until else float("inf"),
    )


def _moment(field: str, text: str) -> float:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise ApiError(400, {field: ["Enter a valid date/time."]}) from None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() * 1000


def _delivery(ctx: Context, asset: str, hook: str, log: str) -> tuple[Item, Item]:
    _, found = _hook(ctx, asset, hook)
    sid = ids.delivery_sid(hook, log)
    item = deliveries.get(hook, sid) if sid is not None else None
    if item is None:
        raise not_found()
    return found, item


def get_log(ctx: Context, asset: str, hook: str, log: str) -> Response:
    _, item = _delivery(ctx, asset, hook, log)
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
    found, item = _delivery(ctx, asset, hook, log)
    done = item["status"] in (deliveries.PROCESSING, deliveries.SUCCESS)
    message = None if done or not found["active"] else jobs.retry_one(item, queue=False)
    if message is None:
        return json_response({"detail": _BUSY, "status_code": None}, 400)
    try:
        outcome = functions.deliver_now(message)
    except UnavailableError:
        outcome = {"sent": False}
    if not outcome["sent"]:
        queues.send_retry(message, 0)
        return json_response({"detail": "The retry is queued", "status_code": None})
    code, text = outcome["status_code"], outcome["detail"]
    if outcome["ok"]:
        return json_response({"detail": text, "status_code": code})
    return json_response({"detail": f"HTTP {code} - {text}", "status_code": code}, 400)


def retry_hook(ctx: Context, asset: str, hook: str) -> Response:
    """Makes every failed delivery of a hook due again."""
    _, found = _hook(ctx, asset, hook)
    if not found["active"]:
        raise detail(400, "Cannot retry on disabled hooks")
    failed = deliveries.in_trouble(hook, "failed")
    if not failed:
        return json_response({"detail": "No data to retry", "pending_uids": []})
    jobs.work(jobs.retry_hook(asset, hook), time.monotonic() + _INLINE)
    uids = [ids.delivery_uid(hook, sid) for sid in failed]
    return json_response({"detail": "Task successfully scheduled", "pending_uids": uids})


_HOOKS = "/api/v2/assets/{asset}/hooks"
ROUTES = [
    Route("GET", _HOOKS, list_hooks),
    Route("POST", _HOOKS, create_hook),
    Route("GET", _HOOKS + "/{hook}", get_hook),
    Route("PATCH", _HOOKS + "/{hook}", patch_hook),
    Route("PUT", _HOOKS + "/{hook}", put_hook),
    Route("DELETE", _HOOKS + "/{hook}", delete_hook),
    Route("PATCH", _HOOKS + "/{hook}/retry", retry_hook),
    Route("GET", _HOOKS + "/{hook}/logs", list_logs),
    Route("GET", _HOOKS + "/{hook}/logs/{log}", get_log),
    Route("PATCH", _HOOKS + "/{hook}/logs/{log}/retry", retry_log),
]
