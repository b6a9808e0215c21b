"""Regular expressions: what ``re`` says, in linear time; the rest refused."""

from __future__ import annotations

import random
import re
import time
import tracemalloc

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from formrelay.query import QueryError
from formrelay.query.regex import MAX_WORK, Regex


@pytest.mark.parametrize(
    ("pattern", "options", "text", "expected"),
    [
        ("", "", "", True),
        ("na", "", "Ana", True),
        ("^An", "", "Ana", True),
        ("^na", "", "Ana", False),
        ("^yes$", "i", "YES", True),
        ("^yes$", "", "yes, but", False),
        ("^yes$", "", "yes\n", True),
        (r"^yes\Z", "", "yes\n", False),
        ("^b$", "", "a\nb\nc", False),
        ("^b$", "m", "a\nb\nc", True),
        ("a.c", "", "a\nc", False),
        ("a.c", "s", "a\nc", True),
        ("a  b # a comment", "x", "ab", True),
        ("ÖRN", "i", "Björn", True),
        (r"\bred\b", "", "blue red", True),
        (r"\bred\b", "", "colored", False),
        (r"\Bred\B", "", "predator", True),
        (r"^\d{3}-\d{2,4}$", "", "123-4567", True),
        (r"^\d{3}-\d{2,4}$", "", "123-45678", False),
        ("^(?:yes|no|)$", "", "", True),
        ("^(a|ab)(c|bcd)$", "", "abcd", True),
        ("[^a-c]", "", "abc", False),
        (r"[\W_]", "", "a_b", True),
        ("(?i)ANA", "", "ana", True),
        ("a(?i:B)c", "", "abc", True),
        ("a(?i:B)c", "", "abC", False),
        ("a(?-i:B)c", "i", "Abc", False),
        ("a{0}b", "", "b", True),
        ("^(?:ab){2,}$", "", "ababab", True),
        ("^(?:ab){2,}$", "", "ab", False),
        ("^(a*)*$", "", "aaa", True),
        ("^(|a)+b", "", "aab", True),
        ("😀+$", "", "ok 😀😀", True),
    ],
)
def test_a_pattern_finds_what_re_finds(pattern: str, options: str, text: str, expected: bool) -> None:
    flags = re.RegexFlag(0)
    for option in options:
        flags |= re.RegexFlag[option.upper()]
    assert (re.search(pattern, text, flags) is not None) is expected
    assert Regex(pattern, options).search(text) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "a)",
        "[",
        "*",
        "a**",
        "a{2}{3}",
        "(?P<n>a)(?P<n>b)",
        "(?<name>a)",
        r"\p{L}",
        r"\h",
        "[[:alpha:]]",
        "(?=a)",
        "(?!a)",
        "(?<=a)b",
        r"(a)\1",
        "(a)(?(1)b|c)",
        "(?>a)",
        "a*+",
        "(?L)a",
        "a{99999999999}",
        "a" * 1_001,
        "a{1001}",
        "(?:a{40}){40}",
        "(){1000000000}",
        "(?:(?:){60000}){60000}",
        "(" * 51 + "a" + ")" * 51,
        "(" * 500 + ")" * 500,
        "(?:" * 300 + "a" + ")*" * 300,
    ],
)
def test_what_is_no_regular_expression_or_not_supported_is_refused(pattern: str) -> None:
    with pytest.raises(QueryError):
        Regex(pattern)


@pytest.mark.parametrize("options", ["g", "I", "ii!", "im,s"])
def test_an_unknown_option_is_refused(options: str) -> None:
    with pytest.raises(QueryError):
        Regex("a", options)


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", "^(a|a)*$", "(a*)*b$", "^(a?){50}a{50}$", "(.*a){20}b", "^(a|aa)+$"],
)
def test_a_pattern_that_makes_backtracking_explode_takes_linear_time(pattern: str) -> None:
    regex = Regex(pattern)
    started = time.process_time()
    assert not regex.search("a" * 20_000 + "!")
    assert time.process_time() - started < 5  # backtracking would take years


def test_more_text_than_the_work_allowed_for_is_refused_and_not_searched_in_part() -> None:
    regex = Regex("a" * 999)
    longest = MAX_WORK // regex.size
    assert not regex.search("b" * longest)
    with pytest.raises(QueryError):
        regex.search("b" * (longest + 1))


def test_what_is_remembered_of_a_search_is_bounded_and_its_loss_changes_nothing() -> None:
    draw = random.Random(7)
    text = "".join(draw.choice("ab") for _ in range(1_500))
    regex = Regex(
        "^(?:a|b)*a[ab]{300}x"
    )  # nearly every character leads to a set of 150 states not seen before
    tracemalloc.start()
    try:
        assert not regex.search(text)
        assert regex.search(text + "a" + "b" * 300 + "x")
        assert tracemalloc.get_traced_memory()[1] < 6_000_000
    finally:
        tracemalloc.stop()
    assert not regex.search(text)


ATOMS = st.sampled_from(
    ["a", "b", "A", ".", "[ab]", "[^a]", r"\w", r"\d", r"\s", "^", "$", r"\b", r"\B", r"\Z", "é"]
)
REPEATS = st.sampled_from(["", "", "*", "+", "?", "*?", "{2}", "{1,3}", "{0,1}", "{2,}"])


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, REPEATS).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        st.tuples(st.sampled_from(["i", "m", "s"]), inner).map(lambda pair: f"(?{pair[0]}:{pair[1]})"),
    )


PATTERNS = st.recursive(ATOMS, _larger, max_leaves=8)
TEXTS = st.text(st.sampled_from("abAB1é \n"), max_size=9)


@settings(max_examples=600, deadline=None)
@given(PATTERNS, st.sampled_from(["", "i", "m", "s", "ims"]), st.lists(TEXTS, min_size=1, max_size=5))
def test_any_pattern_finds_what_re_finds(pattern: str, options: str, texts: list[str]) -> None:
    flags = re.RegexFlag(0)
    for option in options:
        flags |= re.RegexFlag[option.upper()]
    reference = re.compile(pattern, flags)
    regex = Regex(pattern, options)
    for text in texts:
        assert regex.search(text) is (reference.search(text) is not None)


@settings(max_examples=600, deadline=None)
@given(st.text(st.sampled_from(r"ab01.*+?{},()[]|^$\-:=!<>PimsxdwnbuU#&~ "), max_size=30), TEXTS)
def test_any_text_is_a_pattern_or_refused(pattern: str, text: str) -> None:
    try:
        regex = Regex(pattern, "i")
    except QueryError:
        assume(False)
    assert regex.search(text) in (True, False)
