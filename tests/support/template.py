"""template.yaml as plain data, its CloudFormation tags turned into their long form."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "template.yaml"


class _Loader(yaml.SafeLoader):
    """Safe loader that knows ``!Ref``, ``!GetAtt`` and the other short forms."""


def _long_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


@cache
def template() -> dict[str, Any]:
    """The whole template; shared, so leave it as it is."""
    loaded: dict[str, Any] = yaml.load(PATH.read_text("utf-8"), _Loader)  # noqa: S506 - a safe loader
    return loaded


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Logical id → resource, for one type such as ``AWS::SQS::Queue``."""
    return {name: body for name, body in template()["Resources"].items() if body["Type"] == kind}


def properties(name: str) -> dict[str, Any]:
    """Properties of one resource."""
    found: dict[str, Any] = template()["Resources"][name]["Properties"]
    return found


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
