"""Feeds a function from a queue, as Lambda's event source mapping does.

Messages are prefetched and taken round-robin by ``MessageGroupId``, so that one group's backlog does not hold up the
others (fair queues). Only messages that the function handled are deleted; the rest come back when their visibility
time-out ends.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.events import sqs_event
from infra.local.functions import Function
from infra.local.sqs import QueueError, Queues
from infra.local.worker import InitError, Result

log = logging.getLogger("poller")

# The real queues are fair by themselves: a message of a quiet group need not wait for those before it. Here only what
# is in hand can be taken in turn, so that has to be nearly everything.
PREFETCH = 20_000
# Seconds of one long poll.
LONG_POLL = 10
DEFAULT_CONCURRENCY = 5
PAUSE_AFTER_ERROR = 1.0

Message = dict[str, Any]


class Prefetch:
    """Messages in hand, by group; each must be begun before its ``deadline`` (monotonic seconds)."""

    def __init__(self) -> None:
        self._groups: OrderedDict[str, deque[tuple[float, Message]]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, messages: Sequence[Message], deadline: float) -> None:
        for message in messages:
            group = message.get("Attributes", {}).get("MessageGroupId", "")
            self._groups.setdefault(group, deque()).append((deadline, message))
        self._count += len(messages)

    def take(self, most: int, now: float) -> list[Message]:
        """Up to ``most`` messages, one of each group in turn; those past their deadline are dropped."""
        batch: list[Message] = []
        while self._groups and len(batch) < most:
            group, waiting = self._groups.popitem(last=False)
            deadline, message = waiting.popleft()
            self._count -= 1
            if waiting:
                self._groups[group] = waiting  # to the end of the round
            if deadline > now:
                batch.append(message)
        return batch


@dataclass(frozen=True)
class Source:
    """One mapping: queue address and ARN, its visibility time-out, and the template's settings."""

    url: str
    arn: str
    visibility: int
    batch_size: int
    partial_failures: bool
    concurrency: int | None


class Poller:
    """Runs one mapping until it is stopped."""

    def __init__(self, source: Source, function: Function, queues: Queues) -> None:
        self._source = source
        self._function = function
        self._queues = queues
        self._prefetch = Prefetch()
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._slots = asyncio.Semaphore(min(source.concurrency or DEFAULT_CONCURRENCY, function.most))
        self._batches: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._loops = [asyncio.ensure_future(self._fetch()), asyncio.ensure_future(self._dispatch())]
        for task in self._loops:
            task.add_done_callback(self._ended)

    async def stop(self, grace: float) -> None:
        """Take no more messages; batches in work get ``grace`` seconds."""
        for task in self._loops:
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        if self._batches:
            _, late = await asyncio.wait(self._batches, timeout=grace)
            for task in late:
                task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s is no longer read", self._source.url, exc_info=error)

    async def _fetch(self) -> None:
        # What has waited longer is left to come back: it must not be handled twice at the same time.
        patience = max(1.0, self._source.visibility - 2 * self._function.launch.spec.timeout)
        while True:
            while len(self._prefetch) >= PREFETCH:
                self._room.clear()
                await self._room.wait()
            try:
                messages = await self._queues.receive(self._source.url, LONG_POLL)
            except QueueError as error:
                log.warning("%s", error)
                await asyncio.sleep(PAUSE_AFTER_ERROR)
                continue
            if messages:
                self._prefetch.add(messages, time.monotonic() + patience)
                self._arrived.set()

    async def _dispatch(self) -> None:
        while True:
            while not len(self._prefetch):
                self._arrived.clear()
                await self._arrived.wait()
            await self._slots.acquire()
            started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            task = asyncio.ensure_future(self._run_batch(started))
            self._batches.add(task)
            task.add_done_callback(self._batches.discard)
            await started

    async def _run_batch(self, started: asyncio.Future[None]) -> None:
        """Wait for a process first and take messages then: batches fill up while processes are busy."""
        try:
            async with self._function.lease(wait=None) as worker:
                batch = self._prefetch.take(self._source.batch_size, time.monotonic())
                started.set_result(None)
                self._room.set()
                if not batch:
                    return
                result = await worker.invoke(json.dumps(sqs_event(batch, self._source.arn)).encode())
            await self._settle(batch, result)
        except InitError:
            await asyncio.sleep(PAUSE_AFTER_ERROR)
        finally:
            if not started.done():
                started.set_result(None)
            self._slots.release()

    async def _settle(self, batch: Sequence[Message], result: Result) -> None:
        handled = handled_messages(batch, result, self._source.partial_failures)
        try:
            await self._queues.delete(self._source.url, [message["ReceiptHandle"] for message in handled])
        except QueueError as error:
            log.warning("%s", error)
        if result.failed:
            log.warning("%s failed on %d messages", self._function.launch.spec.name, len(batch))
            await asyncio.sleep(PAUSE_AFTER_ERROR)


def handled_messages(batch: Sequence[Message], result: Result, partial: bool) -> Sequence[Message]:
    """The messages that may be deleted after this result (Lambda's rules for ReportBatchItemFailures)."""
    if result.failed:
        return []
    if not partial:
        return batch
    try:
        answer = json.loads(result.payload)
        failures = answer.get("batchItemFailures") if isinstance(answer, Mapping) else None
        failed = {failure["itemIdentifier"] for failure in failures or []}
    except (ValueError, TypeError, KeyError):
        return []
    if not failed <= {message["MessageId"] for message in batch}:
        return []  # an identifier that is none of the batch's fails the whole batch
    return [message for message in batch if message["MessageId"] not in failed]
