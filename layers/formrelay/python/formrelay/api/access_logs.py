"""``/api/v2/access-logs/``: who signed in (contract permissions-and-activity §7)."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import islice
from typing import Any

from formrelay import clock
from formrelay.access_logs import BASIC, FAILED, SUBMISSIONS
from formrelay.api import paging, searching
from formrelay.api.about import ACCOUNTS, PAGING, About, Page, Query
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import detail, forbidden
from formrelay.search import Search
from formrelay.storage import access_logs, accounts
from formrelay.storage.table import Item

# Of a user's entries, a search reads so many at most.
MOST_SEARCHED = 50_000
_ROOTS = ("action", "date_created", "metadata", "user")
_WORDS = ("action", "metadata__source", "metadata__ip_address")


def list_own(ctx: Context) -> Response:
    start, limit = paging.window(ctx.request)
    username = ctx.user.username
    search = searching.asked(ctx.request, roots=_ROOTS, words=_WORDS)
    entries = access_logs.newest_first(username)
    if search is None:
        count = access_logs.count(username)
        results = [shown(ctx, item) for item in islice(entries, start, start + limit)]
    else:
        count, results = _found(ctx, search, entries, start, limit)
    return json_response(paging.envelope(ctx.request, count, results, start, limit))


def _found(
    ctx: Context, search: Search, entries: Iterator[Item], start: int, limit: int
) -> tuple[int, list[dict[str, Any]]]:
    """How many entries a search finds, and those of one page. Raises ApiError 400 where that is too much to read."""
    count, results = 0, []
    for number, item in enumerate(entries):
        if number >= MOST_SEARCHED:
            raise detail(400, f"Too much to search: there are more than {MOST_SEARCHED} entries.")
        entry = shown(ctx, item)
        if not search.matches({**entry, "user": {"username": entry["username"]}}):
            continue
        if start <= count < start + limit:
            results.append(entry)
        count += 1
    return count, results


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
            (*PAGING, Query("q", "Search: `metadata__auth_type:token`.")),
            errors=(400,),
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
