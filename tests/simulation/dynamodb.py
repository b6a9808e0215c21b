"""DynamoDB in memory: what formrelay calls of it, with AWS's documented semantics.

Single writes and transactions are atomic; a transaction takes a moment, in which others that touch its items are
refused; indexes are behind the table by a time of their own for every item.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from tests.simulation import expressions
from tests.simulation.expressions import InvalidError, Item, Scope
from tests.simulation.seam import Seam, refused

T = TypeVar("T")
Key = tuple[str, str]
Request = dict[str, Any]

MAX_ITEM = 400 * 1024
MAX_PAGE = 1024 * 1024
MAX_TRANSACTION = 100


# AWS's names.
class ConditionalCheckFailedException(ClientError):  # noqa: N818
    pass


class TransactionCanceledException(ClientError):  # noqa: N818
    pass


class TransactionInProgressException(ClientError):  # noqa: N818
    pass


def _error(kind: type[ClientError], operation: str, **details: Any) -> ClientError:
    name = kind.__name__
    return kind({"Error": {"Code": name, "Message": name}, **details}, operation)  # type: ignore[typeddict-item]


@dataclass(frozen=True)
class Index:
    """A global secondary index that holds keys only."""

    partition: str
    sort: str


@dataclass
class Table:
    """Items by key, and what its indexes show at the moment."""

    indexes: Mapping[str, Index]
    items: dict[Key, Item] = field(default_factory=dict)
    shown: dict[str, dict[Key, Item]] = field(default_factory=dict)
    # What the indexes do not show yet: (when, index, key, entry).
    coming: list[tuple[float, str, Key, Item | None]] = field(default_factory=list)
    # The first moment at which they show something of it, and how often that has been.
    due: float = math.inf
    turns: int = 0
    # When the last change of an item reaches an index: changes do not overtake each other.
    last: dict[tuple[str, Key], float] = field(default_factory=dict)
    # What an index will show of an item once all changes have reached it.
    latest: dict[tuple[str, Key], Item | None] = field(default_factory=dict)

    def copy(self) -> Table:
        """The same table, all of it in the indexes."""
        made = Table(self.indexes, dict(self.items))
        for name in self.indexes:
            found = {key: entry for key, item in self.items.items() if (entry := made.entry(name, item))}
            made.shown[name] = found
            made.latest |= {(name, key): entry for key, entry in found.items()}
        return made

    def entry(self, index: str, item: Item | None) -> Item | None:
        """What stands of an item in an index; None where it does not."""
        where = self.indexes[index]
        if item is None or where.partition not in item or where.sort not in item:
            return None
        return {name: item[name] for name in ("pk", "sk", where.partition, where.sort)}


def size(value: Mapping[str, Any]) -> int:
    """About what an item takes, in bytes."""
    total = 0
    for name, typed in value.items():
        total += len(name)
        ((kind, inner),) = typed.items()
        if kind == "S":
            total += len(inner.encode())
        elif kind in ("N", "B"):
            total += len(inner)
        elif kind == "M":
            total += 3 + size(inner)
        elif kind == "L":
            total += 3 + sum(size({"": part}) for part in inner)
        else:
            total += 1
    return total


class DynamoDB:
    """The client. ``lag`` says how long an index is behind after a write, in seconds."""

    exceptions = SimpleNamespace(
        ClientError=ClientError,
        ConditionalCheckFailedException=ConditionalCheckFailedException,
        TransactionCanceledException=TransactionCanceledException,
        TransactionInProgressException=TransactionInProgressException,
    )

    def __init__(
        self,
        seam: Seam,
        tables: Mapping[str, Table],
        lag: Callable[[], float] = lambda: 0.0,
        page: int | None = None,
    ) -> None:
        self._seam = seam
        self.tables = tables
        self._lag = lag
        self._page = page or 10**9
        # Items that a transaction has in hand, and how many do.
        self._held: dict[tuple[str, Key], object] = {}
        self.conflicts: Callable[[], bool] = lambda: False
        self.partial: Callable[[], bool] = lambda: False

    # Reads

    def get_item(self, **request: Any) -> Request:
        key = _key(request["Key"])

        def effect() -> Request:
            item = self._table(request).items.get(key)
            return {"Item": item} if item else {}

        return self._call("GetItem", key, effect)

    def batch_get_item(self, **request: Any) -> Request:
        ((name, wanted),) = request["RequestItems"].items()
        keys = [_key(key) for key in wanted["Keys"]]
        if not 1 <= len(keys) <= 100 or len(set(keys)) < len(keys):
            raise _invalid("BatchGetItem", "between 1 and 100 different keys are wanted")

        def effect() -> Request:
            read = len(keys) - 1 if len(keys) > 1 and self.partial() else len(keys)
            items = self.tables[name].items
            answer: Request = {"Responses": {name: [items[key] for key in keys[:read] if key in items]}}
            if read < len(keys):
                answer["UnprocessedKeys"] = {name: {"Keys": wanted["Keys"][read:], "ConsistentRead": True}}
            return answer

        return self._call("BatchGetItem", keys, effect)

    def query(self, **request: Any) -> Request:
        index = request.get("IndexName")
        if index and request.get("ConsistentRead"):
            raise _invalid("Query", "an index has no consistent reads")
        _check_placeholders("Query", request)
        detail = (index or "", request["ExpressionAttributeValues"])
        return self._call("Query", detail, lambda: self._query(request, index))

    def _query(self, request: Request, index: str | None) -> Request:
        table = self._table(request)
        self.settle(table)
        names, values = _placed(request)
        sort = table.indexes[index].sort if index else "sk"
        found = self._matching(table, index, request)
        found.sort(key=lambda item: _position(item, sort), reverse=not request.get("ScanIndexForward", True))
        start = request.get("ExclusiveStartKey")
        if start:
            found = _after(found, start, sort, forward=request.get("ScanIndexForward", True))
        limit = min(request.get("Limit") or 10**9, self._page)
        page: list[Item] = []
        total = 0
        for item in found[:limit]:
            total += size(item)
            if page and total > MAX_PAGE:
                break
            page.append(item)
        answer: Request = {}
        if page and (len(page) < len(found) or len(page) == request.get("Limit")):
            names_of_key = dict.fromkeys(("pk", "sk", *_index_key(table, index)))
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in names_of_key}
        if request.get("FilterExpression"):
            test = expressions.condition(request["FilterExpression"])
            page = [item for item in page if test(Scope(item, names, values))]
        answer["Count"] = len(page)
        if request.get("Select") != "COUNT":
            answer["Items"] = [_projected(item, request) for item in page]
        return answer

    def _matching(self, table: Table, index: str | None, request: Request) -> list[Item]:
        """The items that a key condition means, in no order."""
        names, values = _placed(request)
        attribute, value, rest = expressions.partition(request["KeyConditionExpression"])
        if attribute != (table.indexes[index].partition if index else "pk"):
            raise _invalid("Query", "the partition is not named")
        start = request.get("ExclusiveStartKey")
        if start and rest and not index and not rest(Scope(start, names, values)):
            raise _invalid("Query", "The provided starting key is outside query boundaries")
        wanted = values[value]
        if index:
            found = [item for item in table.shown.get(index, {}).values() if item[attribute] == wanted]
        else:
            pk = wanted["S"]
            found = [item for key, item in table.items.items() if key[0] == pk]
        return [item for item in found if rest(Scope(item, names, values))] if rest else found

    # Writes

    def put_item(self, **request: Any) -> Request:
        return self._write("PutItem", request, lambda _: request["Item"], _key(request["Item"]))

    def update_item(self, **request: Any) -> Request:
        return self._write("UpdateItem", request, lambda old: _updated(request, old), _key(request["Key"]))

    def delete_item(self, **request: Any) -> Request:
        return self._write("DeleteItem", request, lambda _: None, _key(request["Key"]))

    def _write(
        self, operation: str, request: Request, change: Callable[[Item | None], Item | None], key: Key
    ) -> Request:
        _check_placeholders(operation, request)

        def effect() -> Request:
            table = self._table(request)
            if (request["TableName"], key) in self._held:
                self._seam.disturb()
                raise refused("TransactionConflictException", operation)
            old = table.items.get(key)
            if not _holds(request, old):
                raise _error(
                    ConditionalCheckFailedException,
                    operation,
                    **({"Item": old} if _shows(request, old) else {}),
                )
            try:
                new = change(old)
            except InvalidError as error:
                raise _invalid(operation, str(error)) from None
            self._store(table, key, new, operation)
            return {"Attributes": new} if request.get("ReturnValues") == "ALL_NEW" else {}

        return self._call(operation, (key, request), effect)

    def batch_write_item(self, **request: Any) -> Request:
        ((name, wanted),) = request["RequestItems"].items()
        keys = [_key(entry["DeleteRequest"]["Key"]) for entry in wanted]
        if not 1 <= len(keys) <= 25 or len(set(keys)) < len(keys):
            raise _invalid("BatchWriteItem", "between 1 and 25 different keys are wanted")

        def effect() -> Request:
            written = len(keys) - 1 if len(keys) > 1 and self.partial() else len(keys)
            for key in keys[:written]:
                self._store(self.tables[name], key, None, "BatchWriteItem")
            return {"UnprocessedItems": {name: wanted[written:]}} if written < len(keys) else {}

        return self._call("BatchWriteItem", keys, effect)

    def transact_write_items(self, **request: Any) -> Request:
        writes = [next(iter(entry.items())) for entry in request["TransactItems"]]
        places = [(body["TableName"], _key(body.get("Key") or body["Item"])) for _, body in writes]
        if not 1 <= len(writes) <= MAX_TRANSACTION or len(set(places)) < len(places):
            raise _invalid("TransactWriteItems", "between 1 and 100 different items are wanted")
        for kind, body in writes:
            _check_placeholders(kind, body)
        me = object()

        def began() -> None:
            busy = [place in self._held for place in places]
            if any(busy) or self.conflicts():
                self._seam.disturb()
                conflict = [{"Code": "TransactionConflict" if hit else "None"} for hit in busy]
                if not any(busy):
                    conflict[0] = {"Code": "TransactionConflict"}
                raise _error(TransactionCanceledException, "TransactWriteItems", CancellationReasons=conflict)
            self._held.update(dict.fromkeys(places, me))

        def ended() -> None:
            for place in places:
                if self._held.get(place) is me:
                    del self._held[place]

        return self._seam.call(
            "dynamodb",
            "TransactWriteItems",
            writes,
            lambda: self._transact(writes, places),
            # The client library sends its token again, so what was written is not written twice.
            again=dict,
            began=began,
            ended=ended,
        )

    def _transact(self, writes: Sequence[tuple[str, Request]], places: Sequence[tuple[str, Key]]) -> Request:
        found = [self.tables[name].items.get(key) for name, key in places]
        reasons: list[Request] = []
        for (_, body), old in zip(writes, found, strict=True):
            if _holds(body, old):
                reasons.append({"Code": "None"})
            else:
                reasons.append(
                    {"Code": "ConditionalCheckFailed", **({"Item": old} if _shows(body, old) else {})}
                )
        if any(reason["Code"] != "None" for reason in reasons):
            raise _error(TransactionCanceledException, "TransactWriteItems", CancellationReasons=reasons)
        changed: list[Item | None] = []
        for (kind, body), old in zip(writes, found, strict=True):
            try:
                changed.append(_changed(kind, body, old))
            except InvalidError as error:
                raise _invalid("TransactWriteItems", str(error)) from None
        for (kind, _), (name, key), new in zip(writes, places, changed, strict=True):
            if kind != "ConditionCheck":
                self._store(self.tables[name], key, new, "TransactWriteItems")
        return {}

    # Shared

    def _call(self, operation: str, detail: Any, effect: Callable[[], T]) -> T:
        return self._seam.call("dynamodb", operation, detail, effect)

    def _table(self, request: Request) -> Table:
        found = self.tables.get(request["TableName"])
        if found is None:
            raise refused("ResourceNotFoundException", "dynamodb")
        return found

    def _store(self, table: Table, key: Key, new: Item | None, operation: str) -> None:
        if new is None:
            table.items.pop(key, None)
        else:
            if size(new) > MAX_ITEM:
                raise _invalid(operation, "Item size has exceeded the maximum allowed size")
            table.items[key] = new
        for name in table.indexes:
            entry = table.entry(name, new)
            if entry == table.latest.get((name, key)):
                continue
            table.latest[name, key] = entry
            when = max(self._seam.now + self._lag(), table.last.get((name, key), -math.inf))
            table.last[name, key] = when
            table.coming.append((when, name, key, entry))
            table.due = min(table.due, when)

    def settle(self, table: Table) -> None:
        """Lets the indexes show what has reached them by now."""
        now = self._seam.now
        if table.due > now:
            return
        waiting = []
        for change in table.coming:
            when, name, key, entry = change
            if when > now:
                waiting.append(change)
            elif entry is None:
                table.shown.setdefault(name, {}).pop(key, None)
            else:
                table.shown.setdefault(name, {})[key] = entry
        table.coming = waiting
        table.due = min((change[0] for change in waiting), default=math.inf)
        table.turns += 1


def _invalid(operation: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationException", "Message": message}}, operation)


def _key(typed: Mapping[str, Any]) -> Key:
    return typed["pk"]["S"], typed["sk"]["S"]


def _placed(request: Request) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    return request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})


_EXPRESSIONS = (
    "ConditionExpression", "UpdateExpression", "KeyConditionExpression", "ProjectionExpression", "FilterExpression",
)  # fmt: skip


def _check_placeholders(operation: str, request: Request) -> None:
    """AWS refuses names and values that no expression uses, and expressions whose names or values are missing."""
    names, values = _placed(request)
    odd = _odd(tuple(map(request.get, _EXPRESSIONS)), (*names, *values))
    if odd:
        raise _invalid(operation, f"unused or undefined: {odd}")


@lru_cache(maxsize=2048)
def _odd(texts: tuple[str | None, ...], given: tuple[str, ...]) -> list[str]:
    return sorted(expressions.placeholders(*texts) ^ set(given))


def _holds(request: Request, item: Item | None) -> bool:
    text = request.get("ConditionExpression")
    return text is None or expressions.condition(text)(Scope(item or {}, *_placed(request)))


def _shows(request: Request, old: Item | None) -> bool:
    return old is not None and request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"


def _updated(request: Request, old: Item | None) -> Item:
    return expressions.updated(request["UpdateExpression"], Scope(old or request["Key"], *_placed(request)))


def _changed(kind: str, body: Request, old: Item | None) -> Item | None:
    if kind == "Put":
        item: Item = body["Item"]
        return item
    return _updated(body, old) if kind == "Update" else None


def _position(item: Item, sort: str) -> tuple[Any, ...]:
    typed = item[sort]
    value = expressions.number(typed) if "N" in typed else typed.get("S", "")
    return value, item["pk"]["S"], item["sk"]["S"]


def _after(found: list[Item], start: Item, sort: str, *, forward: bool) -> list[Item]:
    place = _position(start, sort)
    return [
        item
        for item in found
        if (_position(item, sort) > place) == forward and _position(item, sort) != place
    ]


def _index_key(table: Table, index: str | None) -> tuple[str, ...]:
    return (table.indexes[index].partition, table.indexes[index].sort) if index else ()


def _projected(item: Item, request: Request) -> Item:
    text = request.get("ProjectionExpression")
    if not text:
        return item
    names = request.get("ExpressionAttributeNames", {})
    wanted = [names.get(path, path) for path in expressions.paths(text)]
    return {name: item[name] for name in wanted if name in item}
