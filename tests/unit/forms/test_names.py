from __future__ import annotations

from typing import Any

import pytest

from formrelay.forms.content import normalise


def _names(*rows: dict[str, Any]) -> list[str]:
    survey = normalise({"survey": list(rows)}).content["survey"]
    return [row["$autoname"] for row in survey if "$autoname" in row]


def _labelled(*labels: str) -> list[dict[str, Any]]:
    return [{"type": "text", "label": label} for label in labels]


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Full name?", "Full_name"),
        ("Age -- in years", "Age_in_years"),
        ("1st visit", "_1st_visit"),
        ("Prénom", "Pr_nom"),
        ("  Spaces  ", "Spaces"),
        ("a" * 41, "a" * 20 + "_" + "a" * 20),
        ("a" * 40, "a" * 40),
    ],
)
def test_a_name_is_made_from_the_label(label: str, name: str) -> None:
    assert _names(*_labelled(label)) == [name]


def test_a_label_without_latin_letters_gives_type_and_kuid() -> None:
    (row,) = normalise({"survey": [{"type": "text", "label": "اسم", "$kuid": "abc123XYZ"}]}).content["survey"]
    assert row["$autoname"] == "text_abc123XYZ"
    assert "name" not in row


def test_the_first_label_that_is_filled_counts() -> None:
    row = {"type": "text", "label": [None, "Nom"]}
    survey = normalise({"survey": [row], "translations": ["en", "fr"]}).content["survey"]
    assert survey[0]["$autoname"] == "Nom"


def test_clashes_are_numbered_whatever_the_case() -> None:
    assert _names(*_labelled("Age", "age", "AGE")) == ["Age", "age_001", "AGE_002"]


def test_a_given_name_further_down_is_not_taken() -> None:
    assert _names(*_labelled("Age"), {"type": "integer", "name": "age"}) == ["Age_001", "age"]


def test_given_names_are_kept_even_twice() -> None:
    row = {"type": "text", "name": "q", "label": "Q"}
    assert _names(row, row) == ["q", "q"]


def test_no_made_name_hides_a_key_of_the_record() -> None:
    assert _names(*_labelled("-id", "meta")) == ["_id_001", "meta_001"]


def test_paths_name_the_groups_around_a_row() -> None:
    survey = normalise(
        {
            "survey": [
                {"type": "begin group", "name": "g"},
                {"type": "begin repeat", "label": "Members of it"},
                {"type": "text", "name": "a"},
                {"type": "end repeat"},
                {"type": "text", "name": "b"},
                {"type": "end group"},
                {"type": "end group"},
                {"type": "text", "name": "c"},
            ]
        }
    ).content["survey"]
    assert [row.get("$xpath") for row in survey] == [
        "g", "g/Members_of_it", "g/Members_of_it/a", None, "g/b", None, None, "c",
    ]  # fmt: skip
    assert survey[1]["name"] == "Members_of_it"


def test_a_choice_without_a_name_gets_its_label_with_underscores() -> None:
    choices = normalise({"choices": [{"list_name": "l", "label": "No  way, José"}]}).content["choices"]
    assert choices[0]["name"] == choices[0]["$autovalue"] == "No_way,_José"


def test_a_choice_with_neither_name_nor_label_gets_its_kuid() -> None:
    (choice,) = normalise({"choices": [{"list_name": "l", "$kuid": "abc123XYZ"}]}).content["choices"]
    assert choice["name"] == "abc123XYZ"


def test_many_rows_of_one_label_are_named_in_linear_time() -> None:
    names = _names(*_labelled(*["Same"] * 5_000))
    assert names[-1] == "Same_4999"
