"""Attempts that ended: an item each, but for the one with which a delivery arrived, which stands in its record.

An attempt holds ``number`` (from 1), ``started`` (ms), ``took`` (ms, None where nobody knows), ``kind`` of its
outcome, ``code``, ``message``, ``address``; ``sha256`` and ``size`` of the body, None where none was sent or nobody
knows; ``revision`` of the hook, None of one that vanished; ``manual``, ``replay``; ``due_at`` (ms) of the attempt that
was to follow it.
"""

from __future__ import annotations

from collections.abc import Sequence

from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.table import Item

_DAY = 86_400


def put_op(hook: str, sid: int, attempt: Item, *, now: int) -> Item:
    """The write of one attempt, for the transaction that ends it; it expires after the retention of the deployment."""
    expires = now // 1000 + settings().attempt_retention * _DAY
    item = {**keys.attempt(hook, sid, attempt["number"]), **attempt, "expires": expires}
    return table.put_op(settings().data_table, item)


def page(hook: str, sid: int, newest: int, limit: int) -> list[Item]:
    """The attempts from number ``newest`` down, at most ``limit`` of them, and those only that did not expire."""
    if newest < 1 or limit < 1:
        return []
    low = keys.attempt(hook, sid, max(1, newest - limit + 1))
    found = table.query_all(
        settings().data_table,
        "#pk = :pk AND #sk BETWEEN :low AND :high",
        {":pk": low["pk"], ":low": low["sk"], ":high": keys.attempt(hook, sid, newest)["sk"]},
        forward=False,
    )
    return list(found)


def oldest(hook: str, sid: int) -> int | None:
    """The number of the first attempt that did not expire."""
    found, _ = table.query(
        settings().data_table,
        "#pk = :pk",
        {":pk": keys.attempts_pk(hook, sid)},
        limit=1,
        projection="#number",
    )
    return int(found[0]["number"]) if found else None


def purge(hook: str, sids: Sequence[int]) -> None:
    """Removes the attempts of deliveries."""
    for sid in sids:
        found = table.query_all(
            settings().data_table,
            "#pk = :pk",
            {":pk": keys.attempts_pk(hook, sid)},
            projection="#pk, #sk",
        )
        table.batch_delete(settings().data_table, list(found))
