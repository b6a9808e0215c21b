"""Which queue the message of a delivery goes through: first attempts, retries, or the slow one of replays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from formrelay import clock, queues
from formrelay.log import logger
from formrelay.settings import settings
from formrelay.storage import parking
from formrelay.storage.table import ConditionError, Item

RETRY, REPLAY = "retry", "replay"


def send_again(item: Item, delay_ms: int) -> None:
    """Queues the message of a delivery, as the record now stands, in the lane that it belongs to."""
    message = queues.delivery_message(item["asset"], item["hook"], item["sid"], item["seq"])
    if item.get("lane") == REPLAY:
        queues.send_replays([message], delay_ms)
    elif item["tries"] or item.get("lane") == RETRY:
        queues.send_retry(message, delay_ms)
    else:
        queues.send_first([message], delay_ms)


def send_new(rows: Sequence[Item], delay_ms: int) -> None:
    """Queues first attempts of deliveries that stand in the table. A failure costs time only: recovery finds them."""
    messages = [queues.delivery_message(row["asset"], row["hook"], row["sid"], row["seq"]) for row in rows]
    for i in range(0, len(messages), queues.BATCH):
        try:
            refused = queues.send_first(messages[i : i + queues.BATCH], delay_ms)
        except Exception:
            logger.exception("first attempts not queued, left to recovery", extra={"sid": rows[0]["sid"]})
            return
        if refused:
            sid = rows[0]["sid"]
            logger.warning("first attempts refused by the queue, left to recovery", extra={"sid": sid})


def give_back(item: Item, delay_ms: int, lane: str | None = None) -> None:
    """Gives a claimed attempt back, not counted, and sends its message again, through another lane if told so."""
    now = clock.now_ms()
    # Recovery may have put its next look further away already, if much is waiting.
    sweep_at = max(item["sweep_at"], now + delay_ms + settings().recovery_grace * 1000)
    try:
        item = parking.put_off(item, now=now, sweep_at=sweep_at, lane=lane)
    except ConditionError:
        return  # the lease ran out
    try:
        send_again(item, delay_ms)
    except Exception:
        logger.exception("message not queued, left to recovery", extra={"sid": item["sid"]})


def send_later(message: dict[str, Any], queue_arn: str, delay_ms: int) -> None:
    """Queues a message again that came when there was no room: a replay in its own lane, any other as a retry."""
    if _is(queue_arn, settings().replay_queue):
        queues.send_replays([message], delay_ms)
    else:
        queues.send_retry(message, delay_ms)


def is_first(queue_arn: str) -> bool:
    """Whether a queue is that of first attempts."""
    return _is(queue_arn, settings().first_queue)


def _is(queue_arn: str, queue_url: str) -> bool:
    return queue_arn.rpartition(":")[2] == queue_url.rpartition("/")[2]
