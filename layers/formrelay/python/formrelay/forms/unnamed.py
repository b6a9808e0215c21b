"""Texts of columns that name no language, in a form whose other columns name some: shown in every language.

Left to itself pyxform shows them in one language only, a further one of its own or the default one, and a dash in all
others; which of it depends on the columns around.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from formrelay.forms.columns import MEDIA_COLUMNS, TRANSLATABLE
from formrelay.forms.sheet_rows import Row

_SHEETS: Final = ("survey", "choices")
# Columns that pyxform takes apart by language even where they name none, and those that it shows together with them.
_TAKEN_APART: Final = MEDIA_COLUMNS | {"guidance_hint"}
_BESIDE: Final = frozenset({"label", "hint"})


def everywhere(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Content in normal form whose texts without a language are texts of every language, where they stand alone.

    The unnamed language stays only where some cell has texts in it and in others. Itself where there is one language.
    """
    names: list[str | None] = content["translations"]
    if len(names) == 1:
        return content
    unnamed = names.index(None) if None in names else len(names)
    sheets = {sheet: [_alone(row, unnamed) for row in content[sheet]] for sheet in _SHEETS}
    stays = any(isinstance(cell, list) and any(cell[unnamed : unnamed + 1]) for cell in _texts(sheets))
    kept = [index for index in range(len(names)) if stays or index != unnamed]
    for sheet, rows in sheets.items():
        plain = _plain(rows)
        sheets[sheet] = [_spread(row, plain, kept) for row in rows]
    return {**content, **sheets, "translations": [names[index] for index in kept]}


def _alone(row: Row, unnamed: int) -> Row:
    """The row with what stands in the unnamed language alone as plain text."""
    return {
        name: cell[unnamed] if name in TRANSLATABLE and _is_alone(cell, unnamed) else cell
        for name, cell in row.items()
    }


def _is_alone(cell: Any, unnamed: int) -> bool:
    if not isinstance(cell, list):
        return False
    return [index for index, text in enumerate(cell) if text is not None] == [unnamed]


def _texts(sheets: Mapping[str, list[Row]]) -> Iterable[Any]:
    return (
        cell for rows in sheets.values() for row in rows for name, cell in row.items() if name in TRANSLATABLE
    )


def _plain(rows: list[Row]) -> frozenset[str]:
    """The columns of a sheet whose plain texts pyxform shows in every language, without one text for each."""
    split = {name for row in rows for name in TRANSLATABLE & row.keys() if isinstance(row[name], list)}
    beside = _BESIDE if any(_TAKEN_APART & row.keys() for row in rows) else frozenset()
    return TRANSLATABLE - _TAKEN_APART - beside - split


def _spread(row: Row, plain: frozenset[str], kept: list[int]) -> Row:
    spread = dict(row)
    for name in TRANSLATABLE & row.keys():
        cell = row[name]
        if isinstance(cell, list):
            spread[name] = [cell[index] for index in kept]
        elif name not in plain:
            spread[name] = [cell] * len(kept)
    return spread
