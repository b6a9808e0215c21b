"""DynamoDB as formrelay uses it, on moto: one call per function, conditions that say what they found."""

from __future__ import annotations

import pytest

from formrelay.errors import UnavailableError
from formrelay.settings import Settings
from formrelay.storage import table
from formrelay.storage.keys import Key
from tests.support.calls import counting, failing

ABSENT = "attribute_not_exists(#pk)"


@pytest.fixture
def data(aws: Settings) -> str:
    return aws.data_table


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("formrelay.clock.sleep", lambda _: None)


def key(sk: str, pk: str = "p") -> Key:
    return {"pk": pk, "sk": sk}


def fill(data: str, count: int) -> list[Key]:
    keys = [key(f"{number:04d}") for number in range(count)]
    for made in keys:
        table.put(data, {**made, "n": int(made["sk"])})
    return keys


def test_a_conditional_put_says_what_stands_there(data: str) -> None:
    table.put(data, {**key("a"), "n": 1}, condition=ABSENT)
    with pytest.raises(table.ConditionError) as refused:
        table.put(data, {**key("a"), "n": 2}, condition=ABSENT)
    assert refused.value.old == {**key("a"), "n": 1}
    assert table.get(data, key("a")) == {**key("a"), "n": 1}


def test_a_conditional_update_of_nothing_says_that_nothing_stands_there(data: str) -> None:
    with pytest.raises(table.ConditionError) as refused:
        table.update(data, key("a"), "SET #n = :n", {":n": 1}, condition="attribute_exists(#pk)")
    assert refused.value.old is None


def test_an_update_returns_the_item_as_it_is_afterwards(data: str) -> None:
    table.put(data, {**key("a"), "n": 1, "status": "x"})
    assert table.update(data, key("a"), "SET #n = #n + :one REMOVE #status", {":one": 1}) == {
        **key("a"),
        "n": 2,
    }


def test_names_that_cannot_stand_in_an_expression_are_given_apart(data: str) -> None:
    table.put(data, {**key("a"), "files": {}})
    name = "a.b [0] #\N{SNOWMAN}"
    found = table.update(data, key("a"), "SET #files.#f0 = :n", {":n": 1}, names={"#f0": name})
    assert found["files"] == {name: 1}


def test_a_delete_may_be_conditional_and_of_nothing(data: str) -> None:
    table.delete(data, key("a"))
    table.put(data, {**key("a"), "n": 1})
    with pytest.raises(table.ConditionError):
        table.delete(data, key("a"), condition="#n = :n", values={":n": 2})
    table.delete(data, key("a"), condition="#n = :n", values={":n": 1})
    assert table.get(data, key("a")) is None


def test_a_batch_comes_in_the_order_of_its_keys(data: str) -> None:
    keys = fill(data, 5)
    wanted = [keys[3], key("none"), keys[0], keys[4]]
    assert [item and item["n"] for item in table.batch_get(data, wanted)] == [3, None, 0, 4]


def test_a_key_that_is_asked_for_twice_is_read_once_and_answered_twice(data: str) -> None:
    first, second = fill(data, 2)
    with counting() as calls:
        found = table.batch_get(data, [first, second, first])
    assert [item and item["n"] for item in found] == [0, 1, 0]
    assert sum(calls.values()) == 1


def test_more_than_one_page_is_counted_and_read(data: str) -> None:
    fill(data, 30)
    condition, values = "#pk = :pk", {":pk": "p"}
    items, last = table.query(data, condition, values, limit=12, projection="#sk")
    assert (len(items), items[0], last) == (12, {"sk": "0000"}, key("0011"))
    items, last = table.query(data, condition, values, limit=12, start=key("0023"))
    assert ([item["n"] for item in items], last) == ([24, 25, 26, 27, 28, 29], None)
    assert [item["n"] for item in table.query_all(data, condition, values, limit=7)] == list(range(30))
    assert [item["n"] for item in table.query_all(data, condition, values, forward=False, limit=7)][0:2] == [
        29,
        28,
    ]
    assert table.count(data, condition, values) == 30


def test_many_items_are_removed_25_a_call(data: str) -> None:
    keys = fill(data, 60)
    with counting() as made:
        table.batch_delete(data, keys)
    assert made == {"dynamodb.BatchWriteItem": 3}
    assert table.count(data, "#pk = :pk", {":pk": "p"}) == 0


def test_a_transaction_writes_all_or_nothing_and_says_what_it_found(data: str) -> None:
    table.put(data, {**key("b"), "n": 1})
    operations = [
        table.put_op(data, key("a"), condition=ABSENT),
        table.put_op(data, key("b"), condition=ABSENT),
        table.update_op(data, key("c"), "SET #n = :n", {":n": 1}, condition="attribute_exists(#pk)"),
    ]
    with pytest.raises(table.TransactionError) as refused:
        table.transact(operations)
    assert refused.value.reasons == [None, {**key("b"), "n": 1}, {}]
    assert table.get(data, key("a")) is None
    table.transact(
        [
            table.check_op(data, key("b"), "#n = :n", {":n": 1}),
            table.put_op(data, key("a")),
            table.delete_op(data, key("c")),
        ]
    )
    assert table.get(data, key("a")) == key("a")


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_in_the_way_is_a_conflict(data: str, code: str) -> None:
    reasons = [{"Code": code}]
    with (
        failing("dynamodb.TransactWriteItems", "TransactionCanceledException", CancellationReasons=reasons),
        pytest.raises(table.ConflictError),
    ):
        table.transact([table.put_op(data, key("a"))])


def test_conflicts_are_settled_by_trying_again(data: str) -> None:
    reasons = [{"Code": "TransactionConflict"}]
    broken = failing(
        "dynamodb.TransactWriteItems", "TransactionCanceledException", times=3, CancellationReasons=reasons
    )
    with broken:
        table.settle(lambda: table.transact([table.put_op(data, key("a"))]))
    assert table.get(data, key("a")) == key("a")


def test_conflicts_without_an_end_are_given_up(data: str) -> None:
    def conflict() -> None:
        raise table.ConflictError

    with pytest.raises(UnavailableError):
        table.settle(conflict)
