"""What a form's author left out: identifiers of rows, names made from labels, paths (contract assets §4.2)."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterable
from typing import Any, Final

from formrelay.forms.sheet_rows import ContentError, Row

_KUID_ALPHABET: Final = string.ascii_letters + string.digits
_KUID_LENGTH: Final = 9
# KoboToolbox's form builder gives end rows that of their group behind a slash.
_KUID: Final = re.compile(r"/?[A-Za-z0-9_-]{1,64}")
_NAME_LIMIT: Final = 40
MAX_DEPTH: Final = 50
# Of all paths of a form together: long names of nested groups multiply with the rows inside.
_MAX_PATHS: Final = 8_000_000
_NOT_NAME: Final = re.compile(r"[^A-Za-z0-9_]")
_UNDERSCORES: Final = re.compile(r"__+")
# Keys that a stored submission has beside the answers (contract submissions §6): no generated name may hide one.
_RESERVED: Final = frozenset(
    {
        "meta",
        "formhub",
        "_id",
        "_uuid",
        "_xform_id_string",
        "_attachments",
        "_status",
        "_geolocation",
        "_submission_time",
        "_validation_status",
        "_submitted_by",
        "_tags",
        "_notes",
    }
)


def assign_kuids(rows: list[Row]) -> None:
    """Give every row a ``$kuid`` that no other row has; the first row to bring one keeps it."""
    seen: set[str] = set()
    for row in rows:
        kuid = row.get("$kuid")
        if not isinstance(kuid, str) or kuid in seen or not _KUID.fullmatch(kuid):
            kuid = _new_kuid(seen)
        seen.add(kuid)
        row.pop("$kuid", None)
        row["$kuid"] = kuid


def _new_kuid(seen: set[str]) -> str:
    while True:
        kuid = "".join(random.choices(_KUID_ALPHABET, k=_KUID_LENGTH))
        if kuid not in seen:
            return kuid


def name_questions(survey: list[Row]) -> None:
    """Set ``$autoname`` and ``$xpath`` of all rows but end rows, and ``name`` of groups and repeats.

    Raises ContentError when groups are nested too deeply or paths grow out of all proportion.
    """
    names = _Names(str(row["name"]) for row in survey if "name" in row)
    groups: list[str] = []
    left = _MAX_PATHS
    for row in survey:
        for key in ("$autoname", "$xpath"):
            row.pop(key, None)
        kind = str(row["type"])
        if is_end(kind):
            if groups:
                groups.pop()
            continue
        name = str(row["name"]) if "name" in row else names.new(row)
        row["$autoname"] = name
        row["$xpath"] = "/".join([*groups, name])
        left -= len(row["$xpath"])
        if is_begin(kind):
            row.setdefault("name", name)
            groups.append(name)
        if len(groups) > MAX_DEPTH or left < 0:
            raise ContentError(
                f"Groups and repeats may be nested at most {MAX_DEPTH} deep, with names of a sane length."
            )


def name_choices(choices: list[Row]) -> None:
    """Set ``$autovalue`` of all choices, and ``name`` where there is none."""
    for row in choices:
        row.pop("$autovalue", None)
        label = first_text(row.get("label"))
        value = str(row.get("name") or "_".join(label.split()) or row["$kuid"])
        row.setdefault("name", value)
        row["$autovalue"] = value


def first_text(cell: Any) -> str:
    """The first text in an array of translations, stripped; empty when there is none."""
    texts = cell if isinstance(cell, list) else [cell]
    return next((text.strip() for text in texts if isinstance(text, str) and text.strip()), "")


def is_begin(type_: str) -> bool:
    """Whether a row of this type opens a group or repeat."""
    return type_.startswith(("begin_", "begin "))


def is_end(type_: str) -> bool:
    """Whether a row of this type closes a group or repeat."""
    return type_.startswith(("end_", "end "))


def generic_name(row: Row) -> str:
    """The name of a question whose label gives none: ``<type>_<kuid>``."""
    return _NOT_NAME.sub("_", f"{row['type']}_{row['$kuid']}")


class _Names:
    """Names of one form, compared without regard to case."""

    def __init__(self, given: Iterable[str]) -> None:
        self._taken = set(_RESERVED)
        self._taken.update(name.casefold() for name in given)
        self._numbers: dict[str, int] = {}

    def new(self, row: Row) -> str:
        """A free name for a question without one, made from its label."""
        base = "audit" if row["type"] == "audit" else _slug(first_text(row.get("label"))) or generic_name(row)
        name, number = base, self._numbers.get(base, 0)
        while name.casefold() in self._taken:
            number += 1
            name = f"{base}_{number:03d}"
        self._numbers[base] = number
        self._taken.add(name.casefold())
        return name


def _slug(label: str) -> str:
    slug = _UNDERSCORES.sub("_", _NOT_NAME.sub("_", label)).rstrip("_")
    if slug[:1].isdigit():
        slug = f"_{slug}"
    if len(slug) > _NAME_LIMIT:
        slug = _UNDERSCORES.sub("_", f"{slug[:20]}_{slug[-20:]}")
    return slug
