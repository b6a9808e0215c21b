"""Replay and back-fill: existing submissions sent to a hook, also to one that is younger than they are.

Their current version is sent (design §4), in a lane of its own that delays no other delivery.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from formrelay import clock, hook_filters, ids, selection
from formrelay.isolation import lanes
from formrelay.resends import retries
from formrelay.resends.retries import Page
from formrelay.settings import settings
from formrelay.storage import backfill, deliveries, hooks, keys, submissions
from formrelay.storage.table import Item


class Wanted(NamedTuple):
    """Which submissions are meant: those that match ``query`` (JSON text), came from ``since`` on and before ``until``
    (ms), or the ``chosen`` ids alone; all without any of them."""

    query: str | None = None
    since: int | None = None
    until: int | None = None
    chosen: tuple[int, ...] | None = None

    def stored(self, now: int) -> Item:
        """As a job keeps it, without what comes after ``now`` (ms): that is delivered anyway."""
        first = ids.id_at(self.since) if self.since is not None else 0
        until = now + 1 if self.until is None else min(self.until, now + 1)
        return {"query": self.query, "chosen": self.chosen, "first": first, "last": ids.id_at(until)}


def page(job: Item, limit: int) -> Page:
    """The submissions meant among a job's next ones, without those that the hook's filter, as it is by now, keeps back.

    Raises QueryError when an answer is too long for a regular expression of the query.
    """
    hook = hooks.get(job["asset"], job["hook"])
    if hook is None:
        return Page([], None)
    what = job["what"]
    query = json.loads(what["query"]) if what["query"] else None
    meant = selection.of(job["asset"], settings().public_url, query, chosen=what["chosen"])
    rows, cursor = meant.within(what["first"], what["last"] - 1).page(after=job["cursor"], limit=limit)
    sids = [
        row.id
        for row in rows
        if not hook.get("filter") or hook_filters.meets(hook, job["hook"], row.record())
    ]
    return Page(sids, cursor, len(rows) - len(sids))


def make_due(job: Item, sids: list[int]) -> list[Item]:
    """Makes these submissions due for the job's hook; the deliveries that bear its mark then.

    A delivery is created where there is none; one that is under way is left alone.
    """
    known = {item["sid"]: item for item in deliveries.get_many(job["hook"], sids)}
    missing = submissions.get_many(job["asset"], [sid for sid in sids if sid not in known])
    mine = backfill.create(job["hook"], [_new(submission, job) for submission in missing])
    again = [_again(item, job) for item in known.values()]
    return [*mine, *(item for item in again if item)]


def _again(item: Item, job: Item) -> Item | None:
    if item.get("job") == job["uid"]:
        return item
    if item["status"] not in (deliveries.SUCCESS, deliveries.FAILED):
        return None
    return retries.retry(item, job=job["uid"], lane=lanes.REPLAY, current=True)


def _new(submission: Item, job: Item) -> Item:
    now = clock.now_ms()
    item = deliveries.new(
        job["asset"],
        job["hook"],
        submission["id"],
        origin=submission["origin"],
        now=now,
        due_at=now,
        sweep_at=now + settings().recovery_grace * 1000,
    )
    waiting = keys.trouble(job["hook"], deliveries.WAITING)
    return item | {
        "job": job["uid"],
        "lane": lanes.REPLAY,
        "manual": True,
        "current": True,
        "trouble": waiting,
    }
