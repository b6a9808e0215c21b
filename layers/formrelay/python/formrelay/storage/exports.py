"""Exports: tasks, the newest files of saved settings, and the settings themselves (contract exports §1.2, §2).

A task holds ``uid``, ``asset``, ``user`` (AnonymousUser for anybody) and whether a ``superuser``; ``origin`` base URL
it was asked for at; ``settings`` as JSON text, and ``kind``, the type that is made of them; ``created`` (ms);
``file`` name of the result and ``blob`` its key; ``status``. While it is unfinished: ``sweep``, ``sweep_at`` when
recovery looks, which is the end of the lease of who works on it; ``lease`` the mark of that process; ``tries`` turns
since it last moved; ``progress`` how far it came. Afterwards ``size``, ``last`` time of the newest row (text),
``seconds`` it took, ``notes``, and a mark of the ``rows`` that its user could see; or ``error`` and ``error_type``.
A file of a saved setting is such a task with ``setting``, the revision that it shows, and ``expires``.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any, Final

from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.table import Item

CREATED: Final = "created"
PROCESSING: Final = "processing"
COMPLETE: Final = "complete"
ERROR: Final = "error"
UNFINISHED: Final = (CREATED, PROCESSING)

# Much longer than an export can be under way.
_GUARDED: Final = 7 * 86_400
_MINE: Final = "#lease = :lease"
_DONE: Final = " REMOVE #lease, #sweep, #sweep_at, #tries, #progress"


def create(task: Item, guard: keys.Key, seen: str | None, also: Sequence[Item]) -> bool:
    """Stores a new task, together with the writes ``also``; False when another one came first.

    ``guard`` keeps apart those of a kind: it names the newest one, ``seen`` when it was read, None where none stood.
    """
    data = settings().data_table
    entry = {**guard, "uid": task["uid"], "expires": task["created"] // 1000 + _GUARDED}
    condition = "#uid = :seen" if seen else "attribute_not_exists(#pk)"
    first = table.put_op(data, entry, condition=condition, values={":seen": seen} if seen else None)
    try:
        table.settle(lambda: table.transact([first, table.put_op(data, task), *also]))
    except table.TransactionError:
        return False
    return True


def replace(task: Item, seen: str | None) -> bool:
    """Stores the file of a setting in place of the one with the uid ``seen``; False when another one came first."""
    condition = "#uid = :seen" if seen else "attribute_not_exists(#pk)"
    try:
        table.put(settings().data_table, task, condition=condition, values={":seen": seen} if seen else None)
    except table.ConditionError:
        return False
    return True


def get(key: keys.Key) -> Item | None:
    """A task, or the file of a setting."""
    return table.get(settings().data_table, key)


def listed(asset: str, user: str) -> list[Item]:
    """The tasks of a user on a project, newest first; a few more than are kept."""
    found = table.query_all(
        settings().data_table,
        "#pk = :pk AND begins_with(#sk, :tasks)",
        {":pk": keys.exports_pk(asset), ":tasks": keys.export_tasks(user)},
        forward=False,
    )
    return list(found)


def delete(task: Item) -> None:
    """Removes a task. Who works on it notices with its next write."""
    table.delete(settings().data_table, keys.of(task))


def take(task: Item, lease: str, *, until: int) -> Item:
    """Takes a task for this process until ``until`` (ms), and counts the turn.

    Raises ConditionError when it was taken since it was read, or is gone.
    """
    return table.update(
        settings().data_table,
        keys.of(task),
        "SET #status = :processing, #lease = :lease, #sweep_at = :until ADD #tries :one",
        {
            ":processing": PROCESSING,
            ":lease": lease,
            ":until": until,
            ":one": 1,
            ":seen": task["sweep_at"],
            ":uid": task["uid"],
        },
        condition="#sweep_at = :seen AND #uid = :uid",
    )


def put_off(task: Item, *, until: int) -> bool:
    """Moves the time at which recovery looks at a task again; False when somebody else moved it first."""
    values = {":until": until, ":seen": task["sweep_at"], ":uid": task["uid"]}
    try:
        table.update(
            settings().data_table,
            keys.of(task),
            "SET #sweep_at = :until REMOVE #lease",
            values,
            condition="#sweep_at = :seen AND #uid = :uid",
        )
    except table.ConditionError:
        return False
    return True


def renew(task: Item, *, until: int) -> None:
    """Keeps a task for this process until ``until`` (ms). Raises ConditionError when it was lost."""
    _write(task, "SET #sweep_at = :until", {":until": until})


def save(task: Item, progress: dict[str, Any], *, until: int) -> None:
    """Writes how far a task came, so that its turns count from here. Raises ConditionError when it was lost."""
    packed = zlib.compress(json.dumps(progress, separators=(",", ":")).encode(), 6)
    _write(
        task,
        "SET #progress = :progress, #tries = :none, #sweep_at = :until",
        {":progress": packed, ":none": 0, ":until": until},
    )


def progress(task: Item) -> dict[str, Any] | None:
    """How far a task came, as it was saved."""
    if "progress" not in task:
        return None
    found: dict[str, Any] = json.loads(zlib.decompress(task["progress"]))
    return found


def complete(task: Item, outcome: Item) -> None:
    """Marks a task as done: ``size``, ``last``, ``seconds``, ``notes``. Raises ConditionError when it was lost."""
    _finish(task, {"status": COMPLETE, **outcome})


def fail(task: Item, error_type: str, error: str) -> None:
    """Marks a task as failed for good. Raises ConditionError when it was lost."""
    _finish(task, {"status": ERROR, "error_type": error_type, "error": error})


def _finish(task: Item, outcome: Item) -> None:
    sets = ", ".join(f"#{name} = :{name}" for name in outcome)
    _write(task, f"SET {sets}{_DONE}", {f":{name}": value for name, value in outcome.items()})


def _write(task: Item, expression: str, values: Item) -> None:
    table.update(
        settings().data_table, keys.of(task), expression, {**values, ":lease": task["lease"]}, condition=_MINE
    )
