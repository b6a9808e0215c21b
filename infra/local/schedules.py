"""Timers for the template's schedules."""

from __future__ import annotations

import asyncio
import json
import logging

from infra.local.events import schedule_event
from infra.local.functions import Function, ThrottledError
from infra.local.template import Schedule

log = logging.getLogger("schedules")

# Nothing waits longer than this locally, whatever the template says: queues don't survive a restart here, and it is
# recovery that brings their messages back.
LONGEST = 10


class Timer:
    """Runs a function at once and then at its interval, never twice at a time."""

    def __init__(self, schedule: Schedule, function: Function) -> None:
        self._schedule = schedule
        self._function = function
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        interval = min(self._schedule.seconds, LONGEST)
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            event = json.dumps(schedule_event(self._schedule.name)).encode()
            try:
                result = await self._function.invoke(event, wait=60.0)
                if result.failed:
                    log.warning("%s failed on its schedule", self._function.launch.spec.name)
            except ThrottledError:
                log.warning("%s had no process for its schedule", self._function.launch.spec.name)
            await asyncio.sleep(max(1.0, interval - (loop.time() - began)))
