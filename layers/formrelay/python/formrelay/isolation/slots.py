"""The limit that an owner sets on attempts at the same time: leased slots, taken only where there is a limit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from formrelay import clock
from formrelay.isolation import lanes
from formrelay.log import logger
from formrelay.storage import health
from formrelay.storage.table import ConditionError, Item

# Somebody else may take the slot that was seen free.
_TRIES = 3
# An attempt that found no slot is made again after so many seconds.
_LATER = (2.0, 5.0)


class BusyError(Exception):
    """The hook has as many attempts running as its owner allows."""


@contextmanager
def slot(hook: Item, found: Item | None, lease: int) -> Iterator[None]:
    """Holds one of the hook's slots, if it has a limit, until ``lease`` (ms) at most. Raises BusyError."""
    limit = hook.get("concurrency")
    if limit is None or found is None:
        yield
        return
    name = _take(found, limit, lease)
    try:
        yield
    finally:
        _free(found, name, lease)


def _take(found: Item, limit: int, lease: int) -> str:
    for _ in range(_TRIES):
        now = clock.now_ms()
        names = [f"s{number}" for number in range(limit)]
        free = [name for name in names if found["slots"].get(name, 0) <= now]
        if not free:
            break
        name = random.choice(free)
        try:
            health.take_slot(found, name, now=now, lease=lease)
        except ConditionError as error:
            found = error.old or {"slots": dict.fromkeys(names, lease)}
            continue
        return name
    raise BusyError


def _free(found: Item, name: str, lease: int) -> None:
    try:
        health.free_slot(found, name, lease=lease)
    except Exception:
        logger.warning("slot left to its lease", extra={"hook": found["hook"], "slot": name})


def put_off(item: Item) -> None:
    """Gives a claimed attempt back, not counted, and sends its message again in a moment."""
    lanes.give_back(item, int(random.uniform(*_LATER) * 1000))
