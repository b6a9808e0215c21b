"""Import tasks of a user; they expire."""

from __future__ import annotations

from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.table import Item


def put(username: str, task: Item) -> None:
    """Keeps a task: ``uid, status, messages, created, expires``."""
    table.put(settings().data_table, {**keys.import_task(username, task["uid"]), **task})


def get(username: str, uid: str) -> Item | None:
    return table.get(settings().data_table, keys.import_task(username, uid))


def listed(username: str) -> list[Item]:
    """A user's tasks, newest first."""
    condition, values = "#pk = :pk", {":pk": keys.import_pk(username)}
    found = table.query_all(settings().data_table, condition, values)
    return sorted(found, key=lambda task: (-task["created"], task["uid"]))
