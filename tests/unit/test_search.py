"""The search language of lists: what finds what, and what is refused (contract accounts §6.6)."""

from __future__ import annotations

from typing import Any

import pytest

from formrelay.search import SearchError, compile_search

ROOTS = ("action", "date_created", "metadata", "name", "n", "on", "gone", "tags")
RECORD: dict[str, Any] = {
    "action": "deploy",
    "name": "Flood survey",
    "date_created": "2026-03-01T09:30:00Z",
    "n": 7,
    "on": True,
    "gone": None,
    "tags": ["red", "blue"],
    "metadata": {"ip_address": "127.0.0.1", "hook": {"uid": "hX"}, "name": {"old": "HH"}},
}


def found(query: str) -> bool:
    return compile_search(query, roots=ROOTS, words=("name", "metadata__hook__uid")).matches(RECORD)


@pytest.mark.parametrize(
    "query",
    [
        "action:deploy",
        'action:"deploy"',
        "action:'deploy'",
        "action__iexact:DEPLOY",
        "action__in:archive,deploy",
        "action__startswith:dep",
        "action__endswith:loy",
        "name__contains:Flood",
        "name__icontains:FLOOD",
        'name:"Flood survey"',
        "flood",
        "FLOOD",
        "flood survey",
        "flood action:deploy",
        "action:archive OR action:deploy",
        "NOT action:archive",
        "NOT (action:archive OR action:redeploy)",
        "action:deploy AND NOT name:foo",
        "action:x AND action:y OR action:deploy",
        "action:deploy OR action:x AND action:y",
        "(action:deploy)",
        "n:7",
        "n:7.0",
        "n__gte:7",
        "n__gt:6.5",
        "n__lte:7",
        "on:true",
        "on:True",
        "gone:null",
        "gone__isnull:true",
        "missing_is_null:null OR action:deploy".replace("missing_is_null", "metadata__nothing"),
        "tags:red AND tags:blue",
        "tags[]:red",
        'metadata__ip_address:"127.0.0.1"',
        "metadata__hook__uid:hX",
        "metadata__name__old:HH",
        'date_created__gte:"2026-01-01"',
        'date_created__gte:"2026-03-01T10:30:00+01:00"',
        'date_created__lt:"2026-03-02"',
        'date_created__date:"2026-03-01"',
        "date_created__date__gte:2026-03-01",
        "date_created__date__lte:2026-03-01",
    ],
)
def test_found(query: str) -> None:
    assert found(query)


@pytest.mark.parametrize(
    "query",
    [
        "action:Deploy",
        "action:archive",
        "name:Flood",
        "name__contains:flood",
        "NOT action:deploy",
        "action:deploy AND name:foo",
        "action:deploy name:foo",
        "earthquake",
        "n:8",
        "n:x",
        "n__gt:7",
        "n__gt:x",
        "on:false",
        "gone:x",
        "gone__gte:1",
        "gone__icontains:x",
        "name:null",
        "metadata__hook__nothing__deep:x",
        "metadata__ip_address__deeper:x",
        "date_created__lt:2026-03-01",
        "date_created__date__gt:2026-03-01",
        # What does not parse finds nothing.
        "((",
        "action:deploy)",
        "(action:deploy",
        "action:",
        "action:deploy AND",
        "OR action:deploy",
        "AND",
        "",
        '"action',
        "date_created:2026-03-01T09:30:00Z",
        "(" * 400 + "flood" + ")" * 400,
        "NOT " * 400 + "flood",
    ],
)
def test_not_found(query: str) -> None:
    assert not found(query)


@pytest.mark.parametrize("query", ["owner__password:x", "user_uid:x", "flood OR secret:x", "n__date__in:1"])
def test_other_fields_are_refused(query: str) -> None:
    with pytest.raises(SearchError, match="Not supported field lookup"):
        found(query)


@pytest.mark.parametrize("query", ["ab", "ab OR x", "NOT ab"])
def test_words_too_short_are_refused(query: str) -> None:
    with pytest.raises(SearchError, match="Your query is too short"):
        found(query)


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("action:a", {"a"}),
        ("action:a OR action:b", {"a", "b"}),
        ("action__in:a,b", {"a", "b"}),
        ("action:a AND name:x", {"a"}),
        ("action:a AND action:b", set()),
        ("action:a OR name:x", None),
        ("NOT action:a", None),
        ("action__icontains:a", None),
        ("((", set()),
    ],
)
def test_a_query_tells_which_values_its_matches_can_have(query: str, values: set[str] | None) -> None:
    assert compile_search(query, roots=ROOTS).only("action") == values


def test_a_query_tells_what_all_its_matches_meet() -> None:
    search = compile_search(
        "date_created__gte:2026 AND (n:1 AND date_created__lt:2027) AND (date_created:x OR n:2)", roots=ROOTS
    )
    conditions = search.conditions("date_created")
    assert [(term.operator, term.value) for term in conditions] == [("gte", "2026"), ("lt", "2027")]
