"""A new submission: written with its deliveries, then queued (design §3).

When this process dies anywhere, either nothing was stored, or everything was and recovery sends what is due.
"""

from __future__ import annotations

from collections.abc import Sequence

from formrelay import events, hook_filters, ids
from formrelay.errors import UnavailableError
from formrelay.event_kinds import CREATED
from formrelay.isolation import lanes
from formrelay.log import logger
from formrelay.settings import settings
from formrelay.storage import deliveries, health, parking, submissions, table
from formrelay.storage.assets import Project
from formrelay.storage.submissions import Bodies, Guard
from formrelay.storage.table import Item

_TRIES = 5


def create(
    project: Project, item: Item, bodies: Bodies, sha256: str, *, origin: str, now: int, wait: int = 0
) -> Guard | None:
    """Stores a submission and lets the hooks that want it have it, ``wait`` ms after ``now`` (ms).

    ``item`` is all of its record but ``id`` and ``hooks``, which it has afterwards; ``bodies`` are those that it holds,
    ``sha256`` is of its XML. Returns None when it is stored, else the guard of the one with its instanceID that was
    there before.
    """
    heard = events.subscribers(project, CREATED)
    parks = True
    for _ in range(_TRIES):
        sid = item["id"] = ids.submission_id()
        hooks = item["hooks"] = hook_filters.chosen(project, heard, item, bodies)
        paused = _paused(project, hooks) if parks else set()
        rows = [_delivery(project.uid, hook, sid, origin, now, wait, hook in paused) for hook in hooks]
        try:
            twin = _write(project.uid, item, sha256, rows, paused)
        except submissions.SidClashError:
            continue
        except (submissions.CheckError, table.ConflictError):
            # A pause ended, or too many rely on it at once. Deliver parks what it finds paused.
            parks = False
            continue
        if twin is None:
            # Attempts name the same project and id, so one search finds all that became of a submission.
            logger.info("submission stored", extra={"asset": project.uid, "sid": sid, "hooks": len(hooks)})
            lanes.send_new([row for row in rows if row["hook"] not in paused], wait)
        return twin
    raise UnavailableError


def _paused(project: Project, hooks: Sequence[str]) -> set[str]:
    """The hooks whose deliveries are written parked; each takes one more place in the transaction."""
    room = table.MAX_TRANSACTION - submissions.WRITES - len(hooks)
    return set([hook for hook in hooks if project.hooks[hook].get("paused")][:room])


def _write(asset: str, item: Item, sha256: str, rows: list[Item], paused: set[str]) -> Guard | None:
    """Writes the submission while the hooks in ``paused`` are: none may be parked behind the end of a pause."""
    checks = [health.still_paused_op(asset, hook) for hook in sorted(paused)]

    def create() -> Guard | None:
        return submissions.create(asset, item, sha256, rows, checks)

    return create() if checks else table.settle(create)


def _delivery(asset: str, hook: str, sid: int, origin: str, now: int, wait: int, paused: bool) -> Item:
    due = now + wait
    sweep_at = due + settings().recovery_grace * 1000
    row = deliveries.new(asset, hook, sid, origin=origin, now=now, due_at=due, sweep_at=sweep_at)
    return parking.parked(row) if paused else row
