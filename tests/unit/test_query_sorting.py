"""The order of rows (contract data §3, ``sort``)."""

from __future__ import annotations

import heapq
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formrelay.sorting import SortError, id_direction, sort_key

ROWS: list[dict[str, Any]] = [
    {"_id": 1, "q": "b", "n": 10, "_validation_status": {}},
    {"_id": 2, "q": "B", "n": 9, "_validation_status": {"uid": "validation_status_on_hold"}},
    {"_id": 3, "n": 9.5, "_validation_status": {"uid": "validation_status_approved"}},
    {"_id": 4, "q": None, "n": "1", "_validation_status": {}},
    {"_id": 5, "q": "é", "_validation_status": {}},
    {"_id": 6, "q": [{"q/a": "1"}], "_validation_status": {}},
]


def order(sort: Any) -> list[int]:
    backwards = ROWS[::-1]  # so that nothing is in order already
    return [row["_id"] for row in sorted(backwards, key=sort_key(sort))]


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"_id": 1}, [1, 2, 3, 4, 5, 6]),
        ({"_id": -1}, [6, 5, 4, 3, 2, 1]),
        ({"q": 1}, [3, 4, 2, 1, 5, 6]),
        ({"q": -1}, [6, 5, 1, 2, 3, 4]),
        ({"n": 1}, [5, 6, 2, 3, 1, 4]),
        ({"n": -1.0}, [4, 1, 3, 2, 5, 6]),
        ({"_validation_status.uid": 1}, [1, 4, 5, 6, 3, 2]),
        ({"_validation_status.uid": -1, "_id": -1}, [2, 3, 6, 5, 4, 1]),
        ({"_validation_status.uid": 1, "q": -1}, [6, 5, 1, 4, 3, 2]),
        ({"nowhere": -1}, [1, 2, 3, 4, 5, 6]),
    ],
)
def test_rows_stand_in_the_order_asked_for(sort: Any, ids: list[int]) -> None:
    assert order(sort) == ids


@pytest.mark.parametrize(
    "sort",
    [
        None,
        [],
        "_id",
        1,
        {"q": 0},
        {"q": 2},
        {"q": "1"},
        {"q": True},
        {"q": None},
        {"q": {"$meta": "textScore"}},
        {"$natural": 1},
        {5: 1},
        {f"q{number}": 1 for number in range(33)},
    ],
)
def test_what_is_no_sort_is_refused(sort: Any) -> None:
    with pytest.raises(SortError):
        sort_key(sort)
    with pytest.raises(SortError):
        id_direction(sort)


@pytest.mark.parametrize(
    ("sort", "direction"),
    [
        ({}, 1),
        ({"_id": 1}, 1),
        ({"_id": -1}, -1),
        ({"_id": -1, "q": 1}, -1),
        ({"q": 1}, None),
        ({"q": 1, "_id": 1}, None),
    ],
)
def test_an_order_by_id_is_known_as_such(sort: Any, direction: int | None) -> None:
    assert id_direction(sort) == direction


VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.integers(-2, 2), st.floats(-2, 2), st.sampled_from(["", "a", "B", "10", "9"]), st.just([])
)
SORTS = st.dictionaries(st.sampled_from(["_id", "q", "n"]), st.sampled_from([1, -1]))


@given(SORTS, st.lists(st.tuples(VALUES, VALUES), max_size=12), st.integers(0, 12))
def test_any_rows_have_one_order_that_a_heap_agrees_with(sort: Any, pairs: list[Any], few: int) -> None:
    rows = [{"_id": number, "q": q, "n": n} for number, (q, n) in enumerate(pairs)]
    key = sort_key(sort)
    ordered, backwards = sorted(rows, key=key), rows[::-1]
    assert ordered == sorted(backwards, key=key)
    assert heapq.nsmallest(few, rows, key=key) == ordered[:few]
