"""A Celery task as most projects write it: one ``requests.post`` for each delivery, nothing kept."""

from __future__ import annotations

import os
import sys

import requests
from celery import Celery

app = Celery("peer", broker=os.environ["PEER_BROKER"], backend=None)
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=4)


@app.task(name="deliver")  # type: ignore[untyped-decorator]
def deliver(url: str, body: str, headers: dict[str, str]) -> None:
    """Sends one; an error is logged by the worker and forgotten."""
    requests.post(url, data=body.encode(), headers=headers, timeout=30).raise_for_status()


def enqueue(url: str, count: int, body: str) -> None:
    """Puts so many deliveries on the queue."""
    headers = {"Content-Type": "application/json"}
    for _ in range(count):
        deliver.delay(url, body, headers)


if __name__ == "__main__":
    enqueue(sys.argv[1], int(sys.argv[2]), sys.argv[3])
