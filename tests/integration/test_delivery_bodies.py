"""What hooks get: bodies and headers of the attempts (contract rest-services §6)."""

from __future__ import annotations

import base64
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from formrelay import hook_requests
from formrelay.hook_requests import Stamp
from formrelay.settings import settings
from formrelay.storage import hooks, submissions
from tests.support.forms import small_jpeg
from tests.support.receiver import Answer
from tests.support.world import World

PHOTO = {"photo.jpg": small_jpeg()}
FIRST, SECOND = "uuid:11111111-1111-4111-8111-111111111111", "uuid:22222222-2222-4222-8222-222222222222"


def edit(world: World, xml: str, name: str) -> None:
    """An edit of the submission with the instanceID FIRST, as web forms post it."""
    changed = xml.replace("<name>Ana</name>", f"<name>{name}</name>").replace(
        f"<instanceID>{FIRST}</instanceID>",
        f"<instanceID>{SECOND}</instanceID><deprecatedID>{FIRST}</deprecatedID>",
    )
    assert changed.count(FIRST) == 1
    answer = world.app.submit(changed)
    assert answer.status == 201, answer.text


def record(world: World) -> dict[str, object]:
    (found,) = world.app.records(world.asset)
    return found


def test_a_json_body_is_the_record_as_the_owner_reads_it(world: World) -> None:
    values = {"name": "Ana", "member": [{"who": "Bo"}], "gps": "1.5 2.5 0 0", "photo": "photo.jpg"}
    world.app.submit(world.app.filled(world.asset, values), PHOTO)
    world.run(0)

    (request,) = world.requests
    shown = world.app.get(f"/api/v2/assets/{world.asset}/data/{record(world)['_id']}/").json()
    assert request.json() == shown
    assert list(request.json()) == list(shown)
    assert request.header("Content-Type") == "application/json"
    assert [file["media_file_basename"] for file in shown["_attachments"]] == ["photo.jpg"]


def test_an_xml_body_is_what_the_client_sent_and_nothing_else(world: World) -> None:
    world.change_hook(export_type="xml")
    xml = world.app.filled(world.asset, {"name": "Björn & Bo", "member": [{"who": "Bo"}]})
    world.app.submit(xml)
    world.run(0)

    (request,) = world.requests
    assert request.header("Content-Type") == "application/xml"
    assert request.body.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n<" + world.asset.encode())
    assert ET.canonicalize(request.body.decode()) == ET.canonicalize(xml)


def test_basic_auth_and_custom_headers_are_sent_as_the_owner_gave_them(world: World) -> None:
    world.change_hook(
        auth_level="basic_auth",
        settings={
            "username": "ü",
            "password": "p:@$",
            "custom_headers": {"X-Token": "1234abcd", "x-MAP": "a: b"},
        },
    )
    world.submit()
    world.run(0)

    (request,) = world.requests
    token = base64.b64encode("ü:p:@$".encode()).decode()
    assert request.header("Authorization") == f"Basic {token}"
    assert ("X-Token", "1234abcd") in request.headers
    assert ("x-MAP", "a: b") in request.headers


def test_without_basic_auth_no_authorization_is_sent(world: World) -> None:
    world.change_hook(settings={"username": "u", "password": "p"})
    world.submit()
    world.run(0)
    assert world.requests[0].header("Authorization") is None


def test_headers_of_formrelay_cannot_be_overridden(world: World) -> None:
    world.change_hook(settings={"custom_headers": {"user-agent": "curl", "content-type": "text/plain"}})
    sid = world.submit()
    world.run(0)

    (request,) = world.requests
    names = [name.lower() for name, _ in request.headers]
    assert len(names) == len(set(names))
    assert re.fullmatch(rf"formrelay/\S+ #{world.hook}", request.header("User-Agent") or "")
    assert request.header("Content-Type") == "text/plain"  # the owner may say that
    uid = world.log(sid)["uid"]
    assert (request.header("Idempotency-Key"), request.header("webhook-id")) == (uid, uid)
    assert request.header("webhook-timestamp") == str(int(world.clock.time))


def test_the_key_of_a_delivery_is_equal_in_all_attempts_and_the_attempt_is_numbered(world: World) -> None:
    world.receiver.script.extend([Answer(500), Answer(500)])
    world.submit()
    world.run(700)

    assert len({request.header("Idempotency-Key") for request in world.requests}) == 1
    assert [request.header("formrelay-attempt") for request in world.requests] == ["1", "2", "3"]
    assert [request.header("formrelay-replay") for request in world.requests] == [None] * 3


def test_a_subset_and_a_wrapper_shape_the_body(world: World) -> None:
    world.change_hook(subset_fields=["name", "who"], payload_template='{"fields": %SUBMISSION%}')
    world.submit(name="Ana", age="3", member=[{"who": "Bo"}])
    world.run(0)
    assert world.requests[0].json() == {"fields": {"name": "Ana", "member": [{"member/who": "Bo"}]}}


def test_a_subset_that_matches_nothing_is_sent_as_an_empty_object(world: World) -> None:
    world.change_hook(subset_fields=["nosuch"])
    sid = world.submit()
    world.run(0)
    assert world.requests[0].json() == {}
    assert world.log(sid)["status"] == 2


def test_a_subset_that_matches_nothing_is_sent_as_an_empty_root(world: World) -> None:
    world.change_hook(export_type="xml", subset_fields=["nosuch", "_id", "loc/gps"])
    sid = world.submit(name="Ana")
    world.run(0)
    root = ET.fromstring(world.requests[0].body)  # noqa: S314
    assert root.tag.rpartition("}")[2] == world.asset
    assert root.attrib["id"] == world.asset
    assert (list(root), root.text) == ([], None)
    log = world.log(sid)
    assert (log["status"], log["status_code"], log["tries"]) == (2, 200, 1)


