from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest

from formrelay.forms.content import ContentError, content_hash, normalise
from formrelay.forms.sheet_rows import MAX_CHARACTERS, MAX_QUESTIONS, MAX_ROWS, MAX_TEXT


def _survey(*rows: dict[str, Any], **sheets: Any) -> list[dict[str, Any]]:
    survey: list[dict[str, Any]] = normalise({"survey": list(rows), **sheets}).content["survey"]
    return survey


def _text(**cells: Any) -> dict[str, Any]:
    return {"type": "text", "name": "q", **cells}


def test_rows_without_a_type_or_a_list_name_are_dropped() -> None:
    content = normalise(
        {
            "survey": [{"name": "a"}, {"type": "", "name": "b"}, {"type": " ", "name": "c"}, _text()],
            "choices": [{"name": "x"}, {"list_name": "", "name": "y"}, {"list_name": "l", "name": "z"}],
        }
    ).content
    assert [row["name"] for row in content["survey"]] == ["q"]
    assert [row["name"] for row in content["choices"]] == ["z"]


def test_or_other_becomes_a_flag_beside_the_list() -> None:
    (row,) = _survey({"type": "select_one yn or_other", "name": "q", "label": "Q"})
    assert (row["type"], row["select_from_list_name"], row["_or_other"]) == ("select_one", "yn", True)


def test_a_list_from_a_file_is_named_apart() -> None:
    (row,) = _survey({"type": "select_one_from_file f.csv", "name": "q"})
    assert (row["type"], row["file"]) == ("select_one_from_file", "f.csv")
    assert "select_from_list_name" not in row


@pytest.mark.parametrize(
    ("cell", "stored"),
    [("true", True), ("YES", True), ("true()", True), (True, True), ("no", False), ("${a} = 1", "${a} = 1")],
)
def test_required_is_a_boolean_unless_it_is_an_expression(cell: Any, stored: Any) -> None:
    (row,) = _survey(_text(required=cell))
    assert row["required"] == stored


def test_metadata_rows_move_to_the_top_in_their_order() -> None:
    rows = _survey(
        _text(), {"type": "end", "name": "end"}, _text(name="r"), {"type": "start", "name": "start"}
    )
    assert [row["name"] for row in rows] == ["end", "start", "q", "r"]


def test_empty_cells_and_blank_expressions_are_removed() -> None:
    (row,) = _survey(_text(hint="", default=None, relevant="  ", appearance="", bind={}, label=["", None]))
    assert set(row) == {"type", "name", "$kuid", "$autoname", "$xpath"}


def test_hxl_becomes_tags() -> None:
    (row,) = _survey(_text(hxl="#affected +f"))
    assert row["tags"] == ["hxl:#affected", "hxl:+f"]


def test_the_version_question_is_taken_out() -> None:
    rows = _survey(_text(), {"type": "calculate", "name": "__version__", "calculation": "'v1'"})
    assert [row["name"] for row in rows] == ["q"]


def test_numbers_become_texts() -> None:
    content = normalise(
        {"survey": [_text(label=5)], "choices": [{"list_name": "l", "name": 1.0, "label": True}]}
    ).content
    assert content["survey"][0]["label"] == ["5"]
    assert content["choices"][0]["name"] == "1"


def test_characters_that_xml_cannot_hold_are_removed() -> None:
    (row,) = _survey(_text(label="a\x0b\ud800b"))
    assert row["label"] == ["ab"]


def test_every_row_gets_a_kuid_of_its_own() -> None:
    rows = _survey(
        _text(**{"$kuid": "abc123XYZ"}), _text(name="r", **{"$kuid": "abc123XYZ"}), {"type": "end_group"}
    )
    kuids = [row["$kuid"] for row in rows]
    assert kuids[0] == "abc123XYZ"
    assert len(set(kuids)) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9]{9}", kuid) for kuid in kuids)


def test_a_kuid_that_the_form_builder_gave_to_an_end_row_stays() -> None:
    rows = _survey(
        {"type": "begin_group", "$kuid": "abc123XYZ", "name": "g"},
        _text(),
        {"type": "end_group", "$kuid": "/abc123XYZ"},
    )
    assert [rows[0]["$kuid"], rows[2]["$kuid"]] == ["abc123XYZ", "/abc123XYZ"]


