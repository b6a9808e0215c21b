"""Background jobs: work that is too long for the request that asked for it. Recovery runs them, piece by piece."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from formrelay import clock, drains, ids, queues
from formrelay.log import logger
from formrelay.settings import settings
from formrelay.storage import deliveries, keys, table
from formrelay.storage.table import Item

PURGE_HOOK = "purge-hook"
RETRY_HOOK = "retry-hook"
DRAIN_HOOK = "drain-hook"
_PAGE = 100
# A delivery that waits for its last attempt, in the eyes of who asks for a retry of all: so many attempts ended,
# the last one so long ago.
_LAST_TRIES = 3
_QUIET_MS = 120_000
_SKEW_MS = 5_000


def purge_hook(hook_uid: str) -> Item:
    """The job that removes the deliveries of a deleted hook, for the transaction that deletes it."""
    return _job(PURGE_HOOK, hook=hook_uid)


def retry_hook(asset: str, hook_uid: str) -> Item:
    """The job that makes every failed delivery of a hook due again; stored before it is begun."""
    job = _job(RETRY_HOOK, asset=asset, hook=hook_uid)
    table.put(settings().data_table, job)
    return job


def drain_hook(asset: str, hook_uid: str) -> Item:
    """The job that sends what is parked, for the transaction that ends a hook's pause."""
    return _job(DRAIN_HOOK, asset=asset, hook=hook_uid)


def _job(kind: str, **facts: str) -> Item:
    uid, now = ids.uid("j"), clock.now_ms()
    shard = keys.sweep_shard(uid)
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
    table.delete(settings().data_table, keys.job(job["uid"]))
    return "job done"


def _purge(job: Item, ends: float) -> bool:
    while time.monotonic() < ends:
        if deliveries.purge(job["hook"], _PAGE):
            return True
    return False


def _retry(job: Item, ends: float) -> bool:
    for sids in _pages(retriable(job["hook"], job["created"])):
        for item in deliveries.get_many(job["hook"], sids):
            if time.monotonic() >= ends:
                return False
            if item.get("job") != job["uid"] and _may_retry(item, job["created"]):
                retry_one(item, job=job["uid"])
    return True


def retriable(hook: str, asked: int) -> list[int]:
    """Submission ids of the deliveries that a retry of all means (contract rest-services §5), newest first.

    Every failed one, and those that have waited for their last automatic attempt for a while.
    """
    waiting: list[int] = []
    for sids in _pages(deliveries.in_trouble(hook, "pending")):
        waiting += [item["sid"] for item in deliveries.get_many(hook, sids) if _may_retry(item, asked)]
    return sorted({*deliveries.in_trouble(hook, "failed"), *waiting}, reverse=True)


def _may_retry(item: Item, asked: int) -> bool:
    # Later than that it failed after the job was asked for. Clocks of two machines differ by less than the margin.
    if item["status"] == deliveries.FAILED:
        return bool(item["modified"] <= asked + _SKEW_MS)
    is_last = item["status"] == deliveries.PENDING and item["tries"] >= _LAST_TRIES
    return is_last and bool(item["modified"] <= asked - _QUIET_MS)


def _pages(sids: list[int]) -> Iterator[list[int]]:
    return (sids[i : i + _PAGE] for i in range(0, len(sids), _PAGE))


def retry_one(item: Item, *, job: str | None = None, queue: bool = True) -> dict[str, Any] | None:
    """Makes a delivery due at once and queues it; its message, or None when it moved on since it was read."""
    now = clock.now_ms()
    sweep_at = now + settings().recovery_grace * 1000
    try:
        item = deliveries.retry_by_hand(item, now=now, sweep_at=sweep_at, job=job)
    except table.ConditionError:
        return None
    message = queues.delivery_message(item["asset"], item["hook"], item["sid"], item["seq"])
    if queue:
        send(message)
    return message


def send(message: dict[str, Any]) -> None:
    """Queues a retry that stands in the table. A failure costs time only."""
    try:
        queues.send_retry(message, 0)
    except Exception:
        logger.exception("retry not queued, left to recovery", extra={"sid": message["s"]})


_STEPS: dict[str, Callable[[Item, float], bool]] = {PURGE_HOOK: _purge, RETRY_HOOK: _retry, DRAIN_HOOK: drains.work}
