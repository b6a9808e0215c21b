"""What each operation costs on AWS: calls, units, seconds, and dollars for a million of them.

python -m tests.bench.cost [--repeat 20]

Calls and units are counted while the real functions run against the local emulator; seconds of Lambda are our own CPU,
stretched to the function's share of one, plus what the services take (tests/bench/prices.py has all assumptions).
"""

from __future__ import annotations

import argparse
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from formrelay.storage import deliveries
from functions.deliver import app as deliver
from tests.bench import prices
from tests.bench.deployment import deployment, receiver
from tests.bench.meter import Bill, metered
from tests.support.app import App, LambdaContext
from tests.support.template import functions

FORM = {"survey": [{"type": "text", "name": f"q{i}", "label": f"Question {i}"} for i in range(20)]}
# Answer of a receiver, and messages that one poll brings on average when traffic is steady but not dense.
RECEIVER_SECONDS = 0.2
POLLED = 2


@dataclass(frozen=True)
class Cost:
    """One operation. ``requests``: 1 when it comes through the gateway; ``received``: messages off a queue."""

    name: str
    bill: Bill
    cpu: float
    function: str
    requests: int = 0
    received: int = 0
    waits: float = 0.0

    @property
    def memory(self) -> int:
        """MB of its function."""
        size: int = functions()[self.function]["MemorySize"]
        return size

    @property
    def seconds(self) -> float:
        """Of Lambda: CPU at the function's share, the services' time, and what it waits for."""
        share = min(1.0, self.memory / prices.CPU_MB)
        services: float = sum(self.bill.of(name) * each for name, each in prices.CALL_SECONDS.items())
        return self.cpu / share + services + self.waits

    @property
    def dollars(self) -> float:
        """For a million of them, without storage and logs."""
        # Two requests of the poller for each batch: receive and delete.
        queue = self.bill.of("sqs") + (2 / POLLED if self.received else 0)
        invocations = self.requests + (1 / POLLED if self.received else 0)
        batched = self.seconds / (POLLED if self.received else 1)
        return (
            self.bill.writes * prices.WRITE_UNIT
            + self.bill.reads * prices.READ_UNIT
            + self.requests * prices.API_REQUEST
            + invocations * prices.LAMBDA_REQUEST
            + queue * prices.SQS_REQUEST
            + self.bill.of("kms") * prices.KMS_REQUEST
            + self.bill.of("s3") * prices.S3_GET
            + batched * self.memory / 1024 * prices.GB_SECOND * 1e6
        )


def _measure(work: Callable[[], object], repeat: int) -> tuple[Bill, float]:
    """The bill of one run, and the CPU seconds of another one on average; the first run warms up."""
    work()
    with metered() as bill:
        work()
    began = time.process_time()
    for _ in range(repeat):
        work()
    return bill, (time.process_time() - began) / repeat


class Bench:
    """Operations on projects with 0, 1 and 5 hooks."""

    def __init__(self, app: App, url: str, broken: str, repeat: int) -> None:
        self.app, self.url, self.broken, self.repeat = app, url, broken, repeat

    def costs(self) -> Iterator[Cost]:
        """Each operation in turn."""
        for hooks in (0, 1, 5):
            yield self._submission(hooks)
        yield self._delivery("delivery that arrives", self.url)
        yield self._delivery("attempt that fails", self.broken)
        asset, _ = self._project(1, self.url)
        for _ in range(100):
            self._submit(asset)
        sid = self.app.records(asset)[0]["_id"]
        yield self._read("list of 100 submissions", f"/api/v2/assets/{asset}/data/")
        yield self._read("one submission", f"/api/v2/assets/{asset}/data/{sid}/")
        yield self._read("list of hooks", f"/api/v2/assets/{asset}/hooks/")
        yield self._read("project", f"/api/v2/assets/{asset}/")

    def _project(self, hooks: int, url: str) -> tuple[str, list[str]]:
        asset = self.app.deploy(FORM)
        return asset, [self.app.add_hook(asset, url) for _ in range(hooks)]

    def _submit(self, asset: str) -> None:
        answers = {f"q{i}": f"answer {i}" for i in range(20)}
        data = {"id": asset, "submission": {**answers, "meta": {"instanceID": f"uuid:{uuid.uuid4()}"}}}
        assert self.app.send("POST", "/submission", data).status == 201

    def _submission(self, hooks: int) -> Cost:
        asset, _ = self._project(hooks, self.url)
        bill, cpu = _measure(lambda: self._submit(asset), self.repeat)
        return Cost(f"submission, {hooks} hooks", bill, cpu, "ingest", requests=1)

    def _delivery(self, name: str, url: str) -> Cost:
        asset, (hook,) = self._project(1, url)
        for _ in range(self.repeat + 2):
            self._submit(asset)
        waiting = list(deliveries.newest_first(hook))

        def work() -> None:
            item = waiting.pop()
            body = json.dumps({"a": asset, "h": hook, "s": int(item["sk"]), "n": item["seq"]})
            deliver.handler({"Records": [{"messageId": "m", "body": body}]}, LambdaContext())

        bill, cpu = _measure(work, self.repeat)
        return Cost(name, bill, cpu, "deliver", received=1, waits=RECEIVER_SECONDS)

    def _read(self, name: str, path: str) -> Cost:
        def work() -> None:
            assert self.app.get(path).status == 200

        bill, cpu = _measure(work, self.repeat)
        return Cost(name, bill, cpu, "api", requests=1)


def main() -> None:
    """Prints the table, then a million submissions with one hook beside a server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=20)
    options = parser.parse_args()
    with deployment() as app, receiver() as url, receiver(status=503) as broken:
        costs = list(Bench(app, url, broken, options.repeat).costs())
    print(
        f"{'operation':<26}{'calls':>6}{'write':>7}{'read':>7}{'CPU ms':>8}{'Lambda ms':>10}{'$/million':>10}"
    )
    for cost in costs:
        print(
            f"{cost.name:<26}{cost.bill.calls.total():>6}{cost.bill.writes:>7.1f}{cost.bill.reads:>7.1f}"
            f"{cost.cpu * 1000:>8.1f}{cost.seconds * 1000:>10.0f}{cost.dollars:>10.2f}"
        )
    named = {cost.name: cost.dollars for cost in costs}
    whole = named["submission, 1 hooks"] + named["delivery that arrives"]
    print(f"a million submissions, each delivered to one hook: ${whole:.2f}")
    print(
        f"an always-on server at ${prices.SERVER_MONTH:.0f} a month is cheaper from"
        f" {prices.SERVER_MONTH / whole:.1f} million submissions a month on"
    )


if __name__ == "__main__":
    main()
