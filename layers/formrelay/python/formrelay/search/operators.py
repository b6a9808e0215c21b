"""Operators of the search language: what stands in the record, what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any


def _exact(actual: Any, wanted: str) -> bool:
    if actual is None:
        return wanted == "null"
    if isinstance(actual, bool):
        return wanted.lower() == str(actual).lower()
    if isinstance(actual, int | float):
        return _number(wanted) == actual
    return bool(actual == wanted)


def listed(wanted: str) -> list[str]:
    return [part.strip() for part in wanted.split(",")]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def moment(text: str) -> datetime | None:
    """A date or time, UTC unless it says otherwise; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, str], bool]:
    """Compares numbers with numbers, moments with moments, and anything else as text."""

    def compare(actual: Any, wanted: str) -> bool:
        if actual is None or isinstance(actual, bool):
            return False
        if isinstance(actual, int | float):
            number = _number(wanted)
            return number is not None and test(actual, number)
        left, right = moment(str(actual)), moment(wanted)
        return test(left, right) if left and right else test(str(actual), wanted)

    return compare


def _folded(test: Callable[[str, str], bool]) -> Callable[[Any, str], bool]:
    return lambda actual, wanted: _has_text(actual) and test(str(actual).lower(), wanted.lower())


def _plain(test: Callable[[str, str], bool]) -> Callable[[Any, str], bool]:
    return lambda actual, wanted: _has_text(actual) and test(str(actual), wanted)


def _has_text(actual: Any) -> bool:
    return isinstance(actual, str | int | float) and not isinstance(actual, bool)


_ORDERED = {
    "gt": _ordered(lambda left, right: left > right),
    "gte": _ordered(lambda left, right: left >= right),
    "lt": _ordered(lambda left, right: left < right),
    "lte": _ordered(lambda left, right: left <= right),
}


def _on_day(test: Callable[[Any, str], bool]) -> Callable[[Any, str], bool]:
    return lambda actual, wanted: actual is not None and test(str(actual)[:10], wanted[:10])


OPERATORS: Mapping[str, Callable[[Any, str], bool]] = {
    "exact": _exact,
    "iexact": _folded(lambda actual, wanted: actual == wanted),
    "contains": _plain(lambda actual, wanted: wanted in actual),
    "icontains": _folded(lambda actual, wanted: wanted in actual),
    "startswith": _plain(str.startswith),
    "istartswith": _folded(str.startswith),
    "endswith": _plain(str.endswith),
    "iendswith": _folded(str.endswith),
    "in": lambda actual, wanted: any(_exact(actual, part) for part in listed(wanted)),
    "isnull": lambda actual, wanted: (actual is None) == (wanted.lower() in ("true", "1")),
    **_ORDERED,
    "date": _on_day(_exact),
    **{f"date__{name}": _on_day(test) for name, test in _ORDERED.items()},
}
