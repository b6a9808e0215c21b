"""One process at a time on a state folder."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path
from types import TracebackType


class LockedError(Exception):
    """Another process holds the lock; the message names the folder."""


class Lock:
    """Holds an exclusive lock on a file while the process lives, even through ``kill -9``.

    ``patience`` is how many seconds to wait for a process that is just ending.
    """

    def __init__(self, path: Path, patience: float = 0.0) -> None:
        self._path = path
        self._patience = patience

    def __enter__(self) -> Lock:
        self._file = self._path.open("w")
        deadline = time.monotonic() + self._patience
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return self
            except OSError:
                if time.monotonic() >= deadline:
                    self._file.close()
                    raise LockedError(f"{self._path.parent} is in use by another process") from None
            time.sleep(0.05)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
