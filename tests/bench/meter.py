"""What AWS would bill: calls, read and write units, bytes of one stretch of work.

    with metered() as bill:          # botocore's clients, against moto or the emulator: requests on the wire
        app.submit(xml)
    with metered_backend(backend) as bill:  # the fakes of the simulation
        app.submit(xml)
    bill.writes  # write units: 1 KB each, twice in a transaction, once more for each changed entry of an index

DynamoDB's rules: an item is as big as its names and values; a write bills the larger of before and after, also where
a condition refuses it; a read bills 4 KB each, half when it may be stale; a query bills all that it looked at.
"""

from __future__ import annotations

import math
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest
from botocore import xform_name
from botocore.client import BaseClient

from formrelay import aws
from tests.simulation.backend import Backend
from tests.support.template import properties

Image = dict[str, Any] | None
# One call of a service: operation and request in, answer out.
Call = Callable[[str, dict[str, Any]], Any]

_READS = ("GetItem", "BatchGetItem", "Query")
_CLIENTS = (aws.dynamodb, aws.sqs, aws.s3, aws.kms, aws.sesv2)


@dataclass
class Bill:
    """What a stretch of work needs.

    ``calls`` requests by ``service.Operation``, those that botocore repeats included; ``reads``, ``writes``
    DynamoDB's units; ``moved`` bytes that DynamoDB and SQS were sent and answered, their names included; ``stored``
    bytes that the tables grew by.
    """

    calls: Counter[str] = field(default_factory=Counter)
    reads: float = 0.0
    writes: float = 0.0
    moved: int = 0
    stored: int = 0

    def of(self, service: str) -> int:
        """Requests to one service."""
        return sum(count for name, count in self.calls.items() if name.startswith(f"{service}."))


class Meter:
    """Makes calls, and puts them on a bill; looks at items before and after, which nobody is billed for."""

    def __init__(self) -> None:
        self.bill = Bill()
        self._lock = threading.Lock()
        self._under_way = threading.local()

    def sent(self) -> None:
        """Counts a request that goes out, if it is one of the work's own."""
        if name := getattr(self._under_way, "name", None):
            with self._lock:
                self.bill.calls[name] += 1

    def make(self, service: str, operation: str, request: dict[str, Any], call: Call) -> Any:
        """Makes one call of the work."""
        if service != "dynamodb":
            answer = self._made(service, operation, request, call)
            self._add(moved=_weight(request) + _weight(answer) if service == "sqs" else 0)
            return answer
        if operation in _READS:
            answer = self._made(service, operation, request, call)
            self._add(
                reads=_reads(call, operation, request, answer), moved=_weight(request) + _weight(answer)
            )
            return answer
        writes = list(_writes(operation, request))
        before = [_image(call, table, key) for table, key, _ in writes]
        answer = {}
        try:
            answer = self._made(service, operation, request, call)
        finally:
            for (table, key, factor), old in zip(writes, before, strict=True):
                new = _image(call, table, key)
                units = factor * _units(old, new, 1024) + _index_writes(old, new)
                self._add(writes=units, stored=item_size(new) - item_size(old))
            self._add(moved=_weight(request) + _weight(answer))
        return answer

    def _made(self, service: str, operation: str, request: dict[str, Any], call: Call) -> Any:
        self._under_way.name = f"{service}.{operation}"
        try:
            return call(operation, request)
        finally:
            self._under_way.name = None

    def _add(self, *, reads: float = 0, writes: float = 0, moved: int = 0, stored: int = 0) -> None:
        with self._lock:
            self.bill.reads += reads
            self.bill.writes += writes
            self.bill.moved += moved
            self.bill.stored += stored


