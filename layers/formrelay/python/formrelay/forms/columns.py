"""Column headers and question types of XLSForms: aliases in, the names that stored content uses out.

Headers are matched without regard to case and spaces (``Constraint Message``); what is unknown stays as it is,
since choice filters may refer to any column of the choices sheet (contract assets §4.1, xlsform.org).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MEDIA: Final = ("image", "big-image", "audio", "video")
MEDIA_COLUMNS: Final = frozenset(f"media::{kind}" for kind in MEDIA)
# Arrays in every form, one entry per language; the rest of TRANSLATABLE only where a language is named.
ALWAYS_TRANSLATED: Final = frozenset({"label", "hint"}) | MEDIA_COLUMNS
TRANSLATABLE: Final = ALWAYS_TRANSLATED | {"guidance_hint", "constraint_message", "required_message"}

METADATA_TYPES: Final = frozenset(
    {
        "start",
        "end",
        "today",
        "deviceid",
        "username",
        "phonenumber",
        "subscriberid",
        "simserial",
        "email",
        "audit",
        "start-geopoint",
        "background-audio",
    }
)
FILE_TYPES: Final = frozenset({"select_one_from_file", "select_multiple_from_file"})
GEO_TYPES: Final = frozenset({"geopoint", "geotrace", "geoshape"})

_SHARED_ALIASES: Final = {"caption": "label", "value": "name"}
_ALIASES: Final[dict[str, dict[str, str]]] = {
    "survey": _SHARED_ALIASES
    | {
        "command": "type",
        "tag": "name",
        "relevance": "relevant",
        "readonly": "read_only",
        "calculate": "calculation",
        "count": "repeat_count",
        "jr:count": "repeat_count",
        "constraining_message": "constraint_message",
        "jr:constraintmsg": "constraint_message",
        "requiredmsg": "required_message",
        "jr:requiredmsg": "required_message",
    },
    "choices": _SHARED_ALIASES,
    "settings": {
        "form_id": "id_string",
        "set_form_id": "id_string",
        "set_form_title": "form_title",
    },
}
_KNOWN: Final[dict[str, frozenset[str]]] = {
    "survey": TRANSLATABLE
    | {
        "type",
        "name",
        "required",
        "relevant",
        "constraint",
        "calculation",
        "appearance",
        "default",
        "read_only",
        "repeat_count",
        "choice_filter",
        "parameters",
        "trigger",
        "save_to",
        "hxl",
        "disabled",
        "list_name",
    },
    "choices": TRANSLATABLE | {"list_name", "name"},
    "settings": frozenset(
        {"form_title", "id_string", "default_language", "version", "style", "instance_name"}
    ),
}
# First part of headers that reach into the XForm: ``bind::odk:length``, ``body:accuracyThreshold``.
_XFORM_PREFIXES: Final = frozenset({"bind", "body", "control", "instance"})

_SELECTS: Final = {
    "select_one": "select_one",
    "select one": "select_one",
    "select1": "select_one",
    "select one from": "select_one",
    "add select one prompt using": "select_one",
    "select_multiple": "select_multiple",
    "select multiple": "select_multiple",
    "select all that apply": "select_multiple",
    "select all that apply from": "select_multiple",
    "add select multiple prompt using": "select_multiple",
    "rank": "rank",
    "select_one_external": "select_one_external",
    "select_one_from_file": "select_one_from_file",
    "select one from file": "select_one_from_file",
    "select_multiple_from_file": "select_multiple_from_file",
    "select multiple from file": "select_multiple_from_file",
}
_SELECT: Final = re.compile(
    rf"({'|'.join(sorted(_SELECTS, key=len, reverse=True))}) (\S+)( (?:or specify other|or_other|or other))?",
    re.IGNORECASE,
)
_CONTROL: Final = re.compile(r"(begin|end)[ _](looped group|lgroup|\w+)", re.IGNORECASE)
_CONTROL_ALIASES: Final = {"looped group": "repeat", "lgroup": "repeat"}
_TYPE_ALIASES: Final = {
    "int": "integer",
    "string": "text",
    "photo": "image",
    "gps": "geopoint",
    "location": "geopoint",
    "imei": "deviceid",
    "device id": "deviceid",
    "start time": "start",
    "end time": "end",
}


class Column(NamedTuple):
    """A header taken apart. ``language`` is None where the header names none."""

    name: str
    language: str | None = None


class RowType(NamedTuple):
    """The type cell of a survey row taken apart."""

    type: str
    list_name: str | None = None
    file: str | None = None
    or_other: bool = False


def parse_header(header: str, sheet: str) -> Column:
    """The stored column and the language of ``header``, e.g. ``image::French (fr)`` → ``media::image``, French (fr)."""
    header = header.strip()
    if header.startswith("$"):
        return Column(header)
    whole = _canonical(header, sheet)
    if whole is not None:
        return Column(whole)
    double = "::" in header
    parts = [part.strip() for part in header.split("::" if double else ":")]
    first = parts[0].lower()
    if first == "media" and len(parts) > 1 and parts[1].lower() in MEDIA:
        return _translated(f"media::{parts[1].lower()}", parts[2:])
    base = _canonical(parts[0], sheet)
    if base in TRANSLATABLE:
        return _translated(base, parts[1:])
    if first in _XFORM_PREFIXES and len(parts) > 1 and not double:
        return Column(f"{first}::{header.partition(':')[2].strip()}")
    return Column(header)


def _canonical(header: str, sheet: str) -> str | None:
    name = "_".join(header.split()).lower()
    name = _ALIASES.get(sheet, {}).get(name, name)
    if name in MEDIA and sheet != "settings":
        return f"media::{name}"
    return name if name in _KNOWN.get(sheet, ()) else None


def _translated(name: str, rest: list[str]) -> Column:
    return Column(name, "::".join(rest).strip() or None)


def is_misread(header: str, sheet: str) -> bool:
    """Whether a stored column of the survey or of the choices stands for nothing.

    It names a language though it has none (``default::French``), or two, or lacks what its first part needs (``bind``).
    """
    column = parse_header(header, sheet)
    if column.name in TRANSLATABLE:
        return "::" in (column.language or "")
    first, double, _ = column.name.partition("::")
    if not double:
        return first.lower() in _XFORM_PREFIXES | {"media"}
    return sheet == "choices" or _canonical(first, sheet) in _KNOWN["survey"]


def parse_type(text: str) -> RowType:
    """Split ``select_one yn or_other`` and its kin; unify the spelling of groups, repeats and common aliases."""
    text = " ".join(text.split())
    if select := _SELECT.fullmatch(text):
        kind, target, other = _SELECTS[select[1].lower()], select[2], select[3] is not None
        if kind in FILE_TYPES:
            return RowType(kind, file=target, or_other=other)
        return RowType(kind, list_name=target, or_other=other)
    if control := _CONTROL.fullmatch(text):
        what = control[2].lower()
        return RowType(f"{control[1].lower()}_{_CONTROL_ALIASES.get(what, what)}")
    return RowType(_TYPE_ALIASES.get(text.lower(), text))


def join_type(type_: str, list_name: str | None, file: str | None, or_other: bool) -> str:
    """The inverse of :func:`parse_type`: the type cell of a spreadsheet."""
    target = file if type_ in FILE_TYPES else list_name
    if not target:
        return type_
    return f"{type_} {target}{' or_other' if or_other else ''}"
