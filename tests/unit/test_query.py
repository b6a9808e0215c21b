"""What each operator of the query language does, and which queries are refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

from formrelay.query import QueryError, compile_query

RECORD: dict[str, Any] = {
    "_id": 17,
    "q": "yes",
    "q1.1": "dotted",
    "n": "2",
    "r": [{"r/a": "1", "r/b": "x"}, {"r/a": "2"}],
    "_geolocation": [1.5, 36.0],
    "_attachments": [],
    "_validation_status": {"uid": "validation_status_approved", "timestamp": 1785658205},
    "_submitted_by": None,
}


def matches(query: Any) -> bool:
    return compile_query(query).matches(RECORD)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": {"$ne": "yes"}}, False),
        ({"q": {"$ne": None}}, True),
        ({"_submitted_by": {"$ne": None}}, False),
        ({"nowhere": {"$ne": None}}, False),
        ({"nowhere": {"$in": [None]}}, True),
        ({"nowhere": {"$nin": [None]}}, False),
        ({"q": {"$in": []}}, False),
        ({"q": {"$nin": []}}, True),
        ({"_id": {"$in": [True, "17"]}}, False),
        ({"_id": 17.0}, True),
        ({"_id": True}, False),
        ({"_id": {"$ne": "17"}}, True),
        ({"_id": " 17"}, False),
        ({"_id": "9" * 5000}, False),
        ({"_id": {"$gt": "1"}}, False),
        ({"q": {"$gt": "ye", "$lt": "yet"}}, True),
        ({"q": {"$not": {"$gt": "a", "$lt": "b"}}}, True),
        ({"nowhere": {"$not": {"$gt": "a"}}}, True),
        ({"q": {"$not": {"$not": {"$in": ["yes"]}}}}, True),
        ({"q": {"$all": ["yes"]}}, True),
        ({"q": {"$all": ["yes", "no"]}}, False),
        ({"q": {"$all": []}}, False),
        ({"_geolocation": {"$all": [36, 1.5]}}, True),
        ({"q1.1": "dotted"}, True),
        ({"q1": {"1": "dotted"}}, False),
        ({"_validation_status.timestamp": {"$gte": 1785658205}}, True),
        ({"_validation_status.uid.deeper": None}, True),
        ({"_validation_status": {}}, False),
        ({"_validation_status": {"timestamp": 1785658205, "uid": "validation_status_approved"}}, True),
        ({"_attachments": []}, True),
        ({"_attachments": {"$ne": []}}, False),
        ({"": None}, True),
        ({"$and": [{"q": "yes"}, {"n": "2"}]}, True),
        ({"$and": [{"q": "yes"}, {"n": "3"}]}, False),
        ({"$or": [{"q": "no"}, {"n": "2"}]}, True),
        ({"$or": [{"q": "no"}, {"n": "3"}]}, False),
    ],
)
def test_an_operator_does_what_it_says(query: Any, expected: bool) -> None:
    assert matches(query) is expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"_geolocation": {"$gt": 30}}, True),
        ({"_geolocation": {"$gt": 40}}, False),
        ({"_geolocation": 36}, True),
        ({"_geolocation": {"$ne": 36}}, False),
        ({"_geolocation": {"$elemMatch": {"$gt": 1, "$lt": 2}}}, True),
        ({"_geolocation": {"$elemMatch": {"$gt": 2, "$lt": 30}}}, False),
        ({"q": {"$elemMatch": {"$gt": "a"}}}, False),
        ({"r": {"$elemMatch": {}}}, True),
        ({"_geolocation": {"$elemMatch": {}}}, False),
        ({"r": {"$elemMatch": {"r/a": "1", "r/b": None}}}, False),
        ({"r": {"$elemMatch": {"r/a": "2", "r/b": None}}}, True),
        ({"r": {"$elemMatch": {"$or": [{"r/a": "3"}, {"r/b": "x"}]}}}, True),
        ({"r": {"$not": {"$elemMatch": {"r/a": "3"}}}}, True),
    ],
)
def test_a_list_matches_by_its_elements(query: Any, expected: bool) -> None:
    assert matches(query) is expected


@pytest.mark.parametrize(
    "query",
    [
        None,
        [],
        "text",
        17,
        [{"q": "yes"}],
        {"$and": []},
        {"$or": {}},
        {"$or": [{"q": "yes"}, "q"]},
        {"$not": {"q": "yes"}},
        {"q": {"$and": [{"q": "yes"}]}},
        {"q": {"$gt": None}},
        {"q": {"$gt": True}},
        {"q": {"$lt": ["a"]}},
        {"q": {"$in": "yes"}},
        {"q": {"$in": [["yes"]]}},
        {"q": {"$nin": {"a": 1}}},
        {"q": {"$all": "yes"}},
        {"q": {"$not": "yes"}},
        {"q": {"$not": {}}},
        {"q": {"$not": {"plain": 1}}},
        {"q": {"$elemMatch": ["a"]}},
        {"q": {"$elemMatch": "a"}},
        {"q": {"$regex": 5}},
        {"q": {"$regex": "a", "$options": 5}},
        {"q": {"$regex": "a", "$options": "g"}},
        {"q": {"$options": "i"}},
        {"q": {"$gt": "a", "plain": 1}},
        {"q": {"inner": {"$gt": 1}}},
        {"q": [{"$gt": 1}]},
        {"q": {1}},
        {1: "yes"},
        {"q": {1: "yes"}},
    ],
)
def test_what_is_no_query_is_refused(query: Any) -> None:
    with pytest.raises(QueryError):
        compile_query(query)


def test_a_number_that_is_none_equals_and_orders_nothing() -> None:
    assert not matches({"_id": math.nan})
    assert not matches({"_id": {"$gte": math.nan}})
    assert not matches({"_id": {"$in": [math.nan]}})


@pytest.mark.parametrize("operator", ["$in", "$all"])
def test_true_is_not_the_number_one(operator: str) -> None:
    for query in ({"x": True}, {"x": {operator: [True]}}):
        assert not compile_query(query).matches({"x": 1})
        assert compile_query(query).matches({"x": True})
    assert not compile_query({"x": 1}).matches({"x": True})
    assert not compile_query({"x": {"$gte": 1}}).matches({"x": True})


@pytest.mark.parametrize("query", [{}, {"$and": [{}, {"$or": [{}]}]}])
def test_a_query_without_conditions_is_empty_and_matches_all(query: Any) -> None:
    assert compile_query(query).is_empty
    assert matches(query)


def test_a_query_with_a_condition_is_not_empty() -> None:
    assert not compile_query({"q": None}).is_empty
    assert not compile_query({"r": {"$elemMatch": {}}}).is_empty


def nested(depth: int, step: Any, innermost: Any) -> Any:
    for _ in range(depth):
        innermost = step(innermost)
    return innermost


@pytest.mark.parametrize(
    "deep",
    [
        lambda depth: nested(depth, lambda inner: {"$and": [inner]}, {"q": "yes"}),
        lambda depth: nested(depth, lambda inner: {"r": {"$elemMatch": inner}}, {"q": "yes"}),
        lambda depth: {"q": nested(depth, lambda inner: {"$not": inner}, {"$gt": "a"})},
        lambda depth: {"q": nested(depth, lambda inner: [inner], "yes")},
        lambda depth: {"q": {"$ne": nested(depth, lambda inner: {"a": inner}, "yes")}},
    ],
)
@pytest.mark.parametrize("depth", [20, 2_000])
def test_a_query_nested_too_deeply_is_refused(deep: Any, depth: int) -> None:
    with pytest.raises(QueryError):
        compile_query(deep(depth))


def test_logic_may_be_nested_nine_times() -> None:
    assert matches(nested(9, lambda inner: {"$and": [inner]}, {"q": "yes"}))


def test_five_hundred_conditions_are_taken_and_no_more() -> None:
    assert not matches({"$or": [{"q": str(number)} for number in range(500)]})
    with pytest.raises(QueryError):
        compile_query({"$or": [{"q": str(number)} for number in range(501)]})
    with pytest.raises(QueryError):
        compile_query({f"q{number}": "1" for number in range(501)})


def test_clauses_without_conditions_are_bounded_too() -> None:
    with pytest.raises(QueryError):
        compile_query({"$or": [{} for _ in range(1_001)]})


def test_ten_thousand_values_are_taken_and_no_more() -> None:
    values = [str(number) for number in range(9_999)]
    assert matches({"q": {"$in": [*values, "yes"]}})
    for operator in ("$in", "$nin", "$all"):
        with pytest.raises(QueryError):
            compile_query({"q": {operator: [*values, "yes", "no"]}})
    with pytest.raises(QueryError):
        compile_query({"$or": [{"q": {"$in": values}} for _ in range(6)]})
    with pytest.raises(QueryError):
        compile_query({"q": [0] * 60_000})


def test_all_regular_expressions_of_a_query_together_are_bounded() -> None:
    patterns = [{"q": {"$regex": "a" * 900}} for _ in range(6)]
    assert not matches({"$or": patterns[:5]})
    with pytest.raises(QueryError):
        compile_query({"$or": patterns})


def test_a_record_without_what_the_server_adds_is_no_error() -> None:
    query = compile_query({"_validation_status.uid": None, "_submitted_by": None})
    assert query.matches({})
    assert query.matches({"_validation_status": "odd"})