def test_a_wrapper_around_a_subset_that_matches_nothing_is_sent(world: World) -> None:
    world.change_hook(subset_fields=["nosuch"], payload_template='{"fields": %SUBMISSION%, "n": 1}')
    sid = world.submit()
    world.run(0)
    assert world.requests[0].json() == {"fields": {}, "n": 1}
    assert world.log(sid)["status"] == 2


@pytest.mark.parametrize("export_type", ["json", "xml"])
def test_a_retry_sends_the_same_bytes_after_an_edit(world: World, export_type: str) -> None:
    world.change_hook(export_type=export_type)
    world.receiver.script.append(Answer(503))
    xml = world.app.filled(world.asset, {"name": "Ana"}, FIRST)
    world.app.submit(xml)
    world.run(0)
    edit(world, xml, "Bea")
    world.run(60)

    first, second = world.requests
    assert second.body == first.body
    assert b"Ana" in first.body
    assert record(world)["name"] == "Bea"


def test_an_edit_is_not_sent(world: World) -> None:
    xml = world.app.filled(world.asset, {"name": "Ana"}, FIRST)
    world.app.submit(xml)
    world.run(0)
    edit(world, xml, "Bea")
    world.run(600)
    assert len(world.requests) == 1


def test_a_first_attempt_after_an_edit_sends_what_was_created(world: World) -> None:
    xml = world.app.filled(world.asset, {"name": "Ana"}, FIRST)
    world.app.submit(xml)
    edit(world, xml, "Bea")
    world.run(0)

    (request,) = world.requests
    body = request.json()
    assert (body["name"], body["meta/instanceID"], body["_uuid"]) == ("Ana", FIRST, FIRST[5:])
    assert "meta/deprecatedID" not in body


def test_a_retry_sends_the_same_bytes_after_a_file_came_late(world: World) -> None:
    world.receiver.script.append(Answer(503))
    xml = world.app.filled(world.asset, {"name": "Ana", "photo": "photo.jpg"})
    world.app.submit(xml)
    world.run(60)
    assert len(world.requests) == 1
    assert world.app.submit(xml, PHOTO).status == 201
    world.run(60)

    first, second = world.requests
    assert first.json()["_attachments"] == []
    assert second.body == first.body
    assert len(record(world)["_attachments"]) == 1  # type: ignore[arg-type]


def test_a_file_that_comes_while_the_hook_waits_is_in_the_body(world: World) -> None:
    xml = world.app.filled(world.asset, {"name": "Ana", "photo": "photo.jpg"})
    world.app.submit(xml)
    world.run(20)
    assert world.requests == []
    world.app.submit(xml, PHOTO)
    world.run(300)

    (request,) = world.requests
    assert world.posts == [20]
    assert request.json() == record(world)


def test_files_are_named_at_the_public_address(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_PUBLIC_URL", "https://data.example.org/kobo/")
    settings.cache_clear()
    world.app.submit(world.app.filled(world.asset, {"photo": "photo.jpg"}), PHOTO)
    world.run(0)
    (file,) = world.requests[0].json()["_attachments"]
    assert file["download_url"].startswith(f"https://data.example.org/kobo/api/v2/assets/{world.asset}/data/")
    assert file["download_url"].endswith(f"/attachments/{file['uid']}/")


def test_without_a_public_address_files_are_named_at_the_origin_of_the_submission(world: World) -> None:
    world.app.submit(world.app.filled(world.asset, {"photo": "photo.jpg"}), PHOTO)
    world.run(0)
    (file,) = world.requests[0].json()["_attachments"]
    assert file["download_url"].startswith(f"https://kf.example.org/api/v2/assets/{world.asset}/data/")


def test_two_hooks_get_one_submission_once_each_with_keys_of_their_own(world: World) -> None:
    world.app.add_hook(world.asset, world.receiver.url("/other"), name="Other")
    world.submit()
    world.run(600)
    assert sorted(request.path for request in world.requests) == ["/in", "/other"]
    assert len({request.header("Idempotency-Key") for request in world.requests}) == 2


def test_a_submission_sent_again_is_delivered_once(world: World) -> None:
    xml = world.app.filled(world.asset, {"name": "Ana"})
    assert [world.app.submit(xml).status for _ in range(2)] == [201, 202]
    world.run(600)
    assert len(world.requests) == 1


def test_a_large_submission_is_delivered_whole(world: World) -> None:
    name = base64.b64encode(bytes(i * 7919 % 251 for i in range(300_000))).decode()
    world.submit(name=name)
    world.run(0)
    assert world.requests[0].json()["name"] == name


class Watched(dict[str, Any]):
    """A hook that sees whether two are at their bodies at the same moment: then both meet."""

    def __init__(self, hook: dict[str, Any]) -> None:
        super().__init__(hook)
        self.meeting = threading.Barrier(2)

    def get(self, key: str, default: Any = None) -> Any:
        if key == "payload_template":
            with suppress(threading.BrokenBarrierError):
                self.meeting.wait(0.3)
        return super().get(key, default)


def test_bodies_of_a_batch_are_made_one_after_the_other(world: World) -> None:
    """Big ones take many times their size while they are made."""
    submission = submissions.get(world.asset, world.submit(name="Ana"))
    found = hooks.get(world.asset, world.hook)
    assert submission
    assert found
    hook = Watched(hook_requests.opened(found))
    with ThreadPoolExecutor(2) as pool:
        made = [
            pool.submit(hook_requests.request_for, hook, submission, world.asset, Stamp("hl"))
            for _ in range(2)
        ]
    assert len({attempt.result().body for attempt in made}) == 1
    # Nobody came while the first one waited.
    assert hook.meeting.broken
