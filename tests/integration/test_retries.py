"""Retries by hand: of one delivery while the caller waits, of all of a hook (contract rest-services §5)."""

from __future__ import annotations

from typing import Any

import pytest

from formrelay import ids
from formrelay.settings import settings
from formrelay.storage import deliveries
from tests.support.calls import crashing, doing, failing
from tests.support.failures import out_of_reach
from tests.support.receiver import Answer
from tests.support.world import World

BUSY = {"detail": "Data is being or has already been processed", "status_code": None}
QUEUED = {"detail": "The retry is queued", "status_code": None}
NOTHING = {"detail": "No data to retry", "pending_uids": []}
FAILED, PENDING, SUCCESS, PROCESSING = 0, 1, 2, 3


def told(answer: Any) -> tuple[int, Any]:
    return answer.status, answer.json()


def fail(world: World, number: int = 1) -> list[int]:
    """Submissions that failed for good before anything was sent, newest first."""
    with out_of_reach():
        sids = [world.submit() for _ in range(number)]
        world.run(0)
    return sorted(sids, reverse=True)


def uids(world: World, sids: list[int]) -> list[str]:
    return [ids.delivery_uid(world.hook, sid) for sid in sids]


def retry_all(world: World) -> tuple[int, Any]:
    return told(world.app.call("PATCH", world.hook_path("retry/")))


# One


def test_a_failed_delivery_is_sent_while_its_owner_waits(world: World) -> None:
    (sid,) = fail(world)
    world.receiver.answer = Answer(201, b'{"id": 7}')
    assert told(world.retry(sid)) == (200, {"detail": '{"id": 7}', "status_code": 201})
    log = world.log(sid)
    assert (log["status"], log["tries"], log["status_code"]) == (SUCCESS, 2, 201)
    (request,) = world.requests
    assert request.header("Idempotency-Key") == log["uid"]
    assert request.header("formrelay-attempt") == "2"
    assert request.header("formrelay-replay") is None


@pytest.mark.parametrize("spelling", ["retry", "retry/", "retry.json"])
def test_the_retry_answers_under_every_spelling(world: World, spelling: str) -> None:
    (sid,) = fail(world)
    answer = world.app.call("PATCH", world.hook_path(f"logs/{uids(world, [sid])[0]}/{spelling}"))
    assert answer.status == 200


def test_a_retry_may_carry_an_empty_json_body(world: World) -> None:
    (sid,) = fail(world)
    headers = {"content-type": "application/json"}
    answer = world.app.call("PATCH", world.hook_path(f"logs/{uids(world, [sid])[0]}/retry/"), headers=headers)
    assert answer.status == 200


def test_a_retry_that_fails_says_how(world: World) -> None:
    (sid,) = fail(world)
    world.receiver.answer = Answer(500, b"boom")
    assert told(world.retry(sid)) == (400, {"detail": "HTTP 500 - boom", "status_code": 500})


def test_a_retry_without_any_answer_has_no_code(world: World) -> None:
    (sid,) = fail(world)
    world.change_hook(endpoint="http://127.0.0.1:1/")
    status, body = told(world.retry(sid))
    assert (status, body["status_code"]) == (400, None)
    assert body["detail"].startswith("HTTP None - An error occurred when sending data to external endpoint: ")


