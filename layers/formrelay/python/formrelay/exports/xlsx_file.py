"""XLSX: a sheet for the main section and one per repeat, without a temporary file and in bounded memory
(contract exports §3.4, §3.5).

The sheets grow side by side, each a compressed stream of its own. A segment holds what all of them got since the last
one; the archive is the streams one after the other, put together without compressing anything again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from formrelay.exports.layout import META, Kind, meta_columns
from formrelay.exports.options import XLSX_TYPE
from formrelay.exports.output import Reader, State, TooLargeError
from formrelay.exports.plan import Plan, Section
from formrelay.exports.values import Memory, Record
from formrelay.exports.xlsx_cells import MAX_COLUMNS, WARNING, encoder, escaped, whole_encoder
from formrelay.exports.xlsx_frame import frame
from formrelay.exports.xlsx_rows import Cells, Filler
from formrelay.exports.xlsx_sheets import Sheet, Sheets
from formrelay.exports.zip_file import MAX_BYTES, Entry, archive

# Room for what an archive needs beside the sheets.
_MAX_PACKED: Final = MAX_BYTES - 50_000_000
_CUT: Final = escaped(WARNING)
_STREAMS: Final = 3


class XlsxFile:
    """A workbook in the making; ``state`` is that of an earlier process. ``name`` is the project's."""

    content_type = XLSX_TYPE

    def __init__(self, plan: Plan, name: str, *, as_text: bool, state: State | None = None) -> None:
        self._plan = plan
        self._name = name
        self._as_text = as_text
        self._columns = [plan.layout.headers(sheet) for sheet in plan.layout.sheets]
        states = state["sheets"] if state else [None] * len(self._columns)
        self._sheets = [Sheets(columns, each) for columns, each in zip(self._columns, states, strict=True)]
        # For every segment: how many bytes it has of every stream of every sheet.
        self._segments: list[list[list[int]]] = state["segments"] if state else []
        self._notes: Counter[str] = Counter(state["notes"] if state else {})
        self._rows: dict[int, _Rows] = {}
        if state is None:
            for number in range(len(self._sheets)):
                self._begin(number)

    def _begin(self, number: int) -> Sheet:
        taken = [sheet.name for sheets in self._sheets for sheet in sheets.sheets]
        return self._sheets[number].begin(self._section_name(number), taken)

    def _section_name(self, number: int) -> str:
        return self._plan.layout.sheets[number].name if number else self._name

    @property
    def pending(self) -> int:
        return sum(stream.pending for stream in self._streams())

    def _streams(self) -> Iterator[Any]:
        return (stream for sheets in self._sheets for sheet in sheets.sheets for stream in sheet.streams)

    # Rows

    def add(self, record: Record) -> None:
        section = self._plan.section(record)
        rows = self._filled_by(section)
        cells = rows.fill(record, record)
        index = self._next(0)
        if self._plan.layout.indexed:
            cells.append(rows.index(index))
        self._write(0, cells)
        if section.inside:
            self._add_repeats(section, record, _Submission(record), index)

    def _add_repeats(self, around: Section, entry: Record, submission: _Submission, parent: int) -> None:
        """The rows of the repeats inside an entry, which is row ``parent`` of its section."""
        for section in around.inside:
            entries = entry.get(section.path)
            if not isinstance(entries, list):
                continue
            number = section.number
            rows, table = self._filled_by(section), self._section_name(around.number)
            for each in entries:
                if not isinstance(each, dict):
                    continue
                index = self._next(number)
                cells = rows.fill(each, submission.record)
                cells += rows.index(index), rows.table(table), rows.parent(parent)
                cells += submission.meta(number, rows)
                self._write(number, cells)
                if section.inside:
                    self._add_repeats(section, each, submission, index)

    def _next(self, number: int) -> int:
        sheets = self._sheets[number]
        sheets.index += 1
        return sheets.index

    def _write(self, number: int, cells: Cells) -> None:
        sheet = self._sheets[number].sheets[-1]
        if sheet.is_full:
            self._notes["continued"] += 1
            sheet = self._begin(number)
        if _CUT in sheet.write(cells):
            self._notes["cut"] += 1

    def _filled_by(self, section: Section) -> _Rows:
        rows = self._rows.get(id(section))
        if rows is None:
            rows = self._rows[id(section)] = _Rows(self._plan, section, as_text=self._as_text)
        return rows

    # Segments

    def cut(self) -> bytes:
        pieces = [
            [[stream.cut() for stream in sheet.streams] for sheet in sheets.sheets] for sheets in self._sheets
        ]
        flat = [piece for sheets in pieces for sheet in sheets for piece in sheet]
        self._segments.append([[len(piece) for sheet in sheets for piece in sheet] for sheets in pieces])
        if sum(stream.packed for stream in self._streams()) > _MAX_PACKED:
            raise TooLargeError(
                "The data is too large for one XLSX file. Export fewer columns or rows, or use CSV."
            )
        return b"".join(flat)

    def state(self) -> State:
        return {
            "sheets": [sheets.state() for sheets in self._sheets],
            "segments": self._segments,
            "notes": dict(self._notes),
        }

    def finish(self, read: Reader) -> Iterator[bytes]:
        return archive(self._entries(read))

    def _entries(self, read: Reader) -> Iterator[Entry]:
        names = [sheet.name for sheets in self._sheets for sheet in sheets.sheets]
        yield from frame(names)
        number = 0
        for section, sheets in enumerate(self._sheets):
            for place, sheet in enumerate(sheets.sheets):
                number += 1
                first = place * _STREAMS
                pieces = [self._pieces(read, section, first + stream) for stream in range(_STREAMS)]
                yield from sheet.entries(number, pieces)

    def _pieces(self, read: Reader, section: int, stream: int) -> Iterator[bytes]:
        """The bytes of one stream out of all segments."""
        for number, lengths in enumerate(self._segments):
            if stream < len(lengths[section]) and lengths[section][stream]:
                start = sum(map(sum, lengths[:section])) + sum(lengths[section][:stream])
                yield from read(number, start, start + lengths[section][stream])

    def notes(self) -> list[str]:
        found = []
        if too_wide := [sheets for sheets in self._sheets if len(sheets.columns) > MAX_COLUMNS]:
            dropped = sum(len(sheets.columns) - MAX_COLUMNS for sheets in too_wide)
            found.append(f"{dropped} columns beyond the {MAX_COLUMNS} that a sheet can have were left out.")
        if self._notes["continued"]:
            found.append("Rows beyond what a sheet can hold stand on further sheets.")
        if self._notes["cut"]:
            found.append(f"{self._notes['cut']} rows have texts that were cut to what a cell can hold.")
        return found


class _Rows:
    """The cells of one section in one version: of its questions, of the export itself, of the submission around."""

    def __init__(self, plan: Plan, section: Section, *, as_text: bool) -> None:
        sheet = plan.layout.sheets[section.number]
        columns = plan.layout.headers(sheet)
        width = sum(len(field.columns) for field in sheet.fields)
        if section.number == 0:
            makers = (*section.makers, *plan.meta)
            self.index = whole_encoder(width + len(plan.meta))
        else:
            makers = section.makers
            self.index, self.parent = whole_encoder(width), whole_encoder(width + 2)
            self.table = Memory(encoder(Kind.TEXT, width + 1, as_text=True)).__getitem__
            meta = Filler(plan.meta_for_repeats, meta_columns(META), width + 3, as_text=as_text)
            self.meta = meta.cells
        self.fill = Filler(makers, columns, as_text=as_text).cells


class _Submission:
    """A submission, and its own columns in the rows of its repeats, made when the first of a sheet needs them."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self._made: dict[int, Cells] = {}

    def meta(self, number: int, rows: _Rows) -> Cells:
        made = self._made.get(number)
        if made is None:
            made = self._made[number] = rows.meta(self.record, self.record)
        return made
