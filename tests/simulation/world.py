"""A simulated world: functions, queues, timers, receivers and people under one clock, driven by one seed."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from formrelay.changes import bulk
from formrelay.settings import settings
from formrelay.storage import keys, marks
from functions.deliver import app as deliver
from functions.recover import app as recover
from functions.report import app as report
from tests.simulation import receivers, stack
from tests.simulation.backend import Backend, installed
from tests.simulation.deployment import START, VARIABLES, deployment
from tests.simulation.patches import patched, replaced
from tests.simulation.receivers import Network
from tests.simulation.scheduler import Process, Scheduler, Task
from tests.simulation.seam import Faults, Seam
from tests.simulation.services import FunctionError, Message
from tests.simulation.stack import Lane
from tests.support.app import Answer, App

MINUTE = 60.0
SKEW = 1.0
# AWS's client of a caller waits so long for an invoked function.
_INVOKE = 28.0
# API Gateway's limit.
_GATEWAY = 30.0
# Small enough for marks over what a small world submits; jobs of several chunks and steps; and shards that are shared.
_SMALL = (
    (marks, "WORTH", 1),
    (marks, "STRETCH", 2),
    (bulk, "_CHUNK", 2),
    (bulk, "_BATCH", 1),
    (keys, "DELIVERY_SHARDS", ("0", "1")),
    (keys, "ERRAND_SHARDS", ("e0",)),
    (keys, "SWEEP_SHARDS", ("0", "1", "e0")),
)
_HANDLERS = {"deliver": deliver.handler, "report": report.handler, "recover": recover.handler}


@dataclass(frozen=True)
class Weather:
    """How unkind a world is, apart from faults of single calls. Shares are of messages or writes."""

    duplicated: float = 0.0
    delayed: float = 0.0
    undeleted: float = 0.0
    lag: float = 0.5
    long_lag: float = 0.0
    conflicts: float = 0.0
    partial: float = 0.0
    page: int | None = None


class Context:
    """Lambda's context of one invocation."""

    def __init__(self, world: World, process: Process) -> None:
        self._world, self._process = world, process

    def get_remaining_time_in_millis(self) -> int:
        return int((self._process.deadline - self._world.scheduler.now) * 1000)


