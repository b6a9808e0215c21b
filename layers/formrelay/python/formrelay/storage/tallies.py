"""How many deliveries of a hook stand how, without reading all of them (design §7).

Marks count the settled ones, and the trouble index those of them that did not arrive: ``failed``; ``pending``, which
failed at least once; ``parked``; ``waiting``, which were never attempted though they are overdue or were parked. All
others arrived, since marks end before what is neither; except in the tail behind them, where the deliveries themselves
are looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from formrelay.storage import deliveries, keys, marks, parking
from formrelay.storage.deliveries import FAILED, PENDING, SUCCESS
from formrelay.storage.table import Item

# Of a hook with not so many deliveries all are looked at, in one call.
FEW = 1_000
_KINDS = {"failed": FAILED, "pending": PENDING, parking.PARKED: PENDING, deliveries.WAITING: PENDING}


class Tally(NamedTuple):
    """Deliveries by status, and how many of the pending ones wait for the end of a pause."""

    by_status: Counter[int]
    parked: int


def of(hook: str) -> Tally:
    """Counts; beyond a few the index has its say, which may lag by moments.

    Raises UnavailableError when the marks of a hook that nobody looked at for very long take more than one request.
    """
    chain = marks.stretches(hook)
    if may_be_few(chain):
        found = list(deliveries.standing(hook, most=FEW))
        if len(found) < FEW:
            mark = keys.trouble(hook, parking.PARKED)
            parked = sum(item.get("trouble") == mark for item in found)
            return Tally(Counter(item["status"] for item in found), parked)
    tail = _tail(hook, chain, marks.WORTH)
    if len(tail) == marks.WORTH:
        chain = marks.extended(hook)
        tail = _tail(hook, chain)
    troubled = {kind: deliveries.count_troubled(hook, kind) for kind in _KINDS}
    tally: Counter[int] = Counter()
    for kind, status in _KINDS.items():
        tally[status] += troubled[kind]
    for item in tail:
        if item["status"] != SUCCESS and "trouble" not in item:
            tally[item["status"]] += 1
    tally[SUCCESS] = max(0, _live(chain) + len(tail) - tally.total())
    return Tally(tally, troubled[parking.PARKED])


def may_be_few(chain: Sequence[marks.Mark]) -> bool:
    """Whether a hook with these marks may have so few deliveries that all of them are looked at."""
    return _live(chain) < FEW


def _live(chain: Sequence[marks.Mark]) -> int:
    return sum(mark.live for mark in chain)


def _tail(hook: str, chain: Sequence[marks.Mark], most: int | None = None) -> list[Item]:
    """What stands behind the marks, or ``most`` of it."""
    return list(deliveries.standing(hook, first=chain[-1].end if chain else 0, most=most))
