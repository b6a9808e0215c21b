"""What a dead hook costs the others: their delivery delay beside 10,000 deliveries that are parked or queued for it.

python -m tests.bench.isolation [--backlog 10000] [--probes 200] [--cases alone parked refused hanging]

The delay of a delivery is the time from the POST of its submission to its arrival at the hook's own server. The
criterion: the 95th percentile rises by at most one second.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from tests.e2e.stack import Stack, running_stack, wait_until
from tests.support.receiver import Answer, Receiver

FORM = {"survey": [{"type": "text", "name": f"q{i}", "label": f"Question {i}"} for i in range(20)]}
# Between two submissions whose delays are measured.
PACE = 0.1
CLIENTS = 8
# Nobody listens there, so connections are refused at once.
REFUSED = "http://127.0.0.1:1/in"


def main() -> None:
    """Measures each case on a stack of its own and prints one line for it."""
    cases: dict[str, Callable[[Stack, Receiver, int], str]] = {
        "alone": lambda *_: "",
        "parked": _park,
        "refused": _refuse,
        "hanging": _hang,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backlog", type=int, default=10_000)
    parser.add_argument("--probes", type=int, default=200)
    parser.add_argument("--cases", nargs="+", choices=cases, default=list(cases))
    options = parser.parse_args()
    print(f"{'dead hook':>10} {'p50 s':>7} {'p95 s':>7} {'max s':>7}  backlog")
    for case in options.cases:
        settings = {"FORMRELAY_RETRY_DELAYS": "60,600,6000", "FORMRELAY_RECOVERY_GRACE": "120"}
        with (
            tempfile.TemporaryDirectory() as state,
            running_stack(Path(state), settings) as stack,
            Receiver() as live,
            Receiver() as dead,
        ):
            what = cases[case](stack, dead, options.backlog)
            delays = sorted(_delays(stack, live, options.probes))
            p50, p95 = (statistics.quantiles(delays, n=20)[at] for at in (9, 18))
            print(f"{case:>10} {p50:>7.2f} {p95:>7.2f} {delays[-1]:>7.2f}  {what}", flush=True)


def _park(stack: Stack, dead: Receiver, backlog: int) -> str:
    asset, hook = _project(stack, dead.url())
    path = f"/api/v2/assets/{asset}/hooks/{hook}/"
    stack.session.patch(stack.base_url + path, json={"paused": True}, timeout=35).raise_for_status()
    _submit_many(stack, asset, backlog)
    return f"{stack.get(path).json()['health']['parked_count']} parked"


def _refuse(stack: Stack, _: Receiver, backlog: int) -> str:
    return _queue(stack, REFUSED, backlog)


def _hang(stack: Stack, dead: Receiver, backlog: int) -> str:
    dead.answer = Answer(delay=60)
    return _queue(stack, dead.url(), backlog)


def _queue(stack: Stack, endpoint: str, backlog: int) -> str:
    asset, hook = _project(stack, endpoint)
    _submit_many(stack, asset, backlog)
    found = stack.get(f"/api/v2/assets/{asset}/hooks/{hook}/").json()
    return f"{found['pending_count']} to be sent, {found['health']['failures']} failures so far"


def _project(stack: Stack, endpoint: str) -> tuple[str, str]:
    made = stack.post("/api/v2/assets/", json={"name": "Bench", "asset_type": "survey", "content": FORM})
    asset: str = made.json()["uid"]
    stack.post(f"/api/v2/assets/{asset}/deployment/", json={"active": True}).raise_for_status()
    fields = {"name": "hook", "endpoint": endpoint}
    answer = stack.post(f"/api/v2/assets/{asset}/hooks/", json=fields)
    answer.raise_for_status()
    hook: str = answer.json()["uid"]
    return asset, hook


def _submit_many(stack: Stack, asset: str, number: int) -> None:
    local = threading.local()

    def submit(_: int) -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.headers["Authorization"] = f"Token {stack.api_key}"
        _submit(local.session, stack, asset)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(submit, range(number)))


def _submit(session: requests.Session, stack: Stack, asset: str) -> str:
    uid = str(uuid.uuid4())
    body = {
        "id": asset,
        "submission": {"q0": uid, "q1": "answer", "meta": {"instanceID": f"uuid:{uid}"}},
    }
    answer = session.post(f"{stack.base_url}/submission", json=body, timeout=35)
    assert answer.status_code == 201, answer.text
    return uid


def _delays(stack: Stack, live: Receiver, number: int) -> list[float]:
    """The delays (s) of submissions to a hook that is well."""
    asset, _ = _project(stack, live.url())
    began: dict[str, float] = {}
    for _ in range(number):
        at = time.monotonic()
        began[_submit(stack.session, stack, asset)] = at
        time.sleep(max(0.0, PACE - (time.monotonic() - at)))
    wait_until(lambda: len(live.requests) >= number, "everything is delivered", 300)
    return [request.at - began[request.json()["q0"]] for request in live.requests]


if __name__ == "__main__":
    main()
