from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formrelay.hooks import payload

RECORD: dict[str, Any] = {
    "_id": 5,
    "household/head_name": "Ana",
    "household/contact/phone": "0712",
    "members": [
        {
            "members/name": "Bo",
            "members/dose": [{"members/dose/date": "2026-01-01"}, {"members/dose/lot": "7"}],
        },
        {"members/age": "3"},
    ],
    "members_count": "2",
    "_attachments": [{"filename": "a/b.jpg", "uid": "att1"}],
    "_uuid": "u",
}


def _json(hook: dict[str, Any], record: dict[str, Any] = RECORD) -> Any:
    return json.loads(payload.render(hook, record, b"").data)


def test_a_body_without_subset_is_the_whole_record() -> None:
    body = payload.render({"export_type": "json"}, {"a": "ü", "b": [1, None]}, b"")
    assert body == payload.Body("application/json", b'{"a": "\\u00fc", "b": [1, null]}')


def test_the_same_record_gives_the_same_bytes() -> None:
    hook = {"subset_fields": ["members", "_id"], "payload_template": '{"x": %SUBMISSION%}'}
    assert payload.render(hook, RECORD, b"") == payload.render(hook, json.loads(json.dumps(RECORD)), b"")


def test_a_subset_follows_the_order_of_its_entries() -> None:
    entries = ["head_name", "household/contact/phone", "members", "_id"]
    assert list(payload.select(RECORD, entries).items()) == [
        ("household/head_name", "Ana"),
        ("household/contact/phone", "0712"),
        ("members", RECORD["members"]),
        ("_id", 5),
    ]


@pytest.mark.parametrize("entry", ["name", "members/name"])
def test_a_subset_reaches_into_repeats_and_drops_instances_without_an_answer(entry: str) -> None:
    assert payload.select(RECORD, [entry]) == {"members": [{"members/name": "Bo"}]}


def test_a_subset_reaches_into_nested_repeats() -> None:
    assert payload.select(RECORD, ["date"]) == {
        "members": [{"members/dose": [{"members/dose/date": "2026-01-01"}]}]
    }


def test_a_subset_does_not_reach_into_attachments() -> None:
    assert payload.select(RECORD, ["filename", "uid"]) == {}
    assert payload.select(RECORD, ["_attachments"]) == {"_attachments": RECORD["_attachments"]}


def test_a_subset_that_selects_nothing_is_sent_as_an_empty_object() -> None:
    assert payload.render({"subset_fields": ["nosuch"]}, RECORD, b"").data == b"{}"


def test_every_placeholder_is_replaced_however_deep() -> None:
    hook = {"payload_template": '{"a": [%SUBMISSION%, {"b": %SUBMISSION%}]}'}
    assert _json(hook, {"q": '"}'}) == {"a": [{"q": '"}'}, {"b": {"q": '"}'}}]}


def test_a_template_without_placeholder_is_sent_as_it_is() -> None:
    assert _json({"payload_template": "[1, 2]"}) == [1, 2]


def test_a_submission_that_holds_the_placeholder_is_not_replaced_again() -> None:
    assert _json({"payload_template": "[%SUBMISSION%]"}, {"q": "%SUBMISSION%"}) == [{"q": "%SUBMISSION%"}]


@pytest.mark.parametrize(
    "template", ['"%SUBMISSION%"', "{%SUBMISSION%}", "NaN", "[1e999]", "[" * 5000, "1" * 5000]
)
def test_a_template_that_gives_no_json_is_unusable(template: str) -> None:
    with pytest.raises(payload.UnusableError, match="valid JSON"):
        payload.render({"payload_template": template}, {"a": 'x"y'}, b"")


@pytest.mark.parametrize(
    "template",
    [
        "1%SUBMISSION%",
        "%SUBMISSION%%SUBMISSION%",
        "{%SUBMISSION%: 1}",
        '["[%SUBMISSION%]"]',
        '"\\"%SUBMISSION%\\""',
    ],
)
def test_a_placeholder_that_stands_for_no_value_is_unusable(template: str) -> None:
    with pytest.raises(payload.UnusableError):
        payload.wrap(template, "{}")


