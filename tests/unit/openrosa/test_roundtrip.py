"""XML → answers → JSON submission → XML → answers: nothing is lost on the way.

"Nothing" is every answered question: its path, its text to the last character, its place in the order of the form,
the row of its repeat, nested ones included. No answers, and so not kept, are: questions without text, rows without
an answer, attributes, comments, processing instructions, indentation, how a character was written.
"""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from formrelay.openrosa import instance, json_submission

META = "<meta><instanceID>uuid:1</instanceID></meta>"

NAME = st.one_of(
    st.from_regex(r"[a-z_][a-z0-9_.-]{0,4}", fullmatch=True), st.sampled_from(["état", "имя", "名前", "اسم"])
).filter(lambda name: name not in ("meta", "formhub"))
TEXT = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc"], include_characters="\t\n\r", exclude_characters="\ufffe\uffff"
    )
)


def refilled(fields: dict[str, Any], more: str) -> dict[str, Any]:
    """The same questions with other answers."""
    return {
        name: (kind, _refilled(kind, value, more) if value else value)
        for name, (kind, value) in fields.items()
    }


def _refilled(kind: str, value: Any, more: str) -> Any:
    if kind == "question":
        return value + more
    return [refilled(row, more) for row in value] if kind == "repeat" else refilled(value, more)


# A question is text, a group its children, a repeat rows of the same ones; names are used once in a group.
TREE = st.recursive(
    TEXT.map(lambda text: ("question", text)),
    lambda inner: st.one_of(
        st.dictionaries(NAME, inner, min_size=1, max_size=4).map(lambda children: ("group", children)),
        st.builds(
            lambda fields, texts: ("repeat", [refilled(fields, text) for text in texts]),
            st.dictionaries(NAME, inner, min_size=1, max_size=3),
            st.lists(TEXT, min_size=1, max_size=3),
        ),
    ),
    max_leaves=15,
)
FORM = st.dictionaries(NAME, TREE, min_size=1, max_size=6)
# What may stand between elements without being an answer, and before and behind the root.
NOISE = st.sampled_from(["", "", "\n  ", "<!-- c <a>1</a> -->", "<?p <b>2</b>?>", "\t<!---->\r\n"])


def written(fields: dict[str, Any], noise: Any, prefix: str = "") -> tuple[str, set[str]]:
    """XML below a group, and the paths of the repeats in it."""
    out, repeats = [noise()], set()
    for name, (kind, value) in fields.items():
        path = prefix + name
        rows: list[Any] = value if kind == "repeat" else [value]
        if kind == "repeat":
            repeats.add(path)
        for row in rows:
            if kind == "question":
                inner = escape(row, {"\r": "&#13;"})
            else:
                inner, deeper = written(row, noise, path + "/")
                repeats |= deeper
            out.append(f"<{name}>{inner}</{name}>{noise()}")
    return "".join(out), repeats


def relative(answers: dict[str, Any], below: str = "") -> dict[str, Any]:
    """Answers with the keys of a repeat relative to it, as JSON submissions have them."""
    return {
        key[len(below) :]: [relative(row, key + "/") for row in value] if isinstance(value, list) else value
        for key, value in answers.items()
    }


def in_order(answers: dict[str, Any]) -> str:
    """Text that also compares the order of keys."""
    return json.dumps(answers)


def ambiguous(answers: dict[str, Any]) -> bool:
    """Whether a key that is relative to its repeat looks like a whole path: that of a group of the repeat's name."""
    rows = [(key, row) for key, value in answers.items() if isinstance(value, list) for row in value]
    return any(ambiguous(row) or any(name.startswith(f"{key}/{key}/") for name in row) for key, row in rows)


@given(FORM, st.data())
@pytest.mark.parametrize("whole", [False, True], ids=["relative keys", "whole paths"])
def test_xml_to_json_to_xml_loses_nothing(whole: bool, form: dict[str, Any], data: st.DataObject) -> None:
    inner, repeats = written(form, lambda: data.draw(NOISE))
    received = f"<!-- c --><?p i?><f id='f'>{inner}{META}</f>".encode()
    answers = instance.flatten(instance.read(received), repeats)
    assume(whole or not ambiguous(answers))
    stored = json.loads(json.dumps(answers, ensure_ascii=False))
    body = json.dumps({"id": "f", "submission": stored if whole else relative(stored)}).encode()
    _, sent = json_submission.to_xml(body)
    assert in_order(instance.flatten(instance.read(sent), repeats)) == in_order(answers)


@given(FORM, st.data())
def test_what_is_no_answer_changes_none(form: dict[str, Any], data: st.DataObject) -> None:
    plain, repeats = written(form, lambda: "")
    noisy, _ = written(form, lambda: data.draw(NOISE))
    answers = [
        instance.flatten(instance.read(f"<f id='f'>{inner}{META}</f>".encode()), repeats)
        for inner in (plain, noisy)
    ]
    assert in_order(answers[0]) == in_order(answers[1])


@given(
    st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), min_size=1),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1"]),
)
def test_the_encoding_of_a_document_is_not_that_of_its_answers(text: str, encoding: str) -> None:
    named = {"utf-8-sig": "utf-8", "utf-16-le": "utf-16", "utf-16-be": "utf-16"}.get(encoding, encoding)
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    xml = f"{mark}<?xml version='1.0' encoding='{named}'?><f id='f'><a>x{escape(text)}</a>{META}</f>"
    answers = instance.flatten(instance.read(xml.encode(encoding)), frozenset())
    assert answers["a"] == "x" + text
