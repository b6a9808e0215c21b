"""What the CPU does in a submission and in a delivery, stage by stage.

python -m tests.bench.stages [--count 400]

One thread, the real handlers, tables in the local emulator (a process of its own, as the receiver). Each stage counts
without the stages inside it, so that the lines add up. ``AWS client`` is botocore: serialising, signing, sending,
reading and parsing; it does the same for a program that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from typing import Any

import botocore.client

from formrelay import delivery, hook_requests
from formrelay.api import submission
from formrelay.hooks import http
from formrelay.log import logger
from formrelay.openrosa import instance, json_submission, multipart
from formrelay.storage import submissions, table
from functions.ingest import app as ingest
from tests.bench.deployment import deployment, queued, receiver

# Stage: where its functions are looked up when they are called.
STAGES: dict[str, tuple[tuple[Any, str], ...]] = {
    "authentication": ((submission, "authenticate"),),
    "parsing": (
        (instance, "read"),
        (instance, "flatten"),
        (instance, "xpaths"),
        (multipart, "parse"),
        (json_submission, "to_xml"),
    ),
    "packing": ((submissions, "pack"), (submissions, "unpack")),
    "marshalling": ((table, "marshal_item"), (table, "unmarshal_item")),
    "rendering": ((hook_requests, "request_for"),),
    "POST to the hook": ((http, "post"),),
    "logging": ((logger, "info"),),
    "AWS client": ((botocore.client.BaseClient, "_make_api_call"),),
}
REST = "everything else"
# What the benchmark itself does between its calls.
OUTSIDE = "outside"


class Clock:
    """Divides this thread's CPU among the stages that are open, the innermost of which pays."""

    def __init__(self) -> None:
        self.spent: dict[str, int] = defaultdict(int)
        self._open = [OUTSIDE]
        self._since = time.thread_time_ns()

    def _charge(self) -> None:
        now = time.thread_time_ns()
        self.spent[self._open[-1]] += now - self._since
        self._since = now

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, paid by the stage."""

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            self._charge()
            self._open.append(stage)
            try:
                return function(*args, **kwargs)
            finally:
                self._charge()
                self._open.pop()

        return call

    def measure(self, work: Callable[[], object], count: int) -> dict[str, float]:
        """Microseconds of each stage, for each of the ``count`` things that the work does."""
        self._since = time.thread_time_ns()
        self.spent.clear()
        work()
        self._charge()
        return {stage: spent / count / 1000 for stage, spent in self.spent.items()}


def _put(clock: Clock, place: Any, name: str, stage: str) -> None:
    setattr(place, name, clock.timed(stage, getattr(place, name)))


def main() -> None:
    """Prints a line for each stage, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400)
    count = parser.parse_args().count
    clock = Clock()
    with deployment() as app, receiver() as url:
        asset, messages = queued(app, url, count)
        instances = [app.filled(asset, {f"q{i}": f"answer {i}" for i in range(20)}) for _ in range(count)]
        for stage, places in STAGES.items():
            for place, name in places:
                _put(clock, place, name, stage)
        _put(clock, ingest, "handler", REST)
        _put(clock, delivery, "attempt", REST)

        def submit() -> None:
            for xml in instances:
                assert app.submit(xml).status == 201

        def deliver() -> None:
            for message in messages:
                assert delivery.attempt(json.loads(message), 30)

        submitted, delivered = clock.measure(submit, count), clock.measure(deliver, count)
    print(f"{'µs of CPU':<18}{'submission':>11}{'delivery':>10}")
    stages = [*STAGES, REST]
    for stage in stages:
        print(f"{stage:<18}{submitted.get(stage, 0):>11,.0f}{delivered.get(stage, 0):>10,.0f}")
    sums = [sum(found.get(stage, 0) for stage in stages) for found in (submitted, delivered)]
    print(f"{'together':<18}{sums[0]:>11,.0f}{sums[1]:>10,.0f}")


if __name__ == "__main__":
    main()
