"""What reading submissions costs: rows a second of a list, a query and a sort, and the memory of a scan.

python -m tests.bench.reading [--rows 100000]

The store is in memory, so these are the times of our own work and of taking DynamoDB's answers apart.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from formrelay import records, selection
from formrelay.settings import settings
from formrelay.storage import marks, submissions
from tests.bench.deployment import quiet
from tests.support.app import App, Clock, install
from tests.support.large import LargeStore, large_store, multiply

_BASE = "https://kf.example.org"
FORM = {"survey": [{"type": "text", "name": f"q{i}", "label": f"Question {i}"} for i in range(20)]}
QUERIES: dict[str, Any] = {
    "a submitter": {"_submitted_by": "nobody"},
    "equality": {"q7": "nothing"},
    "range and list": {"q3": {"$gt": "zzz"}, "q9": {"$in": ["x", "y"]}},
    "regular expression": {"q7": {"$regex": "some wor[kd]z", "$options": "i"}},
}


def main() -> None:
    """Measures and prints one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    quiet()
    with large_store() as store, pytest.MonkeyPatch.context() as patch:
        clock = Clock(patch)
        app = install(settings(), patch)
        asset = app.deploy(FORM)
        answers = {f"q{i}": f"the answer to question {i}, some words long" for i in range(20)}
        app.submit(app.filled(asset, answers))
        _texts(asset)
        sids = multiply(store, asset, rows, newest_ms=int(clock.time * 1000) - 1_800_000)
        print(f"marks over {rows:,} rows: {_seconds(lambda: marks.census(asset)):.2f} s")
        _lists(app, store, asset, rows)
        _queries(asset, sids)


def _lists(app: App, store: LargeStore, asset: str, rows: int) -> None:
    for name, parameters in {
        "first 100": {"limit": "100"},
        "newest 100": {"limit": "100", "sort": '{"_id":-1}'},
        "first 1,000": {"limit": "1000"},
        "1,000 with two fields": {"limit": "1000", "fields": '["q1","q2"]'},
        "100 in the middle": {"limit": "100", "start": str(rows // 2 + 499)},
    }.items():
        with store.watched() as cost:
            took = _seconds(lambda given=parameters: app.get(f"/api/v2/assets/{asset}/data/", **given))  # type: ignore[misc]
        calls = sum(cost.calls.values())
        print(
            f"list, {name}: {took * 1000:.1f} ms, {calls} calls, {cost.items} items, {cost.units} read units"
        )


def _queries(asset: str, sids: list[int]) -> None:
    before = _resident()
    for name, query in QUERIES.items():
        selected = selection.of(asset, _BASE, query)
        print(f"query, {name}: {len(sids) / _seconds(selected.count):,.0f} rows/s")
    print(f"the process grew by {(_resident() - before) / 1e3:.1f} MB over all of them")
    part = sids[: len(sids) // 10]
    tracemalloc.start()
    selection.of(asset, _BASE, QUERIES["equality"]).within(part[0], part[-1]).count()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"most memory of a query at once, over {len(part):,} rows: {peak / 1e6:.1f} MB")


def _resident() -> int:
    """The most memory that this process has had so far, in kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _texts(asset: str) -> None:
    """Joined from stored text, against taken apart and put together."""
    (item,) = submissions.scan(asset)
    bodies = submissions.unpack(item)

    def joined() -> None:
        records.text(item, bodies, asset=asset, base_url=_BASE)

    def parsed() -> None:
        record = records.record(item, bodies, asset=asset, base_url=_BASE)
        json.dumps(record, ensure_ascii=False, separators=(",", ":"))

    for name, work in {"joined": joined, "parsed": parsed}.items():
        took = min(_seconds(lambda: [work() for _ in range(2_000)]) for _ in range(3))  # noqa: B023
        print(f"a record of 20 answers as text, {name}: {took / 2_000 * 1e6:.1f} us")


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