@given(
    st.recursive(
        st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    )
)
def test_a_wrapped_submission_is_what_parsing_and_encoding_the_whole_would_give(record: Any) -> None:
    template = (
        '{"a": [%SUBMISSION%, 1.50, "\\u0025SUBMISSION%", ["\\u0025SUBMISSION%"]], "b": 0, "b": %SUBMISSION%}'
    )
    text = json.dumps(record)
    assert payload.wrap(template, text) == json.dumps(json.loads(template.replace("%SUBMISSION%", text)))


def test_wrapping_a_big_submission_takes_little_more_than_the_body() -> None:
    record = {"rep": [{"rep/v": "ab"}] * 20_000}
    template = "[" + ",".join(["%SUBMISSION%"] * 10) + "]"
    tracemalloc.start()
    body = payload.render({"payload_template": template}, record, b"").data
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(body) > 3_000_000
    assert peak < 4 * len(body)


def test_a_template_that_multiplies_a_big_submission_is_refused_before_it_is_built() -> None:
    template = "[" + ",".join(["%SUBMISSION%"] * 4000) + "]"
    with pytest.raises(payload.UnusableError, match="more than"):
        payload.render({"payload_template": template}, {"a": "x" * 300_000}, b"")


def test_an_xml_hook_sends_the_instance_and_ignores_record_and_template() -> None:
    hook = {"export_type": "xml", "payload_template": "[%SUBMISSION%]"}
    body = payload.render(hook, {"a": "1"}, b'<d id="x"><a>1</a></d>')
    assert body.content_type == "application/xml"
    assert body.data.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n<d")
    assert b"<a>1</a>" in body.data


def test_an_xml_hook_with_a_subset_sends_that_part_of_the_instance() -> None:
    body = payload.render({"export_type": "xml", "subset_fields": ["b"]}, {}, b"<d><a>1</a><b>2</b></d>")
    assert b"<b>2</b>" in body.data
    assert b"<a>" not in body.data


LAST = {"_id": 17, "_xform_id_string": "aBX", "_uuid": "7c9e", "meta/rootUuid": "uuid:1111"}


def test_of_a_deleted_submission_everything_that_is_left_is_sent_whatever_the_subset() -> None:
    body = payload.render_deleted({"subset_fields": ["name"]}, LAST)
    assert body == payload.Body("application/json", json.dumps(LAST).encode())
    wrapped = payload.render_deleted({"payload_template": "[%SUBMISSION%]"}, LAST)
    assert json.loads(wrapped.data) == [LAST]


@pytest.mark.parametrize(("uuid", "shown"), [("7c9e", "uuid:7c9e"), ("ns:7&9", "ns:7&amp;9")])
def test_a_deleted_submission_is_an_instance_without_answers_in_xml(uuid: str, shown: str) -> None:
    body = payload.render_deleted({"export_type": "xml", "subset_fields": ["name"]}, {**LAST, "_uuid": uuid})
    meta = f"<instanceID>{shown}</instanceID><rootUuid>uuid:1111</rootUuid>"
    assert body.data.decode() == (
        f"<?xml version='1.0' encoding='utf-8'?>\n<aBX id=\"aBX\"><meta>{meta}</meta></aBX>"
    )
    assert body.content_type == "application/xml"


_names = st.sampled_from(["a", "b", "g/a", "g/b", "r", "r/a"])
_records = st.dictionaries(
    _names,
    st.text(max_size=5) | st.lists(st.dictionaries(_names, st.text(max_size=5)), max_size=3),
    max_size=5,
)


@given(_records, st.lists(st.text(max_size=6) | _names, min_size=1, max_size=4))
def test_a_subset_never_invents_or_changes_an_answer(record: dict[str, Any], entries: list[str]) -> None:
    for key, value in payload.select(record, entries).items():
        if value != record[key]:
            originals = record[key]
            assert all(any(part.items() <= whole.items() for whole in originals) for part in value)
