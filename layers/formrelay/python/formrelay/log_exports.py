"""Logs as CSV files: written row by row into the bucket, told of by mail, kept for some days.

An export is made while its request waits, so it is bounded; one that was broken off is an error from a minute later
on, and the next can begin.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from formrelay import clock, ids
from formrelay.errors import UnavailableError, detail
from formrelay.letters import run as letters
from formrelay.storage import blobs, log_exports
from formrelay.storage import letters as outbox
from formrelay.storage.blobs import Upload
from formrelay.storage.table import TransactionError

MOST_ROWS = 100_000
# Seconds that the rows may take, of the 29 that a request has.
_TIME = 20.0
_PART = 8 * 1024 * 1024
CSV = "text/csv; charset=utf-8"


class Log(NamedTuple):
    """What is exported: ``name`` as storage knows the log, ``prefix`` of its uids, ``columns`` of its rows."""

    name: str
    prefix: str
    columns: Sequence[str]


class Notice(NamedTuple):
    """How whoever asked is told: ``kind`` of letter, its ``facts``, and ``url`` of the exports, which ends in ``/``."""

    kind: str
    facts: dict[str, object]
    url: str


def export(log: Log, by: str, rows: Iterable[Sequence[str]], notice: Notice) -> str:
    """Writes an export, its rows newest first, and returns its uid.

    Raises BusyError while another one is under way, ApiError 400 where it is too much for one request.
    """
    uid, now = ids.timed_uid(log.prefix), clock.now_ms()
    log_exports.begin(log.name, uid, by, now=now)
    until = now + log_exports.LASTS
    try:
        written = _write(key(uid), log.columns, rows)
    except _TooMuchError:
        log_exports.end(log.name, uid, log_exports.ERROR, rows=0, until=until)
        raise detail(
            400, "Too much to export at once: choose with q, by date_created for instance."
        ) from None
    except Exception:
        log_exports.end(log.name, uid, log_exports.ERROR, rows=0, until=until)
        raise
    facts = {**notice.facts, "days": log_exports.KEPT_DAYS}
    letter = outbox.new(notice.kind, username=by, facts=facts, link=f"{notice.url}{uid}/")
    try:
        log_exports.end(log.name, uid, log_exports.COMPLETE, rows=written, until=until, letter=letter)
    except TransactionError:  # it took so long that another one has begun
        raise UnavailableError(60) from None
    letters.send_soon(letter)
    return uid


class _TooMuchError(Exception):
    """More rows than one request can write."""


def key(uid: str) -> str:
    """Where the file of an export stands; the bucket forgets it after some days."""
    return f"log-exports/{uid}.csv"


def _write(where: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """Writes the file, no more than a part of it held; the number of its rows."""
    ends = time.monotonic() + _TIME
    upload: Upload | None = None
    text, parts, count = io.StringIO(), 0, 0
    writer = csv.writer(text)
    writer.writerow(columns)
    for count, row in enumerate(rows, 1):
        if count > MOST_ROWS or time.monotonic() > ends:
            raise _TooMuchError
        writer.writerow(row)
        if text.tell() >= _PART:
            upload = upload or Upload(where, CSV)
            parts += 1
            upload.part(parts, _taken(text))
    if upload is None:
        blobs.put(where, _taken(text), CSV)
    else:
        upload.part(parts + 1, _taken(text))
        upload.complete()
    return count


def _taken(text: io.StringIO) -> bytes:
    data = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return data
