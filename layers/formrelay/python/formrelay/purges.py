"""The job that removes what a deleted project leaves behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from formrelay import clock
from formrelay.storage import jobs, purging, sweep
from formrelay.storage.table import Item

# A function that read the project before it was deleted may write for it as long as it runs; then all is looked at
# once more.
_LATE_MS = 15 * 60_000


def work(job: Item, ends: float) -> bool:
    """Removes as much as there is time for (monotonic clock); True when nothing is left and nothing can come."""
    now = clock.now_ms()
    _note_late_ones(job)
    if not all(_done(step, ends) for step in _steps(job)):
        return False
    if now >= job["created"] + _LATE_MS:
        return True
    sweep.push(job, job["sweep_at"], job["created"] + _LATE_MS, job.get("looks", 0))
    return False


def _note_late_ones(job: Item) -> None:
    """Keeps in the job what was added to the project just before it was deleted, and is removed by name."""
    hooks, users = purging.named(job["asset"])
    if not (hooks <= set(job["hooks"]) and users <= set(job["users"])):
        job["hooks"], job["users"] = sorted({*job["hooks"], *hooks}), sorted({*job["users"], *users})
        jobs.set_facts(job, {name: job[name] for name in ("hooks", "users")})


def _done(step: Callable[[], bool], ends: float) -> bool:
    while time.monotonic() < ends:
        if step():
            return True
    return False


def _steps(job: Item) -> Iterator[Callable[[], bool]]:
    """Hooks go first, so that nothing more is delivered."""
    asset = job["asset"]
    yield partial(purging.details, asset)
    for uid in job["hooks"]:
        yield partial(purging.hook, uid)
    yield partial(purging.lists, asset, job["users"])
    yield partial(purging.submissions, asset)
    yield partial(purging.marks, asset)
    yield partial(purging.deleted_submissions, asset)
    yield partial(purging.activity, asset)
    yield partial(purging.exports, asset)
    yield partial(purging.files, asset)
