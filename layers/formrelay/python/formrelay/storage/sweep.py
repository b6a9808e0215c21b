"""The sweep index: everything that must be looked at again, in shards, by the time it is due.

The index is eventually consistent: what it says is only a reason to look at the item itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.keys import Key
from formrelay.storage.table import Item

# As many as one call reads of the items themselves.
PAGE = table.MAX_BATCH_GET


def due(shard: str, now: int, start: Key | None = None) -> tuple[list[Item], Key | None]:
    """One page of what was due in a shard, oldest first: ``{pk, sk, sweep_at}``, and the key to go on from."""
    return table.query(
        settings().data_table,
        "#sweep = :shard AND #sweep_at <= :now",
        {":shard": shard, ":now": now},
        index=keys.SWEEP_INDEX,
        limit=PAGE,
        start=start,
    )


def item(key: Key) -> Item | None:
    """The item itself, strongly consistent."""
    return table.get(settings().data_table, keys.of(key))


def items(entries: Sequence[Key]) -> list[Item | None]:
    """The items of one page of entries, in their order, strongly consistent: one call."""
    return table.batch_get(settings().data_table, [keys.of(entry) for entry in entries])


def push(key: Key, seen: int, later: int, looks: int, trouble: str | None = None) -> bool:
    """Moves an item's time from the value seen to a later one. False when somebody else moved it first.

    ``trouble`` is the partition of the trouble index in which it stands from now on, if it is to be in one.
    """
    try:
        table.update(
            settings().data_table,
            keys.of(key),
            "SET #sweep_at = :later, #looks = :looks" + (", #trouble = :trouble" if trouble else ""),
            {":later": later, ":seen": seen, ":looks": looks, **({":trouble": trouble} if trouble else {})},
            condition="#sweep_at = :seen",
        )
    except table.ConditionError:
        return False
    return True
