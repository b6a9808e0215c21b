"""What lists of projects say about a form without showing it (contract assets §4.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from formrelay.forms.columns import GEO_TYPES, METADATA_TYPES
from formrelay.forms.names import generic_name, is_begin, is_end
from formrelay.forms.sheet_rows import Row

_FIRST_LABELS: Final = 5
_LOCK_ALL: Final = "kobo--lock_all"
_LOCK_ROW: Final = "kobo--locking-profile"


def summarise(content: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of content in normal form."""
    survey: list[Row] = content["survey"]
    translations: list[str | None] = content["translations"]
    questions = [(index, row) for index, row in enumerate(survey) if _counts(row)]
    lock_all = str(content["settings"].get(_LOCK_ALL, "")).lower() == "true"
    summary: dict[str, Any] = {
        "row_count": len(questions),
        "languages": translations,
        "default_translation": translations[0],
        "geo": any(row["type"] in GEO_TYPES for row in survey),
        "lock_all": lock_all,
        "lock_any": lock_all or any(_LOCK_ROW in row for row in survey),
        "labels": [row["label"][0] for _, row in questions if row.get("label", [None])[0]][:_FIRST_LABELS],
        "columns": _columns(survey),
        "name_quality": _name_quality(questions),
    }
    if conflicts := _conflicts(survey):
        summary["naming_conflicts"] = conflicts
    return summary


def _counts(row: Row) -> bool:
    kind = row["type"]
    return not (kind == "note" or kind in METADATA_TYPES or is_begin(kind) or is_end(kind))


def _columns(survey: list[Row]) -> list[str]:
    rows = (row for row in survey if row["type"] not in METADATA_TYPES and not is_end(row["type"]))
    return [name for name in dict.fromkeys(name for row in rows for name in row) if not name.startswith("$")]


def _name_quality(questions: list[tuple[int, Row]]) -> dict[str, Any]:
    """How questions got their names: given (good), made from the label (ok), made from nothing (bad)."""
    counts = {"bad": 0, "ok": 0, "good": 0}
    firsts: dict[str, Any] = {}
    for index, row in questions:
        quality = _quality(row)
        counts[quality] += 1
        if quality != "good" and quality not in firsts:
            firsts[quality] = {"name": row["$autoname"], "index": index, "label": row.get("label")}
    return {"firsts": firsts, **counts, "total": len(questions)}


def _quality(row: Row) -> str:
    if "name" in row:
        return "good"
    return "bad" if row["$autoname"] == generic_name(row) else "ok"


def _conflicts(survey: list[Row]) -> list[str]:
    """Names that two questions of one group share, so that the form cannot be deployed."""
    counts = Counter(row["$xpath"] for row in survey if "$xpath" in row)
    return list(dict.fromkeys(path.rpartition("/")[2] for path, count in counts.items() if count > 1))
