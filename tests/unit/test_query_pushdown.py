"""The bounds on `_id` and on time that a query implies."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formrelay import clock
from formrelay.ids import MAX_SUBMISSION_ID
from formrelay.query import compile_query

NOTHING = (1, 0)
AUGUST_2 = 1_785_628_800_000  # 2026-08-02T00:00:00Z


@pytest.mark.parametrize(
    ("query", "bounds"),
    [
        ({}, (None, None)),
        ({"q": "17"}, (None, None)),
        ({"_id": 17}, (17, 17)),
        ({"_id": "17"}, (17, 17)),
        ({"_id": 17.0}, (17, 17)),
        ({"_id": 17.5}, NOTHING),
        ({"_id": "x"}, NOTHING),
        ({"_id": None}, NOTHING),
        ({"_id": True}, NOTHING),
        ({"_id": {"$gt": 17}}, (18, None)),
        ({"_id": {"$gt": 17.5}}, (18, None)),
        ({"_id": {"$gte": 17.5}}, (18, None)),
        ({"_id": {"$lt": 17}}, (None, 16)),
        ({"_id": {"$lt": 17.5}}, (None, 17)),
        ({"_id": {"$lte": 17}}, (None, 17)),
        ({"_id": {"$gt": 3, "$lte": 17}}, (4, 17)),
        ({"_id": {"$gt": "17"}}, NOTHING),
        ({"_id": {"$lt": math.inf}}, (None, None)),
        ({"_id": {"$gt": math.inf}}, NOTHING),
        ({"_id": {"$gt": math.nan}}, NOTHING),
        ({"_id": {"$gt": 10**400}}, NOTHING),
        ({"_id": {"$gte": -5, "$lte": 10**20}}, (None, None)),
        ({"_id": {"$lt": 0}}, NOTHING),
        ({"_id": MAX_SUBMISSION_ID}, (MAX_SUBMISSION_ID, None)),
        ({"_id": {"$in": [23, 17, "5"]}}, (17, 23)),
        ({"_id": {"$in": ["17"]}}, NOTHING),
        ({"_id": {"$in": []}}, NOTHING),
        ({"_id": {"$nin": [17]}}, (None, None)),
        ({"_id": {"$not": {"$gt": 17}}}, (None, None)),
        ({"$and": [{"_id": {"$gt": 17}}, {"$and": [{"_id": {"$lt": 30}}, {"q": "a"}]}]}, (18, 29)),
        ({"$or": [{"_id": 17}, {"q": "a"}]}, (None, None)),
        ({"_id": {"$lt": 30}, "$or": [{"_id": 17}, {"_id": 40}]}, (None, 29)),
        ({"r": {"$elemMatch": {"_id": 17}}}, (None, None)),
    ],
)
def test_bounds_on_the_id_follow_from_what_every_match_must_meet(query: Any, bounds: Any) -> None:
    assert compile_query(query).id_range == bounds


def test_bounds_that_contradict_each_other_leave_nothing() -> None:
    low, high = compile_query({"$and": [{"_id": 17}, {"_id": 18}]}).id_range
    assert low is not None and high is not None and low > high


@pytest.mark.parametrize(
    ("query", "bounds"),
    [
        ({"q": "2026"}, (None, None)),
        ({"_submission_time": {"$gte": "2026-08-02T00:00:00"}}, (AUGUST_2, None)),
        ({"_submission_time": {"$gte": "2026-08-02"}}, (AUGUST_2, None)),
        ({"_submission_time": {"$gt": "2026-08-01T23:59:59.000Z"}}, (AUGUST_2, None)),
        ({"_submission_time": {"$lt": "2026-08-02"}}, (None, AUGUST_2 - 1)),
        ({"_submission_time": {"$lte": "2026-08-01T23:59:59"}}, (None, AUGUST_2 - 1)),
        ({"_submission_time": "2026-08-02T00:00:00"}, (AUGUST_2, AUGUST_2 + 999)),
        (
            {"_submission_time": {"$in": ["2026-08-02T00:00:00", "2026-08-02T00:00:09"]}},
            (AUGUST_2, AUGUST_2 + 9_999),
        ),
        ({"_submission_time": {"$in": [None, 5]}}, NOTHING),
        ({"_submission_time": {"$gt": 5}}, NOTHING),
        ({"_submission_time": None}, NOTHING),
        ({"_submission_time": {"$gt": "when?"}}, NOTHING),
        ({"_submission_time": {"$gt": ""}}, (None, None)),
        ({"_submission_time": {"$lt": "1950"}}, (None, -1)),
        ({"_submission_time": {"$regex": "^2026"}}, (None, None)),
        ({"_submission_time": {"$ne": "2026-08-02T00:00:00"}}, (None, None)),
        (
            {
                "$and": [
                    {"_submission_time": {"$gte": "2026-08-02"}},
                    {"_submission_time": {"$lt": "2026-08-03"}},
                ]
            },
            (AUGUST_2, AUGUST_2 + 86_400_000 - 1),
        ),
    ],
)
def test_bounds_on_time_follow_from_its_text(query: Any, bounds: Any) -> None:
    assert compile_query(query).time_range == bounds


MOMENTS = st.integers(0, 4_102_444_800_000)
OPERATORS = st.sampled_from(["$gt", "$gte", "$lt", "$lte"])


@given(MOMENTS, MOMENTS, st.integers(0, 19), OPERATORS)
def test_no_match_lies_outside_the_bounds_on_time(
    moment: int, other: int, length: int, operator: str
) -> None:
    query = compile_query({"_submission_time": {operator: clock.iso_naive(other)[:length]}})
    low, high = query.time_range
    inside = (low is None or moment >= low) and (high is None or moment <= high)
    if query.matches({"_submission_time": clock.iso_naive(moment)}):
        assert inside
    elif moment // 1000 != other // 1000:
        assert not inside


NUMBERS = st.one_of(st.integers(-3, 30), st.floats(-3, 30), st.sampled_from([math.inf, -math.inf, math.nan]))
ID_OPERANDS = st.one_of(
    NUMBERS,
    st.integers(-3, 30).map(str),
    st.dictionaries(OPERATORS, NUMBERS, min_size=1),
    st.lists(NUMBERS, max_size=3).map(lambda values: {"$in": values}),
)


@given(st.lists(ID_OPERANDS, min_size=1, max_size=3), st.integers(0, 30))
def test_no_match_lies_outside_the_bounds_on_the_id(operands: list[Any], sid: int) -> None:
    query = compile_query({"$and": [{"_id": operand} for operand in operands]})
    low, high = query.id_range
    if query.matches({"_id": sid}):
        assert (low is None or low <= sid) and (high is None or sid <= high)
