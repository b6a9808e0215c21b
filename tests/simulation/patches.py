"""Puts the simulated world in the place of what the package imports: clocks, chance, threads, logs.

Only what modules of the package see under a name is replaced, so the interpreter around them is left alone.
"""

from __future__ import annotations

import logging
import random
import secrets
import string
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

from formrelay import clock, sealing
from formrelay.isolation import shares
from functions.deliver import app as deliver
from tests.simulation.scheduler import Executor, Scheduler, Semaphore
from tests.simulation.seam import Seam

# Their caches hold what calls answered; those of all other modules are functions of their arguments alone.
_CACHING = (
    "formrelay.aws", "formrelay.settings", "formrelay.auth", "formrelay.storage.assets", "formrelay.passwords",
    "formrelay.unsubscribe", "formrelay.delivery.call",
)  # fmt: skip


_REPLACED = (time, secrets, uuid, ThreadPoolExecutor, threading)


class Chance:
    """``secrets`` with a seed."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def choice(self, options: Any) -> Any:
        return self._rng.choice(options)

    def randbits(self, bits: int) -> int:
        return self._rng.getrandbits(bits)

    def randbelow(self, limit: int) -> int:
        return self._rng.randrange(limit)

    def token_bytes(self, size: int = 32) -> bytes:
        return self._rng.randbytes(size)

    def token_hex(self, size: int = 32) -> str:
        return self._rng.randbytes(size).hex()

    def token_urlsafe(self, size: int = 32) -> str:
        return "".join(self._rng.choices(string.ascii_letters, k=size))

    @staticmethod
    def compare_digest(one: Any, other: Any) -> bool:
        return bool(one == other)


@cache
def _modules(loaded: int) -> list[ModuleType]:
    """The package's modules; all of them stay, so they are looked for again when more modules are loaded."""
    names = [name for name in sys.modules if name.split(".")[0] in ("formrelay", "functions")]
    return [sys.modules[name] for name in sorted(names)]


@cache
def _caches(loaded: int) -> list[Callable[[], None]]:
    return [
        value.cache_clear
        for module in _modules(loaded)
        if module.__name__ in _CACHING
        for value in vars(module).values()
        if hasattr(value, "cache_clear")
    ]


def forget() -> None:
    """Empties what processes of the package remember, as if all of them began anew."""
    for clear in _caches(len(sys.modules)):
        clear()
    sealing._opened.clear()
    deliver._memory = shares.Memory()


class _Notes(logging.Handler):
    """The package's log, as a part of the history; ``attempts`` keeps its lines about attempts."""

    def __init__(self, seam: Seam) -> None:
        super().__init__()
        self._seam = seam
        self.attempts: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == "attempt":
            self.attempts.append(dict(vars(record)))
        error = record.exc_info[1] if record.exc_info else ""
        self._seam.note(f"log.{record.levelname.lower()}", record.msg, error)


Change = tuple[Any, str, Any]


@contextmanager
def replaced(changes: Iterable[Change]) -> Iterator[None]:
    """Sets attributes, each ``(owner, name, value)``, while it lasts."""
    undo: list[Change] = []
    try:
        for owner, name, value in changes:
            undo.append((owner, name, getattr(owner, name)))
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in reversed(undo):
            setattr(owner, name, value)


@cache
def _places(loaded: int) -> list[tuple[ModuleType, str, Any]]:
    """Every place in the package at which something is seen that may have a stand-in, and what."""
    return [
        (module, name, value)
        for module in _modules(loaded)
        if module is not clock
        for name, value in vars(module).items()
        if any(value is old for old in _REPLACED)
    ]


def _seen(stand_ins: list[tuple[Any, Any]]) -> list[Change]:
    """Every place in the package at which something has a stand-in."""
    return [
        (module, name, new)
        for module, name, value in _places(len(sys.modules))
        for old, new in stand_ins
        if value is old
    ]


@contextmanager
def patched(seam: Seam, rng: random.Random, scheduler: Scheduler | None, start: float) -> Iterator[_Notes]:
    """Runs the package in the simulated world; without a scheduler its time stands still at ``start``."""

    def now() -> float:
        return scheduler.now + scheduler.current.process.skew if scheduler else start

    def monotonic() -> float:
        return scheduler.now if scheduler else start

    uuids = SimpleNamespace(uuid4=lambda: uuid.UUID(int=rng.getrandbits(128), version=4), UUID=uuid.UUID)
    stand_ins: list[tuple[Any, Any]] = [
        (time, SimpleNamespace(monotonic=monotonic, perf_counter=monotonic, time=now)),
        (secrets, Chance(rng)),
        (uuid, uuids),
    ]
    if scheduler:
        Executor.scheduler = Semaphore.scheduler = scheduler
        threads = SimpleNamespace(BoundedSemaphore=Semaphore, Semaphore=Semaphore, Lock=threading.Lock)
        stand_ins += [(ThreadPoolExecutor, Executor), (threading, threads)]
    random.seed(rng.getrandbits(64))
    log = logging.getLogger("formrelay")
    notes = _Notes(seam)
    changes: list[Change] = [
        (clock, "now", now),
        (clock, "sleep", scheduler.sleep if scheduler else lambda _: None),
        (log, "handlers", [notes]),
        (log, "propagate", False),
    ]
    forget()
    with replaced([*changes, *_seen(stand_ins)]):
        yield notes
    forget()
