"""``…/logs/{log}/attempts/``: every attempt of a delivery, and what was known of it."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from formrelay import clock, ids
from formrelay.settings import settings
from formrelay.storage import attempts, deliveries
from tests.support.aws import stored
from tests.support.calls import counting, crashing, doing, failing
from tests.support.grants import grant
from tests.support.receiver import Answer
from tests.support.world import World

NOT_FOUND = {"detail": "Not found."}


def path(world: World, sid: int) -> str:
    return world.hook_path(f"logs/{ids.delivery_uid(world.hook, sid)}/attempts/")


def listed(world: World, sid: int, **parameters: str) -> dict[str, Any]:
    answer = world.app.get(path(world, sid), **parameters)
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def numbers(world: World, sid: int, **parameters: str) -> list[int]:
    return [attempt["number"] for attempt in listed(world, sid, **parameters)["results"]]


def at(world: World, seconds: float) -> str:
    """A time of the world as the API writes it."""
    return clock.iso_micro(int((world.clock.time - world.time + seconds) * 1000))


def stored_attempts(world: World) -> list[dict[str, Any]]:
    return [item for item in stored(world.app.settings.data_table) if item["pk"]["S"].startswith("T#h")]


def test_a_delivery_that_was_not_tried_has_no_attempts(world: World) -> None:
    sid = world.submit()
    assert listed(world, sid) == {"count": 0, "next": None, "previous": None, "results": []}


def test_the_first_attempt_that_arrives_has_all_its_facts_and_no_item_of_its_own(world: World) -> None:
    world.receiver.answer = Answer(201, b'{"id": 7}')
    sid = world.submit()
    world.run(0)
    page = listed(world, sid)
    (attempt,) = page["results"]
    assert page["count"] == 1
    body = world.requests[0].body
    assert attempt.pop("duration_ms") >= 0
    assert attempt == {
        "number": 1,
        "date_started": at(world, 0),
        "outcome": "success",
        "status_code": 201,
        "address": "127.0.0.1",
        "message": '{"id": 7}',
        "body_sha256": hashlib.sha256(body).hexdigest(),
        "body_size": len(body),
        "hook_revision": 0,
        "manual": False,
        "replay": None,
        "interrupted": False,
        "date_next": None,
    }
    assert stored_attempts(world) == []


def test_every_attempt_of_a_ladder_is_listed_newest_first_with_its_next(world: World) -> None:
    world.receiver.script.extend([Answer(503, b"busy"), Answer(404, b"nothing here")])
    sid = world.submit()
    world.run(0)
    (first,) = listed(world, sid)["results"]
    assert (first["outcome"], first["status_code"], first["message"]) == ("http", 503, "busy")
    assert first["date_next"] == at(world, 60)
    world.run(60)
    second = listed(world, sid)["results"][0]
    assert (second["status_code"], second["date_next"]) == (404, at(world, 660))
    world.run(600)
    page = listed(world, sid)
    assert [(a["number"], a["outcome"], a["date_started"]) for a in page["results"]] == [
        (3, "success", at(world, 660)),
        (2, "http", at(world, 60)),
        (1, "http", at(world, 0)),
    ]
    assert page["count"] == 3
    assert [a["date_next"] for a in page["results"]] == [None, at(world, 660), at(world, 60)]


def test_the_last_failure_has_no_next(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(8_000)
    page = listed(world, sid)
    assert [a["number"] for a in page["results"]] == [4, 3, 2, 1]
    assert page["results"][0]["date_next"] is None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(301, headers={"Location": "http://127.0.0.1:1/"}), "redirect"),
        (Answer(hang_up=True), "broken"),
        (Answer(raw=b"hello\r\n\r\n"), "protocol"),
    ],
)
def test_an_attempt_names_its_kind_of_failure_and_the_address_it_reached(
    world: World, answer: Answer, kind: str
) -> None:
    world.receiver.answer = answer
    sid = world.submit()
    world.run(0)
    (attempt,) = listed(world, sid)["results"]
    assert (attempt["outcome"], attempt["address"]) == (kind, "127.0.0.1")
    assert attempt["body_size"] == len(world.requests[0].body)


def test_an_attempt_that_reached_nobody_has_no_address(world: World) -> None:
    world.change_hook(endpoint="http://127.0.0.1:1/in")
    sid = world.submit()
    world.run(0)
    (attempt,) = listed(world, sid)["results"]
    assert (attempt["outcome"], attempt["address"], attempt["status_code"]) == ("connect", None, None)
    assert attempt["hook_revision"] == 1


def test_an_attempt_for_which_nothing_could_be_made_has_no_body(world: World) -> None:
    sid = world.submit()
    world.change_hook(active=False)
    world.run(0)
    (attempt,) = listed(world, sid)["results"]
    assert (attempt["outcome"], attempt["body_size"], attempt["body_sha256"]) == ("unusable", None, None)


def test_a_vanished_attempt_is_marked_as_interrupted(world: World) -> None:
    sid = world.submit()
    world.claim(sid, 1)
    world.lose_queues()
    world.run(120)
    arrived, vanished = listed(world, sid)["results"]
    assert (arrived["number"], arrived["interrupted"]) == (2, False)
    assert (vanished["number"], vanished["interrupted"]) == (1, True)
    assert vanished["date_started"] == at(world, 0)
    assert (vanished["duration_ms"], vanished["body_sha256"], vanished["hook_revision"]) == (None, None, None)
    assert "may have been delivered" in vanished["message"]


def test_a_retry_by_hand_is_marked_and_shows_what_follows_now(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(30)
    world.retry(sid)
    manual, first = listed(world, sid)["results"]
    assert (manual["number"], manual["manual"], first["manual"]) == (2, True, False)
    assert manual["date_next"] == at(world, 90)
    assert first["date_next"] == at(world, 60)


def test_a_retry_that_is_due_at_once_shows_as_next(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(30)
    world.app.lambdas.down.add(world.app.settings.deliver_function)
    world.retry(sid)
    assert listed(world, sid)["results"][0]["date_next"] == at(world, 30)


def test_a_replay_loses_no_fact_of_what_arrived_before(world: World) -> None:
    sid = world.submit()
    world.run(0)
    (before,) = listed(world, sid)["results"]
    world.receiver.answer = Answer(202, b"again")
    assert world.retry(sid, "force=true").status == 200
    replay, first = listed(world, sid)["results"]
    assert first == before
    assert (replay["number"], replay["status_code"], replay["replay"]) == (2, 202, 1)
    world.receiver.answer = Answer(500)
    world.retry(sid, "force=true")
    failed, *rest = listed(world, sid)["results"]
    assert rest == [replay, first]
    assert (failed["number"], failed["outcome"], failed["replay"]) == (3, "http", 2)


def test_a_replay_that_comes_too_late_moves_nothing(world: World) -> None:
    sid = world.submit()
    world.run(0)
    with doing("dynamodb.TransactWriteItems", lambda: world.retry(sid, "force=true")):
        assert world.retry(sid, "force=true").status == 400
    assert numbers(world, sid) == [2, 1]
    assert len(world.requests) == 2


def test_a_replay_waits_for_another_write_to_end(world: World) -> None:
    sid = world.submit()
    world.run(0)
    reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
    with failing(
        "dynamodb.TransactWriteItems", "TransactionCanceledException", times=2, CancellationReasons=reasons
    ):
        assert world.retry(sid, "force=true").status == 200
    assert numbers(world, sid) == [2, 1]


# Durability and cost


def test_a_process_that_dies_before_it_concludes_leaves_no_attempt_twice(world: World) -> None:
    world.receiver.script.append(Answer(500))
    sid = world.submit()
    with crashing("dynamodb.TransactWriteItems"):
        world.run(0)
    assert numbers(world, sid) == []
    world.run(600)
    kinds = [(a["number"], a["outcome"]) for a in listed(world, sid)["results"]]
    assert kinds == [(2, "success"), (1, "interrupted")]


def test_a_failure_costs_no_more_calls_than_a_success_and_its_message(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.lose_queues()
    with counting() as made:
        world.hand(world.message(sid, 1), "first")
    # The fourth call counts the failure for the hook's health.
    assert made == {
        "dynamodb.UpdateItem": 2,
        "dynamodb.BatchGetItem": 1,
        "dynamodb.TransactWriteItems": 1,
        "sqs.SendMessage": 1,
    }


def test_a_conflict_of_transactions_delays_the_end_of_a_failed_attempt(world: World) -> None:
    world.receiver.script.append(Answer(500))
    sid = world.submit()
    reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
    with failing(
        "dynamodb.TransactWriteItems", "TransactionCanceledException", times=3, CancellationReasons=reasons
    ):
        world.run(0)
    assert numbers(world, sid) == [1]


def test_failed_attempts_expire_as_the_operator_says(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_ATTEMPT_RETENTION", "7")
    settings.cache_clear()
    world.receiver.answer = Answer(500)
    world.submit()
    world.run(0)
    (item,) = stored_attempts(world)
    assert int(item["expires"]["N"]) == int(world.clock.time) + 7 * 86_400


def test_what_expired_is_not_counted(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(8_000)
    from formrelay.storage import keys, table

    for number in (1, 2):
        table.delete(world.app.settings.data_table, keys.attempt(world.hook, sid, number))
    page = listed(world, sid)
    assert (page["count"], [a["number"] for a in page["results"]]) == (2, [4, 3])
    for number in (3, 4):
        table.delete(world.app.settings.data_table, keys.attempt(world.hook, sid, number))
    assert listed(world, sid)["count"] == 0


def test_attempts_are_gone_with_their_hook(world: World) -> None:
    world.receiver.answer = Answer(500)
    failed, retried = world.submit(), world.submit()
    world.run(0)
    world.receiver.answer = Answer()
    world.run(60)
    world.retry(retried, "force=true")
    assert len(stored_attempts(world)) == 3
    assert world.app.call("DELETE", world.hook_path()).status == 204
    world.run(120)
    assert stored_attempts(world) == []
    assert deliveries.get(world.hook, failed) is None


def test_attempts_of_a_delivery_that_finds_its_hook_gone_go_with_it(world: World) -> None:
    from formrelay.storage import keys, table

    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(0)
    table.delete(world.app.settings.data_table, keys.hook(world.asset, world.hook))
    world.run(60)
    assert deliveries.get(world.hook, sid) is None
    assert attempts.oldest(world.hook, sid) is None


# Pages and rights


@pytest.fixture
def many(world: World) -> int:
    """A delivery with six failed attempts and one that arrived."""
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(0)
    for _ in range(5):
        world.retry(sid)
    world.receiver.answer = Answer()
    world.retry(sid)
    return sid


def test_attempts_come_in_pages(world: World, many: int) -> None:
    page = listed(world, many, limit="3")
    assert [a["number"] for a in page["results"]] == [7, 6, 5]
    assert page["count"] == 7
    assert page["next"] == f"https://kf.example.org{path(world, many)}?limit=3&start=3"
    assert numbers(world, many, limit="3", start="3") == [4, 3, 2]
    last = listed(world, many, limit="3", start="6")
    assert ([a["number"] for a in last["results"]], last["next"]) == ([1], None)
    assert numbers(world, many, limit="1") == [7]
    assert numbers(world, many, start="7") == []
    assert numbers(world, many, start="99") == []


def test_a_page_reads_no_more_than_it_shows(world: World, many: int) -> None:
    with counting() as made:
        numbers(world, many, limit="2", start="2")
    assert made["dynamodb.Query"] <= 3  # the rights, the oldest, the page


@pytest.mark.parametrize("spelling", ["attempts", "attempts/", "attempts.json"])
def test_attempts_answer_under_every_spelling(world: World, many: int, spelling: str) -> None:
    log = ids.delivery_uid(world.hook, many)
    assert world.app.get(world.hook_path(f"logs/{log}/{spelling}")).status == 200


def test_attempts_are_for_those_who_may_see_the_log(world: World, many: int) -> None:
    world.app.add_user("bob")
    assert world.app.get(path(world, many), user="bob").status == 404
    assert world.app.get(path(world, many), user=None).status == 404
    grant(world.asset, "bob", "view_asset", "change_asset", "view_submissions")
    assert world.app.get(path(world, many), user="bob").status == 200


def test_an_unknown_log_has_no_attempts(world: World) -> None:
    for log in ("hl" + "2" * 21, "x"):
        answer = world.app.get(world.hook_path(f"logs/{log}/attempts/"))
        assert (answer.status, answer.json()) == (404, NOT_FOUND)


def test_attempts_cannot_be_made_or_deleted(world: World, many: int) -> None:
    for method in ("POST", "PATCH", "DELETE"):
        assert world.app.call(method, path(world, many)).status == 405
