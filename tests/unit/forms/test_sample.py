from __future__ import annotations

import json
from typing import Any

import pytest

from formrelay.forms import sample
from formrelay.forms.columns import METADATA_TYPES
from formrelay.forms.content import normalise
from tests.support.forms import data_form


def filled(*survey: dict[str, Any], choices: list[dict[str, Any]] | None = None) -> sample.Sample:
    return sample.fill(normalise({"survey": list(survey), "choices": choices or []}).content)


def question(type_: str, name: str) -> dict[str, Any]:
    return {"type": type_, "name": name, "label": name}


def test_groups_become_objects_and_repeats_lists_of_one() -> None:
    made = filled(
        question("begin_group", "hh"),
        question("begin_repeat", "member"),
        question("text", "who"),
        question("begin_repeat", "dose"),
        question("date", "day"),
        {"type": "end_repeat"},
        {"type": "end_repeat"},
        question("integer", "size"),
        {"type": "end_group"},
        question("decimal", "weight"),
    )
    assert made.answers == {
        "hh": {"member": [{"who": "Sample answer", "dose": [{"day": "2026-01-31"}]}], "size": "3"},
        "weight": "1.5",
    }
    assert made.repeats == ["hh/member", "hh/member/dose"]


def test_choices_are_answered_with_names_from_their_list() -> None:
    made = filled(
        question("select_one fruit", "one"),
        question("select_multiple fruit", "some"),
        question("rank fruit", "all"),
        question("select_one nosuch", "none"),
        question("select_one_from_file shops.csv", "shop"),
        choices=[{"list_name": "fruit", "name": name, "label": name} for name in ("fig", "kiwi", "plum")],
    )
    assert made.answers == {"one": "fig", "some": "fig kiwi", "all": "fig kiwi plum", "shop": "sample"}


def test_geopoints_outside_repeats_and_files_are_named_in_form_order() -> None:
    made = filled(
        question("begin_repeat", "visit"),
        question("geopoint", "inside"),
        question("image", "photo"),
        {"type": "end_repeat"},
        question("geopoint", "place"),
        question("audio", "talk"),
    )
    assert made.geopoints == ["place"]
    assert made.media == ["visit/photo", "talk"]
    assert (made.answers["visit"][0]["photo"], made.answers["talk"]) == ("sample-1.jpg", "sample-2.m4a")


@pytest.mark.parametrize("type_", ["note", "xml-external", "audit", "no such type"])
def test_what_is_never_answered_stays_out(type_: str) -> None:
    assert filled(question(type_, "x")).answers == {}


@pytest.mark.parametrize("type_", sorted(METADATA_TYPES - {"audit", "subscriberid", "simserial"}))
def test_what_a_phone_notes_by_itself_is_answered(type_: str) -> None:
    assert filled(question(type_, "x")).answers["x"]


def test_ends_without_a_beginning_do_no_harm() -> None:
    made = filled({"type": "end_group"}, question("text", "a"), {"type": "end_repeat"}, question("text", "b"))
    assert list(made.answers) == ["a", "b"]


def test_an_empty_form_has_no_answers() -> None:
    assert filled() == sample.Sample()


@pytest.mark.parametrize("form", ["food_security", "birth_history"])
def test_the_same_form_gives_the_same_answers(form: str) -> None:
    content = normalise(data_form(form)).content
    assert json.dumps(sample.fill(content).answers) == json.dumps(sample.fill(content).answers)
    assert len(sample.fill(content).answers) >= 3
