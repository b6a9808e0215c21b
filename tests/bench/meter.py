"""What AWS would bill: calls, read and write units of one stretch of work, counted at the client.

with metered() as bill:
    app.submit(xml)
bill.writes  # write units: 1 KB each, twice in a transaction, once more for each changed entry of an index

DynamoDB's rules: an item is as big as its names and values; a write bills the larger of before and after; a read
bills 4 KB each, half when it may be stale; a query bills all that it looked at.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.client import BaseClient

from tests.support.template import properties

Image = dict[str, Any] | None

_READS = ("GetItem", "BatchGetItem", "Query")


@dataclass
class Bill:
    """What a stretch of work needs: calls by ``service.Operation``, DynamoDB's units."""

    calls: Counter[str] = field(default_factory=Counter)
    reads: float = 0.0
    writes: float = 0.0

    def of(self, service: str) -> int:
        """Calls of one service."""
        return sum(count for name, count in self.calls.items() if name.startswith(f"{service}."))


@contextmanager
def metered() -> Iterator[Bill]:
    """Counts all calls of this process while it lasts."""
    bill = Bill()
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def watched(client: BaseClient, operation: str, request: dict[str, Any]) -> Any:
        service = client.meta.service_model.service_name
        bill.calls[f"{service}.{operation}"] += 1
        if service != "dynamodb":
            return call(client, operation, request)
        if operation in _READS:
            answer = call(client, operation, request)
            bill.reads += _reads(call, client, operation, request, answer)
            return answer
        writes = list(_writes(operation, request))
        before = [_image(call, client, table, key) for table, key, _ in writes]
        answer = call(client, operation, request)
        for (table, key, factor), old in zip(writes, before, strict=True):
            new = _image(call, client, table, key)
            bill.writes += factor * _units(old, new, 1024) + _index_writes(old, new)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", watched)
        yield bill


def item_size(item: Image) -> int:
    """Bytes of an item as DynamoDB counts them."""
    return sum(len(name.encode()) + _value_size(value) for name, value in (item or {}).items())


def _value_size(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return math.ceil(len(content.strip("-0.").replace(".", "")) / 2) + 1
    if kind == "B":
        return len(content)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _value_size(part) for name, part in content.items())
    if kind == "L":
        return 3 + sum(1 + _value_size(part) for part in content)
    return 1


def _units(old: Image, new: Image, size: int) -> int:
    return max(1, math.ceil(max(item_size(old), item_size(new)) / size))


def _index_writes(old: Image, new: Image) -> int:
    """One for each entry that comes, and one for each that goes; all of them are small."""
    count = 0
    for index in properties("DataTable")["GlobalSecondaryIndexes"]:
        names = [part["AttributeName"] for part in index["KeySchema"]]
        was, now = _entry(old, names), _entry(new, names)
        if was != now:
            count += (was is not None) + (now is not None)
    return count


def _entry(item: Image, names: list[str]) -> tuple[Any, ...] | None:
    if not item or not all(name in item for name in names):
        return None
    return tuple(str(item[name]) for name in names)


def _image(call: Any, client: Any, table: str, key: dict[str, Any]) -> Image:
    found: Image = call(client, "GetItem", {"TableName": table, "Key": key, "ConsistentRead": True}).get(
        "Item"
    )
    return found


def _writes(operation: str, request: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], int]]:
    """``(table, key, factor)`` of every item that a request writes or checks."""
    if operation == "TransactWriteItems":
        for entry in request["TransactItems"]:
            ((_, part),) = entry.items()
            yield part["TableName"], _key(part), 2
    elif operation == "BatchWriteItem":
        for table, entries in request["RequestItems"].items():
            for entry in entries:
                ((_, part),) = entry.items()
                yield table, _key(part), 1
    else:
        yield request["TableName"], _key(request), 1


def _key(part: dict[str, Any]) -> dict[str, Any]:
    if "Key" in part:
        key: dict[str, Any] = part["Key"]
        return key
    return {name: part["Item"][name] for name in ("pk", "sk")}


def _reads(call: Any, client: Any, operation: str, request: dict[str, Any], answer: dict[str, Any]) -> float:
    if operation == "GetItem":
        return _read_units(_image(call, client, request["TableName"], request["Key"]), request)
    if operation == "BatchGetItem":
        return sum(
            _read_units(_image(call, client, table, key), wanted)
            for table, wanted in request["RequestItems"].items()
            for key in wanted["Keys"]
        )
    # What it looked at, and not only what it answered.
    narrow = ("ProjectionExpression", "Select")
    wide = {name: value for name, value in request.items() if name not in narrow}
    if wide != request:
        used = request["KeyConditionExpression"]
        names = {k: v for k, v in request["ExpressionAttributeNames"].items() if k in used}
        answer = call(client, "Query", {**wide, "ExpressionAttributeNames": names})
    size = sum(map(item_size, answer["Items"]))
    return max(1, math.ceil(size / 4096)) * _consistency(request)


def _read_units(item: Image, request: dict[str, Any]) -> float:
    return _units(item, None, 4096) * _consistency(request)


def _consistency(request: dict[str, Any]) -> float:
    return 1.0 if request.get("ConsistentRead") else 0.5
