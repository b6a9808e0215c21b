"""User names (contract accounts §4, §7)."""

from __future__ import annotations

import pytest

from formrelay.usernames import RESERVED, is_username


@pytest.mark.parametrize("name", ["an", "ann", "a1", "a_b", "z" * 30])
def test_names_of_the_rule_are_names(name: str) -> None:
    assert is_username(name)


@pytest.mark.parametrize(
    "name",
    ["", "a", "1a", "_a", "Ann", "a-b", "a b", "ä1", "a" * 31, "ann\n", "AnonymousUser", *sorted(RESERVED)],
)
def test_others_are_none(name: str) -> None:
    assert not is_username(name)


def test_first_segments_of_paths_are_reserved() -> None:
    assert {"api", "token", "me", "media", "assets", "forms", "submission"} <= RESERVED
