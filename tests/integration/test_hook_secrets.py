"""Signing secrets of hooks, verified as receivers do with the published library of Standard Webhooks."""

from __future__ import annotations

import base64
import datetime
import json
import logging
import re
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from formrelay.settings import settings
from formrelay.storage import hooks as stored_hooks
from tests.support.app import FORM, Answer, App
from tests.support.aws import stored
from tests.support.calls import counting, doing
from tests.support.grants import grant
from tests.support.receiver import Answer as Reply
from tests.support.receiver import Received
from tests.support.world import World

DAY = 86_400
NOT_FOUND = {"detail": "Not found."}


@pytest.fixture(autouse=True)
def _receivers_clock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library on the receiver's side refuses old messages: its clock moves with ours."""

    class Moved(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return datetime.datetime.fromtimestamp(world.clock.time, tz)

    monkeypatch.setattr("standardwebhooks.webhooks.datetime", Moved)


def rotate(world: World, **fields: Any) -> str:
    answer = world.app.send("POST", world.hook_path("secret/"), fields)
    assert answer.status == 201, answer.text
    secret: str = answer.json()["secret"]
    return secret


def status(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.app.get(world.hook_path("secret/")).json()
    return found


def deliver(world: World) -> Received:
    """One submission, delivered now."""
    world.submit()
    world.run(0)
    return world.requests[-1]


def verifies(secret: str, request: Received) -> bool:
    """Whether a receiver with that secret takes the request."""
    try:
        body = Webhook(secret).verify(request.body, dict(request.headers))
    except WebhookVerificationError:
        return False
    assert body == request.json()
    return True


def secret_of(size: int, fill: int = 7) -> str:
    return "whsec_" + base64.b64encode(bytes([fill]) * size).decode()


# Signing


def test_without_a_secret_nothing_is_signed(world: World) -> None:
    assert deliver(world).header("webhook-signature") is None


def test_what_a_receiver_gets_is_verified_by_the_published_library(world: World) -> None:
    secret = rotate(world)
    request = deliver(world)
    assert verifies(secret, request)
    assert not verifies(secret_of(32), request)


def test_the_signature_is_over_the_very_bytes_that_are_sent(world: World) -> None:
    secret = rotate(world)
    world.change_hook(payload_template='{"a":   [%SUBMISSION%,"é"]}')
    request = deliver(world)
    assert verifies(secret, request)
    changed = Received(**{**vars(request), "body": request.body.replace(b", ", b",", 1)})
    assert changed.json() == request.json()
    assert not verifies(secret, changed)


def test_xml_is_signed_like_json(world: World) -> None:
    secret = rotate(world)
    world.change_hook(export_type="xml")
    world.submit(name="Björn")
    world.run(0)
    (request,) = world.requests
    Webhook(secret).verify(request.body, dict(request.headers), json_parse=False)


def test_every_attempt_is_signed_for_its_own_time_under_one_id(world: World) -> None:
    secret = rotate(world)
    world.receiver.script.append(Reply(503))
    world.submit()
    world.run(0)
    assert verifies(secret, world.requests[0])
    world.run(60)
    first, second = world.requests
    assert verifies(secret, second)
    assert first.header("webhook-id") == second.header("webhook-id")
    assert first.header("webhook-signature") != second.header("webhook-signature")


def test_a_secret_of_the_owner_is_taken_as_it_is(world: World) -> None:
    given = secret_of(24)
    assert rotate(world, secret=given) == given
    assert verifies(given, deliver(world))


def test_secrets_are_opened_once_a_process_and_cost_no_call_afterwards(world: World) -> None:
    rotate(world)
    rotate(world)
    deliver(world)
    sid = world.submit()
    with counting() as made:
        world.hand(world.message(sid, 1), "first")
    assert made == {"dynamodb.UpdateItem": 2, "dynamodb.BatchGetItem": 1}
    assert (world.requests[-1].header("webhook-signature") or "").count("v1,") == 2


# Rotation


def test_old_and_new_secret_sign_side_by_side_until_the_overlap_is_over(world: World) -> None:
    old = rotate(world)
    new = rotate(world)
    world.clock.forward(DAY - 1)
    request = deliver(world)
    assert verifies(old, request)
    assert verifies(new, request)
    assert (request.header("webhook-signature") or "").count("v1,") == 2

    world.clock.forward(1)
    request = deliver(world)
    assert not verifies(old, request)
    assert verifies(new, request)
    assert (request.header("webhook-signature") or "").count("v1,") == 1


def test_the_overlap_can_be_chosen(world: World) -> None:
    old = rotate(world)
    rotate(world, overlap=7 * DAY)
    world.clock.forward(7 * DAY - 1)
    assert verifies(old, deliver(world))
    world.clock.forward(1)
    assert not verifies(old, deliver(world))


def test_an_overlap_of_zero_ends_all_old_secrets_at_once(world: World) -> None:
    first, second = rotate(world), rotate(world)
    third = rotate(world, overlap=0)
    request = deliver(world)
    assert [verifies(secret, request) for secret in (first, second, third)] == [False, False, True]


def test_a_shorter_overlap_also_ends_older_secrets_sooner_but_never_later(world: World) -> None:
    first = rotate(world)
    second = rotate(world, overlap=3 * DAY)
    third = rotate(world, overlap=DAY)
    rotate(world, overlap=2 * DAY)
    world.clock.forward(DAY - 1)
    assert all(verifies(secret, deliver(world)) for secret in (first, second, third))
    world.clock.forward(1)
    request = deliver(world)
    assert [verifies(secret, request) for secret in (first, second, third)] == [False, False, True]


def test_a_secret_that_comes_back_signs_on_as_the_newest(world: World) -> None:
    old = rotate(world)
    new = rotate(world)
    rotate(world, secret=old)
    request = deliver(world)
    assert (request.header("webhook-signature") or "").count("v1,") == 2
    assert verifies(old, request)
    world.clock.forward(DAY)
    request = deliver(world)
    assert verifies(old, request)
    assert not verifies(new, request)


def test_so_many_secrets_sign_at_a_time_and_no_more(world: World) -> None:
    for _ in range(5):
        rotate(world)
    answer = world.app.send("POST", world.hook_path("secret/"))
    assert answer.status == 400
    assert "at most 5 secrets" in answer.json()["non_field_errors"][0]
    rotate(world, overlap=0)


def test_the_setting_is_the_overlap_when_none_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_SECRET_OVERLAP", "60")
    settings.cache_clear()
    old = rotate(world)
    rotate(world)
    world.clock.forward(59)
    assert verifies(old, deliver(world))
    world.clock.forward(1)
    assert not verifies(old, deliver(world))


def test_two_rotations_at_once_keep_both_new_secrets(world: World) -> None:
    made: list[str] = []
    with doing("dynamodb.TransactWriteItems", lambda: made.append(rotate(world))):
        made.append(rotate(world))
    request = deliver(world)
    assert all(verifies(secret, request) for secret in made)


# Removing


def test_after_removal_nothing_is_signed(world: World) -> None:
    rotate(world)
    rotate(world)
    for _ in range(2):
        answer = world.app.call("DELETE", world.hook_path("secret/"))
        assert (answer.status, answer.body) == (204, b"")
    assert deliver(world).header("webhook-signature") is None
    assert status(world) == {"signed": False, "since": None, "old_until": None}


def test_secrets_that_ran_out_are_removed_by_the_next_write(world: World) -> None:
    rotate(world)
    rotate(world)
    world.clock.forward(DAY)
    hook = stored_hooks.get(world.asset, world.hook)
    assert hook is not None
    assert len(hook["signing"]) == 2
    world.change_hook(name="other")
    hook = stored_hooks.get(world.asset, world.hook)
    assert hook is not None
    assert len(hook["signing"]) == 1


def test_another_change_of_the_hook_leaves_the_secret(world: World) -> None:
    secret = rotate(world)
    world.change_hook(name="other", settings={"custom_headers": {"A": "b"}})
    assert verifies(secret, deliver(world))


# What is shown


def test_a_new_secret_is_random_and_in_the_published_form(world: World) -> None:
    made = {rotate(world, overlap=0) for _ in range(3)}
    assert len(made) == 3
    for secret in made:
        assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64
        assert secret.startswith("whsec_")


def test_the_state_tells_since_when_and_until_when_and_nothing_else(world: World) -> None:
    assert status(world) == {"signed": False, "since": None, "old_until": None}
    rotate(world)
    assert status(world) == {"signed": True, "since": "2026-08-02T08:10:05.000000Z", "old_until": None}
    world.clock.forward(60)
    answer = world.app.send("POST", world.hook_path("secret/"), {"overlap": 3600})
    shown = answer.json()
    secret = shown.pop("secret")
    assert shown == {
        "signed": True,
        "since": "2026-08-02T08:11:05.000000Z",
        "old_until": "2026-08-02T09:11:05.000000Z",
    }
    assert status(world) == shown
    assert secret not in world.app.get(world.hook_path("secret/")).text
    world.clock.forward(3600)
    assert status(world)["old_until"] is None


def test_the_hook_object_tells_at_its_end_whether_it_signs(world: World) -> None:
    hook = world.app.get(world.hook_path()).json()
    assert hook["signed"] is False
    assert list(hook).index("signed") > list(hook).index("url")
    rotate(world)
    assert world.app.get(world.hook_path()).json()["signed"] is True


def test_a_copy_of_a_signed_hook_does_not_sign(world: World) -> None:
    rotate(world)
    copy = world.app.get(world.hook_path()).json()
    made = world.app.send("POST", f"/api/v2/assets/{world.asset}/hooks/", copy)
    assert (made.status, made.json()["signed"]) == (201, False)


def test_a_secret_is_nowhere_in_clear(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="formrelay")
    secrets = [rotate(world), rotate(world)]
    deliver(world)
    logged = json.dumps([record.__dict__ for record in caplog.records], default=repr)
    assert "attempt" in logged
    texts = [
        logged,
        repr(stored(world.app.settings.data_table)),
        world.app.get(world.hook_path()).text,
        world.app.get(f"/api/v2/assets/{world.asset}/hooks/").text,
        repr([request.headers for request in world.requests]),
    ]
    for secret in secrets:
        bare = secret.removeprefix("whsec_")
        raw = repr(base64.b64decode(bare))[2:-1]
        assert not [text for text in texts if bare in text or raw in text]


# Refusals


@pytest.mark.parametrize(
    "given",
    [
        "whsec_",
        "whsec_???",
        secret_of(23),
        secret_of(65),
        secret_of(32).removeprefix("whsec_"),
        secret_of(32).rstrip("="),
        secret_of(32) + "\n",
        secret_of(24, 0xFB).replace("+", "-"),
        "whsec_" + "A" * 32 + "\ud7ff",
        5,
        ["whsec_"],
        True,
    ],
)
def test_what_is_no_secret_is_refused(world: World, given: Any) -> None:
    answer = world.app.send("POST", world.hook_path("secret/"), {"secret": given})
    assert answer.status == 400
    assert re.search(r"whsec_.* 24 to 64 bytes", answer.json()["secret"][0])
    assert status(world)["signed"] is False


@pytest.mark.parametrize("overlap", [-1, 7 * DAY + 1, 1.5, "x", True, [], {}, "9" * 4000])
def test_an_overlap_that_is_no_time_is_refused(world: World, overlap: Any) -> None:
    answer = world.app.send("POST", world.hook_path("secret/"), {"overlap": overlap})
    assert (answer.status, list(answer.json())) == (400, ["overlap"])
    assert status(world)["signed"] is False


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff"])
def test_a_body_that_is_no_object_is_refused(world: World, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    assert world.app.call("POST", world.hook_path("secret/"), body=body, headers=headers).status == 400


def test_a_form_may_carry_the_fields(world: World) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = world.app.call("POST", world.hook_path("secret/"), body=b"secret=&overlap=60", headers=headers)
    assert answer.status == 201


def calls(app: App, path: str, user: str | None) -> list[Answer]:
    return [app.send(method, path, user=user) for method in ("GET", "POST", "DELETE")]


def test_who_may_not_edit_the_hook_finds_no_secret(world: World) -> None:
    secret = rotate(world)
    world.app.add_user("bob")
    path = world.hook_path("secret/")
    for user in ("bob", None):
        assert [(a.status, a.json()) for a in calls(world.app, path, user)] == [(404, NOT_FOUND)] * 3
    grant(world.asset, "bob", "view_asset", "change_asset")
    assert [a.status for a in calls(world.app, path, "bob")] == [404] * 3
    assert verifies(secret, deliver(world))
    grant(world.asset, "bob", "view_asset", "change_asset", "view_submissions")
    assert [a.status for a in calls(world.app, path, "bob")] == [200, 201, 204]


def test_an_unknown_hook_and_one_of_another_project_are_not_found(world: World) -> None:
    other = world.app.deploy(FORM)
    for path in (
        f"/api/v2/assets/{other}/hooks/{world.hook}/secret/",
        f"/api/v2/assets/{world.asset}/hooks/h{'2' * 21}/secret/",
    ):
        assert [answer.status for answer in calls(world.app, path, "ann")] == [404] * 3
