"""CSV: the main section, every field quoted, semicolons, CR LF, UTF-8 without BOM (contract exports §3.1).

A row is joined from texts that the plan has prepared. Selects are remembered in their final form, so a row costs
about a dictionary look-up per question and one join.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from formrelay.exports.layout import Column
from formrelay.exports.options import CONTENT_TYPES, CSV
from formrelay.exports.output import Reader, State, whole
from formrelay.exports.plan import Plan
from formrelay.exports.values import Maker, Memory, Record, Texts, text

_BETWEEN: Final = '";"'


def _escaped(value: str) -> str:
    return value.replace('"', '""')


def _fragment(texts: Texts) -> str:
    """Cells of one question as they stand in a line, without the quotes around them."""
    return _BETWEEN.join(map(_escaped, texts))


def _line(texts: Sequence[str]) -> str:
    return f'"{_fragment(tuple(texts))}"\r\n'


class CsvFile:
    """A CSV file in the making; ``state`` is that of an earlier process."""

    content_type = CONTENT_TYPES[CSV]

    def __init__(self, plan: Plan, state: State | None = None) -> None:
        self._plan = plan
        self._indexed = plan.layout.indexed
        self._lines: list[str] = []
        self._pending = 0
        self._rows: dict[int, _Rows] = {}
        self._index: int = state["index"] if state else 0
        self._lengths: list[int] = list(state["lengths"]) if state else []
        if state is None:
            self._begin(plan.layout.headers(plan.layout.sheets[0]))

    def _begin(self, columns: Sequence[Column]) -> None:
        self._lines.append(_line([column.header for column in columns]))
        tags = [column.tags for column in columns]
        if any(tags):
            self._lines.append(_line(tags))

    @property
    def pending(self) -> int:
        return self._pending

    def add(self, record: Record) -> None:
        section = self._plan.section(record)
        rows = self._rows.get(id(section))
        if rows is None:
            rows = self._rows[id(section)] = _Rows((*section.makers, *self._plan.meta), self._columns())
        self._index += 1
        line = rows.line(record, f'";"{self._index}"\r\n' if self._indexed else '"\r\n')
        self._lines.append(line)
        self._pending += len(line)

    def _columns(self) -> int:
        layout = self._plan.layout
        return len(layout.headers(layout.sheets[0])) - layout.indexed

    def cut(self) -> bytes:
        segment = "".join(self._lines).encode(errors="replace")
        self._lines.clear()
        self._pending = 0
        self._lengths.append(len(segment))
        return segment

    def state(self) -> State:
        return {"index": self._index, "lengths": self._lengths}

    def finish(self, read: Reader) -> Iterator[bytes]:
        return whole(self._lengths, read)

    def notes(self) -> list[str]:
        return []


class _Rows:
    """The lines of one version."""

    def __init__(self, makers: Sequence[Maker], columns: int) -> None:
        self._keys = [maker.key for maker in makers]
        self._blanks = ("",) * len(makers)
        self._plain = [i for i, maker in enumerate(makers) if not maker.texts and not maker.with_record]
        self._made = [(i, _fragments(maker)) for i, maker in enumerate(makers) if maker.texts]
        self._looked_up = [(i, maker.with_record) for i, maker in enumerate(makers) if maker.with_record]
        self._quotes = 2 * (columns - 1)

    def line(self, record: Record, end: str) -> str:
        values = list(map(record.get, self._keys, self._blanks))
        try:
            joined = self._joined(values, record)
        except (TypeError, AttributeError):  # answers that are no texts
            joined = self._joined([text(record.get(key)) for key in self._keys], record)
        return f'"{joined}{end}'

    def _joined(self, values: list[str], record: Record) -> str:
        for i, fragment in self._made:
            values[i] = fragment(values[i])
        for i, texts in self._looked_up:
            values[i] = _fragment(texts(values[i], record))
        joined = _BETWEEN.join(values)
        if joined.count('"') == self._quotes:
            return joined
        for i in self._plain:
            values[i] = _escaped(values[i])
        return _BETWEEN.join(values)


def _fragments(maker: Maker) -> Callable[[str], str]:
    texts = maker.texts
    assert texts is not None  # noqa: S101 - those without are plain

    def fragment(value: str) -> str:
        return _fragment(texts(value))

    return Memory(fragment).__getitem__ if maker.few else fragment
