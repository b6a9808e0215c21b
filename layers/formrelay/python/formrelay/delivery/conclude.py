"""After the call: what its outcome means is written, and what follows from it is sent."""

from __future__ import annotations

import hashlib

from formrelay import clock
from formrelay.delivery.call import INACTIVE
from formrelay.hooks import ladder
from formrelay.hooks.ladder import DELETED, Outcome
from formrelay.hooks.payload import Body
from formrelay.isolation import lanes, pauses
from formrelay.log import logger
from formrelay.settings import MAX_QUEUE_DELAY, settings
from formrelay.storage import assets, conclusions, deliveries, keys, reports, table
from formrelay.storage.table import ConditionError, Item, TransactionError

# Recovery looks that much before an attempt which is further away than SQS can delay a message.
_AHEAD_MS = 110_000

# The template counts log lines with these messages for its metrics.
ATTEMPT, FAILED = "attempt", "delivery failed for good"

INTERRUPTED = (
    "The attempt was interrupted before its outcome was known. The submission may have been delivered: "
    "compare the Idempotency-Key on the receiver's side."
)


def conclude(
    item: Item, hook: Item, outcome: Outcome, ended: int, health: Item | None = None, body: Body | None = None
) -> None:
    """Writes what came of a claimed attempt that ended at ``ended`` (ms), and sends what follows from it.

    ``health`` is the hook's as it was read at the claim; without it the outcome says nothing about the hook.
    ``body`` is what was sent, if anything was and it is known.
    """
    attempt = _facts(item, hook, outcome, body)
    pause = False
    try:
        if outcome.ok:
            also = reports.arrived_ops(item, now=ended)
            table.settle(lambda: conclusions.succeed(item, attempt, now=ended, also=also))
        else:
            pause = _fail(item, hook, outcome, attempt, ended)
    except (ConditionError, TransactionError):
        # The lease ran out and recovery has concluded the attempt, or the hook was deleted meanwhile.
        logger.warning("attempt was concluded elsewhere", extra={"hook": item["hook"], "sid": item["sid"]})
        return
    if health and not _wanted_so(outcome):
        pauses.note(item, hook, health, outcome, gone=pause)


def _facts(item: Item, hook: Item, outcome: Outcome, body: Body | None) -> Item:
    """What is kept of an attempt (:mod:`~formrelay.storage.attempts`).

    Of one that vanished nobody knows how long it took, nor what the hook was like when it began.
    """
    vanished = outcome.kind == "interrupted"
    return {
        "number": item["tries"] + 1,
        "started": item["modified"],  # the claim
        "took": None if vanished else outcome.duration_ms,
        "kind": outcome.kind,
        "code": outcome.status_code,
        "message": outcome.message,
        "address": outcome.address,
        "sha256": hashlib.sha256(body.data).digest() if body else None,
        "size": len(body.data) if body else None,
        "revision": None if vanished else hook["revision"],
        "manual": bool(item.get("manual")),
        "replay": item.get("replay"),
    }


def _fail(item: Item, hook: Item, outcome: Outcome, attempt: Item, ended: int) -> bool:
    """Ends a failed attempt; whether its hook is to be paused at once."""
    manual = item.get("manual", False)
    # A retry by hand stands beside the ladder, except before its first rung.
    counted = not manual or item["rung"] == 0
    rung = item["rung"] + (1 if counted else 0)
    following = ladder.decide(rung, outcome, ended, settings().retry_delays)
    if following.due_at is None:
        reader, lines = _report(item, hook, outcome, ended) if counted else (None, [])
        table.settle(
            lambda: conclusions.give_up(
                item, attempt, now=ended, counted=counted, reader=reader, report=lines
            )
        )
        if counted and not _wanted_so(outcome):
            logger.warning(FAILED, extra={**_where(item), "outcome": outcome.kind})
        return following.pause
    now = clock.now_ms()
    wait = following.due_at - now
    queued = wait <= MAX_QUEUE_DELAY * 1000
    look = max(now, following.due_at) + settings().recovery_grace * 1000
    due_at = following.due_at
    sweep_at = look if queued else due_at - _AHEAD_MS
    table.settle(
        lambda: conclusions.postpone(
            item, attempt, now=ended, counted=counted, due_at=due_at, sweep_at=sweep_at
        )
    )
    if queued:
        _send({**item, "seq": item["seq"] + 1, "tries": item["tries"] + 1}, wait)
    return False


def _send(item: Item, wait: int) -> None:
    try:
        lanes.send_again(item, wait)
    except Exception:
        logger.exception("retry not queued, left to recovery", extra={"sid": item["sid"]})


def _wanted_so(outcome: Outcome) -> bool:
    """Whether it failed because somebody has deleted or switched off what it is about, which is no news."""
    return outcome.message in (DELETED, INACTIVE)


def _where(item: Item) -> Item:
    return {"asset": item["asset"], "hook": item["hook"], "sid": item["sid"]}


def _report(item: Item, hook: Item, outcome: Outcome, ended: int) -> tuple[str | None, list[Item]]:
    """Who is mailed a final failure, and the writes for that; nobody is if the hook does not ask for it."""
    if not hook["email_notification"] or _wanted_so(outcome):
        return None, []
    project = assets.project(item["asset"])
    if project is None:
        return None, []
    line = {
        "asset": item["asset"],
        "asset_name": project.state["name"],
        "hook": item["hook"],
        "hook_name": hook["name"],
        "sid": item["sid"],
        "submission": deliveries.submission_id(item),
        "code": outcome.status_code,
        "message": outcome.message[:1000],
        "base_url": settings().public_url or item["origin"],
        "at": ended,
    }
    return project.owner, reports.failure_ops(project.owner, line, now=clock.now_ms())


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
    """One line for each attempt: every fact, no content.

    ``age_ms`` is how long after it was made the delivery arrived: None of what did not, or had arrived before.
    """
    first = outcome.ok and not item.get("replay")
    logger.info(
        ATTEMPT,
        extra={
            **_where(item),
            "attempt": item["tries"] + 1,
            "manual": bool(item.get("manual")),
            "outcome": outcome.kind,
            "status_code": outcome.status_code,
            "duration_ms": duration,
            "age_ms": clock.now_ms() - item["created"] if first else None,
            "address": outcome.address,
        },
    )
