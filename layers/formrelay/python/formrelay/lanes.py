"""Which queue the message of a delivery goes through: first attempts, retries, or the slow one of replays."""

from __future__ import annotations

from formrelay import queues
from formrelay.storage.table import Item

REPLAY = "replay"


def send_again(item: Item, delay_ms: int) -> None:
    """Queues the message of a delivery, as the record now stands, in the lane that it belongs to."""
    message = queues.delivery_message(item["asset"], item["hook"], item["sid"], item["seq"])
    if item.get("lane") == REPLAY:
        queues.send_replays([message], delay_ms)
    elif item["tries"]:
        queues.send_retry(message, delay_ms)
    else:
        queues.send_first([message], delay_ms)
