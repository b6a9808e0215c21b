"""Stored content back into the sheets of an XLSForm, for downloads and for the compiler (contract assets §8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from formrelay.forms.columns import FILE_TYPES, TRANSLATABLE, join_type
from formrelay.forms.content import EXTRA_SHEETS
from formrelay.forms.names import is_end
from formrelay.forms.sheet_rows import Row

Cells = dict[str, str]

_INTO_TYPE: Final = frozenset({"type", "select_from_list_name", "file", "_or_other"})
_HXL: Final = "hxl:"


def flatten(content: Mapping[str, Any], null_language: str | None = None) -> dict[str, Any]:
    """Content in normal form as sheets: ``survey`` and ``choices`` as rows of texts, ``settings`` as one object.

    Types are joined (``select_one yn``), names filled, one ``label::French (fr)`` column stands for each language,
    ``$`` columns are gone. ``null_language`` names the columns without a language; None leaves them bare.
    """
    suffixes = [_suffix(language, null_language) for language in content["translations"]]
    sheets: dict[str, Any] = {
        "survey": [_question(row, suffixes) for row in content["survey"]],
        "choices": [_choice(row, suffixes) for row in content["choices"]],
        "settings": {name: _text(cell) for name, cell in content["settings"].items() if _is_scalar(cell)},
    }
    for name in EXTRA_SHEETS:
        if rows := content.get(name):
            sheets[name] = [dict(_plain(row)) for row in rows]
    return sheets


def headers(rows: Iterable[Mapping[str, str]], translations: Iterable[str | None]) -> list[str]:
    """The columns of flattened rows: as they first appear, the languages of one column side by side and in order."""
    suffixes = [_suffix(language, None) for language in translations]
    present = dict.fromkeys(name for row in rows for name in row)
    ordered: dict[str, None] = {}
    for name in present:
        base = next((base for base in TRANSLATABLE if name == base or name.startswith(f"{base}::")), None)
        names = [f"{base}{suffix}" for suffix in suffixes] if base else []
        ordered.update(dict.fromkeys(variant for variant in names if variant in present))
        ordered[name] = None
    return list(ordered)


def _question(row: Row, suffixes: list[str]) -> Cells:
    or_other = str(row.get("_or_other", "")).lower() == "true"
    cells = {"type": join_type(row["type"], row.get("select_from_list_name"), row.get("file"), or_other)}
    if "name" in row:
        cells["name"] = row["name"]
    elif not is_end(row["type"]):
        cells["name"] = row["$autoname"]
    for name, cell in row.items():
        if name == "tags":
            cells |= _tags(cell)
        elif name not in _INTO_TYPE or (name == "file" and row["type"] not in FILE_TYPES):
            cells |= _expand(name, cell, suffixes)
    return cells


def _choice(row: Row, suffixes: list[str]) -> Cells:
    cells = {name: row[name] for name in ("list_name", "name")}
    for name, cell in row.items():
        cells |= _expand(name, cell, suffixes)
    return cells


def _expand(name: str, cell: Any, suffixes: list[str]) -> Cells:
    if name.startswith("$"):
        return {}
    if isinstance(cell, list):
        if name not in TRANSLATABLE:
            return {}
        return {
            f"{name}{suffix}": text for suffix, text in zip(suffixes, cell, strict=True) if text is not None
        }
    if isinstance(cell, dict):
        return {f"{name}::{part}": _text(value) for part, value in cell.items() if value not in ("", None)}
    return {name: _text(cell)}


def _tags(cell: Any) -> Cells:
    tags = [str(tag) for tag in cell] if isinstance(cell, list) else [str(cell)]
    hxl = "".join(tag.removeprefix(_HXL) for tag in tags if tag.startswith(_HXL))
    return {"hxl": hxl} if hxl else {}


def _plain(row: Row) -> Iterable[tuple[str, str]]:
    return ((name, _text(cell)) for name, cell in row.items() if _is_scalar(cell) and cell != "")


def _suffix(language: str | None, null_language: str | None) -> str:
    name = language if language is not None else null_language
    return "" if name is None else f"::{name}"


def _is_scalar(cell: Any) -> bool:
    return isinstance(cell, (str, bool))


def _text(cell: Any) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell)
