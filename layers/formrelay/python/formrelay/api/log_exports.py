"""``…/history/export/`` and ``…/access-logs/me/export/``: logs as CSV (contract permissions-and-activity §6, §7)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from formrelay import activity, clock, ids, log_exports
from formrelay.activity import Event
from formrelay.api import access_logs, history
from formrelay.api.about import ACCOUNTS, PROJECTS, About, Many, Query
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import ApiError, not_found
from formrelay.letters.texts import ACCESS_EXPORT, HISTORY_EXPORT
from formrelay.log_exports import Log, Notice
from formrelay.settings import settings
from formrelay.storage import access_logs as signed_in
from formrelay.storage import blobs
from formrelay.storage import log_exports as stored
from formrelay.storage.table import Item

_HISTORY_COLUMNS = (
    "user_url", "user_uid", "username", "action", "date_created", "source", "ip_address", "asset_uid", "other_details",
)  # fmt: skip
_ACCESS_COLUMNS = (
    "user_url", "user_uid", "username", "auth_type", "action", "date_created", "source", "ip_address",
    "initial_superusername", "initial_superuseruid", "authorized_application", "other_details",
)  # fmt: skip
# Metadata with columns of their own.
_OWN_COLUMNS = {"source", "ip_address", "asset_uid", "auth_type"}


def _history(asset: str) -> Log:
    return Log(f"A#{asset}", "phe", _HISTORY_COLUMNS)


def _access(username: str) -> Log:
    return Log(f"U#{username}", "ale", _ACCESS_COLUMNS)


def export_history(ctx: Context, asset: str) -> Response:
    project = history.require(ctx, asset)
    search = history.search_of(ctx)
    events = activity.everything(asset) if search is None else activity.matching(asset, search)
    notice = _notice(
        ctx, HISTORY_EXPORT, {"project": project.state["name"]}, f"/assets/{asset}/history/export/"
    )
    busy = "Export task for project history logs for this asset already in progress."
    return _export(ctx, _history(asset), (_history_row(ctx, event) for event in events), notice, busy)


def export_access(ctx: Context) -> Response:
    username = ctx.user.username
    rows = (_access_row(ctx, item) for item in signed_in.newest_first(username))
    notice = _notice(ctx, ACCESS_EXPORT, {}, "/access-logs/me/export/")
    return _export(
        ctx, _access(username), rows, notice, "Export task for user access logs already in progress."
    )


def _notice(ctx: Context, kind: str, facts: dict[str, object], path: str) -> Notice:
    base = settings().public_url or ctx.base_url
    return Notice(kind, facts, f"{base}/api/v2{path}")


def _export(ctx: Context, log: Log, rows: Iterator[list[str]], notice: Notice, busy: str) -> Response:
    try:
        log_exports.export(log, ctx.user.username, rows, notice)
    except stored.BusyError:
        raise ApiError(400, {"error": busy}) from None
    return json_response({"status": "created"}, 202)


def _history_row(ctx: Context, event: Event) -> list[str]:
    metadata = event.metadata
    return [
        f"{ctx.api}/users/{event.username}/",
        event.uid or "",
        event.username,
        event.action,
        clock.iso_seconds(event.at),
        metadata["source"],
        metadata["ip_address"],
        metadata["asset_uid"],
        _rest(metadata),
    ]


def _access_row(ctx: Context, item: Item) -> list[str]:
    entry = access_logs.shown(ctx, item)
    metadata = entry["metadata"]
    return [
        entry["user"] or "",
        entry["user_uid"] or "",
        entry["username"] or "",
        metadata["auth_type"],
        entry["action"],
        entry["date_created"],
        metadata.get("source", ""),
        metadata.get("ip_address", ""),
        "",
        "",
        "",
        _rest({**metadata, "count": entry["count"]}),
    ]


def _rest(metadata: dict[str, Any]) -> str:
    """The remaining metadata."""
    rest = {name: value for name, value in metadata.items() if name not in _OWN_COLUMNS}
    return json.dumps(rest, ensure_ascii=False)


def list_history_exports(ctx: Context, asset: str) -> Response:
    history.require(ctx, asset)
    return _list(_history(asset), f"{ctx.api}/assets/{asset}/history/export/")


def list_access_exports(ctx: Context) -> Response:
    return _list(_access(ctx.user.username), f"{ctx.api}/access-logs/me/export/")


def _list(log: Log, url: str) -> Response:
    return json_response([_shown(item, url) for item in stored.newest(log.name)])


def _shown(item: Item, url: str) -> dict[str, Any]:
    """``result``, where the file is, comes beyond the contract."""
    state = item["state"]
    if state == stored.PROCESSING and item["created"] + stored.LASTS <= clock.now_ms():
        state = stored.ERROR
    return {
        "uid": item["uid"],
        "status": state,
        "date_created": clock.iso_seconds(item["created"]),
        "result": f"{url}{item['uid']}/" if state == stored.COMPLETE else None,
    }


def get_history_export(ctx: Context, asset: str, history_csv: str) -> Response:
    history.require(ctx, asset)
    return _file(_history(asset), history_csv, "project_history_logs_export")


def get_access_export(ctx: Context, access_csv: str) -> Response:
    return _file(_access(ctx.user.username), access_csv, "access_logs_export")


def _file(log: Log, uid: str, name: str) -> Response:
    """The way to the file, for some minutes."""
    item = stored.get(log.name, uid) if ids.is_uid(uid, log.prefix) else None
    if item is None or item["state"] != stored.COMPLETE:
        raise not_found()
    filename = f"{name}-{item['by']}-{clock.iso_seconds(item['created'])}.csv"
    url = blobs.presigned(log_exports.key(uid), log_exports.CSV, f'attachment; filename="{filename}"')
    return Response(302, b"", {"Location": url})


_HISTORY = "/api/v2/assets/{asset}/history/export"
_ACCESS = "/api/v2/access-logs/me/export"
_TEXT = "The file is told of by mail, listed here, and kept for seven days."
ROUTES = [
    Route(
        "POST",
        _HISTORY,
        export_history,
        about=About(
            "Export the activity of a project as CSV",
            PROJECTS,
            {202: "LogExportBegun"},
            (Query("q", "Only what this search finds."),),
            errors=(400, 403),
            text=_TEXT,
        ),
    ),
    Route(
        "GET",
        _HISTORY,
        list_history_exports,
        about=About("List exports of the activity", PROJECTS, {200: Many("LogExport")}, errors=(403,)),
    ),
    Route(
        "GET",
        _HISTORY + "/{history_csv}",
        get_history_export,
        about=About("Fetch an export of the activity", PROJECTS, {302: None}, errors=(403,)),
    ),
    Route(
        "POST",
        _ACCESS,
        export_access,
        about=About(
            "Export one's own sign-ins as CSV", ACCOUNTS, {202: "LogExportBegun"}, errors=(400,), text=_TEXT
        ),
    ),
    Route(
        "GET",
        _ACCESS,
        list_access_exports,
        about=About("List exports of one's own sign-ins", ACCOUNTS, {200: Many("LogExport")}),
    ),
    Route(
        "GET",
        _ACCESS + "/{access_csv}",
        get_access_export,
        about=About("Fetch an export of one's own sign-ins", ACCOUNTS, {302: None}),
    ),
]
