"""What a query says about ``_id`` and ``_submission_time``, so that the store need not read the rest (design §7).

Only conditions that every match must meet count: those at the top and under ``$and``. Bounds are inclusive and
never too narrow; ``None`` is open, a low bound above the high one means that nothing matches.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import Any

from formrelay import clock
from formrelay.ids import MAX_SUBMISSION_ID
from formrelay.query.values import is_number

Bounds = tuple[int | None, int | None]

OPEN: Bounds = (None, None)
NOTHING: Bounds = (1, 0)

_INTEGER = re.compile(r"-?[0-9]{1,18}")
# Seconds from 1970 to the end of 9999: what a submission time shows as grows with it, as text too.
_SECONDS = range(253_402_300_800)


def cast_id(operand: Any) -> Any:
    """``_id`` compared with a text of digits is compared with the number (contract data §3)."""
    return int(operand) if isinstance(operand, str) and _INTEGER.fullmatch(operand) else operand


def id_range(query: dict[str, Any]) -> Bounds:
    """Bounds on ``_id``, within those of submission ids, that a valid query implies."""
    low, high = _bounds(query, "_id", _id_bounds)
    if (low is not None and low > MAX_SUBMISSION_ID) or (high is not None and high < 0):
        return NOTHING
    return (
        None if low is None or low <= 0 else low,
        None if high is None or high >= MAX_SUBMISSION_ID else high,
    )


def time_range(query: dict[str, Any]) -> Bounds:
    """Bounds on the submission's time, in milliseconds since 1970, that a valid query implies."""
    low, high = _bounds(query, "_submission_time", _time_bounds)
    return NOTHING if low is not None and low >= len(_SECONDS) * 1000 else (low, high)


def _bounds(query: dict[str, Any], name: str, of_condition: Callable[[str, Any], Bounds]) -> Bounds:
    found = OPEN
    for path, operand in _conjuncts(query):
        if path != name:
            continue
        if isinstance(operand, dict) and operand:
            for operator, inner in operand.items():
                found = _both(found, of_condition(operator, inner))
        else:
            found = _both(found, of_condition("", operand))
    return found


def _conjuncts(query: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, operand in query.items():
        if key == "$and":
            for clause in operand:
                yield from _conjuncts(clause)
        elif key != "$or":
            yield key, operand


def _both(one: Bounds, other: Bounds) -> Bounds:
    lows = [low for low, _ in (one, other) if low is not None]
    highs = [high for _, high in (one, other) if high is not None]
    return max(lows, default=None), min(highs, default=None)


def _id_bounds(operator: str, operand: Any) -> Bounds:
    if operator == "":
        return _around([cast_id(operand)])
    if operator == "$in":
        return _around(operand)
    if operator not in ("$gt", "$gte", "$lt", "$lte"):
        return OPEN
    if not is_number(operand) or operand != operand:  # NaN
        return NOTHING
    if operand in (math.inf, -math.inf):
        return OPEN if (operand < 0) is operator.startswith("$g") else NOTHING
    return {
        "$gt": (math.floor(operand) + 1, None),
        "$gte": (math.ceil(operand), None),
        "$lt": (None, math.ceil(operand) - 1),
        "$lte": (None, math.floor(operand)),
    }[operator]


def _around(operands: list[Any]) -> Bounds:
    ids = [int(value) for value in operands if is_number(value) and value % 1 == 0]
    return (min(ids), max(ids)) if ids else NOTHING


def _time_bounds(operator: str, operand: Any) -> Bounds:
    if operator == "$in":
        texts = [value for value in operand if isinstance(value, str)]
        return (_from(min(texts)), _until(max(texts))) if texts else NOTHING
    if operator not in ("", "$gt", "$gte", "$lt", "$lte"):
        return OPEN
    if not isinstance(operand, str):
        return NOTHING
    low = None if operator in ("$lt", "$lte") else _from(operand)
    high = None if operator in ("$gt", "$gte") else _until(operand)
    return low, high


def _from(text: str) -> int | None:
    """The first moment that shows as that text or a later one; None if it lies before 1970."""
    return bisect_left(_SECONDS, text, key=_shown) * 1000 or None


def _until(text: str) -> int:
    """The last moment that shows as that text or an earlier one."""
    return bisect_right(_SECONDS, text, key=_shown) * 1000 - 1


def _shown(seconds: int) -> str:
    return clock.iso_naive(seconds * 1000)
