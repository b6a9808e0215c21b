"""``…/hooks/{hook}/test/``: a request that is sent like any other, and leaves no delivery."""

from __future__ import annotations

import json
from typing import Any

import pytest

from formrelay.settings import settings
from tests.integration.test_hook_preview import assert_same, header
from tests.support.app import Answer, LambdaContext
from tests.support.aws import messages, stored
from tests.support.calls import doing
from tests.support.receiver import Answer as Reply
from tests.support.world import World


def send(world: World, fields: dict[str, Any] | None = None, submission: str = "") -> Answer:
    body = b"" if fields is None else json.dumps(fields).encode()
    query = f"submission={submission}" if submission else ""
    headers = {"content-type": "application/json"}
    return world.app.call("POST", world.hook_path("test/"), body=body, headers=headers, query=query)


def try_out(world: World, fields: dict[str, Any] | None = None, submission: str = "") -> dict[str, Any]:
    answer = send(world, fields, submission)
    assert answer.status == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


# What is sent


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"export_type": "xml", "subset_fields": ["name"]},
        {"auth_level": "basic_auth", "settings": {"username": "u", "password": "p"}},
    ],
)
def test_what_is_shown_as_sent_is_what_the_receiver_got(world: World, fields: dict[str, Any]) -> None:
    world.change_hook(**fields)
    world.app.send("POST", world.hook_path("secret/"))
    world.submit()
    result = try_out(world)
    (request,) = world.requests
    assert_same(result["request"], request)


def test_a_test_differs_from_the_delivery_in_its_mark_and_its_ids_only(world: World) -> None:
    world.submit()
    try_out(world)
    world.run(0)
    test, real = world.requests
    assert test.body == real.body
    assert test.header("formrelay-test") == "1"
    assert real.header("formrelay-test") is None
    own = ("webhook-id", "Idempotency-Key")
    assert all(test.header(name) != real.header(name) for name in own)
    assert test.header("webhook-id") == test.header("Idempotency-Key")
    rest = [pair for pair in test.headers if pair[0] not in (*own, "formrelay-test")]
    assert rest == [pair for pair in real.headers if pair[0] not in own]


def test_each_test_has_an_id_of_its_own(world: World) -> None:
    for _ in range(2):
        try_out(world)
    first, second = (request.header("webhook-id") for request in world.requests)
    assert first != second


def test_the_answer_tells_code_time_and_what_the_receiver_said(world: World) -> None:
    world.receiver.answer = Reply(202, b'{"taken": true}', delay=0.05)
    result = try_out(world)
    assert (result["outcome"], result["status_code"], result["detail"]) == ("success", 202, '{"taken": true}')
    assert 50 <= result["duration_ms"] < 20_000
    assert list(result) == ["status_code", "duration_ms", "outcome", "detail", "request"]


def test_a_project_without_submissions_sends_its_sample(world: World) -> None:
    result = try_out(world)
    assert result["request"]["sample"] is True
    assert world.requests[0].json()["name"] == "Sample answer"


def test_a_submission_can_be_named_and_a_sample_asked_for(world: World) -> None:
    sid = world.submit(name="first")
    world.clock.forward(1)
    world.submit(name="second")
    try_out(world, submission=str(sid))
    try_out(world, submission="sample")
    try_out(world)
    names = [request.json()["name"] for request in world.requests]
    assert names == ["first", "Sample answer", "second"]


# No delivery


def test_a_test_leaves_no_delivery_no_log_and_no_message(world: World) -> None:
    world.submit()
    world.run(0)
    table = world.app.settings.data_table

    def deliveries() -> list[dict[str, Any]]:
        return [item for item in stored(table) if item["pk"]["S"] == f"H#{world.hook}"]

    before = deliveries()
    for reply in (Reply(200), Reply(500)):
        world.receiver.answer = reply
        try_out(world)
    assert deliveries() == before
    assert len(world.app.logs(world.asset, world.hook)) == 1
    for queue in (settings().first_queue, settings().retry_queue, settings().report_queue):
        assert messages(queue) == []
    world.run(7200)
    assert len(world.requests) == 3
    assert world.mails == []


def test_a_hook_that_is_switched_off_can_be_tested(world: World) -> None:
    world.change_hook(active=False)
    assert try_out(world)["outcome"] == "success"


def test_fields_that_are_not_saved_are_tried_and_stay_unsaved(world: World) -> None:
    world.change_hook(auth_level="basic_auth", settings={"username": "u", "password": "p"})
    hook = world.app.get(world.hook_path()).json()
    changes = {
        **hook,
        "endpoint": world.receiver.url("/other"),
        "payload_template": '{"x": %SUBMISSION%}',
        "subset_fields": ["name"],
    }
    result = try_out(world, changes)
    (request,) = world.requests
    assert_same(result["request"], request)
    assert request.path == "/other"
    assert request.json() == {"x": {"name": "Sample answer"}}
    assert request.header("Authorization") == "Basic dTpw"
    assert header(result["request"], "Authorization") == "Basic ********"
    assert world.app.get(world.hook_path()).json() == hook


# Whatever the destination does


