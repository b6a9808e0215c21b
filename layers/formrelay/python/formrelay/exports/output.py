"""What every format of an export offers to whoever writes it (see :mod:`formrelay.exports.csv_file` and its kin).

An export is made of segments, which can be stored one by one and put together at the end, by another process if need
be: everything in between stands in :meth:`Output.state`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from formrelay.exports.values import Record

# (number of the segment, first byte, byte behind the last one) → those bytes, in pieces.
Reader = Callable[[int, int, int], Iterable[bytes]]
State = dict[str, Any]


class Output(Protocol):
    """A file in the making."""

    content_type: str

    @property
    def pending(self) -> int:
        """About how many bytes wait for the next segment."""

    def add(self, record: Record) -> None:
        """Adds a submission, as the data API shows it."""

    def cut(self) -> bytes:
        """What was made since the last segment, as the next one."""

    def state(self) -> State:
        """What to go on from after the segments that were cut, as JSON takes it."""

    def finish(self, read: Reader) -> Iterator[bytes]:
        """The whole file, made of the segments; nothing may be pending. Raises TooLargeError."""

    def notes(self) -> list[str]:
        """What a reader of the file should know: texts that were cut, and the like."""


class TooLargeError(Exception):
    """The format cannot hold that much; the message is for who asked for it."""


def whole(lengths: list[int], read: Reader) -> Iterator[bytes]:
    """Segments one after the other."""
    for number, length in enumerate(lengths):
        if length:
            yield from read(number, 0, length)
