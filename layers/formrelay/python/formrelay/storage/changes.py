"""Writes that change a stored submission: each under the condition that it is still as it was read, or still there."""

from __future__ import annotations

from collections.abc import Sequence

from formrelay.settings import settings
from formrelay.storage import deliveries, keys, submissions, table
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

    And the deliveries of the event, and the writes in ``also``. Returns None when written, else the guard that stood for the new instanceID.
    Raises StaleError when the record is no longer as it was read, SidClashError when the id of a delivery is taken.
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
    ]
    try:
        table.transact(operations)
    except table.TransactionError as error:
        found, stale = error.reasons[:2]
        if found is None:
            raise (submissions.SidClashError if stale is None else StaleError) from None
        return submissions.Guard(found["sid"], found["sha256"])
    return None


def set_status(asset: str, sid: int, status: Item | None) -> None:
    """Sets the validation status of a submission, None for none. Raises ConditionError when it is gone."""
    expression, values = _status(status)
    table.update(
        settings().data_table,
        keys.submission(asset, sid),
        expression,
        values,
        condition="attribute_exists(#pk)",
    )


def set_status_of(asset: str, old: Item, status: Item | None, rows: Sequence[Item]) -> None:
    """The same with the deliveries of the event: one transaction.

    Raises StaleError when the record is no longer as it was read, SidClashError when the id of a delivery is taken.
    """
    expression, values = _status(status)
    condition, seen = _as_read(old)
    update = table.update_op(
        settings().data_table,
        keys.submission(asset, old["id"]),
        expression,
        {**values, **seen},
        condition=condition,
    )
    try:
        table.transact([update, *map(deliveries.put_op, rows)])
    except table.TransactionError as error:
        raise (submissions.SidClashError if error.reasons[0] is None else StaleError) from None


def _status(status: Item | None) -> tuple[str, Item]:
    if status is None:
        return "REMOVE #status ADD #turn :one", {":one": 1}
    return "SET #status = :status ADD #turn :one", {":status": status, ":one": 1}
