"""The operations whose cost is counted, and what each needs: requests, units, seconds, dollars."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from formrelay import clock
from formrelay.aws import dynamodb
from formrelay.log import logger
from formrelay.settings import settings
from formrelay.storage import deliveries, submissions, typed
from formrelay.storage.table import Item
from functions.deliver import app as deliver
from tests.bench import prices
from tests.bench.deployment import received
from tests.bench.meter import Bill, metered
from tests.support.app import App, LambdaContext
from tests.support.large import copies
from tests.support.template import functions

FORM = {"survey": [{"type": "text", "name": f"q{i}", "label": f"Question {i}"} for i in range(20)]}
# Answer of a receiver, and messages that one poll brings on average when traffic is steady but not dense.
RECEIVER_SECONDS = 0.2
POLLED = 2
_HOUR = 3600.0


@dataclass(frozen=True)
class Cost:
    """One operation. ``requests``: 1 when it comes through the gateway; ``received``: messages off a queue;
    ``posts``: requests to receivers, ``posted`` their bytes; ``logged``: bytes of our own lines."""

    name: str
    bill: Bill
    cpu: float
    function: str
    requests: int = 0
    received: int = 0
    posts: int = 0
    posted: int = 0
    logged: int = 0

    @property
    def memory(self) -> int:
        """MB of its function."""
        size: int = functions()[self.function]["MemorySize"]
        return size

    @property
    def share(self) -> float:
        """Invocations: one, or its part of a batch for each message."""
        return self.received / POLLED if self.received else 1.0

    @property
    def sqs(self) -> float:
        """Requests to queues, ours and those of Lambda."""
        return self.bill.of("sqs") + (2 * self.share if self.received else 0)

    @property
    def seconds(self) -> float:
        """Of Lambda: CPU at the function's share, the services' time, and what it waits for; a batch waits at once."""
        services = sum(self.bill.of(name) * each for name, each in prices.CALL_SECONDS.items())
        waits = services + self.posts * RECEIVER_SECONDS
        own = self.cpu / min(1.0, self.memory / prices.CPU_MB)
        return own + (waits / POLLED if self.received else waits)

    @property
    def counted(self) -> float:
        """Dollars for a million, by what is counted: all but the seconds of Lambda."""
        gets = self.bill.of("s3")
        puts = sum(self.bill.calls[f"s3.{name}"] for name in prices.S3_PUTS)
        gets -= puts + sum(self.bill.calls[f"s3.{name}"] for name in prices.S3_FREE)
        return (
            self.bill.writes * prices.WRITE_UNIT
            + self.bill.reads * prices.READ_UNIT
            + self.requests * prices.API_REQUEST
            + self.share * prices.LAMBDA_REQUEST
            + self.sqs * prices.SQS_REQUEST
            + self.bill.of("kms") * prices.KMS_REQUEST
            + puts * prices.S3_PUT
            + gets * prices.S3_GET
        )

    @property
    def timed(self) -> float:
        """Dollars for a million, by the seconds of Lambda."""
        return self.seconds * self.memory / 1024 * prices.GB_SECOND * 1e6

    @property
    def dollars(self) -> float:
        """For a million of them, without what is stored, logged and sent out."""
        return self.counted + self.timed


class _Lines(logging.Handler):
    """Counts the bytes of what is logged, as it would be written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logger.registered_formatter)
        self.bytes = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.bytes += len(self.format(record).encode()) + 1


@contextmanager
def _logged() -> Iterator[_Lines]:
    lines = _Lines()
    logger.addHandler(lines)
    try:
        yield lines
    finally:
        logging.getLogger(logger.name).removeHandler(lines)


