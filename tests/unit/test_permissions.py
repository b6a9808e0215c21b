"""Who may do what on a project, and on which of its submissions (contract permissions §1, §3, data §2)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from formrelay.auth import Caller
from formrelay.errors import ApiError
from formrelay.permissions import CHANGE, DELETE, VALIDATE, VIEW, allowed, reach, require, rows
from formrelay.rights import PARTIAL, VIEW_ASSET, Filters, Grants
from formrelay.storage.assets import Project
from formrelay.usernames import ANONYMOUS

ANN, BOB, CLEO = (Caller(name, f"u{name}") for name in ("ann", "bob", "cleo"))
ROOT = Caller("root", "uroot", superuser=True)
BY_BOB = {"_id": 1, "_submitted_by": "bob", "site/kind": "school"}
BY_CLEO = {"_id": 2, "_submitted_by": "cleo", "site/kind": "clinic"}
BY_NOBODY: dict[str, Any] = {"_id": 3, "_submitted_by": None}


def project(**grants: Grants) -> Project:
    rights = {
        name: {
            "codenames": dict.fromkeys(held.codenames, "pX"),
            "filters": json.dumps(held.filters),
        }
        for name, held in grants.items()
    }
    return Project("aX", {"owner": "ann"}, rights=rights)


def partial(**filters: list[dict[str, Any]]) -> Grants:
    rows: Filters = {f"{name}_submissions": queries for name, queries in filters.items()}
    return Grants().given(PARTIAL, rows)


def status(call: Any, *arguments: Any) -> int:
    with pytest.raises(ApiError) as raised:
        call(*arguments)
    return raised.value.status


@pytest.mark.parametrize("caller", [ANN, ROOT])
@pytest.mark.parametrize("codename", [VIEW, CHANGE, DELETE, VALIDATE])
def test_owner_and_superuser_have_all_rows(caller: Caller, codename: str) -> None:
    found = rows(caller, project(), codename)
    assert (found.all, found.query) == (True, None)
    assert found.admits(BY_NOBODY)


def test_a_grant_is_of_all_rows() -> None:
    assert rows(BOB, project(bob=Grants().given(CHANGE)), CHANGE).all


def test_filters_of_one_right_are_alternatives_and_keys_of_one_filter_conditions() -> None:
    shared = project(
        bob=partial(view=[{"_submitted_by": "bob", "site/kind": "school"}, {"_submitted_by": "cleo"}])
    )
    found = rows(BOB, shared, VIEW)
    assert not found.all
    assert found.query == {
        "$or": [{"_submitted_by": "bob", "site/kind": "school"}, {"_submitted_by": "cleo"}]
    }
    assert [found.admits(row) for row in (BY_BOB, BY_CLEO, BY_NOBODY)] == [True, True, False]
    assert not found.admits({**BY_BOB, "site/kind": "clinic"})


def test_a_row_level_user_has_rights_that_were_not_given_on_no_row() -> None:
    found = rows(BOB, project(bob=partial(view=[{"_submitted_by": "bob"}])), DELETE)
    assert not found.all
    assert not found.admits(BY_BOB)


def test_each_row_level_right_has_its_own_rows() -> None:
    shared = project(bob=partial(view=[{"_submitted_by": "cleo"}], delete=[{"_submitted_by": "bob"}]))
    assert [rows(BOB, shared, VIEW).admits(row) for row in (BY_BOB, BY_CLEO)] == [True, True]
    assert [rows(BOB, shared, DELETE).admits(row) for row in (BY_BOB, BY_CLEO)] == [True, False]


def test_row_level_users_see_all_of_public_data_and_change_their_own() -> None:
    shared = project(
        bob=partial(change=[{"_submitted_by": "bob"}]),
        **{ANONYMOUS: Grants().given(VIEW, to_anybody=True)},
    )
    assert rows(BOB, shared, VIEW).all
    assert not rows(BOB, shared, CHANGE).admits(BY_CLEO)


def test_an_answer_too_long_for_a_filter_is_in_no_row_of_it() -> None:
    shared = project(bob=partial(view=[{"note": {"$regex": "(a|b)*c$"}}]))
    found = rows(BOB, shared, VIEW)
    assert found.admits({"_id": 1, "note": "abc"})
    assert not found.admits({"_id": 1, "note": "ab" * 5_000_000 + "c"})


@pytest.mark.parametrize("codename", [VIEW, CHANGE, DELETE, VALIDATE])
@pytest.mark.parametrize("caller", [None, BOB])
def test_data_that_the_caller_may_not_see_does_not_exist(caller: Caller | None, codename: str) -> None:
    assert status(rows, caller, None, codename) == 404
    assert status(rows, caller, project(), codename) == 404
    form_only = project(bob=Grants().given(VIEW_ASSET), **{ANONYMOUS: Grants().given(VIEW_ASSET)})
    assert status(rows, caller, form_only, codename) == 404


def test_who_sees_data_but_may_not_write_is_refused() -> None:
    assert status(rows, BOB, project(bob=Grants().given(VIEW)), DELETE) == 403
    public = project(**{ANONYMOUS: Grants().given(VIEW, to_anybody=True)})
    assert status(rows, CLEO, public, DELETE) == 403
    assert status(rows, None, public, DELETE) == 401
    assert rows(None, public, VIEW).all


def test_row_level_rights_are_no_right_on_the_project() -> None:
    shared = project(bob=partial(view=[{}]))
    assert not allowed(BOB, shared, VIEW)
    assert status(require, BOB, shared, VIEW) == 404
    assert require(BOB, shared, VIEW_ASSET) is shared
    assert reach(CLEO, shared, VIEW) is None
