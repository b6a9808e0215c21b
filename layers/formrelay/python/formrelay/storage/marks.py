"""How many rows a series has and where its n-th one stands, without reading all of them (design §7).

A series is the submissions of a form or the deliveries of a hook, by the uid of either. Ids grow with time and are
drawn just before the write, so what is older than :data:`SETTLED_MS` only changes in ways that say so here. That part
is cut into stretches of at most :data:`STRETCH` rows, each with a *mark*: ``sk`` its first possible id; ``end`` the
first id behind it; ``live`` how many rows stand in it; ``rows`` how many there were when it was made; ``low``,
``high`` the times (ms) that theirs lie between. Marks follow each other without a gap from id 0 on. What lies behind
the last one, the *tail*, is counted when somebody asks.

The protocol, so that counts stay exact whatever happens at once or breaks off:

- **Taking in** a submission, with its deliveries, writes nothing here.
- **Reading** makes marks: it reads the settled rows of the tail, then writes the mark together with the *head* of the
  series (``until``: end of the last mark; ``changes``: a counter) under the condition that neither changed since before
  those rows were read. One that loses just counts its tail. Only the last mark grows, until it is full. Marks of
  deliveries end before one that neither arrived nor stands in the trouble index (:mod:`~formrelay.storage.tallies`).
- **Deleting** submissions adds :func:`removal_ops` to the transaction that removes them, under the condition that
  each of them is there: marks lose what they had, and for what stands in the tail the head's counter moves, under the
  condition that no mark covers it. So a mark that is being made over deleted rows is refused, and a deletion that did
  not see the newest mark is, too: then build the operations anew and try again.

A count is read from several items, so it is that of a moment only as long as nothing changes meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from formrelay import clock, ids
from formrelay.errors import UnavailableError
from formrelay.settings import settings
from formrelay.storage import deliveries, keys, submissions, table
from formrelay.storage.table import Item

# Much longer than a function runs, so nothing new is written with an older id (ms).
SETTLED_MS = 300_000
STRETCH = 1_000
# Settled rows of the tail that are worth a write; fewer are counted each time.
WORTH = 100
# Seconds that one request makes marks: a series that nobody looked at for very long takes several requests.
PATIENCE = 15.0
# Marks read at a time to find those of some rows.
_PAGE = 100


@dataclass(frozen=True)
class Mark:
    """A stretch of rows: ids from ``first`` up to but not ``end``. Times in ms, both inclusive."""

    first: int
    end: int
    live: int
    rows: int
    low: int
    high: int


@dataclass(frozen=True)
class Census:
    """How the rows of a series lie: in the stretches of ``marks``, then ``tail`` of them behind."""

    marks: tuple[Mark, ...]
    tail: int

    @property
    def end(self) -> int:
        """The first id of the tail."""
        return self.marks[-1].end if self.marks else 0

    @property
    def count(self) -> int:
        return self.tail + sum(mark.live for mark in self.marks)

    def locate(self, start: int, *, forward: bool = True) -> tuple[int | None, int]:
        """Where to begin to read for row ``start`` (from 0): behind which id, None for the very beginning, and how
        many rows to skip from there, at most a stretch or the tail. Raises IndexError where there is no such row."""
        if start >= self.count:
            raise IndexError(start)
        if forward:
            for mark in self.marks:
                if start < mark.live:
                    return mark.first - 1 if mark.first else None, start
                start -= mark.live
            return self.end - 1 if self.end else None, start
        if start < self.tail:
            return None, start
        start -= self.tail
        for mark in reversed(self.marks):
            if start < mark.live:
                break
            start -= mark.live
        return mark.end, start


def census(series: str) -> Census:
    """Counts a series: its marks, and the tail; first makes the marks that are due.

    Raises UnavailableError when that takes too long for one request; what was done stays.
    """
    chain, head = _chain(series)
    tail = _count(series, _end(chain), WORTH)
    if tail < WORTH:
        return Census(tuple(chain), tail)
    chain = _extended(series, chain, head)
    return Census(tuple(chain), _count(series, _end(chain)))


def stretches(series: str) -> tuple[Mark, ...]:
    """The marks there are; none is made."""
    return tuple(_chain(series)[0])


def extended(series: str) -> tuple[Mark, ...]:
    """The marks, after those that are due were made, for who looks at the tail itself. Raises as :func:`census`."""
    chain, head = _chain(series)
    return tuple(_extended(series, chain, head))


def removal_ops(series: str, sids: Sequence[int]) -> list[Item]:
    """The writes that belong into a transaction which deletes these rows (at least one, all different).

    One for each mark that covers some of them, at most one for the rest. The transaction must also check that each
    row is there. Where one of these writes is refused, marks were made meanwhile: call this again.
    """
    return _shift_ops(series, sids, -1)


def addition_ops(series: str, sids: Sequence[int]) -> list[Item]:
    """The same for a transaction which adds rows of old ids, and checks that none of them is there."""
    return _shift_ops(series, sids, 1)


def _shift_ops(series: str, sids: Sequence[int], each: int) -> list[Item]:
    chain = _covering(series, min(sids), max(sids))
    shift: Counter[int] = Counter()
    tail: list[int] = []
    for sid in sids:
        mark = next((mark for mark in chain if mark.first <= sid < mark.end), None)
        if mark:
            shift[mark.first] += each
        else:
            tail.append(sid)
    operations = [_live_op(series, first, number) for first, number in shift.items()]
    return operations + ([_changes_op(series, min(tail))] if tail else [])


def _live_op(series: str, first: int, number: int) -> Item:
    return table.update_op(
        settings().data_table,
        keys.mark(series, first),
        "SET #live = #live + :more",
        {":more": number},
        condition="attribute_exists(#pk)",
    )


def _changes_op(series: str, lowest: int) -> Item:
    return table.update_op(
        settings().data_table,
        keys.marks_head(series),
        "ADD #changes :one",
        {":one": 1, ":sid": lowest},
        condition="attribute_not_exists(#until) OR #until <= :sid",
    )


def _chain(series: str) -> tuple[list[Mark], Item]:
    """The marks that follow each other without a gap, and the head; both as they were at some moment.

    A Query may see one half of a transaction: then the chain ends before it, and the rest counts as tail.
    """
    chain: list[Mark] = []
    head: Item = {}
    for item in table.query_all(settings().data_table, "#pk = :pk", {":pk": keys.marks_pk(series)}):
        if item["sk"] == keys.marks_head(series)["sk"]:
            head = item
        elif int(item["sk"]) == _end(chain):
            chain.append(_mark(item))
    return chain, head


def _mark(item: Item) -> Mark:
    return Mark(int(item["sk"]), item["end"], item["live"], item["rows"], item["low"], item["high"])


def _end(chain: Sequence[Mark]) -> int:
    return chain[-1].end if chain else 0


def _covering(series: str, low: int, high: int) -> list[Mark]:
    """The marks from the one that covers the id ``low``, if any, up to ``high``."""
    found = []
    for item in table.query_all(
        settings().data_table,
        "#pk = :pk AND #sk BETWEEN :first AND :high",
        {":pk": keys.marks_pk(series), ":first": keys.sid_text(0), ":high": keys.sid_text(high)},
        forward=False,
        limit=_PAGE,
    ):
        found.append(_mark(item))
        if found[-1].first <= low:
            break
    return found


def _count(series: str, first: int, most: int | None = None) -> int:
    return _rows(series).count(series, first=first, most=most)


class _Rows(Protocol):
    def count(self, uid: str, /, *, first: int = 0, most: int | None = None) -> int: ...

    def times(self, uid: str, /, *, first: int, end: int, most: int) -> list[tuple[int, int]]: ...


def _rows(series: str) -> _Rows:
    """The module that reads the rows of a series."""
    return deliveries if series.startswith("h") else submissions


def _extended(series: str, chain: list[Mark], head: Item) -> list[Mark]:
    """The chain with marks over what has settled; ``head`` was read before it. Raises UnavailableError."""
    settled = ids.id_at(clock.now_ms() - SETTLED_MS)
    ends = clock.now() + PATIENCE
    if head.get("until", 0) != _end(chain):
        return chain
    while True:
        last = chain[-1] if chain and chain[-1].rows < STRETCH else None
        room = STRETCH - (last.rows if last else 0)
        found = _rows(series).times(series, first=_end(chain), end=settled, most=room)
        if len(found) < min(room, WORTH):
            return chain
        made = _over(found, _end(chain))
        if not _write(series, last, made, head):
            return _chain(series)[0]
        head = {**head, "until": made.end}
        chain = [*chain[:-1], _joined(last, made)] if last else [*chain, made]
        if len(found) < room:
            return chain
        if clock.now() > ends:
            raise UnavailableError(1)


def _over(found: Sequence[tuple[int, int]], first: int) -> Mark:
    """A mark over these ids and times."""
    moments = [time for _, time in found]
    return Mark(first, found[-1][0] + 1, len(found), len(found), min(moments), max(moments))


def _joined(last: Mark, more: Mark) -> Mark:
    return Mark(
        last.first,
        more.end,
        last.live + more.live,
        last.rows + more.rows,
        min(last.low, more.low),
        max(last.high, more.high),
    )


def _write(series: str, last: Mark | None, made: Mark, head: Item) -> bool:
    """Writes a new mark, or makes the last one longer by it; whether the head was still as it was read."""
    operations = [
        _grow_op(series, last, made) if last else _put_op(series, made),
        _head_op(series, made, head),
    ]
    try:
        table.transact(operations)
    except (table.TransactionError, table.ConflictError):
        return False
    return True


def _put_op(series: str, made: Mark) -> Item:
    values = {name: getattr(made, name) for name in ("end", "live", "rows", "low", "high")}
    item = {**keys.mark(series, made.first), **values}
    return table.put_op(settings().data_table, item, condition="attribute_not_exists(#pk)")


def _grow_op(series: str, last: Mark, more: Mark) -> Item:
    grown = _joined(last, more)
    return table.update_op(
        settings().data_table,
        keys.mark(series, last.first),
        # Deletions go on while it grows, so what it loses is not known here.
        "SET #end = :end, #live = #live + :more, #rows = :rows, #low = :low, #high = :high",
        {
            ":end": grown.end,
            ":more": more.live,
            ":rows": grown.rows,
            ":low": grown.low,
            ":high": grown.high,
            ":old": last.end,
        },
        condition="#end = :old",
    )


def _head_op(series: str, made: Mark, head: Item) -> Item:
    conditions, values = [], {":end": made.end}
    for name in ("until", "changes"):
        if name in head:
            conditions.append(f"#{name} = :{name}")
            values[f":{name}"] = head[name]
        else:
            conditions.append(f"attribute_not_exists(#{name})")
    return table.update_op(
        settings().data_table,
        keys.marks_head(series),
        "SET #until = :end",
        values,
        condition=" AND ".join(conditions),
    )
