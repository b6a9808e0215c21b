"""What a row of a list says of a query without the rest of its record; traces of texts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formrelay.search import compile_search
from formrelay.search.decisions import Row, decided
from formrelay.search.traces import may_hold, trace

PLAIN: dict[str, Any] = {
    "name": "Flood Survey",
    "asset_type": "survey",
    "owner": {"username": "ann"},
    "parent": None,
}
MORE: dict[str, Any] = {
    "settings": {
        "description": "after the Storm", "sector": {"value": "Health", "label": "Gesundheit"},
        "country_codes": ["CAN", "FRA"], "n": 5, "big": 1e30, "share": False,
    },
    "summary": {"languages": ["English (en)", None], "row_count": 4},
    "tags": [{"name": "flood"}, {"name": "round-3"}],
}  # fmt: skip
TEXTS = ("after the Storm", "Health", "Gesundheit", "CAN", "FRA", "English (en)", "flood", "round-3")
TRACED = (("settings",), ("tags",), ("summary", "languages"))
WORDS = ("Flood Survey", "ann")
RECORD = {**PLAIN, **MORE, "words": [*WORDS, *TEXTS]}


def answers(query: str, found: bytes | None = None) -> tuple[bool | None, bool]:
    """What the row says, and what is so."""
    search = compile_search(query, roots=tuple(RECORD), words=("words",))
    row = Row(PLAIN, WORDS, found or trace(TEXTS, 100), TRACED)
    return decided(search, row), search.matches(RECORD)


@pytest.mark.parametrize(
    "query",
    [
        "flood", "SURVEY ann", "asset_type:survey", "name__icontains:FLOOD", "owner__username:ann",
        "NOT asset_type:block", "asset_type:block OR name__icontains:survey", "parent:null",
        "asset_type:survey OR storm", "NOT tags__name:earthquake", "NOT earthquake",
    ],
)  # fmt: skip
def test_a_row_says_yes(query: str) -> None:
    assert answers(query) == (True, True)


@pytest.mark.parametrize(
    "query",
    [
        "earthquake", "asset_type:block", "NOT asset_type:survey", "name:flood", "tags__name:earthquake",
        "settings__description__icontains:earthquake", "summary__languages:Klingon", "name:x AND storm", "((",
    ],
)  # fmt: skip
def test_a_row_says_no(query: str) -> None:
    assert answers(query) == (False, False)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("storm", True), ("STORM", True), ("tags__name:flood AND tags__name:round-3", True),
        ("settings__sector__value:Health", True), ("settings__sector__icontains:health", False),
        ("settings__sector__icontains:value", False), ("settings__country_codes[]__icontains:can", True),
        ("settings__n:5", True), ("settings__n__gt:6", False), ("settings__big__contains:e+3", True),
        ("settings__share:false", True), ("settings__share__icontains:als", False), ("settings__nothing:null", True),
        ("summary__row_count:4", True), ("summary__row_count__icontains:many", False),
        ("NOT settings__description__icontains:storm", False), ("NOT tags__name:flood", False),
    ],
)  # fmt: skip
def test_what_a_row_cannot_say_the_record_does(query: str, found: bool) -> None:
    said, so = answers(query)
    assert so is found
    assert said in (None, found)


def test_without_a_trace_the_record_decides() -> None:
    search = compile_search("earthquake", roots=(), words=())
    assert decided(search, Row(PLAIN, WORDS, None, TRACED)) is None


@given(st.lists(st.text(max_size=30), max_size=5), st.integers(0, 40))
def test_a_trace_never_denies_what_is_there(texts: list[str], room: int) -> None:
    found = trace(texts, room)
    assert found is None or len(found) <= room
    for text in texts:
        assert all(may_hold(found, text[i:j]) for i in range(len(text)) for j in range(i, len(text) + 1))


def test_a_trace_denies_most_of_what_is_not_there() -> None:
    texts = [f"What is the name of household member {i}, and how old is he or she?" for i in range(5)]
    found = trace(texts, 100)
    words = [f"{a}{b}quake{b}{a}" for a in "bcdfgh" for b in "jklmnp"]
    assert sum(may_hold(found, word) for word in words) <= 2


def test_very_many_terms_are_refused() -> None:
    from formrelay.search import SearchError

    with pytest.raises(SearchError, match="Your query is too long"):
        compile_search(" ".join(["flood"] * 101), roots=())
