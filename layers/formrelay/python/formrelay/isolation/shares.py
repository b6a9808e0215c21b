"""The part of a batch's threads that a slow or failing hook may have, by what this process knows of it (design §4)."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from formrelay.hooks.ladder import Outcome

SLOW_MS = 5_000
_REMEMBERED = 1_000


class Memory:
    """The hooks whose last attempt in this process was slow or failed; bounded, the longest unseen go first."""

    def __init__(self) -> None:
        self._poor: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, hook: str, outcome: Outcome) -> None:
        """Keeps how an attempt went."""
        with self._lock:
            self._poor.pop(hook, None)
            if not (outcome.ok or outcome.is_ours) or outcome.duration_ms > SLOW_MS:
                self._poor[hook] = None
            if len(self._poor) > _REMEMBERED:
                self._poor.popitem(last=False)

    def is_poor(self, hook: str) -> bool:
        """Whether the hook gets a share only."""
        with self._lock:
            return hook in self._poor


class Batch:
    """One batch of messages: each hook that is poor when the batch begins gets ``share`` threads at most."""

    def __init__(self, memory: Memory, share: int) -> None:
        self._memory = memory
        self._turns: defaultdict[str, threading.BoundedSemaphore] = defaultdict(
            lambda: threading.BoundedSemaphore(share)
        )
        self._poor: dict[str, bool] = {}
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, hook: str, until: float) -> Iterator[bool]:
        """Waits for one of the hook's threads, until ``until`` (monotonic clock) at most; whether there is one."""
        with self._lock:
            limited = self._poor.setdefault(hook, self._memory.is_poor(hook))
            turns = self._turns[hook]
        if not limited:
            yield True
            return
        had = turns.acquire(timeout=max(0.0, until - time.monotonic()))
        try:
            yield had
        finally:
            if had:
                turns.release()
