"""A deployment in memory that holds as many submissions, hooks and deliveries as wanted, and what work on it takes."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from formrelay import ids
from formrelay.jobs import drain_hook
from formrelay.settings import settings
from formrelay.storage import deliveries, jobs, keys, parking, typed
from formrelay.storage.table import Item
from functions.deliver import app as deliver
from tests.bench.meter import Bill, Call, metered_backend, watching
from tests.simulation.backend import Backend
from tests.support.app import BASE, App, Clock, LambdaContext, install
from tests.support.large import LargeStore, large_backend, multiply

FORM = {"survey": [{"type": "text", "name": f"q{i}", "label": f"Question {i}"} for i in range(20)]}
PAGE = 100
# Of the deliveries of each hook, however many there are.
FAILED = 50
# Since the newest of what is stored; what is older than five minutes has settled.
_AGO = 1_800.0


class Stopwatch:
    """How long the services took of some work, over all threads."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def make(self, _service: str, operation: str, request: dict[str, Any], call: Call) -> Any:
        began = time.perf_counter()
        try:
            return call(operation, request)
        finally:
            self.seconds += time.perf_counter() - began

    def sent(self) -> None:
        pass


@dataclass(frozen=True)
class Figures:
    """What one operation took: its bill, milliseconds, and those of the store."""

    name: str
    bill: Bill
    ms: float
    store_ms: float


@dataclass(frozen=True)
class Project:
    """A form with submissions, nearly all of which have arrived at each of its hooks."""

    asset: str
    hooks: list[str]
    sids: list[int]


