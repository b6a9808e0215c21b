"""What rights imply and exclude (contract permissions §1, §3)."""

from __future__ import annotations

from itertools import product

import pytest

from formrelay import rights
from formrelay.rights import (
    ADD,
    ALL,
    CHANGE,
    CHANGE_ASSET,
    DELETE,
    MANAGE_ASSET,
    PARTIAL,
    VALIDATE,
    VIEW,
    VIEW_ASSET,
    Grants,
)

BOB = {"_submitted_by": "bob"}
CLEO = {"_submitted_by": "cleo"}


@pytest.mark.parametrize(
    ("codename", "held"),
    [
        (VIEW_ASSET, {VIEW_ASSET}),
        (CHANGE_ASSET, {CHANGE_ASSET, VIEW_ASSET}),
        (ADD, {ADD, VIEW_ASSET}),
        (VIEW, {VIEW, VIEW_ASSET}),
        (CHANGE, {CHANGE, VIEW, ADD, VIEW_ASSET}),
        (DELETE, {DELETE, VIEW, VIEW_ASSET}),
        (VALIDATE, {VALIDATE, VIEW, VIEW_ASSET}),
        (MANAGE_ASSET, set(ALL) - {PARTIAL}),
    ],
)
def test_a_right_comes_with_what_it_implies(codename: str, held: set[str]) -> None:
    assert Grants().given(codename).codenames == held


@pytest.mark.parametrize(
    ("codename", "left"),
    [
        (VIEW_ASSET, set()),
        (VIEW, {ADD, CHANGE_ASSET, VIEW_ASSET}),
        (ADD, {VIEW, DELETE, VALIDATE, CHANGE_ASSET, VIEW_ASSET}),
        (MANAGE_ASSET, set(ALL) - {PARTIAL, MANAGE_ASSET}),
        (CHANGE_ASSET, set(ALL) - {PARTIAL, MANAGE_ASSET, CHANGE_ASSET}),
    ],
)
def test_a_right_takes_along_what_implies_it(codename: str, left: set[str]) -> None:
    assert Grants().given(MANAGE_ASSET).taken(codename).codenames == left


@pytest.mark.parametrize("whole", [VIEW, CHANGE, DELETE, VALIDATE, MANAGE_ASSET])
def test_rights_on_all_rows_and_on_some_exclude_each_other(whole: str) -> None:
    some = Grants().given(PARTIAL, {VIEW: [BOB]})
    assert PARTIAL not in some.given(whole).codenames
    assert some.given(whole).filters == {}
    assert whole not in Grants().given(whole).given(PARTIAL, {VIEW: [BOB]}).codenames


def test_rights_of_the_form_stand_beside_rights_on_some_rows() -> None:
    held = Grants().given(CHANGE_ASSET).given(PARTIAL, {VIEW: [BOB]}).given(ADD)
    assert held.codenames == {CHANGE_ASSET, PARTIAL, ADD, VIEW_ASSET}
    assert held.filters == {VIEW: [BOB]}


def test_row_level_rights_come_with_viewing_the_same_rows() -> None:
    given = {VIEW: [BOB, CLEO, BOB], DELETE: [BOB], VALIDATE: [CLEO]}
    assert Grants().given(PARTIAL, given).filters == {
        VIEW: [BOB, CLEO],
        DELETE: [BOB],
        VALIDATE: [CLEO],
    }
    assert Grants().given(PARTIAL, {DELETE: [BOB]}).filters == {DELETE: [BOB], VIEW: [BOB]}


def test_changing_some_rows_comes_with_adding() -> None:
    held = Grants().given(PARTIAL, {CHANGE: [BOB]})
    assert held.codenames == {PARTIAL, ADD, VIEW_ASSET}
    assert held.filters == {CHANGE: [BOB], VIEW: [BOB], ADD: [BOB]}


def test_who_may_not_add_any_more_may_not_change_some_rows_either() -> None:
    held = Grants().given(PARTIAL, {CHANGE: [BOB], DELETE: [CLEO]}).taken(ADD)
    assert held.codenames == {PARTIAL, VIEW_ASSET}
    assert held.filters == {VIEW: [BOB, CLEO], DELETE: [CLEO]}


def test_row_level_rights_are_replaced_as_a_whole() -> None:
    held = Grants().given(PARTIAL, {DELETE: [BOB]}).given(PARTIAL, {VIEW: [CLEO]})
    assert held.filters == {VIEW: [CLEO]}


def test_anybody_may_submit_to_a_form_without_seeing_the_project() -> None:
    held = Grants().given(ADD, to_anybody=True)
    assert held.codenames == {ADD}
    assert held.given(VIEW, to_anybody=True).taken(VIEW_ASSET, from_anybody=True).codenames == {ADD}


@pytest.mark.parametrize(("first", "then"), list(product(ALL, ALL)))
def test_grants_are_complete_and_free_of_contradictions_whatever_is_given_or_taken(
    first: str, then: str
) -> None:
    begun = Grants().given(first, {CHANGE: [BOB]})
    for held in (begun.given(then, {VIEW: [CLEO]}), begun.taken(then)):
        for codename in held.codenames:
            assert rights.IMPLIED[codename] <= held.codenames
            assert not rights.CONTRADICTORY.get(codename, frozenset()) & held.codenames
        assert bool(held.filters) == (PARTIAL in held.codenames)
    assert then in begun.given(then).codenames
    assert then not in begun.taken(then).codenames


def test_forms_without_submissions_have_the_rights_of_forms_only() -> None:
    assert rights.assignable("template") == (CHANGE_ASSET, MANAGE_ASSET, VIEW_ASSET)
    assert len(rights.of_owner("survey")) == 8
    assert PARTIAL in rights.assignable("survey")
