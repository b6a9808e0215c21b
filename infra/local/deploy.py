"""Creates what the template stores things in (tables, queues, bucket, key) through the emulator's CloudFormation.

Functions, routes, event sources and schedules are run by the supervisor, so the emulator gets the template without
them. Everything that functions are told about these resources is read back from the stack's outputs.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from infra.local.config import CREDENTIALS, MAIL_FROM, REGION, STACK, Config
from infra.local.emulator_process import CHECKPOINT
from infra.local.expressions import Expressions
from infra.local.template import FunctionSpec, Template

STORED_TYPES = (
    "AWS::DynamoDB::Table",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::SES::ConfigurationSet",
    "AWS::SQS::Queue",
)
WAIT = 60


class DeployError(Exception):
    """The stack could not be created; the message gives CloudFormation's reason."""


class Deployment:
    """The stack in the emulator at ``url``."""

    def __init__(self, config: Config, template: Template, url: str) -> None:
        self._config = config
        self._template = template
        self._url = url
        self._outputs: dict[str, str] = {}

    def run(self) -> None:
        """Create the stack or bring it up to date. Raises DeployError."""
        document = storage_document(self._template)
        text = json.dumps(document, sort_keys=True)
        marker = self._config.state / "stack"
        digest = hashlib.sha256(text.encode()).hexdigest()
        known = marker.exists() and marker.read_text() == digest
        cloudformation = self._client("cloudformation")
        stack = _describe(cloudformation)
        if stack is None or not known:
            marker.unlink(missing_ok=True)
            stack = _apply(cloudformation, text, stack)
            self._outputs = _outputs(stack)
            self._expire_items()
            self._client("sesv2").create_email_identity(EmailIdentity=MAIL_FROM)
            checkpoint(self._url)
            marker.write_text(digest)
        self._outputs = _outputs(stack)

    def environment(self, function: FunctionSpec) -> dict[str, str]:
        """The environment that the template gives a function, every expression resolved."""
        values = Expressions(self._template.document, self._config.parameters, self.lookup)
        return {name: str(values(value)) for name, value in function.environment.items()}

    def lookup(self, name: str, attribute: str | None) -> str:
        """The physical id or an attribute of a resource. Raises DeployError."""
        value = self._outputs.get(_output_name(name, attribute))
        if value is None:
            raise DeployError(f"{name} is not among what the local stack creates")
        if attribute is None and self._type(name) == "AWS::SQS::Queue":
            # The emulator's port differs from start to start; it knows queues by the path.
            return self._url + urlsplit(value).path
        return value

    def visibility(self, name: str) -> int:
        """The visibility time-out of a queue, in seconds, as the template has it."""
        properties = self._template.document["Resources"][name].get("Properties", {})
        return int(properties.get("VisibilityTimeout", 30))

    def _type(self, name: str) -> str:
        return str(self._template.document["Resources"][name]["Type"])

    def _expire_items(self) -> None:
        """The emulator's CloudFormation leaves TimeToLiveSpecification out."""
        dynamodb = self._client("dynamodb")
        for name, resource in self._template.document["Resources"].items():
            expiry = resource.get("Properties", {}).get("TimeToLiveSpecification")
            if resource["Type"] != "AWS::DynamoDB::Table" or not expiry:
                continue
            table = self.lookup(name, None)
            status = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"][
                "TimeToLiveStatus"
            ]
            if status not in ("ENABLED", "ENABLING"):
                dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=expiry)

    def _client(self, service: str) -> Any:
        import boto3

        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self._url,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )


def storage_document(template: Template) -> dict[str, Any]:
    """The part of the template that the emulator creates, with an output for everything that is looked up."""
    resources = template.document["Resources"]
    kept = {
        name: _unversioned(resource)
        for name, resource in resources.items()
        if resource["Type"] in STORED_TYPES
    }
    wanted: set[tuple[str, str | None]] = set()

    def note(name: str, attribute: str | None) -> str:
        wanted.add((name, attribute))
        return ""

    values = Expressions(template.document, {}, note)
    for function in template.functions.values():
        values(dict(function.environment))
    for mapping in template.mappings:
        wanted.update({(mapping.queue, None), (mapping.queue, "Arn")})
    wanted.update(
        (name, None) for name, resource in kept.items() if resource["Type"] == "AWS::DynamoDB::Table"
    )
    outputs = {
        _output_name(name, attribute): {
            "Value": {"Ref": name} if attribute is None else {"Fn::GetAtt": [name, attribute]}
        }
        for name, attribute in sorted(wanted, key=str)
        if name in kept
    }
    sections = ("AWSTemplateFormatVersion", "Parameters", "Conditions", "Mappings")
    return {
        **{name: template.document[name] for name in sections if name in template.document},
        "Resources": kept,
        "Outputs": outputs,
    }


def _unversioned(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource without old versions of objects: the emulator removes none of them, and the folder would grow."""
    properties = resource.get("Properties", {})
    return {**resource, "Properties": {k: v for k, v in properties.items() if k != "VersioningConfiguration"}}


def checkpoint(url: str) -> None:
    """Have the emulator save the definitions of everything it holds. Raises OSError."""
    request = urllib.request.Request(url + CHECKPOINT, data=b"", method="POST")  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        answer.read()


def _output_name(name: str, attribute: str | None) -> str:
    return re.sub(r"\W", "", f"{name}{attribute or 'Ref'}")


def _outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _describe(cloudformation: Any) -> dict[str, Any] | None:
    from botocore.exceptions import ClientError

    try:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return stack


def _apply(cloudformation: Any, text: str, stack: dict[str, Any] | None) -> dict[str, Any]:
    from botocore.exceptions import ClientError

    request = cloudformation.create_stack if stack is None else cloudformation.update_stack
    try:
        request(StackName=STACK, TemplateBody=text)
    except ClientError as error:
        if stack is not None and "No updates are to be performed" in str(error):
            return stack
        raise DeployError(f"the emulator refused the template: {error}") from error
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        stack = _describe(cloudformation) or {"StackStatus": "DELETE_COMPLETE"}
        status = stack["StackStatus"]
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return stack
        if not status.endswith("IN_PROGRESS"):
            raise DeployError(f"the stack ended as {status}: {_reason(cloudformation)}")
        time.sleep(0.02)
    raise DeployError(f"the stack was not complete after {WAIT} seconds")


def _reason(cloudformation: Any) -> str:
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    failed = [event for event in events if event.get("ResourceStatus", "").endswith("FAILED")]
    return "; ".join(f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason', '')}" for e in failed[:3])