class Stored:
    """A deployment to which projects of any size can be added, all hooks of which lead to ``url``."""

    def __init__(self, backend: Backend, store: LargeStore, app: App, clock: Clock, url: str) -> None:
        self.backend, self.store, self.app, self.clock, self.url = backend, store, app, clock, url

    # What is stored

    def project(self, count: int, hooks: int, *, ago: float = _AGO, apart_ms: int = 1_000) -> Project:
        """One with so many submissions, so far apart, the last of which came half an hour or so long ago."""
        asset = self.app.deploy(FORM)
        uids = [self.app.add_hook(asset, self.url) for _ in range(hooks)]
        self.submit(asset)
        self.deliver(asset, uids[0])
        (arrived,) = deliveries.newest_first(uids[0])
        newest = int((self.clock.time - ago) * 1000)
        sids = multiply(self.store, asset, count, newest_ms=newest, apart_ms=apart_ms)
        for hook in uids:
            deliveries.purge(hook, PAGE)
            self.load(_copies(arrived, hook, sids))
        self.clock.forward(1)
        return Project(asset, uids, sids)

    def queue(self, project: Project, count: int, ago: float) -> None:
        """So many deliveries of each hook that nobody has attempted, due for so many seconds and queued nowhere."""
        for hook in project.hooks:
            self.load(_waiting(project.asset, hook, count, int((self.clock.time - ago) * 1000)))

    def park(self, project: Project, count: int, ago: float) -> None:
        """The same, for hooks that were paused then; jobs that send them wait to be worked on."""
        for hook in project.hooks:
            items = _waiting(project.asset, hook, count, int((self.clock.time - ago) * 1000))
            self.load(map(parking.parked, items))
            jobs.put(drain_hook(project.asset, hook))

    def load(self, items: Iterable[Item]) -> None:
        """Puts items into the table at once."""
        self.store.load(settings().data_table, map(typed.marshal_item, items))

    def submit(self, asset: str) -> None:
        self.clock.forward(0.01)
        answers = {f"q{i}": f"the answer to question {i}, some words long" for i in range(20)}
        data = {"id": asset, "submission": {**answers, "meta": {"instanceID": f"uuid:{uuid.uuid4()}"}}}
        assert self.app.send("POST", "/submission", data).status == 201

    def deliver(self, asset: str, hook: str) -> None:
        """Delivers the newest submission."""
        item = next(deliveries.newest_first(hook))
        deliver.handler({"Records": [_record(asset, hook, item["sid"])]}, LambdaContext())

    # What is measured

    def operations(self, project: Project, *, sweep: bool = True, times: int = 3) -> Iterator[Figures]:
        """Each operation on a project, timed so often; ``sweep``: also one for which nothing is due."""
        asset, hook = project.asset, project.hooks[0]
        path = f"/api/v2/assets/{asset}/"
        # In the middle of a stretch of a thousand, whatever the size.
        middle = str(len(project.sids) // 2 // 1_000 * 1_000 + 499)
        reads: dict[str, tuple[str, dict[str, str]]] = {
            "submissions, first 100": ("data/", {"limit": str(PAGE)}),
            "submissions, 100 in the middle": ("data/", {"limit": str(PAGE), "start": middle}),
            "one submission": (f"data/{project.sids[0]}/", {}),
            "count, in the project": ("", {}),
            "hooks": ("hooks/", {}),
            "logs, first 100": (f"hooks/{hook}/logs/", {"limit": str(PAGE)}),
            "logs, what failed": (f"hooks/{hook}/logs/", {"status": "0"}),
            "logs, 100 in the middle": (f"hooks/{hook}/logs/", {"limit": str(PAGE), "start": middle}),
        }
        for name, (rest, parameters) in reads.items():
            yield self.measured(name, partial(self._get, path + rest, parameters), times)
        yield self.measured("submission", lambda: self.submit(asset), times)
        waiting = iter(list(deliveries.newest_first(hook))[:10])

        def attempt() -> None:
            record = _record(asset, hook, next(waiting)["sid"])
            deliver.handler({"Records": [record]}, LambdaContext())

        yield self.measured("delivery", attempt, times)
        if sweep:
            yield self.measured("sweep, nothing due", self.app.recover, times)

    def queued(self) -> int:
        """How many messages stand on all queues."""
        return sum(len(queue.messages) for queue in self.backend.sqs.queues.values())

    def _get(self, path: str, parameters: dict[str, str]) -> None:
        assert self.app.get(path, **parameters).status == 200

    def measured(self, name: str, work: Callable[[], object], times: int) -> Figures:
        """Figures of one operation, warmed up; the best times of a few."""
        work()
        with metered_backend(self.backend) as bill:
            work()
        best, store = float("inf"), 0.0
        for _ in range(times):
            watch = Stopwatch()
            with watching(self.backend, watch):
                began = time.perf_counter()
                work()
                took = time.perf_counter() - began
            if took < best:
                best, store = took, watch.seconds
        return Figures(name, bill, best * 1000, store * 1000)


def _record(asset: str, hook: str, sid: int) -> dict[str, Any]:
    """A first attempt as SQS hands it over."""
    return {"messageId": "m", "body": json.dumps({"a": asset, "h": hook, "s": sid, "n": 1})}


def _waiting(asset: str, hook: str, count: int, then: int) -> Iterator[Item]:
    """First attempts that are due since then (ms)."""
    first = ids.id_at(then)
    for sid in range(first, first + count):
        yield deliveries.new(asset, hook, sid, origin=BASE, now=then, due_at=then, sweep_at=then)


def _copies(arrived: Item, hook: str, sids: Iterable[int]) -> Iterator[Item]:
    """Deliveries of these submissions to a hook that stand as one that arrived, but for the first few, which failed."""
    # However long that took: its digits are not to matter.
    arrived = {**arrived, "arrived": {**arrived["arrived"], "took": 50}}
    failed = {**arrived, "status": deliveries.FAILED, "trouble": keys.trouble(hook, "failed")}
    del failed["arrived"]
    for number, sid in enumerate(sids):
        like = failed if number < FAILED else arrived
        yield {**like, **keys.delivery(hook, sid), "hook": hook, "sid": sid}


@contextmanager
def stored(url: str) -> Iterator[Stored]:
    """Such a deployment, empty."""
    with large_backend() as (backend, store), pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORMRELAY_ALLOW_NETWORKS", "127.0.0.0/8")
        settings.cache_clear()
        clock = Clock(patch)
        yield Stored(backend, store, install(settings(), patch), clock, url)
