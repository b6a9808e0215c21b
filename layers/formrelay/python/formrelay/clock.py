"""The only place that reads the clock, so that tests and simulations can replace it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

EPOCH_2026_MS = 1_767_225_600_000


def now() -> float:
    """Seconds since 1970, as a float."""
    return time.time()


def now_ms() -> int:
    """Milliseconds since 1970."""
    return int(now() * 1000)


def sleep(seconds: float) -> None:
    """Block this thread; nothing happens for zero or less."""
    if seconds > 0:
        time.sleep(seconds)


def iso_micro(ms: float) -> str:
    """API timestamp of models: ``2026-06-03T15:16:20.838000Z`` (contract accounts §6.7)."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def iso_offset(ms: float) -> str:
    """OpenRosa timestamp: ``2026-06-03T15:16:20.838000+00:00`` (contract submissions §4)."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")


def iso_seconds(ms: float) -> str:
    """Whole seconds, UTC, with ``Z`` (users, history)."""
    return iso_naive(ms) + "Z"


def iso_naive(ms: float) -> str:
    """Whole seconds, UTC, no zone suffix (``_submission_time``)."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def http_date(ms: float) -> str:
    """RFC 9110 date: ``Sun, 02 Aug 2026 08:10:05 GMT``."""
    from email.utils import formatdate

    return formatdate(ms / 1000, usegmt=True)
