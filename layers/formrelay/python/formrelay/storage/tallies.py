"""How many deliveries of a hook stand how, without reading all of them (design §7).

Marks count the settled ones, and the trouble index those of them that did not arrive: ``failed``; ``pending``, which
failed at least once; ``parked``; ``waiting``, which were never attempted though they are overdue. All others arrived,
except in the tail behind the marks, where the deliveries themselves are looked at.
"""

from __future__ import annotations

from collections import Counter

from formrelay.storage import deliveries, marks
from formrelay.storage.deliveries import FAILED, PENDING, SUCCESS

# Of a hook with so many deliveries all are looked at, in one call.
FEW = 1_000
_KINDS = {"failed": FAILED, "pending": PENDING, "parked": PENDING, "waiting": PENDING}


def of(hook: str) -> Counter[int]:
    """Deliveries by status; beyond a few the index has its say, which may lag by moments.

    Raises UnavailableError when the marks of a hook that nobody looked at for very long take more than one request.
    """
    found = [item["status"] for item in deliveries.standing(hook, most=FEW)]
    if len(found) < FEW:
        return Counter(found)
    census = marks.census(hook)
    tally: Counter[int] = Counter()
    for kind, status in _KINDS.items():
        tally[status] += deliveries.count_troubled(hook, kind)
    for item in deliveries.standing(hook, first=census.end):
        if item["status"] != SUCCESS and "trouble" not in item:
            tally[item["status"]] += 1
    tally[SUCCESS] = max(0, census.count - tally.total())
    return tally
