"""Failure reports: per owner one item that says there is something to mail, and one line per failure."""

from __future__ import annotations

from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.table import Item

# Lines of one mail; the rest follows in the next.
MAX_LINES = 500


def failure_ops(owner: str, line: Item, *, now: int) -> list[Item]:
    """The writes that make a failure reported, for the transaction that ends its delivery.

    ``line``: asset, asset_name, hook, hook_name, sid, code, message, at (ms), uid.
    """
    data = settings().data_table
    return [
        table.put_op(data, {**keys.report_line(owner, line["hook"], line["sid"]), **line}),
        table.update_op(
            data,
            keys.report(owner),
            "SET #owner = :owner, #sweep = if_not_exists(#sweep, :shard),"
            " #sweep_at = if_not_exists(#sweep_at, :now) ADD #generation :one",
            {":owner": owner, ":shard": keys.sweep_shard("report", owner), ":now": now, ":one": 1},
        ),
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


def clear(line: Item) -> None:
    """Takes a mailed failure off the list, unless the delivery failed again meanwhile."""
    try:
        table.delete(
            settings().data_table,
            {"pk": line["pk"], "sk": line["sk"]},
            condition="#at = :at",
            values={":at": line["at"]},
        )
    except table.ConditionError:
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
