"""Events after the first one: what happened to a submission later, for the hooks that want to hear of it.

A delivery of such an event has a time-ordered id of its own, the same for all hooks, and says which submission it
is of. What it sends is fixed with the change: the record as it was then, whenever the attempt is made.

- ``submission.edited``, ``submission.validated``: the number of the record's edits, its files and its validation
  status are kept; the answers come from the record, or after a later edit from its history.
- ``submission.deleted``: nothing of the answers outlives them, so :func:`last_words` is all that is sent.
"""

from __future__ import annotations

from typing import Any

from formrelay import clock, hook_filters, ids
from formrelay.event_kinds import CREATED, DEFAULT, DELETED
from formrelay.isolation import lanes
from formrelay.openrosa import instance_ids
from formrelay.settings import settings
from formrelay.storage import deliveries
from formrelay.storage.assets import Project
from formrelay.storage.table import Item


def subscribers(project: Project, event: str) -> list[str]:
    """The hooks of a project that are active and want to hear of an event."""
    return [
        uid
        for uid, hook in sorted(project.hooks.items())
        if hook["active"] and event in hook.get("events", DEFAULT)
    ]


def deliveries_for(
    project: Project, event: str, submission: Item, *, origin: str, wait: int = 0
) -> list[Item]:
    """The deliveries of an event, for the transaction of the change; :func:`send` queues them after it.

    Hooks whose filter the record does not meet get none.

    ``submission`` is the record as the change leaves it, of a deletion as it was last. ``origin`` is the base URL
    that the change was asked for at, ``wait`` how long (ms) they wait for files at most. The caller writes each with
    :func:`~formrelay.storage.deliveries.put_op` and asks for others, which have another id, when one is refused.
    """
    if event == CREATED:
        raise ValueError("a submission is created with its deliveries")
    now, eid = clock.now_ms(), ids.submission_id()
    pinned = _pinned(project, event, submission)
    if wait:
        del pinned["files"]  # the first attempt tells which have come
    return [
        {
            **deliveries.new(
                project.uid,
                hook,
                eid,
                origin=origin,
                now=now,
                due_at=now + wait,
                sweep_at=now + wait + settings().recovery_grace * 1000,
            ),
            "event": event,
            "submission": submission["id"],
            **pinned,
        }
        for hook in hook_filters.chosen(project, subscribers(project, event), submission)
    ]


def _pinned(project: Project, event: str, submission: Item) -> Item:
    if event == DELETED:
        return {"last": last_words(project.uid, submission)}
    return {
        "rev": submission.get("rev", 0),
        "files": [entry["uid"] for entry in submission["files"].values()],
        "validation": submission.get("status", {}),
    }


def last_words(asset: str, submission: Item) -> dict[str, Any]:
    """What is sent of a submission that was deleted: what receivers know it by, in the record's own keys."""
    return {
        "_id": submission["id"],
        "_xform_id_string": asset,
        "_uuid": submission["uuid"],
        "meta/rootUuid": instance_ids.prefixed(submission["root"]),
    }


def send(rows: list[Item], wait: int = 0) -> None:
    """Queues the deliveries of an event that stand in the table, ``wait`` ms from now. A failure costs time only."""
    lanes.send_new(rows, wait)
