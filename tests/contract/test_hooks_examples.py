"""Examples and tables of contract/rest-services.md, through the API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.app import FORM, App
from tests.support.receiver import Answer
from tests.support.world import World

ENDPOINT = "https://93.184.216.34/kobo/in"
# §2, in this order.
HOOK_KEYS = [
    "active", "asset", "auth_level", "date_modified", "email_notification", "endpoint", "export_type",
    "failed_count", "logs_url", "name", "payload_template", "pending_count", "settings", "subset_fields",
    "success_count", "uid", "url",
]  # fmt: skip
# §3, in this order.
LOG_KEYS = [
    "url", "uid", "submission_id", "tries", "status", "status_str", "status_code", "message", "date_modified",
]  # fmt: skip
REQUIRED, BLANK, NULL = (
    "This field is required.",
    "This field may not be blank.",
    "This field may not be null.",
)


@pytest.fixture
def asset(app: App) -> str:
    return app.deploy(FORM)


def post(app: App, asset: str, data: Any) -> tuple[int, Any]:
    answer = app.send("POST", f"/api/v2/assets/{asset}/hooks/", data)
    return answer.status, answer.json()


def test_a_hook_has_the_keys_of_the_contract(app: App, asset: str) -> None:
    status, hook = post(app, asset, {"name": "ERP", "endpoint": ENDPOINT})
    assert status == 201
    assert list(hook)[: len(HOOK_KEYS)] == HOOK_KEYS


def test_a_log_has_the_keys_of_the_contract(world: World) -> None:
    sid = world.submit()
    world.run(0)
    assert list(world.log(sid)) == [*LOG_KEYS, "event"]


def test_the_interface_sends_whole_hooks_and_n8n_three_keys(app: App, asset: str) -> None:
    whole = {
        "name": "ERP",
        "active": True,
        "subset_fields": ["region", "member"],
        "email_notification": True,
        "export_type": "json",
        "endpoint": ENDPOINT,
        "auth_level": "basic_auth",
        "settings": {"custom_headers": {"X-Token": "1234abcd"}, "username": "u", "password": "p"},
        "payload_template": "",
    }
    status, hook = post(app, asset, whole)
    assert status == 201
    assert {name: hook[name] for name in whole} == {
        **whole,
        "payload_template": None,
        "settings": {**whole["settings"], "password": f"********:{hook['uid']}"},  # type: ignore[dict-item]
    }
    status, n8n = post(app, asset, {"name": "n8n", "endpoint": ENDPOINT + "/2", "email_notification": True})
    listed = app.get(f"/api/v2/assets/{asset}/hooks/").json()["results"]
    assert [row["uid"] for row in listed if row["endpoint"] == ENDPOINT + "/2" and row["active"] is True] == [
        n8n["uid"]
    ]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"name": None, "endpoint": ""}, {"name": [NULL], "endpoint": [BLANK]}),
        ({"name": " "}, {"name": [BLANK]}),
        ({"name": "x" * 256}, {"name": ["Ensure this field has no more than 255 characters."]}),
        (
            {"endpoint": "https://e.org/" + "x" * 500},
            {"endpoint": ["Ensure this field has no more than 500 characters."]},
        ),
        ({"name": ["x"]}, {"name": ["Not a valid string."]}),
        ({"auth_level": "digest"}, {"auth_level": ['"digest" is not a valid choice.']}),
        ({"export_type": "csv"}, {"export_type": ['"csv" is not a valid choice.']}),
        ({"active": "maybe"}, {"active": ["Must be a valid boolean."]}),
        ({"email_notification": None}, {"email_notification": [NULL]}),
        ({"settings": None}, {"settings": [NULL]}),
        ({"subset_fields": None}, {"subset_fields": [NULL]}),
        ({"subset_fields": "x"}, {"subset_fields": ['Expected a list of items but got type "str".']}),
        ({"endpoint": "ftp://e.org/"}, {"endpoint": ["Invalid scheme"]}),
        ({"endpoint": "httpfoo"}, {"endpoint": ["Invalid scheme"]}),
        ({"endpoint": "http://"}, {"endpoint": ["Invalid scheme"]}),
        ({"endpoint": "http://10.1.2.3/x"}, {"endpoint": ["http://10.1.2.3/x is not allowed"]}),
        ({"payload_template": "{"}, {"payload_template": ["Invalid JSON"]}),
        ({"payload_template": '{"a": "%SUBMISSION%"}'}, {"payload_template": ["Invalid JSON"]}),
        (
            {"payload_template": "[%SUBMISSION%]", "export_type": "xml"},
            {"payload_template": ["Can be used only with JSON submission format"]},
        ),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_the_contract(
    app: App, asset: str, sent: dict[str, Any], told: dict[str, list[str]]
) -> None:
    assert post(app, asset, {"name": "ERP", "endpoint": ENDPOINT, **sent}) == (400, told)
    uid = post(app, asset, {"name": "ERP", "endpoint": ENDPOINT})[1]["uid"]
    answer = app.send("PATCH", f"/api/v2/assets/{asset}/hooks/{uid}/", sent)
    assert (answer.status, answer.json()) == (400, told)


def test_all_that_is_missing_is_said_at_once(app: App, asset: str) -> None:
    assert post(app, asset, {}) == (400, {"endpoint": [REQUIRED], "name": [REQUIRED]})


def test_a_body_that_is_no_json_is_a_parse_error(app: App, asset: str) -> None:
    headers = {"content-type": "application/json"}
    answer = app.call("POST", f"/api/v2/assets/{asset}/hooks/", body=b"{", headers=headers)
    assert answer.status == 400
    assert answer.json()["detail"].startswith("JSON parse error - ")


def test_a_number_for_a_name_becomes_a_string(app: App, asset: str) -> None:
    status, hook = post(app, asset, {"name": 7, "endpoint": f"  {ENDPOINT} "})
    assert (status, hook["name"], hook["endpoint"]) == (201, "7", ENDPOINT)


def test_the_request_of_section_6_is_sent(world: World) -> None:
    world.change_hook(
        auth_level="basic_auth",
        settings={"username": "u", "password": "p", "custom_headers": {"X-Token": "1234abcd"}},
        subset_fields=["who", "age"],
        payload_template='{"fields": %SUBMISSION%}',
    )
    world.submit(name="Ana", age="34", member=[{"who": "Bo"}])
    world.run(0)
    (request,) = world.requests
    body = '{"fields": {"member": [{"member/who": "Bo"}], "age": "34"}}'
    assert (request.method, request.path, request.body.decode()) == ("POST", "/in", body)
    sent = {name: request.header(name) for name in ("Accept", "Content-Type", "X-Token", "Authorization")}
    assert sent == {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "X-Token": "1234abcd",
        "Authorization": "Basic dTpw",
    }
    assert request.header("Content-Length") == str(len(body))


def test_a_receiver_of_connectors_finds_what_it_needs(world: World) -> None:
    world.submit()
    world.run(0)
    body = world.requests[0].json()
    assert {"_id", "__version__", "_xform_id_string"} <= set(body)
    assert body["_xform_id_string"] == world.asset


# §10, what is not in tests/integration/test_{hooks,ladder,logs,retries}.py


def test_success_goes_through_pending_and_processing(world: World) -> None:
    seen: list[int] = []
    sid = world.submit()
    seen.append(world.log(sid)["status"])
    item = world.claim(sid, 1)
    seen.append(world.log(sid)["status"])
    world.clock.forward(item["lease"] / 1000 - world.clock.time)
    world.run(240)
    seen.append(world.log(sid)["status"])
    assert seen == [1, 3, 2]


def test_503_is_retried_to_the_end_of_the_ladder_then_failed(world: World) -> None:
    world.receiver.answer = Answer(503, b'{"error": "gateway timeout"}')
    sid = world.submit()
    world.run(8_000)
    log = world.log(sid)
    assert (log["status"], log["status_str"], log["tries"], log["status_code"]) == (0, "failed", 4, 503)
    assert json.loads(log["message"]) == {"error": "gateway timeout"}
    hook = world.app.get(world.hook_path()).json()
    assert (hook["success_count"], hook["failed_count"], hook["pending_count"]) == (0, 1, 0)


def test_a_new_hook_counts_for_the_very_next_submission_and_not_for_older_ones(world: World) -> None:
    world.submit()
    later = world.app.add_hook(world.asset, world.receiver.url("/later"), name="Later")
    world.submit()
    world.run(0)
    assert sorted(request.path for request in world.requests) == ["/in", "/in", "/later"]
    world.app.send("PATCH", f"/api/v2/assets/{world.asset}/hooks/{later}/", {"active": False})
    world.app.call("DELETE", world.hook_path())
    world.submit()
    world.run(600)
    assert len(world.requests) == 3


def test_a_json_submission_is_relayed_too(world: World) -> None:
    data = {
        "id": world.asset,
        "submission": {
            "name": "Ana",
            "age": 34,
            "meta": {"instanceID": "uuid:f3d8dc65-91a6-4d0f-9e97-802128083390"},
        },
    }
    answer = world.app.send("POST", "/submission", data)
    assert answer.status == 201, answer.text
    world.run(0)
    body = world.requests[0].json()
    assert (body["name"], body["age"], body["_submitted_by"]) == ("Ana", "34", "ann")
