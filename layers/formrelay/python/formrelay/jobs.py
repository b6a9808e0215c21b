"""Background jobs: work that is too long for the request that asked for it. Recovery runs them, piece by piece."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from formrelay import clock, ids, queues
from formrelay.log import logger
from formrelay.settings import settings
from formrelay.storage import deliveries, keys, table
from formrelay.storage.table import Item

PURGE_HOOK = "purge-hook"
RETRY_HOOK = "retry-hook"
_PAGE = 200


def purge_hook(hook_uid: str) -> Item:
    """The job that removes the deliveries of a deleted hook, for the transaction that deletes it."""
    return _job(PURGE_HOOK, hook=hook_uid)


def retry_hook(asset: str, hook_uid: str) -> Item:
    """The job that makes every failed delivery of a hook due again; stored before it is begun."""
    job = _job(RETRY_HOOK, asset=asset, hook=hook_uid)
    table.put(settings().data_table, job)
    return job


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
    for sid in deliveries.in_trouble(job["hook"], "failed"):
        if time.monotonic() >= ends:
            return False
        item = deliveries.get(job["hook"], sid)
        # One that failed after the job was asked for has had its retry.
        if item and item["status"] == deliveries.FAILED and item["modified"] <= job["created"]:
            retry_one(item)
    return True


def retry_one(item: Item, *, queue: bool = True) -> dict[str, Any] | None:
    """Makes a delivery due at once and queues it; its message, or None when it moved on since it was read."""
    now = clock.now_ms()
    sweep_at = now + settings().recovery_grace * 1000
    try:
        item = deliveries.retry_by_hand(item, now=now, sweep_at=sweep_at)
    except table.ConditionError:
        return None
    message = queues.delivery_message(item["asset"], item["hook"], item["sid"], item["seq"])
    if queue:
        queues.send_retry(message, 0)
    return message


_STEPS: dict[str, Callable[[Item, float], bool]] = {PURGE_HOOK: _purge, RETRY_HOOK: _retry}