def test_a_retry_after_the_last_rung_fails_for_good_again(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(7000)
    assert told(world.retry(sid))[0] == 400
    log = world.log(sid)
    assert (log["status"], log["tries"]) == (FAILED, 5)
    world.run(8000)
    assert len(world.posts) == 5


def test_a_retry_of_a_waiting_delivery_takes_the_place_of_its_next_attempt(world: World) -> None:
    world.receiver.script.append(Answer(503))
    sid = world.submit()
    world.run(30)
    assert told(world.retry(sid)) == (200, {"detail": "ok", "status_code": 200})
    world.run(8000)
    assert world.posts == [0, 30]
    assert world.log(sid)["tries"] == 2


def test_a_failed_retry_of_a_waiting_delivery_starts_its_rung_again(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(70)  # two attempts: the third is due at 660
    assert told(world.retry(sid))[0] == 400
    world.run(8000)
    assert world.posts == [0, 60, 70, 670, 6672]
    assert (world.log(sid)["status"], world.log(sid)["tries"]) == (FAILED, 5)


def test_a_retry_before_the_first_attempt_is_the_first_rung(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    assert told(world.retry(sid))[0] == 400
    world.run(8000)
    assert world.posts == [0, 60, 660, 6662]


def test_an_attempt_in_flight_cannot_be_retried(world: World) -> None:
    sid = world.submit()
    world.claim(sid, 1)
    assert told(world.retry(sid)) == (400, BUSY)
    assert world.posts == []


def test_what_arrived_is_not_sent_again(world: World) -> None:
    sid = world.submit()
    world.run(0)
    assert told(world.retry(sid)) == (400, BUSY)
    assert told(world.retry(sid, "force=false")) == (400, BUSY)
    assert world.posts == [0]


def test_a_hook_that_is_off_is_not_retried(world: World) -> None:
    (sid,) = fail(world)
    world.change_hook(active=False)
    assert told(world.retry(sid)) == (400, BUSY)
    assert world.log(sid)["tries"] == 1


def test_a_delivery_that_moves_on_while_it_is_retried_is_busy(world: World) -> None:
    world.receiver.script.append(Answer(503))
    sid = world.submit()
    world.run(0)
    path = world.hook_path(f"logs/{uids(world, [sid])[0]}/retry/")
    world.clock.forward(60)
    with doing("dynamodb.UpdateItem", lambda: world.claim(sid, 2)):
        assert told(world.app.call("PATCH", path)) == (400, BUSY)


def test_two_retries_at_once_send_once(world: World) -> None:
    (sid,) = fail(world)
    answers: list[Any] = []
    with doing("dynamodb.UpdateItem", lambda: answers.append(told(world.retry(sid)))):
        answers.append(told(world.retry(sid)))
    assert answers == [(200, {"detail": "ok", "status_code": 200}), (400, BUSY)]
    assert len(world.requests) == 1


def test_a_message_from_before_the_retry_is_stale(world: World) -> None:
    world.receiver.script.append(Answer(503))
    sid = world.submit()
    world.run(0)
    world.retry(sid)
    world.run(60)
    world.hand(world.message(sid, 2))
    assert world.posts == [0, 0]


# When the function that sends cannot be reached


def test_a_retry_that_cannot_be_made_at_once_is_queued(world: World) -> None:
    (sid,) = fail(world)
    world.app.lambdas.down.add(world.app.settings.deliver_function)
    assert told(world.retry(sid)) == (200, QUEUED)
    assert world.log(sid)["status"] == PENDING
    world.run(0)
    assert world.log(sid)["status"] == SUCCESS
    assert len(world.requests) == 1


def test_a_retry_that_may_take_longer_than_a_request_is_queued(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sid,) = fail(world)
    monkeypatch.setenv("FORMRELAY_TOTAL_TIMEOUT", "30")
    settings.cache_clear()
    assert told(world.retry(sid)) == (200, QUEUED)
    assert world.requests == []
    world.run(0)
    assert world.log(sid)["status"] == SUCCESS


def test_a_retry_that_cannot_even_be_queued_is_left_to_recovery(world: World) -> None:
    (sid,) = fail(world)
    world.app.lambdas.down.add(world.app.settings.deliver_function)
    with failing("sqs.SendMessageBatch"):
        assert told(world.retry(sid)) == (200, QUEUED)
    world.run(240)
    assert world.log(sid)["status"] == SUCCESS


def test_a_retry_whose_process_dies_is_concluded_by_recovery(world: World) -> None:
    (sid,) = fail(world)
    # The claim is the second update: the first made the delivery due.
    with crashing("dynamodb.BatchGetItem"):
        world.retry(sid)
    assert world.log(sid)["status"] == PROCESSING
    world.run(600)
    log = world.log(sid)
    assert (log["status"], log["tries"]) == (SUCCESS, 3)


# What arrived, again


def test_what_arrived_is_sent_again_when_its_owner_insists(world: World) -> None:
    sid = world.submit()
    world.run(0)
    assert told(world.retry(sid, "force=true")) == (200, {"detail": "ok", "status_code": 200})
    first, second = world.requests
    assert second.header("webhook-id") == first.header("webhook-id")
    assert [request.header("formrelay-replay") for request in world.requests] == [None, "1"]
    assert told(world.retry(sid, "force=1"))[0] == 200
    assert world.requests[2].header("formrelay-replay") == "2"
    assert (world.log(sid)["status"], world.log(sid)["tries"]) == (SUCCESS, 3)


def test_the_owner_may_insist_in_the_body_too_and_in_any_spelling(world: World) -> None:
    sid = world.submit()
    world.run(0)
    path = world.hook_path(f"logs/{uids(world, [sid])[0]}/retry/")
    assert world.app.send("PATCH", path, {"force": True}).status == 200
    assert world.retry(sid, "force=yes").status == 200
    assert told(world.app.send("PATCH", path, {"force": False})) == (400, BUSY)
    assert told(world.retry(sid, "force=")) == (400, BUSY)
    assert told(world.retry(sid, "force=perhaps")) == (400, {"force": ["Must be a valid boolean."]})
    assert len(world.requests) == 3


def test_a_replay_sends_the_current_version(world: World) -> None:
    first, second = (f"uuid:{digit * 8}-1111-4111-8111-111111111111" for digit in "12")
    xml = world.app.filled(world.asset, {"name": "Ana"}, first)
    world.app.submit(xml)
    world.run(0)
    edited = xml.replace(">Ana<", ">Bea<").replace(
        f"<instanceID>{first}", f"<deprecatedID>{first}</deprecatedID><instanceID>{second}"
    )
    assert world.app.submit(edited).status == 201
    (sid,) = world.sids()
    assert world.retry(sid, "force=true").status == 200
    (record,) = world.app.records(world.asset)
    assert world.requests[1].json() == record
    assert record["name"] == "Bea"


def test_a_replay_that_fails_goes_down_the_rest_of_the_ladder(world: World) -> None:
    sid = world.submit()
    world.run(0)
    world.receiver.script.append(Answer(503))
    assert told(world.retry(sid, "force=true"))[0] == 400
    world.run(60)
    assert world.posts == [0, 0, 60]
    assert world.requests[2].header("formrelay-replay") == "1"
    assert world.log(sid)["status"] == SUCCESS


def test_what_arrived_stays_so_when_its_submission_is_deleted_and_its_owner_insists(world: World) -> None:
    sid, kept = world.submit(), world.submit()
    world.run(0)
    before = world.log(sid)
    assert world.app.call("DELETE", f"/api/v2/assets/{world.asset}/data/{sid}/").status == 204
    gone = {"detail": "Submission has been deleted", "status_code": None}
    assert told(world.retry(sid, "force=true")) == (400, gone)
    assert world.app.send("PATCH", world.hook_path("retry/"), {"force": True}).status == 200
    world.run(0)
    assert world.log(sid) == before
    assert world.log(kept)["tries"] == 2
    (job,) = world.app.get(world.hook_path("jobs/")).json()["results"]
    assert job["total"] == 1


def test_the_end_of_a_submission_can_be_told_again(world: World) -> None:
    world.change_hook(events=["submission.deleted"])
    sid = world.submit()
    assert world.app.call("DELETE", f"/api/v2/assets/{world.asset}/data/{sid}/").status == 204
    world.run(0)
    assert world.retry(sid, "force=true").status == 200
    assert [request.json()["_id"] for request in world.requests] == [sid, sid]


def test_force_means_nothing_for_an_attempt_in_flight(world: World) -> None:
    sid = world.submit()
    world.claim(sid, 1)
    assert told(world.retry(sid, "force=true")) == (400, BUSY)


# All


def test_all_failed_deliveries_are_sent_again(world: World) -> None:
    sids = fail(world, 3)
    status, body = retry_all(world)
    assert status == 200
    assert body.pop("job").startswith(f"https://kf.example.org{world.hook_path('jobs/j')}")
    assert body == {"detail": "Task successfully scheduled", "pending_uids": uids(world, sids)}
    assert {world.log(sid)["status"] for sid in sids} == {PENDING}
    world.run(0)
    assert {world.log(sid)["status"] for sid in sids} == {SUCCESS}
    assert len(world.requests) == 3


def test_with_nothing_to_retry_the_answer_says_so(world: World) -> None:
    assert retry_all(world) == (200, NOTHING)
    world.submit()
    world.run(0)
    assert retry_all(world) == (200, NOTHING)


def test_a_hook_that_is_off_cannot_be_retried(world: World) -> None:
    fail(world)
    world.change_hook(active=False)
    assert retry_all(world) == (400, {"detail": "Cannot retry on disabled hooks"})


def test_young_deliveries_are_left_to_their_ladder(world: World) -> None:
    world.receiver.answer = Answer(500)
    world.submit()
    world.run(300)  # two attempts
    assert retry_all(world) == (200, NOTHING)


def test_deliveries_that_wait_for_their_last_attempt_are_sent_again(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(700)  # three attempts, the last one 40 seconds ago
    assert retry_all(world) == (200, NOTHING)
    world.run(100)
    world.receiver.answer = Answer()
    assert retry_all(world)[1]["pending_uids"] == uids(world, [sid])
    world.run(0)
    assert world.log(sid)["status"] == SUCCESS
    world.run(8000)
    assert len(world.posts) == 4


def test_an_attempt_in_flight_is_left_alone(world: World) -> None:
    (sid,) = fail(world)
    world.app.lambdas.down.add(world.app.settings.deliver_function)
    world.retry(sid)
    world.lose_queues()
    world.claim(sid, world.item(sid)["seq"])
    assert retry_all(world) == (200, NOTHING)


def test_another_hook_is_left_alone(world: World) -> None:
    world.app.add_hook(world.asset, world.receiver.url("/other"), name="Other")
    (sid,) = fail(world)
    retry_all(world)
    world.run(0)
    assert [request.path for request in world.requests] == ["/in"]
    assert world.log(sid)["status"] == SUCCESS


def test_failures_noted_by_a_clock_that_is_ahead_are_sent_again(world: World) -> None:
    (sid,) = fail(world)
    world.clock.time -= 2
    assert retry_all(world)[1]["pending_uids"] == uids(world, [sid])
    assert world.log(sid)["status"] == PENDING


def test_queues_that_are_away_cost_time_only(world: World) -> None:
    sids = fail(world, 2)
    with failing("sqs.SendMessageBatch"):
        assert retry_all(world)[0] == 200
    world.run(240)
    assert {world.log(sid)["status"] for sid in sids} == {SUCCESS}


def test_retrying_all_twice_at_once_sends_each_once(world: World) -> None:
    sids = fail(world, 3)
    with doing("dynamodb.PutItem", lambda: retry_all(world)):
        retry_all(world)
    world.run(0)
    assert len(world.requests) == 3
    assert {world.log(sid)["tries"] for sid in sids} == {2}


def test_a_retry_of_all_that_fails_is_counted_apart_from_the_ladder(world: World) -> None:
    world.receiver.answer = Answer(500)
    sid = world.submit()
    world.run(7000)
    retry_all(world)
    world.run(8000)
    assert len(world.posts) == 5
    item = deliveries.get(world.hook, sid)
    assert item is not None
    assert (item["status"], item["rung"], item["tries"]) == (FAILED, 4, 5)
