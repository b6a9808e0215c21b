"""Work that waits for the network, several pieces at a time: in order, bounded, and ended at once by Ctrl-C."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
THREADS = 4
# Results that may wait for their turn.
_AHEAD = 8


def in_order(work: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
    """Each item with what ``work`` made of it, in the order of the items. Raises what ``work`` raises."""
    pool = ThreadPoolExecutor(THREADS)
    waiting: deque[tuple[T, Future[R]]] = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(work, item)))
            if len(waiting) == _AHEAD:
                first, result = waiting.popleft()
                yield first, result.result()
        while waiting:
            first, result = waiting.popleft()
            yield first, result.result()
    finally:
        # Of an end in between, what has not begun is left out.
        pool.shutdown(cancel_futures=True)