@contextmanager
def metered() -> Iterator[Bill]:
    """Counts all that botocore's clients send while it lasts."""
    meter = Meter()
    make = BaseClient._make_api_call  # type: ignore[attr-defined]

    def watched(client: BaseClient, operation: str, request: dict[str, Any]) -> Any:
        service = client.meta.service_model.service_name
        return meter.make(service, operation, request, lambda *wanted: make(client, *wanted))

    def sent(**_: Any) -> None:
        meter.sent()

    clients = [client() for client in _CLIENTS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", watched)
        for client in clients:
            client.meta.events.register_first("before-send", sent)
        try:
            yield meter.bill
        finally:
            for client in clients:
                client.meta.events.unregister("before-send", sent)


@contextmanager
def metered_backend(backend: Backend) -> Iterator[Bill]:
    """Counts all calls of the simulation's services while it lasts; they are installed already."""
    meter = Meter()
    with watching(backend, meter):
        yield meter.bill


class Watch(Protocol):
    """Somebody through whom calls are made."""

    def make(self, service: str, operation: str, request: dict[str, Any], call: Call) -> Any: ...

    def sent(self) -> None: ...


@contextmanager
def watching(backend: Backend, watch: Watch) -> Iterator[None]:
    """Has all calls of the simulation's services made through somebody while it lasts."""

    def client(service: str, *_: Any, **__: Any) -> Any:
        return _Client(service, backend.client(service), watch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aws, "_client", client)
        _forget_clients()
        try:
            yield
        finally:
            _forget_clients()


def _forget_clients() -> None:
    for client in _CLIENTS:
        client.cache_clear()


class _Client:
    """A fake's client whose calls somebody makes."""

    def __init__(self, service: str, client: Any, watch: Watch) -> None:
        self._service, self._inner, self._watch = service, client, watch

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found) or name == "generate_presigned_url":
            return found

        def call(operation: str, request: dict[str, Any]) -> Any:
            self._watch.sent()
            return getattr(self._inner, xform_name(operation))(**request)

        operation = name.title().replace("_", "")
        return lambda **request: self._watch.make(self._service, operation, request, call)


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


def _weight(value: Any) -> int:
    """Bytes of names and values in a request or an answer, without what botocore adds to it."""
    if isinstance(value, dict):
        parts = (len(name) + _weight(part) for name, part in value.items() if name != "ResponseMetadata")
        return sum(parts)
    if isinstance(value, list):
        return sum(map(_weight, value))
    return len(value) if isinstance(value, bytes) else len(str(value).encode())


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


def _image(call: Call, table: str, key: dict[str, Any]) -> Image:
    found: Image = call("GetItem", {"TableName": table, "Key": key, "ConsistentRead": True}).get("Item")
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


def _reads(call: Call, operation: str, request: dict[str, Any], answer: dict[str, Any]) -> float:
    if operation == "GetItem":
        return _read_units(_image(call, request["TableName"], request["Key"]), request)
    if operation == "BatchGetItem":
        return sum(
            _read_units(_image(call, table, key), wanted)
            for table, wanted in request["RequestItems"].items()
            for key in wanted["Keys"]
        )
    # What it looked at, and not only what it answered.
    wide = _without(request, ("ProjectionExpression", "Select", "FilterExpression"))
    if wide != request:
        answer = call("Query", wide)
    size = sum(map(item_size, answer["Items"]))
    return max(1, math.ceil(size / 4096)) * _consistency(request)


def _without(request: dict[str, Any], narrow: tuple[str, ...]) -> dict[str, Any]:
    """A query without some of its parts, and without the names and values that only those use."""
    wide = {name: value for name, value in request.items() if name not in narrow}
    used = set(re.findall(r"[#:]\w+", wide["KeyConditionExpression"]))
    for part in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        wide[part] = {name: value for name, value in wide[part].items() if name in used}
    return wide


def _read_units(item: Image, request: dict[str, Any]) -> float:
    return _units(item, None, 4096) * _consistency(request)


def _consistency(request: dict[str, Any]) -> float:
    return 1.0 if request.get("ConsistentRead") else 0.5
