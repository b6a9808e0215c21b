"""Whether operations cost the same however much is stored, however many hooks there are, and while much is queued.

python -m tests.bench.growth [--sizes 1000 10000 100000] [--hooks 1 10 50] [--burst 50000]

The real functions on a store in memory. Calls, units and bytes (sent to and answered by DynamoDB and SQS) are exact;
the milliseconds are those of this machine, beside those of them that the store itself took, as bare calls would. What
costs more where more is stored stands in the last lines.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from functools import partial

from functions.recover import app as recover
from tests.bench.deployment import quiet, receiver
from tests.bench.meter import metered_backend
from tests.bench.stored import Figures, Project, Stored, stored
from tests.support.app import LambdaContext

# Hooks that a burst is spread over, seconds that it is overdue, and seconds of each pass of the sweep that is watched.
HOOKS = 10
OVERDUE = 600.0
PASS = 4.0
# What may differ between two runs: a mark for each thousand, an uid that is longer.
_SLACK = 0.1

_COLUMNS = ("calls", "write", "read", "kB", "ms", "store ms")

Rows = dict[str, dict[str, Figures]]


def main() -> None:
    """Prints by size, by hooks, and while much is queued."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--hooks", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--burst", type=int, default=50_000)
    options = parser.parse_args()
    quiet()
    with receiver() as url:
        with stored(url) as place:
            _print("stored", _rows(place, ((f"{size:,}", size, 1) for size in options.sizes)))
        with stored(url) as place:
            sizes = ((f"{hooks}", options.sizes[0], hooks) for hooks in options.hooks)
            _print("hooks", _rows(place, sizes))
        with stored(url) as place:
            _busy(place, options.sizes[0])
        count = options.burst // HOOKS
        with stored(url) as place:
            _queued(place, "overdue", count, partial(place.queue, count=count, ago=OVERDUE))
        with stored(url) as place:
            _queued(place, "parked", count, partial(place.park, count=count, ago=OVERDUE))


def _rows(place: Stored, sizes: Iterable[tuple[str, int, int]]) -> Rows:
    """Figures by operation and size, of a project for each."""
    rows: Rows = {}
    for label, size, hooks in sizes:
        _note(rows, label, place.operations(place.project(size, hooks)))
    return rows


def _note(rows: Rows, label: str, figures: Iterable[Figures]) -> None:
    for each in figures:
        rows.setdefault(each.name, {})[label] = each


def _print(what: str, rows: Rows) -> None:
    print(f"{'operation':<32}{what:>9}" + "".join(f"{name:>10}" for name in _COLUMNS))
    for name, figures in rows.items():
        for label, each in figures.items():
            print(f"{name:<32}{label:>9}" + _figures(each))
            name = ""
    for name, figures in rows.items():
        first, *_, last = figures.values()
        if grown := _grown(first, last):
            print(f"grows with {what}: {name}: {grown}")


def _figures(each: Figures) -> str:
    bill = each.bill
    return (
        f"{bill.calls.total():>10}{bill.writes:>10g}{bill.reads:>10g}{bill.moved / 1000:>10.1f}"
        f"{each.ms:>10.2f}{each.store_ms:>10.2f}"
    )


def _grown(first: Figures, last: Figures) -> str:
    """What of an operation became more by more than a tenth, in words."""
    pairs = {
        "calls": (first.bill.calls.total(), last.bill.calls.total()),
        "write": (first.bill.writes, last.bill.writes),
        "read": (first.bill.reads, last.bill.reads),
        "kB": (first.bill.moved / 1000, last.bill.moved / 1000),
    }
    return ", ".join(
        f"{name} {before:.4g} to {after:.4g}"
        for name, (before, after) in pairs.items()
        if after > before * (1 + _SLACK)
    )


def _busy(place: Stored, size: int) -> None:
    """Where something came a moment ago, and has not settled: half an hour ago, then one and ten a second until now."""
    rows: Rows = {}
    _note(rows, "none", place.operations(place.project(size, 1)))
    for rate in (1, 10):
        project = place.project(max(size, 400 * rate), 1, ago=1.0, apart_ms=1_000 // rate)
        _note(rows, f"{rate}/s", place.operations(project))
    _print("busy", rows)


# While much is queued


def _queued(place: Stored, what: str, count: int, queue: Callable[[Project], None]) -> None:
    """What operations cost beside so many deliveries of each hook that nobody has attempted, and what sending those
    costs: their messages were lost, or a pause of their hooks is over."""
    project = place.project(1_000, HOOKS)
    rows: Rows = {}
    _note(rows, "0", place.operations(project, sweep=False))
    queue(project)
    _note(rows, f"{count * HOOKS:,}", place.operations(project, sweep=False))
    _print(what, rows)
    _passes(place, what)


def _passes(place: Stored, what: str) -> None:
    """What a pass of the sweep takes for each delivery that it sends: counted in one, timed in the next."""
    with metered_backend(place.backend) as bill:
        counted = _pass(place)
    began = time.perf_counter()
    timed = _pass(place)
    took = time.perf_counter() - began
    figures = [bill.calls.total(), bill.writes, bill.reads, bill.moved / 1000]
    line = "".join(f"{figure / counted:>10.3g}" for figure in figures)
    print(f"{'each that the sweep sends':<32}{what:>9}{line}{took * 1000 / max(1, timed):>10.2f}")


def _pass(place: Stored) -> int:
    """One pass of the sweep that ends after some seconds; how many messages it sent."""
    before = place.queued()
    recover.handler({}, LambdaContext(recover.MARGIN + PASS))
    return place.queued() - before


if __name__ == "__main__":
    main()
