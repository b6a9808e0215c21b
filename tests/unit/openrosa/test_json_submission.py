"""JSON submissions → instance XML."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formrelay.openrosa import instance, json_submission
from formrelay.openrosa.errors import JsonSubmissionError, OpenRosaError, UnsupportedCharactersError

META = {"instanceID": "uuid:1"}


def xml(submission: Any, **message: Any) -> str:
    """The root element made of a submission."""
    body = json.dumps({"id": "f", "submission": submission, **message}).encode()
    declaration, _, root = json_submission.to_xml(body)[1].decode().partition("\n")
    assert declaration == "<?xml version='1.0' encoding='utf-8'?>"
    return root


@pytest.mark.parametrize(
    ("value", "element"),
    [
        ("text & <more>", "<a>text &amp; &lt;more&gt;</a>"),
        ("", "<a/>"),
        (None, "<a/>"),
        (34, "<a>34</a>"),
        (1.5, "<a>1.5</a>"),
        (0, "<a>0</a>"),
        (True, "<a>True</a>"),
        (False, "<a>False</a>"),
        (["red", "blue"], "<a>red blue</a>"),
        ([1, 2.5, None, "x"], "<a>1 2.5 x</a>"),
        ([], "<a/>"),
        ([None, ""], "<a/>"),
        ({}, "<a/>"),
        ({"b": {"c": "1"}, "d": "2"}, "<a><b><c>1</c></b><d>2</d></a>"),
        ([{"b": "1"}, {"b": "2"}], "<a><b>1</b></a><a><b>2</b></a>"),
        ([{"b": [{"c": "1"}]}, {}], "<a><b><c>1</c></b></a><a/>"),
    ],
)
def test_values_become_elements(value: Any, element: str) -> None:
    assert xml({"a": value}) == f'<f id="f">{element}</f>'


def test_elements_keep_the_order_of_the_input() -> None:
    assert xml({"z": "1", "a": {"y": "2", "b": "3"}, "m": "4"}) == (
        '<f id="f"><z>1</z><a><y>2</y><b>3</b></a><m>4</m></f>'
    )


def test_keys_with_slashes_are_paths_and_join_their_group() -> None:
    submission = {"g": {"a": "1"}, "g/h/b": "2", "x": "3", "g/c": "4", "g/h": {"d": "5"}, "r": [{"s/t": "6"}]}
    assert xml(submission) == (
        '<f id="f"><g><a>1</a><h><b>2</b><d>5</d></h><c>4</c></g><x>3</x><r><s><t>6</t></s></r></f>'
    )


def test_rows_of_repeats_may_have_their_keys_as_records_show_them() -> None:
    member = {"hh/member/name": "Ana", "age": "34", "hh/member/contact/phone": "0712"}
    dose = [{"hh/member/dose/date": "2026-01-01"}, {"date": "2026-02-01"}]
    for submission in (
        {"hh/member": [{**member, "hh/member/dose": dose}]},
        {"hh": {"member": [{**member, "dose": dose}]}},
    ):
        assert xml(submission) == (
            '<f id="f"><hh><member><name>Ana</name><age>34</age><contact><phone>0712</phone></contact>'
            "<dose><date>2026-01-01</date></dose><dose><date>2026-02-01</date></dose></member></hh></f>"
        )
    assert xml({"g": {"g": {"g/a": "1"}}}) == '<f id="f"><g><g><g><a>1</a></g></g></g></f>'


def test_a_whole_path_and_a_name_are_one_question() -> None:
    with pytest.raises(JsonSubmissionError, match="given twice"):
        xml({"r": [{"a": "1", "r/a": "2"}]})


def test_an_unanswered_value_gives_way_to_an_answer_of_the_same_path() -> None:
    assert xml({"g": None, "g/a": "1"}) == xml({"g/a": "1", "g": None}) == '<f id="f"><g><a>1</a></g></f>'


def test_the_same_body_gives_the_same_bytes() -> None:
    body = json.dumps({"id": "f", "submission": {"b": "1", "a/c": [1, 2], "meta": META}}).encode()
    assert json_submission.to_xml(body) == json_submission.to_xml(body)


def test_id_and_version_become_attributes_of_the_root() -> None:
    assert xml({"a": "1"}, version='2 "b"') == '<f id="f" version="2 &quot;b&quot;"><a>1</a></f>'


@pytest.mark.parametrize("form_id", ["my form", "1", "a:b", "a" * 300])
def test_an_id_that_is_no_name_stays_an_attribute_only(form_id: str) -> None:
    assert xml({"a": "1"}, id=form_id) == f'<data id="{form_id}"><a>1</a></data>'


@pytest.mark.parametrize("form_id", [None, ""])
def test_the_id_may_be_missing(form_id: str | None) -> None:
    body = json.dumps({"id": form_id, "submission": {"formhub": {"uuid": "5f"}, "meta": META}}).encode()
    named, document = json_submission.to_xml(body)
    assert named == ""
    read = instance.read(document)
    assert (read.root, read.form_id, read.form_uuid) == ("data", None, "5f")


def test_utf_16_bodies_are_json_too() -> None:
    assert json_submission.to_xml('{"id": "f", "submission": {"a": "é"}}'.encode("utf-16"))[1].endswith(
        '<f id="f"><a>é</a></f>'.encode()
    )


# Refused


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Improperly formatted JSON."),
        (b"{", "Improperly formatted JSON."),
        (b"\xff\xfe\xff", "Improperly formatted JSON."),
        (b'{"submission": {"a": NaN}}', "Improperly formatted JSON."),
        (b'{"submission": {"a": 1e999}}', "Improperly formatted JSON."),
        (b'{"submission": {"a": ' + b"9" * 5_000 + b"}}", "Improperly formatted JSON."),
        (b"[" * 100_000, "Improperly formatted JSON."),
        (b"[]", "The body must be an object."),
        (b'"text"', "The body must be an object."),
        (b'{"id": "f"}', "No submission key provided."),
        (b'{"submission": null}', "The submission must be an object."),
        (b'{"submission": [{"a": 1}]}', "The submission must be an object."),
        (b'{"submission": "text"}', "The submission must be an object."),
        (b'{"id": ["f"], "submission": {}}', "The id must be a string."),
        (b'{"version": {}, "submission": {}}', "The version must be a string."),
        (b'{"submission": {"a": [{}, 1]}}', "A list holds either objects or plain values, not both."),
        (b'{"submission": {"a": [[1]]}}', "A list cannot hold lists."),
        (b'{"submission": {"a": 1, "a/b": 2}}', '"a/b" is given twice.'),
        (b'{"submission": {"a": {"b": 1}, "a/b": 2}}', '"a/b" is given twice.'),
        (b'{"submission": {"a/b": 2, "a": {"b": 1}}}', '"a" is given twice.'),
        (b'{"submission": {"a": [{"b": 1}], "a/b": 2}}', '"a/b" is given twice.'),
    ],
)
def test_a_body_that_is_no_submission_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(JsonSubmissionError) as refused:
        json_submission.to_xml(body)
    assert (refused.value.status, refused.value.message) == (400, message)


@pytest.mark.parametrize(
    "name",
    ["", "1a", "a b", "a>b", "a:b", "-a", "a/", "/a", "a//b", "@a", "é b", "×", "\ud800", "a" * 256, "é/1"],
)
def test_a_key_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(JsonSubmissionError, match="is not a valid question name"):
        xml({name: "1"})


@pytest.mark.parametrize("name", ["a", "_a-1.b", "prénom", "имя", "名前"])
def test_names_in_any_script_are_taken(name: str) -> None:
    assert xml({name: "1"}) == f'<f id="f"><{name}>1</{name}></f>'


@pytest.mark.parametrize("text", ["\x00", "a\x0bb", "\ud800", "\uffff"])
def test_text_that_xml_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(UnsupportedCharactersError):
        xml({"a": text})
    with pytest.raises(UnsupportedCharactersError):
        xml({"a": "1"}, version=text)


@pytest.mark.parametrize(
    "deep", [lambda levels: {"/".join("a" * levels): "x"}, lambda levels: nested(levels)]
)
def test_what_is_too_deep_for_xml_is_too_deep_for_json(deep: Any) -> None:
    body = json.dumps({"id": "f", "submission": {**deep(49), "meta": META}}).encode()
    answers = instance.flatten(instance.read(json_submission.to_xml(body)[1]), frozenset())
    assert answers["/".join("a" * 49)] == "x"
    with pytest.raises(JsonSubmissionError, match="nested too deeply"):
        xml(deep(50))


def nested(levels: int) -> dict[str, Any]:
    return {"a": nested(levels - 1)} if levels > 1 else {"a": "x"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"submission": {"a": [' + b"1," * 200_001 + b"1]}}",
        b'{"submission": {"a": [' + b"{}," * 110_000 + b"{}]}}",
        b'{"submission": {"a": "' + b"x" * 6_000_000 + b'"}}',
        b'{"submission": {' + b",".join(b'"a%d/b/c/d/e": 1' % n for n in range(30_000)) + b"}}",
    ],
    ids=["values", "objects", "bytes", "groups in paths"],
)
def test_too_much_is_refused(body: bytes) -> None:
    with pytest.raises(JsonSubmissionError, match="too many values"):
        json_submission.to_xml(body)


# Nothing is lost

NAME = st.from_regex(r"[a-z_][a-z0-9_.-]{0,5}", fullmatch=True)
TEXT = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc"], include_characters="\t\n\r", exclude_characters="\ufffe\uffff"
    )
)
ANSWER = TEXT.filter(lambda text: text.strip(" \t\r\n") != "")
GROUP = st.recursive(
    st.dictionaries(NAME, ANSWER, min_size=1, max_size=4),
    lambda inner: st.dictionaries(
        NAME, st.one_of(ANSWER, inner, st.lists(inner, min_size=2, max_size=3)), min_size=1, max_size=4
    ),
    max_leaves=12,
)


def flat(group: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """What the data API shows for a submission, written down a second time."""
    result: dict[str, Any] = {}
    for name, value in group.items():
        path = prefix + name
        if isinstance(value, dict):
            result.update(flat(value, path + "/"))
        elif isinstance(value, list):
            result[path] = [flat(row, path + "/") for row in value]
        else:
            result[path] = value
    return result


@given(GROUP)
def test_json_to_xml_to_answers_loses_nothing(submission: dict[str, Any]) -> None:
    submission = {**submission, "meta": META}
    _, document = json_submission.to_xml(json.dumps({"id": "f", "submission": submission}).encode())
    answers = instance.flatten(instance.read(document), frozenset())
    assert list(answers.items()) == list(flat(submission).items())


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.sampled_from(["id", "submission", "a", "a/b", "é"]), st.text(max_size=3)), inner
        ),
    ),
)


@given(st.one_of(st.binary(max_size=100), JSON.map(lambda value: json.dumps({"submission": value}).encode())))
def test_any_body_gives_readable_xml_or_a_typed_error(body: bytes) -> None:
    try:
        _, document = json_submission.to_xml(body)
    except OpenRosaError as error:
        assert error.status == 400
    else:
        assert instance.read(document).root == "data"
