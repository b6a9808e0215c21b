"""Which queue the message of a delivery goes through: first attempts, retries, or the slow one of replays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from formrelay import clock, queues
from formrelay.log import logger
from formrelay.settings import settings
from formrelay.storage import parking
from formrelay.storage.table import ConditionError, Item

FIRST, RETRY, REPLAY = "first", "retry", "replay"


def of(item: Item) -> str:
    """The lane that a delivery, as the record now stands, belongs to."""
    if item.get("lane") == REPLAY:
        return REPLAY
    return RETRY if item["tries"] or item.get("lane") == RETRY else FIRST


def message(item: Item) -> dict[str, Any]:
    """The message of a delivery as it now stands."""
    return queues.delivery_message(item["asset"], item["hook"], item["sid"], item["seq"])


def send_again(item: Item, delay_ms: int) -> None:
    """Queues the message of a delivery in the lane that it belongs to."""
    lane = of(item)
    if lane == RETRY:
        queues.send_retry(message(item), delay_ms)
    else:
        send_all(lane, [item], delay_ms)


def send_all(lane: str, items: Sequence[Item], delay_ms: int) -> None:
    """Queues the messages of up to ten deliveries of one lane, in one call."""
    send = {FIRST: queues.send_first, RETRY: queues.send_retries, REPLAY: queues.send_replays}[lane]
    refused = send([message(item) for item in items], delay_ms)
    if refused:
        logger.warning(
            "messages refused by the queue, left to recovery", extra={"lane": lane, "count": refused}
        )


def send_new(rows: Sequence[Item], delay_ms: int) -> None:
    """Queues first attempts of deliveries that stand in the table. A failure costs time only: recovery finds them."""
    messages = [message(row) for row in rows]
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
