"""A store for forms of any size, which counts what reading them costs: calls, items, and read units as AWS bills them.

The simulation's DynamoDB, with an order kept for each partition, so that a Query takes the time of its answer.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from formrelay import ids
from formrelay.settings import settings
from formrelay.storage import keys, submissions, typed
from tests.simulation import expressions
from tests.simulation.backend import Backend, installed
from tests.simulation.dynamodb import MAX_PAGE, DynamoDB, Key, Request, Table, size
from tests.simulation.expressions import Item
from tests.simulation.seam import Seam

# A strongly consistent read bills a unit for every 4 KiB.
_UNIT = 4096


@dataclass
class Cost:
    """What was read while somebody watched."""

    calls: Counter[str] = field(default_factory=Counter)
    items: int = 0
    units: int = 0


class LargeStore(DynamoDB):
    """``cost`` is what reads have cost so far."""

    def __init__(self, seam: Seam, tables: dict[str, Table]) -> None:
        super().__init__(seam, tables)
        self.cost = Cost()
        self._order: dict[str, list[str]] = defaultdict(list)
        self._read: list[Item] = []

    def load(self, name: str, pk: str, items: dict[str, Item]) -> None:
        """Puts typed items under one partition at once, by their sort keys."""
        self.tables[name].items.update({(pk, sk): item for sk, item in items.items()})
        self._order[pk] = sorted({*self._order[pk], *items})

    def _store(self, table: Table, key: Key, new: Item | None, operation: str) -> None:
        known = key in table.items
        super()._store(table, key, new, operation)
        pk, sk = key
        if new is not None and not known:
            insort(self._order[pk], sk)
        elif new is None and known:
            self._order[pk].remove(sk)

    def _matching(self, table: Table, index: str | None, request: Request) -> list[Item]:
        """Where one key follows the other, only what one call can read of them, and one more."""
        if index:
            return super()._matching(table, index, request)
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        _, place, rest = expressions.partition(request["KeyConditionExpression"])
        pk = values[place]["S"]
        order, forward = self._order[pk], request.get("ScanIndexForward", True)
        low, high = _bounds(order, request, sorted(v["S"] for name, v in values.items() if name != place))
        if start := request.get("ExclusiveStartKey"):
            sk = start["sk"]["S"]
            low, high = (
                (max(low, bisect_right(order, sk)), high)
                if forward
                else (low, min(high, bisect_left(order, sk)))
            )
        self._read = []
        total = 0
        for position in range(low, high) if forward else range(high - 1, low - 1, -1):
            item = table.items[pk, order[position]]
            if rest and not rest(expressions.Scope(item, names, values)):
                continue
            self._read.append(item)
            total += size(item)
            if total > MAX_PAGE or len(self._read) > request.get("Limit", 10**9):
                break
        return list(self._read)

    def query(self, **request: Any) -> Request:
        answer = super().query(**request)
        read = answer["Count"] if not request.get("IndexName") else 0
        self._pay("Query", [size(item) for item in self._read[:read]])
        return answer

    def get_item(self, **request: Any) -> Request:
        answer = super().get_item(**request)
        self._pay("GetItem", [size(answer["Item"])] if "Item" in answer else [])
        return answer

    def batch_get_item(self, **request: Any) -> Request:
        answer = super().batch_get_item(**request)
        for items in answer["Responses"].values():
            self._pay("BatchGetItem", [-(-size(item) // _UNIT) * _UNIT for item in items])
        return answer

    def transact_write_items(self, **request: Any) -> Request:
        self.cost.calls["TransactWriteItems"] += 1
        return super().transact_write_items(**request)

    def _pay(self, operation: str, sizes: list[int]) -> None:
        self.cost.calls[operation] += 1
        self.cost.items += len(sizes)
        self.cost.units += max(1, -(-sum(sizes) // _UNIT))

    @contextmanager
    def watched(self) -> Iterator[Cost]:
        """Counts anew while it lasts."""
        before, self.cost = self.cost, Cost()
        try:
            yield self.cost
        finally:
            self.cost = before


def _bounds(order: list[str], request: Request, bounds: list[str]) -> tuple[int, int]:
    """Where in a partition the keys stand that a condition may mean."""
    if "BETWEEN" in request["KeyConditionExpression"]:
        return bisect_left(order, bounds[0]), bisect_right(order, bounds[-1])
    if "begins_with" in request["KeyConditionExpression"]:
        return bisect_left(order, bounds[0]), bisect_left(order, bounds[0] + "\U0010ffff")
    return 0, len(order)


@contextmanager
def large_store() -> Iterator[LargeStore]:
    """Puts such a store, empty, in the place of AWS."""
    seam = Seam(random.Random(1))
    backend = Backend(seam, run=lambda *_: None)
    store = LargeStore(seam, dict(backend.dynamodb.tables))
    backend.dynamodb = store
    with installed(backend):
        yield store


def copies(
    item: dict[str, Any], count: int, *, newest_ms: int, apart_ms: int = 1_000
) -> Iterator[dict[str, Any]]:
    """So many submissions like one, as the package holds it, so far apart, up to that moment, oldest first."""
    for number in range(count):
        moment = newest_ms - (count - 1 - number) * apart_ms
        sid = ids.id_at(moment)
        uuid = f"row-{number}"
        yield {**item, "sk": keys.sid_text(sid), "id": sid, "time": moment, "uuid": uuid, "root": uuid}


def multiply(
    store: LargeStore, asset: str, count: int, *, newest_ms: int, apart_ms: int = 1_000
) -> list[int]:
    """Copies in the place of the only submission of a form; their ids."""
    (item,) = submissions.scan(asset)
    name, pk = settings().data_table, keys.submissions_pk(asset)
    store.delete_item(TableName=name, Key=typed.marshal_item(keys.submission(asset, item["id"])))
    made = {
        copy["sk"]: typed.marshal_item(copy)
        for copy in copies(item, count, newest_ms=newest_ms, apart_ms=apart_ms)
    }
    store.load(name, pk, made)
    return [int(sk) for sk in made]
