from __future__ import annotations

from typing import Any

from formrelay.forms.content import normalise
from formrelay.forms.summary import summarise


def _summary(*rows: dict[str, Any], **sheets: Any) -> dict[str, Any]:
    return summarise(normalise({"survey": list(rows), **sheets}).content)


def test_notes_metadata_and_groups_are_no_questions() -> None:
    summary = _summary(
        {"type": "start", "name": "start"},
        {"type": "note", "name": "n", "label": "Note"},
        {"type": "begin_group", "name": "g", "label": "G"},
        {"type": "text", "name": "q", "label": "Q"},
        {"type": "end_group"},
    )
    assert (summary["row_count"], summary["labels"], summary["geo"]) == (1, ["Q"], False)


def test_at_most_five_labels_of_the_first_language_are_listed() -> None:
    rows = [{"type": "text", "name": f"q{i}", "label::en": f"E{i}", "label::fr": f"F{i}"} for i in range(7)]
    summary = _summary(*rows)
    assert summary["labels"] == ["E0", "E1", "E2", "E3", "E4"]
    assert (summary["languages"], summary["default_translation"]) == (["en", "fr"], "en")


def test_a_name_made_of_nothing_is_bad() -> None:
    summary = _summary({"type": "text", "label": "اسم", "$kuid": "abc123XYZ"})
    assert summary["name_quality"] == {
        "firsts": {"bad": {"name": "text_abc123XYZ", "index": 0, "label": ["اسم"]}},
        "bad": 1,
        "ok": 0,
        "good": 0,
        "total": 1,
    }


def test_names_used_twice_in_one_group_are_conflicts() -> None:
    row = {"type": "text", "name": "q", "label": "Q"}
    assert _summary(row, row)["naming_conflicts"] == ["q"]
    assert "naming_conflicts" not in _summary(row)


def test_locks_of_the_library_are_shown() -> None:
    row = {"type": "text", "name": "q", "label": "Q"}
    assert _summary(row, settings={"kobo--lock_all": "true"})["lock_all"] is True
    assert _summary({**row, "kobo--locking-profile": "p"})["lock_any"] is True


def test_a_form_without_rows_has_a_summary() -> None:
    assert _summary()["row_count"] == 0
