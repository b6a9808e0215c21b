"""``…/hooks/{hook}/jobs/``: how far retries and replays of many have come."""

from __future__ import annotations

from typing import Any

import pytest

from formrelay import clock
from formrelay.settings import settings
from tests.support.aws import stored
from tests.support.calls import crashing
from tests.support.failures import out_of_reach
from tests.support.grants import grant
from tests.support.receiver import Answer
from tests.support.world import World

NOT_FOUND = {"detail": "Not found."}


def fail(world: World, number: int) -> list[int]:
    with out_of_reach():
        sids = [world.submit() for _ in range(number)]
        world.run(0)
    return sids


def retry(world: World) -> str:
    """Retries all; the path of the job."""
    answer = world.app.call("PATCH", world.hook_path("retry/"))
    assert answer.status == 200
    url: str = answer.json()["job"]
    return url.removeprefix("https://kf.example.org")


def job(world: World, path: str) -> dict[str, Any]:
    answer = world.app.get(path)
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def progress(world: World, path: str) -> tuple[Any, ...]:
    found = job(world, path)
    return found["state"], found["total"], found["done"], found["failed"]


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> int:
    """A small number of deliveries that a job may have under way."""
    monkeypatch.setenv("FORMRELAY_REPLAY_WINDOW", "3")
    settings.cache_clear()
    return 3


def test_a_job_is_followed_from_its_first_to_its_last_delivery(world: World) -> None:
    fail(world, 3)
    asked = clock.iso_micro(clock.now_ms())
    path = retry(world)
    found = job(world, path)
    uid = path.rstrip("/").rpartition("/")[2]
    assert found == {
        "url": f"https://kf.example.org{path}",
        "uid": uid,
        "kind": "retry",
        "state": "running",
        "selecting": False,
        "total": 3,
        "done": 0,
        "failed": 0,
        "left_out": 0,
        "detail": "",
        "date_created": asked,
        "date_finished": None,
    }
    world.run(60)
    found = job(world, path)
    assert (found["state"], found["total"], found["done"], found["failed"]) == ("done", 3, 3, 0)
    assert found["date_finished"] == clock.iso_micro(clock.now_ms())


def test_a_job_counts_what_did_not_arrive_by_its_attempt(world: World) -> None:
    fail(world, 3)
    world.receiver.script.append(Answer(404))
    path = retry(world)
    world.run(60)
    assert progress(world, path) == ("done", 3, 2, 1)


def test_a_job_that_nobody_has_begun_is_queued(world: World) -> None:
    from formrelay.resends import jobs as resends
    from formrelay.resends import retries

    made = resends.retry(world.asset, world.hook, retries.Filters())
    assert progress(world, world.hook_path(f"jobs/{made['uid']}/")) == ("queued", 0, 0, 0)


def test_a_job_has_only_so_many_deliveries_under_way(world: World, window: int) -> None:
    fail(world, 8)
    path = retry(world)
    assert progress(world, path) == ("running", 3, 0, 0)
    assert job(world, path)["selecting"] is True
    assert len(world.queued("retry")) == window
    world.sweep()
    assert len(world.queued("retry")) == window  # none of them has ended
    world.run(60)
    assert progress(world, path)[1:] == (6, 3, 0)
    world.run(120)
    assert progress(world, path) == ("done", 8, 8, 0)
    assert len(world.requests) == 8


def test_a_job_that_dies_anywhere_sends_each_once_and_counts_all(world: World, window: int) -> None:
    sids = fail(world, 8)
    for operation in ("dynamodb.UpdateItem", "sqs.SendMessageBatch"):
        for number in (2, 3, 4):
            with crashing(operation, number):
                world.app.call("PATCH", world.hook_path("retry/"))
            with crashing(operation, number):
                world.run(300)
    world.run(1_200)
    assert {world.log(sid)["status"] for sid in sids} == {2}
    assert [world.log(sid)["tries"] for sid in sids] == [2] * 8
    jobs = world.app.get(world.hook_path("jobs/")).json()["results"]
    assert {found["state"] for found in jobs} == {"done"}
    assert sum(found["done"] for found in jobs) == 8


