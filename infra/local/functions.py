"""The processes of each function: kept warm, added under load, replaced when they end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator

from infra.local.worker import MAX_EVENT, InitError, Launch, Result, Worker

log = logging.getLogger(__name__)

# Callers that may wait for a process, per function.
MAX_WAITING = 500
# Seconds somebody must have waited before a process is added beyond the warm ones: most waits are shorter.
GROW_AFTER = 0.5


class ThrottledError(Exception):
    """No process became free in time, or too many callers wait already."""


class TooLargeError(Exception):
    """The event exceeds Lambda's quota."""


class Function:
    """All processes of one function: up to ``warm`` are started as soon as they are missed, up to ``most`` under
    load."""

    def __init__(self, launch: Launch, warm: int, most: int) -> None:
        self.launch = launch
        self.most = most
        self._warm = max(1, warm)
        self._workers: set[Worker] = set()
        self._idle: deque[Worker] = deque()
        self._waiting: deque[asyncio.Future[Worker]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    @property
    def pids(self) -> list[int]:
        return [
            w.process.pid for w in self._workers if w.process is not None and w.process.returncode is None
        ]

    def start_ahead(self, number: int) -> None:
        """Have at least ``number`` processes, started in the background."""
        while len(self._workers) < min(number, self.most):
            self._add()

    async def invoke(self, event: bytes, wait: float) -> Result:
        """Run the function on an event, waiting at most ``wait`` seconds for a process.

        Raises ThrottledError and TooLargeError; whatever the function does is a Result.
        """
        if len(event) > MAX_EVENT:
            raise TooLargeError
        try:
            async with self.lease(wait) as worker:
                return await worker.invoke(event)
        except InitError as error:
            return error.result

    @contextlib.asynccontextmanager
    async def lease(self, wait: float | None) -> AsyncIterator[Worker]:
        """A process for oneself. Raises ThrottledError, and InitError when none can be started."""
        worker = await self._acquire(wait)
        try:
            yield worker
        finally:
            self._release(worker)

    async def stop(self, grace: float) -> None:
        """End all processes."""
        self._stopping = True
        for waiter in self._waiting:
            waiter.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(worker.stop(grace) for worker in list(self._workers)))

    async def _acquire(self, wait: float | None) -> Worker:
        while self._idle:
            worker = self._idle.popleft()
            if worker.alive:
                return worker
            self._discard(worker)
        if len(self._waiting) >= MAX_WAITING:
            raise ThrottledError
        if len(self._workers) < self._warm:
            self._add()
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Worker] = loop.create_future()
        self._waiting.append(waiter)
        growth = loop.call_later(GROW_AFTER, self._grow)
        try:
            return await asyncio.wait_for(waiter, wait)
        except (TimeoutError, asyncio.CancelledError) as error:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._release(waiter.result())  # it came in the same moment
            if isinstance(error, TimeoutError):
                raise ThrottledError from None
            raise
        finally:
            growth.cancel()
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    def _release(self, worker: Worker) -> None:
        if not worker.alive:
            self._discard(worker)
            return
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(worker)
                return
        self._idle.append(worker)

    def _discard(self, worker: Worker) -> None:
        self._workers.discard(worker)
        if self._waiting and len(self._workers) < self._warm:
            self._add()

    def _grow(self) -> None:
        if self._waiting and len(self._workers) < self.most:
            self._add()

    def _add(self) -> None:
        if self._stopping:
            return
        worker = Worker(self.launch)
        self._workers.add(worker)
        task = asyncio.ensure_future(self._start(worker))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self, worker: Worker) -> None:
        try:
            await worker.start()
        except InitError as error:
            log.error("%s does not start: %s (see %s)", self.launch.spec.name, error, self.launch.log)
            self._workers.discard(worker)
            self._fail_one(error)
            return
        self._release(worker)

    def _fail_one(self, error: InitError) -> None:
        """Tell the first caller; the next one gets an attempt of its own."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(error)
                break
        if self._waiting and len(self._workers) < self._warm:
            self._add()
