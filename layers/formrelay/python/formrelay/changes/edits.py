"""Edits: a record replaced by a newer one, with its history and its event (contract submissions §5, data §7)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from formrelay import attachments, events, history, waiting
from formrelay.changes import contents
from formrelay.changes.asked import Asked
from formrelay.errors import UnavailableError
from formrelay.event_kinds import EDITED
from formrelay.openrosa import editing, instance_ids
from formrelay.openrosa.editing import EditError, Path, Value
from formrelay.openrosa.errors import OpenRosaError, Outcome
from formrelay.storage import changes, submissions, table
from formrelay.storage.assets import Project
from formrelay.storage.submissions import Bodies, Guard
from formrelay.storage.table import Item

_TRIES = 5
GONE = "Not found."
ENCRYPTED = "An encrypted submission cannot be edited"


class RefusedError(Exception):
    """A record that cannot be edited so; the text says why, for the caller."""


class Change(NamedTuple):
    """What is to become of a record: answers by their paths, under ``uuid`` as its new instanceID."""

    answers: Mapping[Path, Value]
    uuid: str


def edit(asked: Asked, item: Item, change: Change) -> None:
    """Edits a record, unless that very change was made before. Raises RefusedError."""
    if not asked.project.state["active"]:
        raise RefusedError(Outcome.FORM_INACTIVE.value[1])
    for _ in range(_TRIES):
        if item["uuid"] == change.uuid:
            return
        try:
            new, sha256 = _changed(asked, item, change)
            # A guard that stood there already is of this very change, whose uuid nobody else has.
            replace(asked.project, item, new, sha256, by=asked.by, origin=asked.origin)
        except (EditError, OpenRosaError) as error:
            raise RefusedError(error.message if isinstance(error, OpenRosaError) else str(error)) from None
        except changes.StaleError:
            found = submissions.get(asked.asset, item["id"])
            if found is None:
                raise RefusedError(GONE) from None
            item = found
            continue
        return
    raise UnavailableError


def _changed(asked: Asked, item: Item, change: Change) -> tuple[Item, str]:
    """The record as it is to be, and the SHA-256 of its XML. Raises EditError and OpenRosaError."""
    xml = editing.edited(submissions.unpack(item).xml, change.answers)
    xml = editing.identified(
        xml,
        instance_ids.prefixed(change.uuid),
        deprecated_id=instance_ids.prefixed(item["uuid"]),
        root_uuid=instance_ids.prefixed(item["root"]),
    )
    found = contents.read(asked.project, xml)
    if found.instance.encrypted:
        raise EditError(ENCRYPTED)
    if found.instance.uuid != change.uuid:
        raise EditError("Its meta element cannot be edited")
    files = attachments.still_named(item["files"], found.named)
    new = revised(asked.asset, item, uuid=change.uuid, geo=found.geo, files=files, bodies=found.bodies)
    return new, found.sha256


def revised(
    asset: str, old: Item, *, uuid: str, geo: list[float | None], files: dict[str, Item], bodies: Bodies
) -> Item:
    """The record after an edit; ``uuid`` is its new instanceID. What it is by, of and since stays."""
    kept = {name: value for name, value in old.items() if name not in (*submissions.BODIES, "late")}
    changed = {"uuid": uuid, "geo": geo, "rev": old.get("rev", 0) + 1, "files": files}
    return {**kept, **changed, **submissions.pack(asset, bodies)}


def replace(
    project: Project,
    old: Item,
    new: Item,
    sha256: str,
    *,
    by: Item,
    origin: str,
    waits: str | None = None,
) -> Guard | None:
    """Writes an edit, and lets the hooks that chose so hear of it.

    ``by`` is who asked for it, as :func:`formrelay.history.who` tells, ``origin`` the base URL at which; ``waits`` why
    the hooks wait for files (:mod:`formrelay.waiting`), if they do.
    Returns None when it is written, else the guard that stood for the new instanceID. Raises StaleError when the
    record is no longer as ``old``.
    """
    wait = waiting.LONGEST[waits] if waits else 0
    told = [history.modified_op(by, project.uid, project.owner, new)]
    for _ in range(_TRIES):
        rows = events.deliveries_for(project, EDITED, new, origin=origin, wait=wait)
        if waits and rows:
            late = {"sid": rows[0]["sid"], "hooks": [row["hook"] for row in rows]}
            new = {**new, "waiting": waits, "late": late}
        try:
            twin = table.settle(partial(changes.replace, project.uid, old, new, sha256, rows, told))
        except submissions.SidClashError:
            continue
        if twin is None:
            events.send(rows, wait)
        return twin
    raise UnavailableError
