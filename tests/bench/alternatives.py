"""The same deliveries by the usual alternative: Celery workers on Redis, and by nothing but threads.

python -m tests.bench.alternatives [--count 2000] [--delays 0 50]

Needs ``redis-server`` on PATH and ``.venv-bench`` (``make .venv-bench/.installed``). Neither keeps a record of what it
sent. ``recycled`` is a worker whose processes are replaced every seven tasks, as KoboToolbox runs its own; ``threads``
is a pool of eight with a session each that stays open: the floor for Python.
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

from tests.bench.deployment import receiver
from tests.support.template import ROOT

PYTHON = ROOT / ".venv-bench" / "bin" / "python"
BODY = json.dumps({f"q{i}": f"answer {i}" for i in range(20)})
PROCESSES = 2
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
    """Deliveries a second, and CPU seconds of each, by workers that begin with a full queue."""
    with _redis() as broker:
        environment = {**os.environ, "PEER_BROKER": broker, "PYTHONPATH": str(ROOT)}
        module = "tests.bench.peers.celery_tasks"
        _wait(broker)
        command = [str(PYTHON), "-m", module, url, str(count), BODY]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        command = [str(PYTHON), "-m", "celery", "-A", module, "worker", "-c", str(PROCESSES), *options]
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
    ways = {
        "celery": celery,
        "celery, recycled": lambda url, count: celery(url, count, "--max-tasks-per-child", "7"),
        "threads": threads,
    }
    print(f"{'way':<18}{'delay ms':>9}{'per second':>11}{'CPU ms':>8}")
    for delay in options.delays:
        for name, way in ways.items():
            count = options.count if name != "celery, recycled" else max(50, options.count // 10)
            with receiver(delay) as url:
                rate, cpu = way(url, count)
            print(f"{name:<18}{delay:>9}{rate:>11.0f}{cpu * 1000:>8.1f}")


if __name__ == "__main__":
    main()