class Bench:
    """Operations on projects with 0, 1 and 5 hooks.

    ``url`` takes everything, ``moody`` refuses every other request; ``rows`` of an export, none without it.
    """

    def __init__(self, app: App, url: str, moody: str, *, repeat: int = 1, rows: int = 0) -> None:
        self.app, self.url, self.moody, self.repeat, self.rows = app, url, moody, repeat, rows
        self.ahead = 0.0

    def costs(self) -> Iterator[Cost]:
        """Each operation in turn. Time passes where an operation needs it to."""
        real = clock.now
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock, "now", lambda: real() + self.ahead)
            for hooks in (0, 1, 5):
                yield self._submission(hooks)
            yield self._delivery("delivery that arrives", self.url, attempts=1)
            yield self._delivery("delivery with one retry", self.moody, attempts=2)
            yield from self._reads()
            if self.rows:
                yield self._export()
            self.ahead += 24 * _HOUR
            # What was queued above is never taken: the first sweep finds it, the next one nothing.
            yield self._measured("sweep, nothing due", self.app.recover, "recover")

    def _reads(self) -> Iterator[Cost]:
        asset, _ = self._project(1, self.url)
        for _ in range(100):
            self._submit(asset)
        # What has settled is counted by marks, which the first reader makes.
        self.ahead += _HOUR
        sid = self.app.records(asset)[0]["_id"]
        project = f"/api/v2/assets/{asset}/"
        for name, path in {
            "page of 100 submissions": "data/",
            "one submission": f"data/{sid}/",
            "list of hooks": "hooks/",
            "project": "",
        }.items():
            yield self._measured(name, lambda path=path: self._get(project + path), "api", requests=1)  # type: ignore[misc]

    def _project(self, hooks: int, url: str) -> tuple[str, list[str]]:
        asset = self.app.deploy(FORM)
        return asset, [self.app.add_hook(asset, url) for _ in range(hooks)]

    def _submit(self, asset: str) -> None:
        answers = {f"q{i}": f"answer {i}" for i in range(20)}
        data = {"id": asset, "submission": {**answers, "meta": {"instanceID": f"uuid:{uuid.uuid4()}"}}}
        assert self.app.send("POST", "/submission", data).status == 201

    def _get(self, path: str) -> None:
        assert self.app.get(path).status == 200

    def _submission(self, hooks: int) -> Cost:
        asset, _ = self._project(hooks, self.url)
        name = f"submission, {hooks} hook{'' if hooks == 1 else 's'}"
        return self._measured(name, lambda: self._submit(asset), "ingest", requests=1)

    def _delivery(self, name: str, url: str, attempts: int) -> Cost:
        asset, (hook,) = self._project(1, url)
        for _ in range(self.repeat + 2):
            self._submit(asset)
        waiting = list(deliveries.newest_first(hook))

        def work() -> None:
            item = waiting.pop()
            for number in range(attempts):
                body = json.dumps({"a": asset, "h": hook, "s": item["sid"], "n": item["seq"] + number})
                deliver.handler({"Records": [{"messageId": "m", "body": body}]}, LambdaContext())
                self.ahead += 61

        cost = self._measured(name, work, "deliver", received=attempts, url=url)
        assert cost.posts == attempts
        return cost

    def _export(self) -> Cost:
        """A turn of ``export`` on a CSV of all rows; asking for it costs about what any request does."""
        asset, _ = self._project(0, self.url)
        self._submit(asset)
        (item,) = submissions.scan(asset)
        _store(copies(item, self.rows - 1, newest_ms=clock.now_ms() - 60_000))
        self.app.lambdas.held = []
        wanted = {
            "type": "csv", "lang": "_default", "group_sep": "/", "hierarchy_in_labels": False,
            "fields_from_all_versions": True, "multiple_select": "both",
        }  # fmt: skip

        def ask() -> None:
            assert self.app.send("POST", f"/api/v2/assets/{asset}/exports/", wanted).status == 201

        def work() -> None:
            assert self.app.export() == ["done"]

        return self._measured(f"export of {self.rows:,} rows", work, "export", prepare=ask, repeat=1)

    def _measured(
        self,
        name: str,
        work: Callable[[], object],
        function: str,
        *,
        prepare: Callable[[], object] = lambda: None,
        url: str | None = None,
        repeat: int | None = None,
        **facts: Any,
    ) -> Cost:
        """The bill of one run, and the CPU seconds of others on average; an operation that is short is warmed up."""
        if repeat is None:
            prepare()
            work()
        prepare()
        before = received(url) if url else (0, 0)
        with metered() as bill, _logged() as lines:
            work()
        after = received(url) if url else (0, 0)
        repeat = repeat or self.repeat
        cpu = 0.0
        for _ in range(repeat):
            prepare()
            began = time.process_time()
            work()
            cpu += time.process_time() - began
        posts, posted = (now - then for now, then in zip(after, before, strict=True))
        return Cost(
            name, bill, cpu / repeat, function, posts=posts, posted=posted, logged=lines.bytes, **facts
        )


def _store(items: Iterable[Item]) -> None:
    """Puts items into the table, past all rules."""
    wanted = [{"PutRequest": {"Item": typed.marshal_item(item)}} for item in items]
    for i in range(0, len(wanted), 25):
        answer = dynamodb().batch_write_item(RequestItems={settings().data_table: wanted[i : i + 25]})  # type: ignore[dict-item]
        assert not answer.get("UnprocessedItems")
