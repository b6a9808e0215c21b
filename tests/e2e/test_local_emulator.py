"""The emulator's state survives ``kill -9``: tables, objects, keys, queues and mails."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.local.deploy import checkpoint
from tests.e2e.stack import EMULATOR_PYTHON, ROOT, wait_until

KEYS = ["pk", "sk"]
SMALL_JOURNAL = "40000"


class Emulator:
    """The emulator on its own, on a folder."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self._command = [str(EMULATOR_PYTHON), "-m", "infra.local.emulator", str(folder), *arguments]
        self.start()

    def start(self) -> None:
        with (self.folder.parent / "emulator.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        word, _, port = self.process.stdout.readline().strip().partition(" ")
        assert word == "ready", (self.folder.parent / "emulator.log").read_text()
        self.url = f"http://127.0.0.1:{port}"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def client(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
        )


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    running = Emulator(tmp_path / "emulator", SMALL_JOURNAL)
    yield running
    running.kill()


def make_table(emulator: Emulator, name: str = "things") -> None:
    emulator.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in [*KEYS, "late"]],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "late",
                "KeySchema": [{"AttributeName": "late", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )


def all_items(emulator: Emulator, name: str = "things") -> dict[str, dict[str, Any]]:
    pages = emulator.client("dynamodb").get_paginator("scan").paginate(TableName=name, ConsistentRead=True)
    return {f"{i['pk']['S']}/{i['sk']['S']}": i for page in pages for i in page["Items"]}


class Writer(threading.Thread):
    """Writes pairs of items in transactions until a call fails; remembers what was acknowledged."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        super().__init__(daemon=True)
        self._client = emulator.client("dynamodb")
        self._name = name
        self.acknowledged: list[int] = []

    def run(self) -> None:
        number = 0
        with contextlib.suppress(BotoCoreError, ClientError):
            while True:
                self._client.transact_write_items(
                    TransactItems=[self._put(half, number) for half in ("left", "right")]
                )
                self.acknowledged.append(number)
                number += 1

    def _put(self, half: str, number: int) -> dict[str, Any]:
        key = {"pk": {"S": f"{self._name}-{half}"}, "sk": {"S": str(number)}}
        return {"Put": {"TableName": "things", "Item": {**key, "filler": {"S": "x" * 300}}}}


def test_a_kill_under_load_loses_no_acknowledged_write_and_tears_no_transaction(emulator: Emulator) -> None:
    make_table(emulator)
    writers = [Writer(emulator, f"w{index}") for index in range(4)]
    for writer in writers:
        writer.start()
    wait_until(lambda: sum(len(writer.acknowledged) for writer in writers) > 800, "enough was written")
    emulator.kill()
    for writer in writers:
        writer.join(10)
    emulator.start()
    stored = set(all_items(emulator))
    for index, writer in enumerate(writers):
        kept = {half: {k for k in stored if k.startswith(f"w{index}-{half}/")} for half in ("left", "right")}
        assert {f"w{index}-left/{number}" for number in writer.acknowledged} <= kept["left"]
        assert len(kept["left"]) == len(kept["right"])
    assert list((emulator.folder / "tables").glob("snapshot-*")), "the load was to include snapshots"


def test_every_kind_of_write_is_as_it_was_after_a_kill(emulator: Emulator) -> None:
    make_table(emulator)
    client = emulator.client("dynamodb")

    def key(sk: str) -> dict[str, Any]:
        return {"pk": {"S": "p"}, "sk": {"S": sk}}

    client.put_item(TableName="things", Item={**key("put"), "raw": {"B": b"\x00\xff"}, "late": {"S": "x"}})
    client.put_item(TableName="things", Item=key("deleted"))
    client.delete_item(TableName="things", Key=key("deleted"))
    for _ in range(3):
        client.update_item(
            TableName="things",
            Key=key("updated"),
            UpdateExpression="ADD n :one SET late = :x",
            ExpressionAttributeValues={":one": {"N": "1"}, ":x": {"S": "x"}},
        )
    client.batch_write_item(
        RequestItems={
            "things": [{"PutRequest": {"Item": key("batch")}}, {"DeleteRequest": {"Key": key("batch2")}}]
        }
    )
    before = all_items(emulator)
    emulator.kill()
    emulator.start()
    assert all_items(emulator) == before
    assert before["p/updated"]["n"] == {"N": "3"}
    late = emulator.client("dynamodb").query(
        TableName="things",
        IndexName="late",
        KeyConditionExpression="late = :x",
        ExpressionAttributeValues={":x": {"S": "x"}},
    )
    assert late["Count"] == 2


def test_objects_survive_a_kill_and_stay_deleted(emulator: Emulator) -> None:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="bucket")
    checkpoint(emulator.url)
    s3.put_object(Bucket="bucket", Key="a/b c/ü", Body=b"\x00" * 200_000, ContentType="image/png")
    s3.put_object(Bucket="bucket", Key="gone", Body=b"x")
    s3.delete_object(Bucket="bucket", Key="gone")
    emulator.kill()
    emulator.start()
    s3 = emulator.client("s3")
    answer = s3.get_object(Bucket="bucket", Key="a/b c/ü")
    assert answer["Body"].read() == b"\x00" * 200_000
    assert answer["ContentType"] == "image/png"
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="bucket")["Contents"]] == ["a/b c/ü"]


def test_what_a_key_sealed_opens_after_a_kill(emulator: Emulator) -> None:
    kms = emulator.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext={"of": "h1"})["CiphertextBlob"]
    emulator.kill()
    emulator.start()
    opened = emulator.client("kms").decrypt(KeyId=key, CiphertextBlob=sealed, EncryptionContext={"of": "h1"})
    assert opened["Plaintext"] == b"secret"


def test_queues_and_sent_mails_survive_a_kill(emulator: Emulator) -> None:
    url = emulator.client("sqs").create_queue(QueueName="lane")["QueueUrl"]
    checkpoint(emulator.url)
    ses = emulator.client("sesv2")
    ses.create_email_identity(EmailIdentity="from@example.org")
    ses.send_email(
        FromEmailAddress="from@example.org",
        Destination={"ToAddresses": ["to@example.org"]},
        Content={"Simple": {"Subject": {"Data": "kept"}, "Body": {"Text": {"Data": "text"}}}},
    )
    emulator.kill()
    emulator.start()
    sqs = emulator.client("sqs")
    assert sqs.get_queue_url(QueueName="lane")["QueueUrl"].endswith(url.rpartition("/")[2])
    assert emulator.client("sesv2").get_email_identity(EmailIdentity="from@example.org")
    mails = requests.get(f"{emulator.url}/_ministack/ses/messages", timeout=10).json()["messages"]
    assert [mail["Subject"] for box in mails.values() for mail in box] == ["kept"]


def test_the_emulator_ends_when_whoever_started_it_is_gone(emulator: Emulator) -> None:
    assert emulator.process.stdin is not None
    emulator.process.stdin.close()
    assert emulator.process.wait(10) == 0


def test_the_emulator_listens_on_loopback_only(emulator: Emulator) -> None:
    port = int(emulator.url.rpartition(":")[2])
    sockets = Path("/proc/net/tcp")
    if not sockets.exists():
        pytest.skip("needs Linux")
    bound = {line.split()[1] for line in sockets.read_text().splitlines()[1:] if line.split()[3] == "0A"}
    assert [address for address in bound if address.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]
