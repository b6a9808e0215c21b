"""``redrive``: dead letters go back to their queues. Each names one attempt, which runs once at most."""

from __future__ import annotations

import argparse
from typing import Any

from infra.operate.command import Command, tell
from infra.operate.lanes import Lane, depth, lanes

_BATCH = 10
# Behind the last letter SQS may say once or twice that there is none.
_MISSES = 3


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lane", choices=("first", "retry", "replay", "report"), help="only this one")


def run(options: argparse.Namespace) -> int:
    for lane in lanes():
        if options.lane in (None, lane.name):
            tell({"lane": lane.name, "sent_back": send_back(lane)})
    return 0


def send_back(lane: Lane) -> int:
    """Moves the letters that there are now; what dies in between leaves a letter on both queues, which does no harm."""
    left, misses, moved = depth(lane.letters), 0, 0
    while left > 0 and misses < _MISSES:
        letters = _received(lane.letters)
        misses = 0 if letters else misses + 1
        for letter in letters:
            _send(lane.queue, letter)
        _remove(lane.letters, letters)
        moved += len(letters)
        left -= len(letters)
    return moved


def _received(queue: str) -> list[Any]:
    from formrelay.aws import sqs

    answer = sqs().receive_message(
        QueueUrl=queue,
        MaxNumberOfMessages=_BATCH,
        WaitTimeSeconds=1,
        VisibilityTimeout=60,
        MessageSystemAttributeNames=["MessageGroupId"],
    )
    return list(answer.get("Messages", []))


def _send(queue: str, letter: Any) -> None:
    from formrelay.aws import sqs

    group = letter.get("Attributes", {}).get("MessageGroupId")
    named = {"MessageGroupId": group} if group else {}
    sqs().send_message(QueueUrl=queue, MessageBody=letter["Body"], **named)


def _remove(queue: str, letters: list[Any]) -> None:
    from formrelay.aws import sqs

    entries: list[Any] = [
        {"Id": str(i), "ReceiptHandle": letter["ReceiptHandle"]} for i, letter in enumerate(letters)
    ]
    if entries:
        sqs().delete_message_batch(QueueUrl=queue, Entries=entries)


COMMANDS = (Command("redrive", "send dead letters back to their queues", _arguments, run),)
