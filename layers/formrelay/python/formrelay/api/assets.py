"""``/api/v2/assets/`` and ``…/deployment/`` (contract assets §1–§3, §6, §7)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from formrelay import permissions, projects
from formrelay.api import asset_shapes, fields, paging
from formrelay.api.about import PAGING, PROJECTS, About, Body, Page, Query, Shape
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import ApiError, detail, invalid, not_found
from formrelay.projects import Draft
from formrelay.storage import assets
from formrelay.storage.assets import Project

_MAX_SETTINGS = 100_000
_RANK = {"deployed": 0, "draft": 1, "archived": 2, "-": 3}


def load(ctx: Context, uid: str, codename: str = permissions.VIEW_ASSET) -> Project:
    """The project with its details, if the caller holds the right on it."""
    return permissions.require(ctx.caller, assets.project(uid, with_info=True), codename)


def list_assets(ctx: Context) -> Response:
    rows = assets.listed(ctx.caller.username) if ctx.caller else []
    wanted = ctx.request.query.get("asset_type")
    if wanted:
        rows = [row for row in rows if row["type"] == wanted]
    rows.sort(key=lambda row: (_RANK[row["status"]], -row["modified"], row["sk"]))
    start, limit, shown = paging.page(ctx.request, rows)
    found = (assets.project(row["sk"], with_info=True) for row in shown)
    results = [asset_shapes.list_item(ctx, project) for project in found if project]
    return json_response(paging.envelope(ctx.request, len(rows), results, start, limit))


def create_asset(ctx: Context) -> Response:
    user, data = ctx.user, ctx.request.data()
    if "asset_type" not in data:
        raise invalid("asset_type", "This field is required.")
    project = projects.create(user, _draft(data))
    headers = {"Location": f"{ctx.api}/assets/{project.uid}/"}
    return json_response(_shown(ctx, project), 201, headers)


def get_asset(ctx: Context, asset: str) -> Response:
    """One project: JSON, or its form as XForm."""
    project = load(ctx, asset)
    if ctx.request.format == "xml":
        return _xform(project)
    return json_response(_shown(ctx, project))


def _xform(project: Project) -> Response:
    xml = assets.xform(project.uid, project.state["deployed_version"]) if project.is_deployed else None
    if xml is None:
        raise ApiError(400, {"detail": "The specified asset has not been deployed"})
    headers = {
        "Content-Type": "application/xml; charset=utf-8",
        "Content-Disposition": f"attachment; filename={project.uid}.xml",
    }
    return Response(200, xml.encode(), headers)


def patch_asset(ctx: Context, asset: str) -> Response:
    project = load(ctx, asset, permissions.CHANGE_ASSET)
    translations = project.info["summary"].get("languages")
    draft = _draft(ctx.request.data(), translations)
    return json_response(_shown(ctx, projects.update(ctx.user, asset, draft)))


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
        settings=_settings(data),
        tags=None if tags is None else [t.strip().replace(" ", "-") for t in tags.split(",") if t.strip()],
    )


def _settings(data: dict[str, Any]) -> dict[str, Any] | None:
    value = fields.json_object(data, "settings")
    if value and len(json.dumps(value)) > _MAX_SETTINGS:
        raise invalid("settings", f"Ensure this field has no more than {_MAX_SETTINGS} characters.")
    return value


def _shown(ctx: Context, project: Project) -> dict[str, Any]:
    content = assets.content(project.uid, project.state["version"]) or {}
    return asset_shapes.detail(ctx, project, content, assets.versions(project.uid))


# Deployment


def get_deployment(ctx: Context, asset: str) -> Response:
    project = load(ctx, asset)
    if not project.is_deployed:
        raise not_found()
    return _deployed(ctx, project)


def post_deployment(ctx: Context, asset: str) -> Response:
    project = load(ctx, asset, permissions.CHANGE_ASSET)
    if project.is_deployed:
        raise detail(405, "Use PATCH to update an existing deployment")
    data = ctx.request.data()
    active = fields.flag(data, "active") or False
    return _deployed(ctx, projects.deploy(ctx.user, project, active=active, version_uid=_version(data)))


def patch_deployment(ctx: Context, asset: str) -> Response:
    project = load(ctx, asset, permissions.CHANGE_ASSET)
    if not project.is_deployed:
        raise detail(405, "Use POST to create a new deployment")
    data = ctx.request.data()
    if data.get("backend") not in (None, "", "openrosa"):
        raise invalid("backend", "This field cannot be modified after the initial deployment.")
    active = fields.flag(data, "active")
    if active is not None and set(data) == {"active"}:
        return _deployed(ctx, projects.set_active(ctx.user, asset, active))
    if active is None:
        active = project.state["active"]
    return _deployed(ctx, projects.deploy(ctx.user, project, active=active, version_uid=_version(data)))


def _version(data: dict[str, Any]) -> str | None:
    return fields.text(data, "version_id") if data.get("version_id") else None


def _deployed(ctx: Context, project: Project) -> Response:
    return json_response(
        {
            "backend": "openrosa",
            "active": project.state["active"],
            "version_id": project.state["deployed_version"],
            "asset": _shown(ctx, project),
        }
    )


# Versions


def list_versions(ctx: Context, asset: str) -> Response:
    load(ctx, asset)
    everything = assets.versions(asset)
    deployed = ctx.request.query.get("deployed", "").lower()
    wanted = [
        v for v in everything if deployed not in ("true", "false") or bool(v.deployed) == (deployed == "true")
    ]
    start, limit, shown = paging.page(ctx.request, wanted)
    results = [asset_shapes.version_item(ctx, asset, version, everything) for version in shown]
    return json_response(paging.envelope(ctx.request, len(wanted), results, start, limit))


def get_version(ctx: Context, asset: str, version: str) -> Response:
    load(ctx, asset)
    everything = assets.versions(asset)
    found = next((v for v in everything if v.uid == version), None)
    if found is None:
        raise not_found()
    item = asset_shapes.version_item(ctx, asset, found, everything)
    return json_response({**item, "content": assets.content(asset, version)})


_ASSETS = "/api/v2/assets"
_ASSET = _ASSETS + "/{asset}"
_DEPLOYMENT = _ASSET + "/deployment"
_VERSIONS = _ASSET + "/versions"
# Forms may be larger than an answer can be.
_IN_FULL: Mapping[int, Shape | None] = {200: "Project", 302: None}
_DEPLOYED: Mapping[int, Shape | None] = {200: "Deployment", 302: None}
_NEW = {"name": "Visits", "asset_type": "survey", "content": {"survey": [{"type": "text", "name": "who"}]}}
ROUTES = [
    Route(
        "GET",
        _ASSETS,
        list_assets,
        about=About(
            "List the projects that the caller has or was given",
            PROJECTS,
            {200: Page("ProjectRow")},
            (*PAGING, Query("asset_type", "Only projects of that type.", {"enum": [*projects.TYPES]})),
            public=True,
        ),
    ),
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
        formats=("json", "xml"),
        about=About(
            "Read a project; as XML its deployed form", PROJECTS, _IN_FULL, errors=(400,), public=True
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
        "GET",
        _DEPLOYMENT,
        get_deployment,
        about=About("Read the deployment of a project", PROJECTS, _DEPLOYED, public=True),
    ),
    Route(
        "POST",
        _DEPLOYMENT,
        post_deployment,
        about=About(
            "Deploy a project for the first time",
            PROJECTS,
            _DEPLOYED,
            body=Body("NewDeployment", {"active": True}),
            errors=(403, 405),
        ),
    ),
    Route(
        "PATCH",
        _DEPLOYMENT,
        patch_deployment,
        about=About(
            "Deploy the newest or another version, archive, take out of the archive",
            PROJECTS,
            _DEPLOYED,
            body=Body("NewDeployment", {"active": False}),
            errors=(403, 405),
        ),
    ),
    Route(
        "GET",
        _VERSIONS,
        list_versions,
        about=About(
            "List the versions of a form, newest first",
            PROJECTS,
            {200: Page("Version")},
            (*PAGING, Query("deployed", "Only deployed ones, or only others.", {"type": "boolean"})),
            public=True,
        ),
    ),
    Route(
        "GET",
        _VERSIONS + "/{version}",
        get_version,
        about=About("Read a version with its form", PROJECTS, {200: "VersionInFull", 302: None}, public=True),
    ),
]
