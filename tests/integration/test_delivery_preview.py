"""``…/hooks/{hook}/preview/?log=`` makes a delivery's body again; ``…/hooks/preview/`` is for hooks not made yet."""

from __future__ import annotations

import json
from typing import Any

import pytest

from formrelay.event_kinds import ALL
from tests.support.grants import grant
from tests.support.receiver import Answer
from tests.support.world import World

UUIDS = [f"uuid:{digit * 8}-1111-4111-8111-111111111111" for digit in "123"]


@pytest.fixture
def xml(world: World) -> str:
    world.change_hook(events=list(ALL))
    filled = world.app.filled(world.asset, {"name": "Ana"}, UUIDS[0])
    assert world.app.submit(filled).status == 201
    world.run(0)
    return filled


def edit(world: World, xml: str, name: str, number: int) -> None:
    old, new = UUIDS[number - 1 : number + 1]
    world.clock.forward(1)
    changed = xml.replace(">Ana<", f">{name}<").replace(
        f"<instanceID>{UUIDS[0]}", f"<deprecatedID>{old}</deprecatedID><instanceID>{new}"
    )
    assert world.app.submit(changed).status == 201
    world.run(0)


def made_again(world: World) -> list[tuple[str, dict[str, Any]]]:
    """Event and preview of each delivery, oldest first."""
    logs = reversed(world.app.logs(world.asset, world.hook))
    return [(log["event"], world.app.get(world.hook_path("preview/"), log=log["uid"]).json()) for log in logs]


def test_the_body_of_every_event_is_made_again_as_it_was_sent(world: World, xml: str) -> None:
    edit(world, xml, "Bea", 1)
    edit(world, xml, "Cy", 2)
    (sid,) = world.sids()
    again = made_again(world)
    assert [event for event, _ in again] == ["submission.created", "submission.edited", "submission.edited"]
    assert [made["body"].encode() for _, made in again] == [request.body for request in world.requests]
    assert {made["submission"]["_id"] for _, made in again} == {sid}

    world.clock.forward(1)
    assert world.app.call("DELETE", f"/api/v2/assets/{world.asset}/data/{sid}/").status == 204
    world.run(0)
    deletion = world.requests[-1]
    logs = world.app.logs(world.asset, world.hook)
    (uid,) = (log["uid"] for log in logs if log["event"] == "submission.deleted")
    made = world.app.get(world.hook_path("preview/"), log=uid).json()
    assert made["body"].encode() == deletion.body
    gone = next(log["uid"] for log in logs if log["event"] == "submission.created")
    assert world.app.get(world.hook_path("preview/"), log=gone).status == 404


def test_its_headers_are_those_of_the_last_attempt_and_of_the_replay(world: World, xml: str) -> None:
    world.receiver.script.append(Answer(500))
    edit(world, xml, "Bea", 1)
    world.run(60)
    (*_, (_, edited)) = made_again(world)
    assert {"name": "formrelay-attempt", "value": "2"} in edited["headers"]
    assert {"name": "formrelay-event", "value": "submission.edited"} in edited["headers"]

    created = world.app.logs(world.asset, world.hook)[-1]["uid"]
    retry = world.hook_path(f"logs/{created}/retry/")
    assert world.app.call("PATCH", retry, query="force=true").status == 200
    world.run(0)
    made = world.app.get(world.hook_path("preview/"), log=created).json()
    assert json.loads(made["body"])["name"] == "Bea"
    assert {"name": "formrelay-replay", "value": "1"} in made["headers"]


def test_a_delivery_that_there_is_not_has_no_body(world: World) -> None:
    assert world.app.get(world.hook_path("preview/"), log="hl" + "2" * 21).status == 404


def unsaved(world: World, fields: dict[str, Any], user: str | None = "ann") -> Any:
    return world.app.send("POST", f"/api/v2/assets/{world.asset}/hooks/preview/", fields, user=user)


def test_a_hook_that_is_not_made_yet_shows_what_it_would_send(world: World) -> None:
    world.submit(name="Ana")
    before = world.app.get(f"/api/v2/assets/{world.asset}/hooks/").json()
    made = unsaved(world, {"subset_fields": ["name"], "settings": {"custom_headers": {"X-A": "b"}}})
    assert made.status == 200
    assert json.loads(made.json()["body"]) == {"name": "Ana"}
    assert {"name": "X-A", "value": "b"} in made.json()["headers"]
    assert made.json()["url"] == "https://example.org/"
    assert world.app.get(f"/api/v2/assets/{world.asset}/hooks/").json() == before


def test_its_fields_are_checked_as_far_as_they_are_given(world: World) -> None:
    answer = unsaved(world, {"endpoint": "http://10.0.0.1/", "subset_fields": "x"})
    assert answer.status == 400
    assert set(answer.json()) == {"endpoint", "subset_fields"}


def test_only_who_may_have_hooks_previews_one(world: World) -> None:
    world.app.add_user("bob")
    assert unsaved(world, {}, "bob").status == 404
    assert unsaved(world, {}, None).status == 404
    grant(world.asset, "bob", "view_asset", "change_asset", "view_submissions")
    assert unsaved(world, {}, "bob").status == 200
