"""The rules and the real callers' queries of contract data §3, permissions §3 and exports, on its records A and B."""

from __future__ import annotations

from typing import Any

import pytest

from formrelay.query import QueryError, compile_query

A: dict[str, Any] = {
    "_id": 16,
    "formhub/uuid": "5f1c2d3e4b5a69788796a5b4c3d2e1f0",
    "name": "Ana & co",
    "age": "34",
    "colours": "red blue",
    "__version__": "vK9dP2mXwQz7RtYhLb3CfJs",
    "_uuid": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "meta/rootUuid": "uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "_attachments": [],
    "_status": "submitted_via_web",
    "_geolocation": [None, None],
    "_submission_time": "2026-08-02T08:10:05",
    "_validation_status": {},
    "_submitted_by": None,
}
B: dict[str, Any] = {
    "_id": 17,
    "consent": "yes",
    "loc/region": "north",
    "hh/size": "2",
    "hh/member": [
        {
            "hh/member/name": "Ana",
            "hh/member/age": "34",
            "hh/member/dose": [{"hh/member/dose/date": "2026-01-01"}, {"hh/member/dose/date": "2026-02-01"}],
        },
        {"hh/member/name": "Björn"},
    ],
    "__version__": "vK9dP2mXwQz7RtYhLb3CfJs",
    "_uuid": "0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11",
    "meta/rootUuid": "uuid:0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11",
    "_attachments": [{"mimetype": "image/jpeg", "is_deleted": False, "question_xpath": "photo"}],
    "_status": "submitted_via_web",
    "_geolocation": [-1.2627557, 36.7926442],
    "_submission_time": "2026-08-03T09:00:00",
    "_validation_status": {
        "timestamp": 1785658205,
        "uid": "validation_status_approved",
        "by_whom": "owner1",
        "label": "Approved",
    },
    "_submitted_by": "enum1",
}


def found(query: Any) -> list[int]:
    compiled = compile_query(query)
    return [record["_id"] for record in (A, B) if compiled.matches(record)]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, [16, 17]),
        # answers are strings, compared as such
        ({"age": "34"}, [16]),
        ({"age": 34}, []),
        ({"age": {"$gt": "9"}}, []),
        ({"age": {"$gt": "300"}}, [16]),
        ({"age": {"$gt": 3}}, []),
        # `_id`
        ({"_id": "17"}, [17]),
        ({"_id": 17}, [17]),
        ({"_id": {"$in": ["17"]}}, []),
        ({"_id": {"$in": [17]}}, [17]),
        ({"_id": {"$gt": 16}}, [17]),
        ({"_id": {"$gt": "16"}}, []),
        # time
        ({"_submission_time": {"$gt": "2019-09-01T01:02:03"}}, [16, 17]),
        ({"_submission_time": {"$gt": "2026-08-02"}}, [16, 17]),
        ({"_submission_time": {"$lt": "2026-08-03"}}, [16]),
        ({"_submission_time": {"$gte": "2026-08-02T08:10:05"}}, [16, 17]),
        ({"_submission_time": {"$gte": "2026-08-02T08:10:05.000Z"}}, [17]),
        # inside repeats
        ({"hh/member": {"$elemMatch": {"hh/member/name": {"$exists": True}}}}, [17]),
        ({"hh/member": {"$elemMatch": {"hh/member/name": "Ana", "hh/member/age": "34"}}}, [17]),
        ({"hh/member": {"$elemMatch": {"hh/member/name": "Björn", "hh/member/age": "34"}}}, []),
        (
            {
                "hh/member": {
                    "$elemMatch": {
                        "hh/member/dose": {"$elemMatch": {"hh/member/dose/date": {"$gt": "2026-01-15"}}}
                    }
                }
            },
            [17],
        ),
        ({"hh/member/name": "Ana"}, []),
        # null
        ({"_submitted_by": None}, [16]),
        ({"consent": None}, [16]),
        ({"_validation_status.uid": None}, [16]),
        # missing keys
        ({"consent": {"$ne": "no"}}, [16, 17]),
        ({"consent": {"$nin": ["yes"]}}, [16]),
        ({"consent": {"$gte": ""}}, [17]),
        ({"consent": {"$exists": False}}, [16]),
        # `$exists`
        ({"consent": {"$exists": "true"}}, [17]),
        ({"consent": {"$exists": "false"}}, [17]),
        ({"consent": {"$exists": 1}}, [17]),
        ({"consent": {"$exists": 0}}, [16]),
        ({"consent": {"$exists": None}}, [16]),
        ({"_validation_status.uid": {"$exists": "true"}}, [17]),
        ({"_validation_status.uid": {"$exists": False}}, [16]),
        ({"_submitted_by": {"$exists": True}}, [16, 17]),
        # regular expressions
        ({"name": {"$regex": "^an", "$options": "i"}}, [16]),
        ({"name": {"$regex": "^an"}}, []),
        ({"name": {"$regex": "& c"}}, [16]),
        ({"consent": {"$not": {"$regex": "^y"}}}, [16]),
        # several keys
        ({"consent": "yes", "loc/region": "north"}, [17]),
        ({"consent": "yes", "loc/region": "south"}, []),
        ({"_id": {"$gte": 16, "$lt": 17}}, [16]),
    ],
)
def test_a_rule_of_the_table_holds(query: Any, ids: list[int]) -> None:
    assert found(query) == ids


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"__version__": "vK9dP2mXwQz7RtYhLb3CfJs"}, [16, 17]),
        ({"_uuid": {"$in": ["7c9e6679-7425-40de-944b-e07fc1f90ae7"]}}, [16]),
        ({"_validation_status.uid": "validation_status_approved"}, [17]),
        ({"consent": {"$regex": "^yes$", "$options": "i"}}, [17]),
        (
            {
                "$or": [
                    {"meta/rootUuid": {"$in": ["uuid:0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11"]}},
                    {"_uuid": {"$in": ["0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11"]}},
                ]
            },
            [17],
        ),
        ({"_submitted_by": {"$in": ["enum1", "cleo"]}}, [17]),
        ({"_submitted_by": "enum1"}, [17]),
        ({"$or": [{"_submitted_by": "cleo"}, {"loc/region": "north", "consent": "yes"}]}, [17]),
        (
            {
                "$and": [
                    {"_submission_time": {"$gte": "2026-01-01"}},
                    {"_submission_time": {"$lte": "2026-08-02T23:59:59"}},
                ]
            },
            [16],
        ),
    ],
)
def test_a_query_of_a_real_caller_finds_its_rows(query: Any, ids: list[int]) -> None:
    assert found(query) == ids


@pytest.mark.parametrize(
    "operator", ["$nor", "$eq", "$size", "$type", "$where", "$mod", "$expr", "$ifNull", "$text"]
)
def test_an_unsupported_operator_is_refused_rather_than_matching_nothing(operator: str) -> None:
    for query in ({operator: [{"age": "34"}]}, {"age": {operator: "34"}}, {"age": {"$not": {operator: 1}}}):
        with pytest.raises(QueryError):
            compile_query(query)


def test_a_date_in_extended_json_is_refused() -> None:
    with pytest.raises(QueryError):
        compile_query({"_submission_time": {"$gt": {"$date": "2026-01-01T00:00:00Z"}}})


def test_a_row_sent_anonymously_never_matches_a_filter_on_users() -> None:
    assert 16 not in found({"_submitted_by": {"$in": ["", "None", "AnonymousUser"]}})
