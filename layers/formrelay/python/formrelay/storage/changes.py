"""Writes that change a stored submission: each under the condition that it is still as it was read, or still there."""

from __future__ import annotations

from collections.abc import Sequence

from formrelay import clock
from formrelay.settings import settings
from formrelay.storage import deliveries, keys, leftovers, marks, submissions, table
from formrelay.storage.table import Item


class StaleError(Exception):
    """The record is no longer as it was read: it was changed or deleted."""


def _as_read(item: Item) -> tuple[str, Item]:
    """The condition that a record is as it was read, and its values."""
    if "turn" in item:
        return "#turn = :turn", {":turn": item["turn"]}
    return "attribute_exists(#pk) AND attribute_not_exists(#turn)", {}


def replace(
    asset: str, old: Item, new: Item, sha256: str, rows: Sequence[Item], also: Sequence[Item]
) -> submissions.Guard | None:
    """Writes an edit: the guard of the new instanceID, the new record over the old one, the old one to the history.

    And the deliveries of the event, and the writes in ``also``. Returns None when written, else the guard that stood
    for the new instanceID. Raises StaleError when the record is no longer as it was read, SidClashError when the id of
    a delivery is taken, or the new body goes.
    """
    data = settings().data_table
    guard = {**keys.guard(asset, new["uuid"]), "sid": new["id"], "sha256": sha256}
    history = {name: old[name] for name in (*submissions.BODIES, "uuid", "files", "geo") if name in old}
    condition, seen = _as_read(old)
    operations = [
        table.put_op(data, guard, condition=submissions.NEW),
        table.put_op(
            data,
            {**keys.submission(asset, new["id"]), **new, "turn": old.get("turn", 0) + 1},
            condition=condition,
            values=seen,
        ),
        table.put_op(data, {**keys.revision(asset, new["id"], old.get("rev", 0)), **history}),
        *map(deliveries.put_op, rows),
        *also,
        *leftovers.named_ops(asset, new, now=clock.now_ms()),
    ]
    try:
        table.transact(operations)
    except table.TransactionError as error:
        found, stale = error.reasons[:2]
        if found is None:
            raise (submissions.SidClashError if stale is None else StaleError) from None
        return submissions.Guard(found["sid"], found["sha256"])
    return None


def set_status(
    asset: str,
    old: Item,
    status: Item | None,
    jobs: list[str] | None,
    rows: Sequence[Item],
    also: Sequence[Item],
) -> None:
    """Sets the validation status of a record, None for none; and the ``jobs`` that have set it, unless None.

    With the deliveries of the event and the writes in ``also``. Raises StaleError when the record is no longer as it
    was read, SidClashError when the id of a delivery is taken.
    """
    condition, seen = _as_read(old)
    values = {name: value for name, value in (("status", status), ("jobs", jobs)) if value is not None}
    sets = ", ".join(f"#{name} = :{name}" for name in values)
    update = table.update_op(
        settings().data_table,
        keys.submission(asset, old["id"]),
        f"{f'SET {sets} ' if sets else ''}{'REMOVE #status ' if status is None else ''}ADD #turn :one",
        {":one": 1, **seen, **{f":{name}": value for name, value in values.items()}},
        condition=condition,
    )
    try:
        table.transact([update, *map(deliveries.put_op, rows), *also])
    except table.TransactionError as error:
        raise (StaleError if error.reasons[0] is not None else submissions.SidClashError) from None


def remove(asset: str, items: Sequence[Item], rows: Sequence[Item], also: Sequence[Item]) -> None:
    """Deletes records, with the deliveries of the events and the writes in ``also``; their guards stay.

    Raises StaleError when one of them is no longer as it was read, or something else was in the way: read them again.
    """
    data = settings().data_table
    deletes = []
    for item in items:
        condition, seen = _as_read(item)
        where = keys.submission(asset, item["id"])
        deletes.append(table.delete_op(data, where, condition=condition, values=seen))
    marked = marks.removal_ops(asset, [item["id"] for item in items])
    try:
        table.transact([*deletes, *marked, *map(deliveries.put_op, rows), *also])
    except table.TransactionError:
        raise StaleError from None
