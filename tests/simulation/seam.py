"""The one place that every call to the outside passes: it costs time, and it may fail in every way AWS can.

A fake service says what a call does (its effect) and what it answers; when, whether and how often that happens, and
what the caller hears of it, is decided here.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.simulation.scheduler import Process, Scheduler, SimulatedCrashError

T = TypeVar("T")

# Kinds of faults of one call. All of them are what AWS's clients, networks and sandboxes do.
KINDS = (
    "crash before",  # the process dies, the call was not made
    "crash after",  # the process dies, the call had its effect
    "crash, late effect",  # the process dies, what it had sent has its effect a little later
    "error",  # the service refuses, nothing happened
    "lost call",  # no answer, nothing happened
    "lost answer",  # no answer, but it happened
    "repeated call",  # the answer was lost, and the client library asked again by itself
    "slow call",  # the answer takes seconds
    "stalled process",  # the whole process stands still for seconds
)
_CRASHES = KINDS[:3]

_THROTTLED = {
    "dynamodb": "ProvisionedThroughputExceededException",
    "sqs": "ThrottlingException",
    "s3": "SlowDown",
    "kms": "ThrottlingException",
    "sesv2": "TooManyRequestsException",
}


def refused(code: str, operation: str, **details: Any) -> ClientError:
    """An error as botocore raises it."""
    return ClientError({"Error": {"Code": code, "Message": code}, **details}, operation)  # type: ignore[typeddict-item]


@dataclass
class Entry:
    """One line of the history."""

    time: float
    process: str
    what: str
    detail: Any = ""
    came: Any = ""
    fault: str = ""


@dataclass
class Faults:
    """Which faults a world has, and how often: ``rate`` of its calls; or exactly one, at call number ``only``."""

    rate: float = 0.0
    kinds: tuple[str, ...] = KINDS
    only: int | None = None
    active: bool = False
    injected: Counter[str] = field(default_factory=Counter)
    calls: int = 0

    def draw(self, rng: random.Random) -> str | None:
        """The fault of the next call, if any."""
        if not self.active:
            return None
        self.calls += 1
        if self.only is not None:
            return self.kinds[0] if self.calls == self.only else None
        return rng.choice(self.kinds) if self.kinds and rng.random() < self.rate else None


class Seam:
    """Calls of simulated processes to fake services. Without a scheduler each call just has its effect."""

    def __init__(self, rng: random.Random, scheduler: Scheduler | None = None, faults: Faults | None = None):
        self.rng = rng
        self.scheduler = scheduler
        self.faults = faults or Faults()
        self.history: list[Entry] = []

    @property
    def now(self) -> float:
        """True time."""
        return self.scheduler.now if self.scheduler else 0.0

    @property
    def process(self) -> Process | None:
        return self.scheduler.current.process if self.scheduler else None

    def disturb(self) -> None:
        """Counts a fault against the running process: what it does now may be for a reason of ours."""
        if self.process:
            self.process.disturbed += 1

    def note(self, what: str, detail: Any = "", came: Any = "", fault: str = "") -> None:
        """Writes a line of history."""
        name = self.process.name if self.process else "direct"
        self.history.append(Entry(self.now, name, what, detail, came, fault))

    def call(
        self,
        service: str,
        operation: str,
        detail: Any,
        effect: Callable[[], T],
        *,
        again: Callable[[], T] | None = None,
        began: Callable[[], None] | None = None,
        ended: Callable[[], None] | None = None,
    ) -> T:
        """One call. ``again`` is its effect where the client library repeats it, ``effect`` by default.

        ``began`` and ``ended`` happen when the service takes it in hand and when it has done with it.
        """
        if self.scheduler is None:
            return effect()
        what = f"{service}.{operation}"
        process = self.scheduler.current.process
        fault = self.faults.draw(self.rng)
        if fault:
            self.faults.injected[fault] += 1
            self.disturb()
        try:
            came = self._made(self.scheduler, process, service, operation, fault, effect, again, began, ended)
        except SimulatedCrashError as crash:
            self.note(what, detail, f"died: {crash}", fault or "")
            raise
        except Exception as error:
            self.note(what, detail, error, fault or "")
            raise
        self.note(what, detail, came, fault or "")
        return came

    def _made(
        self,
        scheduler: Scheduler,
        process: Process,
        service: str,
        operation: str,
        fault: str | None,
        effect: Callable[[], T],
        again: Callable[[], T] | None,
        began: Callable[[], None] | None,
        ended: Callable[[], None] | None,
    ) -> T:
        scheduler.sleep(self._latency(fault))
        if fault == "crash before":
            self._die(scheduler, process, fault)
        if fault == "error":
            raise refused(_THROTTLED[service], operation)
        if fault == "lost call":
            raise self._unanswered(scheduler, operation)
        if fault == "crash, late effect":
            scheduler.at(scheduler.now + self.rng.uniform(0, 5), lambda: _quietly(effect))
            self._die(scheduler, process, fault)
        if began:
            began()
            try:
                scheduler.sleep(self.rng.uniform(0.001, 0.01))
            finally:
                if ended:
                    ended()
        came = effect()
        if fault == "crash after":
            self._die(scheduler, process, fault)
        if fault == "lost answer":
            raise self._unanswered(scheduler, operation)
        if fault == "repeated call":
            scheduler.sleep(self.rng.uniform(1, 5))
            came = (again or effect)()
        return came

    def _latency(self, fault: str | None) -> float:
        if fault == "slow call":
            return self.rng.uniform(0.5, 12)
        if fault == "stalled process":
            return self.rng.uniform(1, 60)
        return self.rng.expovariate(200) + 0.001

    def _die(self, scheduler: Scheduler, process: Process, fault: str) -> None:
        scheduler.kill(process, fault)
        raise SimulatedCrashError(fault)

    def _unanswered(self, scheduler: Scheduler, operation: str) -> ReadTimeoutError:
        scheduler.sleep(self.rng.uniform(5, 15))
        return ReadTimeoutError(endpoint_url=operation)


def _quietly(effect: Callable[[], object]) -> None:
    # Nobody is left to hear of a refusal.
    with suppress(Exception):
        effect()
