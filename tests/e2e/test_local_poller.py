"""Queues to functions: fair batches, partial failures, redelivery."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.functions import Function
from infra.local.poller import Poller, Prefetch, Source, handled_messages
from infra.local.sqs import QueueError, Queues
from infra.local.worker import Result
from tests.e2e.local_support import launch
from tests.e2e.test_local_emulator import Emulator


def message(number: int, group: str = "") -> dict[str, Any]:
    attributes = {"MessageGroupId": group} if group else {}
    return {"MessageId": str(number), "ReceiptHandle": f"r{number}", "Body": "{}", "Attributes": attributes}


def ids(messages: Any) -> list[str]:
    return [entry["MessageId"] for entry in messages]


def test_a_group_with_a_backlog_does_not_hold_up_the_others() -> None:
    prefetch = Prefetch()
    prefetch.add([message(n, "noisy") for n in range(20)] + [message(20, "b"), message(21, "c")], deadline=10)
    assert ids(prefetch.take(4, now=0)) == ["0", "20", "21", "1"]
    assert ids(prefetch.take(3, now=0)) == ["2", "3", "4"]
    assert len(prefetch) == 15


def test_a_group_keeps_its_order() -> None:
    prefetch = Prefetch()
    prefetch.add([message(n, "ab"[n % 2]) for n in range(10)], deadline=10)
    taken = ids(prefetch.take(10, now=0))
    assert taken[0::2] == ["0", "2", "4", "6", "8"]
    assert taken[1::2] == ["1", "3", "5", "7", "9"]


def test_a_message_that_waited_too_long_is_left_to_come_back() -> None:
    prefetch = Prefetch()
    prefetch.add([message(1)], deadline=5)
    prefetch.add([message(2)], deadline=20)
    assert ids(prefetch.take(10, now=10)) == ["2"]
    assert len(prefetch) == 0


BATCH = [message(1), message(2), message(3)]


@pytest.mark.parametrize(
    ("answer", "handled"),
    [
        (b"null", ["1", "2", "3"]),
        (b"{}", ["1", "2", "3"]),
        (b'{"batchItemFailures": []}', ["1", "2", "3"]),
        (b'{"batchItemFailures": null}', ["1", "2", "3"]),
        (b'{"batchItemFailures": [{"itemIdentifier": "2"}]}', ["1", "3"]),
        (b'{"batchItemFailures": [{"itemIdentifier": "9"}]}', []),
        (b'{"batchItemFailures": [{"itemIdentifier": ""}]}', []),
        (b'{"batchItemFailures": [{"wrong": "2"}]}', []),
        (b'{"batchItemFailures": [2]}', []),
        (b'{"batchItemFailures": 2}', []),
        (b"not json", []),
    ],
)
def test_only_messages_that_were_handled_are_deleted(answer: bytes, handled: list[str]) -> None:
    assert ids(handled_messages(BATCH, Result(answer), partial=True)) == handled


def test_a_failed_invocation_deletes_nothing_and_without_partial_failures_success_deletes_all() -> None:
    assert handled_messages(BATCH, Result(b"{}", failed=True), partial=False) == []
    assert ids(
        handled_messages(BATCH, Result(b'{"batchItemFailures": [{"itemIdentifier": "2"}]}'), False)
    ) == [
        "1",
        "2",
        "3",
    ]


FUNCTION = """
import json, os

