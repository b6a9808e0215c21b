"""``/api/v2/imports/``: projects from XLSForms (contract assets §9)."""

from __future__ import annotations

import base64
from typing import Any

from formrelay import clock, functions, ids, permissions, projects
from formrelay.api import fields, paging
from formrelay.api.about import PAGING, PROJECTS, About, Body, Page
from formrelay.api.http import Response, json_response, split_suffix
from formrelay.api.router import Context, Route
from formrelay.errors import ApiError, detail, not_found
from formrelay.openrosa.multipart import Part
from formrelay.projects import Draft
from formrelay.storage import assets, imports
from formrelay.storage.assets import Project
from formrelay.storage.table import Item

_NO_SOURCE = "ImportTask data must contain `file`, `base64Encoded` or `url`"
# Import tasks are looked at once, soon after they were made.
_KEPT = 30 * 86_400
# Characters kept of what the compiler says.
_MAX_ERROR = 10_000
_MAX_URL = 2_000


def create_import(ctx: Context) -> Response:
    """Reads the form and makes or changes the project at once; the task tells how it went."""
    user = ctx.user
    data = {field: value for field, value in ctx.request.data().items() if value is not None}
    name, source = _source(data)
    now = clock.now_ms()
    task: Item = {
        "uid": ids.uid("i"),
        "created": now,
        "expires": now // 1000 + _KEPT,
        **_read(ctx, data, name, source),
    }
    imports.put(user.username, task)
    url = _url(ctx, task)
    return json_response({"uid": task["uid"], "url": url, "status": "processing"}, 201, {"Location": url})


def _source(data: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Name of the file, and where the compiler has it from: ``data`` in base64, or ``url``. Raises 400 for neither."""
    name = fields.text(data, "name") or ""
    file, encoded = data.get("file"), data.get("base64Encoded")
    if isinstance(file, Part):
        return name or file.filename or "", {"data": base64.b64encode(file.data).decode()}
    if isinstance(encoded, str):
        try:
            return name, {"data": base64.b64encode(fields.base64_bytes(encoded)).decode()}
        except ValueError:
            raise detail(400, "`base64Encoded` is not valid base64") from None
    url = fields.text(data, "url", max_length=_MAX_URL) if data.get("url") else None
    if not url:
        raise detail(400, _NO_SOURCE)
    return name, {"url": url}


def _read(ctx: Context, data: dict[str, Any], name: str, source: dict[str, str]) -> Item:
    """Status and messages of the task."""
    try:
        destination = _destination(ctx, data)
        answer = functions.compile_form({"action": "import", "name": name, **source})
        if "error" in answer:
            return _failed(answer.get("error_type", "ValueError"), answer["error"])
        content, title = projects.checked_content(answer["content"])
        if title is None and not (destination and destination.state["name"]):
            title = (answer.get("name") or name.rpartition(".")[0] or name)[: projects.MAX_NAME]
    except ApiError as error:
        return _failed("ValueError", _first_text(error.body))
    if destination is None:
        kind = _new_type(data, content)
        project = projects.create(ctx.user, Draft(name=title, asset_type=kind, content=content))
        return {"status": "complete", "messages": {"created": [_result(project)]}}
    kind = "survey" if destination.state["type"] == "empty" else destination.state["type"]
    draft = Draft(name=title, asset_type=kind, content=content, imported=True)
    project = projects.update(ctx.user, destination.uid, draft)
    return {"status": "complete", "messages": {"updated": [_result(project)], "audit_logs": []}}


def _destination(ctx: Context, data: dict[str, Any]) -> Project | None:
    text = fields.text(data, "destination", max_length=1000)
    if not text:
        return None
    uid, _ = split_suffix(text.partition("?")[0].rstrip("/").rpartition("/")[2])
    project = assets.project(uid)
    if project is None or not permissions.allowed(ctx.caller, project, permissions.CHANGE_ASSET):
        raise detail(400, "user cannot update asset")
    return project


def _new_type(data: dict[str, Any], content: dict[str, Any]) -> str:
    """Anything but ``library=false`` means library, also its absence (contract assets §9)."""
    wanted = fields.choice(data, "desired_type", projects.TYPES)
    if wanted:
        return wanted
    if str(data.get("library", "")).lower() == "false":
        return "survey"
    return "question" if len(content["survey"]) == 1 else "block"


def _result(project: Project) -> dict[str, Any]:
    return {"uid": project.uid, "kind": "asset", "owner__username": project.owner, "summary": {}}


def _failed(kind: str, text: str) -> Item:
    return {"status": "error", "messages": {"error_type": kind, "error": text[:_MAX_ERROR]}}


def _first_text(body: Any) -> str:
    while isinstance(body, dict | list) and body:
        body = next(iter(body.values())) if isinstance(body, dict) else body[0]
    return str(body)


def get_import(ctx: Context, task: str) -> Response:
    found = imports.get(ctx.user.username, task)
    if found is None:
        raise not_found()
    return json_response(_shown(found))


def list_imports(ctx: Context) -> Response:
    everything = imports.listed(ctx.user.username)
    start, limit, shown = paging.page(ctx.request, everything)
    results = [{**_shown(task), "url": _url(ctx, task)} for task in shown]
    return json_response(paging.envelope(ctx.request, len(everything), results, start, limit))


def _shown(task: Item) -> dict[str, Any]:
    return {
        "status": task["status"],
        "uid": task["uid"],
        "messages": task["messages"],
        "date_created": clock.iso_micro(task["created"]),
    }


def _url(ctx: Context, task: Item) -> str:
    return f"{ctx.api}/imports/{task['uid']}/"


_IMPORTS = "/api/v2/imports"
ROUTES = [
    Route(
        "GET",
        _IMPORTS,
        list_imports,
        about=About("List the caller's imports", PROJECTS, {200: Page("ListedImport")}, PAGING),
    ),
    Route(
        "POST",
        _IMPORTS,
        create_import,
        about=About(
            "Make a project of an XLSForm",
            PROJECTS,
            {201: "StartedImport"},
            body=Body("NewImport", required=True, parts="NewImportWithFile"),
        ),
    ),
    Route(
        "GET", _IMPORTS + "/{task}", get_import, about=About("How an import went", PROJECTS, {200: "Import"})
    ),
]
