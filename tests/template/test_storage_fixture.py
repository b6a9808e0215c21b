"""The moto fixture: as the template says, and empty for every test."""

from __future__ import annotations

import pytest

from formrelay.aws import dynamodb, kms, s3, sesv2, sqs
from formrelay.settings import Settings, settings
from formrelay.storage.keys import SWEEP_INDEX, TROUBLE_INDEX
from tests.support.aws import MAIL_FROM, Mail, Message, mails, messages, objects, stored
from tests.support.template import template


def test_settings_have_the_names_of_what_was_made(aws: Settings) -> None:
    assert {aws.data_table, aws.accounts_table} == set(dynamodb().list_tables()["TableNames"])
    assert s3().head_bucket(Bucket=aws.bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert kms().describe_key(KeyId=aws.kms_key)["KeyMetadata"]["Enabled"]
    assert aws.retry_delays == (60, 600, 6000)
    assert aws.function_timeout == template()["Parameters"]["DeliverTimeout"]["Default"]


def test_data_table_has_the_indexes_that_the_package_names(aws: Settings) -> None:
    table = dynamodb().describe_table(TableName=aws.data_table)["Table"]
    assert {index["IndexName"] for index in table["GlobalSecondaryIndexes"]} == {SWEEP_INDEX, TROUBLE_INDEX}


def test_queues_have_the_visibility_of_the_template(aws: Settings) -> None:
    found = sqs().get_queue_attributes(QueueUrl=aws.first_queue, AttributeNames=["VisibilityTimeout"])
    assert found["Attributes"]["VisibilityTimeout"] == "300"


def test_messages_are_taken_with_delay_and_group(aws: Settings) -> None:
    sqs().send_message(
        QueueUrl=aws.retry_queue, MessageBody='{"s": 1}', DelaySeconds=600, MessageGroupId="h1"
    )
    assert messages(aws.retry_queue) == [Message({"s": 1}, 600, "h1")]
    assert messages(aws.retry_queue) == []


@pytest.mark.parametrize("_time", [1, 2])
def test_every_test_finds_nothing_stored(aws: Settings, _time: int) -> None:
    assert stored(aws.data_table) + stored(aws.accounts_table) == []
    assert not objects(aws.bucket)
    assert not messages(aws.first_queue)
    assert not mails()
    for table in (aws.data_table, aws.accounts_table):
        dynamodb().put_item(TableName=table, Item={"pk": {"S": "p"}, "sk": {"S": "s"}})
    s3().put_object(Bucket=aws.bucket, Key="k", Body=b"x")
    sqs().send_message(QueueUrl=aws.first_queue, MessageBody="{}")
    sesv2().send_email(
        FromEmailAddress=MAIL_FROM,
        Destination={"ToAddresses": ["owner@example.org"]},
        Content={"Simple": {"Subject": {"Data": "s"}, "Body": {"Html": {"Data": "<p>"}}}},
    )
    assert mails() == [Mail(["owner@example.org"], "s", "<p>")]


def test_a_changed_setting_lasts_for_one_test(aws: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_MAIL_FROM", "other@example.org")
    settings.cache_clear()
    assert settings().mail_from == "other@example.org"


def test_settings_are_those_of_the_template_again(aws: Settings) -> None:
    assert aws.mail_from == settings().mail_from == MAIL_FROM
