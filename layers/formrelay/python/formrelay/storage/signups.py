"""Sign-ups that wait to be confirmed, known by the hash of the token that was mailed; they end by themselves.

A sign-up holds ``username, email, password`` (its hash), ``details`` and ``expires`` (s).
"""

from __future__ import annotations

import hashlib
import json

from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.table import Item


def put(token: str, signup: Item) -> None:
    """Writes a new one."""
    item = {**keys.signup(_digest(token)), **signup, "details": json.dumps(signup["details"])}
    table.put(settings().accounts_table, item)


def get(token: str, *, now: int) -> Item | None:
    """The sign-up behind a token, unless it has ended (``now`` in s)."""
    item = table.get(settings().accounts_table, keys.signup(_digest(token)))
    if item is None or item["expires"] <= now:
        return None
    return {**item, "details": json.loads(item["details"])}


def remove_op(token: str) -> Item:
    """Removes it, for the transaction that makes the account; refused when it is gone."""
    return table.delete_op(
        settings().accounts_table, keys.signup(_digest(token)), condition="attribute_exists(#pk)"
    )


def count(what: str, *, now: int, window: int) -> int:
    """Counts one more mail about ``what`` within a window (s) that opens with the first; how many that makes."""
    accounts, key = settings().accounts_table, keys.signup_count(_digest(what))
    try:
        item = table.update(
            accounts, key, "ADD #number :one", {":one": 1, ":now": now}, condition="#expires > :now"
        )
    except table.ConditionError:
        item = table.update(
            accounts, key, "SET #number = :one, #expires = :end", {":one": 1, ":end": now + window}
        )
    number: int = item["number"]
    return number


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
