"""``A/deployment/``: deploy, deploy again, archive (contract assets §6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from formrelay import deployments, permissions
from formrelay.api import assets, fields
from formrelay.api.about import PROJECTS, About, Body, Shape
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import ApiError, detail, not_found
from formrelay.storage.assets import Project


def get_deployment(ctx: Context, asset: str) -> Response:
    project = assets.load(ctx, asset)
    if not project.is_deployed:
        raise not_found()
    return _deployed(ctx, project)


def post_deployment(ctx: Context, asset: str) -> Response:
    project = assets.load(ctx, asset, permissions.CHANGE_ASSET)
    if project.is_deployed:
        raise detail(405, "Use PATCH to update an existing deployment")
    data = ctx.request.data()
    active = fields.flag(data, "active") or False
    return _deployed(ctx, deployments.deploy(ctx.user, project, active=active, version_uid=_version(data)))


def patch_deployment(ctx: Context, asset: str) -> Response:
    project = assets.load(ctx, asset, permissions.CHANGE_ASSET)
    if not project.is_deployed:
        raise detail(405, "Use POST to create a new deployment")
    data = ctx.request.data()
    if data.get("backend") not in (None, "", "openrosa"):
        # A text, where other fields have lists (contract assets §6).
        raise ApiError(400, {"backend": "This field cannot be modified after the initial deployment."})
    active = fields.flag(data, "active")
    if active is not None and set(data) == {"active"}:
        return _deployed(ctx, deployments.set_active(ctx.user, asset, active))
    if active is None:
        active = project.state["active"]
    return _deployed(ctx, deployments.deploy(ctx.user, project, active=active, version_uid=_version(data)))


def _version(data: dict[str, Any]) -> str | None:
    return fields.text(data, "version_id") if data.get("version_id") else None


def _deployed(ctx: Context, project: Project) -> Response:
    return json_response(
        {
            "backend": "openrosa",
            "active": project.state["active"],
            "version_id": project.state["deployed_version"],
            "asset": assets.shown(ctx, project),
        }
    )


_DEPLOYMENT = "/api/v2/assets/{asset}/deployment"
# Forms may be larger than an answer can be.
_DEPLOYED: Mapping[int, Shape | None] = {200: "Deployment", 302: None}
ROUTES = [
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
            "Deploy the newest version again, archive, take out of the archive",
            PROJECTS,
            _DEPLOYED,
            body=Body("NewDeployment", {"active": False}),
            errors=(403, 405),
        ),
    ),
]
