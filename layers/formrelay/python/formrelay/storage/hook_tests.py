"""How often a hook was tested of late: a counter that expires."""

from __future__ import annotations

from formrelay.errors import UnavailableError
from formrelay.settings import settings
from formrelay.storage import keys, table

MOST = 10
WINDOW = 60
_TRIES = 3


def count(hook: str, now: int) -> int:
    """Counts a test at ``now`` (seconds): 0 when it may be made, else the seconds until one may be.

    A window opens with its first test and closes by itself.
    """
    data, key = settings().data_table, keys.hook_tests(hook)
    for _ in range(_TRIES):
        try:
            table.update(
                data,
                key,
                "ADD #tests :one",
                {":one": 1, ":most": MOST, ":now": now},
                condition="#expires > :now AND #tests < :most",
            )
        except table.ConditionError as error:
            if error.old and error.old["expires"] > now:
                return int(error.old["expires"]) - now
        else:
            return 0
        try:
            table.update(
                data,
                key,
                "SET #tests = :one, #expires = :end",
                {":one": 1, ":end": now + WINDOW, ":now": now},
                condition="attribute_not_exists(#pk) OR #expires <= :now",
            )
        except table.ConditionError:
            continue  # another test has opened the window meanwhile
        return 0
    raise UnavailableError
