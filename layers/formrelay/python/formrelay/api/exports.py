"""``…/exports/``: exports that are made in the background, and their files (contract exports §1)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from formrelay import clock, history, ids, permissions
from formrelay.api import export_files, paging, searching
from formrelay.api.about import EXPORTS, PAGING, REDIRECT, About, Body, Media, Page, Query
from formrelay.api.http import Response, json_response, no_content
from formrelay.api.router import Context, Route
from formrelay.errors import ApiError, forbidden, invalid, not_found, unauthenticated
from formrelay.export_tasks import tasks
from formrelay.exports.layout import enlarged
from formrelay.exports.options import CONTENT_TYPES, OptionsError, checked
from formrelay.storage import assets, exports, keys
from formrelay.storage.assets import Project
from formrelay.storage.table import Item
from formrelay.usernames import ANONYMOUS

# Seconds after which to ask again where another export has to end first.
_RETRY_AFTER = 30
# What lists are searched by.
_ROOTS = ("data", "date_created", "last_submission_time", "result", "source", "status", "uid")


def readable(ctx: Context, asset: str, *, with_info: bool = False) -> Project:
    """The project, if the caller may see submissions of it, all or some. Raises ApiError 404."""
    project = assets.project(asset, with_info=with_info)
    if project is None or permissions.reach(ctx.caller, project, permissions.VIEW) is None:
        raise not_found()
    return project


def list_exports(ctx: Context, asset: str) -> Response:
    """The caller's own tasks, newest first."""
    readable(ctx, asset)
    search = searching.asked(ctx.request, roots=_ROOTS, words=("uid",))
    found = exports.listed(asset, tasks.owner(ctx.caller))
    if search is not None:
        found = [task for task in found if search.matches({**_shown(ctx, task), "source": asset})]
    if ctx.request.query.get("ordering") == "date_created":
        found.reverse()
    start, limit, shown = paging.page(ctx.request, found)
    results = [_shown(ctx, task) for task in shown]
    return json_response(paging.envelope(ctx.request, len(found), results, start, limit))


def create_export(ctx: Context, asset: str) -> Response:
    project = readable(ctx, asset, with_info=True)
    if not project.is_deployed:
        raise invalid("source", "The asset must be deployed.")
    try:
        wanted = checked(ctx.request.data(), project.info["summary"]["languages"])
    except OptionsError as error:
        raise invalid(error.key, error.message) from None
    agent = ctx.request.headers.get("user-agent", "")
    by = history.who(ctx.caller, ctx.request.address, agent)
    try:
        task, is_new = tasks.ask(ctx.caller, project, wanted, ctx.base_url, by)
    except tasks.BusyError:
        busy = f"Another export is already in progress. Please retry in {_RETRY_AFTER} seconds"
        raise ApiError(503, {"error": busy}, {"Retry-After": str(_RETRY_AFTER)}) from None
    shown = _shown(ctx, task)
    return json_response(shown, 201, {"Location": shown["url"]}) if is_new else json_response(shown)


def _own(ctx: Context, asset: str, export: str) -> Item:
    readable(ctx, asset)
    key = keys.export_task(asset, tasks.owner(ctx.caller), export)
    found = exports.get(key) if ids.is_uid(export, "e") else None
    if found is None:
        raise not_found()
    return found


def get_export(ctx: Context, asset: str, export: str) -> Response:
    return json_response(_shown(ctx, _own(ctx, asset, export)))


def delete_export(ctx: Context, asset: str, export: str) -> Response:
    tasks.remove(_own(ctx, asset, export))
    return no_content()


