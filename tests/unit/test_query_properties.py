"""Any query against a naive interpreter of the contract's rules, and hostile ones against nothing but QueryError."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from formrelay.query import QueryError, compile_query

ABSENT = object()


def reference(query: Any, record: Any) -> bool:
    """The rules of contract data §3, read one after the other on every call."""
    for key, operand in query.items():
        if key == "$and":
            holds = all(reference(clause, record) for clause in operand)
        elif key == "$or":
            holds = any(reference(clause, record) for clause in operand)
        else:
            if key.startswith("_validation_status."):
                value = (record.get("_validation_status") or {}).get(key.split(".")[1], ABSENT)
            else:
                value = record.get(key, ABSENT)
            if key == "_id" and isinstance(operand, str) and operand.isdigit():
                operand = int(operand)
            if isinstance(operand, dict):
                holds = reference_operators(operand, value)
            else:
                holds = reference_equal(operand, value)
        if not holds:
            return False
    return True


def reference_equal(operand: Any, value: Any) -> bool:
    if operand is None:
        return value is None or value is ABSENT or (isinstance(value, list) and None in value)
    candidates = [value, *value] if isinstance(value, list) else [value]
    # Booleans, numbers, text and lists are never equal to each other.
    return any(kind(candidate) == kind(operand) and candidate == operand for candidate in candidates)


def kind(value: Any) -> str:
    return "number" if type(value) in (int, float) else type(value).__name__


def reference_range(operator: str, operand: Any, value: Any) -> bool:
    candidates = value if isinstance(value, list) else [value]
    for candidate in candidates:
        if kind(candidate) == kind(operand):
            before, same = candidate < operand, candidate == operand
            if {"$gt": not before and not same, "$gte": not before, "$lt": before, "$lte": before or same}[
                operator
            ]:
                return True
    return False


def reference_operators(operators: dict[str, Any], value: Any) -> bool:
    options = operators.get("$options", "")
    return all(reference_operator(each, operand, value, options) for each, operand in operators.items())


def reference_operator(operator: str, operand: Any, value: Any, options: str) -> bool:
    match operator:
        case "$ne":
            return not reference_equal(operand, value)
        case "$in":
            return any(reference_equal(each, value) for each in operand)
        case "$nin":
            return not any(reference_equal(each, value) for each in operand)
        case "$all":
            return len(operand) > 0 and all(reference_equal(each, value) for each in operand)
        case "$exists":
            return (value is not ABSENT) == (operand not in (False, None, 0))
        case "$not":
            return not reference_operators(operand, value)
        case "$options":
            return True
        case "$gt" | "$gte" | "$lt" | "$lte":
            return reference_range(operator, operand, value)
    return reference_search(operator, operand, value, options)


def reference_search(operator: str, operand: Any, value: Any, options: str) -> bool:
    if operator == "$elemMatch":
        elements = value if isinstance(value, list) else []
        return any(isinstance(each, dict) and reference(operand, each) for each in elements)
    flags = re.IGNORECASE if "i" in options else re.NOFLAG
    candidates = value if isinstance(value, list) else [value]
    return any(isinstance(each, str) and re.search(operand, each, flags) is not None for each in candidates)


TEXTS = st.sampled_from(["", "1", "17", "9", "a", "A", "ab", "b", "é"])
SCALARS = st.one_of(TEXTS, st.sampled_from([0, 1, 17, 1.0, 1.5, True, False, None]))
COMPARABLE = st.one_of(TEXTS, st.sampled_from([0, 1, 17, 1.5]))
LISTS = st.lists(SCALARS, max_size=3)
NAMES = st.sampled_from(["q", "g/q", "r", "_id", "_submitted_by", "_geolocation", "_validation_status.uid"])


def _named(names: list[str], operands: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.sampled_from(names), operands).map(lambda pair: {pair[0]: pair[1]})


SIMPLE = st.one_of(
    _named(["$gt", "$gte", "$lt", "$lte"], COMPARABLE),
    _named(["$in", "$nin", "$all"], LISTS),
    _named(["$ne", "$exists"], SCALARS),
    st.tuples(st.sampled_from(["a", "^a", "b$", "^$", "[0-9]+", "(a|b)+"]), st.sampled_from(["", "i"])).map(
        lambda pair: {"$regex": pair[0], "$options": pair[1]}
    ),
)


def _operators(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    pair = st.tuples(inner, inner).map(lambda both: {**both[0], **both[1]})
    return st.one_of(inner.map(lambda operators: {"$not": operators}), pair)


# `$regex` of one half and `$options` of the other merge into an ordinary pair.
OPERATORS = st.recursive(SIMPLE, _operators, max_leaves=4)
FIELDS = st.dictionaries(NAMES, st.one_of(SCALARS, LISTS, OPERATORS), max_size=3)
ELEMENTS = st.dictionaries(st.sampled_from(["r/a", "r/b"]), st.one_of(SCALARS, OPERATORS), max_size=2)
REPEATS = ELEMENTS.map(lambda query: {"r": {"$elemMatch": query}})


def _logic(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    clauses = st.lists(inner, min_size=1, max_size=3)
    return st.tuples(st.sampled_from(["$and", "$or"]), clauses, FIELDS).map(
        lambda parts: {parts[0]: parts[1], **parts[2]}
    )


QUERIES = st.recursive(st.one_of(FIELDS, REPEATS), _logic, max_leaves=6)

INSTANCES = st.dictionaries(st.sampled_from(["r/a", "r/b"]), TEXTS, max_size=2)
RECORDS = st.fixed_dictionaries(
    {
        "_id": st.sampled_from([0, 1, 17]),
        "_submitted_by": st.one_of(TEXTS, st.none()),
        "_geolocation": st.lists(st.sampled_from([None, 0.0, 1.5, 17.0]), min_size=2, max_size=2),
        "_validation_status": st.one_of(st.just({}), TEXTS.map(lambda uid: {"uid": uid})),
    },
    optional={"q": TEXTS, "g/q": TEXTS, "r": st.lists(INSTANCES, min_size=1, max_size=3)},
)


@settings(max_examples=500, deadline=None)
@given(QUERIES, st.lists(RECORDS, min_size=1, max_size=4))
def test_any_query_matches_what_the_rules_say(query: Any, records: list[Any]) -> None:
    compiled = compile_query(query)
    for record in records:
        assert compiled.matches(record) is reference(query, record)


WORDS = st.sampled_from(
    [
        "$and",
        "$or",
        "$in",
        "$nin",
        "$not",
        "$exists",
        "$gt",
        "$regex",
        "$options",
        "$all",
        "$elemMatch",
        "$ne",
        "$where",
    ]
)
KEYS = st.one_of(WORDS, NAMES, st.text(max_size=3))
HOSTILE = st.recursive(
    st.one_of(
        SCALARS, st.integers(), st.just(10**400), st.floats(), st.text(max_size=20), st.binary(max_size=2)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=25,
)


@settings(max_examples=500, deadline=None)
@given(HOSTILE, RECORDS)
def test_whatever_comes_is_compiled_or_refused(value: Any, record: Any) -> None:
    try:
        compiled = compile_query(value)
    except QueryError:
        return
    assert compiled.matches(record) in (True, False)
