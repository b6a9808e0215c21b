"""Project activity: who did what to a project (contract permissions-and-activity §6).

An entry holds ``action, at`` (ms), ``username, uid`` of who did it (``uid`` None for AnonymousUser), ``ip, source``,
``owner`` of the project then, ``subtype`` (``project``, ``permission``), ``more`` the rest of its metadata as JSON
text, and ``expires``. Entries sort by time, as their keys begin with an id like a submission's.

That a submission was added has no entry while it is there: it is read off the submission. A deletion leaves that
behind, in a partition of its own.
"""

from __future__ import annotations

import json
import secrets
import zlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from formrelay import clock, ids
from formrelay.json_text import compact
from formrelay.settings import settings
from formrelay.storage import history_blocks, keys, table
from formrelay.storage.history_blocks import Block
from formrelay.storage.table import Item

_DAY = 86_400
_COMPRESS_FROM = 1_000


def entry_op(asset: str, entry: Item, more: Mapping[str, Any]) -> Item:
    """The write of one entry, for the transaction of the change that it tells of.

    ``entry``: ``action, username, uid, ip, source, owner, subtype``.
    """
    now = clock.now_ms()
    # Beyond its ten random bits an id must not clash with that of another entry of the same moment.
    position = keys.sid_text(ids.submission_id()) + secrets.token_hex(4)
    item = {**keys.history_entry(asset, position), **entry, "at": now, "more": _packed(more)}
    return table.put_op(settings().data_table, {**item, "expires": _expires(now)})


def deleted_op(asset: str, submission: Item) -> Item:
    """Keeps of a submission that is deleted that it was added, for the transaction that deletes it."""
    kept = {name: submission.get(name) for name in ("root", "by", "via", "owner")}
    item = {**keys.deleted_submission(asset, submission["id"]), "id": submission["id"], **kept}
    return table.put_op(settings().data_table, {**item, "expires": _expires(ids.time_of(submission["id"]))})


def _expires(at: int) -> int:
    return at // 1000 + settings().history_retention * _DAY


def _packed(more: Mapping[str, Any]) -> str | bytes:
    """As JSON text, since the settings of a project may hold what DynamoDB does not take."""
    text = compact(more)
    return text if len(text) < _COMPRESS_FROM else zlib.compress(text.encode(), 6)


def more(entry: Item) -> dict[str, Any]:
    """The rest of an entry's metadata."""
    packed = entry["more"]
    found: dict[str, Any] = json.loads(packed if isinstance(packed, str) else zlib.decompress(packed))
    return found


# Reading: positions sort by time; those of submissions are their ids

ADDED = "add-submission"
_ADDED = "#sk, #root, #by, #via, #owner"


def entries(
    asset: str, *, after: str, before: str, limit: int | None = None, actions: Collection[str] | None = None
) -> Iterator[Item]:
    """Entries between two positions, newest first, page by page; only those of ``actions`` if there are any."""
    names = {f":a{i}": name for i, name in enumerate(sorted(actions or ()))}
    where = f"#action IN ({', '.join(names)})" if names else None
    return _between(keys.history_pk(asset), after, before, limit=limit, where=where, more=names)


def added(asset: str, *, after: str, before: str, limit: int | None = None) -> Iterator[Item]:
    """What is told of submissions as added, newest first: ``sk, root, by, via, owner``."""
    return _between(keys.submissions_pk(asset), after, before, limit=limit, projection=_ADDED)


def deleted(asset: str, *, after: str, before: str, limit: int | None = None) -> Iterator[Item]:
    """The same of submissions that are gone."""
    return _between(keys.deleted_pk(asset), after, before, limit=limit, projection=_ADDED)


def count_between(asset: str, blocks: list[Block], *, after: str, before: str) -> int:
    """How many entries stand between two positions, without those of submissions that are there."""
    total, rest = history_blocks.counted(blocks, after, before)
    parts = [(keys.history_pk(asset), low, high) for low, high in rest]
    for pk, low, high in [*parts, (keys.deleted_pk(asset), after, before)]:
        total += table.count(settings().data_table, _BETWEEN, {":pk": pk, ":after": low, ":before": high})
    return total


_BETWEEN = "#pk = :pk AND #sk BETWEEN :after AND :before"


def _between(pk: str, after: str, before: str, *, more: Item | None = None, **options: Any) -> Iterator[Item]:
    if after >= before:
        return iter(())
    values = {":pk": pk, ":after": after, ":before": before, **(more or {})}
    return table.query_all(settings().data_table, _BETWEEN, values, forward=False, **options)
