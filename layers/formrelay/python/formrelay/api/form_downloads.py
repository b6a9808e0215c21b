"""A project's form as a file or as flat sheets: XLSForm, XForm, JSON (contract assets §8)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from formrelay import deployments, functions, permissions
from formrelay.api.about import PROJECTS, About, Media, Shape
from formrelay.api.http import XML, Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import ApiError
from formrelay.exports.options import XLSX_TYPE
from formrelay.forms.sheets import flatten
from formrelay.storage import assets
from formrelay.storage.assets import Project

FORMATS = ("xls", "xlsx", "xml", "ssjson")


def file(project: Project, kind: str) -> Response:
    """The newest form as a file of that kind, one of :data:`FORMATS`."""
    if kind == "xml":
        return _attachment(f"{project.uid}.xml", deployments.xform(project).encode(), XML)
    if kind == "ssjson":
        return json_response(_sheets(project))
    return _xlsx(project)


def _xlsx(project: Project) -> Response:
    answer = functions.compile_form(
        {"action": "xlsx", "content": _content(project), "name": project.state["name"]}
    )
    if "error" in answer:
        raise ApiError(400, {"error": answer["error"]})
    return _attachment(f"{project.uid}.xlsx", base64.b64decode(answer["data"]), XLSX_TYPE)


def _attachment(name: str, body: bytes, kind: str) -> Response:
    return Response(200, body, {"Content-Type": kind, "Content-Disposition": f"attachment; filename={name}"})


def _content(project: Project) -> dict[str, Any]:
    return assets.content(project.uid, project.state["version"]) or {}


def _sheets(project: Project) -> dict[str, Any]:
    return flatten(_content(project))


def get_content(ctx: Context, asset: str) -> Response:
    return _shown(ctx, asset, "asset.content")


def get_valid_content(ctx: Context, asset: str) -> Response:
    """The same sheets: names and types are always filled in and joined here."""
    return _shown(ctx, asset, "asset.valid_content")


def _shown(ctx: Context, asset: str, kind: str) -> Response:
    project = permissions.require(ctx.caller, assets.project(asset), permissions.VIEW_ASSET)
    return json_response({"kind": kind, "uid_asset": project.uid, "data": _sheets(project)})


def get_xls(ctx: Context, asset: str) -> Response:
    return _file(ctx, asset, "xls")


def get_xform(ctx: Context, asset: str) -> Response:
    return _file(ctx, asset, "xml")


def _file(ctx: Context, asset: str, kind: str) -> Response:
    return file(permissions.require(ctx.caller, assets.project(asset), permissions.VIEW_ASSET), kind)


_ASSET = "/api/v2/assets/{asset}"
_SHEETS: Mapping[int, Shape | None] = {200: "FormSheets", 302: None}
ROUTES = [
    Route(
        "GET",
        f"{_ASSET}/content",
        get_content,
        about=About("Read a form as flat sheets", PROJECTS, _SHEETS, public=True),
    ),
    Route(
        "GET",
        f"{_ASSET}/valid_content",
        get_valid_content,
        about=About("Read a form as flat sheets, complete", PROJECTS, _SHEETS, public=True),
    ),
    Route(
        "GET",
        f"{_ASSET}/xls",
        get_xls,
        formats=("json", "xls", "xlsx"),
        about=About("Download a form as XLSForm", PROJECTS, {200: Media(XLSX_TYPE), 302: None}, public=True),
    ),
    Route(
        "GET",
        f"{_ASSET}/xform",
        get_xform,
        formats=("json", "xml"),
        about=About(
            "Download a form as XForm",
            PROJECTS,
            {200: Media("application/xml"), 302: None},
            errors=(400,),
            public=True,
        ),
    ),
]
