"""template.yaml as plain data, for tests of what it promises."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from infra.local.template import read_document

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "template.yaml"


@cache
def template() -> dict[str, Any]:
    """The whole template, its short forms spelled out; shared, so leave it as it is."""
    return read_document(PATH)


@cache
def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Logical id → resource, for one type such as ``AWS::SQS::Queue``."""
    return {name: body for name, body in template()["Resources"].items() if body["Type"] == kind}


def properties(name: str) -> dict[str, Any]:
    """Properties of one resource."""
    found: dict[str, Any] = template()["Resources"][name]["Properties"]
    return found


@cache
def functions() -> dict[str, dict[str, Any]]:
    """Properties of every function by its short name (``ingest``), with the defaults of Globals."""
    defaults = template()["Globals"]["Function"]
    return {
        name.removesuffix("Function").lower(): {**defaults, **body["Properties"]}
        for name, body in resources("AWS::Serverless::Function").items()
    }


def default(value: Any) -> Any:
    """A value, or the default of the parameter it refers to."""
    if isinstance(value, dict) and value.keys() == {"Ref"}:
        return template()["Parameters"][value["Ref"]]["Default"]
    return value


def most(value: Any) -> Any:
    """A value, or the greatest that the parameter it refers to may have."""
    if isinstance(value, dict):
        return template()["Parameters"][value["Ref"]]["MaxValue"]
    return value


def several(value: Any) -> list[Any]:
    """A value that may be written as one or as a list, as a list."""
    return value if isinstance(value, list) else [value]


def statements(function: str) -> list[dict[str, Any]]:
    """The policy statements of one function."""
    policies = functions()[function].get("Policies", [])
    return [statement for policy in policies for statement in policy["Statement"]]


def rights(function: str, resource: str) -> set[str]:
    """Actions that a function may take on a resource of the template, or on a part of it."""
    found: set[str] = set()
    for statement in statements(function):
        if any(_names(target, resource) for target in several(statement["Resource"])):
            found.update(several(statement["Action"]))
    return found


def _names(target: Any, resource: str) -> bool:
    if "Fn::GetAtt" in target:
        return bool(target["Fn::GetAtt"][0] == resource)
    return f"${{{resource}." in target.get("Fn::Sub", "")
