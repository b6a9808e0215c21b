"""What a filter of a hook may be, and what applying it may cost (docs/hooks.md, "Filters")."""

from __future__ import annotations

import json
from typing import Any

import pytest

from formrelay.hooks import filters
from formrelay.query import QueryError
from formrelay.query.texts import RefusedError

NORTH = {"loc/region": "north", "severity": {"$gt": "3"}}


def kept(value: Any) -> str:
    text = filters.kept(value)
    assert text is not None
    return text


@pytest.mark.parametrize("value", [NORTH, json.dumps(NORTH), json.dumps(NORTH, indent=2)])
def test_a_filter_may_come_as_an_object_or_as_its_text(value: Any) -> None:
    assert json.loads(kept(value)) == NORTH


@pytest.mark.parametrize("value", [None, "", {}, "{}", {"$and": [{}, {}]}])
def test_what_everything_meets_is_no_filter(value: Any) -> None:
    assert filters.kept(value) is None


def test_names_of_any_script_are_kept_as_they_are() -> None:
    assert kept({"مكان": "شمال"}) == '{"مكان":"شمال"}'


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("{", "Value must be valid JSON."),
        ('{"a": NaN}', "Value must be valid JSON."),
        ('{"a": "\\ud800"}', "Value must be valid JSON."),
        ('{"a": 1e999}', "Value must be valid JSON."),
        ("[" * 5_000, "Value must be valid JSON."),
        ([], "Unsupported query: a query is an object."),
        (7, "Unsupported query: a query is an object."),
        (False, "Unsupported query: a query is an object."),
        ({"$where": "1"}, "Unsupported query: unsupported operator $where."),
        ({"a": {"$regex": "("}}, "Unsupported query: not a regular expression."),
        ({"a": "x" * 2_000}, "The query has more than 2000 bytes."),
        ({"a": "é" * 1_000}, "The query has more than 2000 bytes."),
        ({f"q{number}": "1" for number in range(51)}, "Unsupported query: more than 50 conditions."),
        ({"a": {"$regex": "x{300}"}}, "Unsupported query: the regular expressions are too large together."),
        (
            {"a": {"$regex": "x{150}"}, "b": {"$regex": "y{150}"}},
            "Unsupported query: the regular expressions are too large together.",
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_none_or_costs_too_much_is_refused(value: Any, fault: str) -> None:
    with pytest.raises(RefusedError) as caught:
        filters.kept(value)
    assert str(caught.value) == fault


def test_a_filter_of_the_largest_size_is_taken() -> None:
    largest = {"a": "x" * (filters.MAX_BYTES - len('{"a":""}'))}
    assert filters.meets(kept(largest), largest)


@pytest.mark.parametrize(
    ("record", "meets"),
    [
        ({"loc/region": "north", "severity": "4"}, True),
        ({"loc/region": "north", "severity": "3"}, False),
        ({"loc/region": "south", "severity": "4"}, False),
        ({"severity": "4"}, False),
    ],
)
def test_a_record_meets_all_conditions_or_not(record: dict[str, Any], meets: bool) -> None:
    assert filters.meets(kept(NORTH), record) is meets


def test_a_filter_is_compiled_once() -> None:
    text = kept({"once": "yes"})
    before = filters._compiled.cache_info().misses
    for _ in range(3):
        assert filters.meets(text, {"once": "yes"})
    assert filters._compiled.cache_info().misses == before


# What applying one may cost


def test_a_long_text_is_looked_at_as_far_as_the_size_of_the_regular_expression_allows() -> None:
    text = kept({"a": {"$regex": "x{100}y"}})
    assert not filters.meets(text, {"a": "x" * 1_900})
    with pytest.raises(QueryError):
        filters.meets(text, {"a": "x" * 2_000})


def test_many_short_texts_cost_as_much_as_a_long_one() -> None:
    text = kept({"a": {"$elemMatch": {"b": {"$regex": "x{100}y"}}}})
    assert not filters.meets(text, {"a": [{"b": "x" * 10}] * 180})
    with pytest.raises(QueryError):
        filters.meets(text, {"a": [{"b": "x" * 10}] * 200})


def test_conditions_on_the_instances_of_a_repeat_are_counted() -> None:
    text = kept({"a": {"$elemMatch": {f"q{number}": "x" for number in range(40)}}})
    assert not filters.meets(text, {"a": [{"q0": "y"}] * 5_000})
    with pytest.raises(QueryError):
        filters.meets(text, {"a": [{"q0": "y"}] * 5_001})


def test_conditions_on_a_list_are_counted() -> None:
    text = kept({"$and": [{"a": {"$ne": str(number)}} for number in range(50)]})
    assert filters.meets(text, {"a": [{"b": "1"}] * 4_000})
    with pytest.raises(QueryError):
        filters.meets(text, {"a": [{"b": "1"}] * 4_001})


def test_each_application_has_an_allowance_of_its_own() -> None:
    text = kept({"a": {"$regex": "x{100}y"}})
    for _ in range(3):
        assert not filters.meets(text, {"a": "x" * 1_900})
