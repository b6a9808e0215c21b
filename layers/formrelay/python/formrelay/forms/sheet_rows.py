"""Rows of form content as clients send them: checked for shape and size, cells cleaned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from formrelay.xml_text import OUTSIDE_XML

Row = dict[str, Any]

MAX_ROWS: Final = 50_000
# Compiling takes longer than in proportion to the number of questions.
MAX_QUESTIONS: Final = 20_000
MAX_CELLS: Final = 1_000_000
MAX_CHARACTERS: Final = 10_000_000
MAX_COLUMNS: Final = 1_000
MAX_LANGUAGES: Final = 100
MAX_TEXT: Final = 100_000

_SCALARS: Final = (str, int, float, type(None))  # bool is an int


class ContentError(ValueError):
    """The content is no form content; ``messages`` say why, in words for the person who sent it."""

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = list(messages)

    def __str__(self) -> str:
        return " ".join(self.messages)


def clean_text(value: str) -> str:
    """``value`` without characters that neither XML nor UTF-8 can carry. Raises ContentError when it is too long."""
    if len(value) > MAX_TEXT:
        raise ContentError(f"A cell may hold at most {MAX_TEXT} characters.")
    return OUTSIDE_XML.sub("", value)


def read_rows(value: Any, sheet: str) -> list[Row]:
    """The rows of a sheet with clean cells; None and missing sheets are empty.

    Raises ContentError when ``value`` is no list of objects or exceeds the limits.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise ContentError(f"`{sheet}` must be a list of rows.")
    most = MAX_QUESTIONS if sheet == "survey" else MAX_ROWS
    if len(value) > most:
        raise ContentError(f"`{sheet}` may have at most {most} rows.")
    rows: list[Row] = []
    cells = characters = 0
    for number, row in enumerate(value, 1):
        if not isinstance(row, Mapping):
            raise ContentError(f"`{sheet}`: row {number} is not an object.")
        rows.append({clean_text(str(key)): _cell(cell, sheet, number) for key, cell in row.items()})
        cells += sum(len(cell) if isinstance(cell, (list, dict)) else 1 for cell in row.values())
        if cells > MAX_CELLS:
            raise ContentError(f"`{sheet}` may have at most {MAX_CELLS} cells.")
        characters += sum(_length(cell) for cell in rows[-1].values())
        if characters > MAX_CHARACTERS:
            raise ContentError(f"`{sheet}` may have at most {MAX_CHARACTERS} characters.")
    if len({key for row in rows for key in row}) > MAX_COLUMNS:
        raise ContentError(f"`{sheet}` may have at most {MAX_COLUMNS} columns.")
    return rows


def _length(cell: Any) -> int:
    texts = cell.values() if isinstance(cell, dict) else cell if isinstance(cell, list) else (cell,)
    return sum(len(text) for text in texts if isinstance(text, str))


def read_settings(value: Any) -> Row:
    """Settings sent as an object or as the rows of a sheet; the first row that fills a column counts."""
    rows = read_rows([value] if isinstance(value, Mapping) else value, "settings")
    merged: Row = {}
    for row in rows:
        for key, cell in row.items():
            if cell not in ("", None):
                merged.setdefault(key, cell)
    return merged


def _cell(value: Any, sheet: str, number: int) -> Any:
    if isinstance(value, _SCALARS):
        return _scalar(value)
    if isinstance(value, list) and all(isinstance(item, _SCALARS) for item in value):
        return [_scalar(item) for item in value]
    if isinstance(value, Mapping) and all(isinstance(item, _SCALARS) for item in value.values()):
        return {clean_text(str(key)): _scalar(item) for key, item in value.items()}
    raise ContentError(f"`{sheet}`: row {number} has a cell that is neither text nor a list of texts.")


def _scalar(value: str | float | bool | None) -> str | bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return clean_text(str(value))
