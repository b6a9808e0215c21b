"""AWS's rules, held against all that stands in for it: the simulation's fakes, moto, the local stack's emulator.

The functions of the package are called, or its clients where no function asks for it. ``lax`` names the stand-ins
that are known to be laxer than AWS; the simulation's fakes never are.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from formrelay import aws, mail, queues, sealing
from formrelay.settings import settings
from formrelay.storage import blobs, table
from formrelay.storage.keys import Key
from formrelay.storage.table import ConditionError, TransactionError


def lax(*services: str) -> pytest.MarkDecorator:
    """Marks a rule that these stand-ins do not keep."""
    return pytest.mark.lax(services)


@pytest.fixture(autouse=True)
def _expected(request: pytest.FixtureRequest, service: str) -> None:
    mark = request.node.get_closest_marker("lax")
    if mark and service in mark.args[0]:
        request.node.add_marker(pytest.mark.xfail(strict=True, reason=f"{service} is lax here"))


@pytest.fixture
def data(service: str) -> str:
    return settings().data_table


def key(sk: str = "1", pk: str | None = None) -> Key:
    """A key that no other test has."""
    return {"pk": pk or f"C#{uuid.uuid4().hex}", "sk": sk}


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


# Single writes


def test_a_conditional_write_is_refused_with_what_stands_there(data: str) -> None:
    item: table.Item = {**key(), "n": 1}
    table.put(data, item, condition="attribute_not_exists(#pk)")
    with pytest.raises(ConditionError) as error:
        table.put(data, {**item, "n": 2}, condition="attribute_not_exists(#pk)")
    assert error.value.old == item
    assert table.get(data, {"pk": item["pk"], "sk": "1"}) == item


def test_a_condition_on_nothing_is_refused_with_nothing(data: str) -> None:
    where = key()
    for write in (
        lambda: table.update(data, where, "SET #a = :a", {":a": 1}, condition="attribute_exists(#pk)"),
        lambda: table.delete(data, where, condition="#a = :a", values={":a": 1}),
    ):
        with pytest.raises(ConditionError) as error:
            write()
        assert error.value.old is None


def test_an_update_returns_the_item_as_it_is_afterwards_and_makes_it_when_it_is_not_there(data: str) -> None:
    where = key()
    made = table.update(data, where, "SET #a = if_not_exists(#a, :a) ADD #n :one", {":a": "x", ":one": 1})
    assert made == {**where, "a": "x", "n": 1}
    again = table.update(
        data, where, "SET #a = if_not_exists(#a, :a), #b = :b ADD #n :one", {":a": "y", ":b": True, ":one": 1}
    )
    assert again == {**where, "a": "x", "b": True, "n": 2}
    assert table.update(data, where, "REMOVE #b, #zzz") == {**where, "a": "x", "n": 2}


def test_values_of_an_update_are_those_from_before(data: str) -> None:
    where = key()
    table.put(data, {**where, "a": 1, "b": 2})
    assert table.update(data, where, "SET #a = #b, #b = #a") == {**where, "a": 2, "b": 1}


def test_an_update_reaches_into_maps(data: str) -> None:
    where = key()
    table.put(data, {**where, "m": {"a": 1}})
    table.update(data, where, "SET #m.#f0 = :v", {":v": {"c": [1, "two", None]}}, names={"#f0": "b.c d"})
    assert table.update(data, where, "REMOVE #m.#a") == {**where, "m": {"b.c d": {"c": [1, "two", None]}}}
    with pytest.raises(ConditionError):
        table.update(data, where, "SET #m.#x = :v", {":v": 1}, condition="attribute_exists(#m.#a)")


def test_an_update_removes_or_sets_and_adds_at_once(data: str) -> None:
    where = key()
    table.put(data, {**where, "m": {}, "a": 1})
    made = table.update(data, where, "REMOVE #a ADD #n :one", {":one": 1})
    assert made == {**where, "m": {}, "n": 1}
    values = {":v": {"c": 1}, ":one": 1}
    again = table.update(data, where, "SET #m.#f0 = :v ADD #n :one", values, names={"#f0": "b.c d"})
    assert again == {**where, "m": {"b.c d": {"c": 1}}, "n": 2}


def test_a_path_through_nothing_is_invalid(data: str) -> None:
    where = key()
    table.put(data, where)
    with pytest.raises(ClientError) as error:
        table.update(data, where, "SET #m.#a = :v", {":v": 1})
    assert code(error) == "ValidationException"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("#n = :one", True),
        ("#n <> :one", False),
        ("#absent = :one", False),
        ("#absent <> :one", True),
        ("#absent < :one", False),
        ("#text = :one", False),
        ("#text <> :one", True),
        pytest.param("#text < :one", False, marks=lax("moto")),
        ("#n <= :one AND NOT #text = :b", True),
        ("#n > :one OR #text = :a", True),
        ("#n = :one AND (#text = :b OR attribute_exists(#absent))", False),
        ("attribute_not_exists(#absent) AND begins_with(#text, :a)", True),
        ("#n BETWEEN :one AND :ten", True),
    ],
)
def test_conditions_compare_values_of_one_type(data: str, condition: str, holds: bool) -> None:
    where = key()
    table.put(data, {**where, "n": 1, "text": "a"})
    possible = {":one": 1, ":ten": 10, ":a": "a", ":b": "b"}
    values = {
        name: value for name, value in possible.items() if f"{name} " in f"{condition} ".replace(")", " ")
    }

    def write() -> None:
        table.put(data, {**where, "done": True}, condition=condition, values=values or None)

    if holds:
        write()
    else:
        with pytest.raises(ConditionError):
            write()


def test_numbers_are_compared_as_numbers(data: str) -> None:
    where = key()
    table.put(data, {**where, "n": 9})
    table.update(data, where, "SET #n = :n", {":n": 10}, condition="#n < :n")


@lax("moto", "emulator")
def test_paths_of_one_update_may_not_overlap(data: str) -> None:
    where = key()
    table.put(data, {**where, "m": {"a": 1}})
    with pytest.raises(ClientError) as error:
        table.update(data, where, "SET #m.#a = :v REMOVE #m", {":v": 1})
    assert code(error) == "ValidationException"


def test_a_value_that_no_expression_uses_is_invalid(data: str) -> None:
    with pytest.raises(ClientError) as error:
        table.update(data, key(), "SET #a = :a", {":a": 1, ":unused": 2})
    assert code(error) == "ValidationException"


def test_an_item_of_more_than_400_kb_is_invalid(data: str) -> None:
    with pytest.raises(ClientError) as error:
        table.put(data, {**key(), "a": "x" * 410_000})
    assert code(error) == "ValidationException"


def test_a_delete_of_nothing_does_nothing(data: str) -> None:
    table.delete(data, key())


# Transactions


def test_a_transaction_is_written_whole_or_not_at_all_and_says_where_it_was_refused(data: str) -> None:
    one, two, three = key(), key(), key()
    table.put(data, {**two, "n": 1})
    operations = [
        table.put_op(data, {**one, "n": 1}, condition="attribute_not_exists(#pk)"),
        table.update_op(data, two, "SET #n = :new", {":old": 5, ":new": 6}, condition="#n = :old"),
        table.check_op(data, three, "attribute_exists(#pk)"),
    ]
    with pytest.raises(TransactionError) as error:
        table.transact(operations)
    assert error.value.reasons == [None, {**two, "n": 1}, {}]
    assert table.get(data, one) is None

    table.put(data, {**two, "n": 5})
    table.put(data, three)
    table.transact([*operations, table.delete_op(data, key())])
    assert table.get(data, one) == {**one, "n": 1}
    assert table.get(data, two) == {**two, "n": 6}


def test_a_transaction_may_not_name_an_item_twice(data: str) -> None:
    where = key()
    with pytest.raises(ClientError) as error:
        table.transact(
            [table.put_op(data, where), table.update_op(data, where, "SET #a = :a", {":a": 1})],
        )
    assert code(error) == "ValidationException"


def test_a_transaction_has_at_most_100_writes(data: str) -> None:
    pk = key()["pk"]
    writes = [table.put_op(data, key(str(number), pk)) for number in range(101)]
    with pytest.raises(ClientError):
        table.transact(writes)
    table.transact(writes[:100])
    assert table.count(data, "#pk = :pk", {":pk": pk}) == 100


# Reads


def fill(data: str, numbers: range, **more: Any) -> str:
    pk = key()["pk"]
    for number in numbers:
        table.put(data, {**key(f"{number:03d}", pk), "n": number, **more})
    return pk


def sks(items: list[table.Item]) -> list[str]:
    return [item["sk"] for item in items]


def test_a_query_returns_a_partition_in_the_order_of_its_keys(data: str) -> None:
    pk = fill(data, range(3))
    items, last = table.query(data, "#pk = :pk", {":pk": pk})
    assert (sks(items), last) == (["000", "001", "002"], None)
    items, _ = table.query(data, "#pk = :pk", {":pk": pk}, forward=False)
    assert sks(items) == ["002", "001", "000"]
    assert table.query(data, "#pk = :pk", {":pk": "nothing"}) == ([], None)


def test_a_query_asks_for_a_part_of_the_keys(data: str) -> None:
    pk = fill(data, range(12))
    items, _ = table.query(data, "#pk = :pk AND begins_with(#sk, :s)", {":pk": pk, ":s": "01"})
    assert sks(items) == ["010", "011"]
    items, _ = table.query(data, "#pk = :pk AND #sk BETWEEN :a AND :b", {":pk": pk, ":a": "003", ":b": "005"})
    assert sks(items) == ["003", "004", "005"]
    items, _ = table.query(data, "#pk = :pk AND #sk > :a", {":pk": pk, ":a": "009"})
    assert sks(items) == ["010", "011"]


def test_a_limited_query_goes_on_behind_its_last_key(data: str) -> None:
    pk = fill(data, range(4))
    items, last = table.query(data, "#pk = :pk", {":pk": pk}, limit=2)
    assert (sks(items), last) == (["000", "001"], key("001", pk))
    items, last = table.query(data, "#pk = :pk", {":pk": pk}, limit=3, start=last)
    assert (sks(items), last) == (["002", "003"], None)
    items, _ = table.query(data, "#pk = :pk", {":pk": pk}, start=key("002", pk), forward=False)
    assert sks(items) == ["001", "000"]


@lax("moto")
def test_a_query_that_ends_with_its_limit_does_not_know_that_nothing_follows(data: str) -> None:
    pk = fill(data, range(2))
    _, last = table.query(data, "#pk = :pk", {":pk": pk}, limit=2)
    assert last == key("001", pk)


def test_a_query_goes_on_from_a_key_where_nothing_stands(data: str) -> None:
    pk = fill(data, range(0, 5, 2))
    for forward, expected in ((True, ["002", "004"]), (False, ["000"])):
        items, _ = table.query(data, "#pk = :pk", {":pk": pk}, start=key("001", pk), forward=forward)
        assert sks(items) == expected


@lax("moto")
def test_a_query_goes_on_only_from_a_key_that_it_asks_for(data: str) -> None:
    pk = fill(data, range(4))
    between = ("#pk = :pk AND #sk BETWEEN :a AND :b", {":pk": pk, ":a": "001", ":b": "003"})
    assert sks(table.query(data, *between, start=key("001", pk))[0]) == ["002", "003"]
    with pytest.raises(ClientError) as error:
        table.query(data, *between, start=key("000", pk))
    assert code(error) == "ValidationException"


def test_a_count_ends_where_it_is_told_to(data: str) -> None:
    pk = fill(data, range(4), body="x" * 350_000)
    for most, expected in ((1, 1), (3, 3), (4, 4), (9, 4)):
        assert table.count(data, "#pk = :pk", {":pk": pk}, most=most) == expected


def test_a_filter_is_applied_after_the_limit(data: str) -> None:
    pk = fill(data, range(4))
    items, last = table.query(data, "#pk = :pk", {":pk": pk, ":n": 2}, limit=2, where="#n >= :n")
    assert (items, last) == ([], key("001", pk))


def test_a_projection_returns_only_what_it_names(data: str) -> None:
    pk = fill(data, range(1), other="x")
    items, _ = table.query(data, "#pk = :pk", {":pk": pk}, projection="#sk, #n, #absent")
    assert items == [{"sk": "000", "n": 0}]


def test_a_page_ends_after_a_megabyte(data: str) -> None:
    pk = fill(data, range(4), body="x" * 350_000)
    items, last = table.query(data, "#pk = :pk", {":pk": pk})
    assert (len(items), last) == (2, key("001", pk))
    assert sks(list(table.query_all(data, "#pk = :pk", {":pk": pk}))) == ["000", "001", "002", "003"]
    assert table.count(data, "#pk = :pk", {":pk": pk}) == 4


def test_a_batch_of_reads_says_what_is_not_there(data: str) -> None:
    pk = fill(data, range(2))
    found = table.batch_get(data, [key("001", pk), key("007", pk), key("000", pk)])
    assert [item and item["n"] for item in found] == [1, None, 0]


def test_a_batch_removes_what_is_there(data: str) -> None:
    pk = fill(data, range(30))
    table.batch_delete(data, [key(f"{number:03d}", pk) for number in range(29)] + [key("999", pk)])
    assert sks(list(table.query_all(data, "#pk = :pk", {":pk": pk}))) == ["029"]


# Indexes


def shown(data: str, shard: str, **options: Any) -> list[table.Item]:
    """What the sweep index shows once it has caught up; the stand-ins need no longer than a moment."""
    time.sleep(0.01)
    values = {":shard": shard, ":now": 10}
    items, _ = table.query(data, "#sweep = :shard AND #sweep_at <= :now", values, index="sweep", **options)
    return items


def test_an_index_shows_keys_in_the_order_of_its_own(data: str) -> None:
    shard = uuid.uuid4().hex
    for number, at in enumerate((9, 10, 1, 11)):
        table.put(data, {**key(str(number)), "sweep": shard, "sweep_at": at, "other": "x"})
    items = shown(data, shard)
    assert [(item["sk"], item["sweep_at"]) for item in items] == [("2", 1), ("0", 9), ("1", 10)]
    assert set(items[0]) == {"pk", "sk", "sweep", "sweep_at"}


def test_an_index_holds_only_items_that_have_its_keys(data: str) -> None:
    shard, where = uuid.uuid4().hex, key()
    table.put(data, {**where, "sweep": shard})
    assert shown(data, shard) == []
    table.update(data, where, "SET #sweep_at = :at", {":at": 3})
    assert len(shown(data, shard)) == 1
    table.update(data, where, "REMOVE #sweep, #sweep_at")
    assert shown(data, shard) == []
    table.put(data, {**where, "sweep": shard, "sweep_at": 3})
    table.delete(data, where)
    assert shown(data, shard) == []


def test_an_index_is_read_page_by_page_even_where_its_keys_are_equal(data: str) -> None:
    shard = uuid.uuid4().hex
    for number in range(5):
        table.put(data, {**key(str(number)), "sweep": shard, "sweep_at": 4})
    values = {":shard": shard, ":now": 10}
    found: list[str] = []
    start = None
    for _ in range(9):
        items, start = table.query(
            data,
            "#sweep = :shard AND #sweep_at <= :now",
            values,
            index="sweep",
            limit=2,
            start=start,
        )
        found += sks(items)
        if start is None:
            break
    assert sorted(found) == ["0", "1", "2", "3", "4"]


# Queues


def received(queue: str, visibility: int = 300) -> list[dict[str, Any]]:
    answer: Any = aws.sqs().receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=visibility, WaitTimeSeconds=0
    )
    return list(answer.get("Messages", []))


@pytest.fixture
def queue(service: str) -> str:
    url = settings().retry_queue
    for message in received(url):
        aws.sqs().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return url


def test_a_message_is_received_until_it_is_deleted(queue: str) -> None:
    queues.send_retry(queues.delivery_message("a", "h", 1, 2), 0)
    (first,) = received(queue, 0)
    (again,) = received(queue)
    assert again["Body"] == first["Body"] == '{"a":"a","h":"h","s":1,"n":2}'
    assert received(queue) == []
    aws.sqs().delete_message(QueueUrl=queue, ReceiptHandle=again["ReceiptHandle"])
    assert received(queue, 0) == []


def test_a_delayed_message_is_not_received_before(queue: str) -> None:
    queues.send_retry(queues.delivery_message("a", "h", 1, 2), 30_000)
    assert received(queue) == []


def test_a_message_that_was_received_too_often_is_put_aside(queue: str) -> None:
    queues.send_retry(queues.delivery_message("a", "h", 1, 2), 0)
    times = 0
    while received(queue, 0):
        times += 1
        assert times < 10
    assert times == 5


@lax("emulator")
def test_a_message_is_delayed_by_900_seconds_at_most(queue: str) -> None:
    with pytest.raises(ClientError) as error:
        aws.sqs().send_message(QueueUrl=queue, MessageBody="{}", DelaySeconds=901)
    assert code(error) == "InvalidParameterValue"


def test_a_batch_has_at_most_ten_messages(queue: str) -> None:
    entries: Any = [{"Id": str(number), "MessageBody": "{}"} for number in range(11)]
    with pytest.raises(ClientError):
        aws.sqs().send_message_batch(QueueUrl=queue, Entries=entries)
    assert received(queue) == []


# Objects, keys, mail


def test_an_object_is_read_as_it_was_written(service: str) -> None:
    name = f"bodies/{uuid.uuid4().hex}"
    blobs.put(name, b"\0one")
    blobs.put(name, b"\0two")
    assert blobs.get(name) == b"\0two"
    with pytest.raises(ClientError) as error:
        blobs.get(name + "x")
    assert code(error) == "NoSuchKey"


def test_what_is_sealed_for_one_owner_does_not_open_for_another(service: str) -> None:
    secret = uuid.uuid4().hex * 200
    sealed = sealing.seal(secret, "h1")
    assert len(sealed) == 2
    assert sealing.unseal(sealed, "h1") == secret
    with pytest.raises(sealing.NotSealedError):
        sealing.unseal(sealed, "h2")


def test_mail_of_an_unverified_sender_is_refused_for_good(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send() -> None:
        mail.send("ann@example.org", "Subject", "text", "<p>html</p>", headers={}, tags={})

    send()
    monkeypatch.setenv("FORMRELAY_MAIL_FROM", "nobody@example.net")
    settings.cache_clear()
    with pytest.raises(mail.MailRejectedError):
        send()


@pytest.mark.usefixtures("service")
def test_a_copy_has_the_bytes_and_the_type_and_a_life_of_its_own() -> None:
    name = f"attachments/{uuid.uuid4().hex}/ü"
    blobs.put(name, b"one", "image/jpeg")
    blobs.copy(name, name + "-copy")
    blobs.delete_many([name])
    found = aws.s3().get_object(Bucket=settings().bucket, Key=name + "-copy")
    assert (found["Body"].read(), found["ContentType"]) == (b"one", "image/jpeg")
    with pytest.raises(ClientError) as error:
        blobs.copy(name, name + "-again")
    assert code(error) == "NoSuchKey"


@pytest.mark.usefixtures("service")
def test_many_objects_are_removed_and_what_is_not_there_is_no_failure() -> None:
    name = f"attachments/{uuid.uuid4().hex}/"
    blobs.put(name + "a", b"a")
    blobs.put(name + "b", b"b")
    blobs.delete_many([name + "a", name + "nothing"])
    blobs.delete_many([])
    assert blobs.get(name + "b") == b"b"
    with pytest.raises(ClientError):
        blobs.get(name + "a")


@pytest.mark.usefixtures("service")
def test_all_objects_below_a_prefix_are_removed() -> None:
    name = f"attachments/{uuid.uuid4().hex}/"
    for key in ("a/1", "a/2", "ab"):
        blobs.put(name + key, b"x")
    assert blobs.delete_under(name + "a/")
    assert blobs.get(name + "ab") == b"x"
    assert blobs.delete_under(name + "a/")
    with pytest.raises(ClientError):
        blobs.get(name + "a/1")


def test_an_object_is_made_of_parts_that_came_in_any_order(service: str) -> None:
    upload = blobs.Upload(f"tmp/{uuid.uuid4().hex}", "text/plain")
    upload.part(2, b"b" * 5_300_000)
    upload.part(3, b"c")
    with pytest.raises(ClientError):
        blobs.get(upload.key)
    upload.part(1, b"a" * 5_300_000)
    upload.complete()
    assert blobs.get(upload.key) == b"a" * 5_300_000 + b"b" * 5_300_000 + b"c"
