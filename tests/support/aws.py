"""moto in process, with the storage of template.yaml: tables, indexes, queues, bucket and key as deployed.

The stack is made once by moto's CloudFormation; each test finds it empty. Clients live through all tests.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from botocore.endpoint import Endpoint
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.model_instances import reset_model_data
from moto.core.models import DEFAULT_ACCOUNT_ID, botocore_stubber
from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.ses.models import ses_backends
from moto.sqs.models import Queue, sqs_backends

from formrelay import aws as clients
from formrelay.settings import Settings, settings
from tests.support import lean, shortcut
from tests.support.template import template

if TYPE_CHECKING:
    from botocore.model import OperationModel

REGION = "eu-west-1"
MAIL_FROM = "formrelay@example.org"

_STORED = ("AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::S3::Bucket", "AWS::KMS::Key")
_DUMMY = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
_POINTS_ELSEWHERE = ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN")


@dataclass(frozen=True)
class Message:
    """A message found on a queue: its body, and the seconds and group it was sent with."""

    body: dict[str, Any]
    delay: int
    group: str | None


@dataclass(frozen=True)
class Mail:
    """A mail that SES took; moto keeps the HTML of the two bodies."""

    to: list[str]
    subject: str
    html: str


def storage_template() -> str:
    """The part of the template that moto can make, as JSON; outputs are the environment of the functions."""
    whole = deepcopy(template())
    # moto reads the policy of a key as text, which CloudFormation does not give it.
    key = whole["Resources"]["SealingKey"]["Properties"]
    key["KeyPolicy"] = json.dumps(key["KeyPolicy"])
    environment = whole["Globals"]["Function"]["Environment"]["Variables"]
    # Its CloudFormation makes no configuration sets.
    environment["FORMRELAY_MAIL_CONFIGURATION"] = ""
    # A process notes sign-ins once an hour: with which request would depend on the tests before.
    environment["FORMRELAY_ACCESS_LOG_RETENTION"] = "0"
    part = {
        "Parameters": whole["Parameters"],
        "Resources": {name: body for name, body in whole["Resources"].items() if body["Type"] in _STORED},
        "Outputs": {name.replace("_", "0"): {"Value": value} for name, value in environment.items()},
    }
    return json.dumps(part)


def create_storage(cloudformation: Any) -> dict[str, str]:
    """Makes that part through a CloudFormation client; returns the environment of the functions."""
    cloudformation.create_stack(
        StackName="formrelay",
        TemplateBody=storage_template(),
        Parameters=[{"ParameterKey": "MailFrom", "ParameterValue": MAIL_FROM}],
    )
    (stack,) = cloudformation.describe_stacks(StackName="formrelay")["Stacks"]
    return {output["OutputKey"].replace("0", "_"): output["OutputValue"] for output in stack["Outputs"]}


def messages(queue_url: str) -> list[Message]:
    """Takes everything off a queue, what is still delayed included, oldest first."""
    queue = sqs_backends[DEFAULT_ACCOUNT_ID][REGION].queues[queue_url.rsplit("/", 1)[1]]
    found = [Message(json.loads(m.body), _delay(m), m.group_id) for m in queue._messages]
    _drain(queue)
    return found


def _delay(message: Any) -> int:
    seconds: float = (message.delayed_until - message.sent_timestamp) / 1000
    return max(0, round(seconds))


def _drain(queue: Queue) -> None:
    # Not PurgeQueue, which SQS, and so moto, allows once a minute.
    queue._messages.clear()
    queue._pending_messages.clear()


def mails() -> list[Mail]:
    """Every mail sent in this test, oldest first."""
    return [
        Mail(m.destinations.get("ToAddresses", []), m.subject, m.body)
        for m in ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages
    ]


def stored(table: str) -> list[dict[str, Any]]:
    """All items of a table as DynamoDB writes them (``{"pk": {"S": …}}``)."""
    pages = clients.dynamodb().get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"]]


def objects(bucket: str) -> list[str]:
    """Keys of all objects in a bucket."""
    pages = clients.s3().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def forget_clients() -> None:
    """Drops the clients and settings that this process has made."""
    for made in (clients.dynamodb, clients.sqs, clients.s3, clients.kms, clients.sesv2, clients.lambda_):
        made.cache_clear()
    clients._session.cache_clear()
    settings.cache_clear()


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[pytest.MonkeyPatch]:
    """The environment of a deployed function, as far as ours and AWS's variables go."""
    with pytest.MonkeyPatch.context() as patch:
        for name in _POINTS_ELSEWHERE:
            patch.delenv(name, raising=False)
        for name, value in (_DUMMY | variables).items():
            patch.setenv(name, value)
        yield patch


