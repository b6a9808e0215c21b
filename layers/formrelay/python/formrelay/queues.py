"""SQS: messages are hints about what stands in the table; losing one costs time, not a delivery."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from formrelay.aws import sqs
from formrelay.settings import MAX_QUEUE_DELAY, settings

BATCH = 10


def delivery_message(asset: str, hook: str, sid: int, seq: int) -> dict[str, Any]:
    """A delivery's message: which attempt may run now (docs/architecture.md, "Messages")."""
    return {"a": asset, "h": hook, "s": sid, "n": seq}


def send_first(messages: Sequence[dict[str, Any]], delay_ms: int = 0) -> int:
    """Queues up to ten first attempts in one call; returns how many SQS refused."""
    return _send_batch(settings().first_queue, messages, delay_ms)


def send_retries(messages: Sequence[dict[str, Any]], delay_ms: int = 0) -> int:
    """The same for later attempts."""
    return _send_batch(settings().retry_queue, messages, delay_ms)


def send_replays(messages: Sequence[dict[str, Any]], delay_ms: int = 0) -> int:
    """The same for attempts of replays, which have a slow lane of their own."""
    return _send_batch(settings().replay_queue, messages, delay_ms)


def _send_batch(queue: str, messages: Sequence[dict[str, Any]], delay_ms: int) -> int:
    entries: list[Any] = [
        {
            "Id": str(i),
            "MessageBody": json.dumps(message, separators=(",", ":")),
            "MessageGroupId": message["h"],
            "DelaySeconds": _delay(delay_ms),
        }
        for i, message in enumerate(messages)
    ]
    answer = sqs().send_message_batch(QueueUrl=queue, Entries=entries)
    return len(answer.get("Failed", []))


def send_retry(message: dict[str, Any], delay_ms: int) -> None:
    """Queues one later attempt. The delay is rounded up to whole seconds: never early."""
    sqs().send_message(
        QueueUrl=settings().retry_queue,
        MessageBody=json.dumps(message, separators=(",", ":")),
        MessageGroupId=message["h"],
        DelaySeconds=_delay(delay_ms),
    )


def send_report(owner: str) -> None:
    """Asks the report function to look at one owner's failures."""
    sqs().send_message(QueueUrl=settings().report_queue, MessageBody=json.dumps({"owner": owner}))


def send_letter(uid: str) -> None:
    """Asks the same function to send a letter."""
    sqs().send_message(QueueUrl=settings().report_queue, MessageBody=json.dumps({"letter": uid}))


def _delay(delay_ms: int) -> int:
    seconds = math.ceil(max(0, delay_ms) / 1000)
    if seconds > MAX_QUEUE_DELAY:
        raise ValueError(f"SQS delays a message by at most {MAX_QUEUE_DELAY} s, not {seconds}")
    return seconds
