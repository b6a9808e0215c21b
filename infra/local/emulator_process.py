"""The AWS emulator as a child of the supervisor."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from infra.local import processes
from infra.local.config import CREDENTIALS, HOST, Config

START_TIMEOUT = 60
STOP_TIMEOUT = 20
CHECKPOINT = "/_formrelay/checkpoint"


class EmulatorError(Exception):
    """The emulator did not start; the message says where to look."""


class EmulatorProcess:
    """Starts the emulator on a free port and stops it in order."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.log = config.state / "logs" / "emulator.log"
        self.process: asyncio.subprocess.Process | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def start(self) -> None:
        """Start it and wait until it answers. Raises EmulatorError."""
        python = self._config.emulator_python
        if not python.exists():
            raise EmulatorError(f"{python} is missing; `make run` sets it up")
        command = [str(python), "-m", "infra.local.emulator", str(self._config.state / "emulator")]
        self.process = await processes.spawn(
            command, _environment(self._config.root), self.log, cwd=self._config.root, pipes=True
        )
        assert self.process.stdout is not None  # noqa: S101 - asked for above
        try:
            line = await asyncio.wait_for(self.process.stdout.readline(), START_TIMEOUT)
        except TimeoutError:
            line = b""
        word, _, port = line.decode().strip().partition(" ")
        if word != "ready":
            await self.stop()
            raise EmulatorError(f"the AWS emulator did not start: {_last_line(self.log)} (see {self.log})")
        self.port = int(port)

    async def stop(self) -> None:
        """Let it save its state and end."""
        if self.process is not None:
            await processes.stop(self.process, STOP_TIMEOUT)


def _environment(root: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    # It checks the signature of links to objects, and nothing else.
    return {**kept, **CREDENTIALS, "PYTHONPATH": str(root)}


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines() if path.exists() else []
    return lines[-1] if lines else "it wrote nothing"
