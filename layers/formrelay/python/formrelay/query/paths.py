"""Where a name of a query stands in a record (contract submissions §6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final


class _Missing:
    """The value of a name that a record does not have; equal to nothing else, unlike null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()

Getter = Callable[[Mapping[str, Any]], Any]

_STATUS = "_validation_status"


def getter(path: str) -> Getter:
    """A function from a record to its value of that name, or :data:`MISSING`.

    Names are the record's keys as they stand, slashes and dots included; only below
    ``_validation_status`` a dot leads into the object (contract data §3).
    """
    root, dot, rest = path.partition(".")
    if root != _STATUS or not dot:
        return lambda record: record.get(path, MISSING)
    steps = rest.split(".")

    def get(record: Mapping[str, Any]) -> Any:
        value = record.get(_STATUS, MISSING)
        for step in steps:
            value = value.get(step, MISSING) if isinstance(value, dict) else MISSING
        return value

    return get
