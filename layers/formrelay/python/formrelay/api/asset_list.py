"""``GET /api/v2/assets/``: projects of a user, searched, sorted, in pages (contract assets §3.2, accounts §6.3–6.6).

What finds and sorts is read from small rows, the rest only of the projects of the page shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from formrelay import listings, permissions, projects
from formrelay.api import asset_shapes, paging, permission_shapes
from formrelay.api.about import PAGING, PROJECTS, About, Page, Query
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.storage import asset_batches, assets
from formrelay.storage.assets import Project
from formrelay.storage.listings import of_user
from formrelay.storage.table import Item
from formrelay.usernames import ANONYMOUS

# Each project shown takes a few calls of its own: for what was submitted to it, and with whom it is shared.
_THREADS = 8


def list_assets(ctx: Context) -> Response:
    query = ctx.request.query
    rows = _found(ctx)
    start, limit, page = paging.page(ctx.request, listings.ordered(rows, query.get("ordering", "")))
    results = [asset_shapes.wanted(ctx, item) for _, item in items(ctx, page)]
    answer = paging.envelope(ctx.request, len(rows), results, start, limit)
    if query.get("metadata", "").lower() in ("on", "true", "1"):
        answer["metadata"] = listings.metadata(rows)
    return json_response(answer)


def minimal_list(ctx: Context) -> Response:
    """The same projects by uid and name alone."""
    rows = listings.ordered(_found(ctx), ctx.request.query.get("ordering", ""))
    start, limit, page = paging.page(ctx.request, rows)
    results = [{"uid": row["uid"], "name": row["name"], "deployment_status": row["status"]} for row in page]
    answer = paging.envelope(ctx.request, len(rows), results, start, limit)
    return json_response({name: value for name, value in answer.items() if name != "count"})


def get_hash(ctx: Context) -> Response:
    """One value that changes with every change of one of these projects."""
    rows = of_user(ctx.user.username)
    text = ",".join(f"{row['uid']}:{row['modified']}" for row in rows)
    return json_response({"hash": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()})


def _found(ctx: Context) -> list[Item]:
    """The caller's rows that meet ``q``, ``asset_type`` and ``status``."""
    asked = listings.asked(ctx.request.query.get("q", ""))
    rows = of_user(ctx.caller.username) if ctx.caller else []
    kind = ctx.request.query.get("asset_type")
    if kind:
        rows = [row for row in rows if row["type"] == kind]
    status = ctx.request.query.get("status")
    if status:
        rows = [row for row in listings.with_sharing(rows) if row["sharing"] == status]
    return listings.found_by(asked, rows) if asked else rows


def items(ctx: Context, rows: Sequence[Item]) -> list[tuple[Project, dict[str, Any]]]:
    """Projects of rows that the caller may view, each as the list shows it."""
    found = asset_batches.projects([row["uid"] for row in rows], [ANONYMOUS])
    known = [(row, found[row["uid"]]) for row in rows if row["uid"] in found]
    with ThreadPoolExecutor(_THREADS) as pool:
        shared = [project for row, project in known if row["shared"]]
        for project, rights in zip(shared, pool.map(lambda p: assets.rights(p.uid), shared), strict=True):
            project.rights = rights
        shown = [p for _, p in known if permissions.allowed(ctx.caller, p, permissions.VIEW_ASSET)]
        totals = list(pool.map(lambda p: asset_shapes.totals(ctx, p), shown))
    inactive = permission_shapes.switched_off(ctx, shown)
    return [
        (project, asset_shapes.list_item(ctx, project, inactive, total))
        for project, total in zip(shown, totals, strict=True)
    ]


_ASSETS = "/api/v2/assets"
_SEARCH = (
    Query("q", "A search: words, or fields as in `name__icontains:flood AND asset_type:survey`."),
    Query("ordering", "Fields to sort by, joined by commas, a minus for descending order."),
    Query("asset_type", "Only projects of that type.", {"enum": projects.TYPES}),
    Query("status", "Only projects that are shared so.", {"enum": ("private", "shared", "public")}),
)
ROUTES = [
    Route(
        "GET",
        _ASSETS,
        list_assets,
        about=About(
            "List the projects that the caller has or was given",
            PROJECTS,
            {200: Page("ProjectRow")},
            (
                *PAGING,
                *_SEARCH,
                asset_shapes.EXCLUDE,
                Query("metadata", "`on`: also the languages, countries and sectors of all of them."),
            ),
            errors=(400,),
            public=True,
        ),
    ),
    Route(
        "GET",
        f"{_ASSETS}/minimal-list",
        minimal_list,
        about=About(
            "List projects by uid and name",
            PROJECTS,
            {200: "MinimalList"},
            (*PAGING, *_SEARCH),
            errors=(400,),
            public=True,
        ),
    ),
    Route(
        "GET",
        f"{_ASSETS}/hash",
        get_hash,
        about=About("Whether any project has changed", PROJECTS, {200: "ProjectsHash"}),
    ),
]
