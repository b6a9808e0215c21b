"""Edits of instance XML: what is asked for changes, every other byte stays (contract data §7)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formrelay.openrosa import bounds, editing, instance, json_submission
from formrelay.openrosa.editing import EditError, PathError, parse_path
from formrelay.openrosa.errors import MalformedXmlError
from formrelay.xml_text import OUTSIDE_XML

HOUSEHOLD = (
    "<?xml version='1.0' ?><!-- before -->"
    "<f id=\"f\" xmlns=\"http://x\" xmlns:orx='http://openrosa.org/xforms' a='1>2'>\n"
    "  <name  lang='en' >Ana &amp; co<!-- c --></name >\n"
    "  <loc><region>north</region><gps/></loc>\n"
    "  <hh><member><name>Ana</name></member>\n"
    "    <member><name><![CDATA[Bo <b>]]></name><age /></member></hh>\n"
    "  <empty></empty><?pi x?>\n"
    "  <meta><instanceID>uuid:1</instanceID></meta>\n"
    "</f><!-- after -->"
)


def edit(xml: str, **answers: str | None) -> str:
    return edit_paths(xml, answers)


def edit_paths(xml: str, answers: dict[str, str | None]) -> str:
    return editing.edited(xml.encode(), {parse_path(path): value for path, value in answers.items()}).decode()


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        ("name", "Bo", "Ana &amp; co<!-- c -->", "Bo"),
        ("name", "", "Ana &amp; co<!-- c -->", ""),
        ("loc/region", "</region>&\r\n]]>", "north", "&lt;/region&gt;&amp;&#13;\n]]&gt;"),
        ("loc/gps", "1 2", "<gps/>", "<gps>1 2</gps>"),
        ("loc/gps", None, "", ""),
        ("hh/member/name", "Cy", "<name>Ana</name>", "<name>Cy</name>"),
        ("hh/member[1]/name", "Cy", "<name>Ana</name>", "<name>Cy</name>"),
        ("hh/member[2]/name", "Cy", "<![CDATA[Bo <b>]]>", "Cy"),
        ("hh/member[2]/age", "7", "<age />", "<age >7</age>"),
        ("hh/member[2]/job", "x", "<age />", "<age /><job>x</job>"),
        ("empty", "full", "<empty></empty>", "<empty>full</empty>"),
        ("empty/inside", "x", "<empty></empty>", "<empty><inside>x</inside></empty>"),
        ("loc/gps/a/b", "x", "<gps/>", "<gps><a><b>x</b></a></gps>"),
        ("new", "1", "</meta>\n", "</meta><new>1</new>\n"),
        ("new/er", "1", "</meta>\n", "</meta><new><er>1</er></new>\n"),
        ("new", None, "", ""),
        ("orx:new", "1", "</meta>\n", "</meta><orx:new>1</orx:new>\n"),
        ("été", "1", "</meta>\n", "</meta><été>1</été>\n"),
    ],
)
def test_one_place_changes_and_every_other_byte_stays(
    path: str, value: str | None, old: str, new: str
) -> None:
    assert edit_paths(HOUSEHOLD, {path: value}) == HOUSEHOLD.replace(old, new, 1)


def test_several_answers_change_at_once() -> None:
    answers: dict[str, str | None] = {"new/a": "1", "loc/region": "south", "new/b": "2", "name": None}
    expected = HOUSEHOLD.replace("north", "south").replace("Ana &amp; co<!-- c -->", "")
    expected = expected.replace("</meta>", "</meta><new><a>1</a><b>2</b></new>")
    assert edit_paths(HOUSEHOLD, answers) == expected


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"loc": "x"}, "`loc` is a group"),
        ({"loc": None}, "`loc` is a group"),
        ({"name/first": "x"}, "`name` is a question"),
        ({"hh/member[3]/name": "x"}, "There is no `hh/member[3]`"),
        ({"new[1]": "x"}, "There is no `new[1]`"),
        ({"hh/member/name": "x", "hh/member[1]/name": "y"}, "`hh/member[1]/name` is given twice"),
        ({"new": "x", "new/er": "y"}, "`new/er` is below a question"),
        ({"new/er": "x", "new": "y"}, "`new` is given twice"),
        ({"empty": "x", "empty/er": "y"}, "`empty` is a question"),
        ({"empty/er": "x", "empty": "y"}, "`empty` is a group"),
        ({"zzz:new": "x"}, "`zzz:new` has a prefix without a namespace"),
    ],
)
def test_what_a_submission_does_not_allow_is_refused_with_the_reason(
    answers: dict[str, str | None], reason: str
) -> None:
    with pytest.raises(EditError) as error:
        edit_paths(HOUSEHOLD, answers)
    assert str(error.value) == reason


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        "a b",
        "1a",
        "a[0]",
        "a[-1]",
        "a[x]",
        "a[1",
        "a[1][2]",
        "<a>",
        "a:b:c",
        ":a",
        "é>",
        ".",
        "a/" * bounds.MAX_DEPTH + "a",
        "a" * 256,
        "a[9999999]",
    ],
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(PathError):
        parse_path(text)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("meta/instanceID", True),
        ("orx:meta/orx:instanceID", True),
        ("formhub/uuid", True),
        ("__version__", True),
        ("metal", False),
        ("loc/meta", False),
    ],
)
def test_what_tells_revisions_and_forms_apart_is_kept(path: str, kept: bool) -> None:
    assert editing.is_kept(parse_path(path)) is kept


# Identity


def identified(xml: str, **others: str | None) -> str:
    return editing.identified(xml.encode(), "uuid:2", **others).decode()


@pytest.mark.parametrize(
    ("meta", "edited"),
    [
        (
            "<meta><instanceID>uuid:1</instanceID></meta>",
            "<meta><instanceID>uuid:2</instanceID><deprecatedID>uuid:1</deprecatedID><rootUuid>uuid:0</rootUuid></meta>",
        ),
        (
            "<orx:meta><orx:instanceID>uuid:1</orx:instanceID>\n</orx:meta>",
            "<orx:meta><orx:instanceID>uuid:2</orx:instanceID><orx:deprecatedID>uuid:1</orx:deprecatedID>"
            "<orx:rootUuid>uuid:0</orx:rootUuid>\n</orx:meta>",
        ),
        (
            "<meta><deprecatedID>uuid:8</deprecatedID><x>1</x><instanceID>uuid:1</instanceID><rootUuid/></meta>",
            "<meta><deprecatedID>uuid:1</deprecatedID><x>1</x><instanceID>uuid:2</instanceID>"
            "<rootUuid>uuid:0</rootUuid></meta>",
        ),
        (
            "",
            "<meta><instanceID>uuid:2</instanceID><deprecatedID>uuid:1</deprecatedID><rootUuid>uuid:0</rootUuid></meta>",
        ),
    ],
)
def test_an_edit_is_told_from_what_it_replaces(meta: str, edited: str) -> None:
    xml = "<f instanceID='uuid:1' xmlns:orx='http://openrosa.org/xforms'><a>1</a>{}</f>"
    found = identified(xml.format(meta), deprecated_id="uuid:1", root_uuid="uuid:0")
    assert found == xml.format(edited)
    read = instance.read(found.encode())
    assert (read.instance_id, read.deprecated_id, read.root_uuid) == ("uuid:2", "uuid:1", "uuid:0")


def test_a_copy_has_nothing_that_tells_of_earlier_revisions() -> None:
    meta = "<deprecatedID>uuid:8</deprecatedID><x>1</x><instanceID>uuid:1</instanceID><rootUuid>uuid:0</rootUuid>"
    found = identified(f"<f><a>1</a><meta>{meta}</meta></f>")
    assert found == "<f><a>1</a><meta><x>1</x><instanceID>uuid:2</instanceID></meta></f>"


def test_times_are_set_where_they_are_answered() -> None:
    xml = "<f><start>then</start><end/><g><end>x</end></g><today>y</today></f>"
    found = editing.restamped(xml.encode(), "now", ("start", "end"))
    assert found.decode() == xml.replace("then", "now")


# Encodings


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "windows-1252"])
def test_other_encodings_become_utf_8_with_their_text(encoding: str) -> None:
    declared = "utf-16" if encoding.startswith("utf-16") else encoding
    xml = f'<?xml version="1.0" encoding="{declared}"?><f><!-- ü --><a>é</a><b/></f>'
    found = editing.edited(xml.encode(encoding), {parse_path("b"): "ö"})
    expected = '<?xml version="1.0" encoding="utf-8"?><f><!-- ü --><a>é</a><b>ö</b></f>'
    assert found.decode() == expected


def test_a_byte_order_mark_stays() -> None:
    xml = b"\xef\xbb\xbf<f><a>\xc3\xa9</a></f>"
    assert editing.edited(xml, {parse_path("a"): "x"}) == b"\xef\xbb\xbf<f><a>x</a></f>"


def test_hostile_documents_are_refused() -> None:
    deep = "<a>" * 60 + "</a>" * 60
    for xml in (deep, "<!DOCTYPE f [<!ENTITY a 'b'>]><f>&a;</f>", "<f><a></f>", "<f/><g/>"):
        with pytest.raises(MalformedXmlError):
            edit(xml, a="1")


# Properties

_NAMES = st.sampled_from(["a", "b", "c", "été", "x-1"])
_CHARACTERS = st.characters(codec="utf-8").filter(lambda char: not OUTSIDE_XML.match(char))
_TEXTS = st.text(_CHARACTERS, max_size=20)
_LEAVES = st.one_of(st.none(), _TEXTS)
_GROUPS: st.SearchStrategy[Any] = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(_NAMES, inner, min_size=1, max_size=4),
        st.lists(st.dictionaries(_NAMES, inner, max_size=3), min_size=1, max_size=3),
    ),
    max_leaves=12,
)
_SUBMISSIONS = st.dictionaries(_NAMES, _GROUPS, min_size=1, max_size=4)


def _xml(submission: dict[str, Any]) -> bytes:
    body = {"id": "f", "submission": {**submission, "meta": {"instanceID": "uuid:1"}}}
    return json_submission.to_xml(json.dumps(body).encode())[1]


def _leaves(value: Any, prefix: str) -> list[str]:
    """The paths of all elements that are no groups, with the indexes of repeats."""
    found: list[str] = []
    for tag, inner in value.items():
        rows = inner if isinstance(inner, list) else [inner]
        for number, row in enumerate(rows, 1):
            path = f"{prefix}{tag}" + (f"[{number}]" if isinstance(inner, list) else "")
            found += _leaves(row, path + "/") if isinstance(row, dict) and row else [path]
    return found


def _put(submission: Any, path: str, value: str) -> None:
    """The same edit, made to what the document was made of."""
    *groups, last = editing.parse_path(path)
    at = submission
    for step in groups:
        at = at[step.tag] if step.index is None else at[step.tag][step.index - 1]
    if last.index is None:
        at[last.tag] = value
    else:
        at[last.tag][last.index - 1] = value


def _answers(xml: bytes) -> instance.Answers:
    return instance.flatten(instance.read(xml), frozenset())


@given(st.data(), _SUBMISSIONS)
def test_an_edit_gives_exactly_the_edited_answers(data: st.DataObject, submission: dict[str, Any]) -> None:
    xml = _xml(submission)
    chosen = data.draw(st.lists(st.sampled_from(_leaves(submission, "")), unique=True, max_size=3))
    values = {path: data.draw(_TEXTS) for path in chosen}
    found = editing.edited(xml, {editing.parse_path(path): value for path, value in values.items()})
    for path, value in values.items():
        _put(submission, path, value)
    assert _shape(instance.read(found).node) == _shape(instance.read(_rebuilt(submission)).node)


def _shape(node: Any) -> Any:
    """The document without what does not tell: XML has no empty text."""
    if isinstance(node, dict):
        return {tag: _shape(inner) for tag, inner in node.items()}
    return [_shape(inner) for inner in node] if isinstance(node, list) else node or None


def _rebuilt(submission: dict[str, Any]) -> bytes:
    """The document of a submission whose lists may hold texts."""
    from formrelay.openrosa import markup

    def elements(value: Any) -> str:
        if not isinstance(value, dict):
            return markup.text(value or "")
        return "".join(
            f"<{tag}>{elements(row)}</{tag}>"
            for tag, inner in value.items()
            for row in (inner if isinstance(inner, list) else [inner])
        )

    return f'<f id="f">{elements({**submission, "meta": {"instanceID": "uuid:1"}})}</f>'.encode()


@given(_SUBMISSIONS)
def test_an_edit_that_changes_nothing_changes_no_byte(submission: dict[str, Any]) -> None:
    xml = _xml(submission)
    assert editing.edited(xml, {}) == xml
    assert editing.edited(xml, {editing.parse_path("zzz/y"): None}) == xml


@given(_SUBMISSIONS, _TEXTS.filter(lambda text: bool(text.strip(" \t\r\n"))))
def test_a_new_answer_is_added_and_nothing_else_changes(submission: dict[str, Any], value: str) -> None:
    xml = _xml(submission)
    found = editing.edited(xml, {editing.parse_path("new/one"): value})
    assert _answers(found) == {**_answers(xml), "new/one": value}


@given(_SUBMISSIONS)
def test_answers_that_are_set_to_what_they_are_stay_what_they_are(submission: dict[str, Any]) -> None:
    xml = _xml(submission)
    values = {path: _get(submission, path) for path in _leaves(submission, "")}
    same = {editing.parse_path(path): value for path, value in values.items() if isinstance(value, str)}
    found = editing.edited(xml, same)
    assert instance.read(found).node == instance.read(xml).node


def _get(submission: Any, path: str) -> Any:
    for step in editing.parse_path(path):
        submission = submission[step.tag] if step.index is None else submission[step.tag][step.index - 1]
    return submission
