"""Retries by people: which deliveries they mean, and an attempt beside the ladder (contract rest-services §5)."""

from __future__ import annotations

import time
from typing import NamedTuple

from formrelay import clock
from formrelay.event_kinds import DELETED
from formrelay.isolation import lanes
from formrelay.log import logger
from formrelay.settings import settings
from formrelay.storage import deliveries, submissions, table
from formrelay.storage.table import Item

_PAGE = 100
# A delivery that waits for its last attempt, in the eyes of who asks for a retry of all: so many attempts ended,
# the last one so long ago.
_LAST_TRIES = 3
_QUIET_MS = 120_000
_SKEW_MS = 5_000
# Stands for attempts without an answer where a status code is asked for.
NO_CODE = 0


class Filters(NamedTuple):
    """Which deliveries of a hook are meant; None is no condition.

    Last changed from ``since`` on and before ``until`` (ms), with that ``code`` in their last attempt; with ``force``
    those that arrived as well.
    """

    since: int | None = None
    until: int | None = None
    code: int | None = None
    force: bool = False

    def stored(self) -> Item:
        """As a job keeps them."""
        return self._asdict()

    def mean(self, item: Item, asked: int) -> bool:
        """Whether a retry of many that was asked for at ``asked`` (ms) means this delivery.

        Every failed one, and those that have waited for their last automatic attempt for a while.
        """
        if not self._match(item):
            return False
        # Later than that it ended after the job was asked for. Clocks of two machines differ by less than the margin.
        if item["status"] == deliveries.FAILED or (self.force and item["status"] == deliveries.SUCCESS):
            return bool(item["modified"] <= asked + _SKEW_MS)
        is_last = item["status"] == deliveries.PENDING and item["tries"] >= _LAST_TRIES
        return is_last and bool(item["modified"] <= asked - _QUIET_MS)

    def _match(self, item: Item) -> bool:
        late = self.since is None or item["modified"] >= self.since
        early = self.until is None or item["modified"] < self.until
        return late and early and (self.code is None or (item.get("code") or NO_CODE) == self.code)


class Page(NamedTuple):
    """Ids of the deliveries that a job means among its next ones; its cursor behind them, None at the end; how many the
    hook's filter kept back."""

    sids: list[int]
    cursor: int | None
    left_out: int = 0


def _next(
    hook: str, filters: Filters, asked: int, before: int | None, limit: int
) -> tuple[list[int], int | None]:
    """Ids of the deliveries meant among the next ones below ``before``, newest first; and below which to go on."""
    if filters.force:
        items, cursor = deliveries.page(hook, before, limit)
    else:
        troubled, cursor = deliveries.troubled(hook, before, limit)
        items = deliveries.get_many(hook, troubled)
    return [item["sid"] for item in items if filters.mean(item, asked)], cursor


def named(hook: str, filters: Filters, asked: int, *, most: int, seconds: float) -> list[int]:
    """Ids of the deliveries that a retry of many means, newest first; not more, and no longer, than that."""
    ends = time.monotonic() + seconds
    found, before = _next(hook, filters, asked, None, _PAGE)
    while before is not None and len(found) < most and time.monotonic() < ends:
        more, before = _next(hook, filters, asked, before, _PAGE)
        found += more
    return found[:most]


def page(job: Item, limit: int) -> Page:
    """The deliveries that a job means among its next ones. Filters have had their say when those were made."""
    return Page(*_next(job["hook"], Filters(**job["what"]), job["created"], job["cursor"], limit))


def make_due(job: Item, sids: list[int]) -> list[Item]:
    """Makes these deliveries due for a job; those that bear its mark then."""
    filters = Filters(**job["what"])
    mine = []
    for item in deliveries.get_many(job["hook"], sids):
        if item.get("job") == job["uid"]:
            mine.append(item)
        elif (
            filters.mean(item, job["created"])
            and not is_spent(item)
            and (made := retry(item, job=job["uid"]))
        ):
            mine.append(made)
    return mine


def is_spent(item: Item) -> bool:
    """Whether a delivery has arrived and cannot be sent again, since its submission is deleted.

    It would end as failed, though it arrived.
    """
    if item["status"] != deliveries.SUCCESS or item.get("event") == DELETED:
        return False
    return not submissions.exists(item["asset"], deliveries.submission_id(item))


def retry(
    item: Item, *, job: str | None = None, lane: str | None = None, current: bool = False
) -> Item | None:
    """Makes an attempt of its own due at once; the delivery as it is then, None when it moved on since it was read.

    What follows from ``job``, ``lane`` and ``current`` says :func:`~formrelay.storage.deliveries.retry_by_hand`.
    """
    now = clock.now_ms()
    sweep_at = now + settings().recovery_grace * 1000
    try:
        return deliveries.retry_by_hand(item, now=now, sweep_at=sweep_at, job=job, lane=lane, current=current)
    except table.ConditionError:
        return None


def send(item: Item) -> None:
    """Queues a retry that stands in the table. A failure costs time only."""
    try:
        lanes.send_all(lanes.RETRY, [item], 0)
    except Exception:
        logger.exception("retry not queued, left to recovery", extra={"sid": item["sid"]})
