"""Notes who signs in: at most one item per user, kind, address and hour (contract permissions-and-activity §7).

Each process writes once an hour for each of these, and remembers the rest until then, so that the way of a submission
has no further call. A process that ends takes what it remembered with it: counts are "at least". Nothing here ever
fails a request.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from formrelay import clock, user_agents
from formrelay.log import logger
from formrelay.settings import settings
from formrelay.storage import access_logs
from formrelay.storage.table import Item

TOKEN, BASIC, SUBMISSIONS, FAILED = "token", "basic", "submission-group", "auth-failed"
_MOST = 10_000
_MAX_NAME = 100


@dataclass
class _Noted:
    """The hour for which something was written, and how often it happened since, the last time at ``last`` (ms)."""

    hour: int
    last: int
    pending: int = 0


@cache
def _noted() -> dict[tuple[str, str, str, str], _Noted]:
    return {}


def note(kind: str, username: str, uid: str | None, address: str, agent: str) -> None:
    """Notes one sign-in, or with ``FAILED`` one that failed; ``uid`` None: there is no such account.

    Submissions are told by user and hour alone.
    """
    if not settings().access_log_retention:
        return
    owner = username if uid else access_logs.NOBODY
    by_address = kind != SUBMISSIONS
    facts: Item = {
        "kind": kind,
        "username": username[:_MAX_NAME],
        "uid": uid,
        "ip": address if by_address else "",
        "source": user_agents.source(agent) if by_address else "",
    }
    now = clock.now_ms()
    hour = now // 1000 // access_logs.HOUR
    key = (owner, kind, facts["ip"], facts["username"])
    before = _noted().get(key)
    if before and before.hour == hour:
        before.pending, before.last = before.pending + 1, now
        return
    if len(_noted()) >= _MOST:
        _noted().clear()
    _noted()[key] = _Noted(hour, now)
    try:
        if before and before.pending:
            access_logs.add(owner, before.hour, facts, before.pending, now=before.last)
        access_logs.add(owner, hour, facts, 1, now=now)
        if uid:
            access_logs.touch(owner, now, signed_in=kind != FAILED)
    except Exception:
        logger.exception("sign-in not noted", extra={"kind": kind})
