"""``/api/v2/access-logs/``: who signed in (contract permissions-and-activity §7)."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import islice
from typing import Any

from formrelay import clock
from formrelay.access_logs import BASIC, FAILED, SUBMISSIONS
from formrelay.api import paging
from formrelay.api.about import ACCOUNTS, PAGING, About, Page
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import forbidden
from formrelay.storage import access_logs, accounts
from formrelay.storage.table import Item


def list_own(ctx: Context) -> Response:
    start, limit = paging.window(ctx.request)
    username = ctx.user.username
    found = islice(access_logs.newest_first(username), start, start + limit)
    results = [shown(ctx, item) for item in found]
    return json_response(paging.envelope(ctx.request, access_logs.count(username), results, start, limit))


def list_all(ctx: Context) -> Response:
    """Those of everybody, for superusers: a page without a count."""
    if not ctx.user.superuser:
        raise forbidden()
    start, limit = paging.window(ctx.request)
    found = list(islice(_everybodys(), start, start + limit + 1))
    page = paging.envelope(
        ctx.request, start + len(found), [shown(ctx, i) for i in found[:limit]], start, limit
    )
    return json_response({name: value for name, value in page.items() if name != "count"})


def _everybodys() -> Iterator[Item]:
    """Newest first; those of a user are not read before their last one is next."""
    rows = sorted(accounts.directory(), key=lambda row: -row.get("last_access", 0))
    users = [(row["username"], row.get("last_access", 0)) for row in rows]
    heap: list[tuple[int, int, Item, Iterator[Item]]] = []
    number = 0
    waiting = [(access_logs.NOBODY, float("inf")), *users]
    while waiting or heap:
        if waiting and (not heap or waiting[0][1] >= -heap[0][0]):
            stream = access_logs.newest_first(waiting.pop(0)[0])
            first = next(stream, None)
            if first:
                number += 1
                heapq.heappush(heap, (-first["first"], number, first, stream))
            continue
        _, key, item, stream = heapq.heappop(heap)
        yield item
        following = next(stream, None)
        if following:
            heapq.heappush(heap, (-following["first"], key, following, stream))


def shown(ctx: Context, item: Item) -> dict[str, Any]:
    """One entry as people read it."""
    kind, uid = item["kind"], item["uid"]
    metadata: dict[str, Any] = {"auth_type": BASIC if kind == FAILED else kind}
    if kind != SUBMISSIONS:
        metadata = {"source": item["source"], "ip_address": item["ip"], **metadata}
    if kind == FAILED:
        metadata["attempted_username"] = item["username"]
    return {
        "user": f"{ctx.api}/users/{item['username']}/" if uid else None,
        "date_created": clock.iso_seconds(item["first"]),
        "username": item["username"] if uid else None,
        "metadata": metadata,
        "user_uid": uid,
        "count": item["count"],
        "action": FAILED if kind == FAILED else "auth",
    }


_LOGS = "/api/v2/access-logs"
ROUTES = [
    Route(
        "GET",
        _LOGS + "/me",
        list_own,
        about=About(
            "List one's own sign-ins",
            ACCOUNTS,
            {200: Page("AccessEntry")},
            PAGING,
            text="Grouped by kind, address and hour; submissions by hour. Newest first.",
        ),
    ),
    Route(
        "GET",
        _LOGS,
        list_all,
        about=About(
            "List the sign-ins of everybody, for superusers",
            ACCOUNTS,
            {200: "AccessEntries"},
            PAGING,
            errors=(403,),
        ),
    ),
]
