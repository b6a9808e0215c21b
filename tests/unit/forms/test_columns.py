from __future__ import annotations

import pytest

from formrelay.forms.columns import Column, RowType, join_type, parse_header, parse_type


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("label", Column("label")),
        ("Label", Column("label")),
        ("label::English (en)", Column("label", "English (en)")),
        ("label :: English (en)", Column("label", "English (en)")),
        ("label:French", Column("label", "French")),
        ("Constraint Message::French (fr)", Column("constraint_message", "French (fr)")),
        ("jr:constraintMsg", Column("constraint_message")),
        ("media::image", Column("media::image")),
        ("media::image::French (fr)", Column("media::image", "French (fr)")),
        ("image::French (fr)", Column("media::image", "French (fr)")),
        ("audio", Column("media::audio")),
        ("relevance", Column("relevant")),
        ("calculate", Column("calculation")),
        ("jr:count", Column("repeat_count")),
        ("bind::odk:length", Column("bind::odk:length")),
        ("bind:relevant", Column("bind::relevant")),
        ("body::accuracyThreshold", Column("body::accuracyThreshold")),
        ("my:own", Column("my:own")),
        ("$kuid", Column("$kuid")),
    ],
)
def test_a_survey_header_is_taken_apart(header: str, column: Column) -> None:
    assert parse_header(header, "survey") == column


def test_an_unknown_column_of_choices_keeps_its_case_because_filters_name_it() -> None:
    assert parse_header("District Code", "choices") == Column("District Code")


def test_the_spaced_spelling_of_list_name_is_known() -> None:
    assert parse_header("list name", "choices") == Column("list_name")


def test_form_id_is_stored_as_id_string() -> None:
    assert parse_header("form_id", "settings") == Column("id_string")


@pytest.mark.parametrize(
    ("text", "row_type"),
    [
        ("select_one yn", RowType("select_one", "yn")),
        ("select  one   yn", RowType("select_one", "yn")),
        ("Select_Multiple crops", RowType("select_multiple", "crops")),
        ("select_one yn or_other", RowType("select_one", "yn", or_other=True)),
        ("select_multiple yn or specify other", RowType("select_multiple", "yn", or_other=True)),
        ("rank coping", RowType("rank", "coping")),
        ("select_one ${member}", RowType("select_one", "${member}")),
        ("select_one_from_file f.csv", RowType("select_one_from_file", file="f.csv")),
        ("select_multiple_from_file f.geojson", RowType("select_multiple_from_file", file="f.geojson")),
        ("begin group", RowType("begin_group")),
        ("end repeat", RowType("end_repeat")),
        ("begin lgroup", RowType("begin_repeat")),
        ("photo", RowType("image")),
        ("gps", RowType("geopoint")),
        ("select_one", RowType("select_one")),
        ("something new", RowType("something new")),
    ],
)
def test_a_type_cell_is_taken_apart(text: str, row_type: RowType) -> None:
    assert parse_type(text) == row_type


@pytest.mark.parametrize("text", ["select_one yn or_other", "rank x", "select_one_from_file f.csv", "text"])
def test_a_type_joined_again_is_as_it_was(text: str) -> None:
    kind = parse_type(text)
    assert join_type(kind.type, kind.list_name, kind.file, kind.or_other) == text
