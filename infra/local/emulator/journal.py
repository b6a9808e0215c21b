"""A journal of table writes that survives ``kill -9``: one line per request, in the file before its answer goes out.

The lines hold effects ("this item is now so", "this item is gone"), not requests, so reading them again gives the
same tables however often and from wherever it starts. That is what makes a snapshot cheap: it is written piece by
piece while requests go on, and the journal begun at its start is read over it.

Files: ``snapshot-N.jsonl`` is everything before ``journal-N.jsonl``; later journals follow it. A line that was cut
off by a kill is the last of its file and was never answered for, so it is dropped.
Nothing is forced to the disk: a power failure may lose the last seconds.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

# Table id, partition key, sort key, and the item, or None when it is gone.
Change = tuple[str, str, str, "dict[str, Any] | None"]

_NAME = re.compile(r"(snapshot|journal)-(\d{9})\.jsonl")


class JournalError(Exception):
    """The files contradict themselves; the message says which one."""


class Journal:
    """Appends changes to the newest journal file and reads all of them back.

    ``rotate_bytes`` is the size of the journal from which on ``wants_snapshot`` is true.
    """

    def __init__(self, folder: Path, rotate_bytes: int) -> None:
        self.folder = folder
        self.rotate_bytes = rotate_bytes
        self.size = 0
        self._fd = -1
        self._number = 0
        folder.mkdir(parents=True, exist_ok=True)

    def replay(self, apply: Callable[[Change], None]) -> int:
        """Hand every change to ``apply``, oldest first; returns their number. Raises JournalError."""
        count = 0
        for path in self._files():
            for change in _read(path):
                apply(change)
                count += 1
        return count

    def open(self) -> None:
        """Begin a new journal file, after the existing ones."""
        for left in self.folder.glob("*.part"):  # a snapshot that a kill interrupted
            left.unlink()
        existing = self._files()
        self._number = max((_number(path) for path in existing), default=0)
        journals = [path for path in existing if path.name.startswith("journal")]
        self.size = sum(path.stat().st_size for path in journals)
        for path in journals:
            if path.stat().st_size == 0:
                path.unlink()
        self._next_file()

    def append(self, changes: Sequence[Change]) -> None:
        """Write the changes of one request as one line. Raises OSError; the request must then not be answered."""
        data = _line(changes)
        self.size += len(data)
        _write_all(self._fd, data)

    @property
    def wants_snapshot(self) -> bool:
        return self.size > self.rotate_bytes

    def begin_snapshot(self) -> Snapshot:
        """Switch to a new journal file and return the writer of the snapshot that precedes it."""
        self._next_file()
        self.size = 0
        return Snapshot(self, self._number)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def drop_before(self, number: int) -> None:
        """Remove the files that snapshot ``number`` replaces."""
        for path in self.folder.iterdir():
            if _NAME.fullmatch(path.name) and _number(path) < number:
                path.unlink()

    def _next_file(self) -> None:
        self.close()
        self._number += 1
        path = self.folder / f"journal-{self._number:09d}.jsonl"
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o600)

    def _files(self) -> list[Path]:
        """The newest snapshot and the journals that follow it, in order."""
        named = [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        snapshots = [path for path in named if path.name.startswith("snapshot")]
        newest = max(snapshots, key=_number, default=None)
        start = _number(newest) if newest else 0
        journals = sorted(
            (path for path in named if path.name.startswith("journal") and _number(path) >= start),
            key=_number,
        )
        return ([newest] if newest else []) + journals


class Snapshot:
    """Writes one snapshot; it counts once ``finish`` has run."""

    def __init__(self, journal: Journal, number: int) -> None:
        self._journal = journal
        self._number = number
        self._path = journal.folder / f"snapshot-{number:09d}.jsonl"
        self._part = self._path.with_suffix(".part")
        self._fd = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def write(self, changes: Sequence[Change]) -> None:
        """Add items. Raises OSError."""
        _write_all(self._fd, _line(changes))

    def finish(self) -> None:
        """Make the snapshot count and remove what it replaces."""
        os.close(self._fd)
        self._part.replace(self._path)
        self._journal.drop_before(self._number)

    def abandon(self) -> None:
        """Give up; the older files stay in force."""
        os.close(self._fd)
        self._part.unlink(missing_ok=True)


def _line(changes: Sequence[Change]) -> bytes:
    return (
        json.dumps(changes, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        + b"\n"
    )


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _number(path: Path) -> int:
    return int(path.stem.split("-")[1])


def _read(path: Path) -> Iterator[Change]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return  # cut off by a kill
            try:
                changes = json.loads(line.decode("utf-8", "surrogatepass"))
            except ValueError as error:
                raise JournalError(f"{path.name}, line {number} cannot be read: {error}") from error
            yield from ((table, pk, sk, item) for table, pk, sk, item in changes)
