"""Duplicates of submissions: the same answers and files as a submission of its own (contract data §8)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from formrelay import clock, creations, history, ids
from formrelay.changes import contents
from formrelay.changes.asked import Asked
from formrelay.errors import UnavailableError
from formrelay.openrosa import editing, instance_ids
from formrelay.openrosa.errors import Outcome
from formrelay.storage import blobs, submissions
from formrelay.storage.table import Item

# Answers that a form client fills in by itself at the time.
_MOMENTS = ("start", "end")


def duplicate(asked: Asked, item: Item) -> Item:
    """Makes a duplicate of a record, the caller's own, which hooks hear of as of any other; its record.

    Raises OpenRosaError when the form takes none, or the record is one that cannot be read as a submission any more.
    """
    if not asked.project.state["active"]:
        raise Outcome.FORM_INACTIVE.error()
    now, new = clock.now_ms(), str(uuid.uuid4())
    moment = datetime.fromtimestamp(now / 1000, UTC).isoformat(timespec="milliseconds")
    xml = editing.restamped(submissions.unpack(item).xml, moment, _MOMENTS)
    found = contents.read(asked.project, editing.identified(xml, instance_ids.prefixed(new)))
    made: Item = {
        "root": new,
        "uuid": new,
        "time": now,
        "by": asked.by["username"],
        "via": history.via(asked.by),
        "geo": found.geo,
        "origin": asked.origin,
        "owner": asked.project.owner,
        "form_uuid": asked.project.state["form_uuid"],
        "files": _copied(asked.asset, item, new, now),
        **submissions.pack(asked.asset, found.bodies),
    }
    if creations.create(asked.project, made, found.bodies, found.sha256, origin=asked.origin, now=now):
        raise UnavailableError  # a uuid that nobody else has is taken only by a repeated write of ours
    return made


def _copied(asset: str, item: Item, root: str, now: int) -> dict[str, Item]:
    """The files of a record copied to objects of another's own; what that record keeps of them."""
    made = {}
    for name, entry in item["files"].items():
        copy = {**entry, "uid": ids.uid("att"), "at": now}
        source = blobs.attachment_key(asset, item["root"], entry["uid"])
        blobs.copy(source, blobs.attachment_key(asset, root, copy["uid"]))
        made[name] = copy
    return made
