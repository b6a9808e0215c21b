"""Jobs that send many deliveries again: a few under way at a time, over crashes and restarts.

A job selects page by page and writes what it plans before it does it. What it has made due stands in its window
until that attempt ended; only then others follow, so that a job of any size leaves room in its lane. A delivery
bears the mark of the job that made it due last, so one job makes none due twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from formrelay import clock, ids, queues
from formrelay.isolation import lanes
from formrelay.log import logger
from formrelay.query import QueryError
from formrelay.resends import replays, retries
from formrelay.settings import settings
from formrelay.storage import deliveries, health, hooks, jobs, keys
from formrelay.storage.table import ConditionError, Item

SWITCHED_OFF = "The hook is switched off"
_PAGE = 100
# A process may need so much longer than its time before another one may go on (ms).
_SLACK_MS = 30_000
# While nothing happens, a job is looked at after 10, 20, 40 … and then every 320 seconds.
_PERIOD_MS = 10_000
_MAX_IDLE = 6


class _Kind(NamedTuple):
    """What a kind of job sends again, and how.

    ``page(job, limit)``: the deliveries meant among the next ones.
    ``make_due(job, ids)``: the deliveries of these that bear the job's mark then, made due now or before a crash.
    ``lane``: where its messages go. ``heeds_pause``: makes nothing due while the hook is paused.
    """

    page: Callable[[Item, int], retries.Page]
    make_due: Callable[[Item, list[int]], list[Item]]
    lane: str
    heeds_pause: bool


_KINDS = {
    jobs.RETRY: _Kind(retries.page, retries.make_due, lanes.RETRY, heeds_pause=False),
    jobs.REPLAY: _Kind(replays.page, replays.make_due, lanes.REPLAY, heeds_pause=True),
}


def retry(asset: str, hook: str, filters: retries.Filters) -> Item:
    """A job that retries deliveries of a hook, stored."""
    return _new(jobs.RETRY, asset, hook, filters.stored())


def replay(asset: str, hook: str, wanted: replays.Wanted) -> Item:
    """A job that sends existing submissions to a hook, stored."""
    return _new(jobs.REPLAY, asset, hook, wanted.stored(clock.now_ms()))


def _new(kind: str, asset: str, hook: str, what: Item) -> Item:
    uid, now = ids.timed_uid("j"), clock.now_ms()
    job: Item = {
        **keys.hook_job(hook, uid),
        "uid": uid,
        "kind": kind,
        "asset": asset,
        "hook": hook,
        "what": what,
        "created": now,
        "state": jobs.QUEUED,
        "cursor": None,
        "selected": False,
        "planned": [],
        "window": [],
        "done": 0,
        "failed": 0,
        "left_out": 0,
        "detail": "",
        "sweep": keys.errand_shard(uid),
        "sweep_at": now,
    }
    jobs.put(job)
    return job


def total(job: Item) -> int:
    """How many deliveries a job has selected so far."""
    return int(job["done"] + job["failed"] + len(job["window"]) + len(job["planned"]))


def work(job: Item, ends: float) -> bool:
    """Does as much as there is time for (monotonic clock); whether the job is done."""
    until = clock.now_ms() + max(0, int((ends - time.monotonic()) * 1000)) + _SLACK_MS
    try:
        return _Turn(jobs.take(job, until=until), ends).run()
    except ConditionError:
        logger.info("job is worked on elsewhere", extra={"job": job["uid"]})
        return False


class _Turn:
    """One process's turn with a job that it has taken."""

    def __init__(self, job: Item, ends: float) -> None:
        self.job, self.ends = job, ends
        self.kind = _KINDS[job["kind"]]
        self.moved = False

    def run(self) -> bool:
        """Counts, makes due what there is room and time for, and writes it down; whether the job is done."""
        self._settle()
        free = self._may_go_on()
        while free and self._room() and time.monotonic() < self.ends:
            if not self.job["planned"]:
                if self.job["selected"]:
                    break
                self._plan()
                jobs.save(self.job)
            self._act()
        now = clock.now_ms()
        if self.job["selected"] and not self.job["window"] and not self.job["planned"]:
            jobs.finish(self.job, now=now)
            return True
        idle = 0 if self.moved else min(self.job.get("idle", 0) + 1, _MAX_IDLE)
        jobs.release(self.job, sweep_at=now + (_PERIOD_MS << (idle - 1) if idle else 0), idle=idle)
        return False

    def _room(self) -> int:
        return max(0, settings().replay_window - len(self.job["window"]))

    def _settle(self) -> None:
        """Counts what has ended of what was under way."""
        under_way = []
        for item in deliveries.get_many(self.job["hook"], self.job["window"]):
            if item.get("job") != self.job["uid"]:
                continue  # somebody retried it since: it counts there
            if item.get("manual"):
                under_way.append(item["sid"])
            else:
                self.job["done" if item["status"] == deliveries.SUCCESS else "failed"] += 1
        self.moved = len(under_way) < len(self.job["window"])
        self.job["window"] = under_way

    def _may_go_on(self) -> bool:
        """Whether more may be made due now. A job of a hook that is off or gone selects nothing more."""
        hook = hooks.get(self.job["asset"], self.job["hook"])
        if hook is None or not hook["active"]:
            if self.job["planned"] or not self.job["selected"]:
                self.job |= {"planned": [], "selected": True, "detail": SWITCHED_OFF}
            return False
        if not self.kind.heeds_pause:
            return True
        return not health.is_paused(health.get(self.job["asset"], self.job["hook"]))

    def _plan(self) -> None:
        """Selects the next deliveries; the caller writes that down before anything is done."""
        try:
            found = self.kind.page(self.job, min(_PAGE, self._room()))
        except QueryError as error:
            found = retries.Page([], None)
            self.job["detail"] = f"The query cannot be applied: {error}"
        self.job |= {"planned": found.sids, "cursor": found.cursor, "selected": found.cursor is None}
        self.job["left_out"] = self.job.get("left_out", 0) + found.left_out

    def _act(self) -> None:
        """Makes due what is planned, and queues it."""
        self.moved = True
        planned, made = self.job["planned"], []
        for i in range(0, len(planned), queues.BATCH):
            mine = self.kind.make_due(self.job, planned[i : i + queues.BATCH])
            self._send([item for item in mine if item.get("manual") and item["status"] == deliveries.PENDING])
            made += [item["sid"] for item in mine]
        self.job |= {"planned": [], "window": self.job["window"] + made}

    def _send(self, due: list[Item]) -> None:
        if not due:
            return
        try:
            lanes.send_all(self.kind.lane, due, 0)
        except Exception:
            logger.exception("resends not queued, left to recovery", extra={"job": self.job["uid"]})
