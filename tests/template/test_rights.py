"""The rights of the template are enforced in tests that call functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from formrelay.aws import dynamodb, s3, sesv2, sqs
from formrelay.settings import Settings
from tests.support.aws import MAIL_FROM, emptied
from tests.support.rights import PACKAGE, enforced
from tests.support.template import ROOT

KEY = {"pk": {"S": "U#demo"}, "sk": {"S": "U"}}


def within(path: Path, call: Callable[[], Any]) -> Any:
    """Makes a call as if code of that file made it."""
    scope: dict[str, Any] = {"call": call}
    exec(compile("answer = call()", str(path), "exec"), scope)  # noqa: S102 - the code is right here
    return scope["answer"]


def handler(function: str) -> Path:
    return ROOT / "functions" / function / "app.py"


@pytest.fixture
def variables(_storage: dict[str, str]) -> dict[str, str]:
    return _storage


@pytest.fixture
def aws(variables: dict[str, str]) -> Iterator[Settings]:
    """Storage on which nothing is enforced but by the test itself."""
    with emptied(variables) as where:
        yield where


def test_what_a_policy_allows_passes(aws: Settings, variables: dict[str, str]) -> None:
    mail: Any = {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}}
    with enforced(variables):
        within(handler("ingest"), lambda: dynamodb().get_item(TableName=aws.accounts_table, Key=KEY))
        within(
            handler("ingest"), lambda: s3().put_object(Bucket=aws.bucket, Key="attachments/a/b/c", Body=b"")
        )
        within(handler("ingest"), lambda: sqs().send_message(QueueUrl=aws.first_queue, MessageBody="{}"))
        within(
            handler("report"),
            lambda: sesv2().send_email(
                FromEmailAddress=MAIL_FROM, Destination={"ToAddresses": ["a@example.org"]}, Content=mail
            ),
        )


@pytest.mark.parametrize("function", ["deliver", "recover", "compile", "image", "export"])
def test_accounts_are_out_of_reach_of_what_needs_none(
    function: str, aws: Settings, variables: dict[str, str]
) -> None:
    with (
        pytest.raises(AssertionError, match=f"{function} may not dynamodb:GetItem on AccountsTable"),
        enforced(variables),
    ):
        within(handler(function), lambda: dynamodb().get_item(TableName=aws.accounts_table, Key=KEY))


def test_each_part_of_a_transaction_needs_its_own_right(aws: Settings, variables: dict[str, str]) -> None:
    delete: Any = [{"Delete": {"TableName": aws.data_table, "Key": KEY}}]
    with (
        pytest.raises(AssertionError, match="ingest may not dynamodb:DeleteItem on DataTable"),
        enforced(variables),
    ):
        within(handler("ingest"), lambda: dynamodb().transact_write_items(TransactItems=delete))


def test_an_index_needs_a_right_of_its_own(aws: Settings, variables: dict[str, str]) -> None:
    def query() -> Any:
        return dynamodb().query(
            TableName=aws.data_table,
            IndexName="sweep",
            KeyConditionExpression="sweep = :s",
            ExpressionAttributeValues={":s": {"S": "0"}},
        )

    with enforced(variables):
        within(handler("recover"), query)
    with (
        pytest.raises(AssertionError, match="report may not dynamodb:Query on DataTable/index/sweep"),
        enforced(variables),
    ):
        within(handler("report"), query)


def test_files_of_another_kind_are_out_of_reach(aws: Settings, variables: dict[str, str]) -> None:
    with (
        pytest.raises(AssertionError, match="deliver may not s3:PutObject on Bucket/bodies/x"),
        enforced(variables),
    ):
        within(handler("deliver"), lambda: s3().put_object(Bucket=aws.bucket, Key="bodies/x", Body=b""))


def test_threads_of_the_sweep_have_the_rights_of_recover(aws: Settings, variables: dict[str, str]) -> None:
    with (
        pytest.raises(AssertionError, match="recover may not dynamodb:GetItem on AccountsTable"),
        enforced(variables),
    ):
        within(PACKAGE / "recovery.py", lambda: dynamodb().get_item(TableName=aws.accounts_table, Key=KEY))


def test_what_tests_do_themselves_is_not_held_against_a_function(
    aws: Settings, variables: dict[str, str]
) -> None:
    with enforced(variables):
        dynamodb().scan(TableName=aws.accounts_table)
