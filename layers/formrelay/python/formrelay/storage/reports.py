"""Failure reports: per owner one item that says there is something to mail, and one line per failure.

Beside them stand the deliveries that had been reported and arrived after all, and which hooks a mail was about.
"""

from __future__ import annotations

from collections.abc import Sequence

from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.table import Item

# Lines of one mail; the rest follows in the next. So many stay below the 100 KB that mail clients show.
MAX_LINES = 200
MAX_ARRIVED = 300
# What arrived after all waits so long for a mail to be told in (s): it causes none by itself.
_ARRIVED_KEPT = 30 * 86400


def failure_ops(owner: str, line: Item, *, now: int) -> list[Item]:
    """The writes that make a failure reported, for the transaction that ends its delivery.

    ``line``: asset, asset_name, hook, hook_name, sid, code, message, base_url, at (ms). What happened to the hook
    itself has a ``kind`` (``paused``, ``switched-off``) instead of a ``sid``.
    """
    data = settings().data_table
    hook, kind = line["hook"], line.get("kind")
    key = keys.report_notice(owner, hook, kind) if kind else keys.report_line(owner, hook, line["sid"])
    return [
        table.put_op(data, {**key, **line}),
        table.update_op(
            data,
            keys.report(owner),
            "SET #owner = :owner, #sweep = if_not_exists(#sweep, :shard),"
            " #sweep_at = if_not_exists(#sweep_at, :now) ADD #generation :one",
            {":owner": owner, ":shard": keys.errand_shard(owner), ":now": now, ":one": 1},
        ),
    ]


def arrived_ops(item: Item, *, now: int) -> list[Item]:
    """The writes that get it told that a delivery arrived after all, for the transaction that ends it.

    None for a delivery that was not to be reported as failed. One that is not mailed yet will not be.
    """
    owner = item.get("reported")
    if owner is None:
        return []
    data, hook, sid = settings().data_table, item["hook"], item["sid"]
    mark = {
        "asset": item["asset"],
        "hook": hook,
        "sid": sid,
        "submission": item.get("submission", sid),
        "at": now,
        "expires": now // 1000 + _ARRIVED_KEPT,
    }
    return [
        table.delete_op(data, keys.report_line(owner, hook, sid)),
        table.put_op(data, {**keys.report_arrived(owner, hook, sid), **mark}),
    ]


def get(owner: str) -> Item | None:
    """The owner's report item: ``generation``, ``sweep_at`` while there is something to do, ``lease``, ``sent_at``."""
    return table.get(settings().data_table, keys.report(owner))


def lease(owner: str, *, now: int, until: int) -> Item:
    """Takes the owner's report for this process. Raises ConditionError when another one has it or it is gone."""
    return table.update(
        settings().data_table,
        keys.report(owner),
        "SET #lease = :until, #sweep_at = :until",
        {":until": until, ":now": now},
        condition="attribute_exists(#sweep) AND (attribute_not_exists(#lease) OR #lease <= :now)",
    )


def lines(owner: str) -> tuple[list[Item], bool]:
    """Up to MAX_LINES failures not yet mailed, and whether there are more."""
    found, last = table.query(
        settings().data_table,
        "#pk = :pk AND begins_with(#sk, :m)",
        {":pk": keys.report_pk(owner), ":m": "M#"},
        limit=MAX_LINES,
    )
    return found, last is not None


def arrived(owner: str) -> list[Item]:
    """Up to MAX_ARRIVED deliveries that had been reported and arrived: ``asset, hook, sid, at`` (ms)."""
    found, _ = table.query(
        settings().data_table,
        "#pk = :pk AND begins_with(#sk, :k)",
        {":pk": keys.report_pk(owner), ":k": "K#"},
        limit=MAX_ARRIVED,
    )
    return found


def clear(line: Item) -> None:
    """Takes what was mailed off the list, unless it happened again meanwhile."""
    try:
        table.delete(
            settings().data_table,
            keys.of(line),
            condition="#at = :at",
            values={":at": line["at"]},
        )
    except table.ConditionError:
        return


def hand_over(line: Item, owner: str, to: str, *, now: int) -> None:
    """Moves a line from one owner's report to another's, whose mark its delivery bears then.

    Left where it is when it changed or the delivery arrived meanwhile.
    """
    data = settings().data_table
    plain = {name: value for name, value in line.items() if name not in ("pk", "sk")}
    moved = [
        table.delete_op(data, keys.of(line), condition="#at = :at", values={":at": line["at"]}),
        *failure_ops(to, plain, now=now),
    ]
    if not line.get("kind"):
        reported = table.update_op(
            data,
            keys.delivery(line["hook"], line["sid"]),
            "SET #reported = :to",
            {":to": to, ":owner": owner},
            condition="#reported = :owner",
        )
        moved.append(reported)
    try:
        table.settle(lambda: table.transact(moved))
    except table.TransactionError:
        return


def finish(report: Item, *, sent_at: int | None, next_at: int | None) -> bool:
    """Ends the work of a lease: no further look, or one at ``next_at`` (ms).

    False when failures came meanwhile (generation) or the lease was lost: the report stays due.
    """
    values = {":generation": report["generation"], ":lease": report["lease"]}
    sets = []
    if sent_at is not None:
        sets.append("#sent_at = :sent")
        values[":sent"] = sent_at
    if next_at is not None:
        sets.append("#sweep_at = :next")
        values[":next"] = next_at
    removes = "REMOVE #lease, #looks" if next_at is not None else "REMOVE #lease, #looks, #sweep, #sweep_at"
    expression = (f"SET {', '.join(sets)} " if sets else "") + removes
    # With another look to come nothing can be missed, so only the lease must still be ours.
    condition = "#lease = :lease" + ("" if next_at is not None else " AND #generation = :generation")
    if next_at is not None:
        del values[":generation"]
    try:
        table.update(
            settings().data_table, keys.report(report["owner"]), expression, values, condition=condition
        )
    except table.ConditionError:
        return False
    return True


# Letters: which hooks a mail was about, for the one link that switches the mails about all of them off


def keep_letter(owner: str, letter: str, hooks: Sequence[tuple[str, str]], *, expires: int) -> None:
    """Keeps (project, hook) pairs under the letter's uid until ``expires`` (s)."""
    table.update(
        settings().data_table,
        keys.report_letter(owner, letter),
        "SET #hooks = :hooks, #expires = :expires",
        {":hooks": hooks, ":expires": expires},
    )


def letter(owner: str, uid: str) -> list[tuple[str, str]]:
    """The (project, hook) pairs of a letter; none when it is gone."""
    item = table.get(settings().data_table, keys.report_letter(owner, uid))
    return [(asset, hook) for asset, hook in item["hooks"]] if item else []
