"""Holds every AWS call that a function makes in a test against the policy that the template gives it.

moto lets everybody do everything; a right that is missing would show in the cloud only.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from botocore.client import BaseClient

from tests.support.template import ROOT, several, statements, template

PACKAGE = ROOT / "layers" / "formrelay" / "python" / "formrelay"

# Whose threads these are, when no handler is on their stack.
_THREADS = {
    PACKAGE / "recovery.py": "recover",
    # Those that api runs may do no more.
    PACKAGE / "changes" / "bulk.py": "recover",
    PACKAGE / "api" / "asset_list.py": "api",
    PACKAGE / "api" / "asset_bulk.py": "api",
    PACKAGE / "api" / "usage.py": "api",
    PACKAGE / "api" / "hooks.py": "api",
}
_TRANSACTED = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
_ACTIONS = {
    "ListObjectsV2": "ListBucket",
    "SendMessageBatch": "SendMessage",
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "Invoke": "InvokeFunction",
}


@contextmanager
def enforced(variables: dict[str, str]) -> Iterator[None]:
    """Fails at its end when a function called for something that its policy does not allow.

    ``variables`` is the environment of the functions, with the physical names of the template's resources.
    """
    names = _logical_names(variables)
    refused: set[str] = set()
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def watched(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        function = _caller(sys._getframe(1))
        if function:
            service = client.meta.service_model.signing_name
            for action, resource in _needs(service, operation, parameters, names):
                if not allowed(function, action, resource):
                    refused.add(f"{function} may not {action} on {resource}")
        return call(client, operation, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", watched)
        yield
    assert not refused, sorted(refused)


@cache
def allowed(function: str, action: str, resource: str) -> bool:
    """Whether the template lets a function do that; ``resource`` as in ``DataTable/index/sweep``."""
    return any(
        action in several(statement["Action"])
        and any(fnmatchcase(resource, _pattern(target)) for target in several(statement["Resource"]))
        for statement in statements(function)
    )


def _pattern(target: Any) -> str:
    if "Fn::GetAtt" in target:
        return str(target["Fn::GetAtt"][0])
    text = str(target["Fn::Sub"]).replace("${", "").replace(".Arn}", "")
    return "identity/*" if ":identity/" in text else text


def _logical_names(variables: dict[str, str]) -> dict[str, str]:
    names = {}
    for name, value in template()["Globals"]["Function"]["Environment"]["Variables"].items():
        if "Ref" in value or "Fn::GetAtt" in value:
            names[variables[name]] = value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]
    for name in ("compile", "deliver", "image", "export"):
        names[variables[f"FORMRELAY_{name.upper()}_FUNCTION"]] = f"{name.capitalize()}Function"
    return names


def _caller(frame: FrameType | None) -> str | None:
    """The function whose handler is nearest on the stack."""
    found = None
    while frame is not None:
        handler, thread = _owners(frame.f_code.co_filename)
        if handler:
            return handler
        found = found or thread
        frame = frame.f_back
    return found


@cache
def _owners(filename: str) -> tuple[str | None, str | None]:
    """The function whose handler stands in a file, and the one whose threads run what stands in it."""
    path = Path(filename)
    handler = path.name == "app.py" and path.parent.parent == ROOT / "functions"
    return path.parent.name if handler else None, _THREADS.get(path)


def _needs(
    service: str, operation: str, parameters: dict[str, Any], names: dict[str, str]
) -> Iterator[tuple[str, str]]:
    """The rights that a call needs, as (action, resource)."""
    if operation == "TransactWriteItems":
        for item in parameters["TransactItems"]:
            ((kind, part),) = item.items()
            yield f"dynamodb:{_TRANSACTED[kind]}", _name(part["TableName"], names)
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for table in parameters["RequestItems"]:
            yield f"dynamodb:{operation}", _name(table, names)
    elif operation == "DeleteObjects":
        for entry in parameters["Delete"]["Objects"]:
            yield "s3:DeleteObject", f"{_name(parameters['Bucket'], names)}/{entry['Key']}"
    elif operation == "CopyObject":
        source = parameters["CopySource"]
        yield "s3:GetObject", f"{_name(source['Bucket'], names)}/{source['Key']}"
        yield "s3:PutObject", _resource(service, parameters, names)
    else:
        yield f"{service}:{_ACTIONS.get(operation, operation)}", _resource(service, parameters, names)


def _resource(service: str, parameters: dict[str, Any], names: dict[str, str]) -> str:
    if service == "ses":
        return f"identity/{parameters['FromEmailAddress']}"
    if service == "s3":
        key = f"/{parameters['Key']}" if "Key" in parameters else ""
        return _name(parameters["Bucket"], names) + key
    if service == "dynamodb":
        index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
        return _name(parameters["TableName"], names) + index
    given = (parameters[key] for key in ("QueueUrl", "KeyId", "FunctionName") if key in parameters)
    return _name(next(given, ""), names)


def _name(physical: str, names: dict[str, str]) -> str:
    """The logical id; what the template does not have keeps its own name, which no policy knows."""
    return names.get(physical, physical)
