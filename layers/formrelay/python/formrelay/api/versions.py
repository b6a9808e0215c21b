"""``A/versions/``: the forms that a project had (contract assets §7)."""

from __future__ import annotations

from formrelay.api import asset_shapes, paging
from formrelay.api.about import PAGING, PROJECTS, About, Page, Query
from formrelay.api.assets import load
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import not_found
from formrelay.storage import assets


def list_versions(ctx: Context, asset: str) -> Response:
    load(ctx, asset)
    everything = assets.versions(asset)
    deployed = ctx.request.query.get("deployed", "").lower()
    wanted = [
        v for v in everything if deployed not in ("true", "false") or bool(v.deployed) == (deployed == "true")
    ]
    start, limit, shown = paging.page(ctx.request, wanted)
    numbers = asset_shapes.version_numbers(everything)
    results = [asset_shapes.version_item(ctx, asset, version, numbers) for version in shown]
    return json_response(paging.envelope(ctx.request, len(wanted), results, start, limit))


def get_version(ctx: Context, asset: str, version: str) -> Response:
    load(ctx, asset)
    everything = assets.versions(asset)
    found = next((v for v in everything if v.uid == version), None)
    if found is None:
        raise not_found()
    item = asset_shapes.version_item(ctx, asset, found, asset_shapes.version_numbers(everything))
    return json_response({**item, "content": assets.content(asset, version)})


_VERSIONS = "/api/v2/assets/{asset}/versions"
ROUTES = [
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
