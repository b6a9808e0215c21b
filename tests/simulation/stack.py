"""The deployment that is simulated, read from template.yaml: tables, queues and who reads them, time-outs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.simulation.dynamodb import Index, Table
from tests.support.template import default, functions, properties, resources, template

DATA, ACCOUNTS, BUCKET = "DataTable", "AccountsTable", "Bucket"
MAIL_FROM = "formrelay@example.org"


@dataclass(frozen=True)
class Lane:
    """A queue and the function that reads it."""

    queue: str
    function: str
    batch: int
    concurrency: int
    visibility: float
    receives: int


def tables() -> dict[str, Table]:
    """Both tables, empty."""
    return {name: Table(_indexes(name)) for name in resources("AWS::DynamoDB::Table")}


def _indexes(name: str) -> dict[str, Index]:
    made = {}
    for index in properties(name).get("GlobalSecondaryIndexes", []):
        if index["Projection"]["ProjectionType"] != "KEYS_ONLY":
            raise NotImplementedError("indexes are simulated with keys only")
        by_type = {key["KeyType"]: key["AttributeName"] for key in index["KeySchema"]}
        made[index["IndexName"]] = Index(by_type["HASH"], by_type["RANGE"])
    return made


@cache
def timeout(function: str) -> float:
    """Seconds after which the platform kills a function."""
    return float(default(functions()[function]["Timeout"]))


@cache
def lanes() -> tuple[Lane, ...]:
    """Every mapping of a queue to a function."""
    return tuple(
        _lane(name, event["Properties"])
        for name, function in functions().items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS"
    )


def _lane(function: str, event: dict[str, Any]) -> Lane:
    queue = event["Queue"]["Fn::GetAtt"][0]
    found = properties(queue)
    return Lane(
        queue=queue,
        function=function,
        batch=event["BatchSize"],
        concurrency=int(default(event.get("ScalingConfig", {}).get("MaximumConcurrency", 10))),
        visibility=float(found["VisibilityTimeout"]),
        receives=found["RedrivePolicy"]["maxReceiveCount"],
    )


def environment() -> dict[str, str]:
    """The variables that the functions have; resources are named as the template calls them."""
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    return {name: _value(value) for name, value in variables.items()} | {
        "FORMRELAY_MAIL_FROM": MAIL_FROM,
        "FORMRELAY_MAIL_CONFIGURATION": "",
        # What a process remembers of sign-ins would outlive its simulated life.
        "FORMRELAY_ACCESS_LOG_RETENTION": "0",
        "FORMRELAY_COMPILE_FUNCTION": "compile",
        "FORMRELAY_DELIVER_FUNCTION": "deliver",
        "FORMRELAY_EXPORT_FUNCTION": "export",
    }


def _value(value: Any) -> str:
    if isinstance(value, dict) and "Ref" in value:
        parameter = template()["Parameters"].get(value["Ref"])
        return str(parameter["Default"]) if parameter else str(value["Ref"])
    if isinstance(value, dict):
        return next(iter(map(str, value.values())))
    return str(value)
