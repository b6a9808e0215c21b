"""Deliveries that wait for the files of a submission which comes in several POSTs (contract submissions §4, §11).

A record says in ``waiting`` why they wait. Those of its creation are told by its ``hooks``, those of its last edit by
``late``, where that one waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from formrelay.isolation import lanes
from formrelay.settings import settings
from formrelay.storage import deliveries, submissions, table
from formrelay.storage.table import Item

MARKED = "marked"
"""The client said that more parts follow."""
MISSING = "missing"
"""Answers name files that did not come."""
LONGEST = {MARKED: 600_000, MISSING: 60_000}
"""How long they wait at most, in ms."""


def end(asset: str, item: Item, uuid: str, now: int) -> None:
    """Makes due what waits for the files of a record's revision ``uuid``: the last has come, ``now`` in ms."""
    late = item.get("late")
    if late and item["uuid"] == uuid:
        _release(late["hooks"], late["sid"], now)
    else:
        _release(item["hooks"], item["id"], now)
        if late:
            return  # the edit waits for files of its own
    with suppress(table.ConditionError):  # it was deleted or edited a moment ago
        submissions.stop_waiting(asset, item)


def _release(hooks: Iterable[str], sid: int, now: int) -> None:
    sweep_at = now + settings().recovery_grace * 1000
    released = []
    for hook in hooks:
        try:
            released.append(deliveries.release(hook, sid, now=now, sweep_at=sweep_at))
        except table.ConditionError:
            continue  # its time had come, or the hook is paused or gone
    lanes.send_new(released, 0)
