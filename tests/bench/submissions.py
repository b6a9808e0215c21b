"""Submissions per second through the local stack, from POST to delivered, with several clients.

python -m tests.bench.submissions [--seconds 5] [--clients 1 8 16]
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

from tests.e2e.stack import Stack, running_stack, wait_until

FORM = {"survey": [{"type": "text", "name": f"q{i}", "label": f"Question {i}"} for i in range(20)]}


def main() -> None:
    """Measures and prints one line per number of clients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 16])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as state, running_stack(Path(state)) as stack:
        asset, hook = _project(stack)
        print(
            f"{'clients':>7} {'accepted/s':>10} {'delivered/s':>11} {'errors':>6} {'p50 ms':>7} {'p95 ms':>7}"
        )
        for clients in options.clients:
            print(_run(stack, asset, hook, clients, options.seconds))


def _project(stack: Stack) -> tuple[str, str]:
    made = stack.post("/api/v2/assets/", json={"name": "Bench", "asset_type": "survey", "content": FORM})
    asset: str = made.json()["uid"]
    stack.post(f"/api/v2/assets/{asset}/deployment/", json={"active": True}).raise_for_status()
    fields = {"name": "sink", "endpoint": stack.sink_url("bench")}
    hook: str = stack.post(f"/api/v2/assets/{asset}/hooks/", json=fields).json()["uid"]
    return asset, hook


def _run(stack: Stack, asset: str, hook: str, clients: int, seconds: float) -> str:
    before = _delivered(stack, asset, hook)
    ends = time.monotonic() + seconds
    times: list[float] = []
    errors: list[int] = []

    def client() -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Token {stack.api_key}"
            while time.monotonic() < ends:
                answers = {f"q{i}": f"answer {i}" for i in range(20)}
                body = {
                    "id": asset,
                    "submission": {**answers, "meta": {"instanceID": f"uuid:{uuid.uuid4()}"}},
                }
                began = time.monotonic()
                answer = session.post(f"{stack.base_url}/submission", json=body, timeout=35)
                times.append(time.monotonic() - began)
                if answer.status_code != 201:
                    errors.append(answer.status_code)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    posted = time.monotonic() - began
    wanted = before + len(times) - len(errors)
    wait_until(lambda: _delivered(stack, asset, hook) >= wanted, "everything is delivered", 300)
    delivered = time.monotonic() - began
    quantiles = statistics.quantiles(times, n=20)
    return (
        f"{clients:>7} {len(times) / posted:>10.1f} {len(times) / delivered:>11.1f} {len(errors):>6}"
        f" {quantiles[9] * 1000:>7.1f} {quantiles[18] * 1000:>7.1f}"
    )


def _delivered(stack: Stack, asset: str, hook: str) -> int:
    count: int = stack.get(f"/api/v2/assets/{asset}/hooks/{hook}/").json()["success_count"]
    return count


if __name__ == "__main__":
    main()
