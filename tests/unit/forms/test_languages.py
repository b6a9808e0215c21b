from __future__ import annotations

from typing import Any

import pytest

from formrelay.forms.content import ContentError, normalise

EN, FR = "English (en)", "French (fr)"


def _row(**cells: Any) -> dict[str, Any]:
    return {"type": "text", "name": "q", **cells}


def test_languages_stand_in_column_order_and_a_missing_text_is_null() -> None:
    content = normalise(
        {
            "survey": [
                _row(**{f"label::{EN}": "A", f"label::{FR}": "B", f"constraint_message::{FR}": "C"}),
                _row(name="r", **{f"label::{FR}": "D", f"media::image::{EN}": "i.png"}),
            ]
        }
    ).content
    assert content["translations"] == [EN, FR]
    assert content["translated"] == ["constraint_message", "label", "media::image"]
    first, second = content["survey"]
    assert (first["label"], first["constraint_message"]) == (["A", "B"], [None, "C"])
    assert (second["label"], second["media::image"]) == ([None, "D"], ["i.png", None])


def test_a_column_without_suffix_is_the_null_language() -> None:
    content = normalise({"survey": [_row(label="A", **{f"label::{FR}": "B"})]}).content
    assert content["translations"] == [None, FR]
    assert content["survey"][0]["label"] == ["A", "B"]


def test_an_untranslated_message_stays_a_text() -> None:
    content = normalise({"survey": [_row(label="A", constraint_message="No")]}).content
    assert content["survey"][0]["constraint_message"] == "No"
    assert content["translated"] == ["label"]


def test_the_order_of_empty_columns_counts_but_they_add_no_language() -> None:
    header = {f"label::{EN}": "", f"label::{FR}": "", "label::Unused": ""}
    content = normalise(
        {
            "survey": [
                _row(**header),
                _row(name="r", **{f"label::{FR}": "B"}),
                _row(name="s", **{f"label::{EN}": "A"}),
            ]
        }
    ).content
    assert content["translations"] == [EN, FR]


def test_the_default_language_moves_to_the_front_of_every_array() -> None:
    content = normalise(
        {
            "survey": [_row(**{f"label::{EN}": "A", f"label::{FR}": "B"})],
            "choices": [{"list_name": "l", "name": "n", f"label::{EN}": "C", f"label::{FR}": "D"}],
            "settings": {"default_language": FR},
        }
    ).content
    assert content["translations"] == [FR, EN]
    assert content["survey"][0]["label"] == ["B", "A"]
    assert content["choices"][0]["label"] == ["D", "C"]


def test_a_default_language_that_the_form_lacks_is_an_error() -> None:
    with pytest.raises(ContentError) as error:
        normalise(
            {
                "survey": [_row(**{f"label::{EN}": "A", f"label::{FR}": "B"})],
                "settings": {"default_language": "es"},
            }
        )
    assert error.value.messages == [
        "`es` is specified as the default language, "
        "but only these translations are present in the form: `English (en)`, `French (fr)`"
    ]


def test_a_default_language_names_the_texts_of_a_form_without_any_other() -> None:
    content = normalise({"survey": [_row(label="A")], "settings": {"default_language": EN}}).content
    assert content["translations"] == [None]
    assert content["settings"] == {"default_language": EN}


def test_arrays_without_translations_mean_one_unnamed_language() -> None:
    content = normalise({"survey": [_row(label=["A"])]}).content
    assert (content["translations"], content["survey"][0]["label"]) == ([None], ["A"])


def test_arrays_without_translations_take_those_of_the_stored_form() -> None:
    content = normalise({"survey": [_row(label=["A", "B"])]}, stored_translations=[EN, FR]).content
    assert content["translations"] == [EN, FR]


def test_raw_columns_bring_their_own_languages() -> None:
    content = normalise({"survey": [_row(label="A")]}, stored_translations=[EN, FR]).content
    assert content["translations"] == [None]


def test_a_bare_text_among_arrays_belongs_to_the_first_language() -> None:
    content = normalise({"survey": [_row(label=["A", "B"], hint="H")], "translations": [EN, FR]}).content
    assert content["survey"][0]["hint"] == ["H", None]


def test_more_texts_than_translations_are_refused() -> None:
    with pytest.raises(ContentError, match="`label` has 2 texts, but the form has 1 translations"):
        normalise({"survey": [_row(label=["A", "B"])]})


def test_fewer_texts_than_translations_are_padded() -> None:
    content = normalise({"survey": [_row(label=["A"])], "translations": [EN, FR]}).content
    assert content["survey"][0]["label"] == ["A", None]
