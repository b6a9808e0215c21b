"""Tests of one value, as the operators of the query language make them (contract data §3, "Query semantics").

Types never mix: text compares with text by code point, numbers with numbers. A test also holds for a list when
it holds for one of its elements, as in Mongo; ``MISSING`` passes only the tests that null passes.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any

from formrelay.query.allowance import spend
from formrelay.query.bounds import QueryError
from formrelay.query.paths import MISSING

Test = Callable[[Any], bool]

RANGES: dict[str, Callable[[Any, Any], bool]] = {"$gt": gt, "$gte": ge, "$lt": lt, "$lte": le}


def is_number(value: Any) -> bool:
    """Whether it is a number of JSON: Python counts booleans as integers, JSON doesn't."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def equals(operand: Any) -> Test:
    """The value is that one; null also stands for a missing one."""
    if isinstance(operand, str):
        return any_element(lambda value: bool(value == operand))
    if operand is None:
        return any_element(lambda value: value is None or value is MISSING)
    return any_element(lambda value: _same(value, operand))


def is_in(operands: list[Any]) -> Test:
    """The value is one of those."""
    texts = frozenset(value for value in operands if isinstance(value, str))
    numbers = frozenset(value for value in operands if is_number(value))
    booleans = frozenset(value for value in operands if isinstance(value, bool))
    has_null = None in operands

    def test(value: Any) -> bool:
        if isinstance(value, str):
            return value in texts
        if value is None or value is MISSING:
            return has_null
        if isinstance(value, bool):
            return value in booleans
        return isinstance(value, (int, float)) and value in numbers

    return any_element(test)


def has_all(operands: list[Any]) -> Test:
    """The value, or the list, has each of those; nothing has all of none."""
    tests = [equals(operand) for operand in operands]
    return lambda value: bool(tests) and all(test(value) for test in tests)


def in_range(operator: str, operand: Any) -> Test:
    """The value stands in that order to the operand: text to text, number to number. Raises QueryError."""
    compare = RANGES[operator]
    if isinstance(operand, str):
        return any_element(lambda value: isinstance(value, str) and compare(value, operand))
    if is_number(operand):
        return any_element(lambda value: is_number(value) and compare(value, operand))
    raise QueryError(f"{operator} compares with text or a number")


def exists(operand: Any) -> Test:
    """There is such a value, null included; the contrary for false, 0 and null (contract data §3)."""
    wanted = operand is not None and operand is not False and not (is_number(operand) and operand == 0)
    return lambda value: (value is not MISSING) is wanted


def negated(test: Test) -> Test:
    """The test fails, be it because the value is missing."""
    return lambda value: not test(value)


def any_element(test: Test) -> Test:
    """The test holds for the value or for an element of it."""

    def holds(value: Any) -> bool:
        if test(value):
            return True
        if type(value) is not list:
            return False
        spend(len(value))
        return any(map(test, value))

    return holds


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    return bool(left == right)
