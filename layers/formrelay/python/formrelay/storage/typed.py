"""DynamoDB's typed values, and the plain Python values that they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def marshal(value: Any) -> dict[str, Any]:
    """One Python value as DynamoDB's typed value. Raises TypeError for types the tables do not hold."""
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, bytes):
        return {"B": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, Mapping):
        return {"M": {k: marshal(v) for k, v in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [marshal(v) for v in value]}
    if isinstance(value, float):
        return {"N": repr(value)}
    raise TypeError(f"cannot store a {type(value).__name__}")


def marshal_item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {k: marshal(v) for k, v in item.items()}


def unmarshal(typed: Mapping[str, Any]) -> Any:
    """The Python value of one typed value; numbers come back as int where they are whole."""
    ((kind, value),) = typed.items()
    if kind == "N":
        return int(value) if value.lstrip("-").isdigit() else float(value)
    if kind == "M":
        return unmarshal_item(value)
    if kind == "L":
        return [unmarshal(v) for v in value]
    return None if kind == "NULL" else value


def unmarshal_item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {k: unmarshal(v) for k, v in item.items()}
