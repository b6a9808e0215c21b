"""Normal form of form content: what is stored, shown to clients and compiled (contract assets §4.1–4.2).

Content goes in as spreadsheet rows, or already normalised, or partly so; normalising twice changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from formrelay.forms.columns import FILE_TYPES, METADATA_TYPES, parse_header, parse_type
from formrelay.forms.languages import Languages, put_first, translated_columns
from formrelay.forms.names import assign_kuids, name_choices, name_questions
from formrelay.forms.sheet_rows import ContentError, Row, read_rows, read_settings

__all__ = ["ContentError", "Normalised", "content_hash", "normalise"]

SCHEMA: Final = "1"
VERSION_QUESTION: Final = "__version__"
# Further sheets of an XLSForm, kept as they are for the compiler.
EXTRA_SHEETS: Final = ("external_choices", "entities", "osm")

_IDENTIFIERS: Final = frozenset({"type", "name", "list_name", "select_from_list_name", "file"})
_YES: Final = frozenset({"true", "yes", "true()"})
_NO: Final = frozenset({"false", "no", "false()"})
_TITLE_BREAKS: Final = re.compile(r"[\r\n\t]+")
_HXL_PARTS: Final = re.compile(r"[#+][^#+\s]+")


class Normalised(NamedTuple):
    """Content in normal form, and the title that its settings carried (None: keep the project's name)."""

    content: dict[str, Any]
    title: str | None


def normalise(content: Mapping[str, Any], stored_translations: list[str | None] | None = None) -> Normalised:
    """Bring content into normal form; the argument stays as it is.

    ``stored_translations`` are the languages of the form that this content replaces: they hold for label arrays
    that come without ``translations``. Raises ContentError for what is no form content, or too large, and when
    the default language is none of the translations.
    """
    if not isinstance(content, Mapping):
        raise ContentError("Content must be an object with the sheets of a form.")
    sheets = {name: read_rows(content.get(name), name) for name in ("survey", "choices")}
    settings = _settings(content.get("settings"))
    title = settings.pop("form_title", None)

    languages = Languages(sheets, content.get("translations"), stored_translations)
    survey = _questions([languages.arrange(row, "survey") for row in sheets["survey"]])
    choices = _filled([languages.arrange(row, "choices") for row in sheets["choices"]], "list_name")
    rows = survey + choices
    names = languages.names
    if default := settings.get("default_language"):
        names = put_first(str(default), names, rows)
    assign_kuids(rows)
    name_questions(survey)
    name_choices(choices)

    normal: dict[str, Any] = {
        "schema": SCHEMA,
        "translations": names,
        "translated": translated_columns(rows),
        "settings": settings,
        "survey": survey,
        "choices": choices,
    }
    normal |= {name: read_rows(content[name], name) for name in EXTRA_SHEETS if content.get(name)}
    return Normalised(
        normal, _TITLE_BREAKS.sub("", str(title)).strip() or None if title is not None else None
    )


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-1 over all of the content, whatever the order of its keys: 40 hex digits (contract assets §4.5)."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _settings(value: Any) -> Row:
    settings: Row = {}
    for header, cell in read_settings(value).items():
        settings.setdefault(parse_header(header, "settings").name, cell)
    return settings


def _questions(rows: list[Row]) -> list[Row]:
    """Survey rows with their types taken apart, metadata in front, without blank and ``__version__`` rows."""
    questions = [_question(row) for row in _filled(rows, "type")]
    questions = [
        row for row in questions if row.get("name") != VERSION_QUESTION or row["type"] != "calculate"
    ]
    return [row for row in questions if row["type"] in METADATA_TYPES] + [
        row for row in questions if row["type"] not in METADATA_TYPES
    ]


def _question(row: Row) -> Row:
    kind = parse_type(row["type"])
    question = {**row, "type": kind.type}
    target = "file" if kind.type in FILE_TYPES else "select_from_list_name"
    if kind.file or kind.list_name:
        question[target] = kind.file or kind.list_name
    if kind.or_other:
        question["_or_other"] = True
    if isinstance(required := question.get("required"), str):
        question["required"] = _truth(required)
    if isinstance(hxl := question.pop("hxl", None), str):
        question["tags"] = _tags(question.get("tags")) + [f"hxl:{part}" for part in _HXL_PARTS.findall(hxl)]
    for name in ("relevant", "appearance", "bind"):
        if isinstance(question.get(name), str) and not question[name].strip():
            del question[name]
    return {name: cell for name, cell in question.items() if cell != []}


def _truth(text: str) -> bool | str:
    word = text.strip().lower()
    return True if word in _YES else False if word in _NO else text


def _tags(cell: Any) -> list[str]:
    return [str(tag) for tag in cell] if isinstance(cell, list) else [str(cell)] if cell else []


def _filled(rows: list[Row], key: str) -> list[Row]:
    """The rows that have ``key``, with their identifiers as plain text; those without any text dropped.

    Raises ContentError when an identifier is a list or an object.
    """
    for row in rows:
        for name in _IDENTIFIERS & row.keys():
            cell = row[name]
            if isinstance(cell, (list, dict)):
                raise ContentError(f"`{name}` must be text.")
            row[name] = str(cell).lower() if isinstance(cell, bool) else str(cell).strip()
            if not row[name]:
                del row[name]
    return [row for row in rows if key in row]