@contextmanager
def storage() -> Iterator[dict[str, str]]:
    """moto's copy of the storage; yields the environment of the functions. Mocks nothing by itself."""
    import botocore.session

    with environment({}):
        mock = mock_aws()
        mock.start()
        try:
            made = create_storage(botocore.session.get_session().create_client("cloudformation"))
            clients.sesv2().create_email_identity(EmailIdentity=MAIL_FROM)
        finally:
            mock.stop(remove_data=False)
        yield made
        mock.reset()


@contextmanager
def emptied(variables: dict[str, str], *, short: bool = True) -> Iterator[Settings]:
    """Runs a test on that storage, and empties it afterwards; unless ``short``, moto answers all by its own way."""
    with environment(variables) as patch:
        _answered_by_moto(patch, short=short)
        settings.cache_clear()
        try:
            yield settings()
        finally:
            _empty(variables)
            settings.cache_clear()
            # What moto keeps of past tests: a copy of the tables for every transaction.
            reset_model_data()


def _answered_by_moto(patch: pytest.MonkeyPatch, *, short: bool) -> None:
    """Sends the calls of all clients to moto, those on items by the short way, one at a time.

    AWS takes calls of several threads; moto works on one table as if there were none.
    """
    lock = threading.RLock()
    process, request_of = BotocoreStubber.process_request, Endpoint.make_request

    def locked(stubber: BotocoreStubber, request: Any) -> Any:
        with lock:
            return process(stubber, request)

    def answered(endpoint: Endpoint, model: OperationModel, request: dict[str, Any]) -> Any:
        if not shortcut.goes(model):
            return request_of(endpoint, model, request)
        with lock:
            return shortcut.answered(endpoint, model, request, REGION)

    # Not all that mock_aws does: its answers to HTTP clients other than botocore's are not wanted, and cost a test more
    # than most of its calls.
    patch.setattr(botocore_stubber, "enabled", True)
    patch.setattr(BotocoreStubber, "process_request", locked)
    if short:
        lean.install(patch)
        patch.setattr(Endpoint, "make_request", answered)


@contextmanager
def restored(names: Settings) -> Iterator[None]:
    """Puts tables and bucket back afterwards as they were before; what stands on queues is dropped."""
    tables = [
        dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[name]
        for name in (names.data_table, names.accounts_table)
    ]
    bucket = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[names.bucket]
    items, keys = [deepcopy(table.items) for table in tables], deepcopy(bucket.keys)
    try:
        yield
    finally:
        for table, kept in zip(tables, items, strict=True):
            table.items = kept
        bucket.keys = keys
        for queue in sqs_backends[DEFAULT_ACCOUNT_ID][REGION].queues.values():
            _drain(queue)


def _empty(variables: dict[str, str]) -> None:
    # Past the API: deleting item by item took longer than most tests.
    for table in (variables["FORMRELAY_DATA_TABLE"], variables["FORMRELAY_ACCOUNTS_TABLE"]):
        dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[table].items.clear()
    for queue in sqs_backends[DEFAULT_ACCOUNT_ID][REGION].queues.values():
        _drain(queue)
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[variables["FORMRELAY_BUCKET"]].keys.clear()
    ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages.clear()
