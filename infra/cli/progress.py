"""How far long work has come: a bar on a terminal, nothing where the output goes to a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
_WIDTH = 30
_EVERY = 0.1


def tracked(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """The same items; draws a bar on standard error while they are worked through."""
    if not sys.stderr.isatty():
        yield from items
        return
    began = drawn = time.monotonic()
    number = 0
    for number, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - drawn > _EVERY:
            drawn = now
            _draw(what, number, total, now - began)
    _draw(what, number, total, time.monotonic() - began)
    sys.stderr.write("\n")


def note(text: str) -> None:
    """Shows in the place of the bar what is waited for; an empty text takes it away."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text}\033[K")
        sys.stderr.flush()


def _draw(what: str, number: int, total: int, seconds: float) -> None:
    share = min(1.0, number / total) if total else 1.0
    bar = "█" * round(share * _WIDTH)
    left = f", {seconds / number * (total - number):.0f} s left" if number and number < total else ""
    sys.stderr.write(f"\r{what} {bar:·<{_WIDTH}} {number:,} of {total:,}{left}   ")
    sys.stderr.flush()
