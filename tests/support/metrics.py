"""What the template's metric filters make of log lines: enough of CloudWatch's filter patterns for those that it has.

A pattern is one comparison, or several in parentheses joined by ``&&`` or ``||``. Strings in quotes may begin or end
with ``*``; numbers are compared as numbers, and ``null`` is none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from tests.support.template import resources

_COMPARISON = re.compile(r'\$\.(\w+) (=|>=|>) (?:"(.*)"|(\d+))')

Point = tuple[float, dict[str, str]]


def published(group: str, lines: Iterable[str]) -> dict[str, list[Point]]:
    """Metric → (value, dimensions) of each point that lines of JSON in that log group (logical id) make."""
    points: dict[str, list[Point]] = {}
    for line in map(json.loads, lines):
        for transformation in _transformations(group, line):
            point = _point(transformation, line)
            points.setdefault(transformation["MetricName"], []).append(point)
    return points


def _transformations(group: str, line: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for filter_ in resources("AWS::Logs::MetricFilter").values():
        properties = filter_["Properties"]
        if properties["LogGroupName"] == {"Ref": group} and matches(properties["FilterPattern"], line):
            found += properties["MetricTransformations"]
    return found


def matches(pattern: str, line: dict[str, Any]) -> bool:
    """Whether a pattern selects a line."""
    inner = pattern.removeprefix("{ ").removesuffix(" }")
    if " || " in inner:
        return any(_holds(part, line) for part in inner.split(" || "))
    return all(_holds(part, line) for part in inner.split(" && "))


def _holds(comparison: str, line: dict[str, Any]) -> bool:
    found = _COMPARISON.fullmatch(comparison.strip("()"))
    assert found, comparison
    name, operator, text, number = found.groups()
    value = line.get(name)
    if number is None:
        return isinstance(value, str) and bool(re.fullmatch(_glob(text), value))
    if not isinstance(value, int | float):
        return False
    return value > float(number) if operator == ">" else value >= float(number)


def _glob(text: str) -> str:
    middle = re.escape(text.removeprefix("*").removesuffix("*"))
    return f"{'.*' if text.startswith('*') else ''}{middle}{'.*' if text.endswith('*') else ''}"


def _point(transformation: dict[str, Any], line: dict[str, Any]) -> Point:
    value = transformation["MetricValue"]
    number = line[value.removeprefix("$.")] if value.startswith("$.") else value
    chosen = transformation.get("Dimensions", [])
    return float(number), {one["Key"]: str(line[one["Value"].removeprefix("$.")]) for one in chosen}
