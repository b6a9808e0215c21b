"""What the outcome of an attempt means for its delivery: done, again later, or given up (design §4, I3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal[
    "success",  # 2xx
    "http",  # any other answer
    "redirect",  # 3xx, not followed
    "dns",  # the name did not resolve; nothing was sent
    "connect",  # refused, unreachable or too slow; nothing was sent
    "tls",  # no trusted connection
    "timeout",  # connected, but no answer within the time of the attempt
    "broken",  # connected, but the connection ended before an answer
    "protocol",  # an answer that is not HTTP, or has too much of it
    "forbidden",  # the address policy; nothing was sent
    "unusable",  # the hook's settings; nothing was sent
    "internal",  # a fault of ours before anything was sent
    "interrupted",  # the attempt vanished in a crash
]

# Begins the message of an attempt that got no answer with a text of its own (contract rest-services §3).
FAILED = "An error occurred when sending data to external endpoint: "
# The message of an attempt that had nothing to send any more (ibid.).
DELETED = "Submission has been deleted"
GONE = 410
# Trying these again cannot help before their owner has changed something.
_FINAL: frozenset[Kind] = frozenset({"forbidden", "unusable"})
_OURS: frozenset[Kind] = frozenset({"internal", "interrupted"})


class Outcome(NamedTuple):
    """One finished attempt: what the log shows (contract rest-services §3) and what the ladder needs.

    ``status_code`` is the answer's, 504 for a time-out, else None. ``retry_after`` is that header as it came.
    ``address`` is the peer that was connected.
    """

    kind: Kind
    status_code: int | None = None
    message: str = ""
    duration_ms: int = 0
    retry_after: str | None = None
    address: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the destination took the submission."""
        return self.kind == "success"

    @property
    def is_ours(self) -> bool:
        """Whether it says nothing about the destination."""
        return self.kind in _OURS


class Next(NamedTuple):
    """When the delivery is due again (ms), None for never; and whether its hook should ``pause``."""

    due_at: int | None
    pause: bool = False


def decide(rung: int, outcome: Outcome, now_ms: int, delays: Sequence[int]) -> Next:
    """The next step after automatic attempt ``rung`` (1 for the first) ended at ``now_ms``.

    ``delays`` are the seconds before the second, third … attempt. ``Retry-After`` moves an attempt later, up to
    the delay of the rung after it; never earlier, and not the last attempt.
    """
    if outcome.ok:
        return Next(None)
    gone = outcome.status_code == GONE
    if gone or outcome.kind in _FINAL or rung > len(delays):
        return Next(None, pause=gone)
    delay = delays[max(rung, 1) - 1]
    wish = retry_after_seconds(outcome.retry_after, now_ms)
    if wish is not None and rung < len(delays):
        delay = max(delay, min(wish, delays[max(rung, 1)]))
    return Next(now_ms + delay * 1000)


def retry_after_seconds(value: str | None, now_ms: int) -> int | None:
    """Seconds named by a ``Retry-After`` header (RFC 9110 §10.2.3: a number or a date); None when unreadable."""
    value = (value or "").strip()
    if value.isascii() and value.isdigit():
        return int(value[:10])
    if not value or len(value) > 64:
        return None
    from email.utils import parsedate_to_datetime

    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    from datetime import UTC

    seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now_ms / 1000
    return max(0, -int(-seconds // 1))
