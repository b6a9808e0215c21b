"""Sheets of an XLSForm, written as tables: one line a row, cells between bars.

    type | name | first label | second label | … | column: text ;; column: text

Empty cells are left out. The last cell holds what has no column of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO

Row = dict[str, str]


def rows(table: str, columns: Sequence[str]) -> list[Row]:
    """The rows of a table under ``columns``, with further columns of the last cell."""
    found = []
    for line in table.strip().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        row = dict(zip(columns, cells, strict=False))
        for more in "|".join(cells[len(columns) :]).split(";;"):
            column, colon, text = more.partition(": ")
            if colon:
                row[column.strip()] = text.strip()
        found.append({column: text for column, text in row.items() if text})
    return found


def workbook(survey: Iterable[Row], choices: Iterable[Row], settings: Row, **sheets: Iterable[Row]) -> bytes:
    """An ``.xlsx`` file with these sheets, as a person would have typed it."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for name, given in {"survey": survey, "choices": choices, "settings": [settings], **sheets}.items():
        lines = list(given)
        columns = list(dict.fromkeys(column for row in lines for column in row))
        sheet = book.create_sheet(name)
        sheet.append(columns)
        for row in lines:
            sheet.append([row.get(column) for column in columns])
            for cell in sheet[sheet.max_row]:
                cell.data_type = "s"
    out = BytesIO()
    book.save(out)
    return out.getvalue()
