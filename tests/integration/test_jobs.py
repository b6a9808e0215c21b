"""Background jobs: what a request began goes on after it, after crashes too (design §7, "Bulk operations")."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from formrelay import jobs
from formrelay.resends import jobs as resends
from formrelay.resends import retries
from formrelay.storage import deliveries, keys, table, typed
from tests.support.aws import stored
from tests.support.calls import answering, counting, crashing, doing, failing
from tests.support.failures import out_of_reach
from tests.support.receiver import Answer
from tests.support.world import World

if TYPE_CHECKING:
    import pytest

FAILED, PENDING, SUCCESS = 0, 1, 2


def open_jobs(world: World) -> list[str]:
    """Kinds of the jobs that are not done."""
    items = stored(world.app.settings.data_table)
    return [item["kind"]["S"] for item in items if item["pk"]["S"].startswith("J#") and "sweep_at" in item]


def fail(world: World, number: int) -> list[int]:
    """Submissions that failed for good before anything was sent."""
    with out_of_reach():
        sids = [world.submit() for _ in range(number)]
        world.run(0)
    return sids


def put_deliveries(world: World, number: int, status: int = SUCCESS) -> None:
    for sid in range(1, number + 1):
        item = deliveries.new(world.asset, world.hook, sid, origin="", now=0, due_at=0, sweep_at=0)
        trouble = {"trouble": keys.trouble(world.hook, "failed")} if status == FAILED else {}
        unswept = {name: value for name, value in item.items() if not name.startswith("sweep")}
        table.put(world.app.settings.data_table, {**unswept, "status": status, **trouble})


def work(world: World, job: dict[str, Any], seconds: float = 60) -> str:
    """One turn with a job, as it stands now."""
    found = table.get(world.app.settings.data_table, {"pk": job["pk"], "sk": job["sk"]})
    return jobs.work(found or job, time.monotonic() + seconds)


def retry_job(world: World, **filters: Any) -> dict[str, Any]:
    return resends.retry(world.asset, world.hook, retries.Filters(**filters))


# Retrying all


def test_a_retry_of_all_is_done_when_its_attempts_have_ended(world: World) -> None:
    fail(world, 2)
    assert world.app.call("PATCH", world.hook_path("retry/")).status == 200
    assert open_jobs(world) == ["retry-hook"]
    world.run(60)
    assert open_jobs(world) == []


def test_a_retry_of_all_goes_on_after_a_crash(world: World) -> None:
    sids = fail(world, 25)
    with crashing("sqs.SendMessageBatch", 2):
        world.app.call("PATCH", world.hook_path("retry/"))
    assert open_jobs(world) == ["retry-hook"]
    world.run(240)
    assert open_jobs(world) == []
    assert {world.log(sid)["status"] for sid in sids} == {SUCCESS}
    assert len(world.requests) == 25


def test_a_retry_of_all_that_stumbles_is_left_to_recovery(world: World) -> None:
    sids = fail(world, 2)
    # The first update is the job's: it is taken.
    with failing("dynamodb.UpdateItem", times=1):
        answer = world.app.call("PATCH", world.hook_path("retry/"))
    assert (answer.status, len(answer.json()["pending_uids"])) == (200, 2)
    world.run(120)
    assert {world.log(sid)["status"] for sid in sids} == {SUCCESS}


def test_what_failed_again_is_not_retried_again_by_the_same_job(world: World) -> None:
    sids = fail(world, 12)
    with out_of_reach():
        with crashing("sqs.SendMessageBatch", 2):
            world.app.call("PATCH", world.hook_path("retry/"))
        world.run(0)  # ten were tried and failed again, before the job goes on
        assert sorted(world.log(sid)["tries"] for sid in sids) == [1, 1] + 10 * [2]
        world.run(240)
    assert open_jobs(world) == []
    assert [world.log(sid)["tries"] for sid in sids] == 12 * [2]


def test_what_failed_after_the_job_was_asked_for_is_left_alone(world: World) -> None:
    job = retry_job(world)
    world.run(10)
    (sid,) = fail(world, 1)
    assert work(world, job) == "job done"
    assert (world.log(sid)["status"], world.log(sid)["tries"]) == (FAILED, 1)


def test_a_job_stops_when_its_time_is_over_and_stays_due(world: World) -> None:
    fail(world, 2)
    job = retry_job(world)
    assert work(world, job, 0) == "job"
    assert open_jobs(world) == ["retry-hook"]
    assert world.queued("retry") == []
    assert work(world, job) == "job"
    assert len(world.queued("retry")) == 2
    world.run(0)
    assert work(world, job) == "job done"


def test_a_retry_of_many_reads_them_a_hundred_at_a_time(world: World) -> None:
    put_deliveries(world, 250, FAILED)
    with counting() as made:
        work(world, retry_job(world))
    # To select a page and to make it due in tens; ten to a call of the queue.
    assert made["dynamodb.BatchGetItem"] == 3 + 25
    assert made["sqs.SendMessageBatch"] == 25


# Purging


def test_the_deliveries_of_a_deleted_hook_are_removed(world: World) -> None:
    put_deliveries(world, 60)
    sid = world.submit()
    world.app.call("DELETE", world.hook_path())
    assert open_jobs(world) == ["purge-hook"]
    world.run(60)
    assert open_jobs(world) == []
    assert list(deliveries.newest_first(world.hook)) == []
    assert world.sids() == [sid]


def test_a_purge_takes_the_deliveries_in_pages(world: World) -> None:
    put_deliveries(world, 230)
    job = jobs.purge_hook(world.hook)
    with counting() as made:
        assert work(world, job) == "job done"
    # 100 a page, 25 a write.
    # The fourth query is for the hook's own jobs, the read is the test's.
    assert made == {
        "dynamodb.Query": 5,
        "dynamodb.BatchWriteItem": 10,
        "dynamodb.DeleteItem": 1,
        "dynamodb.GetItem": 1,
    }


def test_a_purge_goes_on_after_a_crash(world: World) -> None:
    put_deliveries(world, 60)
    world.app.call("DELETE", world.hook_path())
    with crashing("dynamodb.BatchWriteItem", 2):
        world.run(60)
    assert len(list(deliveries.newest_first(world.hook))) == 35
    world.run(60)
    assert list(deliveries.newest_first(world.hook)) == []
    assert open_jobs(world) == []


def test_a_purge_asks_again_for_what_was_not_written(world: World) -> None:
    put_deliveries(world, 3)
    keys_left = [{"DeleteRequest": {"Key": typed.marshal_item(keys.delivery(world.hook, 2))}}]
    rest = {world.app.settings.data_table: keys_left}
    with answering("dynamodb.BatchWriteItem", {"UnprocessedItems": rest}), counting() as made:
        jobs.work(jobs.purge_hook(world.hook), time.monotonic() + 60)
    assert made["dynamodb.BatchWriteItem"] == 2
    assert sorted(item["sid"] for item in deliveries.newest_first(world.hook)) == [1, 3]


def test_a_delivery_in_flight_is_not_brought_back_by_its_outcome(world: World) -> None:
    sid = world.submit()
    world.receiver.answer = Answer(500)

    def delete() -> None:
        world.app.call("DELETE", world.hook_path())
        world.sweep()

    # Between the POST and the record of its outcome.
    with doing("dynamodb.TransactWriteItems", delete):
        world.run(0)
    assert len(world.posts) == 1
    assert deliveries.get(world.hook, sid) is None
    assert world.queued("retry") == []


def test_a_last_failure_after_the_purge_is_not_reported(world: World) -> None:
    sid = world.submit()
    world.receiver.answer = Answer(410)

    def delete() -> None:
        world.app.call("DELETE", world.hook_path())
        world.sweep()

    with doing("dynamodb.TransactWriteItems", delete):
        world.run(0)
    assert deliveries.get(world.hook, sid) is None
    world.run(600)
    assert world.mails == []


def test_a_job_of_an_unknown_kind_is_said_and_kept(world: World, caplog: pytest.LogCaptureFixture) -> None:
    job = {**jobs.purge_hook(world.hook), "kind": "nosuch"}
    table.put(world.app.settings.data_table, job)
    assert work(world, job) == "unknown job"
    assert open_jobs(world) == ["nosuch"]
    assert any(record.levelname == "ERROR" for record in caplog.records)
