"""Every route and every caller: the authorization matrix (formrelay.api.access) over the real handlers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from formrelay.api.access import CALLERS, TABLE
from formrelay.api.main import ROUTES
from formrelay.api.openapi.openrosa import OPERATIONS
from tests.support.aws import emptied
from tests.support.rights import enforced
from tests.support.scene import OWNER, Scene
from tests.support.scene import scene as built

_REFUSALS = (401, 403, 404)
PASSES = "passes"


@pytest.fixture(scope="module")
def scene(_storage: dict[str, str]) -> Iterator[Scene]:
    with emptied(_storage) as aws, enforced(_storage), built(aws) as scene:
        yield scene


def outcome(status: int) -> int | str:
    return status if status in _REFUSALS or status >= 500 else PASSES


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    served = {f"{route.method} {route.pattern}" for route in (*ROUTES, *OPERATIONS)}
    assert served == TABLE.keys()


def test_rules_name_callers_that_there_are() -> None:
    assert {name for rule in TABLE.values() for name in rule.refused} <= CALLERS.keys()


@pytest.mark.parametrize("operation", TABLE)
def test_each_caller_gets_what_the_table_says(scene: Scene, operation: str) -> None:
    told = {caller: TABLE[operation].refused.get(caller, PASSES) for caller in CALLERS}
    got = {caller: outcome(scene.call(operation, caller).status) for caller in CALLERS}
    assert got == told


@pytest.mark.parametrize("operation", TABLE)
def test_wrong_and_revoked_keys_are_refused_everywhere(scene: Scene, operation: str) -> None:
    keys = {"wrong": "0" * 40, "revoked": scene.former_key}
    answers = {
        (name, caller): scene.call(operation, caller, key=key)
        for name, key in keys.items()
        for caller in ("public", OWNER)
    }
    assert {case: answer.status for case, answer in answers.items()} == dict.fromkeys(answers, 401)
    for answer in answers.values():
        assert answer.headers["www-authenticate"] == 'Basic realm="formrelay"'
