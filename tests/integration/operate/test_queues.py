"""``stuck``, ``redrive`` and ``resend``: what waits, and sending it again."""

from __future__ import annotations

import json
from typing import Any

from formrelay.aws import sqs
from infra.operate.command import iso
from infra.operate.lanes import Lane, lanes
from tests.integration.operate.conftest import Run
from tests.support.aws import messages
from tests.support.receiver import Answer
from tests.support.world import World


def bury(world: World) -> int:
    """Moves all first attempts among the dead letters, as SQS does after too many failures."""
    letters = messages(first_lane().queue)
    for letter in letters:
        send_letter(letter.body, world.hook)
    return len(letters)


def first_lane() -> Lane:
    return next(lane for lane in lanes() if lane.name == "first")


def send_letter(body: dict[str, Any], group: str) -> None:
    sqs().send_message(QueueUrl=first_lane().letters, MessageBody=json.dumps(body), MessageGroupId=group)


def test_nothing_is_stuck_in_a_deployment_that_works(world: World, run: Run) -> None:
    world.submit(name="Ana")
    world.run(10)
    assert run("stuck") == run("stuck", "--minutes", "0")
    assert run("stuck").code == 0


def test_what_recovery_never_looked_at_is_listed_with_what_it_is(world: World, run: Run) -> None:
    world.recovers = False
    sid = world.submit(name="Secret Ana")
    world.lose_queues()
    assert run("stuck").code == 0
    world.clock.forward(3600)
    stuck = run("stuck")
    (line,) = stuck.lines
    assert (stuck.code, line["what"], line["hook"], line["sid"]) == (1, "delivery", world.hook, sid)
    assert "Secret" not in stuck.output


def test_of_very_much_that_is_stuck_the_first_lines_are_listed(world: World, run: Run) -> None:
    world.recovers = False
    for _ in range(3):
        world.submit()
    world.clock.forward(3600)
    assert run("stuck", "--limit", "2").lines[-1] == {"more": True}


def test_dead_letters_are_counted_and_sent_back_and_arrive(world: World, run: Run) -> None:
    for _ in range(12):
        world.submit()
    assert bury(world) == 12
    assert {"dead_letters": "first", "messages": 12} in run("stuck").lines
    assert {"lane": "first", "sent_back": 12} in run("redrive").lines
    assert {"lane": "first", "sent_back": 0} in run("redrive", "--lane", "first").lines
    world.recovers = False
    world.run(10)
    assert len(world.requests) == 12


def test_a_letter_that_is_sent_back_twice_runs_once(world: World, run: Run) -> None:
    world.submit()
    (letter,) = messages(first_lane().queue)
    for _ in range(2):
        send_letter(letter.body, world.hook)
    run("redrive")
    world.run(10)
    assert len(world.requests) == 1


def test_what_came_in_a_stretch_of_time_is_sent_again(world: World, run: Run) -> None:
    for _ in range(3):
        world.submit()
        world.run(3600)
    assert len(world.requests) == 3
    begin = world.clock.time - 2 * 3600 - 60
    since, until = iso(round(begin * 1000)), iso(round((begin + 3600) * 1000))
    (job,) = run("resend", world.hook, "--since", since, "--until", until).lines
    assert job["hook"] == world.hook
    world.run(600)
    sent = [request.json()["name"] for request in world.requests[3:]]
    assert sent == ["Ana 2"]


def test_a_project_means_all_of_its_active_hooks(world: World, run: Run) -> None:
    world.submit()
    world.run(10)
    other = world.app.add_hook(world.asset, world.receiver.url())
    off = world.app.add_hook(world.asset, world.receiver.url(), active=False)
    jobs = run("resend", world.asset).lines
    assert {job["hook"] for job in jobs} == {world.hook, other}
    assert off not in str(jobs)
    world.run(600)
    assert len(world.requests) == 3


def test_only_what_failed_is_sent_again_when_asked(world: World, run: Run) -> None:
    world.submit(name="Ana")
    world.run(10)
    world.receiver.answer = Answer(410)
    world.submit(name="Bo")
    world.run(10)
    world.receiver.answer = Answer(200)
    run("resend", world.hook, "--failed")
    world.run(600)
    assert [request.json()["name"] for request in world.requests] == ["Ana", "Bo", "Bo"]


def test_what_does_not_exist_is_not_sent_again(world: World, run: Run) -> None:
    for uid in ("hXXXXXXXXXXXXXXXXXXXXX", "nothing", "a" + "2" * 21):
        refused = run("resend", uid)
        assert (refused.code, refused.output) == (1, "")
        assert uid in refused.remarks
