"""Background jobs: work that is too long for the request that asked for it. Recovery runs them, piece by piece."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from formrelay import clock, ids, purges
from formrelay.isolation import drains
from formrelay.log import logger
from formrelay.storage import jobs as stored
from formrelay.storage import keys, purging
from formrelay.storage.table import Item

PURGE_HOOK = "purge-hook"
DRAIN_HOOK = "drain-hook"
PURGE_PROJECT = "purge-project"
# People look at these after they are done.
_FOLLOWED = stored.RESENDS


def purge_hook(hook_uid: str) -> Item:
    """The job that removes the deliveries of a deleted hook, for the transaction that deletes it."""
    return _job(PURGE_HOOK, hook=hook_uid)


def drain_hook(asset: str, hook_uid: str) -> Item:
    """The job that sends what is parked, for the transaction that ends a hook's pause."""
    return _job(DRAIN_HOOK, asset=asset, hook=hook_uid)


def purge_project(asset: str, hooks: Sequence[str], users: Sequence[str]) -> Item:
    """The job that removes what is left of a deleted project; ``users`` are those with whom it was shared."""
    return _job(PURGE_PROJECT, asset=asset, hooks=hooks, users=users)


def _job(kind: str, **facts: str | Sequence[str]) -> Item:
    uid, now = ids.uid("j"), clock.now_ms()
    shard = keys.errand_shard(uid)
    return {
        **keys.job(uid),
        "uid": uid,
        "kind": kind,
        "created": now,
        "sweep": shard,
        "sweep_at": now,
        **facts,
    }


def begin(job: Item, seconds: float) -> None:
    """Works on a stored job for a while; what is not done then, for whatever reason, is left to recovery."""
    try:
        work(job, time.monotonic() + seconds)
    except Exception:
        logger.exception("job left to recovery", extra={"job": job["uid"], "kind": job["kind"]})


def work(job: Item, ends: float) -> str:
    """Does as much of a job as there is time for (monotonic clock); the job stays due until it is done.

    Every kind of job may be begun anew at any point, so two workers at once do no harm.
    """
    step = _STEPS.get(job["kind"])
    if step is None:
        logger.error("job of an unknown kind", extra={"job": job["uid"], "kind": job["kind"]})
        return "unknown job"
    if not step(job, ends):
        return "job"
    if job["kind"] not in _FOLLOWED:
        stored.remove(job)
    return "job done"


def _purge(job: Item, ends: float) -> bool:
    while time.monotonic() < ends:
        if purging.hook_logs(job["hook"]):
            return True
    return False


# Deliveries put jobs, too; only who works on them needs what reads submissions.


def _resend(job: Item, ends: float) -> bool:
    from formrelay.resends import jobs as resends

    return resends.work(job, ends)


def _change(job: Item, ends: float) -> bool:
    from formrelay.changes import bulk

    return bulk.work(job, ends)


_STEPS: dict[str, Callable[[Item, float], bool]] = {
    PURGE_HOOK: _purge,
    DRAIN_HOOK: drains.work,
    PURGE_PROJECT: purges.work,
    **dict.fromkeys(stored.RESENDS, _resend),
    **dict.fromkeys(stored.CHANGES, _change),
}
