"""One virtual clock and one scheduler: the threads of simulated processes are stacks that take turns.

At any moment exactly one runs. It gives its turn up only where it sleeps, and everything that leaves a process sleeps a
little, so the seed alone decides what overtakes what. Threads of the operating system could do the same, but passing on
a turn would cost them a fifth of a life.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from greenlet import getcurrent, greenlet

Event = Callable[[], None]


class SimulatedCrashError(BaseException):
    """The end of a process, wherever it stands; no handler of exceptions takes it."""


class StuckError(Exception):
    """The simulated world does not come to rest."""


class Process:
    """A sandbox: all its threads end together. ``skew`` (s) is what its clock is ahead of the true time.

    ``deadline`` is the true time at which its platform kills it.
    """

    def __init__(self, name: str, skew: float = 0.0, deadline: float = math.inf) -> None:
        self.name = name
        self.skew = skew
        self.deadline = deadline
        # Why it died, and when; None while it lives.
        self.death: str | None = None
        self.died = math.inf
        # How many faults befell it.
        self.disturbed = 0
        # Whether the threads of its pools run one after another, which is one of the orders that there are.
        self.serial = False
        # Its threads beside the first one that are under way.
        self.threads = 0


class _Worker:
    """A stack to run on; used again for task after task."""

    def __init__(self) -> None:
        self.stack = getcurrent()
        self.task: Task | None = None

    def run(self, scheduler: Scheduler) -> None:
        """Runs what it is given until it is woken without a task."""
        while self.task is not None:
            task, self.task = self.task, None
            scheduler.current = task
            task.run()
            scheduler.leave(self)


class Task:
    """One thread of a simulated process, from its first call to its result."""

    __slots__ = ("_call", "_then", "_waiting", "done", "error", "process", "scheduler", "value", "worker")

    def __init__(
        self,
        scheduler: Scheduler,
        process: Process,
        call: Callable[[], Any],
        worker: _Worker,
        then: Callable[[Task], None] | None = None,
    ) -> None:
        self.scheduler = scheduler
        self.process = process
        self._call = call
        self.worker = worker
        self.done = False
        self.value: Any = None
        self.error: BaseException | None = None
        self._then = then
        self._waiting: Task | None = None

    def run(self) -> None:
        try:
            if self.process.death is None:
                self.value = self._call()
        except BaseException as error:
            self.error = error
        if self.process.death is not None and self.error is None:
            self.error = SimulatedCrashError(self.process.death)
        self.done = True
        try:
            if self._then is not None:
                self._then(self)
        except BaseException as error:
            self.scheduler.failure = error
        if self._waiting is not None:
            self.scheduler.wake(self._waiting)

    def join(self) -> None:
        """Lets the running task wait until this one has ended."""
        while not self.done:
            self._waiting = self.scheduler.current
            self.scheduler.rest()

    def join_until(self, time: float) -> bool:
        """The same until a moment at most; whether it has ended by then."""
        if not self.done:
            self._waiting = self.scheduler.current
            self.scheduler.sleep(time - self.scheduler.now, interruptible=True)
            self._waiting = None
        return self.done


class Scheduler:
    """Virtual time in seconds, and what happens when."""

    def __init__(self, start: float, steps: int = 200_000) -> None:
        self.now = start
        self.steps = steps
        self._heap: list[tuple[float, int, Task | Event]] = []
        self._number = 0
        self._idle: list[_Worker] = []
        # What ends the whole world; raised in the main thread.
        self.failure: BaseException | None = None
        self.main = Task(self, Process("world"), lambda: None, _Worker())
        self.current = self.main
        # Which of a task's entries in the heap counts: those of a wait that was cut short are stale.
        self._awaited: dict[Task, int] = {}

    # What is to happen

    def at(self, time: float, event: Event) -> None:
        """Lets ``event`` happen at a moment; it runs at once and may not sleep."""
        self._push(time, event)

    def spawn(
        self,
        process: Process,
        call: Callable[[], Any],
        delay: float = 0.0,
        then: Callable[[Task], None] | None = None,
    ) -> Task:
        """Begins a new thread of a process; it runs once its time has come, and ``then`` is told of its end."""
        worker = self._idle.pop() if self._idle else self._hire()
        task = worker.task = Task(self, process, call, worker, then)
        self._await(task, self.now + delay)
        return task

    def _hire(self) -> _Worker:
        worker = _Worker()
        worker.stack = greenlet(lambda: worker.run(self), self.main.worker.stack)
        return worker

    def _push(self, time: float, what: Task | Event) -> int:
        self._number += 1
        heapq.heappush(self._heap, (time, self._number, what))
        return self._number

    def _await(self, task: Task, time: float) -> None:
        self._awaited[task] = self._push(time, task)

    # Of the running task

    def sleep(self, seconds: float, *, interruptible: bool = False) -> None:
        """Lets time pass for the running task. Raises SimulatedCrashError when its process dies meanwhile."""
        task = self.current
        process = task.process
        if process.death is not None:
            raise SimulatedCrashError(process.death)
        target = min(self.now + max(0.0, seconds), process.deadline)
        if not interruptible and self.steps > 0 and (not self._heap or self._heap[0][0] > target):
            # Nobody overtakes, so the baton stays where it is.
            self.steps -= 1
            self.now = target
        else:
            self._await(task, target)
            self._switch(task)
        self._check(process)

    def rest(self) -> None:
        """Waits until somebody wakes the running task, or its process is killed by its platform."""
        task = self.current
        if task.process.death is not None:
            raise SimulatedCrashError(task.process.death)
        if task.process.deadline < math.inf:
            self._await(task, task.process.deadline)
        self._switch(task)
        self._check(task.process)

    def wake(self, task: Task) -> None:
        """Ends the wait of a task, unless it died meanwhile."""
        if not task.done:
            self._await(task, self.now)

    def kill(self, process: Process, reason: str) -> None:
        """Ends a process now: none of its threads does anything any more."""
        if process.death is None:
            process.death, process.died = reason, self.now

    def _check(self, process: Process) -> None:
        if process.death is None and self.now >= process.deadline:
            self.kill(process, "out of time")
        if process.death is not None:
            raise SimulatedCrashError(process.death)

    # Turns

    def _switch(self, task: Task) -> None:
        following = self._next()
        if following is not task:
            following.worker.stack.switch()
        self.current = task

    def leave(self, worker: _Worker) -> None:
        """Takes the turn from a worker whose task has ended, until it has another one."""
        self._idle.append(worker)
        following = self._next().worker
        if following is not worker:
            following.stack.switch()

    def _next(self) -> Task:
        """Lets everything happen up to the next task that has a turn."""
        try:
            while self._heap and self.failure is None:
                time, number, what = heapq.heappop(self._heap)
                if isinstance(what, Task):
                    if self._awaited.get(what) != number:
                        continue
                    del self._awaited[what]
                    self.steps -= 1
                    if self.steps < 0:
                        raise StuckError("the world does not come to rest")
                    self.now = max(self.now, time)
                    return what
                self.now = max(self.now, time)
                what()
        except BaseException as error:
            self.failure = error
        return self.main

    # Of the main thread

    def run_until(self, time: float) -> None:
        """Lets the world live up to a moment. Raises what ended it before."""
        self._await(self.main, time)
        self._switch(self.main)
        if self.failure is not None:
            raise self.failure
        self.now = max(self.now, time)

    def upcoming(self) -> float:
        """When something is to happen next; infinity when nothing is."""
        while self._heap:
            time, number, what = self._heap[0]
            if not isinstance(what, Task) or self._awaited.get(what) == number:
                return time
            heapq.heappop(self._heap)
        return math.inf

    def close(self) -> None:
        """Ends all processes that are still under way, and all stacks."""
        self.failure, self.steps = None, 100_000
        self._heap.clear()
        for task in self.running():
            self.kill(task.process, "the world ended")
            self._await(task, self.now)
        if self.running():
            self._await(self.main, math.inf)
            self._switch(self.main)
        for worker in self._idle:
            worker.stack.switch()
        self._idle.clear()

    def running(self) -> list[Task]:
        """Tasks that wait for their turn."""
        return [task for task in self._awaited if task is not self.main]


class Executor:
    """``ThreadPoolExecutor`` in the simulated world: its threads belong to the process that uses it."""

    scheduler: Scheduler

    def __init__(self, max_workers: int | None = None, **_: Any) -> None:
        self._limit = max_workers or 8
        self._tasks: list[Task] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.scheduler.current.process.death is None:
            for task in self._tasks:
                task.join()

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> _Future:
        """Begins a call in a thread of its own; it waits for one of the executor's threads."""
        process = self.scheduler.current.process
        if process.serial:
            return _done(lambda: call(*args, **kwargs))
        running = [task for task in self._tasks if not task.done]
        while len(running) >= self._limit:
            running[0].join()
            running = [task for task in self._tasks if not task.done]
        process.threads += 1

        def ended(_: Task) -> None:
            process.threads -= 1

        task = self.scheduler.spawn(process, lambda: call(*args, **kwargs), then=ended)
        self._tasks.append(task)
        return _Future(task)

    def map(self, call: Callable[..., Any], *iterables: Iterable[Any], **_: Any) -> Iterator[Any]:
        """Results in the order of the arguments."""
        futures = [self.submit(call, *args) for args in zip(*iterables, strict=False)]
        return (future.result() for future in futures)


