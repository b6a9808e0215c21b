"""The end of a claimed attempt: it arrived, another one is to come, or it was the last.

Each is written under the condition that the attempt is still this process's.
"""

from __future__ import annotations

from collections.abc import Sequence

from formrelay.settings import settings
from formrelay.storage import attempts, deliveries, keys, table
from formrelay.storage.keys import Key
from formrelay.storage.table import Item


def _attempted(item: Item, attempt: Item, *, now: int, counted: bool) -> tuple[str, dict[str, object]]:
    """The part of an update that every end of an attempt shares: SET clause and values."""
    expression = (
        "SET #seq = :next, #tries = :tries, #rung = :rung,"
        " #code = :code, #message = :message, #modified = :now"
    )
    return expression, {
        ":seq": item["seq"],
        ":next": item["seq"] + 1,
        ":tries": attempt["number"],
        ":rung": item["rung"] + (1 if counted else 0),
        ":code": attempt["code"],
        ":message": attempt["message"],
        ":now": now,
        ":processing": deliveries.PROCESSING,
        ":lease": item["lease"],
    }


def _failed(item: Item, attempt: Item, *, now: int, counted: bool) -> tuple[str, dict[str, object]]:
    """The same for an attempt that failed: what it sent is what the next one sends."""
    expression, values = _attempted(item, attempt, now=now, counted=counted)
    if "files" in item:
        expression += ", #files = :files"
        values[":files"] = item["files"]
    return expression, values


def succeed(item: Item, attempt: Item, *, now: int, also: Sequence[Item] = ()) -> None:
    """Ends the claimed attempt as delivered. Raises ConditionError when the lease was lost.

    ``attempt`` as in :mod:`~formrelay.storage.attempts`; its facts stay in the record, so nothing else is written,
    unless there are writes ``also`` for the same transaction, which raises TransactionError or ConflictError.
    """
    expression, values = _attempted(item, attempt, now=now, counted=not item.get("manual"))
    facts = {name: value for name, value in attempt.items() if name not in deliveries.SHARED}
    expression += (
        ", #status = :status, #arrived = :arrived"
        " REMOVE #sweep, #sweep_at, #looks, #lease, #due_at, #trouble, #manual, #lane, #reported"
    )
    values |= {":status": deliveries.SUCCESS, ":arrived": facts}
    data = settings().data_table
    if not also:
        table.update(data, _key(item), expression, values, condition=deliveries.MINE)
    else:
        table.transact(
            [table.update_op(data, _key(item), expression, values, condition=deliveries.MINE), *also]
        )


def postpone(item: Item, attempt: Item, *, now: int, counted: bool, due_at: int, sweep_at: int) -> None:
    """Ends the claimed attempt as failed with another one to come, and keeps its facts, in one transaction.

    Raises TransactionError when the lease was lost, ConflictError when the delivery is being written elsewhere.
    """
    expression, values = _failed(item, attempt, now=now, counted=counted)
    update = table.update_op(
        settings().data_table,
        _key(item),
        expression
        + ", #status = :status, #due_at = :due, #sweep = :shard, #sweep_at = :sweep, #trouble = :trouble"
        + " REMOVE #lease, #looks, #manual",
        {
            **values,
            ":status": deliveries.PENDING,
            ":due": due_at,
            ":shard": keys.delivery_shard(item["hook"], item["sid"]),
            ":sweep": sweep_at,
            ":trouble": keys.trouble(item["hook"], "pending"),
        },
        condition=deliveries.MINE,
    )
    kept = attempts.put_op(item["hook"], item["sid"], {**attempt, "due_at": due_at}, now=now)
    table.transact([update, kept])


def give_up(
    item: Item, attempt: Item, *, now: int, counted: bool, reader: str | None, report: Sequence[Item]
) -> None:
    """Ends the claimed attempt as the last one and keeps its facts, together with what makes it reported.

    ``reader`` is who will be told of it, and so of a later success, if anybody.

    Raises TransactionError when the lease was lost, ConflictError when the report is being written elsewhere.
    """
    expression, values = _failed(item, attempt, now=now, counted=counted)
    if reader is not None:
        expression += ", #reported = :reader"
        values[":reader"] = reader
    update = table.update_op(
        settings().data_table,
        _key(item),
        expression
        + ", #status = :status, #trouble = :trouble"
        + " REMOVE #sweep, #sweep_at, #looks, #lease, #due_at, #manual, #lane",
        {**values, ":status": deliveries.FAILED, ":trouble": keys.trouble(item["hook"], "failed")},
        condition=deliveries.MINE,
    )
    table.transact([update, attempts.put_op(item["hook"], item["sid"], attempt, now=now), *report])


def _key(item: Item) -> Key:
    return keys.delivery(item["hook"], item["sid"])
