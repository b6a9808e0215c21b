"""What applying queries may cost where somebody waits who did not ask for them; without bounds anywhere else.

Counted is what grows with a record: the characters that a regular expression looks at, times its states; and the
elements of a list, times the conditions on each. So a record and a query always cost the same, whatever the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from formrelay.query.bounds import QueryError

_left: ContextVar[list[int] | None] = ContextVar("left", default=None)


@contextmanager
def limited(units: int) -> Iterator[None]:
    """Within it, applying a query raises QueryError once it has used up so many units, of a microsecond at worst."""
    token = _left.set([units])
    try:
        yield
    finally:
        _left.reset(token)


def spend(units: int) -> None:
    """Takes so many units from what is left. Raises QueryError where that is not enough."""
    left = _left.get()
    if left is not None:
        left[0] -= units
        if left[0] < 0:
            raise QueryError("applying the query takes too long")
