"""What no record names: files, bodies and history of a deleted submission; a body whose record was never written.

Written in the transaction that deletes the record, so that no crash makes it forgotten; the sweep finds it. Objects of
S3 may go only once nobody who read the record before it was deleted still reads them. An item holds ``asset, sid``;
``objects`` keys of S3; ``files`` how the keys of its files begin, if it had any; ``history`` whether there are
earlier revisions; ``sweep_at`` when they may go (ms).

A body stands in S3 before its record is written, which may never be: another post was faster, the process died. So it
is announced by such an item, without ``sid``, and the transaction of the record takes that out of the sweep. Where the
sweep was faster the transaction is refused, so no record names what goes.
"""

from __future__ import annotations

from formrelay.settings import settings
from formrelay.storage import blobs, keys, sweep, table
from formrelay.storage.keys import Key
from formrelay.storage.table import Item

# Longer than any function runs that has read the record.
_LATER_MS = 90_000
_PAGE = 100
# What was announced, and came to be named, is forgotten after so long (seconds).
_NAMED_FOR = 86_400


def put_ops(asset: str, submission: Item, *, now: int) -> list[Item]:
    """The write for the transaction that deletes a record; none where nothing is left of it."""
    files = submission["files"].values()
    objects = [blobs.attachment_key(asset, submission["root"], entry["uid"]) for entry in files]
    if "blob" in submission:
        objects.append(submission["blob"])
    if not objects and not submission.get("rev"):
        return []
    sid = submission["id"]
    key = keys.leftovers(asset, sid)
    item: Item = {
        **key,
        "asset": asset,
        "sid": sid,
        "objects": objects,
        "history": bool(submission.get("rev")),
        "sweep": keys.errand_shard(key["pk"]),
        "sweep_at": now + _LATER_MS,
    }
    if files:
        item["files"] = blobs.attachment_key(asset, submission["root"], "")
    return [table.put_op(settings().data_table, item)]


def announce(asset: str, body: str, *, now: int) -> None:
    """Says that a body is about to be put at that key of S3; it goes after a while, unless a record names it."""
    key = _announced(asset, body)
    item: Item = {
        **key,
        "asset": asset,
        "objects": [body],
        "history": False,
        "sweep": keys.errand_shard(key["pk"]),
        "sweep_at": now + _LATER_MS,
    }
    table.put(settings().data_table, item)


def named_ops(asset: str, record: Item, *, now: int) -> list[Item]:
    """The write for the transaction that stores a record whose body was announced; refused once that goes."""
    if "blob" not in record:
        return []
    # Not deleted: who takes in submissions has no right to delete anything.
    named = table.update_op(
        settings().data_table,
        _announced(asset, record["blob"]),
        "SET #expires = :expires REMOVE #sweep, #sweep_at",
        {":expires": now // 1000 + _NAMED_FOR},
        condition="attribute_exists(#sweep_at) AND attribute_not_exists(#looks)",
    )
    return [named]


def goes(item: Item, *, now: int) -> bool:
    """Whether what an item holds may be removed: of a body that was announced, no record can name it from now on."""
    if "sid" in item:
        return True
    return sweep.push(item, item["sweep_at"], now + _LATER_MS, item.get("looks", 0) + 1)


def _announced(asset: str, body: str) -> Key:
    return keys.body_leftovers(asset, body.rpartition("/")[2])


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
