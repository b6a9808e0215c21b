"""``…/assets/{asset}/history/``: the activity of a project (contract permissions-and-activity §6)."""

from __future__ import annotations

from typing import Any

from formrelay import activity, clock, permissions
from formrelay.activity import Event
from formrelay.api import paging, searching
from formrelay.api.about import PAGING, PROJECTS, About, Page, Query
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import forbidden, not_found
from formrelay.search import Search
from formrelay.storage import assets
from formrelay.storage.assets import Project

_ROOTS = ("action", "date_created", "metadata", "user")
_WORDS = ("user__username", "action")


def require(ctx: Context, asset: str) -> Project:
    """The project, if the caller may see its activity. Raises 401, 404 and, also for what they may not view, 403."""
    user, project = ctx.user, assets.project(asset)
    if project is None:
        raise not_found()
    if not permissions.allowed(user, project, permissions.MANAGE_ASSET):
        raise forbidden()
    return project


def search_of(ctx: Context) -> Search | None:
    """The caller's search. Raises ApiError 400."""
    return searching.asked(ctx.request, roots=_ROOTS, words=_WORDS)


def list_history(ctx: Context, asset: str) -> Response:
    require(ctx, asset)
    start, limit = paging.window(ctx.request)
    search = search_of(ctx)
    if search is None:
        count, events = activity.page(asset, start, limit)
    else:
        count, events = 0, []
        for event in activity.matching(asset, search):
            if start <= count < start + limit:
                events.append(event)
            count += 1
    results = [_shown(ctx, event) for event in events]
    return json_response(paging.envelope(ctx.request, count, results, start, limit))


def _shown(ctx: Context, event: Event) -> dict[str, Any]:
    return {
        "user": f"{ctx.api}/users/{event.username}/",
        "user_uid": event.uid,
        "username": event.username,
        "action": event.action,
        "metadata": event.metadata,
        "date_created": clock.iso_seconds(event.at),
    }


def list_actions(ctx: Context, asset: str) -> Response:
    require(ctx, asset)
    return json_response({"actions": activity.actions(asset)})


_HISTORY = "/api/v2/assets/{asset}/history"
_TEXT = (
    "Newest first. `q` takes `action:`, `date_created__gte:`, `user__username:` and paths into the metadata, such as "
    '`metadata__hook__uid:`, joined by `AND`, `OR`, `NOT`: `action:deploy AND date_created__gte:"2026-01-01"`.'
)
ROUTES = [
    Route(
        "GET",
        _HISTORY,
        list_history,
        about=About(
            "List the activity of a project",
            PROJECTS,
            {200: Page("HistoryEntry")},
            (*PAGING, Query("q", "Search: `action:deploy`.")),
            errors=(400, 403),
            text=_TEXT,
        ),
    ),
    Route(
        "GET",
        _HISTORY + "/actions",
        list_actions,
        about=About(
            "List the actions that the activity tells of", PROJECTS, {200: "HistoryActions"}, errors=(403,)
        ),
    ),
]
