"""Deploying what is stored: created once, found again after a kill, changed without losing what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.local.config import Config, read_config
from infra.local.deploy import DeployError, Deployment
from infra.local.expressions import Expressions
from infra.local.template import read_template
from tests.e2e.test_local_emulator import Emulator

TEMPLATE = """
Resources:
  One:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Environment: {Variables: {TABLE: !Ref Table, KEY: !GetAtt Key.Arn, LANE: !Ref Lane, BUCKET: !Ref Bucket}}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      TimeToLiveSpecification: {AttributeName: expires, Enabled: true}
  Key: {Type: AWS::KMS::Key, Properties: {Description: seals}}
  Bucket: {Type: AWS::S3::Bucket}
  Lane:
    Type: AWS::SQS::Queue
    Properties: {VisibilityTimeout: 240}
"""
MORE = """
  Second: {Type: AWS::SQS::Queue}
"""


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    running = Emulator(tmp_path / "emulator")
    yield running
    running.kill()


def deploy(emulator: Emulator, folder: Path, text: str) -> dict[str, str]:
    """Deploy a template; returns the environment of its function."""
    path = folder / "template.yaml"
    path.write_text(text)
    config: Config = replace(read_config({"FORMRELAY_STATE": str(folder / "state")}), template=path)
    config.state.mkdir(exist_ok=True)
    template = read_template(path, lambda document: Expressions(document, config.parameters))
    deployment = Deployment(config, template, emulator.url)
    deployment.run()
    return deployment.environment(template.functions["One"])


def fill(emulator: Emulator, names: dict[str, str]) -> bytes:
    emulator.client("dynamodb").put_item(TableName=names["TABLE"], Item={"pk": {"S": "kept"}})
    emulator.client("s3").put_object(Bucket=names["BUCKET"], Key="kept", Body=b"kept")
    sealed: bytes = emulator.client("kms").encrypt(KeyId=names["KEY"], Plaintext=b"kept")["CiphertextBlob"]
    return sealed


def check(emulator: Emulator, names: dict[str, str], sealed: bytes) -> None:
    item = emulator.client("dynamodb").get_item(TableName=names["TABLE"], Key={"pk": {"S": "kept"}})
    assert item["Item"] == {"pk": {"S": "kept"}}
    assert emulator.client("s3").get_object(Bucket=names["BUCKET"], Key="kept")["Body"].read() == b"kept"
    assert emulator.client("kms").decrypt(KeyId=names["KEY"], CiphertextBlob=sealed)["Plaintext"] == b"kept"
    emulator.client("sqs").send_message(QueueUrl=names["LANE"], MessageBody="works")


def without_port(names: dict[str, str]) -> dict[str, str]:
    return {name: value.rpartition("/")[2] for name, value in names.items()}


def test_what_was_deployed_is_found_again_with_all_it_holds_after_a_kill(
    emulator: Emulator, tmp_path: Path
) -> None:
    names = deploy(emulator, tmp_path, TEMPLATE)
    assert names["KEY"].startswith("arn:aws:kms:")
    assert names["LANE"].startswith(emulator.url)
    expiry = emulator.client("dynamodb").describe_time_to_live(TableName=names["TABLE"])
    assert expiry["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"
    sealed = fill(emulator, names)
    emulator.kill()
    emulator.start()
    again = deploy(emulator, tmp_path, TEMPLATE)
    assert without_port(again) == without_port(names)
    check(emulator, again, sealed)


def test_a_changed_template_changes_the_stack_and_keeps_what_it_holds(
    emulator: Emulator, tmp_path: Path
) -> None:
    names = deploy(emulator, tmp_path, TEMPLATE)
    sealed = fill(emulator, names)
    changed = TEMPLATE.replace("240", "300").replace(
        "LANE: !Ref Lane", "LANE: !Ref Lane, SECOND: !Ref Second"
    )
    again = deploy(emulator, tmp_path, changed + MORE)
    assert without_port(names).items() <= without_port(again).items()
    check(emulator, again, sealed)
    emulator.kill()
    emulator.start()
    last = deploy(emulator, tmp_path, changed + MORE)
    check(emulator, last, sealed)
    emulator.client("sqs").send_message(QueueUrl=last["SECOND"], MessageBody="works")
    attributes = emulator.client("sqs").get_queue_attributes(QueueUrl=last["LANE"], AttributeNames=["All"])
    assert attributes["Attributes"]["VisibilityTimeout"] == "300"


def test_a_template_that_cannot_be_deployed_is_an_error_with_the_reason(
    emulator: Emulator, tmp_path: Path
) -> None:
    with pytest.raises(DeployError, match="Needed"):
        deploy(emulator, tmp_path, "Parameters: {Needed: {Type: String}}\n" + TEMPLATE)
    deploy(emulator, tmp_path, TEMPLATE)


def test_half_a_deployment_does_not_outlive_a_restart(emulator: Emulator, tmp_path: Path) -> None:
    document = '{"Resources": {"Lane": {"Type": "AWS::SQS::Queue"}}}'
    emulator.client("cloudformation").create_stack(StackName="formrelay", TemplateBody=document)
    emulator.process.terminate()
    emulator.process.wait(10)
    emulator.start()
    names = deploy(emulator, tmp_path, TEMPLATE)
    check(emulator, names, fill(emulator, names))
