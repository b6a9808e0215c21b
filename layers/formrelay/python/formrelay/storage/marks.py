"""How many submissions a form has and where its n-th one stands, without reading all of them (design §7).

Ids grow with time and are drawn just before the write, so what is older than :data:`SETTLED_MS` only ever loses
submissions. That part of a form is cut into stretches of at most :data:`STRETCH` submissions, each with a *mark*:
``sk`` its first possible id; ``end`` the first id behind it; ``live`` how many submissions stand in it; ``rows`` how
many once did; ``low``, ``high`` the times (ms) that theirs lie between. Marks follow each other without a gap from id
0 on. What lies behind the last one, the *tail*, is counted when somebody asks.

The protocol, so that counts stay exact whatever happens at once or breaks off:

- **Taking in** a submission writes nothing here.
- **Reading** makes marks: it reads the settled rows of the tail, then writes the mark together with the *head* of the
  form (``until``: end of the last mark; ``deletes``: a counter) under the condition that neither changed since before
  those rows were read. One that loses just counts its tail. Only the last mark grows, until it is full.
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

from formrelay import clock, ids
from formrelay.errors import UnavailableError
from formrelay.settings import settings
from formrelay.storage import keys, submissions, table
from formrelay.storage.table import Item

# Much longer than a function runs, so no submission is written with an older id (ms).
SETTLED_MS = 300_000
STRETCH = 1_000
# Settled rows of the tail that are worth a write; fewer are counted each time.
WORTH = 100
# Seconds that one request makes marks: a form that nobody looked at for very long takes several requests.
PATIENCE = 15.0
# Marks read at a time to find those of some submissions.
_PAGE = 100


@dataclass(frozen=True)
class Mark:
    """A stretch of submissions: ids from ``first`` up to but not ``end``. Times in ms, both inclusive."""

    first: int
    end: int
    live: int
    rows: int
    low: int
    high: int


@dataclass(frozen=True)
class Census:
    """How the submissions of a form lie: in the stretches of ``marks``, then ``tail`` of them behind."""

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


def census(asset: str) -> Census:
    """Counts a form's submissions: its marks, and the tail; first makes the marks that are due.

    Raises UnavailableError when that takes too long for one request; what was done stays.
    """
    chain, head = _chain(asset)
    tail = _count(asset, _end(chain), WORTH)
    if tail < WORTH:
        return Census(tuple(chain), tail)
    chain = _extended(asset, chain, head)
    return Census(tuple(chain), _count(asset, _end(chain)))


def stretches(asset: str) -> tuple[Mark, ...]:
    """The marks there are; none is made."""
    return tuple(_chain(asset)[0])


def removal_ops(asset: str, sids: Sequence[int]) -> list[Item]:
    """The writes that belong into a transaction which deletes these submissions (at least one, all different).

    One for each mark that covers some of them, at most one for the rest. The transaction must also check that each
    submission is there. Where one of these writes is refused, marks were made meanwhile: call this again.
    """
    chain = _covering(asset, min(sids), max(sids))
    lost: Counter[int] = Counter()
    tail: list[int] = []
    for sid in sids:
        mark = next((mark for mark in chain if mark.first <= sid < mark.end), None)
        if mark:
            lost[mark.first] += 1
        else:
            tail.append(sid)
    operations = [_loses_op(asset, first, number) for first, number in lost.items()]
    return operations + ([_deletes_op(asset, min(tail))] if tail else [])


def _loses_op(asset: str, first: int, number: int) -> Item:
    return table.update_op(
        settings().data_table,
        keys.mark(asset, first),
        "SET #live = #live - :lost",
        {":lost": number},
        condition="attribute_exists(#pk)",
    )


def _deletes_op(asset: str, lowest: int) -> Item:
    return table.update_op(
        settings().data_table,
        keys.marks_head(asset),
        "ADD #deletes :one",
        {":one": 1, ":sid": lowest},
        condition="attribute_not_exists(#until) OR #until <= :sid",
    )


def _chain(asset: str) -> tuple[list[Mark], Item]:
    """The marks that follow each other without a gap, and the head; both as they were at some moment.

    A Query may see one half of a transaction: then the chain ends before it, and the rest counts as tail.
    """
    chain: list[Mark] = []
    head: Item = {}
    for item in table.query_all(settings().data_table, "#pk = :pk", {":pk": keys.marks_pk(asset)}):
        if item["sk"] == keys.marks_head(asset)["sk"]:
            head = item
        elif int(item["sk"]) == _end(chain):
            chain.append(_mark(item))
    return chain, head


def _mark(item: Item) -> Mark:
    return Mark(int(item["sk"]), item["end"], item["live"], item["rows"], item["low"], item["high"])


def _end(chain: Sequence[Mark]) -> int:
    return chain[-1].end if chain else 0


def _covering(asset: str, low: int, high: int) -> list[Mark]:
    """The marks from the one that covers the id ``low``, if any, up to ``high``."""
    found = []
    for item in table.query_all(
        settings().data_table,
        "#pk = :pk AND #sk BETWEEN :first AND :high",
        {":pk": keys.marks_pk(asset), ":first": keys.sid_text(0), ":high": keys.sid_text(high)},
        forward=False,
        limit=_PAGE,
    ):
        found.append(_mark(item))
        if found[-1].first <= low:
            break
    return found


def _count(asset: str, first: int, most: int | None = None) -> int:
    return submissions.count(asset, first=first, most=most)


def _extended(asset: str, chain: list[Mark], head: Item) -> list[Mark]:
    """The chain with marks over what has settled; ``head`` was read before it. Raises UnavailableError."""
    settled = ids.id_at(clock.now_ms() - SETTLED_MS)
    ends = clock.now() + PATIENCE
    if head.get("until", 0) != _end(chain):
        return chain
    while True:
        last = chain[-1] if chain and chain[-1].rows < STRETCH else None
        room = STRETCH - (last.rows if last else 0)
        found = submissions.times(asset, first=_end(chain), end=settled, most=room)
        if len(found) < min(room, WORTH):
            return chain
        made = _over(found, _end(chain))
        if not _write(asset, last, made, head):
            return _chain(asset)[0]
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


def _write(asset: str, last: Mark | None, made: Mark, head: Item) -> bool:
    """Writes a new mark, or makes the last one longer by it; whether the head was still as it was read."""
    operations = [_grow_op(asset, last, made) if last else _put_op(asset, made), _head_op(asset, made, head)]
    try:
        table.transact(operations)
    except (table.TransactionError, table.ConflictError):
        return False
    return True


def _put_op(asset: str, made: Mark) -> Item:
    values = {name: getattr(made, name) for name in ("end", "live", "rows", "low", "high")}
    item = {**keys.mark(asset, made.first), **values}
    return table.put_op(settings().data_table, item, condition="attribute_not_exists(#pk)")


def _grow_op(asset: str, last: Mark, more: Mark) -> Item:
    grown = _joined(last, more)
    return table.update_op(
        settings().data_table,
        keys.mark(asset, last.first),
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


def _head_op(asset: str, made: Mark, head: Item) -> Item:
    conditions, values = [], {":end": made.end}
    for name in ("until", "deletes"):
        if name in head:
            conditions.append(f"#{name} = :{name}")
            values[f":{name}"] = head[name]
        else:
            conditions.append(f"attribute_not_exists(#{name})")
    return table.update_op(
        settings().data_table,
        keys.marks_head(asset),
        "SET #until = :end",
        values,
        condition=" AND ".join(conditions),
    )
