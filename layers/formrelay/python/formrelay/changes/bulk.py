"""Changes of many submissions as a job: which ones are fixed first, then they are changed, over crashes and restarts.

What is selected stands in chunks; how many of them are done is written down after every few. Each change is one that
does no harm when it is made again, so two workers at once, or one that goes on from an older place, change nothing:
who is deleted is gone, who has the status has it, who was edited bears the instanceID that this job gives it.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from formrelay import clock, ids, permissions, selection
from formrelay.auth import Caller
from formrelay.changes import deletions, edits, validations
from formrelay.changes.asked import Asked
from formrelay.log import logger
from formrelay.openrosa import editing
from formrelay.permissions import Rows
from formrelay.query import QueryError
from formrelay.storage import assets, jobs, keys, submissions
from formrelay.storage.assets import Project
from formrelay.storage.table import ConditionError, Item

# Ids in one chunk; submissions looked at, and changed, before progress is written down.
_CHUNK = 5_000
_PAGE = 1_000
_BATCH = 24
_THREADS = 4
# A process may need so much longer than its time before another one may go on (ms).
_SLACK_MS = 30_000


class Result(NamedTuple):
    """What became of one submission; ``uuid`` is its new instanceID, of one that was refused the current one."""

    uuid: str
    root: str
    refused: str | None = None


def start(
    kind: str,
    asked: Asked,
    what: Item,
    rows: Rows,
    *,
    superuser: bool = False,
    chosen: Sequence[int] | None = None,
    query: Any = None,
) -> Item:
    """A job of one of ``jobs.CHANGES``, stored; ``rows`` are those that whoever asked may change.

    For the ids in ``chosen``, else for all of these rows that there are now and meet the query (parsed JSON).
    """
    uid, now = ids.uid("j"), clock.now_ms()
    chunks = [] if chosen is None else [chosen[i : i + _CHUNK] for i in range(0, len(chosen), _CHUNK)]
    for number, sids in enumerate(chunks):
        jobs.put_chunk(uid, number, sids, now=now)
    job: Item = {
        **keys.job(uid),
        "uid": uid,
        "kind": kind,
        "created": now,
        "what": what,
        "asset": asked.asset,
        "by": asked.by,
        "origin": asked.origin,
        "superuser": superuser,
        "rows": _text(rows),
        "queries": [json.dumps(one) for one in (query, rows.query) if one is not None],
        "last": ids.id_at(now + 1) - 1,
        "state": jobs.QUEUED,
        "cursor": None,
        "selected": chosen is not None,
        "chunks": len(chunks),
        "total": len(chosen or ()),
        "chunk": 0,
        "place": 0,
        "done": 0,
        "failed": 0,
        "detail": "",
        "sweep": keys.errand_shard(uid),
        "sweep_at": now,
    }
    jobs.put(job)
    return job


@dataclass
class Progress:
    """How far the first turn of a job came: ``results`` of an edit, and why its query could not be applied."""

    selected: int = 0
    results: list[Result] = field(default_factory=list)
    query_error: str = ""


def begin(job: Item, ends: float) -> Progress:
    """Works on a stored job until then (monotonic clock); the rest, for whatever reason, is left to recovery."""
    progress = Progress(job["total"])
    try:
        if _Turn(job, ends, progress).run():
            jobs.remove(job)
    except Exception:
        logger.exception("job left to recovery", extra={"job": job["uid"], "kind": job["kind"]})
    return progress


def work(job: Item, ends: float) -> bool:
    """Does as much as there is time for (monotonic clock); whether the job is done and may be removed."""
    try:
        return _Turn(job, ends, Progress(job["total"])).run()
    except ConditionError:
        logger.info("job is worked on elsewhere", extra={"job": job["uid"]})
        return False


class _Turn:
    """One process's turn with a job."""

    def __init__(self, job: Item, ends: float, progress: Progress) -> None:
        until = clock.now_ms() + max(0, int((ends - time.monotonic()) * 1000)) + _SLACK_MS
        self.job, self.ends, self.progress = jobs.take(job, until=until), ends, progress
        self._sids: list[int] = []

    def run(self) -> bool:
        """Selects and changes what there is time for, and writes it down; whether the job is done."""
        project = assets.project(self.job["asset"])
        if project is None or not self._may(project):
            return self._done()
        asked = Asked(project, self.job["by"], self.job["origin"])
        while not self.job["selected"] and self._has_time():
            self._select()
        act = _KINDS[self.job["kind"]].prepare(asked, self.job)
        while self._is_open() and self._has_time():
            self._change(act)
        if self.job["selected"] and not self._is_open():
            return self._done()
        jobs.release(self.job, sweep_at=clock.now_ms(), idle=0)
        return False

    def _may(self, project: Project) -> bool:
        """Whether who asked may still change these rows: a right that was taken back ends the job."""
        by, kind = self.job["by"], _KINDS[self.job["kind"]]
        caller = Caller(by["username"], by["uid"] or "", superuser=self.job["superuser"])
        rows = permissions.reach(caller, project, kind.right)
        return rows is not None and (rows.all or _text(rows) == self.job["rows"])

    def _has_time(self) -> bool:
        return time.monotonic() < self.ends

    def _is_open(self) -> bool:
        if not self.job["selected"] or self.job["chunk"] >= self.job["chunks"]:  # Chunks expire in the end.
            return False
        return bool(self.job["done"] + self.job["failed"] < self.job["total"])

    def _done(self) -> bool:
        jobs.remove_chunks(self.job)
        facts = {name: self.job[name] for name in ("asset", "kind", "total", "done", "failed")}
        logger.info("submissions changed", extra={"job": self.job["uid"], **facts})
        return True

    def _select(self) -> None:
        """Fixes the next chunk."""
        found: list[int] = []
        cursor = self.job["cursor"]
        try:
            meant = selection.of(self.job["asset"], self.job["origin"], *map(json.loads, self.job["queries"]))
            meant = meant.within(last=self.job["last"])
            while len(found) < _CHUNK and self._has_time():
                rows, cursor = meant.page(after=cursor, limit=min(_PAGE, _CHUNK - len(found)))
                found += [row.id for row in rows]
                if cursor is None:
                    self.job["selected"] = True
                    break
        except QueryError as error:
            # Nothing is changed by half of a selection.
            self.progress.query_error = self.job["detail"] = str(error)
            self.job |= {"selected": True, "total": 0}
            found = []
        if found:
            jobs.put_chunk(self.job["uid"], self.job["chunks"], found, now=clock.now_ms())
            self.job |= {"chunks": self.job["chunks"] + 1, "total": self.job["total"] + len(found)}
        self.job["cursor"] = cursor
        jobs.save(self.job)
        self.progress.selected = self.job["total"]

    def _change(self, act: _Act) -> None:
        """Changes the next few, and counts them."""
        if self.job["place"] == 0 or not self._sids:
            self._sids = jobs.chunk(self.job["uid"], self.job["chunk"])
        sids = self._sids[self.job["place"] : self.job["place"] + act.batch]
        there = submissions.get_many(self.job["asset"], sids)
        results = act.change(sorted(there, key=lambda item: item["id"]))
        self.progress.results += results
        failed = sum(result.refused is not None for result in results)
        failed += 0 if self.job["kind"] == jobs.DELETE else len(sids) - len(there)
        self.job["failed"] += failed
        self.job["done"] += len(sids) - failed
        self.job["place"] += len(sids)
        if self.job["place"] >= len(self._sids):
            self.job |= {"chunk": self.job["chunk"] + 1, "place": 0}
        jobs.save(self.job)


