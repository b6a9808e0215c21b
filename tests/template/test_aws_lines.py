"""Lines of the aws command in the documentation: operations, parameters and parts of the stack that there are."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import UnknownServiceError

from tests.support.template import ROOT, properties, template

DOCS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
_LINE = re.compile(r"\baws ([a-z0-9]+) ([a-z-]+)((?:`\[\]`|[^`\n|])*)")
# Those of the command itself.
_GLOBAL = {"query", "output"}
# What it has beyond the operations of a service, or calls otherwise.
_CUSTOM = {
    ("logs", "tail"): {"since", "filter-pattern", "follow"},
    ("sns", "subscribe"): {"topic-arn", "protocol", "notification-endpoint"},
}


def lines() -> list[tuple[str, str, str]]:
    """(service, operation, rest) of every line, the rest without what is quoted."""
    found = []
    for doc in DOCS:
        text = re.sub(r"\n(?=--)", " ", doc.read_text("utf-8"))
        for service, operation, rest in _LINE.findall(text):
            # The operations of S3 have a name of their own there.
            service = service.replace("s3api", "s3")
            found.append((service, operation, re.sub(r"'[^']*'|\"[^\"]*\"", "…", rest)))
    return found


@cache
def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def names(service: str) -> dict[str, Any]:
    """Operations as the command writes them."""
    return {
        botocore.xform_name(name, "-"): model(service).operation_model(name)
        for name in model(service).operation_names
    }


def test_there_are_such_lines() -> None:
    assert len(lines()) > 30


@pytest.mark.parametrize(("service", "operation", "rest"), sorted(set(lines())))
def test_an_aws_line_names_an_operation_and_parameters_that_there_are(
    service: str, operation: str, rest: str
) -> None:
    options = set(re.findall(r"(?<= )--([a-z-]+)", rest)) - _GLOBAL
    if (service, operation) in _CUSTOM:
        assert options <= _CUSTOM[service, operation]
        return
    if operation == "wait":
        waiter = rest.split()[0]
        waiters = botocore.session.get_session().get_waiter_model(service)
        (operation,) = [
            botocore.xform_name(waiters.get_waiter(name).operation, "-")
            for name in waiters.waiter_names
            if botocore.xform_name(name, "-") == waiter
        ]
    try:
        operations = names(service)
    except UnknownServiceError:
        pytest.fail(f"aws has no {service}")
    assert operation in operations
    members = operations[operation].input_shape.members if operations[operation].input_shape else {}
    known = {botocore.xform_name(name, "-") for name in members}
    known |= {f"no-{name}" for name in known}
    assert options <= known


def test_outputs_and_resources_that_the_guides_ask_for_are_in_the_template() -> None:
    text = (ROOT / "docs" / "guides.md").read_text("utf-8")
    outputs = set(re.findall(r"\bstack (\w+)\)", text))
    assert outputs
    assert outputs <= set(template()["Outputs"])
    assert set(re.findall(r"--logical-resource-id (\w+)", text)) <= set(template()["Resources"])
    assert "--key-id alias/formrelay " in text
    assert properties("SealingKeyAlias")["AliasName"] == {"Fn::Sub": "alias/${AWS::StackName}"}


@pytest.mark.parametrize("doc", DOCS, ids=lambda doc: doc.name)
def test_parameters_that_are_deployed_with_are_in_the_template(doc: Any) -> None:
    given = re.findall(r'PARAMETERS="([^"]*)"', doc.read_text("utf-8"))
    words = [word for each in given for word in each.split() if "=" in word and word != "Name=value"]
    assert {word.partition("=")[0] for word in words} <= set(template()["Parameters"])