@pytest.mark.parametrize(
    ("reply", "outcome", "code", "detail"),
    [
        (Reply(503, b"<b>down</b>"), "http", 503, "down"),
        (Reply(302, headers={"Location": "http://10.0.0.1/"}), "redirect", 302, "http://10.0.0.1/"),
        (Reply(hang_up=True), "broken", None, "the connection ended"),
        (Reply(raw=b"SSH-2.0\r\n"), "protocol", None, "not valid HTTP"),
        (Reply(200, endless=True), "success", 200, "[cut]"),
        (Reply(410), "http", 410, ""),
    ],
)
def test_a_failure_is_an_answer_and_no_error(
    world: World, reply: Reply, outcome: str, code: int | None, detail: str
) -> None:
    world.receiver.answer = reply
    result = try_out(world)
    assert (result["outcome"], result["status_code"]) == (outcome, code)
    assert detail in result["detail"]
    assert len(result["detail"].encode()) <= 4096
    assert result["request"]["size"] > 0
    assert len(world.requests) == 1


def test_a_slow_receiver_is_given_up_in_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_TOTAL_TIMEOUT", "0.3")
    settings.cache_clear()
    world.receiver.answer = Reply(delay=5)
    result = try_out(world)
    assert (result["outcome"], result["status_code"]) == ("timeout", 504)
    assert 300 <= result["duration_ms"] < 3_000


def test_a_test_ends_while_somebody_waits_however_long_an_attempt_may_take(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functions.deliver import app as deliver

    monkeypatch.setenv("FORMRELAY_TOTAL_TIMEOUT", "40")
    settings.cache_clear()
    world.receiver.answer = Reply(delay=5)
    event: dict[str, Any] = {
        "test": {"asset": world.asset, "hook": world.hook, "sid": None, "origin": "", "changes": {}}
    }
    result = deliver.handler(event, LambdaContext(5.3))
    assert result["outcome"] == "timeout"
    assert result["duration_ms"] < 3_000


def test_an_address_that_became_forbidden_is_not_reached(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORMRELAY_ALLOW_NETWORKS", "")
    settings.cache_clear()
    result = try_out(world)
    assert result["outcome"] == "forbidden"
    assert result["detail"] == f"{world.receiver.url()} is not allowed"
    assert (world.requests, world.receiver.connections) == ([], 0)


def test_a_hook_that_cannot_be_sent_says_why(world: World) -> None:
    world.submit(name="x" * 100_000)
    result = try_out(world, {"payload_template": "[" + "%SUBMISSION%," * 200 + "0]"})
    assert (result["outcome"], result["status_code"], result["request"]) == ("unusable", None, None)
    assert result["detail"].startswith("The hook cannot be sent: the custom wrapper makes a body")
    assert world.requests == []


# Limits and faults of ours


def test_ten_tests_a_minute_and_hook_are_sent_and_no_more(world: World) -> None:
    other = world.app.add_hook(world.asset, world.receiver.url("/other"))
    for _ in range(10):
        try_out(world)
    world.clock.forward(20)
    answer = send(world)
    assert (answer.status, answer.headers["retry-after"]) == (429, "40")
    assert answer.json() == {"detail": "Request was throttled. Expected available in 40 seconds."}
    assert len(world.requests) == 10
    assert world.app.send("POST", f"/api/v2/assets/{world.asset}/hooks/{other}/test/").status == 200
    world.clock.forward(40)
    assert [send(world).status for _ in range(11)] == [200] * 10 + [429]


def test_a_refused_test_does_not_count(world: World) -> None:
    for _ in range(11):
        assert send(world, {"endpoint": "ftp://x"}).status == 400
        assert send(world, submission="17").status == 404
    assert send(world).status == 200


def test_the_first_tests_of_two_windows_at_once_are_both_counted(world: World) -> None:
    with doing("dynamodb.UpdateItem", lambda: [try_out(world) for _ in range(4)], number=2):
        try_out(world)
    assert [send(world).status for _ in range(6)] == [200] * 5 + [429]


def test_a_deliver_function_out_of_reach_is_503(world: World) -> None:
    world.app.lambdas.down.add(settings().deliver_function)
    answer = send(world)
    assert (answer.status, answer.json()) == (503, {"detail": "Temporarily unavailable"})
    assert int(answer.headers["retry-after"]) > 0
    assert world.requests == []


def test_a_hook_that_is_deleted_meanwhile_is_not_found(world: World) -> None:
    with doing("dynamodb.UpdateItem", lambda: world.app.call("DELETE", world.hook_path())):
        answer = send(world)
    assert (answer.status, answer.json()) == (404, {"detail": "Not found."})
    assert world.requests == []


def test_the_log_of_a_test_holds_neither_credentials_nor_answers(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="formrelay")
    world.submit(name="a very private answer")
    fields = {
        "auth_level": "basic_auth",
        "settings": {"username": "u", "password": "pass-7Qx", "custom_headers": {"X-Key": "key-9Zw"}},
    }
    try_out(world, fields)
    logged = json.dumps([record.__dict__ for record in caplog.records], default=repr)
    assert "hook tested" in logged
    assert [text for text in ("private answer", "pass-7Qx", "key-9Zw", "dTpw") if text in logged] == []


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_test_is_made_by_post_alone(world: World, method: str) -> None:
    assert world.app.send(method, world.hook_path("test/")).status == 405
    assert world.requests == []
