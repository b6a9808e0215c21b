"""``/api/v2/assets/``: make, read, change (contract assets §1–§3, §5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from formrelay import cloning, permissions, projects, removal
from formrelay.api import asset_shapes, fields, form_downloads
from formrelay.api.about import PROJECTS, REDIRECT, About, Body, Shape
from formrelay.api.http import Response, json_response, no_content
from formrelay.api.router import Context, Route
from formrelay.auth import Caller
from formrelay.errors import ApiError, invalid
from formrelay.projects import Draft
from formrelay.storage import assets
from formrelay.storage.assets import Project

_MAX_SETTINGS = 100_000
_MAX_LOOK = 50_000


def load(ctx: Context, uid: str, codename: str = permissions.VIEW_ASSET) -> Project:
    """The project with its details, if the caller holds the right on it."""
    return permissions.require(ctx.caller, assets.project(uid, with_info=True), codename)


def create_asset(ctx: Context) -> Response:
    user, data = ctx.user, ctx.request.data()
    if "asset_type" not in data and not data.get("clone_from"):
        raise invalid("asset_type", "This field is required.")
    project = projects.create(user, _with_source(user, data, _draft(data)))
    headers = {"Location": f"{ctx.api}/assets/{project.uid}/"}
    return json_response(shown(ctx, project), 201, headers)


def get_asset(ctx: Context, asset: str) -> Response:
    """One project: JSON, or its form as a file."""
    project = load(ctx, asset)
    if ctx.request.format in form_downloads.FORMATS:
        return form_downloads.file(project, ctx.request.format)
    if "content" in asset_shapes.left_out(ctx):
        found = asset_shapes.detail(ctx, project, {}, assets.versions(project.uid))
    else:
        found = shown(ctx, project)
    return json_response(asset_shapes.wanted(ctx, found))


def patch_asset(ctx: Context, asset: str) -> Response:
    project = load(ctx, asset, permissions.CHANGE_ASSET)
    translations = project.info["summary"].get("languages")
    data = ctx.request.data()
    draft = _with_source(ctx.user, data, _draft(data, translations), project)
    return json_response(shown(ctx, projects.update(ctx.user, asset, draft)))


def delete_asset(ctx: Context, asset: str) -> Response:
    if ctx.caller is None:
        load(ctx, asset)
    removal.remove(ctx.user, asset)
    return no_content()


def _with_source(caller: Caller, data: dict[str, Any], draft: Draft, into: Project | None = None) -> Draft:
    """The draft with what a project named by ``clone_from`` gives to it."""
    if not data.get("clone_from"):
        return draft
    source = fields.text(data, "clone_from") or ""
    version = fields.text(data, "clone_from_version_id") if data.get("clone_from_version_id") else None
    return cloning.draft_of(caller, source, version, draft, into)


def _draft(data: dict[str, Any], translations: list[str | None] | None = None) -> Draft:
    name = fields.text(data, "name")
    content = fields.json_object(data, "content")
    if content is not None:
        content, title = projects.checked_content(content, translations)
        name = title or name
    tags = fields.text(data, "tag_string", max_length=10_000)
    return Draft(
        name=name,
        asset_type=fields.choice(data, "asset_type", projects.TYPES),
        content=content,
        settings=_object(data, "settings", _MAX_SETTINGS),
        looks=_looks(data),
        tags=None if tags is None else _tags(tags),
    )


def _tags(joined: str) -> list[str]:
    """Each tag once, as they were sent."""
    return list(dict.fromkeys(tag.strip().replace(" ", "-") for tag in joined.split(",") if tag.strip()))


def _looks(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    sent = {name: _object(data, name, _MAX_LOOK) for name in projects.LOOKS}
    _check_sharing(sent["data_sharing"])
    return {name: {**projects.LOOKS[name], **value} for name, value in sent.items() if value is not None}


def _check_sharing(sharing: dict[str, Any] | None) -> None:
    """Raises ApiError 400 for what does not say whether, and which fields (contract assets §5)."""
    if not sharing:
        return
    kinds = {"enabled": (bool, "a boolean"), "fields": (list, "an array")}
    wrong = {
        name: f"The property must be {words}" if name in sharing else "The property is required"
        for name, (kind, words) in kinds.items()
        if not isinstance(sharing.get(name), kind)
    }
    if wrong:
        raise ApiError(400, {"data_sharing": wrong})


def _object(data: dict[str, Any], name: str, longest: int) -> dict[str, Any] | None:
    value = fields.json_object(data, name)
    if value and len(json.dumps(value)) > longest:
        raise invalid(name, f"Ensure this field has no more than {longest} characters.")
    return value


def shown(ctx: Context, project: Project) -> dict[str, Any]:
    content = assets.content(project.uid, project.state["version"]) or {}
    return asset_shapes.detail(ctx, project, content, assets.versions(project.uid))


_ASSETS = "/api/v2/assets"
_ASSET = _ASSETS + "/{asset}"
# Forms may be larger than an answer can be.
_IN_FULL: Mapping[int, Shape | None] = {200: "Project", 302: None}
_NEW = {"name": "Visits", "asset_type": "survey", "content": {"survey": [{"type": "text", "name": "who"}]}}
ROUTES = [
    Route(
        "POST",
        _ASSETS,
        create_asset,
        about=About(
            "Make a project",
            PROJECTS,
            {201: "Project", 302: None},
            body=Body("NewProject", _NEW, required=True),
        ),
    ),
    Route(
        "GET",
        _ASSET,
        get_asset,
        formats=("json", *form_downloads.FORMATS),
        about=About(
            "Read a project; with a suffix its form as XLSForm (.xls), XForm (.xml) or sheets in JSON (.ssjson)",
            PROJECTS,
            {200: ("Project", "FormContent", "Place"), 302: None},
            (asset_shapes.EXCLUDE, REDIRECT),
            errors=(400,),
            public=True,
        ),
    ),
    Route(
        "PATCH",
        _ASSET,
        patch_asset,
        about=About(
            "Change a project; a new version is made of a new form or name",
            PROJECTS,
            _IN_FULL,
            body=Body("ProjectChange", {"name": "Visits 2026"}),
            errors=(403,),
        ),
    ),
    Route(
        "DELETE",
        _ASSET,
        delete_asset,
        about=About(
            "Delete a project with all that was submitted to it", PROJECTS, {204: None}, errors=(403,)
        ),
    ),
]
