"""The threads of a batch that a slow or failing hook may have (design §4)."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from formrelay.hooks.ladder import Outcome
from formrelay.isolation.shares import Batch, Memory

OK = Outcome("success", 200, duration_ms=20)
SLOW = Outcome("success", 200, duration_ms=5_001)
FAILED = Outcome("http", 500)


def most_at_once(batch: Batch, hook: str, number: int) -> int:
    """How many of so many threads have a turn at the same time."""
    running, most, lock = 0, 0, threading.Lock()

    def work(_: int) -> None:
        nonlocal running, most
        with batch.turn(hook, time.monotonic() + 10) as has_turn:
            assert has_turn
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.05)
            with lock:
                running -= 1

    with ThreadPoolExecutor(number) as pool:
        list(pool.map(work, range(number)))
    return most


@pytest.mark.parametrize("outcome", [SLOW, FAILED])
def test_a_hook_that_was_slow_or_failed_gets_its_share_only(outcome: Outcome) -> None:
    memory = Memory()
    memory.note("h", outcome)
    assert most_at_once(Batch(memory, 2), "h", 6) == 2


def test_a_hook_of_which_nothing_bad_is_known_gets_all_threads() -> None:
    memory = Memory()
    memory.note("h", OK)
    assert most_at_once(Batch(memory, 2), "h", 6) > 2


def test_other_hooks_do_not_wait_for_a_slow_one() -> None:
    memory = Memory()
    memory.note("slow", SLOW)
    batch = Batch(memory, 1)
    ends = time.monotonic() + 10
    with batch.turn("slow", ends) as first, batch.turn("other", ends) as second:
        assert first
        assert second


def test_one_good_attempt_is_enough_to_be_trusted_again() -> None:
    memory = Memory()
    memory.note("h", FAILED)
    memory.note("h", OK)
    assert not memory.is_poor("h")


def test_nobody_waits_past_the_deadline() -> None:
    memory = Memory()
    memory.note("h", SLOW)
    batch = Batch(memory, 1)
    with batch.turn("h", time.monotonic() + 10), batch.turn("h", time.monotonic() + 0.01) as has_turn:
        assert not has_turn
    with batch.turn("h", time.monotonic() - 5) as has_turn:
        assert has_turn


def test_a_hook_stays_what_it_was_when_the_batch_began() -> None:
    memory = Memory()
    memory.note("h", FAILED)
    batch = Batch(memory, 1)
    with batch.turn("h", time.monotonic() + 1):
        memory.note("h", OK)
        with batch.turn("h", time.monotonic() + 0.01) as has_turn:
            assert not has_turn


def test_what_is_remembered_is_bounded_and_the_newest_stays() -> None:
    memory = Memory()
    for number in range(2_000):
        memory.note(f"h{number}", FAILED)
    poor = [number for number in range(2_000) if memory.is_poor(f"h{number}")]
    assert poor == list(range(1_000, 2_000))
