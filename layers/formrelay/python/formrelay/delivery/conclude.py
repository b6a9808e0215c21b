"""After the call: what its outcome means is written, and what follows from it is sent."""

from __future__ import annotations

from formrelay import clock, pauses, queues
from formrelay.delivery.call import DELETED, INACTIVE
from formrelay.hooks import ladder
from formrelay.hooks.ladder import Outcome
from formrelay.log import logger
from formrelay.settings import MAX_QUEUE_DELAY, settings
from formrelay.storage import assets, deliveries, keys, reports, table
from formrelay.storage.table import ConditionError, Item, TransactionError

# Recovery looks that much before an attempt which is further away than SQS can delay a message.
_AHEAD_MS = 110_000

INTERRUPTED = (
    "The attempt was interrupted before its outcome was known. The submission may have been delivered: "
    "compare the Idempotency-Key on the receiver's side."
)


def conclude(item: Item, hook: Item, outcome: Outcome, ended: int, health: Item | None = None) -> None:
    """Writes what came of a claimed attempt that ended at ``ended`` (ms), and sends what follows from it.

    ``health`` is the hook's as it was read at the claim; without it the outcome says nothing about the hook.
    """
    pause = False
    try:
        if outcome.ok:
            deliveries.succeed(item, now=ended, code=outcome.status_code or 200, message=outcome.message)
        else:
            pause = _fail(item, hook, outcome, ended)
    except (ConditionError, TransactionError):
        # The lease ran out and recovery has concluded the attempt, or the hook was deleted meanwhile.
        logger.warning("attempt was concluded elsewhere", extra={"hook": item["hook"], "sid": item["sid"]})
        return
    if health and outcome.message not in (DELETED, INACTIVE):
        pauses.note(item, hook, health, outcome, gone=pause)


def _fail(item: Item, hook: Item, outcome: Outcome, ended: int) -> bool:
    """Ends a failed attempt; whether its hook is to be paused at once."""
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
        return following.pause
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
    return False


def _send(item: Item, wait: int) -> None:
    message = queues.delivery_message(item["asset"], item["hook"], item["sid"], item["seq"] + 1)
    try:
        queues.send_retry(message, wait)
    except Exception:
        logger.exception("retry not queued, left to recovery", extra={"sid": item["sid"]})


def _report(item: Item, hook: Item, outcome: Outcome, ended: int) -> list[Item]:
    """The writes that get a final failure mailed, if the hook asks for it and nobody made it on purpose."""
    if not hook["email_notification"] or outcome.message in (DELETED, INACTIVE):
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
    log(item, outcome, 0)


def log(item: Item, outcome: Outcome, duration: int) -> None:
    """One line for each attempt: every fact, no content."""
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
