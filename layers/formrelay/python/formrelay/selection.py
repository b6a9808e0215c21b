"""Which submissions of a project are meant, read as a stream: for lists, exports, bulk operations and replays.

A selection is made of what somebody asks for (a query, ids, or everything) and of what they may see (the filter of
row-level rights), which is one more query:

    selected = selection.of(asset, base_url, query, rows.query)
    for row in selected.rows():                    # in the order of _id, one page of the store at a time
        row.item, row["_submission_time"], row.record(), row.text()

It holds one page of the store (1 MB), reads no submission that a bound on ``_id`` rules out, and skips the stretches
of a form that a bound on ``_submission_time`` rules out (:mod:`formrelay.storage.marks` know the times in each, so
that is right for forms whose times are overridden, too).

- One pass over everything, also from behind an id on: :meth:`Selection.rows`.
- In steps that each take a bounded time, with a cursor to keep between them: :meth:`Selection.page`.
- A page of a list with the count of all: :meth:`Selection.visit`, :meth:`Selection.visit_sorted`.
- How many: :meth:`Selection.count`; without a query nothing is read for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from formrelay import clock, records
from formrelay.ids import MAX_SUBMISSION_ID
from formrelay.query import Query, compile_query
from formrelay.sorting import Key, Smallest
from formrelay.storage import marks, submissions, table
from formrelay.storage.table import Item

# Ids from the first to the second, both inclusive.
Span = tuple[int, int]


class Row(Mapping[str, Any]):
    """A submission of a selection, by the names of its record; its bodies are read only when a name needs them."""

    def __init__(self, item: Item, asset: str, base_url: str) -> None:
        self.item, self._asset, self._base_url = item, asset, base_url or item["origin"]

    @property
    def id(self) -> int:
        sid: int = self.item["id"]
        return sid

    @cached_property
    def bodies(self) -> submissions.Bodies:
        return submissions.unpack(self.item)

    @cached_property
    def answers(self) -> dict[str, Any]:
        """What was answered, by paths; also under names that the server knows better."""
        return submissions.parse_answers(self.bodies.answers)

    def record(self, names: Collection[str] | None = None) -> dict[str, Any]:
        """The record as the data API shows it: ``_id``, and all keys or those among ``names``, in stored order."""
        if names is None:
            return records.record(self.item, self.bodies, asset=self._asset, base_url=self._base_url)
        answers = {name: self.answers[name] for name in self._asked(names)}
        known = {name: self[name] for name in records.FACTS if name in names}
        return {"_id": self.id, **answers, **known}

    def _asked(self, names: Collection[str]) -> list[str]:
        """The answers among the names; nothing is read when there are none."""
        wanted = {name for name in names if name not in records.FACTS and name != "_id"}
        return [name for name in self.answers if name in wanted] if wanted else []

    def text(self) -> str:
        """The record as JSON text."""
        return records.text(self.item, self.bodies, asset=self._asset, base_url=self._base_url)

    def __getitem__(self, name: str) -> Any:
        if name == "_id":
            return self.item["id"]
        fact = records.FACTS.get(name)
        return fact(self.item, self._asset, self._base_url) if fact else self.answers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.record())

    def __len__(self) -> int:
        return len(self.record())


class SlowError(Exception):
    """Reading took longer than there was time for."""


@dataclass(frozen=True)
class Selection:
    """Submissions of one project; :func:`of` makes it. It reads anew whenever it is asked.

    With ``ends`` (seconds since 1970), whatever reads row by row raises SlowError when that has come.
    """

    asset: str
    base_url: str
    query: Query
    first: int = 0
    last: int = MAX_SUBMISSION_ID
    chosen: tuple[int, ...] | None = None
    """The ids that are meant, in order; None for all."""
    ends: float | None = None

    def within(self, first: int = 0, last: int = MAX_SUBMISSION_ID) -> Selection:
        """The same, but only ids from ``first`` to ``last``, both inclusive."""
        return replace(self, first=max(self.first, first), last=min(self.last, last))

    @property
    def is_everything(self) -> bool:
        """Whether all submissions of the project are meant, so that nothing need be read to count them."""
        return (
            self.chosen is None and self.query.is_empty and (self.first, self.last) == (0, MAX_SUBMISSION_ID)
        )

    def row(self, item: Item) -> Row | None:
        """The submission as a row, if it is meant. Raises QueryError like :meth:`rows`."""
        row = self._row(item)
        first, last = self._bounds(None, True)
        is_chosen = self.chosen is None or row.id in self.chosen
        return row if is_chosen and first <= row.id <= last and self.query.matches(row) else None

    def rows(self, *, after: int | None = None, forward: bool = True) -> Iterator[Row]:
        """The rows behind the id ``after`` in the order of ``_id``, or against it.

        Raises QueryError when an answer is too long for a regular expression of the query.
        """
        if self.chosen is not None:
            return self._matching(self._picked(after, forward))
        return self._matching(self._stored(after, forward))

    def page(self, *, after: int | None, limit: int) -> tuple[list[Row], int | None]:
        """The rows among the next ``limit`` submissions behind ``after``, and the id to go on from; None at the end.

        There may be none among them and more behind. Raises QueryError like :meth:`rows`.
        """
        if self.chosen is not None:
            sids = self._remaining(after, True)
            items = submissions.get_many(self.asset, sids[:limit])
            return list(self._matching(items)), sids[limit - 1] if len(sids) > limit else None
        spans = self._spans(after, True)
        if not spans:
            return [], None
        (first, last), more = spans[0], spans[1:]
        items, cursor = submissions.page(self.asset, after=None, limit=limit, first=first, last=last)
        return list(self._matching(items)), last if cursor is None and more else cursor

    def count(self) -> int:
        """How many rows there are. Raises QueryError like :meth:`rows`."""
        return marks.census(self.asset).count if self.is_everything else sum(1 for _ in self.rows())

    def visit(self, start: int, limit: int, take: Callable[[Row], None], *, forward: bool = True) -> int:
        """Hands over ``limit`` rows from number ``start`` (from 0) on, and returns how many there are altogether.

        Raises QueryError like :meth:`rows`.
        """
        if self.is_everything:
            return self._visit_everything(start, limit, take, forward)
        number = -1
        for number, row in enumerate(self.rows(forward=forward)):
            if start <= number < start + limit:
                take(row)
        return number + 1

    def visit_sorted(self, start: int, limit: int, take: Callable[[Row], None], key: Key) -> int:
        """The same in another order (:func:`formrelay.sorting.sort_key`), of which only keys are held.

        Raises SortError when that is too much, and QueryError like :meth:`rows`.
        """
        smallest = Smallest(start + limit)
        count = 0
        for row in self.rows():
            smallest.add(key(row))
            count += 1
        sids = [found[-1] for found in smallest.sorted()[start:]]
        for i in range(0, len(sids), table.MAX_BATCH_GET):
            for item in submissions.get_many(self.asset, sids[i : i + table.MAX_BATCH_GET]):
                take(self._row(item))
        return count

    def _visit_everything(self, start: int, limit: int, take: Callable[[Row], None], forward: bool) -> int:
        if not start:
            taken = self._take(None, limit, take, forward)
            if taken < limit:
                return taken
            return marks.census(self.asset).count
        census = marks.census(self.asset)
        if start < census.count:
            after, rows = census.locate(start, forward=forward)
            after = submissions.skip(self.asset, rows, after=after, forward=forward) if rows else after
            if after is not None or not rows:
                self._take(after, limit, take, forward)
        return census.count

    def _take(self, after: int | None, limit: int, take: Callable[[Row], None], forward: bool) -> int:
        """Hands over the ``limit`` rows behind ``after`` of all there are; returns how many those were."""
        taken, cursor = 0, after
        while taken < limit:
            items, cursor = submissions.page(self.asset, after=cursor, limit=limit - taken, forward=forward)
            for item in items:
                take(self._row(item))
            taken += len(items)
            if cursor is None:
                break
        return taken

    def _row(self, item: Item) -> Row:
        return Row(item, self.asset, self.base_url)

    def _matching(self, items: Iterable[Item]) -> Iterator[Row]:
        matches = self.query.matches
        return (row for row in map(self._row, items) if matches(row))

    def _picked(self, after: int | None, forward: bool) -> Iterator[Item]:
        """What there is of the chosen ones."""
        sids = self._remaining(after, forward)
        for i in range(0, len(sids), table.MAX_BATCH_GET):
            yield from submissions.get_many(self.asset, sids[i : i + table.MAX_BATCH_GET])

    def _remaining(self, after: int | None, forward: bool) -> list[int]:
        first, last = self._bounds(after, forward)
        found = [sid for sid in self.chosen or () if first <= sid <= last]
        return found if forward else found[::-1]

    def _stored(self, after: int | None, forward: bool) -> Iterator[Item]:
        spans = self._spans(after, forward)
        for first, last in spans if forward else reversed(spans):
            cursor = None
            while True:
                items, cursor = submissions.page(
                    self.asset, after=cursor, forward=forward, first=first, last=last
                )
                yield from items
                if cursor is None:
                    break
                if self.ends is not None and clock.now() > self.ends:
                    raise SlowError

    def _bounds(self, after: int | None, forward: bool) -> Span:
        low, high = self.query.id_range
        first = max(self.first, low or 0)
        last = self.last if high is None else min(self.last, high)
        if after is None:
            return first, last
        return (max(first, after + 1), last) if forward else (first, min(last, after - 1))

    def _spans(self, after: int | None, forward: bool) -> list[Span]:
        """The ids to be read, in order: without stretches in which no submission has a time that is meant."""
        first, last = self._bounds(after, forward)
        low, high = self.query.time_range
        spans = [(first, last)]
        if (low, high) != (None, None) and first <= last:
            spans = _without(
                spans[0],
                [
                    mark
                    for mark in marks.stretches(self.asset)
                    if (low is not None and mark.high < low) or (high is not None and mark.low > high)
                ],
            )
        return [span for span in spans if span[0] <= span[1]]


def of(
    asset: str, base_url: str, *queries: Mapping[str, Any] | None, chosen: Sequence[int] | None = None
) -> Selection:
    """The submissions that meet all of the queries (parsed JSON; None and ``{}`` mean nothing), and are ``chosen``.

    ``base_url`` is the origin that links in records start with; empty for that which each was posted to. Raises
    QueryError.
    """
    given = [query for query in queries if query is not None and query != {}]
    query = compile_query({"$and": given} if len(given) > 1 else given[0] if given else {})
    return Selection(asset, base_url, query, chosen=None if chosen is None else tuple(sorted(set(chosen))))


def _without(span: Span, marked: Sequence[marks.Mark]) -> list[Span]:
    """What is left of a span between stretches that are left out."""
    found, first = [], span[0]
    for mark in marked:
        found.append((first, min(span[1], mark.first - 1)))
        first = max(first, mark.end)
    return [*found, (first, span[1])]
