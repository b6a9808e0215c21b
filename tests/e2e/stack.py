"""Starts the whole local stack for tests, as ``make run`` does, on a free port with a state folder of its own.

with running_stack(tmp_path / "state") as stack:
    stack.get("/api/v2/assets/")
    stack.kill_everything()
    stack.start()
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[2]
EMULATOR_PYTHON = ROOT / ".venv-emulator" / "bin" / "python"
CLIENTS_PYTHON = ROOT / ".venv-clients" / "bin" / "python"
START_TIMEOUT = 60.0
STOP_TIMEOUT = 30.0


class Stack:
    """One local stack; ``retry_delays`` and the other settings go through the variables that users have."""

    username = "demo"
    password = "correct horse"
    email = "owner@example.org"

    def __init__(self, state: Path, settings: Mapping[str, str] | None = None) -> None:
        self.state = state
        self.port = free_port()
        self.api_key = ""
        self.output: list[str] = []
        self.session = requests.Session()
        self._settings = dict(settings or {})
        self._process: subprocess.Popen[str] | None = None
        self._pids: list[int] = []

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "infra.local"],
            cwd=ROOT,
            env={**os.environ, **self._environment()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output = []
        lines = _read_in_background(self._process)
        deadline = time.monotonic() + START_TIMEOUT
        while not any("curl " in line for line in self.output):  # the last thing it says
            try:
                line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                line = None
            if line is None:
                self.stop()
                raise AssertionError("the stack did not start:\n" + "\n".join(self.output))
            self.output.append(line)
        self.api_key = next(line.split()[-1] for line in self.output if line.strip().startswith("API key"))
        self.session.headers["Authorization"] = f"Token {self.api_key}"
        self.pids()

    def stop(self) -> int:
        """Ctrl-C; returns the exit status."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill_everything()
            raise

    def pids(self) -> list[int]:
        """The processes that it consists of now."""
        health = requests.get(f"{self.base_url}/_local/health", timeout=10).json()
        self._pids = [pid for group in health["pids"].values() for pid in group]
        return self._pids

    def kill_everything(self) -> None:
        """``kill -9`` of every process at once."""
        with contextlib.suppress(requests.RequestException):
            self.pids()
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait(STOP_TIMEOUT)
        wait_until(lambda: not any(map(_runs, self._pids)), "all processes are gone")
        self.session.close()

    def restart(self) -> None:
        """Stop in order and start again on the same state."""
        self.stop()
        self.start()

    # What tests do with it

    def get(self, path: str, **arguments: Any) -> requests.Response:
        """GET with the account's API key."""
        return self.session.get(self.base_url + path, timeout=35, **arguments)

    def post(self, path: str, **arguments: Any) -> requests.Response:
        """POST with the account's API key."""
        return self.session.post(self.base_url + path, timeout=35, **arguments)

    def sink_url(self, name: str) -> str:
        return f"{self.base_url}/_local/sink/{name}"

    def sink(self, name: str) -> list[dict[str, Any]]:
        """What a sink has received, oldest first."""
        received: list[dict[str, Any]] = requests.get(f"{self.sink_url(name)}?format=json", timeout=10).json()
        return received

    def tell_sink(self, name: str, **instruction: Any) -> None:
        """What a sink is to answer: ``status``, ``times``, ``delay``, ``body``, ``headers``."""
        requests.put(self.sink_url(name), json=instruction, timeout=10).raise_for_status()

    def mails(self) -> list[dict[str, Any]]:
        """The mails sent, oldest first."""
        mails: list[dict[str, Any]] = requests.get(
            f"{self.base_url}/_local/mail?format=json", timeout=10
        ).json()
        return mails

    def logs(self, function: str) -> str:
        """What a function's processes have written."""
        return (self.state / "logs" / f"{function}.log").read_text(errors="replace")

    def _environment(self) -> dict[str, str]:
        return {
            "PORT": str(self.port),
            "FORMRELAY_STATE": str(self.state),
            "FORMRELAY_USER": self.username,
            "FORMRELAY_PASSWORD": self.password,
            "FORMRELAY_EMAIL": self.email,
            "FORMRELAY_RETRY_DELAYS": "1,1,1",
            "FORMRELAY_REPORT_INTERVAL": "5",
            "FORMRELAY_RECOVERY_GRACE": "2",
            "FORMRELAY_DEMO": "0",
            "FORMRELAY_OPEN_SIGNUP": "1",
            **self._settings,
        }


@contextlib.contextmanager
def running_stack(state: Path, settings: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """A stack that runs, and is gone afterwards whatever happens."""
    stack = Stack(state, settings)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], object], what: str, timeout: float = 30.0) -> None:
    """Return once the condition holds; fail with ``what`` after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout:.0f} s: {what}"
        time.sleep(0.05)


def _read_in_background(process: subprocess.Popen[str]) -> Queue[str | None]:
    lines: Queue[str | None] = Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line.rstrip("\n"))
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines


def _runs(pid: int) -> bool:
    """Whether the process is there and not merely waiting to be reaped by whoever inherited it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0)
            return not Path("/proc").exists()
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def json_lines(text: str) -> list[dict[str, Any]]:
    """The structured lines of a function's log."""
    found = []
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return found
