"""Edits: a record replaced by a newer one, with its history and its event (contract submissions §5, data §7)."""

from __future__ import annotations

from functools import partial

from formrelay import events, history
from formrelay.errors import UnavailableError
from formrelay.event_kinds import EDITED
from formrelay.storage import changes, submissions, table
from formrelay.storage.assets import Project
from formrelay.storage.submissions import Bodies, Guard
from formrelay.storage.table import Item

_TRIES = 5


def revised(
    asset: str, old: Item, *, uuid: str, geo: list[float | None], files: dict[str, Item], bodies: Bodies
) -> Item:
    """The record after an edit; ``uuid`` is its new instanceID. What it is by, of and since stays."""
    kept = {name: value for name, value in old.items() if name not in submissions.BODIES}
    changed = {"uuid": uuid, "geo": geo, "rev": old.get("rev", 0) + 1, "files": files}
    return {**kept, **changed, **submissions.pack(asset, bodies)}


def replace(project: Project, old: Item, new: Item, sha256: str, *, by: Item, origin: str) -> Guard | None:
    """Writes an edit, and lets the hooks that chose so hear of it.

    ``by`` is who asked for it, as :func:`formrelay.history.who` tells, ``origin`` the base URL at which.
    Returns None when it is written, else the guard that stood for the new instanceID. Raises StaleError when the
    record is no longer as ``old``.
    """
    told = [history.modified_op(by, project.uid, project.owner, new)]
    for _ in range(_TRIES):
        rows = events.deliveries_for(project, EDITED, new, origin=origin)
        try:
            twin = table.settle(partial(changes.replace, project.uid, old, new, sha256, rows, told))
        except submissions.SidClashError:
            continue
        if twin is None:
            events.send(rows)
        return twin
    raise UnavailableError
