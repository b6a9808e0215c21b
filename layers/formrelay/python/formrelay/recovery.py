"""The sweep: looks again at everything that is due for a look, so that a lost message costs time only (I5).

The index is only asked where to look; what is done follows from the item itself, under a condition.
"""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from formrelay import clock, delivery, jobs, queues
from formrelay.isolation import lanes, pauses
from formrelay.log import logger
from formrelay.settings import MAX_QUEUE_DELAY, settings
from formrelay.storage import deliveries, keys, sweep
from formrelay.storage.table import Item

# Clocks of two machines may differ by so much: an attempt asked for ahead of its time comes later, never early.
_SKEW_MS = 2_000
# The template counts log lines with these messages for its metrics.
SENT_AGAIN, NOT_RECOVERED = "message sent again", "entry not recovered"
_MAX_LATER_MS = 3_600_000
# What is looked at after all else in its shard: jobs, then what no record names.
_LATER = ("J#", "X#")


def run(seconds: float) -> Counter[str]:
    """Works through all shards at once, each from its oldest entry, for at most so long; counts what was done."""
    ends = time.monotonic() + seconds
    with ThreadPoolExecutor(len(keys.SWEEP_SHARDS)) as pool:
        done: Counter[str] = sum(pool.map(lambda shard: _sweep(shard, ends), keys.SWEEP_SHARDS), Counter())
    logger.info("swept", extra={"done": dict(done)})
    return done


def _sweep(shard: str, ends: float) -> Counter[str]:
    done: Counter[str] = Counter()
    outbox = _Outbox()
    later: list[Item] = []
    for page in _due(shard):
        later += [entry for entry in page if entry["pk"].startswith(_LATER)]
        for entry, item in _read(page, done):
            if time.monotonic() >= ends:
                break
            done[_safely(entry, partial(_handle, item, ends, outbox))] += 1
        outbox.send()
        if time.monotonic() >= ends:
            break
    done.update({"sent": -outbox.lost, "error": outbox.lost})
    # A job may take all the time that is left, and nobody waits for leftovers to go.
    for entry in sorted(later, key=lambda entry: entry["pk"].startswith("X#")):
        if time.monotonic() >= ends:
            break
        done[_safely(entry, partial(look, entry, ends))] += 1
    return done


def _due(shard: str) -> Iterator[list[Item]]:
    start = None
    while True:
        entries, start = sweep.due(shard, clock.now_ms(), start)
        yield entries
        if start is None:
            return


def _read(page: list[Item], done: Counter[str]) -> list[tuple[Item, Item | None]]:
    """The items of a page of the index, but for those that are looked at later; all in one call."""
    entries = [entry for entry in page if not entry["pk"].startswith(_LATER)]
    if not entries:
        return []
    try:
        return list(zip(entries, sweep.items(entries), strict=True))
    except Exception:
        for entry in entries:
            _not_recovered(entry)
        done["error"] += len(entries)
        return []


def _safely(entry: Item, work: Callable[[], str]) -> str:
    """One entry that cannot be dealt with must not keep the others from being looked at."""
    try:
        return work()
    except Exception:
        _not_recovered(entry)
        return "error"


def _not_recovered(entry: Item) -> None:
    """Logs the exception at hand; metrics count these lines."""
    logger.exception(NOT_RECOVERED, extra={"pk": entry["pk"], "sk": entry["sk"]})


def look(entry: Item, ends: float) -> str:
    """Does what an entry of the index calls for; says in a word what that was."""
    outbox = _Outbox()
    told = _handle(sweep.item(entry), ends, outbox)
    outbox.send()
    return told


def _handle(item: Item | None, ends: float, outbox: _Outbox) -> str:
    now = clock.now_ms()
    if item is None or item.get("sweep_at", now + 1) > now:
        return "stale"
    kind = item["pk"].partition("#")[0]
    if kind in _MAILS:
        return _mail(item, now, *_MAILS[kind])
    if kind == "J":
        return jobs.work(item, ends)
    if kind == "A":
        return pauses.look(item, now)
    if kind == "X":
        return _leftovers(item, ends)
    if kind == "O":
        return _export(item, now)
    return _delivery(item, now, outbox)


# Seldom due: most sweeps need nothing of what deletes or exports.


def _leftovers(item: Item, ends: float) -> str:
    from formrelay.changes import deletions

    return "cleared" if deletions.clear(item, ends) else "clearing"


def _export(item: Item, now: int) -> str:
    from formrelay.export_tasks import tasks

    return tasks.look(item, now)


class _Outbox:
    """Messages of deliveries whose next look is put off already, ten in a call where they may run at the same time.

    What is not sent, because the process dies or the queue refuses, is sent after that look; ``lost`` counts what the
    queue refused.
    """

    def __init__(self) -> None:
        self._groups: dict[tuple[str, int], list[Item]] = defaultdict(list)
        self.lost = 0

    def add(self, item: Item, wait: int) -> None:
        """A delivery whose attempt may run after so long (ms)."""
        lane, delay = lanes.of(item), math.ceil(wait / 1000) * 1000
        group = self._groups[lane, delay]
        group.append(item)
        if len(group) == queues.BATCH:
            self._send(lane, delay, self._groups.pop((lane, delay)))

    def send(self) -> None:
        """Sends what is left."""
        while self._groups:
            (lane, delay), items = self._groups.popitem()
            self._send(lane, delay, items)

    def _send(self, lane: str, delay: int, items: list[Item]) -> None:
        try:
            lanes.send_all(lane, items, delay)
        except Exception:
            self.lost += len(items)
            for item in items:
                _not_recovered(item)
            return
        for item in items:
            _tell_sent(item)


def _tell_sent(item: Item) -> None:
    """One line for each message; a warning, unless it was sent ahead since SQS cannot delay it for so long."""
    overdue = max(0, clock.now_ms() - item["due_at"]) // 1000
    log = logger.warning if overdue else logger.info
    where = {"asset": item["asset"], "hook": item["hook"], "sid": item["sid"]}
    log(SENT_AGAIN, extra={**where, "overdue_s": overdue})


def _delivery(item: Item, now: int, outbox: _Outbox) -> str:
    if item["status"] == deliveries.PROCESSING:
        if item["lease"] > now:
            sweep.push(item, item["sweep_at"], item["lease"] + 1_000, item.get("looks", 0))
            return "leased"
        delivery.expire(item)
        return "expired"
    looks = item.get("looks", 0)
    due = item["due_at"]
    wait = max(0, due - now + _SKEW_MS)
    if wait > MAX_QUEUE_DELAY * 1000:
        return "early"
    waiting = None if "trouble" in item else keys.trouble(item["hook"], deliveries.WAITING)
    if not sweep.push(item, item["sweep_at"], _later(max(now, due), looks), looks + 1, waiting):
        return "moved"
    outbox.add(item, wait)
    return "sent"


def _mail(item: Item, now: int, word: str, named: str, send: Callable[[str], None]) -> str:
    looks = item.get("looks", 0)
    if not sweep.push(item, item["sweep_at"], _later(now, looks), looks + 1):
        return "moved"
    send(item[named])
    return word


# By the kind of key: a word for it, what it is asked for by, and how.
_MAILS = {"R": ("report", "owner", queues.send_report), "V": ("letter", "uid", queues.send_letter)}


def _later(base: int, looks: int) -> int:
    """When to look again if nothing comes of it: after the grace, doubled at every look, at most an hour."""
    return base + min(_MAX_LATER_MS, settings().recovery_grace * 1000 << min(looks, 12))
