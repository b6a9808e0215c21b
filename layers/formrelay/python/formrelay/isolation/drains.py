"""After a pause: the job that sends what is parked, oldest first and at a bounded rate."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

from formrelay import clock, queues
from formrelay.isolation import lanes
from formrelay.settings import settings
from formrelay.storage import health, hooks, parking, sweep
from formrelay.storage.table import ConditionError, Item

# What one look sends is spread over the time until the next one.
_PERIOD = 60
# Looks that find nothing, 1, 2, 4 and 8 minutes apart, before the job ends. A process that read that the hook is
# paused may park a delivery after that, as long as its function runs; and the index may show it late.
_EMPTY_LOOKS = 4


def work(job: Item, ends: float) -> bool:
    """Sends the next deliveries; True when there are none left, or the hook is paused again, off or gone.

    The end of the next pause brings a job of its own, and so does switching on, so nothing is left behind.
    """
    hook = hooks.get(job["asset"], job["hook"])
    if hook is None or not hook["active"] or health.is_paused(health.get(job["asset"], job["hook"])):
        return True
    sent = _send(job["hook"], settings().drain_rate * _PERIOD, ends)
    looks = 0 if sent else job.get("looks", 0) + 1
    if looks > _EMPTY_LOOKS:
        return True
    later = clock.now_ms() + (_PERIOD * 1000 << max(0, looks - 1))
    sweep.push(job, job["sweep_at"], later, looks)
    return False


def _send(hook: str, most: int, ends: float) -> int:
    """Sends up to ``most`` parked deliveries, as far as there is time (monotonic clock); how many it were."""
    sent = 0
    for batch in _batches(islice(parking.waiting(hook), most)):
        if time.monotonic() >= ends:
            break
        sent += _send_batch(batch, sent * 1000 // settings().drain_rate)
    return sent


def _send_batch(batch: list[Item], delay: int) -> int:
    now = clock.now_ms()
    # A submission that still waits for its files is sent no earlier than without the pause.
    delay = max(delay, *(item["due_at"] - now for item in batch))
    sweep_at = now + delay + settings().recovery_grace * 1000
    free = [item for item in batch if _unparked(item, sweep_at)]
    by_lane = defaultdict(list)
    for item in free:
        by_lane[lanes.of(item)].append(item)
    for lane, items in by_lane.items():
        lanes.send_all(lane, items, delay)
    return len(free)


def _unparked(item: Item, sweep_at: int) -> bool:
    try:
        parking.unpark(item, sweep_at=sweep_at)
    except ConditionError:
        return False  # somebody else was faster
    return True


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    while batch := list(islice(items, queues.BATCH)):
        yield batch