def _shown(ctx: Context, task: Item) -> dict[str, Any]:
    """The task object (contract exports §1.2). ``notes`` say what the file could not hold as it was."""
    asset = f"{ctx.api}/assets/{task['asset']}/"
    complete = task["status"] == exports.COMPLETE
    return {
        "url": f"{asset}exports/{task['uid']}/",
        "status": task["status"],
        "messages": _messages(task),
        "uid": task["uid"],
        "date_created": clock.iso_micro(task["created"]),
        "last_submission_time": _moment(task.get("last")),
        "result": _result_url(ctx, task) if complete else None,
        "data": _data(task, asset),
    }


def _messages(task: Item) -> dict[str, Any]:
    if task["status"] == exports.ERROR:
        return {"error_type": task["error_type"], "error": task["error"]}
    return {"notes": task["notes"]} if task.get("notes") else {}


def _moment(naive: str | None) -> str | None:
    return f"{naive}Z" if naive else None


def _data(task: Item, source: str) -> dict[str, Any]:
    data = {"source": source, "name": None, **json.loads(task["settings"])}
    if data.get("fields"):
        data["fields"] = enlarged(data["fields"])
    if "seconds" in task:
        data["processing_time_seconds"] = task["seconds"]
    return data


def _result_url(ctx: Context, task: Item) -> str:
    return f"{ctx.base_url}/private-media/{task['user']}/exports/{task['asset']}/{quote(task['file'])}"


def get_result(ctx: Context, username: str, asset: str, result: str) -> Response:
    """The file of a task, for who made it and may still see all that it was made of."""
    if username not in (tasks.owner(ctx.caller), ANONYMOUS):
        raise forbidden() if ctx.caller else unauthenticated()
    project = assets.project(asset)
    if project is None:
        raise not_found()
    rows = permissions.reach(ctx.caller, project, permissions.VIEW)
    if rows is None:
        raise forbidden() if ctx.caller else unauthenticated()
    name = f"{result}.{ctx.request.suffix}"
    for task in exports.listed(asset, username):
        if task["status"] == exports.COMPLETE and task["file"] == name:
            if not tasks.is_open(task, rows):
                raise forbidden()
            return export_files.answer(ctx.request, task)
    raise not_found()


_EXPORTS = "/api/v2/assets/{asset}/exports"
EXAMPLE = {
    "type": "csv",
    "lang": "_default",
    "fields_from_all_versions": True,
    "group_sep": "/",
    "hierarchy_in_labels": False,
    "multiple_select": "both",
}
ROUTES = [
    Route(
        "GET",
        _EXPORTS,
        list_exports,
        about=About(
            "List one's own exports of a project",
            EXPORTS,
            {200: Page("Export")},
            (
                *PAGING,
                Query("ordering", "`-date_created`, which is also the default, or `date_created`."),
                Query("q", "Search: `status:complete AND data__type:csv`."),
            ),
            errors=(400,),
            public=True,
        ),
    ),
    Route(
        "POST",
        _EXPORTS,
        create_export,
        about=About(
            "Export the submissions of a project",
            EXPORTS,
            {201: "Export", 200: "Export"},
            body=Body("ExportFields", EXAMPLE, required=True),
            public=True,
            text="Ask `url` for its status until it is `complete` or `error`, then fetch `result` with the same "
            f"credentials. 200: the same export is under way already. The newest {tasks.KEPT} are kept.",
        ),
    ),
    Route(
        "GET",
        _EXPORTS + "/{export}",
        get_export,
        about=About("Read how far an export is", EXPORTS, {200: "Export"}, public=True),
    ),
    Route(
        "DELETE",
        _EXPORTS + "/{export}",
        delete_export,
        about=About("Delete an export and its file", EXPORTS, {204: None}, public=True),
    ),
    Route(
        "GET",
        "/private-media/{username}/exports/{asset}/{result}",
        get_result,
        formats=("csv", "xlsx", "geojson"),
        about=About(
            "Fetch the file of an export",
            EXPORTS,
            {200: (*map(Media, CONTENT_TYPES.values()), "Place"), 302: None},
            (REDIRECT,),
            errors=(403,),
            public=True,
        ),
    ),
]
