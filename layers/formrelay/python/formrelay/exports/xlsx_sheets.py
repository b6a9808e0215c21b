"""The sheets of a workbook while they are written: XML of rows and links, compressed as it comes.

A sheet that is full, by Excel's million rows or by bytes, goes on in another one of the same columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from formrelay.exports import sheet_names
from formrelay.exports.deflate import Deflater
from formrelay.exports.layout import Column, Kind
from formrelay.exports.xlsx_cells import LINK, MAX_COLUMNS, ROW, encoder, letters
from formrelay.exports.zip_file import Entry, Part, part

MAX_ROWS: Final = 1_048_576
MAX_SHEET_BYTES: Final = 3_500_000_000
MAX_LINKS: Final = 65_530

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_HEAD: Final = XML + f'<worksheet xmlns="{MAIN}" xmlns:r="{RELATIONS}"><dimension ref="%s"/><sheetData>'
_TAIL: Final = "</worksheet>"
_LINKS: Final = re.compile(f'<c r="([A-Z]+[0-9]+)"{re.escape(LINK)}([^<]*)<')


class Sheet:
    """One sheet of the workbook; ``state`` is that of an earlier process."""

    def __init__(self, name: str, columns: Sequence[Column], state: dict[str, Any] | None = None) -> None:
        self.name = name
        self._last_column = letters(min(len(columns), MAX_COLUMNS) - 1)
        state = state or {"rows": 0, "links": 0, "streams": [None] * 3}
        self.rows: int = state["rows"]
        self._links: int = state["links"]
        self.streams = [Deflater(stream) for stream in state["streams"]]
        if not self.rows:
            self._begin(columns)

    def _begin(self, columns: Sequence[Column]) -> None:
        encoders = [encoder(Kind.TEXT, number, as_text=True) for number in range(len(columns))]
        for texts in ([column.header for column in columns], [column.tags for column in columns]):
            if any(texts):
                self.write([encode(text) for encode, text in zip(encoders, texts, strict=True)])

    @property
    def is_full(self) -> bool:
        return self.rows >= MAX_ROWS or self.streams[0].size >= MAX_SHEET_BYTES

    def write(self, cells: Iterable[str]) -> str:
        """Writes the next row; its XML."""
        self.rows += 1
        row = str(self.rows)
        text = "".join(cells).replace(ROW, row)
        self.streams[0].write(f'<row r="{row}">{text}</row>')
        if LINK in text:
            self._write_links(text)
        return text

    def _write_links(self, text: str) -> None:
        """Notes the targets of a row's links, up to as many as Excel takes on one sheet."""
        for reference, target in _LINKS.findall(text):
            if self._links == MAX_LINKS:
                return
            self._links += 1
            self.streams[1].write(f'<hyperlink ref="{reference}" r:id="rId{self._links}"/>')
            self.streams[2].write(
                f'<Relationship Id="rId{self._links}" Type="{RELATIONS}/hyperlink" Target="{target}" '
                'TargetMode="External"/>'
            )

    def state(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "rows": self.rows,
            "links": self._links,
            "streams": [stream.state() for stream in self.streams],
        }

    def entries(self, number: int, pieces: Sequence[Iterator[bytes]]) -> Iterator[Entry]:
        """The sheet's files in the archive; ``pieces`` are the bytes of its streams."""
        rows, links, targets = (
            Part(bytes_, stream.crc, stream.size, stream.packed)
            for stream, bytes_ in zip(self.streams, pieces, strict=True)
        )
        head = part(_HEAD % f"A1:{self._last_column}{self.rows}")
        name = f"xl/worksheets/sheet{number}.xml"
        if not self._links:
            yield Entry(name, (head, rows, part("</sheetData>" + _TAIL)))
            return
        opening, closing = part("</sheetData><hyperlinks>"), part("</hyperlinks>" + _TAIL)
        yield Entry(name, (head, rows, opening, links, closing))
        frame = part(XML + f'<Relationships xmlns="{PACKAGE}">'), part("</Relationships>")
        yield Entry(f"xl/worksheets/_rels/sheet{number}.xml.rels", (frame[0], targets, frame[1]))


class Sheets:
    """All sheets of a section of the form, in order. ``index`` counts its rows over all of them."""

    def __init__(self, columns: Sequence[Column], state: dict[str, Any] | None = None) -> None:
        self.columns = columns
        self.index: int = state["index"] if state else 0
        self.sheets = [Sheet(each["name"], columns, each) for each in state["sheets"]] if state else []

    def begin(self, name: str, taken: Iterable[str]) -> Sheet:
        """Opens a sheet."""
        sheet = Sheet(sheet_names.unique(name, taken), self.columns)
        self.sheets.append(sheet)
        return sheet

    def state(self) -> dict[str, Any]:
        return {"index": self.index, "sheets": [sheet.state() for sheet in self.sheets]}
