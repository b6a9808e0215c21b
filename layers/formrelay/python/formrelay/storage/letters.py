"""Mails to one person that wait to be sent: an item each, written with what it tells of, removed once it is out.

A letter holds ``uid, kind, facts`` (plain values for its text), ``link`` where it has one, and whom it goes to:
``username``, or ``address`` and ``language`` of somebody who has no account yet; ``sweep_at`` when recovery looks after
it, ``lease`` of the process that sends it, and ``expires``, after which nobody tries any more.
"""

from __future__ import annotations

from formrelay import clock, ids
from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.table import Item

_KEPT = 2 * 86_400


def new(kind: str, **values: object) -> Item:
    """A letter that is due now."""
    uid, now = ids.uid("l"), clock.now_ms()
    return {
        **keys.letter(uid),
        "uid": uid,
        "kind": kind,
        "sweep": keys.errand_shard(uid),
        "sweep_at": now + settings().recovery_grace * 1000,
        "expires": now // 1000 + _KEPT,
        **values,
    }


def put_op(letter: Item) -> Item:
    """The write of a letter, for the transaction of what it tells of."""
    return table.put_op(settings().data_table, letter)


def put(letter: Item) -> None:
    """Writes a letter by itself."""
    table.put(settings().data_table, letter)


def take(uid: str, *, now: int, until: int) -> Item:
    """Takes a letter for this process until ``until`` (ms).

    Raises ConditionError when another process has it, or it is gone.
    """
    return table.update(
        settings().data_table,
        keys.letter(uid),
        "SET #lease = :until, #sweep_at = :until",
        {":until": until, ":now": now},
        condition="attribute_exists(#pk) AND (attribute_not_exists(#lease) OR #lease <= :now)",
    )


def remove(uid: str) -> None:
    """Removes a letter that is sent, or never can be."""
    table.delete(settings().data_table, keys.letter(uid))
