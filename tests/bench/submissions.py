"""Submissions per second through the local stack, and how long each takes from its POST to the hook, by clients.

python -m tests.bench.submissions [--seconds 5] [--clients 1 8 32]

The stack's front, emulator and functions share the machine with the clients and the receiver. ``answer`` is the time to
the 201; ``delay`` that from the POST to the arrival at the receiver.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
import uuid
from pathlib import Path

import requests

from tests.bench.deployment import FORM
from tests.e2e.stack import Stack, running_stack, wait_until
from tests.support.receiver import Receiver


def main() -> None:
    """Measures and prints one line per number of clients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    options = parser.parse_args()
    print(
        f"{'clients':>7} {'accepted/s':>10} {'delivered/s':>11} {'errors':>6}"
        f" {'answer p50 ms':>13} {'p95':>5} {'delay p50 ms':>12} {'p95':>5}"
    )
    with tempfile.TemporaryDirectory() as state, running_stack(Path(state)) as stack:
        for clients in options.clients:
            with Receiver() as receiver:
                asset = _project(stack, receiver.url())
                print(_run(stack, asset, receiver, clients, options.seconds), flush=True)


def _project(stack: Stack, endpoint: str) -> str:
    made = stack.post("/api/v2/assets/", json={"name": "Bench", "asset_type": "survey", "content": FORM})
    asset: str = made.json()["uid"]
    stack.post(f"/api/v2/assets/{asset}/deployment/", json={"active": True}).raise_for_status()
    fields = {"name": "receiver", "endpoint": endpoint}
    stack.post(f"/api/v2/assets/{asset}/hooks/", json=fields).raise_for_status()
    return asset


def _run(stack: Stack, asset: str, receiver: Receiver, clients: int, seconds: float) -> str:
    ends = time.monotonic() + seconds
    began: dict[str, float] = {}
    answered: list[float] = []
    errors: list[int] = []

    def client() -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Token {stack.api_key}"
            while time.monotonic() < ends:
                instance = f"uuid:{uuid.uuid4()}"
                answers = {f"q{i}": f"answer {i}" for i in range(20)}
                body = {"id": asset, "submission": {**answers, "meta": {"instanceID": instance}}}
                at = time.monotonic()
                answer = session.post(f"{stack.base_url}/submission", json=body, timeout=35)
                if answer.status_code == 201:
                    began[instance] = at
                    answered.append(time.monotonic() - at)
                else:
                    errors.append(answer.status_code)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    posted = time.monotonic() - start
    wait_until(lambda: len(receiver.requests) >= len(began), "everything is delivered", 300)
    delivered = receiver.requests[-1].at - start
    delays = [request.at - began[request.json()["meta/instanceID"]] for request in receiver.requests]
    return (
        f"{clients:>7} {len(began) / posted:>10.1f} {len(began) / delivered:>11.1f} {len(errors):>6}"
        f" {_quantiles(answered, 13)} {_quantiles(delays, 12)}"
    )


def _quantiles(seconds: list[float], width: int) -> str:
    cuts = statistics.quantiles(seconds, n=20)
    return f"{cuts[9] * 1000:>{width}.0f} {cuts[18] * 1000:>5.0f}"


if __name__ == "__main__":
    main()
