"""Deliveries that are not to be attempted now: parked while their hook is paused, or put off for want of a slot.

A parked delivery is pending, was never attempted, has no ``sweep_at``, and no message names its ``seq``: nothing
moves it but what ends its parking. It stands in the trouble index under ``<hook>#parked``.
"""

from __future__ import annotations

from collections.abc import Iterator

from formrelay.settings import settings
from formrelay.storage import deliveries, keys, table
from formrelay.storage.keys import Key
from formrelay.storage.table import Item

PARKED = "parked"
_PAGE = 100


def parked(delivery: Item) -> Item:
    """A new delivery as it is written for a hook that is paused."""
    kept = {name: value for name, value in delivery.items() if name not in ("sweep", "sweep_at")}
    return {**kept, "trouble": keys.trouble(delivery["hook"], PARKED)}


def is_parked(item: Item) -> bool:
    """Whether the delivery waits for the end of a pause."""
    return bool(item.get("trouble") == keys.trouble(item["hook"], PARKED))


def park(item: Item, *, now: int) -> None:
    """Gives a claimed attempt back unmade, until the pause is over. Raises ConditionError when the lease was lost."""
    _give_back(
        item,
        "#trouble = :trouble REMOVE #lease, #sweep, #sweep_at, #looks",
        {":trouble": keys.trouble(item["hook"], PARKED), ":now": now},
    )


def put_off(item: Item, *, now: int, sweep_at: int, lane: str | None = None) -> Item:
    """Gives a claimed attempt back unmade, for a message that comes soon, in another lane if told so.

    The item as it is then. Raises ConditionError when the lease was lost.
    """
    waiting = item.get("trouble") or keys.trouble(item["hook"], deliveries.WAITING)
    values = {":sweep": sweep_at, ":now": now, ":trouble": waiting, **({":lane": lane} if lane else {})}
    rest = ("#lane = :lane, " if lane else "") + "#trouble = :trouble, #sweep_at = :sweep REMOVE #lease"
    return _give_back(item, rest, values)


def _give_back(item: Item, rest: str, values: Item) -> Item:
    return table.update(
        settings().data_table,
        _key(item),
        "SET #status = :pending, #seq = :next, #modified = :now, " + rest,
        {
            **values,
            ":pending": deliveries.PENDING,
            ":processing": deliveries.PROCESSING,
            ":seq": item["seq"],
            ":next": item["seq"] + 1,
            ":lease": item["lease"],
        },
        condition=deliveries.MINE,
    )


def unpark(item: Item, *, sweep_at: int) -> None:
    """Lets a parked delivery be attempted; its message is the caller's. Raises ConditionError when it moved on.

    It may be old by now, so it stays in the trouble index until it arrives.
    """
    table.update(
        settings().data_table,
        _key(item),
        "SET #sweep = :shard, #sweep_at = :sweep, #trouble = :waiting",
        {
            ":shard": keys.delivery_shard(item["hook"], item["sid"]),
            ":sweep": sweep_at,
            ":trouble": keys.trouble(item["hook"], PARKED),
            ":waiting": keys.trouble(item["hook"], deliveries.WAITING),
            ":seq": item["seq"],
        },
        condition="#trouble = :trouble AND #seq = :seq",
    )


def waiting(hook: str) -> Iterator[Item]:
    """The parked deliveries of a hook, oldest submission first, read page by page.

    Found by the index, which may lag behind by moments; what it shows is looked up.
    """
    start = None
    while True:
        found, start = table.query(
            settings().data_table,
            "#trouble = :trouble",
            {":trouble": keys.trouble(hook, PARKED)},
            index=keys.TROUBLE_INDEX,
            limit=_PAGE,
            start=start,
        )
        items = deliveries.get_many(hook, [int(entry["sk"]) for entry in found])
        yield from filter(is_parked, items)
        if start is None:
            return


def _key(item: Item) -> Key:
    return keys.delivery(item["hook"], item["sid"])