# What is done


class _Act(NamedTuple):
    """How many submissions are changed before progress is written down, and how; results of those that were edited."""

    batch: int
    change: Callable[[Sequence[Item]], list[Result]]


def _delete(asked: Asked, _job: Item) -> _Act:
    def change(items: Sequence[Item]) -> list[Result]:
        deletions.delete(asked, items)
        return []

    return _Act(deletions.at_once(asked), change)


def _validate(asked: Asked, job: Item) -> _Act:
    def one(item: Item) -> list[Result]:
        validations.validate(asked, item, job["what"]["status"], job["uid"])
        return []

    return _Act(_BATCH, partial(_each, one))


def _edit(asked: Asked, job: Item) -> _Act:
    answers = {editing.parse_path(path): value for path, value in json.loads(job["what"]["answers"]).items()}

    def one(item: Item) -> list[Result]:
        change = edits.Change(answers, _instance_id(job["uid"], item["id"]))
        try:
            edits.edit(asked, item, change)
        except edits.RefusedError as error:
            return [Result(item["uuid"], item["root"], str(error))]
        return [Result(change.uuid, item["root"])]

    return _Act(_BATCH, partial(_each, one))


def _text(rows: Rows) -> str:
    """Rows as a job keeps them, to be compared."""
    return json.dumps(rows.query, sort_keys=True)


def _each(one: Callable[[Item], list[Result]], items: Sequence[Item]) -> list[Result]:
    """Changes some at a time; they have nothing to do with each other."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return [result for results in pool.map(one, items) for result in results]


def _instance_id(job: str, sid: int) -> str:
    """The instanceID that a job gives a submission: the same each time, and nobody else knows it."""
    digest = hashlib.sha256(f"{job}/{sid}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


class _Kind(NamedTuple):
    """The right that a kind of job needs, and how it acts."""

    right: str
    prepare: Callable[[Asked, Item], _Act]


_KINDS: dict[str, _Kind] = {
    jobs.DELETE: _Kind(permissions.DELETE, _delete),
    jobs.VALIDATE: _Kind(permissions.VALIDATE, _validate),
    jobs.EDIT: _Kind(permissions.CHANGE, _edit),
}
