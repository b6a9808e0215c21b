"""The queues of a deployment, and where their dead letters go."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Lane:
    """A queue and its dead letters, by URL."""

    name: str
    queue: str
    letters: str


def lanes() -> list[Lane]:
    """Those of the deployment in use, as SQS knows them."""
    from formrelay.settings import settings

    names = settings()
    urls = {
        "first": names.first_queue,
        "retry": names.retry_queue,
        "replay": names.replay_queue,
        "report": names.report_queue,
    }
    return [Lane(name, url, _letters(url)) for name, url in urls.items()]


def _letters(queue: str) -> str:
    from formrelay.aws import sqs

    answer = sqs().get_queue_attributes(QueueUrl=queue, AttributeNames=["RedrivePolicy"])
    arn = json.loads(answer["Attributes"]["RedrivePolicy"])["deadLetterTargetArn"]
    return sqs().get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]


def depth(queue: str) -> int:
    """About how many messages stand on a queue, those that somebody has taken included."""
    from formrelay.aws import sqs

    found = sqs().get_queue_attributes(
        QueueUrl=queue,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    return sum(map(int, found.values()))
