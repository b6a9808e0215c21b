"""Who signed in: per user, kind, address and hour one item, which counts (contract permissions-and-activity §7).

An item holds ``kind`` (``token``, ``basic``, ``submission-group``, ``auth-failed``), ``uid``, ``ip``, ``source``,
``count``, ``first`` and ``last`` (ms), and ``expires``. Failed logins by names that nobody has stand under
:data:`NOBODY`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from formrelay import clock
from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.table import Item

NOBODY = "?"
HOUR = 3_600
_DAY = 86_400


def add(username: str, hour: int, facts: Item, count: int, *, now: int) -> None:
    """Adds sign-ins of one hour (hours since 1970). ``facts``: ``kind, uid, ip, source, username``; ``now`` in ms."""
    # An address of whoever calls may be long, and a name that failed anything.
    group = hashlib.sha256("\0".join((facts["ip"], facts["username"])).encode()).hexdigest()[:16]
    table.update(
        settings().accounts_table,
        keys.access(username, f"{hour:08d}#{facts['kind']}#{group}"),
        "SET #first = if_not_exists(#first, :now), #last = :now, #expires = :expires, "
        + ", ".join(f"#{name} = :{name}" for name in facts)
        + " ADD #count :count",
        {
            **{f":{name}": value for name, value in facts.items()},
            ":now": now,
            ":expires": hour * HOUR + settings().access_log_retention * _DAY,
            ":count": count,
        },
        blind=True,
    )


def touch(username: str, now: int, *, signed_in: bool) -> None:
    """Notes in the directory that somebody signed in or tried to (ms). Raises ConditionError without such a row."""
    table.update(
        settings().accounts_table,
        keys.directory_row(username),
        "SET #last_access = :now" + (", #last_login = :now" if signed_in else ""),
        {":now": now},
        condition="attribute_exists(#pk)",
        blind=True,
    )


def count(username: str) -> int:
    """How many items a user has."""
    return table.count(settings().accounts_table, _RANGE, _range(username))


def newest_first(username: str) -> Iterator[Item]:
    """A user's items by the time of their first sign-in, page by page."""
    found = table.query_all(settings().accounts_table, _RANGE, _range(username), forward=False, limit=_PAGE)
    hour: list[Item] = []
    for item in found:
        if hour and item["sk"][:8] != hour[0]["sk"][:8]:
            yield from sorted(hour, key=_age)
            hour = []
        hour.append(item)
    yield from sorted(hour, key=_age)


_RANGE = "#pk = :pk AND #sk BETWEEN :oldest AND :end"
_PAGE = 200


def _range(username: str) -> Item:
    oldest = int(clock.now()) // HOUR - settings().access_log_retention * 24
    return {":pk": keys.access_pk(username), ":oldest": f"{max(0, oldest):08d}", ":end": "~"}


def _age(item: Item) -> tuple[int, str]:
    return -item["first"], item["sk"]
