from __future__ import annotations

import pytest

from formrelay.hooks.subset import matcher


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ("region", "region"),
        ("region", "loc/region"),
        ("loc", "loc/region"),
        ("member", "hh/member/contact/phone"),
        ("loc/region", "loc/region"),
        ("hh/member", "hh/member/name"),
        ("hh/member/", "hh/member/name"),
        ("/hh/member", "hh/member"),
        ("meta", "orx:meta/orx:instanceID"),
        ("orx:meta/instanceID", "meta/instanceID"),
    ],
)
def test_an_entry_selects_its_path_what_is_below_it_and_segments_of_its_name(entry: str, path: str) -> None:
    assert matcher([entry])(path) == 0


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ("member", "members"),
        ("member", "hh/member_count"),
        ("subgroup1", "group2/subgroup11/q1"),
        ("uuid", "_uuid"),
        ("s.ze", "hh/size"),
        (".*", "hh/size"),
        ("hh/mem", "hh/member"),
        ("contact/phone", "hh/contact/phone"),
        ("hh/member/name", "hh/member"),
        ("", "region"),
        ("/", "region"),
        ("(", "region"),
    ],
)
def test_an_entry_is_literal_and_whole(entry: str, path: str) -> None:
    assert matcher([entry])(path) is None


def test_the_first_entry_that_selects_counts() -> None:
    rank = matcher(["age", "hh/size", "hh", "hh"])
    assert [rank(path) for path in ("hh/age", "hh/size", "hh/other", "else")] == [0, 1, 2, None]
