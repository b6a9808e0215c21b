"""Runs lives by their seeds, many at a time, and tells of those that broke an invariant."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from tests.simulation.checks import violations
from tests.simulation.deployment import START, deployment
from tests.simulation.life import Life, Plan, plan
from tests.simulation.seam import Entry

Mutation = Callable[[], AbstractContextManager[None]]

_DETAIL, _CAME = 110, 110
_BATCH, _BATCHES = 10, 5
_PATIENCE = 120


@dataclass
class Result:
    """How one life went. ``history`` is kept of those that broke something."""

    seed: int
    broken: list[str]
    injected: Counter[str]
    seen: Counter[str]
    history: list[str] = field(default_factory=list)


def run(made: Plan, mutation: Mutation = nullcontext, *, keep: bool = False) -> Result:
    """One life, from its plan to the verdict."""
    life = Life(made)
    with life.world.open(), mutation():
        try:
            life.run()
            broken = violations(life)
        except Exception as error:
            broken = [f"the world broke: {error!r}", *traceback.format_exc().splitlines()[-6:]]
    seen = Counter(
        {
            "submissions accepted": sum(told.status in (201, 202) for told in life.clients.told),
            "requests received": len(life.world.network.arrivals),
            "processes killed": life.world.killed,
            "mails": len(life.world.backend.sesv2.mails),
            "calls": len(life.world.seam.history),
        }
    )
    history = list(map(line, life.world.seam.history)) if keep or broken else []
    return Result(made.seed, broken, life.world.faults.injected, seen, history)


def run_seed(seed: int) -> Result:
    return run(plan(seed))


def line(entry: Entry) -> str:
    """A line of history for people: time, who, what, on what, what came of it, and the fault if there was one."""
    fault = f"   <-- {entry.fault}" if entry.fault else ""
    detail, came = _short(entry.detail, _DETAIL), _short(entry.came, _CAME)
    return f"{entry.time - START:11.3f}  {entry.process:12} {entry.what:28} {detail}  =>  {came}{fault}"


def _short(value: object, length: int) -> str:
    text = str(value).replace("\n", " ")
    return text if len(text) <= length else text[: length - 1] + "…"


def results(seeds: Iterable[int], jobs: int) -> Iterator[Result]:
    """The results of many seeds, in the order in which they are ready."""
    deployment()
    gc.collect()
    gc.freeze()
    numbers = list(seeds)
    batches = [numbers[i : i + _BATCH] for i in range(0, len(numbers), _BATCH)]
    if jobs == 1:
        for batch in batches:
            yield from _batch(batch)
            gc.collect()
        return
    # What lives leave behind is full of cycles: it costs less to end a process now and then than to collect it.
    with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=_BATCHES) as pool:
        coming = pool.imap_unordered(_batch, batches)
        for _ in batches:
            # A life that stands still would hold up the others for ever.
            yield from coming.next(timeout=_PATIENCE)


def _batch(seeds: list[int]) -> list[Result]:
    gc.disable()
    return [run_seed(seed) for seed in seeds]


@dataclass
class Summary:
    """What many lives were like."""

    seeds: int = 0
    seconds: float = 0.0
    injected: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    failed: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        self.seeds += 1
        self.injected.update(result.injected)
        self.seen.update(result.seen)
        if result.broken:
            self.failed.append(result)

    def lines(self) -> list[str]:
        """The summary for people."""
        faults = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.injected.items()) if count)
        seen = ", ".join(f"{what} {count:,}" for what, count in sorted(self.seen.items()))
        return [
            f"simulation: {self.seeds:,} seeds in {self.seconds:.0f} s, {len(self.failed)} failed",
            f"  faults injected: {sum(self.injected.values()):,}: {faults}",
            f"  {seen}",
        ]


def summarise(seeds: Iterable[int], jobs: int, stop_after: int = 10) -> Summary:
    """Runs seeds until all are through, or so many have failed."""
    summary, started = Summary(), time.monotonic()
    for result in results(seeds, jobs):
        summary.add(result)
        if len(summary.failed) >= stop_after:
            break
    summary.seconds = time.monotonic() - started
    return summary


def tell(result: Result, out: Callable[[str], object]) -> None:
    """Prints a failed life: its history, what it broke, and how to see it again."""
    for text in result.history:
        out(text)
    out(f"seed {result.seed} broke:")
    for text in result.broken:
        out(f"  {text}")
    out(f"replay: make simulate SEED={result.seed}")


def reproducible() -> None:
    """Starts this program again with a fixed order of sets, without which a seed means something else each time."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]])  # noqa: S606