def handler(event, context):
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(json.dumps(event["Records"]) + "\\n")
    failed = []
    for record in event["Records"]:
        if record["body"] == "crash":
            os._exit(1)
        if record["body"].startswith("fail") and record["attributes"]["ApproximateReceiveCount"] == "1":
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
"""


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    running = Emulator(tmp_path / "emulator")
    yield running
    running.kill()


def seen(path: Path) -> list[list[dict[str, Any]]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def poll(
    emulator: Emulator, tmp_path: Path, url: str, done: Any, timeout: float = 15
) -> list[list[dict[str, Any]]]:
    """Run a poller until ``done(batches)``; returns the batches that the function got."""
    record = tmp_path / "seen"

    async def run() -> None:
        start = launch(tmp_path, FUNCTION)
        start = type(start)(start.spec, {"SEEN": str(record)}, start.log)
        function = Function(start, warm=1, most=2)
        queues = Queues(emulator.url)
        source = Source(url, "arn:aws:sqs:us-east-1:000000000000:lane", 2, 5, True, 2)
        poller = Poller(source, function, queues)
        poller.start()
        deadline = time.monotonic() + timeout
        try:
            while not done(seen(record)):
                assert time.monotonic() < deadline, seen(record)
                await asyncio.sleep(0.05)
        finally:
            await poller.stop(2.0)
            await function.stop(2.0)
            queues.close()

    asyncio.run(run())
    return seen(record)


def make_queue(emulator: Emulator) -> tuple[Any, str]:
    sqs = emulator.client("sqs")
    return sqs, sqs.create_queue(QueueName="lane", Attributes={"VisibilityTimeout": "2"})["QueueUrl"]


def left(sqs: Any, url: str) -> int:
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"]) + int(
        attributes["ApproximateNumberOfMessagesNotVisible"]
    )


def test_records_have_lambdas_shape_and_batches_keep_to_their_size(
    emulator: Emulator, tmp_path: Path
) -> None:
    sqs, url = make_queue(emulator)
    for number in range(12):
        sqs.send_message(QueueUrl=url, MessageBody=f"m{number}", MessageGroupId=f"g{number % 3}")
    batches = poll(emulator, tmp_path, url, lambda batches: sum(map(len, batches)) >= 12)
    records = [record for batch in batches for record in batch]
    assert sorted(record["body"] for record in records) == sorted(f"m{n}" for n in range(12))
    assert max(map(len, batches)) <= 5
    record = records[0]
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith(":lane")
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["attributes"]["MessageGroupId"].startswith("g")
    assert record["md5OfBody"]
    assert left(sqs, url) == 0


def test_a_message_that_failed_comes_back_alone_and_is_then_deleted(
    emulator: Emulator, tmp_path: Path
) -> None:
    sqs, url = make_queue(emulator)
    for body in ("fail-1", "ok-1", "ok-2"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    batches = poll(emulator, tmp_path, url, lambda batches: sum(map(len, batches)) >= 4)
    bodies = [record["body"] for batch in batches for record in batch]
    assert sorted(bodies) == ["fail-1", "fail-1", "ok-1", "ok-2"]
    assert bodies[-1] == "fail-1"
    assert left(sqs, url) == 0


def test_a_crash_of_the_function_leaves_its_batch_in_the_queue(emulator: Emulator, tmp_path: Path) -> None:
    sqs, url = make_queue(emulator)
    sqs.send_message(QueueUrl=url, MessageBody="crash")
    batches = poll(emulator, tmp_path, url, lambda batches: len(batches) >= 2)
    assert [record["attributes"]["ApproximateReceiveCount"] for batch in batches for record in batch][:2] == [
        "1",
        "2",
    ]
    assert left(sqs, url) == 1


def test_a_queue_that_is_not_there_is_an_error_of_the_call(emulator: Emulator) -> None:
    async def run() -> None:
        queues = Queues(emulator.url)
        with pytest.raises(QueueError):
            await queues.receive(f"{emulator.url}/000000000000/nowhere", 0)
        queues.close()

    asyncio.run(run())
    emulator.kill()

    async def after() -> None:
        with pytest.raises(QueueError):
            await Queues(emulator.url).receive(f"{emulator.url}/000000000000/lane", 0)

    asyncio.run(after())


def test_functions_call_each_other_through_an_sdk(tmp_path: Path) -> None:
    from infra.local.invoke_api import InvokeApi
    from tests.e2e.local_support import Serving

    async def run() -> None:
        function = Function(launch(tmp_path), warm=1, most=1)
        try:
            async with Serving(InvokeApi({"test-function": function}).handle) as server:
                await asyncio.to_thread(_call, server.port)
        finally:
            await function.stop(1.0)

    asyncio.run(run())


def _call(port: int) -> None:
    client = boto3.client(
        "lambda",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    answer = client.invoke(FunctionName="test-function", Payload=b'{"text": "hi"}')
    assert answer["StatusCode"] == 200
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read())["event"] == {"text": "hi"}
    arn = "arn:aws:lambda:us-east-1:000000000000:function:test-function"
    answer = client.invoke(FunctionName=arn, Payload=b'{"do": "raise"}')
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == "ValueError"
    queued = client.invoke(FunctionName="test-function", InvocationType="Event", Payload=b"{}")
    assert queued["StatusCode"] == 202
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName="other")
