"""The bare AWS emulator, as an account to deploy to: nothing of the local stack, nothing kept."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.template import ROOT

PYTHON = ROOT / ".venv-emulator" / "bin" / "python"
SAM = ROOT / ".venv-sam"
START_TIMEOUT = 60

# CloudFormation's side of SAM is a library that the emulator looks for; SAM CLI's environment has it.
_MAIN = """
import runpy, sys
sys.path.append(sys.argv.pop(1))
runpy.run_module("ministack", run_name="__main__")
"""


@contextmanager
def emulator(folder: Path) -> Iterator[str]:
    """Runs it on loopback, with its state and log in ``folder``; yields its URL."""
    (library,) = SAM.glob("lib/python3.*/site-packages")
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": "0",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "objects"),
        # Never look for a Docker daemon.
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
    }
    log = folder / "emulator.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(PYTHON), "-c", _MAIN, str(library)],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(process, url, log)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + START_TIMEOUT
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_ministack/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"the emulator did not start:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
