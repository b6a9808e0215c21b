"""One attempt to deliver a submission to a hook: prepare → call → conclude (design invariants I2–I7).

Three AWS calls on a first-try success: the claim, which returns the record; one read of submission and hook; the
conclusion. Claim and conclusion are conditional, so duplicates, stale messages and late processes fall out.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from formrelay import clock, hook_requests, ids, queues
from formrelay.hook_requests import HookRequest, Stamp
from formrelay.hooks import guard, http, ladder, payload
from formrelay.hooks.ladder import Outcome
from formrelay.log import logger
from formrelay.settings import MAX_QUEUE_DELAY, settings
from formrelay.storage import assets, deliveries, keys, reports, table
from formrelay.storage.table import ConditionError, Item, TransactionError

# A message may come early by as much as two machines' clocks differ; then the attempt waits that long.
_MAX_EARLY_MS = 5_000
# Kept of a function's time for what comes after the call.
_MARGIN = 5.0
# Recovery looks that much before an attempt which is further away than SQS can delay a message.
_AHEAD_MS = 110_000

DELETED = "Submission has been deleted"
INACTIVE = "The hook is switched off"
INTERRUPTED = (
    "The attempt was interrupted before its outcome was known. The submission may have been delivered: "
    "compare the Idempotency-Key on the receiver's side."
)


class NoTimeError(Exception):
    """Too little of the function's time is left for an attempt; its message has to come again."""


@dataclass
class Claimed:
    """An attempt that is ours: the delivery as claimed, and the hook and submission it needs (None: gone)."""

    item: Item
    hook: Item | None
    submission: Item | None


def attempt(message: dict[str, Any], remaining: float) -> Outcome | None:
    """Runs the attempt that a message names; ``remaining`` are the seconds this function may still take.

    None when that attempt is not to be made: it was made already, is not due, or its hook is gone. Whatever the
    destination does is an outcome, not an exception. Raises NoTimeError before anything was begun.
    """
    ends = time.monotonic() + remaining
    if remaining < settings().total_timeout + _MARGIN:
        raise NoTimeError
    claimed = prepare(message)
    if claimed is None:
        return None
    started = clock.now_ms()
    outcome = call(claimed, ends - _MARGIN)
    conclude(claimed.item, claimed.hook, outcome, clock.now_ms())
    _log(claimed.item, outcome, clock.now_ms() - started)
    return outcome


def prepare(message: dict[str, Any]) -> Claimed | None:
    """Claims the attempt and reads what it needs. None when it is not to be made."""
    item = _claim(message["h"], message["s"], message["n"])
    if item is None:
        return None
    submission, hook = table.batch_get(
        settings().data_table,
        [keys.submission(item["asset"], item["sid"]), keys.hook(item["asset"], item["hook"])],
    )
    if hook is None:
        deliveries.discard(item)
        return None
    if submission and "files" not in item:
        # A failed attempt keeps them, so that files which come later change nothing in the attempts after it.
        item["files"] = [entry["uid"] for entry in submission["files"].values()]
    return Claimed(item, hook, submission)


def _claim(hook: str, sid: int, seq: int) -> Item | None:
    for _ in range(2):
        now = clock.now_ms()
        try:
            return deliveries.claim(hook, sid, seq, now=now, lease=now + settings().lease * 1000)
        except ConditionError as error:
            old = error.old
        if old is None or old["seq"] != seq or old["status"] != deliveries.PENDING:
            break
        early = old["due_at"] - now
        if early > _MAX_EARLY_MS:
            break
        clock.sleep((early + 1) / 1000)
    logger.info("message is stale", extra={"hook": hook, "sid": sid, "seq": seq})
    return None


def call(claimed: Claimed, ends: float) -> Outcome:
    """Makes the POST; ``ends`` is its deadline on the monotonic clock."""
    hook, item = claimed.hook, claimed.item
    sent = _version(claimed.submission, item) if claimed.submission else None
    if sent is None:
        return Outcome("unusable", message=DELETED)
    if hook is None or not hook["active"]:
        return Outcome("unusable", message=INACTIVE)
    stamp = Stamp(
        ids.delivery_uid(item["hook"], item["sid"]), attempt=item["tries"] + 1, replay=item.get("replay")
    )
    try:
        request = hook_requests.request_for(hook_requests.opened(hook), sent, item["asset"], stamp)
    except payload.UnusableError as error:
        return unusable(error)
    return post(request, min(settings().total_timeout, ends - time.monotonic()))


def unusable(error: payload.UnusableError) -> Outcome:
    """The outcome for a hook that cannot be sent as it is set up."""
    return Outcome("unusable", message=f"The hook cannot be sent: {error}")


