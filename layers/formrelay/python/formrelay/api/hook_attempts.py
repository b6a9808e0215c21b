"""``…/logs/{log}/attempts/``: what became of every attempt of one delivery."""

from __future__ import annotations

from typing import Any

from formrelay import clock
from formrelay.api import hook_logs, paging
from formrelay.api.about import HOOKS, PAGING, About, Page
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.storage import attempts, deliveries
from formrelay.storage.table import Item


def list_attempts(ctx: Context, asset: str, hook: str, log: str) -> Response:
    """The attempts that ended, newest first; those that failed long ago have expired."""
    _, item = hook_logs.delivery(ctx, asset, hook, log)
    start, limit = paging.window(ctx.request)
    newest = item["tries"]
    first = attempts.oldest(hook, item["sid"]) or newest + ("arrived" not in item)
    # The one that arrived is always the newest, and has no item.
    rows = [deliveries.arrived(item)] if "arrived" in item and start == 0 else []
    rows += attempts.page(hook, item["sid"], newest - start - len(rows), limit - len(rows))
    results = [_shown(row, item) for row in rows]
    return json_response(paging.envelope(ctx.request, newest - first + 1, results, start, limit))


def _shown(attempt: Item, item: Item) -> dict[str, Any]:
    """One attempt; the time of the next one is the delivery's own where it is still to come."""
    awaited = attempt["number"] == item["tries"] and item["status"] == deliveries.PENDING
    due_at = item["due_at"] if awaited else attempt.get("due_at")
    digest = attempt["sha256"]
    return {
        "number": attempt["number"],
        "date_started": clock.iso_micro(attempt["started"]),
        "duration_ms": attempt["took"],
        "outcome": attempt["kind"],
        "status_code": attempt["code"],
        "address": attempt["address"],
        "message": attempt["message"],
        "body_sha256": digest.hex() if digest else None,
        "body_size": attempt["size"],
        "hook_revision": attempt["revision"],
        "manual": attempt["manual"],
        "replay": attempt["replay"],
        "interrupted": attempt["kind"] == "interrupted",
        "date_next": clock.iso_micro(due_at) if due_at is not None else None,
    }


ROUTES = [
    Route(
        "GET",
        "/api/v2/assets/{asset}/hooks/{hook}/logs/{log}/attempts",
        list_attempts,
        about=About("List the attempts of a delivery, newest first", HOOKS, {200: Page("Attempt")}, PAGING),
    )
]
