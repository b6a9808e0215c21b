"""The short ways of the moto fixture: whatever is asked of its tables, moto's own long way answers the same."""

from __future__ import annotations

import random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from formrelay.aws import dynamodb
from formrelay.settings import Settings
from tests.support.aws import emptied, stored

Call = tuple[str, dict[str, Any]]

_NULL = {"NULL": True}
_TEXTS = ("", "é\U0001f4a9", "B", '"B": "x"')
_CONDITIONS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"ConditionExpression": "attribute_not_exists(pk)"},
    {"ConditionExpression": "attribute_exists(pk)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"},
    {
        "ConditionExpression": "#n < :n",
        "ExpressionAttributeNames": {"#n": "n"},
        "ExpressionAttributeValues": {":n": {"N": "3"}},
    },
    {"ConditionExpression": "size(missing"},
)  # fmt: skip
_UPDATES: tuple[tuple[str, dict[str, str], dict[str, Any]], ...] = (
    ("SET #a = :a", {"#a": "a"}, {":a": {"S": "x"}}),
    ("ADD #n :one", {"#n": "n"}, {":one": {"N": "1"}}),
    ("SET #m = :m REMOVE #a", {"#m": "m", "#a": "a"}, {":m": {"M": {"B": {"B": b"\x00\xff"}, "l": {"L": [_NULL]}}}}),
    ("SET #m.#a = :a", {"#m": "m", "#a": "a"}, {":a": {"BOOL": True}}),
    ("SET #n = #n + :one, #s = :s", {"#n": "n", "#s": "sweep"}, {":one": {"N": "1"}, ":s": {"S": "0"}}),
    ("ADD #s :s", {"#s": "set"}, {":s": {"BS": [b"a"]}}),
    ("SET #a = :big", {"#a": "a"}, {":big": {"S": "x" * 410_000}}),
    ("SET a = 1", {}, {}),
)  # fmt: skip


