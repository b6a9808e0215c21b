"""Keys of the tables: what stands under one kind of partition is of one noun."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from formrelay.storage import keys

# Of the other table.
_ACCOUNTS = ("account", "api_key", "login_failures")


def _made() -> dict[str, str]:
    """Function → kind of partition, of every key that is a whole one."""
    found = {}
    for name, function in vars(keys).items():
        if callable(function) and not name.startswith("_") and name not in _ACCOUNTS:
            key = _called(function)
            if isinstance(key, dict):
                found[name] = key["pk"]
    return found


def _called(function: Callable[..., Any]) -> Any:
    try:
        parameters = inspect.signature(function).parameters.values()
        return function(
            *(7 if "int" in str(parameter.annotation) else parameter.name for parameter in parameters)
        )
    except (TypeError, ValueError):
        return None


def test_a_kind_of_partition_has_partitions_of_one_form() -> None:
    """The sweep goes by the kind: two nouns with one would be taken for each other."""
    forms = defaultdict(set)
    for pk in _made().values():
        forms[pk[:2]].add(pk.count("#"))
    assert len(forms) > 10
    assert {kind: found for kind, found in forms.items() if len(found) > 1} == {}
