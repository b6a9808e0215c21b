"""Exports of logs: one at a time for each user or project, kept for some days.

An export holds ``uid, by`` (who asked), ``created`` (ms), ``state`` (``processing``, ``complete``, ``error``),
``rows`` and ``expires``. Beside them one item says until when an export that is under way may run.
"""

from __future__ import annotations

from itertools import islice

from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.table import Item

PROCESSING, COMPLETE, ERROR = "processing", "complete", "error"
KEPT_DAYS = 7
# Longer than the function runs that makes it (ms): what is not done then never will be.
LASTS = 60_000
_MOST = 100


class BusyError(Exception):
    """Another export of the same log is under way."""


def begin(log: str, uid: str, by: str, *, now: int) -> None:
    """Begins an export. Raises BusyError."""
    data = settings().data_table
    item = {
        **keys.log_export(log, uid),
        "uid": uid,
        "by": by,
        "created": now,
        "state": PROCESSING,
        "expires": now // 1000 + KEPT_DAYS * 86_400,
    }
    turn = table.update_op(
        data,
        keys.log_export(log, "!"),
        "SET #until = :until",
        {":until": now + LASTS, ":now": now},
        condition="attribute_not_exists(#until) OR #until <= :now",
    )
    try:
        table.transact([turn, table.put_op(data, item)])
    except (table.TransactionError, table.ConflictError):
        raise BusyError from None


def end(log: str, uid: str, state: str, *, rows: int, until: int, letter: Item | None = None) -> None:
    """Ends an export, writes the letter that tells of it, and lets the next one begin (``until`` as begun)."""
    data = settings().data_table
    operations = [
        table.update_op(
            data,
            keys.log_export(log, uid),
            "SET #state = :state, #rows = :rows",
            {":state": state, ":rows": rows},
        ),
        table.update_op(
            data,
            keys.log_export(log, "!"),
            "REMOVE #until",
            {":until": until},
            condition="#until = :until",
        ),
    ]
    if letter:
        operations.append(table.put_op(data, letter))
    table.settle(lambda: table.transact(operations))


def get(log: str, uid: str) -> Item | None:
    """One export."""
    return table.get(settings().data_table, keys.log_export(log, uid))


def newest(log: str) -> list[Item]:
    """The last exports of a log, newest first."""
    condition, values = "#pk = :pk AND #sk > :head", {":pk": keys.log_exports_pk(log), ":head": "!"}
    found = table.query_all(settings().data_table, condition, values, forward=False, limit=_MOST)
    return list(islice(found, _MOST))
