"""A store for forms of any size, which counts what reading them costs: calls, items, and read units as AWS bills them.

The simulation's DynamoDB, with an order kept for each partition of the tables and their indexes, so that a Query takes
the time of its answer; and for threads, which take turns.
"""

from __future__ import annotations

import random
import re
import threading
from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from formrelay import ids
from formrelay.settings import settings
from formrelay.storage import keys, submissions, typed
from tests.simulation import expressions
from tests.simulation.backend import Backend, installed
from tests.simulation.dynamodb import MAX_PAGE, DynamoDB, Key, Request, Table, size
from tests.simulation.expressions import Item
from tests.simulation.seam import Seam

T = TypeVar("T")
# An entry of an index: its sort key, and the keys of its item.
Position = tuple[Any, str, str]
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
        self._turn = threading.RLock()
        self._order: dict[str, list[str]] = defaultdict(list)
        # Of an index: by its name and partition the positions of its entries, and the place of each item.
        self._entries: dict[tuple[str, str], list[Position]] = defaultdict(list)
        self._places: dict[tuple[str, Key], tuple[str, Position]] = {}
        self._read: list[Item] = []

    def load(self, name: str, items: Iterable[Item]) -> None:
        """Puts typed items into a table at once."""
        table = self.tables[name]
        changed = set()
        for item in items:
            key = item["pk"]["S"], item["sk"]["S"]
            if key not in table.items:
                self._order[key[0]].append(key[1])
                changed.add(key[0])
            super()._store(table, key, item, "PutItem")
        for pk in changed:
            self._order[pk].sort()
        self.settle(table)

    def _call(self, operation: str, detail: Any, effect: Callable[[], T]) -> T:
        with self._turn:
            return super()._call(operation, detail, effect)

    def _store(self, table: Table, key: Key, new: Item | None, operation: str) -> None:
        known = key in table.items
        super()._store(table, key, new, operation)
        pk, sk = key
        if new is not None and not known:
            insort(self._order[pk], sk)
        elif new is None and known:
            self._order[pk].remove(sk)

    def settle(self, table: Table) -> None:
        """Lets the indexes show everything, in its order."""
        for _, name, key, entry in table.coming:
            if place := self._places.pop((name, key), None):
                partition, position = place
                positions = self._entries[name, partition]
                del positions[bisect_left(positions, position)]
            if entry is not None:
                index = table.indexes[name]
                partition, position = entry[index.partition]["S"], (_value(entry[index.sort]), *key)
                self._places[name, key] = partition, position
                insort(self._entries[name, partition], position)
        super().settle(table)

    def _matching(self, table: Table, index: str | None, request: Request) -> list[Item]:
        """Where one key follows the other, only what one call can read of them, and one more."""
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        _, place, rest = expressions.partition(request["KeyConditionExpression"])
        pk = values[place]["S"]
        order: list[Any] = self._entries[index, pk] if index else self._order[pk]
        sort = table.indexes[index].sort if index else "sk"
        forward = request.get("ScanIndexForward", True)
        others = [name for name in re.findall(r":\w+", request["KeyConditionExpression"]) if name != place]
        low, high = _bounds(order, request, [_value(values[name]) for name in others], index)
        if start := request.get("ExclusiveStartKey"):
            last: Any = (
                (_value(start[sort]), start["pk"]["S"], start["sk"]["S"]) if index else start["sk"]["S"]
            )
            low, high = (
                (max(low, bisect_right(order, last)), high)
                if forward
                else (low, min(high, bisect_left(order, last)))
            )
        self._read = []
        total = 0
        for position in range(low, high) if forward else range(high - 1, low - 1, -1):
            at = order[position]
            item = table.shown[index][at[1:]] if index else table.items[pk, at]
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


def _value(typed: Item) -> Any:
    """A sort key as it compares."""
    return typed["S"] if "S" in typed else expressions.number(typed)


def _bounds(order: Sequence[Any], request: Request, values: list[Any], index: str | None) -> tuple[int, int]:
    """Where in a partition the keys stand that a condition may mean."""
    text = request["KeyConditionExpression"]

    def key(position: Any) -> Any:
        return position[0] if index else position

    if "BETWEEN" in text:
        return bisect_left(order, min(values), key=key), bisect_right(order, max(values), key=key)
    if "begins_with" in text:
        return bisect_left(order, values[0], key=key), bisect_left(order, values[0] + "\U0010ffff", key=key)
    if bound := re.search(r" ([<>]=?) ", text):
        after = bound[1] in ("<=", ">")
        edge = (bisect_right if after else bisect_left)(order, values[0], key=key)
        return (0, edge) if bound[1].startswith("<") else (edge, len(order))
    return 0, len(order)


@contextmanager
def large_backend() -> Iterator[tuple[Backend, LargeStore]]:
    """Puts the simulation's services in the place of AWS, with such a store, empty."""
    seam = Seam(random.Random(1))
    backend = Backend(seam, run=lambda *_: None)
    store = LargeStore(seam, dict(backend.dynamodb.tables))
    backend.dynamodb = store
    with installed(backend):
        yield backend, store


@contextmanager
def large_store() -> Iterator[LargeStore]:
    """The same, for those who need no other service."""
    with large_backend() as (_, store):
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
    name = settings().data_table
    store.delete_item(TableName=name, Key=typed.marshal_item(keys.submission(asset, item["id"])))
    made = list(copies(item, count, newest_ms=newest_ms, apart_ms=apart_ms))
    store.load(name, map(typed.marshal_item, made))
    return [copy["id"] for copy in made]
