"""Deliveries of submissions that came long ago: written so that counts stay exact (:mod:`~formrelay.storage.marks`)."""

from __future__ import annotations

from collections.abc import Sequence

from formrelay.errors import UnavailableError
from formrelay.storage import deliveries, marks, table
from formrelay.storage.table import Item

# Writes of one transaction: as many as there are messages in a batch, and a mark for each at worst.
MOST = 10
_TRIES = 5


def create(hook: str, items: Sequence[Item]) -> list[Item]:
    """Writes new deliveries of one hook, up to :data:`MOST`; those that were written.

    What stands there already is left as it is. Raises UnavailableError when others are always in the way.
    """
    left = list(items)
    for _ in range(_TRIES):
        if not left:
            return []
        operations = [
            *map(deliveries.put_op, left),
            *marks.addition_ops(hook, [item["sid"] for item in left]),
        ]
        try:
            table.settle(lambda: table.transact(operations))  # noqa: B023 - called at once
        except table.TransactionError as error:
            # Some are there already; or marks were made meanwhile, and the next turn sees them.
            left = [item for item, found in zip(left, error.reasons, strict=False) if not found]
            continue
        return left
    raise UnavailableError
