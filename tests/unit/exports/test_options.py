"""Settings of exports as clients send them (contract exports §1.1)."""

from __future__ import annotations

from typing import Any

import pytest

from formrelay.exports.layout import enlarged
from formrelay.exports.options import OptionsError, checked, options
from tests.support.exports import SETTINGS

REQUIRED = "'fields_from_all_versions', 'group_sep', 'hierarchy_in_labels', 'lang', 'multiple_select', 'type'"


def refused(languages: list[str | None] | None = None, **changes: Any) -> tuple[str, str]:
    with pytest.raises(OptionsError) as caught:
        checked({**SETTINGS, **changes}, languages or [None])
    return caught.value.key, caught.value.message


@pytest.mark.parametrize("missing", sorted(SETTINGS))
def test_required_settings_are_named(missing: str) -> None:
    given = {key: value for key, value in SETTINGS.items() if key != missing}
    with pytest.raises(OptionsError) as caught:
        checked(given, [None])
    assert caught.value.key == "data"
    assert caught.value.message == f"Must contain all the following required keys: {REQUIRED}"
    assert (
        caught.value.wrapped == f"`export_settings` must contain all the following required keys: {REQUIRED}"
    )


def test_unknown_settings_are_refused_but_for_the_source() -> None:
    assert refused(colour="red")[1].startswith(
        "Can contain only the following valid keys: 'fields', 'fields_from"
    )
    assert "source" not in checked({**SETTINGS, "source": "x"}, [None])


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"lang": "Klingon"}, ("lang", "For this asset must be either '_default' or '_xml'")),
        ({"type": "pdf"}, ("type", "Must be either 'csv', 'geojson' or 'xls'")),
        ({"type": "spss_labels"}, ("type", "Must be either 'csv', 'geojson' or 'xls'")),
        ({"type": ["csv"]}, ("type", "Must be either 'csv', 'geojson' or 'xls'")),
        ({"multiple_select": "none"}, ("multiple_select", "Must be either 'both', 'summary' or 'details'")),
        ({"hierarchy_in_labels": True, "group_sep": ""}, ("group_sep", "Must be a non-empty value")),
        ({"group_sep": 5}, ("group_sep", "Must be a string")),
        ({"hierarchy_in_labels": "maybe"}, ("hierarchy_in_labels", "Must be a valid boolean")),
        ({"hierarchy_in_labels": None}, ("hierarchy_in_labels", "Must be a valid boolean")),
        ({"fields": "x"}, ("fields", "Must be an array")),
        ({"fields": [1]}, ("fields", "All values in the array must be strings")),
        ({"query": []}, ("query", "Must be a JSON object")),
        ({"submission_ids": ["1"]}, ("submission_ids", "All values in the array must be integers")),
        ({"submission_ids": [True]}, ("submission_ids", "All values in the array must be integers")),
        ({"name": 5}, ("name", "Must be a string or null")),
    ],
)
def test_what_is_wrong_is_told_under_its_key(changes: dict[str, Any], error: tuple[str, str]) -> None:
    assert refused(**changes) == error


def test_languages_are_listed_before_the_others() -> None:
    languages = ["English (en)", None, "French (fr)"]
    assert refused(languages, lang="x")[1] == (
        "For this asset must be either 'English (en)', 'French (fr)', '_default' or '_xml'"
    )


def test_a_query_that_is_none_is_refused() -> None:
    assert refused(query={"a": {"$where": "1"}})[0] == "query"


def test_settings_too_large_to_keep_are_refused() -> None:
    assert refused(fields=["x" * 1000] * 200)[0] == "data"


def test_words_and_json_of_forms_are_read() -> None:
    given = {"hierarchy_in_labels": "True", "fields": '["a"]', "query": '{"a": "1"}', "submission_ids": "[1]"}
    settings = checked({**SETTINGS, **given}, [None])
    assert settings["hierarchy_in_labels"] is True
    wanted = options(settings)
    assert (wanted.fields, wanted.query, wanted.submission_ids) == (frozenset({"a"}), {"a": "1"}, (1,))


@pytest.mark.parametrize("text", ["[", '["\\ud800"]', "[" * 100_000])
def test_json_that_is_none_is_refused(text: str) -> None:
    assert refused(fields=text) == ("fields", "Must be an array")


def test_types_are_text_unless_asked_otherwise() -> None:
    assert options(checked(SETTINGS, [None])).types_as_text is True
    assert options(checked({**SETTINGS, "xls_types_as_text": "false"}, [None])).types_as_text is False


def test_empty_filters_choose_everything() -> None:
    wanted = options(checked({**SETTINGS, "fields": [], "query": {}, "submission_ids": []}, [None]))
    assert (wanted.fields, wanted.query, wanted.submission_ids) == (frozenset(), None, None)


def test_fields_come_back_with_those_that_are_added() -> None:
    assert enlarged(["g/h/q", "_uuid"]) == [
        *("g/h/q", "_uuid", "g", "g/h", "meta/rootUuid", "_attachments", "_supplementalDetails"),
    ]
