"""Deletions of submissions (contract data §5): final, one of each, told to the hooks that chose to hear of them.

A record goes with its event, its mark and its entry in the activity, in one transaction. What tells an instanceID from
others stays, so that nothing that was deleted comes back when a client repeats itself: it is told that it was a
duplicate. Deliveries and their logs stay, too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from formrelay import clock, events, history
from formrelay.changes.asked import Asked
from formrelay.errors import UnavailableError
from formrelay.event_kinds import DELETED
from formrelay.storage import blobs, changes, leftovers, submissions, table
from formrelay.storage.table import Item

_TRIES = 8
# Writes for one record beside the deliveries of its event: the record, its mark, what is left of it, two entries.
_WRITES = 5


def at_once(asked: Asked) -> int:
    """How many records one call of :func:`delete` takes."""
    return table.MAX_TRANSACTION // (_WRITES + len(events.subscribers(asked.project, DELETED)))


def delete(asked: Asked, items: Sequence[Item]) -> None:
    """Deletes records, all in one transaction; those that are gone already are left out."""
    for _ in range(_TRIES):
        if not items:
            return
        rows = _deliveries(asked, items)
        beside = [write for item in items for write in _beside(asked, item)]
        try:
            table.settle(partial(changes.remove, asked.asset, items, rows, beside))
        except changes.StaleError:
            items = submissions.get_many(asked.asset, [item["id"] for item in items])
            continue
        events.send(rows)
        return
    raise UnavailableError


def _deliveries(asked: Asked, items: Sequence[Item]) -> list[Item]:
    """The deliveries of all the events, of which no two may have the same id."""
    found: dict[int, list[Item]] = {}
    for item in items:
        rows = events.deliveries_for(asked.project, DELETED, item, origin=asked.origin)
        while rows and rows[0]["sid"] in found:
            rows = events.deliveries_for(asked.project, DELETED, item, origin=asked.origin)
        if rows:
            found[rows[0]["sid"]] = rows
    return [row for rows in found.values() for row in rows]


def _beside(asked: Asked, item: Item) -> list[Item]:
    told = history.deleted_ops(asked.by, asked.asset, asked.project.owner, item)
    return [*told, *leftovers.put_ops(asked.asset, item, now=clock.now_ms())]


def clear(item: Item, ends: float) -> bool:
    """Removes what no record names (:mod:`~formrelay.storage.leftovers`), until then (monotonic clock); whether that is
    all of it.

    It may be begun anew at any point.
    """
    if not leftovers.goes(item, now=clock.now_ms()):
        return False
    blobs.delete_many([*item["objects"], *blobs.picture_keys(item["objects"])])
    # No record names the files of a post that came to nothing, such as the second of two at once.
    if "files" in item and not blobs.delete_under(item["files"]):
        return False
    more = item["history"]
    while more:
        if time.monotonic() >= ends:
            return False
        revisions, more = leftovers.history(item)
        blobs.delete_many([revision["blob"] for revision in revisions if "blob" in revision])
        leftovers.forget(revisions)
    leftovers.done(item)
    return True
