"""Blocks of a project's activity, so that many entries are counted by reading few items.

Entries are only ever added, with a position of the moment of their writing, and end with their time. What is older than
:data:`~formrelay.storage.marks.SETTLED_MS` is therefore cut into blocks of :data:`ROWS` entries, each an item: ``end``
its last position, ``actions`` that occur in it. They are numbered without a gap; each begins behind the one before.
Readers make them, two at once the same ones, and a block never changes. What lies behind the last is counted each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from formrelay import clock, ids
from formrelay.settings import settings
from formrelay.storage import keys, marks, table

ROWS = 1_000
# Blocks that one request makes at most.
_MOST_MADE = 20


class Block(NamedTuple):
    """Entries behind the position ``start`` up to and with ``end``."""

    start: str
    end: str
    rows: int
    actions: tuple[str, ...]


def read(asset: str) -> list[Block]:
    """The blocks there are, oldest first."""
    found: list[Block] = []
    for item in table.query_all(settings().data_table, "#pk = :pk", {":pk": keys.history_blocks_pk(asset)}):
        start = found[-1].end if found else ""
        found.append(Block(start, item["end"], item["rows"], tuple(item["actions"])))
    return found


def extended(asset: str) -> list[Block]:
    """The same, after making those that are due."""
    found = read(asset)
    for _ in range(_MOST_MADE):
        made = _next(asset, found[-1].end if found else "")
        if made is None or not _write(asset, len(found), made):
            break
        found.append(made)
    return found


def _next(asset: str, start: str) -> Block | None:
    """The block behind a position; None where too few entries have settled."""
    settled = keys.sid_text(ids.id_at(clock.now_ms() - marks.SETTLED_MS))
    if start >= settled:
        return None
    values = {":pk": keys.history_pk(asset), ":after": behind(start), ":before": settled}
    rows, _ = table.query(
        settings().data_table,
        "#pk = :pk AND #sk BETWEEN :after AND :before",
        values,
        limit=ROWS,
        projection="#sk, #action",
    )
    if len(rows) < ROWS:
        return None
    return Block(start, rows[-1]["sk"], len(rows), tuple(sorted({row["action"] for row in rows})))


def _write(asset: str, number: int, made: Block) -> bool:
    """Whether it was written; somebody else may have been first."""
    item = {"end": made.end, "rows": made.rows, "actions": list(made.actions)}
    try:
        table.put(
            settings().data_table,
            {**keys.history_block(asset, number), **item},
            condition="attribute_not_exists(#pk)",
        )
    except table.ConditionError:
        return False
    return True


def behind(position: str) -> str:
    """Before every position that comes after that one."""
    return position + "!"


def counted(blocks: list[Block], after: str, before: str) -> tuple[int, list[tuple[str, str]]]:
    """How many entries blocks tell of between two positions, and what is left to count, as pairs of positions."""
    inside = [block for block in blocks if block.start >= after and block.end <= before]
    if not inside:
        return 0, [(after, before)]
    rest = [(after, inside[0].start), (behind(inside[-1].end), before)]
    return sum(block.rows for block in inside), [(low, high) for low, high in rest if low < high]


def actions(blocks: list[Block], after: str) -> Iterator[str]:
    """Those of all blocks that begin at a position or later."""
    return (action for block in blocks if block.start >= after for action in block.actions)
