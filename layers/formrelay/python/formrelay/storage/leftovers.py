"""What is left of a deleted submission outside its record: files, bodies and history, to be removed later.

Written in the transaction that deletes the record, so that no crash makes it forgotten; the sweep finds it. Objects of
S3 may go only once nobody who read the record before it was deleted still reads them. An item holds ``asset, sid``;
``objects`` keys of S3; ``files`` how the keys of its files begin, if it had any; ``history`` whether there are
earlier revisions; ``sweep_at`` when they may go (ms).
"""

from __future__ import annotations

from formrelay.settings import settings
from formrelay.storage import blobs, keys, table
from formrelay.storage.table import Item

# Longer than any function runs that has read the record.
_LATER_MS = 90_000
_PAGE = 100


def put_ops(asset: str, submission: Item, *, now: int) -> list[Item]:
    """The write for the transaction that deletes a record; none where nothing is left of it."""
    files = submission["files"].values()
    objects = [blobs.attachment_key(asset, submission["root"], entry["uid"]) for entry in files]
    if "blob" in submission:
        objects.append(submission["blob"])
    if not objects and not submission.get("rev"):
        return []
    sid = submission["id"]
    item: Item = {
        **keys.leftovers(asset, sid),
        "asset": asset,
        "sid": sid,
        "objects": objects,
        "history": bool(submission.get("rev")),
        "sweep": keys.sweep_shard(asset, sid),
        "sweep_at": now + _LATER_MS,
    }
    if files:
        item["files"] = blobs.attachment_key(asset, submission["root"], "")
    return [table.put_op(settings().data_table, item)]


def history(item: Item) -> tuple[list[Item], bool]:
    """Some earlier revisions, ``{pk, sk, blob}``, and whether there are more."""
    found, last = table.query(
        settings().data_table,
        "#pk = :pk",
        {":pk": keys.revision(item["asset"], item["sid"], 0)["pk"]},
        limit=_PAGE,
        projection="#pk, #sk, #blob",
    )
    return found, last is not None


def forget(found: list[Item]) -> None:
    """Removes earlier revisions."""
    table.batch_delete(settings().data_table, [keys.of(item) for item in found])


def done(item: Item) -> None:
    """Nothing is left any more."""
    table.delete(settings().data_table, keys.of(item))
