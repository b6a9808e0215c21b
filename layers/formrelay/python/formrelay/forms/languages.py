"""Columns in several languages: ``label::French (fr)`` in, arrays aligned with ``translations`` out (assets §4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from formrelay.forms.columns import ALWAYS_TRANSLATED, TRANSLATABLE, Column, parse_header
from formrelay.forms.sheet_rows import MAX_CELLS, MAX_LANGUAGES, ContentError, Row, clean_text

Language = str | None  # None: the column without a suffix
Texts = list[str | None]  # one cell in every language


class Languages:
    """The languages of one form, and how its cells become arrays."""

    def __init__(self, sheets: dict[str, list[Row]], declared: Any, stored: Any) -> None:
        """Look through all headers of ``sheets`` (name → rows).

        ``declared`` are the content's own ``translations``; ``stored`` those of the form it replaces, which
        count only where arrays come without any. Raises ContentError for a list that cannot be one.
        """
        self._columns: dict[tuple[str, str], Column] = {}
        self._array_columns: set[str] = set(ALWAYS_TRANSLATED)
        filled, arrays = self._scan(sheets)
        self._given: list[Language] = _language_list(declared)
        if not self._given and arrays:
            self._given = _language_list(stored) or [None]
        self._bare: Language = None if None in self._given or not self._given else self._given[0]
        self.names: list[Language] = list(self._given)
        for column in filled:
            language = self._language(column)
            if column.name in self._array_columns and language not in self.names:
                self.names.append(language)
        self.names = self.names or [None]
        if len(self.names) > MAX_LANGUAGES:
            raise ContentError(f"A form may have at most {MAX_LANGUAGES} languages.")
        self._left = MAX_CELLS

    def _scan(self, sheets: dict[str, list[Row]]) -> tuple[list[Column], bool]:
        """Columns with any bare text or suffix, in the order of the headers; whether there are arrays."""
        arrays = False
        filled: dict[Column, bool] = {}
        for sheet, rows in sheets.items():
            for row in rows:
                for header, cell in row.items():
                    column = self.column(sheet, header)
                    if column.name not in TRANSLATABLE:
                        continue
                    is_array = isinstance(cell, list)
                    arrays |= is_array
                    if is_array or column.language:
                        self._array_columns.add(column.name)
                    filled[column] = filled.get(column, False) or (not is_array and cell not in ("", None))
        return [column for column, used in filled.items() if used], arrays

    def column(self, sheet: str, header: str) -> Column:
        """:func:`parse_header`, once per header."""
        key = (sheet, header)
        if key not in self._columns:
            self._columns[key] = parse_header(header, sheet)
        return self._columns[key]

    def arrange(self, row: Row, sheet: str) -> Row:
        """``row`` under stored column names, translated cells as arrays, empty cells gone.

        Where two headers mean one cell, the first that is filled counts.
        """
        arranged: Row = {}
        for header, cell in row.items():
            column = self.column(sheet, header)
            if column.name in self._array_columns:
                self._place(arranged, column, cell)
            elif cell not in ("", None, [], {}):
                arranged.setdefault(column.name, cell)
        return {name: cell for name, cell in arranged.items() if not _is_blank(cell)}

    def _place(self, row: Row, column: Column, cell: Any) -> None:
        if cell in ("", None):
            return
        if isinstance(cell, dict):
            raise ContentError(f"`{column.name}` must be text or a list of texts.")
        if not isinstance(cell, list):
            self._put(row, column.name, self.names.index(self._language(column)), cell)
            return
        if any(text not in ("", None) for text in cell[len(self._given) :]):
            raise ContentError(
                f"`{column.name}` has {len(cell)} texts, but the form has {len(self._given)} translations."
            )
        for index, text in enumerate(cell[: len(self._given)]):
            self._put(row, column.name, index, text)

    def _put(self, row: Row, name: str, index: int, text: str | bool | None) -> None:
        if name not in row:
            self._left -= len(self.names)
            if self._left < 0:
                raise ContentError(f"A form may have at most {MAX_CELLS} translated cells.")
            row[name] = [None] * len(self.names)
        if text not in ("", None) and row[name][index] is None:
            row[name][index] = str(text)

    def _language(self, column: Column) -> Language:
        return column.language or self._bare


def translated_columns(rows: Sequence[Row]) -> list[str]:
    """The columns that are arrays in any of ``rows``, sorted."""
    cells = ((name, cell) for row in rows for name, cell in row.items())
    return sorted({name for name, cell in cells if name in TRANSLATABLE and isinstance(cell, list)})


def put_first(language: str, names: list[Language], rows: Sequence[Row]) -> list[Language]:
    """``names`` with the default language in front, the arrays of ``rows`` alike (in place).

    A form without any named language keeps its order. Raises ContentError when it names others only.
    """
    if names == [None]:
        return names
    if language not in names:
        present = "`, `".join(name for name in names if name is not None)
        raise ContentError(
            f"`{language}` is specified as the default language, "
            f"but only these translations are present in the form: `{present}`"
        )
    index = names.index(language)
    if index == 0:
        return names
    for row in rows:
        for name, cell in row.items():
            if name in TRANSLATABLE and isinstance(cell, list):
                row[name] = [cell[index], *cell[:index], *cell[index + 1 :]]
    return [names[index], *names[:index], *names[index + 1 :]]


def _language_list(value: Any) -> list[Language]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(item is None or isinstance(item, str) for item in value):
        raise ContentError("`translations` must be a list of languages.")
    names = [clean_text(item).strip() or None if item is not None else None for item in value]
    if len(set(names)) != len(names):
        raise ContentError("`translations` must not name a language twice.")
    return names


def _is_blank(cell: Any) -> bool:
    return isinstance(cell, list) and all(item in ("", None) for item in cell)