def test_settings_may_be_an_object_or_rows() -> None:
    for settings in ({"form_id": "hh", "style": ""}, [{"form_id": "hh"}, {"form_id": "other"}]):
        assert normalise({"survey": [], "settings": settings}).content["settings"] == {"id_string": "hh"}


def test_the_title_leaves_the_settings_without_line_breaks() -> None:
    normal = normalise({"settings": {"form_title": "Two\nlines\t"}})
    assert normal.title == "Twolines"
    assert normal.content["settings"] == {}


def test_content_without_choices_and_settings_is_fine() -> None:
    normal = normalise({"survey": [_text()]})
    assert normal.title is None
    assert (normal.content["choices"], normal.content["settings"]) == ([], {})


def test_further_sheets_of_an_xlsform_are_kept() -> None:
    entities = [{"list_name": "trees", "label": "${q}"}]
    assert normalise({"survey": [_text()], "entities": entities}).content["entities"] == entities


def test_the_argument_is_left_alone() -> None:
    content = {"survey": [{"type": "select_one yn", "label": "Q", "required": "yes"}]}
    normalise(content)
    assert content == {"survey": [{"type": "select_one yn", "label": "Q", "required": "yes"}]}


@pytest.mark.parametrize(
    "content",
    [
        [],
        "survey",
        {"survey": "rows"},
        {"survey": {"type": "text"}},
        {"survey": ["row"]},
        {"survey": [_text(name=["a"])]},
        {"survey": [_text(label=[["nested"]])]},
        {"survey": [_text(label={"en": "x"})]},
        {"survey": [_text(x={"a": {"b": {}}})]},
        {"survey": [_text(label="x" * (MAX_TEXT + 1))]},
        {"survey": [{}] * (MAX_QUESTIONS + 1)},
        {"choices": [{}] * (MAX_ROWS + 1)},
        {"survey": [_text(label="x" * MAX_TEXT)] * (MAX_CHARACTERS // MAX_TEXT + 1)},
        {"survey": [{f"c{number}": "x" for number in range(1001)}]},
        {"survey": [{"type": "begin_group", "name": "g"}] * 51},
        {"translations": "English"},
        {"translations": ["a", "a"]},
        {"translations": [str(number) for number in range(101)]},
        {"settings": "x"},
    ],
)
def test_what_is_no_form_content_is_refused(content: Any) -> None:
    with pytest.raises(ContentError) as error:
        normalise(content)
    assert error.value.messages


def test_a_list_may_have_thirty_thousand_choices() -> None:
    choices = [{"list_name": "village", "name": f"v{number}"} for number in range(30_000)]
    assert len(normalise({"choices": choices}).content["choices"]) == 30_000


def test_padding_for_many_languages_is_bounded() -> None:
    rows = [{"type": "text", "label": ["x"]}] * 20_000
    with pytest.raises(ContentError, match="translated cells"):
        normalise({"survey": rows, "translations": [str(number) for number in range(100)]})


def test_paths_of_long_names_are_bounded() -> None:
    groups = [{"type": "begin_group", "name": "g" * 50_000}] * 10
    with pytest.raises(ContentError, match="nested"):
        normalise({"survey": groups + [_text()] * 100})


def test_the_hash_ignores_the_order_of_keys_and_nothing_else() -> None:
    content = normalise({"survey": [_text(label="Q")]}).content
    shuffled = dict(reversed(content.items()))
    assert content_hash(content) == content_hash(shuffled)
    assert re.fullmatch(r"[0-9a-f]{40}", content_hash(content))
    changed = {**content, "survey": [{**content["survey"][0], "$kuid": "another12"}]}
    assert content_hash(changed) != content_hash(content)


def test_reading_content_needs_no_spreadsheet_library() -> None:
    script = (
        "import sys, formrelay.forms.content, formrelay.forms.summary, formrelay.forms.sheets\n"
        "print(*{'pyxform', 'openpyxl', 'xlrd', 'boto3', 'botocore'} & set(sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert loaded.split() == []
