"""The same deliveries by formrelay, by the usual alternative, Celery workers on Redis, and by nothing but threads.

python -m tests.bench.alternatives [--count 2000] [--delays 0 50]

Needs ``redis-server`` on PATH and ``.venv-bench`` (``make .venv-bench/.installed``). One process each. Only formrelay
keeps records of what it sent, by calls that outlive a crash; Celery keeps none. ``recycled`` is a worker whose process
is replaced every seven tasks, as KoboToolbox runs its own; ``threads`` is a pool of eight with a session each that
stays open: the floor for Python.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.bench.deliveries import BATCH, handle
from tests.bench.deployment import deployment, queued, receiver
from tests.support.app import App
from tests.support.template import ROOT

PYTHON = ROOT / ".venv-bench" / "bin" / "python"
BODY = json.dumps({f"q{i}": f"answer {i}" for i in range(20)})
THREADS = 8
TICK = os.sysconf("SC_CLK_TCK")


@contextmanager
def _redis() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                yield f"redis://127.0.0.1:{port}/0"
            finally:
                process.terminate()


def _cpu(root: int) -> float:
    """Seconds of CPU of a process, its children, and those that have ended."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == root or int(fields[1]) == root:
            total += sum(int(value) for value in fields[11:15])
    return total / TICK


def celery(url: str, count: int, *options: str) -> tuple[float, float]:
    """Deliveries a second, and CPU seconds of each, by a worker that begins with a full queue."""
    with _redis() as broker:
        environment = {**os.environ, "PEER_BROKER": broker, "PYTHONPATH": str(ROOT)}
        module = "tests.bench.peers.celery_tasks"
        _wait(broker)
        command = [str(PYTHON), "-m", module, url, str(count), BODY]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        command = [str(PYTHON), "-m", "celery", "-A", module, "worker", "-c", "1", *options]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as worker:
            try:
                warm = count // 5
                _until(url, warm)
                began, used = time.perf_counter(), _cpu(worker.pid)
                _until(url, count)
                seconds, cpu = time.perf_counter() - began, _cpu(worker.pid) - used
            finally:
                worker.terminate()
    return (count - warm) / seconds, cpu / (count - warm)


def threads(url: str, count: int) -> tuple[float, float]:
    """The same by threads of this process with a session each."""
    local = threading.local()

    def send(_: int) -> None:
        session = getattr(local, "session", None)
        if session is None:
            session = local.session = requests.Session()
        session.post(url, data=BODY, headers={"Content-Type": "application/json"}, timeout=30)

    began, used = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(send, range(count)))
    return count / (time.perf_counter() - began), (time.process_time() - used) / count


def _wait(broker: str) -> None:
    port = int(broker.rsplit(":", 1)[1].split("/")[0])
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("redis-server did not start")


def _until(url: str, count: int) -> None:
    """Returns once the receiver has got so many."""
    deadline = time.monotonic() + 60
    while int(requests.get(url, timeout=5).text) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def missing() -> str | None:
    """What is not installed, if anything."""
    if shutil.which("redis-server") is None:
        return "redis-server is not installed"
    return None if PYTHON.exists() else ".venv-bench is missing: make .venv-bench/.installed"


def main() -> None:
    """Prints a line for each way and receiver."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--delays", type=int, nargs="+", default=[0, 50])
    options = parser.parse_args()
    lacking = missing()
    if lacking:
        print(f"no comparison with Celery: {lacking}")
        return
    print(f"{'way':<18}{'delay ms':>9}{'per second':>11}{'CPU ms':>8}")
    with deployment() as app:
        for delay in options.delays:
            found = _compared(app, delay, options.count)
            for name, (rate, cpu) in found.items():
                print(f"{name:<18}{delay:>9}{rate:>11.0f}{cpu * 1000:>8.1f}")
            (rate, cpu), (peer, peer_cpu) = found["formrelay"], found["celery"]
            recycled = found["celery, recycled"][1]
            print(
                f"formrelay against celery: {cpu / peer_cpu:.1f}× the CPU, {rate / peer:.1f}× the deliveries;"
                f" against recycled: 1/{recycled / cpu:.1f} of the CPU"
            )


def _compared(app: App, delay: int, count: int) -> dict[str, tuple[float, float]]:
    """Deliveries a second and seconds of CPU of each, by way."""
    few = max(50, count // 10)
    with receiver(delay) as url:
        _, messages = queued(app, url, count // 2)
        seconds, cpu = handle(messages, BATCH)
        found = {"formrelay": (1 / seconds, cpu)}
    with receiver(delay) as url:
        found["celery"] = celery(url, count // 2 if delay else count)
    with receiver(delay) as url:
        found["celery, recycled"] = celery(url, few, "--max-tasks-per-child", "7")
    with receiver(delay) as url:
        found["threads"] = threads(url, count)
    return found


if __name__ == "__main__":
    main()
