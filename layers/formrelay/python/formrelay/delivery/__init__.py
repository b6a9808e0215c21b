"""One attempt to deliver a submission to a hook: prepare → call → conclude (design invariants I2–I7).

Three AWS calls on a first-try success: the claim, which returns the record; one read of submission, hook and its
health; the conclusion. The attempts of a batch share reads. Claim and conclusion are conditional, so duplicates, stale
messages and late processes fall out.
"""

from __future__ import annotations

import time
from typing import Any

from formrelay import clock
from formrelay.delivery.call import call, post, unreadable, unusable
from formrelay.delivery.conclude import conclude, expire, log
from formrelay.delivery.prepare import prepare
from formrelay.delivery.reads import Reads
from formrelay.hooks.ladder import Outcome
from formrelay.isolation import lanes, slots
from formrelay.settings import settings
from formrelay.storage import health

__all__ = [
    "NoTimeError", "Reads", "attempt", "conclude", "expire", "post", "seconds_needed", "unreadable", "unusable",
]  # fmt: skip

# Kept of a function's time for what comes after the call.
_MARGIN = 5.0


class NoTimeError(Exception):
    """Too little of the function's time is left for an attempt; its message has to come again."""


def seconds_needed() -> float:
    """What an attempt may take altogether."""
    return settings().total_timeout + _MARGIN


def attempt(
    message: dict[str, Any], remaining: float, *, fast: bool = False, reads: Reads | None = None
) -> Outcome | None:
    """Runs the attempt that a message names; ``remaining`` are the seconds this function may still take.

    ``fast`` is the lane that slow hooks have to leave, lest others wait for them there; ``reads`` are those that the
    attempts of a batch make together.

    None when that attempt is not to be made now: it was made already, is not due, or its hook is gone, paused, busy
    or too slow for the lane. Whatever the destination does is an outcome, not an exception. Raises NoTimeError before
    anything was begun.
    """
    ends = time.monotonic() + remaining
    if remaining < seconds_needed():
        raise NoTimeError
    claimed = prepare(message, reads or Reads())
    if claimed is None:
        return None
    if fast and health.is_slow(claimed.health):
        lanes.give_back(claimed.item, 0, lanes.RETRY)
        return None
    started = clock.now_ms()
    try:
        with slots.slot(claimed.hook, claimed.health, claimed.item["lease"]):
            outcome = call(claimed, ends - _MARGIN)
    except slots.BusyError:
        slots.put_off(claimed.item)
        return None
    conclude(claimed.item, claimed.hook, outcome, clock.now_ms(), claimed.health, claimed.body)
    log(claimed.item, outcome, clock.now_ms() - started)
    return outcome
