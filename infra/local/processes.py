"""Child processes: started apart from the terminal, logged to bounded files, stopped in order or for good."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

MAX_LOG = 5 * 1024 * 1024


def open_log(path: Path) -> int:
    """A descriptor that appends to ``path``; a log that has grown too long is moved to ``<name>.1`` first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    trim_log(path)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def trim_log(path: Path) -> None:
    """Move a log that has grown too long aside, also while processes write to it: they append, so they go on at
    the new start. Lines written in that moment may be lost."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size <= MAX_LOG:
            return
        path.with_name(path.name + ".1").write_bytes(path.read_bytes())
        os.truncate(path, 0)


async def spawn(
    command: Sequence[str],
    env: Mapping[str, str],
    log: Path,
    cwd: Path | None = None,
    pipes: bool = False,
) -> asyncio.subprocess.Process:
    """Start a process in a session of its own, so that Ctrl-C reaches only the supervisor.

    ``pipes`` connects its standard input and output to us; otherwise input is empty and output goes to the log.
    """
    descriptor = open_log(log)
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE if pipes else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE if pipes else descriptor,
            stderr=descriptor,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)


async def stop(process: asyncio.subprocess.Process, grace: float) -> None:
    """SIGTERM, and SIGKILL after ``grace`` seconds."""
    _signal(process, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), grace)
    except TimeoutError:
        kill(process)
        await process.wait()


def kill(process: asyncio.subprocess.Process) -> None:
    """SIGKILL to the process and whatever it started."""
    _signal(process, signal.SIGKILL)


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
