"""Whatever a client sends: a typed refusal, or a normal form that normalising does not change."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from formrelay.forms.content import ContentError, normalise
from formrelay.forms.sheets import flatten
from formrelay.forms.summary import summarise

_TYPES = [
    "text", "select_one yn", "select_multiple yn or_other", "rank yn", "select_one_from_file f.csv", "start", "audit",
    "begin group", "end_group", "begin_repeat", "end repeat", "note", "geopoint", "calculate", "", "odd type",
]  # fmt: skip
_HEADERS = [
    "name", "label", "label::English (en)", "label::French (fr)", "hint", "hint::French (fr)", "image", "media::image",
    "constraint_message", "constraint_message::English (en)", "relevant", "relevance", "required", "hxl", "tags",
    "appearance", "$kuid", "$autoname", "_or_other", "select_from_list_name", "file", "bind", "Label", "x",
]  # fmt: skip
_TEXT = st.one_of(
    st.sampled_from(["", " ", "a", "A", "b 1", "b_1", "q", "اسم", "-id", "true", "#x+y"]), st.text(max_size=8)
)
_CELL = st.one_of(
    _TEXT,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.lists(st.one_of(_TEXT, st.none()), max_size=3),
)
_QUESTION = st.builds(
    lambda kind, cells: {"type": kind, **cells},
    st.sampled_from(_TYPES),
    st.dictionaries(st.sampled_from(_HEADERS), _CELL, max_size=7),
)
_CHOICE = st.dictionaries(st.sampled_from(["list_name", "list name", "name", *_HEADERS]), _CELL, max_size=5)
_LANGUAGES = st.lists(st.sampled_from([None, "English (en)", "French (fr)", "es"]), max_size=3)
_CONTENT = st.fixed_dictionaries(
    {"survey": st.lists(_QUESTION, max_size=8)},
    optional={
        "choices": st.lists(_CHOICE, max_size=4),
        "translations": _LANGUAGES,
        "settings": st.dictionaries(
            st.sampled_from(["default_language", "form_title", "form_id", "id_string"]),
            st.sampled_from(["English (en)", "French (fr)", "x", ""]),
        ),
    },
)
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["survey", "choices", "settings", "translations", "type", "label"]), inner
        ),
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(content=_CONTENT)
def test_normalising_twice_is_normalising_once(content: dict[str, Any]) -> None:
    try:
        normal = normalise(content).content
    except ContentError:
        return
    again = normalise(json.loads(json.dumps(normal))).content
    assert again == normal
    assert len({row["$kuid"] for row in normal["survey"] + normal["choices"]}) == len(
        normal["survey"] + normal["choices"]
    )
    summarise(normal)
    flatten(normal)


@settings(max_examples=200, deadline=None)
@given(content=_JSON)
def test_any_json_is_normalised_or_refused(content: Any) -> None:
    try:
        normalise(content)
    except ContentError as error:
        assert error.messages
