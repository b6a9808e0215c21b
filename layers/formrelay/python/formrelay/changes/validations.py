"""Validation statuses of submissions (contract data §6)."""

from __future__ import annotations

from functools import partial

from formrelay import events, history
from formrelay.changes.asked import Asked
from formrelay.errors import UnavailableError
from formrelay.event_kinds import VALIDATED
from formrelay.storage import changes, submissions, table
from formrelay.storage.table import Item

LABELS = {
    "validation_status_approved": "Approved",
    "validation_status_not_approved": "Not Approved",
    "validation_status_on_hold": "On Hold",
}
_TRIES = 8
# The last jobs that gave a record its status are kept with it: one that is begun anew does not do so twice, nor take
# away what was decided since.
_JOBS_KEPT = 8


def status(uid: str, username: str, now: int) -> Item:
    """The status object of one of :data:`LABELS`, given by that user at ``now`` (ms)."""
    return {"timestamp": now // 1000, "uid": uid, "by_whom": username, "label": LABELS[uid]}


def validate(asked: Asked, item: Item, given: Item | None, job: str | None = None) -> bool:
    """Gives a record a status, None for none; False when it is gone.

    Nothing happens when it has that very one, or had it of this job.
    """
    for _ in range(_TRIES):
        done = item.get("jobs", [])
        if item.get("status") == given or job in done:
            return True
        jobs = [*done, job][-_JOBS_KEPT:] if job else None
        changed = {**item, "status": given or {}}
        rows = events.deliveries_for(asked.project, VALIDATED, changed, origin=asked.origin)
        label = given["label"] if given else None
        told = [history.validated_op(asked.by, asked.asset, asked.project.owner, item, label)]
        try:
            table.settle(partial(changes.set_status, asked.asset, item, given, jobs, rows, told))
        except submissions.SidClashError:
            continue
        except changes.StaleError:
            found = submissions.get(asked.asset, item["id"])
            if found is None:
                return False
            item = found
            continue
        events.send(rows)
        return True
    raise UnavailableError
