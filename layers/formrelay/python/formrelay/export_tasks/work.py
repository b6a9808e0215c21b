"""A turn of work on an export: read on from where the last one came to, write segments, put the file together.

Whatever ends a turn early costs the work since its last segment: that is stored before the task says so, under a key
that no other process writes. A process that lost its task, by being slow or because the task was deleted, notices with
its next write and changes nothing any more.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from formrelay import clock, ids, permissions, selection
from formrelay.auth import Caller
from formrelay.export_tasks import tasks
from formrelay.exports.files import output
from formrelay.exports.options import Options, options
from formrelay.exports.output import TooLargeError
from formrelay.exports.plan import Plan, plan
from formrelay.log import logger
from formrelay.permissions import Rows
from formrelay.query import QueryError
from formrelay.storage import assets, blobs, exports, keys
from formrelay.storage.assets import Project
from formrelay.storage.table import ConditionError, Item
from formrelay.usernames import ANONYMOUS

NO_ACCESS: Final = ("Cannot access data", "This data does not exist or you do not have access to it")
SEGMENT: Final = 4_000_000
# Submissions read at a time.
PAGE: Final = 1_000
# A task that did not move for so many turns is given up.
MAX_TRIES: Final = 5
# How long a task belongs to a process that does not say that it still works on it, and how often it says so.
_LEASE_MS: Final = 120_000
_RENEWED: Final = 30.0
# Seconds kept for the end of a turn; what a file of many segments should have left to be put together.
_MARGIN: Final = 30.0
_TO_FINISH: Final = 300.0


class _RefusedError(Exception):
    """The export can never be made: what to tell, as ``error_type`` and ``error``."""

    def __init__(self, error_type: str, error: str) -> None:
        super().__init__(error_type)
        self.error_type = error_type
        self.error = error


def run(asset: str, sk: str, seconds: float) -> str:
    """Works on a task for at most so long; says in a word how that ended."""
    ends = time.monotonic() + seconds
    task = exports.get({"pk": keys.exports_pk(asset), "sk": sk})
    if task is None or task["status"] not in exports.UNFINISHED:
        return "nothing to do"
    now = clock.now_ms()
    if task["status"] == exports.PROCESSING and "lease" in task and task["sweep_at"] > now:
        return "elsewhere"
    try:
        task = exports.take(task, ids.uid("w"), until=now + _LEASE_MS)
        return _try(task, ends)
    except ConditionError:
        return "elsewhere"


def _try(task: Item, ends: float) -> str:
    facts = {"asset": task["asset"], "export": task["uid"]}
    try:
        if task["tries"] > MAX_TRIES:
            raise _RefusedError("Failed", "The export could not be made. Please try again later.")
        done = _Turn(task, ends).run()
    except _RefusedError as error:
        exports.fail(task, error.error_type, error.error)
        logger.info("export refused", extra={**facts, "reason": error.error_type})
        done = True
    if done and not task.get("setting"):
        tasks.forget_old(task["asset"], task["user"])
    return "done" if done else "later"


class _Turn:
    """One process's turn with a task that it has taken."""

    def __init__(self, task: Item, ends: float) -> None:
        self._task, self._ends = task, ends
        self._renewed = time.monotonic()
        wanted = options(json.loads(task["settings"]), type_=task["kind"])
        project = _project(task)
        rows = _visible(task, project)
        progress = exports.progress(task) or _beginning(project, rows)
        # All of the file are rows that could be seen when it was begun, whatever can be seen later.
        self._limit: Any = progress["rows"]
        limits = [self._limit] if rows.query == self._limit else [self._limit, rows.query]
        self._rows = selection.of(
            project.uid, task["origin"], wanted.query, *limits, chosen=wanted.submission_ids
        )
        self._cursor: int | None = progress["cursor"]
        self._read: bool = progress["read"]
        self._last: str | None = progress["last"]
        self._segments: list[str] = progress["segments"]
        # The columns stay what they were when the export began, whatever becomes of the project meanwhile.
        self._form = {"versions": progress["versions"], "name": progress["name"]}
        laid_out = _plan(project.uid, self._form["versions"], wanted)
        self._output = output(laid_out, wanted, self._form["name"], progress["state"])

    def run(self) -> bool:
        """Whether the file is there."""
        try:
            while not self._read:
                if time.monotonic() > self._ends - _MARGIN:
                    return self._leave()
                self._read_page()
                if self._output.pending > SEGMENT:
                    self._store()
                self._renew()
            if self._segments and time.monotonic() > self._ends - _TO_FINISH:
                return self._leave()
            self._finish()
        except TooLargeError as error:
            raise _RefusedError("Too large", str(error)) from None
        except QueryError as error:
            raise _RefusedError("Invalid query", str(error)) from None
        return True

    def _read_page(self) -> None:
        rows, self._cursor = self._rows.page(after=self._cursor, limit=PAGE)
        for row in rows:
            record = row.record()
            self._output.add(record)
            self._last = max(self._last or "", record["_submission_time"])
        self._read = self._cursor is None

    def _renew(self) -> None:
        if time.monotonic() - self._renewed > _RENEWED:
            exports.renew(self._task, until=clock.now_ms() + _LEASE_MS)
            self._renewed = time.monotonic()

    def _store(self, *, until: int | None = None) -> None:
        """Stores the next segment, then how far the task came."""
        key = blobs.answer_key()
        blobs.put(key, self._output.cut())
        self._segments.append(key)
        progress = {
            **self._form,
            "rows": self._limit,
            "cursor": self._cursor,
            "read": self._read,
            "segments": self._segments,
            "state": self._output.state(),
            "last": self._last,
        }
        exports.save(self._task, progress, until=until or clock.now_ms() + _LEASE_MS)
        self._renewed = time.monotonic()

    def _leave(self) -> bool:
        """Leaves the rest to the next turn, which recovery starts at once."""
        self._store(until=clock.now_ms())
        return False

    def _finish(self) -> None:
        rest = self._output.cut()

        def read(number: int, start: int, end: int) -> Iterable[bytes]:
            if number == len(self._segments):
                return (rest[start:end],)
            return blobs.stretch(self._segments[number], start, end)

        task = self._task
        size = blobs.put_pieces(
            task["blob"], self._kept(self._output.finish(read)), self._output.content_type
        )
        outcome = {
            "size": size,
            "last": self._last,
            "seconds": (clock.now_ms() - task["created"]) / 1000,
            "notes": self._output.notes(),
            "rows": tasks.mark_of(Rows(self._limit)),
        }
        try:
            exports.complete(task, outcome)
        except ConditionError:
            if exports.get(keys.of(task)) is None:
                blobs.delete(task["blob"])  # deleted meanwhile
            raise

    def _kept(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same pieces; says meanwhile that this process still works."""
        for piece in pieces:
            self._renew()
            yield piece


def _project(task: Item) -> Project:
    project = assets.project(task["asset"])
    if project is None or not project.is_deployed:
        raise _RefusedError(*NO_ACCESS)
    return project


def _visible(task: Item, project: Project) -> Rows:
    """The submissions that the task's user may see now."""
    user = task["user"]
    caller = None if user == ANONYMOUS else Caller(user, "", superuser=task["superuser"])
    rows = permissions.reach(caller, project, permissions.VIEW)
    if rows is None:
        raise _RefusedError(*NO_ACCESS)
    return rows


def _beginning(project: Project, rows: Rows) -> dict[str, Any]:
    """The progress of an export that has none: name, deployed versions, newest first, and rights as they are now."""
    return {
        "versions": [version.uid for version in assets.versions(project.uid) if version.deployed],
        "name": str(project.state["name"]),
        "rows": rows.query,
        "cursor": None,
        "read": False,
        "segments": [],
        "state": None,
        "last": None,
    }


def _plan(asset: str, versions: list[str], wanted: Options) -> Plan:
    def contents() -> Iterator[tuple[str, dict[str, Any]]]:
        for uid in versions:
            content = assets.content(asset, uid)
            if content is not None:
                yield uid, content

    return plan(contents(), wanted)
