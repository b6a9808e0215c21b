"""``/api/v2/permissions/``: the rights there are (contract permissions §1.1)."""

from __future__ import annotations

from typing import Any

from formrelay import rights
from formrelay.api import paging, permission_shapes
from formrelay.api.about import PAGING, PROJECTS, About, Page
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import not_found

_NAMES = {
    rights.ADD: "Can submit data to asset",
    rights.CHANGE_ASSET: "Can change asset",
    rights.CHANGE: "Can modify submitted data for asset",
    rights.DELETE: "Can delete submitted data for asset",
    rights.MANAGE_ASSET: "Can manage all aspects of asset",
    rights.PARTIAL: "Can make partial actions on submitted data for asset for specific users",
    rights.VALIDATE: "Can validate submitted data asset",
    rights.VIEW_ASSET: "Can view asset",
    rights.VIEW: "Can view submitted data for asset",
}


def list_permissions(ctx: Context) -> Response:
    start, limit, names = paging.page(ctx.request, rights.ALL)
    results = [_shown(ctx, name) for name in names]
    return json_response(paging.envelope(ctx.request, len(rights.ALL), results, start, limit))


def get_permission(ctx: Context, codename: str) -> Response:
    if codename not in _NAMES:
        raise not_found()
    return json_response(_shown(ctx, codename))


def _shown(ctx: Context, codename: str) -> dict[str, Any]:
    return {
        "url": permission_shapes.link(ctx, codename),
        "codename": codename,
        "implied": [permission_shapes.link(ctx, name) for name in sorted(rights.IMPLIED[codename])],
        "contradictory": [
            permission_shapes.link(ctx, name) for name in sorted(rights.CONTRADICTORY.get(codename, ()))
        ],
        "name": _NAMES[codename],
    }


ROUTES = [
    Route(
        "GET",
        "/api/v2/permissions",
        list_permissions,
        about=About("List the rights there are", PROJECTS, {200: Page("Permission")}, PAGING, public=True),
    ),
    Route(
        "GET",
        "/api/v2/permissions/{codename}",
        get_permission,
        about=About("Read a right: its name, what it implies", PROJECTS, {200: "Permission"}, public=True),
    ),
]
