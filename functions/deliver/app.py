"""Lambda handler: attempts from the queues, single ones for a retry by hand, and tests of hooks."""

from __future__ import annotations

import gc

gc.disable()

import json  # noqa: E402
import time  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402
from typing import Any  # noqa: E402

from formrelay import delivery  # noqa: E402
from formrelay.isolation import lanes, shares  # noqa: E402
from formrelay.log import logger  # noqa: E402

# What was imported lives as long as the process: the collector need not look at it again.
gc.freeze()
gc.enable()

# A batch's attempts all run at the same time; the template's BatchSize is not larger.
THREADS = 10
# Seconds for a retry by hand or a test: who asked for it waits no longer than 28.
INLINE = 26.0
# After so long comes what a slow hook's share of a batch had no time for.
NO_TURN_MS = 10_000

_memory = shares.Memory()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """SQS batch in, the messages to be seen again out; or ``{"retry": message}`` or
    ``{"test": test}`` in, its outcome out.

    Returns only when every thread has ended: a frozen process must not wake up and send (invariant I4).
    """
    remaining = context.get_remaining_time_in_millis() / 1000
    if "retry" in event:
        return _by_hand(event["retry"], remaining)
    if "test" in event:
        return _test(event["test"], remaining)
    records = event["Records"]
    ends = time.monotonic() + remaining
    batch, reads = shares.Batch(_memory, THREADS // 2), delivery.Reads()
    with ThreadPoolExecutor(THREADS) as pool:
        failed = list(pool.map(lambda record: _failed(record, batch, reads, ends), records))
    failures = [
        {"itemIdentifier": record["messageId"]} for record, bad in zip(records, failed, strict=True) if bad
    ]
    return {"batchItemFailures": failures}


def _failed(record: dict[str, Any], batch: shares.Batch, reads: delivery.Reads, ends: float) -> bool:
    """One message. True when it has to come again for a reason of ours, not of the destination."""
    queue = record.get("eventSourceARN", "")
    try:
        message = json.loads(record["body"])
        with batch.turn(message["h"], ends - delivery.seconds_needed()) as has_turn:
            if not has_turn:
                # Returned instead, it would come only after the visibility time-out, and end among the dead letters.
                lanes.send_later(message, queue, NO_TURN_MS)
                return False
            fast = lanes.is_first(queue)
            outcome = delivery.attempt(message, ends - time.monotonic(), fast=fast, reads=reads)
        if outcome is not None:
            _memory.note(message["h"], outcome)
    except delivery.NoTimeError:
        logger.info("no time for an attempt", extra={"message_id": record["messageId"]})
        return True
    except Exception:
        logger.exception("message not handled", extra={"message_id": record["messageId"]})
        return True
    return False


def _by_hand(message: dict[str, Any], remaining: float) -> dict[str, Any]:
    try:
        outcome = delivery.attempt(message, min(remaining, INLINE))
    except delivery.NoTimeError:
        outcome = None
    if outcome is None:
        return {"sent": False, "status_code": None, "detail": ""}
    return {"sent": True, "ok": outcome.ok, "status_code": outcome.status_code, "detail": outcome.message}


def _test(test: dict[str, Any], remaining: float) -> dict[str, Any]:
    # What only tests need: attempts do not wait for its import.
    from formrelay import hook_tests

    return hook_tests.run(test, min(remaining, INLINE))