def test_what_somebody_else_retries_meanwhile_is_no_longer_counted(world: World) -> None:
    first, *_ = fail(world, 3)
    path = retry(world)
    assert world.retry(first).status == 200
    world.run(60)
    assert progress(world, path) == ("done", 2, 2, 0)


def test_a_job_ends_early_when_its_hook_is_switched_off(world: World, window: int) -> None:
    fail(world, 8)
    path = retry(world)
    world.run(0)
    world.change_hook(active=False)
    world.run(60)
    found = job(world, path)
    assert (found["state"], found["total"], found["done"]) == ("done", 3, 3)
    assert (found["detail"], found["selecting"]) == ("The hook is switched off", False)
    assert len(world.requests) == 3


def test_a_job_with_nothing_happening_is_looked_at_less_and_less(world: World, window: int) -> None:
    fail(world, 8)
    retry(world)
    world.loses = True
    world.run(0)
    looks = []
    for minute in range(1, 40):
        world.clock.forward(60)
        if "job" in world.sweep():
            looks.append(minute)
    # At the next sweep, then after 10, 20, 40, 80, 160 and always 320 seconds.
    assert looks == [1, 2, 3, 4, 6, 9, 15, 21, 27, 33, 39]


def test_jobs_are_listed_newest_first_and_by_page(world: World) -> None:
    paths = []
    for _ in range(3):
        fail(world, 1)
        paths.append(retry(world))
        world.run(60)
    page = world.app.get(world.hook_path("jobs/"), limit="2").json()
    assert [found["url"] for found in page["results"]] == [
        f"https://kf.example.org{path}" for path in reversed(paths[1:])
    ]
    assert page["count"] == 3
    assert page["next"] == f"https://kf.example.org{world.hook_path('jobs/')}?limit=2&start=2"
    rest = world.app.get(world.hook_path("jobs/"), start="2").json()["results"]
    assert [found["url"] for found in rest] == [f"https://kf.example.org{paths[0]}"]
    assert world.app.get(world.hook_path("jobs/"), start="3").json()["results"] == []


def test_a_job_that_is_done_expires(world: World) -> None:
    fail(world, 1)
    path = retry(world)
    uid = path.rstrip("/").rpartition("/")[2]

    def expires() -> int | None:
        (item,) = [item for item in stored(world.app.settings.data_table) if item["sk"]["S"] == uid]
        return int(item["expires"]["N"]) if "expires" in item else None

    assert expires() is None
    world.run(60)
    assert expires() == int(world.clock.time) + 14 * 86_400


def test_jobs_are_gone_with_their_hook(world: World, window: int) -> None:
    fail(world, 8)
    retry(world)
    world.app.call("DELETE", world.hook_path())
    world.run(300)
    assert [item for item in stored(world.app.settings.data_table) if item["pk"]["S"].startswith("J#")] == []


@pytest.mark.parametrize("uid", ["jx", "j" + "2" * 21, "x" * 200])
def test_an_unknown_job_is_not_found(world: World, uid: str) -> None:
    answer = world.app.get(world.hook_path(f"jobs/{uid}/"))
    assert (answer.status, answer.json()) == (404, NOT_FOUND)


def test_a_job_of_another_hook_is_not_found(world: World) -> None:
    fail(world, 1)
    uid = retry(world).rstrip("/").rpartition("/")[2]
    other = world.app.add_hook(world.asset, world.receiver.url("/other"), name="Other")
    assert world.app.get(f"/api/v2/assets/{world.asset}/hooks/{other}/jobs/{uid}/").status == 404


def test_jobs_are_for_those_who_may_edit_the_hook(world: World) -> None:
    fail(world, 1)
    path = retry(world)
    world.app.add_user("bob")
    for where in (path, world.hook_path("jobs/")):
        assert world.app.get(where, user="bob").status == 404
        assert world.app.get(where, user=None).status == 404
    grant(world.asset, "bob", "view_asset", "change_asset", "view_submissions")
    assert world.app.get(path, user="bob").status == 200


def test_jobs_cannot_be_made_or_deleted_by_hand(world: World) -> None:
    for method in ("POST", "PATCH", "DELETE"):
        assert world.app.call(method, world.hook_path("jobs/")).status == 405
