"""Reads the SAM template: which functions, routes, queue mappings and schedules there are.

Only what this project's template uses is understood; anything else that would change what runs raises TemplateError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from infra.local.cors import Cors, read_cors

HTTP_METHODS = ("ANY", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class TemplateError(Exception):
    """The template cannot be run locally; the message names the resource."""


@dataclass(frozen=True)
class Route:
    """``key`` as API Gateway writes it: ``ANY /submission`` or ``$default``."""

    key: str
    function: str


@dataclass(frozen=True)
class QueueMapping:
    """An SQS event source: logical ids of queue and function."""

    queue: str
    function: str
    batch_size: int
    partial_failures: bool
    concurrency: int | None


@dataclass(frozen=True)
class Schedule:
    """``seconds`` between two runs as the template has it."""

    function: str
    seconds: int
    name: str


@dataclass(frozen=True)
class FunctionSpec:
    """One function: where its code is, how it is called, and its environment, not yet resolved."""

    id: str
    name: str
    code: Path
    handler: str
    timeout: int
    memory: int
    layers: tuple[Path, ...]
    environment: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Template:
    """The parsed document and what runs."""

    document: dict[str, Any] = field(hash=False)
    functions: dict[str, FunctionSpec] = field(hash=False)
    routes: tuple[Route, ...]
    mappings: tuple[QueueMapping, ...]
    schedules: tuple[Schedule, ...]
    cors: Cors


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)  # noqa: S101 - the only kind left
        value = loader.construct_mapping(node, deep=True)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


def read_document(path: Path) -> dict[str, Any]:
    """The template with every short form spelled out. Raises TemplateError."""
    try:
        document = yaml.load(path.read_text(), _Loader)  # noqa: S506 - a SafeLoader
    except (OSError, yaml.YAMLError) as error:
        raise TemplateError(f"{path.name} cannot be read: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise TemplateError(f"{path.name} has no resources")
    return document


def read_template(path: Path, resolve: Callable[[dict[str, Any]], Callable[[Any], Any]]) -> Template:
    """Parse the template at ``path``; ``resolve(document)`` gives the function that turns expressions of
    parameters into values."""
    document = read_document(path)
    value = resolve(document)
    functions: dict[str, FunctionSpec] = {}
    routes: list[Route] = []
    mappings: list[QueueMapping] = []
    schedules: list[Schedule] = []
    for logical_id, resource in document["Resources"].items():
        if resource.get("Type") != "AWS::Serverless::Function":
            continue
        functions[logical_id] = _function(document, logical_id, path.parent, value)
        for name, event in resource["Properties"].get("Events", {}).items():
            kind, properties = event.get("Type"), event.get("Properties") or {}
            if kind == "HttpApi":
                routes.append(_route(logical_id, properties))
            elif kind == "SQS":
                mappings.append(_mapping(logical_id, properties, value))
            elif kind == "Schedule":
                schedules.append(_schedule(logical_id, name, value(properties.get("Schedule"))))
            elif kind == "SNS":
                continue  # only AWS publishes to it: the emulator's mails never come back
            else:
                raise TemplateError(f"{logical_id}: event {name} of type {kind} cannot be run locally")
    cors = read_cors(value(_api(document).get("CorsConfiguration")))
    return Template(document, functions, tuple(routes), tuple(mappings), tuple(schedules), cors)


def _api(document: dict[str, Any]) -> dict[str, Any]:
    """The properties of the HTTP API, of which there is one at most."""
    apis = [body for body in document["Resources"].values() if body.get("Type") == "AWS::Serverless::HttpApi"]
    return apis[0].get("Properties", {}) if apis else {}


def _function(
    document: dict[str, Any], logical_id: str, root: Path, value: Callable[[Any], Any]
) -> FunctionSpec:
    shared = document.get("Globals", {}).get("Function", {})
    own = document["Resources"][logical_id]["Properties"]
    layers = [*shared.get("Layers", []), *own.get("Layers", [])]
    environment = {
        **shared.get("Environment", {}).get("Variables", {}),
        **own.get("Environment", {}).get("Variables", {}),
    }

    def setting(name: str, default: Any) -> Any:
        return value(own.get(name, shared.get(name, default)))

    return FunctionSpec(
        id=logical_id,
        name=setting("FunctionName", logical_id),
        code=root / setting("CodeUri", "."),
        handler=setting("Handler", ""),
        timeout=int(setting("Timeout", 3)),
        memory=int(setting("MemorySize", 128)),
        layers=tuple(_layer(document, root, reference) for reference in layers),
        environment=environment,
    )


def _layer(document: dict[str, Any], root: Path, reference: Any) -> Path:
    name = target(reference)
    layer = document["Resources"].get(name, {})
    if layer.get("Type") != "AWS::Serverless::LayerVersion":
        raise TemplateError(f"layer {name} is not in the template")
    return root / str(layer["Properties"]["ContentUri"]) / "python"


def _route(function: str, properties: dict[str, Any]) -> Route:
    path, method = properties.get("Path"), str(properties.get("Method", "ANY")).upper()
    if method == "X-AMAZON-APIGATEWAY-ANY-METHOD":
        method = "ANY"
    if method not in HTTP_METHODS:
        raise TemplateError(f"{function}: method {method} cannot be run locally")
    return Route("$default" if path in (None, "$default") else f"{method} {path}", function)


def _mapping(function: str, properties: dict[str, Any], value: Callable[[Any], Any]) -> QueueMapping:
    concurrency = properties.get("ScalingConfig", {}).get("MaximumConcurrency")
    return QueueMapping(
        queue=target(properties.get("Queue")),
        function=function,
        batch_size=int(value(properties.get("BatchSize", 10))),
        partial_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
        concurrency=None if concurrency is None else int(value(concurrency)),
    )


def _schedule(function: str, name: str, expression: Any) -> Schedule:
    found = re.fullmatch(r"rate\((\d+) (second|minute|hour|day)s?\)", str(expression))
    if not found:
        raise TemplateError(f"{function}: schedule {expression} cannot be run locally")
    unit = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}[found[2]]
    return Schedule(function, int(found[1]) * unit, name)


def target(reference: Any) -> str:
    """The logical id that a Ref or GetAtt points at. Raises TemplateError for anything else."""
    if isinstance(reference, dict) and isinstance(reference.get("Ref"), str):
        return str(reference["Ref"])
    attribute = reference.get("Fn::GetAtt") if isinstance(reference, dict) else None
    if isinstance(attribute, list) and attribute:
        return str(attribute[0])
    raise TemplateError(f"{reference} is not a reference to a resource of the template")