def _done(call: Callable[[], Any]) -> _Future:
    """A call that was made at once, in the running task."""
    task = Task.__new__(Task)
    task.done, task.value, task.error = True, None, None
    try:
        task.value = call()
    except Exception as error:
        task.error = error
    return _Future(task)


class _Future:
    def __init__(self, task: Task) -> None:
        self._task = task

    def result(self, timeout: float | None = None) -> Any:
        if timeout is None:
            self._task.join()
        elif not self._task.join_until(self._task.scheduler.now + timeout):
            raise TimeoutError
        if self._task.error is not None:
            raise self._task.error
        return self._task.value

    def done(self) -> bool:
        return self._task.done


class Semaphore:
    """``threading.BoundedSemaphore`` in the simulated world."""

    scheduler: Scheduler

    def __init__(self, value: int = 1) -> None:
        self._free = value
        self._queue: list[Task] = []

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        ends = math.inf if timeout is None else self.scheduler.now + timeout
        while self._free == 0:
            if not blocking or self.scheduler.now >= ends:
                return False
            me = self.scheduler.current
            self._queue.append(me)
            if ends == math.inf:
                self.scheduler.rest()
            else:
                self.scheduler.sleep(ends - self.scheduler.now, interruptible=True)
            if me in self._queue:
                self._queue.remove(me)
        self._free -= 1
        return True

    def release(self) -> None:
        self._free += 1
        while self._queue:
            task = self._queue.pop(0)
            if not task.done and task.process.death is None:
                self.scheduler.wake(task)
                return

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()
