from __future__ import annotations

from formrelay.forms.content import normalise
from formrelay.forms.sheets import flatten, headers

CONTENT = normalise(
    {
        "survey": [
            {"type": "text", "label::English (en)": "Who?", "label::French (fr)": "Qui ?"},
            {"type": "select_one yn or_other", "name": "ok", "label::French (fr)": "OK ?", "required": "yes"},
            {"type": "select_one_from_file f.csv", "name": "f", "label": "F", "hxl": "#adm1+code"},
            {"type": "begin_group", "name": "g", "label": "G", "bind": {"relevant": "1"}},
            {"type": "end_group"},
        ],
        "choices": [{"list_name": "yn", "label": "No way", "filter": "x"}],
        "settings": {"id_string": "hh", "allow_choice_duplicates": True},
        "entities": [{"list_name": "trees", "label": "x"}],
    }
).content


def test_content_is_flattened_to_the_columns_of_an_xlsform() -> None:
    assert flatten(CONTENT) == {
        "survey": [
            {"type": "text", "name": "Who", "label::English (en)": "Who?", "label::French (fr)": "Qui ?"},
            {
                "type": "select_one yn or_other",
                "name": "ok",
                "label::French (fr)": "OK ?",
                "required": "true",
            },
            {"type": "select_one_from_file f.csv", "name": "f", "label": "F", "hxl": "#adm1+code"},
            {"type": "begin_group", "name": "g", "label": "G", "bind::relevant": "1"},
            {"type": "end_group"},
        ],
        "choices": [{"list_name": "yn", "name": "No_way", "label": "No way", "filter": "x"}],
        "settings": {"id_string": "hh", "allow_choice_duplicates": "true"},
        "entities": [{"list_name": "trees", "label": "x"}],
    }


def test_the_unnamed_language_can_be_given_a_name() -> None:
    assert flatten(CONTENT, null_language="default")["choices"][0]["label::default"] == "No way"


def test_columns_of_one_text_stand_together_in_the_order_of_languages() -> None:
    rows = [{"type": "text", "label::fr": "B", "hint": "H"}, {"type": "text", "label::en": "A", "x": "X"}]
    assert headers(rows, ["en", "fr", None]) == ["type", "label::en", "label::fr", "hint", "x"]


def test_flattened_content_normalises_to_the_same_questions() -> None:
    again = normalise(flatten(CONTENT)).content
    for row in again["survey"] + again["choices"]:
        del row["$kuid"]
    before = [{key: cell for key, cell in row.items() if key != "$kuid"} for row in CONTENT["survey"]]
    before[0]["name"] = before[0]["$autoname"]
    before[3]["bind::relevant"] = before[3].pop("bind")["relevant"]
    assert again["survey"] == before