def post(request: HookRequest, seconds: float) -> Outcome:
    """Sends a request through the guarded client, within so many seconds altogether."""
    return http.post(
        request.url,
        request.headers,
        request.body.data,
        timeouts=http.Timeouts(connect=settings().connect_timeout, total=max(0.0, seconds)),
        policy=_policy(settings().allow_networks, settings().deny_networks),
    )


def _version(submission: Item, item: Item) -> Item | None:
    """The submission as it was created, with the files that the first attempt had; a replay sends it as it is now.

    None when it was deleted a moment ago.
    """
    if item.get("replay"):
        return submission
    return hook_requests.as_created(submission, item["asset"], item["files"])


@cache
def _policy(allow: tuple[str, ...], deny: tuple[str, ...]) -> guard.Policy:
    return guard.policy(allow, deny)


def conclude(item: Item, hook: Item | None, outcome: Outcome, ended: int) -> None:
    """Writes what came of a claimed attempt that ended at ``ended`` (ms), and sends what follows from it."""
    try:
        if outcome.ok:
            deliveries.succeed(item, now=ended, code=outcome.status_code or 200, message=outcome.message)
        else:
            _fail(item, hook, outcome, ended)
    except (ConditionError, TransactionError):
        # The lease ran out and recovery has concluded the attempt, or the hook was deleted meanwhile.
        logger.warning("attempt was concluded elsewhere", extra={"hook": item["hook"], "sid": item["sid"]})


def _fail(item: Item, hook: Item | None, outcome: Outcome, ended: int) -> None:
    manual = item.get("manual", False)
    # A retry by hand stands beside the ladder, except before its first rung.
    counted = not manual or item["rung"] == 0
    rung = item["rung"] + (1 if counted else 0)
    following = ladder.decide(rung, outcome, ended, settings().retry_delays)
    if following.due_at is None:
        lines = _report(item, hook, outcome, ended) if counted else []
        table.settle(
            lambda: deliveries.give_up(
                item,
                now=ended,
                code=outcome.status_code,
                message=outcome.message,
                counted=counted,
                report=lines,
            )
        )
        return
    now = clock.now_ms()
    wait = following.due_at - now
    queued = wait <= MAX_QUEUE_DELAY * 1000
    look = max(now, following.due_at) + settings().recovery_grace * 1000
    deliveries.postpone(
        item,
        now=ended,
        code=outcome.status_code,
        message=outcome.message,
        counted=counted,
        due_at=following.due_at,
        sweep_at=look if queued else following.due_at - _AHEAD_MS,
    )
    if queued:
        _send(item, wait)


def _send(item: Item, wait: int) -> None:
    message = queues.delivery_message(item["asset"], item["hook"], item["sid"], item["seq"] + 1)
    try:
        queues.send_retry(message, wait)
    except Exception:
        logger.exception("retry not queued, left to recovery", extra={"sid": item["sid"]})


def _report(item: Item, hook: Item | None, outcome: Outcome, ended: int) -> list[Item]:
    """The writes that get a final failure mailed, if the hook asks for it and nobody made it on purpose."""
    if hook is None or not hook["email_notification"] or outcome.message in (DELETED, INACTIVE):
        return []
    project = assets.project(item["asset"])
    if project is None:
        return []
    line = {
        "asset": item["asset"],
        "asset_name": project.state["name"],
        "hook": item["hook"],
        "hook_name": hook["name"],
        "sid": item["sid"],
        "code": outcome.status_code,
        "message": outcome.message[:1000],
        "base_url": settings().public_url or item["origin"],
        "at": ended,
    }
    return reports.failure_ops(project.owner, line, now=clock.now_ms())


def expire(item: Item) -> None:
    """Concludes an attempt whose process vanished: it failed when its lease ended, and may have been delivered."""
    hook = table.get(settings().data_table, keys.hook(item["asset"], item["hook"]))
    if hook is None:
        deliveries.discard(item)
        return
    outcome = Outcome("interrupted", message=INTERRUPTED)
    conclude(item, hook, outcome, item["lease"])
    _log(item, outcome, 0)


def _log(item: Item, outcome: Outcome, duration: int) -> None:
    logger.info(
        "attempt",
        extra={
            "asset": item["asset"],
            "hook": item["hook"],
            "sid": item["sid"],
            "attempt": item["tries"] + 1,
            "manual": bool(item.get("manual")),
            "outcome": outcome.kind,
            "status_code": outcome.status_code,
            "duration_ms": duration,
            "address": outcome.address,
        },
    )