class Caller:
    """Makes calls up at random, good and bad."""

    def __init__(self, seed: int, table: str) -> None:
        self._rng, self._table = random.Random(seed), table

    def call(self) -> Call:
        name, make = self._rng.choice(
            [
                *[("put_item", self._put)] * 3,
                *[("update_item", self._update)] * 3,
                ("delete_item", self._delete),
                ("get_item", self._get),
                *[("query", self._query)] * 3,
                ("scan", self._scan),
                ("batch_get_item", self._batch_get),
                ("batch_write_item", self._batch_write),
                *[("transact_write_items", self._transact)] * 4,
            ]
        )
        request = make()
        if not name.startswith(("batch", "transact")):
            request["TableName"] = self._table if self._rng.random() < 0.97 else "nowhere"
        return name, request

    def _key(self) -> dict[str, Any]:
        sk = (
            self._rng.choice(["1", "2", "3", "3", ""])
            if self._rng.random() < 0.2
            else self._rng.choice("123")
        )
        return {"pk": {"S": self._rng.choice("ab")}, "sk": {"S": sk}}

    def _item(self) -> dict[str, Any]:
        rng = self._rng
        more: dict[str, Any] = {
            "n": {"N": str(rng.randrange(6))},
            "a": {"S": rng.choice(_TEXTS)},
            "m": {"M": {"a": {"L": [{"N": "1.50"}, {"BOOL": False}]}, "B": {"S": "text"}}},
            "b": {"B": rng.randbytes(3)},
            "set": {"BS": [b"a", b"b"]},
            "big": {"S": "x" * 140_000},
            "sweep": {"S": rng.choice("01")},
            "sweep_at": {"N": str(rng.randrange(9))},
            "NS": {"NS": ["1", "2"]},
        }  # fmt: skip
        return {**self._key(), **{name: more[name] for name in rng.sample(sorted(more), rng.randrange(7))}}

    def _put(self) -> dict[str, Any]:
        return {"Item": self._item(), **self._rng.choice(_CONDITIONS)}

    def _update(self) -> dict[str, Any]:
        expression, names, values = self._rng.choice(_UPDATES)
        request: dict[str, Any] = {"Key": self._key(), "UpdateExpression": expression}
        condition = self._rng.choice(_CONDITIONS)
        request |= {
            **condition,
            "ExpressionAttributeNames": {**names, **condition.get("ExpressionAttributeNames", {})},
            "ExpressionAttributeValues": {**values, **condition.get("ExpressionAttributeValues", {})},
        }
        return {name: value for name, value in request.items() if value}

    def _delete(self) -> dict[str, Any]:
        return {"Key": self._key(), **self._rng.choice(_CONDITIONS)}

    def _get(self) -> dict[str, Any]:
        return {"Key": self._key(), **self._rng.choice([{}, {"ProjectionExpression": "pk, n, m"}])}

    def _query(self) -> dict[str, Any]:
        rng = self._rng
        request: dict[str, Any] = {"ScanIndexForward": rng.random() < 0.5}
        if rng.random() < 0.3:
            request |= {"IndexName": "sweep", "KeyConditionExpression": "sweep = :s AND sweep_at < :at"}
            request["ExpressionAttributeValues"] = {":s": {"S": rng.choice("01")}, ":at": {"N": "6"}}
        else:
            request["KeyConditionExpression"] = rng.choice(
                ["pk = :pk", "pk = :pk AND sk > :sk", "pk = :pk AND begins_with(sk, :sk)"]
            )
            request["ExpressionAttributeValues"] = {
                ":pk": {"S": rng.choice("abc")},
                ":sk": {"S": rng.choice("123")},
            }
            if rng.random() < 0.3:
                request["ExclusiveStartKey"] = {
                    "pk": request["ExpressionAttributeValues"][":pk"],
                    "sk": {"S": "2"},
                }
            if rng.random() < 0.3:
                request["FilterExpression"] = "attribute_exists(n)"
        more: tuple[dict[str, Any], ...] = (
            {},
            {"Limit": 1},
            {"Limit": 2},
            {"Select": "COUNT"},
            {"ProjectionExpression": "pk, big"},
        )
        request.update(rng.choice(more))
        return request

    def _scan(self) -> dict[str, Any]:
        return self._rng.choice([{}, {"Limit": 2}, {"FilterExpression": "attribute_exists(m)"}])

    def _batch_get(self) -> dict[str, Any]:
        keys = {str(key): key for key in (self._key() for _ in range(3))}
        return {"RequestItems": {self._table: {"Keys": list(keys.values())}}}

    def _batch_write(self) -> dict[str, Any]:
        puts = [{"PutRequest": {"Item": self._item()}} for _ in range(2)]
        return {"RequestItems": {self._table: [*puts, {"DeleteRequest": {"Key": self._key()}}]}}

    def _transact(self) -> dict[str, Any]:
        makes = {
            "Put": self._put,
            "Update": self._update,
            "Delete": self._delete,
            "ConditionCheck": self._delete,
        }
        items = []
        for _ in range(self._rng.randint(1, 4)):
            kind = self._rng.choice(sorted(makes))
            body = makes[kind]()
            if kind == "ConditionCheck":
                body.setdefault("ConditionExpression", "attribute_exists(sk)")
            items.append({kind: {**body, "TableName": self._table}})
        return {"TransactItems": items}


def outcome(call: Call) -> Any:
    """What a client is told, without what HTTP adds."""
    name, request = call
    try:
        answer = getattr(dynamodb(), name)(**request)
    except ClientError as error:
        answer = {**error.response, "error": type(error).__name__}
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


@pytest.mark.parametrize("seed", range(12))
def test_both_ways_answer_the_same_and_leave_the_same(_storage: dict[str, str], seed: int) -> None:
    found = []
    for short in (True, False):
        with emptied(_storage, short=short) as where:
            caller = Caller(seed, where.data_table)
            told = []
            for _ in range(40):
                call = caller.call()
                told.append((call, outcome(call), stored(where.data_table)))
            found.append(told)
    for quick, plain in zip(*found, strict=True):
        assert quick == plain


def test_the_calls_made_up_cover_what_succeeds_and_what_fails(aws: Settings) -> None:
    told = set()
    for seed in range(12):
        caller = Caller(seed, aws.data_table)
        for _ in range(40):
            name, request = caller.call()
            told.add((name, outcome((name, request)).get("error")))
    operations = {name for name, _ in told}
    assert {name for name, error in told if error is None} == operations
    assert {error for name, error in told if name == "transact_write_items"} >= {
        None,
        "TransactionCanceledException",
    }
    assert {error for name, error in told if name == "update_item"} >= {
        None,
        "ConditionalCheckFailedException",
    }
