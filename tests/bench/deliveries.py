"""Deliveries per second of one deliver process, with all their durable records, and what the guarded client costs.

python -m tests.bench.deliveries [--count 600] [--delays 0 50 500] [--hooks 1 10 100]

Batches of ten go through the real handler, one after the other, against tables in the local emulator (a process of
its own, as the receiver). ``one by one`` is the same with batches of one: what a loop without threads would do.
Then the POST alone: the guarded client beside a bare ``requests.Session`` that stays open.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import statistics
import time
from collections.abc import Callable

import requests

from formrelay.hooks import guard, http
from functions.deliver import app as deliver
from tests.bench.deployment import deployment, queued, receiver
from tests.support.app import App, LambdaContext

BATCH = 10
# One by one against a slow receiver takes long.
SINGLES = 40
LOOPBACK = guard.Policy(allow=(ipaddress.ip_network("127.0.0.0/8"),))


def handle(messages: list[str], size: int) -> tuple[float, float]:
    """Seconds of wall clock and of this process's CPU for each."""
    began, used = time.perf_counter(), time.process_time()
    for start in range(0, len(messages), size):
        records = [{"messageId": "m", "body": body} for body in messages[start : start + size]]
        assert deliver.handler({"Records": records}, LambdaContext()) == {"batchItemFailures": []}
    count = len(messages)
    return (time.perf_counter() - began) / count, (time.process_time() - used) / count


def _row(app: App, delay: int, hooks: int, count: int) -> str:
    with receiver(delay) as url:
        _, messages = queued(app, url, count, hooks)
        alone = max(SINGLES, count // 8)
        single, single_cpu = handle(messages[:alone], 1)
        batched, cpu = handle(messages[alone:], BATCH)
    return (
        f"{delay:>8} {hooks:>5} {1 / single:>12.0f} {single_cpu * 1000:>7.1f} {1 / batched:>10.0f}"
        f" {cpu * 1000:>7.1f} {single / batched:>6.1f}"
    )


def _median(send: Callable[[], object], count: int) -> float:
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        send()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _posts(count: int) -> str:
    """Microseconds of one POST: guarded, and by a bare session."""
    body = json.dumps({f"q{i}": f"answer {i}" for i in range(20)}).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "formrelay"}
    with receiver(0) as url, requests.Session() as session:

        def guarded() -> None:
            assert http.post(url, headers, body, timeouts=http.Timeouts(), policy=LOOPBACK).ok

        def bare() -> None:
            assert session.post(url, data=body, headers=headers, timeout=20).ok

        guarded()
        bare()
        ours, theirs = _median(guarded, count), _median(bare, count)
    return (
        f"POST alone: guarded {ours * 1e6:.0f} µs, bare session {theirs * 1e6:.0f} µs, {ours / theirs:.2f}×"
    )


def main() -> None:
    """Prints one line for each receiver, then one for the POST alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--delays", type=int, nargs="+", default=[0, 50, 500])
    parser.add_argument("--hooks", type=int, nargs="+", default=[1, 10, 100])
    options = parser.parse_args()
    print(_posts(options.count))
    print(
        f"{'delay ms':>8} {'hooks':>5} {'one by one/s':>12} {'CPU ms':>7} {'batches/s':>10} {'CPU ms':>7}"
        f" {'times':>6}"
    )
    with deployment() as app:
        for delay in options.delays:
            for hooks in options.hooks:
                print(_row(app, delay, hooks, options.count))


if __name__ == "__main__":
    main()
