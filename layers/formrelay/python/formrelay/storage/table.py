"""DynamoDB as formrelay uses it: plain Python values in, plain Python values out, one call per function.

Expressions name attributes as ``#attribute`` and values as ``:value``; the names are collected from the
expression, so that reserved words need no thought.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from formrelay import clock
from formrelay.aws import dynamodb
from formrelay.errors import UnavailableError
from formrelay.storage.typed import marshal_item, unmarshal_item

if TYPE_CHECKING:
    from formrelay.storage.keys import Key

Item = dict[str, Any]
T = TypeVar("T")

# DynamoDB's limit on one transaction.
MAX_TRANSACTION = 100
MAX_BATCH_GET = 100
_CONFLICT_TRIES = 8
_WRITE_BATCH = 25


class ConditionError(Exception):
    """A conditional write found something else; ``old`` is what it found, or None where nothing stands."""

    def __init__(self, old: Item | None) -> None:
        super().__init__("condition not met")
        self.old = old


class TransactionError(Exception):
    """A transaction was refused by a condition. ``reasons`` has one entry per write.

    None where that write was fine, else the item found (empty dict: nothing stands there).
    """

    def __init__(self, reasons: list[Item | None]) -> None:
        super().__init__("transaction refused")
        self.reasons = reasons


class ConflictError(Exception):
    """Another transaction held one of the items: nothing was written, try again."""


_NAME = re.compile(r"#(\w+)")


@lru_cache(maxsize=512)
def _names(*expressions: str | None) -> dict[str, str]:
    return {f"#{name}": name for text in expressions if text for name in _NAME.findall(text)}


def _expression(
    request: dict[str, Any], values: Mapping[str, Any] | None, **expressions: str | None
) -> dict[str, Any]:
    """Adds the given expressions, with their names and values, to a request."""
    request.update({k: v for k, v in expressions.items() if v})
    names = _names(*expressions.values())
    if names:
        request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = marshal_item(values)
    return request


def get(table: str, key: Key, *, consistent: bool = True) -> Item | None:
    """One item, or None."""
    found = dynamodb().get_item(TableName=table, Key=marshal_item(key), ConsistentRead=consistent)
    item = found.get("Item")
    return unmarshal_item(item) if item else None


def batch_get(table: str, keys: Sequence[Key]) -> list[Item | None]:
    """Up to 100 items, in the order of their keys; None where nothing stands. A key may be there twice.

    Throttled rests are asked again. Raises UnavailableError when the table stays throttled.
    """
    wanted: list[Any] = [marshal_item(key) for key in {(key["pk"], key["sk"]): key for key in keys}.values()]
    found: dict[tuple[str, str], Item] = {}
    for turn in range(_CONFLICT_TRIES):
        answer = dynamodb().batch_get_item(RequestItems={table: {"Keys": wanted, "ConsistentRead": True}})
        for raw in answer["Responses"].get(table, []):
            item = unmarshal_item(raw)
            found[item["pk"], item["sk"]] = item
        rest = answer.get("UnprocessedKeys", {}).get(table)
        if not rest:
            return [found.get((key["pk"], key["sk"])) for key in keys]
        wanted = list(rest["Keys"])
        backoff(turn)
    raise UnavailableError


def batch_get_all(table: str, keys: Sequence[Key]) -> Iterator[Item | None]:
    """:func:`batch_get` for any number of keys: a call for every hundred, made as their items are asked for."""
    for i in range(0, len(keys), MAX_BATCH_GET):
        yield from batch_get(table, keys[i : i + MAX_BATCH_GET])


def put(table: str, item: Item, *, condition: str | None = None, values: Item | None = None) -> None:
    """Writes one item. Raises ConditionError when the condition is not met."""
    request: dict[str, Any] = {"TableName": table, "Item": marshal_item(item)}
    _expression(request, values, ConditionExpression=condition)
    _conditional(dynamodb().put_item, request)


def update(
    table: str,
    key: Key,
    expression: str,
    values: Item | None = None,
    *,
    condition: str | None = None,
    names: Mapping[str, str] | None = None,
    blind: bool = False,
) -> Item:
    """Changes one item and returns it as it is afterwards. Raises ConditionError with the item found.

    ``blind`` is for functions that may not see the item: nothing of it comes back in either case.
    ``names`` are for attributes whose names cannot stand in an expression: ``{"#f0": "any name"}``.
    """
    request: dict[str, Any] = {"TableName": table, "Key": marshal_item(key), "ReturnValues": "ALL_NEW"}
    _expression(request, values, UpdateExpression=expression, ConditionExpression=condition)
    if blind:
        request |= {"ReturnValues": "NONE", "ReturnValuesOnConditionCheckFailure": "NONE"}
    if names:
        request["ExpressionAttributeNames"] = {**request["ExpressionAttributeNames"], **names}
    return unmarshal_item(_conditional(dynamodb().update_item, request).get("Attributes", {}))


def delete(table: str, key: Key, *, condition: str | None = None, values: Item | None = None) -> None:
    """Removes one item; nothing happens when it is not there. Raises ConditionError."""
    request: dict[str, Any] = {"TableName": table, "Key": marshal_item(key)}
    _expression(request, values, ConditionExpression=condition)
    _conditional(dynamodb().delete_item, request)


def batch_delete(table: str, keys: Sequence[Key]) -> None:
    """Removes items, 25 a call. Raises UnavailableError when the table stays throttled."""
    for i in range(0, len(keys), _WRITE_BATCH):
        batch = [{"DeleteRequest": {"Key": marshal_item(key)}} for key in keys[i : i + _WRITE_BATCH]]
        wanted: Any = {table: batch}
        for turn in range(_CONFLICT_TRIES):
            wanted = dynamodb().batch_write_item(RequestItems=wanted).get("UnprocessedItems")
            if not wanted:
                break
            backoff(turn)
        else:
            raise UnavailableError


def _conditional(call: Callable[..., Any], request: dict[str, Any]) -> Any:
    if "ConditionExpression" in request:
        request.setdefault("ReturnValuesOnConditionCheckFailure", "ALL_OLD")
    client = dynamodb()
    try:
        return call(**request)
    except client.exceptions.ConditionalCheckFailedException as error:
        old = error.response.get("Item")
        raise ConditionError(unmarshal_item(cast("Item", old)) if old else None) from None


def query(
    table: str,
    condition: str,
    values: Item,
    *,
    index: str | None = None,
    limit: int | None = None,
    forward: bool = True,
    start: Key | None = None,
    projection: str | None = None,
    where: str | None = None,
) -> tuple[list[Item], Item | None]:
    """One page of a Query: its items, and the key to go on from (None at the end).

    Reads are strongly consistent, except from an index, where there are none.
    """
    request: dict[str, Any] = {
        "TableName": table,
        "ScanIndexForward": forward,
        "ConsistentRead": index is None,
    }
    if index:
        request["IndexName"] = index
    if limit:
        request["Limit"] = limit
    if start:
        request["ExclusiveStartKey"] = marshal_item(start)
    _expression(
        request,
        values,
        KeyConditionExpression=condition,
        ProjectionExpression=projection,
        FilterExpression=where,
    )
    answer = dynamodb().query(**request)
    last = answer.get("LastEvaluatedKey")
    return [unmarshal_item(item) for item in answer["Items"]], unmarshal_item(last) if last else None


def query_all(table: str, condition: str, values: Item, **options: Any) -> Iterator[Item]:
    """Every item of a Query, page by page, as it is read. Bounded by what stands under the key."""
    start = None
    while True:
        items, start = query(table, condition, values, start=start, **options)
        yield from items
        if start is None:
            return


def count(
    table: str, condition: str, values: Item, *, index: str | None = None, most: int | None = None
) -> int:
    """How many items a Query finds; returns no items, but reads all of them, up to ``most``.

    Consistent except from an index.
    """
    request: dict[str, Any] = {"TableName": table, "Select": "COUNT", "ConsistentRead": index is None}
    if index:
        request["IndexName"] = index
    _expression(request, values, KeyConditionExpression=condition)
    total = 0
    while True:
        if most is not None:
            request["Limit"] = most - total
        answer = dynamodb().query(**request)
        total += answer["Count"]
        if not answer.get("LastEvaluatedKey") or total == most:
            return total
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


# Transactions: builders for the writes, and the call


def put_op(table: str, item: Item, *, condition: str | None = None, values: Item | None = None) -> Item:
    body: dict[str, Any] = {"TableName": table, "Item": marshal_item(item)}
    return {"Put": _transactional(body, values, condition)}


def update_op(
    table: str, key: Key, expression: str, values: Item | None = None, *, condition: str | None = None
) -> Item:
    body: dict[str, Any] = {"TableName": table, "Key": marshal_item(key)}
    return {"Update": _transactional(body, values, condition, UpdateExpression=expression)}


def delete_op(table: str, key: Key, *, condition: str | None = None, values: Item | None = None) -> Item:
    body: dict[str, Any] = {"TableName": table, "Key": marshal_item(key)}
    return {"Delete": _transactional(body, values, condition)}


def check_op(table: str, key: Key, condition: str, values: Item | None = None) -> Item:
    body: dict[str, Any] = {"TableName": table, "Key": marshal_item(key)}
    return {"ConditionCheck": _transactional(body, values, condition)}


def _transactional(
    body: dict[str, Any], values: Item | None, condition: str | None, **expressions: str
) -> dict[str, Any]:
    if condition:
        body["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return _expression(body, values, ConditionExpression=condition, **expressions)


def transact(operations: Sequence[Item]) -> None:
    """All of these writes or none: one call.

    Raises TransactionError when a condition is not met, ConflictError when another transaction was
    in the way.
    """
    client = dynamodb()
    try:
        client.transact_write_items(TransactItems=list(operations))  # type: ignore[arg-type]
    except client.exceptions.TransactionCanceledException as error:
        reasons = error.response.get("CancellationReasons", [])
        if any(r.get("Code") == "ConditionalCheckFailed" for r in reasons):
            raise TransactionError([_reason(r) for r in reasons]) from None
        if any(r.get("Code") in _RETRIABLE for r in reasons):
            raise ConflictError from None
        raise
    except client.exceptions.TransactionInProgressException:
        raise ConflictError from None


_RETRIABLE = ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")


def _reason(reason: Mapping[str, Any]) -> Item | None:
    if reason.get("Code") != "ConditionalCheckFailed":
        return None
    return unmarshal_item(reason.get("Item") or {})


def settle(call: Callable[[], T]) -> T:
    """Runs a transacting call until no other transaction is in its way.

    Raises UnavailableError when one always is.
    """
    for turn in range(_CONFLICT_TRIES):
        try:
            return call()
        except ConflictError:
            backoff(turn)
    raise UnavailableError


def backoff(turn: int) -> None:
    """Sleeps a random time that doubles with every turn, from about 20 ms up to two seconds."""
    import random

    clock.sleep(random.uniform(0.5, 1) * min(2.0, 0.04 * 2**turn))
