"""Hooks and accounts whose credentials cannot be opened any more: the key is lost, or what it sealed is damaged."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from formrelay import hook_requests, sealing
from formrelay.settings import settings
from formrelay.storage import keys, table
from tests.support.app import PASSWORD
from tests.support.calls import failing
from tests.support.world import World

CREDENTIALS = {"username": "u", "password": "p", "custom_headers": {"X-T": "t"}}
# What KMS says of a key that is disabled, about to be deleted, deleted, and not this deployment's.
LOST = ("DisabledException", "KMSInvalidStateException", "NotFoundException", "AccessDeniedException")


@pytest.fixture
def broken(world: World) -> World:
    """Its hook's credentials are damaged at rest."""
    world.change_hook(auth_level="basic_auth", settings=CREDENTIALS)
    damage(world)
    return world


def damage(world: World) -> None:
    key = keys.hook(world.asset, world.hook)
    table.update(settings().data_table, key, "SET #sealed = :junk", {":junk": [b"junk"]})


def damage_secret(world: World) -> None:
    key = keys.hook(world.asset, world.hook)
    hook = table.get(settings().data_table, key) or {}
    signing = [{**entry, "sealed": [b"junk"]} for entry in hook["signing"]]
    table.update(settings().data_table, key, "SET #signing = :junk", {":junk": signing})


def read(world: World) -> dict[str, Any]:
    answer = world.app.get(world.hook_path())
    assert answer.status == 200, answer.text
    hook: dict[str, Any] = answer.json()
    return hook


# Reading and changing


def test_a_hook_whose_credentials_are_lost_is_read_and_says_so(broken: World) -> None:
    hook = read(broken)
    assert hook["health"]["unreadable"] is True
    assert hook["settings"] == {"password": f"********:{broken.hook}"}
    listed = broken.app.get(f"/api/v2/assets/{broken.asset}/hooks/").json()["results"]
    assert listed == [hook]


@pytest.mark.parametrize("code", LOST)
def test_a_hook_whose_key_is_lost_is_read(world: World, code: str) -> None:
    world.change_hook(settings=CREDENTIALS)
    sealing._opened.clear()
    with failing("kms.Decrypt", code):
        assert read(world)["health"]["unreadable"] is True
    assert read(world)["health"]["unreadable"] is False


def test_a_key_service_that_is_busy_makes_no_credentials_unreadable(world: World) -> None:
    world.change_hook(settings=CREDENTIALS)
    sealing._opened.clear()
    with failing("kms.Decrypt", "ThrottlingException"):
        assert world.app.get(world.hook_path()).status == 503


def test_other_fields_change_and_leave_the_credentials_as_they_are(broken: World) -> None:
    broken.change_hook(name="Renamed", active=False)
    hook = read(broken)
    assert (hook["name"], hook["active"], hook["health"]["unreadable"]) == ("Renamed", False, True)


@pytest.mark.parametrize("given", [{"username": "new", "password": "np"}, {}])
def test_new_credentials_take_their_place(broken: World, given: dict[str, Any]) -> None:
    broken.change_hook(settings=given)
    hook = read(broken)
    assert hook["health"]["unreadable"] is False
    assert hook["settings"].get("username") == given.get("username")
    broken.submit()
    broken.run(0)
    assert len(broken.requests) == 1


def test_the_mask_of_lost_credentials_is_refused_with_the_reason(broken: World) -> None:
    masked = {"settings": read(broken)["settings"]}
    answer = broken.app.send("PATCH", broken.hook_path(), masked)
    assert (answer.status, answer.json()) == (400, {"settings": [hook_requests.UNREADABLE]})
    copied = {"name": "Copy", "endpoint": broken.receiver.url(), **masked}
    answer = broken.app.send("POST", f"/api/v2/assets/{broken.asset}/hooks/", copied)
    assert (answer.status, answer.json()) == (400, {"settings": [hook_requests.UNREADABLE]})


def test_a_hook_whose_credentials_are_lost_is_deleted(broken: World) -> None:
    assert broken.app.call("DELETE", broken.hook_path()).status == 204
    assert broken.app.get(broken.hook_path()).status == 404


# Deliveries


def test_its_deliveries_say_why_they_fail_and_go_down_the_ladder(broken: World) -> None:
    sid = broken.submit()
    broken.run(0)
    log = broken.log(sid)
    assert (log["status_str"], log["message"]) == ("pending", hook_requests.UNREADABLE)
    assert read(broken)["last_error"]["message"] == hook_requests.UNREADABLE
    broken.change_hook(settings={"username": "new", "password": "np"})
    broken.run(60)
    assert [request.header("authorization") for request in broken.requests] == ["Basic bmV3Om5w"]


def test_a_lost_signing_secret_fails_deliveries_until_another_one_is_made(world: World) -> None:
    assert world.app.send("POST", world.hook_path("secret/")).status == 201
    damage_secret(world)
    sid = world.submit()
    world.run(0)
    assert world.log(sid)["message"] == hook_requests.UNREADABLE
    assert world.app.send("POST", world.hook_path("secret/")).status == 201
    world.run(60)
    (request,) = world.requests
    # The lost one signs nothing beside the new one.
    assert len((request.header("webhook-signature") or "").split()) == 1


# Previews and tests


def test_a_preview_says_what_is_lost(broken: World) -> None:
    for query in ("", f"log={broken.log(broken.submit())['uid']}"):
        answer = broken.app.call("GET", broken.hook_path("preview/"), query=query)
        assert (answer.status, answer.json()) == (400, {"detail": hook_requests.UNREADABLE})


def test_a_test_says_what_is_lost(broken: World) -> None:
    answer = broken.app.send("POST", broken.hook_path("test/"), {})
    assert answer.status == 200, answer.text
    result = answer.json()
    assert (result["outcome"], result["detail"], result["request"]) == (
        "internal", hook_requests.UNREADABLE, None,
    )  # fmt: skip
    assert broken.requests == []


def test_new_credentials_are_previewed_and_tried_before_they_are_saved(broken: World) -> None:
    fields = {"settings": {"username": "new", "password": "np"}}
    preview = broken.app.send("POST", broken.hook_path("preview/"), fields)
    assert preview.status == 200, preview.text
    assert broken.app.send("POST", broken.hook_path("test/"), fields).json()["outcome"] == "success"
    assert [request.header("authorization") for request in broken.requests] == ["Basic bmV3Om5w"]


# API keys


def test_an_api_key_that_cannot_be_shown_any_more_works_until_it_is_replaced(world: World) -> None:
    key = keys.account("ann")
    table.update(settings().accounts_table, key, "SET #key_sealed = :junk", {":junk": [b"junk"]})
    signed_in = {"authorization": "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode()}
    for method in ("GET", "POST"):
        answer = world.app.call(method, "/token/")
        assert answer.status == 409, answer.text
        assert "DELETE /token/" in answer.json()["detail"]
    old = world.app.keys["ann"]
    assert world.app.call("DELETE", "/token/").status == 204
    answer = world.app.call("GET", "/token/", headers=signed_in)
    assert answer.status == 200
    assert answer.json()["token"] != old