class World:
    """One deployment with everything around it. Use it within :meth:`open`."""

    def __init__(
        self, seed: int, weather: Weather, faults: Faults, variables: dict[str, str] | None = None
    ) -> None:
        self.rng = random.Random(seed)
        self.weather = weather
        self.faults = faults
        self._variables = VARIABLES | (variables or {})
        self.scheduler = Scheduler(START)
        self.seam = Seam(self.rng, self.scheduler, faults)
        self.made = deployment()
        self.backend = Backend(self.seam, self._invoke, self.made.backend, self._lag, weather.page)
        self.backend.sqs.sent = self._sent
        self.backend.sqs.partial = self._chance("partial answer", weather.partial)
        self.backend.dynamodb.partial = self._chance("partial answer", weather.partial)
        self.backend.dynamodb.conflicts = self._chance("transaction conflict", weather.conflicts)
        self.network = Network(self.seam, self.scheduler, faults, self.rng)
        # What no invariant allows and the world notices by itself.
        self.violations: list[str] = []
        self.calm = False
        self._numbers: Counter[str] = Counter()
        # The earliest entry of the sweep index, and after how many turns of its table it was that.
        self._shown = (-1, math.inf)
        self._running: Counter[str] = Counter()
        self._lanes = {lane.queue: lane for lane in stack.lanes()}
        self._minute = START
        self.attempts: list[dict[str, Any]] = []
        self._processes: list[Process] = []

    @contextmanager
    def open(self) -> Iterator[World]:
        """The package lives in this world while this lasts."""
        with (
            installed(self.backend, self._variables),
            patched(self.seam, self.rng, self.scheduler, START) as notes,
            receivers.patched(self.network),
            replaced(_SMALL),
        ):
            self.attempts = notes.attempts
            self.app = App(settings(), None, dict(self.made.keys))  # type: ignore[arg-type]
            try:
                yield self
            finally:
                self.scheduler.close()

    @property
    def now(self) -> float:
        return self.scheduler.now

    @property
    def killed(self) -> int:
        """How many processes died before their end."""
        return sum(process.death is not None for process in self._processes)

    def _chance(self, kind: str, share: float) -> Callable[[], bool]:
        def happens() -> bool:
            if not self.faults.active or self.rng.random() >= share:
                return False
            self.faults.injected[kind] += 1
            self.seam.disturb()
            return True

        return happens

    def _lag(self) -> float:
        if self.faults.active and self.rng.random() < self.weather.long_lag:
            self.faults.injected["index far behind"] += 1
            return self.rng.uniform(1, 400)
        return self.rng.uniform(0, self.weather.lag)

    # Functions

    def _process(self, name: str, timeout: float) -> Process:
        self._numbers[name] += 1
        skew = self.rng.uniform(-SKEW, SKEW)
        process = Process(f"{name} {self._numbers[name]}", skew, self.now + timeout)
        self._processes.append(process)
        return process

    def disturbed(self, name: str) -> int:
        """How many faults befell the processes of a function, deaths for want of time included."""
        mine = [process for process in self._processes if process.name.split()[0] == name]
        return sum(max(process.disturbed, int(process.death is not None)) for process in mine)

    def start(
        self, name: str, call: Callable[[Process], Any], timeout: float, then: Callable[[Task], None]
    ) -> Task:
        """Begins an invocation; ``then`` is told when it has ended, however."""
        process = self._process(name, timeout)

        def ended(task: Task) -> None:
            self._check_end(task)
            then(task)

        return self.scheduler.spawn(process, lambda: call(process), then=ended)

    def _check_end(self, task: Task) -> None:
        process = task.process
        if process.death is not None:
            self.seam.note("process died", process.name, process.death)
            return
        # A sweep that misses a shard may end in an error, for an alarm; the next one looks at it. So may a
        # function that is invoked: its caller hears of it. A queue's poller is never to see one.
        allowed = process.disturbed > 0 and process.name.startswith(("recover", "invoked"))
        if task.error is not None and not allowed:
            self.violations.append(f"I6: {process.name} raised {task.error!r}")
        if process.threads > 0:
            self.violations.append(f"I4: {process.name} returned while {process.threads} threads ran on")

    def run(self, name: str, call: Callable[[Process], Any], timeout: float, patience: float) -> Any:
        """An invocation that the running task waits for. Raises FunctionError when no result comes in time."""
        task = self.start(name, call, timeout, lambda _: None)
        if not task.join_until(self.now + patience):
            raise FunctionError("no answer in time")
        if task.error is not None:
            raise FunctionError(str(task.error))
        return task.value

    def _invoke(self, function: str, payload: Any) -> Any:
        handler = _HANDLERS[function]

        def call(process: Process) -> Any:
            return handler(payload, Context(self, process))

        return self.run(f"invoked {function}", call, stack.timeout(function), _INVOKE)

    def request(self, method: str, path: str, **options: Any) -> Answer | None:
        """A request over HTTP; None when no answer comes back."""
        name = "ingest" if "submission" in path else "api"

        def call(_: Process) -> Answer:
            return self.app.call(method, path, **options)

        try:
            answer: Answer = self.run(name, call, stack.timeout(name), _GATEWAY)
        except FunctionError:
            answer = Answer(502, {}, b"")
        if self.faults.active and self.rng.random() < self.faults.rate:
            self.faults.injected["lost HTTP answer"] += 1
            self.seam.note("http.answer", path, "lost")
            return None
        self.seam.note("http.answer", f"{method} {path}", answer.status)
        return answer

    def send(self, method: str, path: str, data: Any = None) -> Answer | None:
        """A request with a JSON body."""
        body = b"" if data is None else json.dumps(data).encode()
        return self.request(method, path, body=body, headers={"content-type": "application/json"})

    # Queues

    def _sent(self, url: str, message: Message) -> None:
        lane = self._lanes[url]
        if self.faults.active and self.rng.random() < self.weather.delayed:
            self.faults.injected["delayed message"] += 1
            message.visible_at += self.rng.uniform(1, 600)
        if self.faults.active and self.rng.random() < self.weather.duplicated:
            self.faults.injected["duplicated message"] += 1
            later = message.visible_at + self.rng.uniform(0, 400)
            copy = Message(message.body, message.group, message.delay, later, -message.number)
            self.backend.sqs.queues[url].messages.append(copy)
            self._poll_at(lane, later)
        self._poll_at(lane, message.visible_at)

    def _poll_at(self, lane: Lane, time: float) -> None:
        self.scheduler.at(time + self.rng.uniform(0.01, 0.2), lambda: self._poll(lane))

    def _poll(self, lane: Lane) -> None:
        if self._running[lane.queue] >= lane.concurrency:
            return
        wanted = self.rng.randint(1, lane.batch)
        dead = len(self.backend.sqs.queues[lane.queue].dead)
        answer = self.backend.sqs.receive_message(QueueUrl=lane.queue, MaxNumberOfMessages=wanted)
        self.faults.injected["dead letter"] += len(self.backend.sqs.queues[lane.queue].dead) - dead
        taken = answer.get("Messages")
        if not taken:
            return
        self._running[lane.queue] += 1
        records = [{"messageId": message["MessageId"], "body": message["Body"]} for message in taken]
        handler = _HANDLERS[lane.function]

        def call(process: Process) -> Any:
            return handler({"Records": records}, Context(self, process))

        def ended(task: Task) -> None:
            self._running[lane.queue] -= 1
            self._settle(lane, records, task)
            self._poll_at(lane, self.now)

        self.start(lane.function, call, stack.timeout(lane.function), ended)
        self._poll_at(lane, self.now + lane.visibility)
        self._poll_at(lane, self.now)

    def _settle(self, lane: Lane, records: list[dict[str, Any]], task: Task) -> None:
        """What the queue's poller does once a batch is through: it deletes what need not come again."""
        if task.error is not None:
            return
        failed = {entry["itemIdentifier"] for entry in task.value["batchItemFailures"]}
        if failed and not task.process.disturbed:
            self.violations.append(f"I6: {task.process.name} failed messages for no reason of ours")
        for record in records:
            if record["messageId"] in failed:
                continue
            if self.faults.active and self.rng.random() < self.weather.undeleted:
                self.faults.injected["message not deleted"] += 1
                continue
            self.backend.sqs.delete_message(QueueUrl=lane.queue, ReceiptHandle=record["messageId"])

    def purge(self) -> None:
        """Loses all that is queued."""
        for queue in self.backend.sqs.queues.values():
            self.faults.injected["purged message"] += len(queue.messages)
            queue.messages.clear()
        self.seam.note("all queues purged")

    # Time

    def live(self, until: float) -> None:
        """Lets time pass. Recovery runs every minute; a run that finds nothing due is left out, as it does nothing."""
        while self.now < until and self.step(until):
            pass

    def step(self, until: float = math.inf) -> bool:
        """Goes on to the next moment at which something happens; whether there is one."""
        upcoming = self.scheduler.upcoming()
        sweep = max(self._next_sweep(), self._minute + MINUTE)
        if min(upcoming, sweep) == math.inf:
            return False
        # What happens before that minute may make something due at it.
        minute = self._full(min(max(upcoming, self._minute + MINUTE), sweep))
        if minute > until:
            self.scheduler.run_until(until)
            return self.now < until or until < math.inf
        self.scheduler.run_until(minute)
        self._minute = minute
        if self._next_sweep() <= minute:
            self._recover()
        return True

    def _full(self, time: float) -> float:
        return START + math.ceil((time - START) / MINUTE) * MINUTE

    def _next_sweep(self) -> float:
        """The first moment at which a run of recovery may find something, whatever its clock says."""
        table = self.backend.dynamodb.tables[stack.DATA]
        self.backend.dynamodb.settle(table)
        if self._shown[0] != table.turns:
            shown = (float(entry["sweep_at"]["N"]) for entry in table.shown.get("sweep", {}).values())
            self._shown = table.turns, min(shown, default=math.inf) / 1000 - SKEW
        return min([self._shown[1], *(change[0] for change in table.coming if change[1] == "sweep")])

    def _recover(self) -> None:
        def call(process: Process) -> Any:
            # Its shards have nothing to do with each other, so their order seldom matters, and costs time here.
            process.serial = self.rng.random() < 0.8
            return recover.handler({}, Context(self, process))

        self.start("recover", call, stack.timeout("recover"), lambda _: None)

    def act(self, name: str, call: Callable[[], None], delay: float = 0.0) -> None:
        """Lets somebody do something; people have the true time."""

        def ended(task: Task) -> None:
            if task.error is not None and task.process.death is None:
                self.violations.append(f"{name}: {task.error!r}")

        self.scheduler.spawn(Process(name), call, delay, then=ended)
