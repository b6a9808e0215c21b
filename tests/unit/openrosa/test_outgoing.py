"""The XML that hooks get."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formrelay.openrosa import instance, outgoing
from formrelay.openrosa.errors import (
    EmptySubmissionError,
    MalformedXmlError,
    OpenRosaError,
    UnsupportedCharactersError,
)

DECLARATION = b"<?xml version='1.0' encoding='utf-8'?>\n"


def root(sent: bytes) -> str:
    assert sent.startswith(DECLARATION)
    return sent.removeprefix(DECLARATION).decode()


def rendered(xml: str) -> str:
    return root(outgoing.render(xml.encode()))


def subset(xml: str, *entries: str) -> str:
    return root(outgoing.subset(xml.encode(), entries))


@pytest.mark.parametrize(
    ("received", "sent"),
    [
        ('<f id="f"><a>1</a><b/></f>', '<f id="f"><a>1</a><b/></f>'),
        ("<f id='f'><b></b></f>\n", '<f id="f"><b/></f>'),
        (
            '<f xmlns="http://x" xmlns:orx="http://y" orx:v="1"><orx:meta/><g xmlns:z="http://z"/></f>',
            '<f xmlns="http://x" xmlns:orx="http://y" orx:v="1"><orx:meta/><g xmlns:z="http://z"/></f>',
        ),
        ("<?xml version='1.1'?><!-- a --><f>\n <a>1</a>\n</f><?p i?>", "<f>\n <a>1</a>\n</f>"),
        ("<f><a>x<!-- c -->y<?p i?></a></f>", "<f><a>xy</a></f>"),
        ("<f><a><![CDATA[<&>]]>&#233;&#13;</a></f>", "<f><a>&lt;&amp;&gt;é&#13;</a></f>"),
        (
            """<f a='"&lt;&amp;&#10;&#9;&#13;' b="it's"/>""",
            """<f a="&quot;&lt;&amp;&#10;&#9;&#13;" b="it's"/>""",
        ),
    ],
)
def test_a_submission_is_written_again_with_its_names_and_text(received: str, sent: str) -> None:
    assert rendered(received) == sent


@pytest.mark.parametrize(("encoding", "codec"), [("UTF-16", "utf-16"), ("ISO-8859-1", "latin-1")])
def test_other_encodings_are_sent_as_utf_8(encoding: str, codec: str) -> None:
    xml = f"<?xml version='1.0' encoding='{encoding}'?><f><a>é</a></f>".encode(codec)
    assert outgoing.render(xml) == DECLARATION + "<f><a>é</a></f>".encode()


FORM = (
    '<f id="f" xmlns="http://x" xmlns:orx="http://y">\n<region>n</region>\n'
    "<household><head_name>A</head_name> <contact><phone>1</phone><mail/></contact>"
    "<members><name>B</name></members><members><age>3</age></members><members_count>2</members_count></household>\n"
    "<other><contact><phone>2</phone></contact></other>"
    "<orx:meta><orx:instanceID>uuid:1</orx:instanceID></orx:meta>\n</f>"
)
START = '<f id="f" xmlns="http://x" xmlns:orx="http://y"'


@pytest.mark.parametrize(
    ("entries", "kept"),
    [
        (
            ["head_name", "household/contact/phone", "members", "_id"],
            "<household><head_name>A</head_name><contact><phone>1</phone></contact>"
            "<members><name>B</name></members><members><age>3</age></members></household>",
        ),
        (
            ["phone"],
            "<household><contact><phone>1</phone></contact></household><other><contact><phone>2</phone></contact></other>",
        ),
        (["household/contact"], "<household><contact><phone>1</phone><mail/></contact></household>"),
        (["name"], "<household><members><name>B</name></members></household>"),
        (["mail"], "<household><contact><mail/></contact></household>"),
        (["meta"], "<orx:meta><orx:instanceID>uuid:1</orx:instanceID></orx:meta>"),
        (["orx:meta/orx:instanceID"], "<orx:meta><orx:instanceID>uuid:1</orx:instanceID></orx:meta>"),
        (["member", "contact/phone", "n.me", "(", "", "f", "household/members_coun"], ""),
    ],
)
def test_entries_keep_elements_with_what_is_below_and_around(entries: list[str], kept: str) -> None:
    assert subset(FORM, *entries) == (f"{START}>{kept}</f>" if kept else f"{START}/>")


def test_a_kept_subtree_keeps_its_whitespace() -> None:
    assert subset("<f>\n <g>\n  <a> 1 </a>\n </g>\n</f>", "g") == "<f><g>\n  <a> 1 </a>\n </g></f>"


def test_attributes_of_kept_ancestors_stay() -> None:
    assert subset("<f><g xmlns:z='http://z' i='1'><z:a/><b/></g><g i='2'/></f>", "a") == (
        '<f><g xmlns:z="http://z" i="1"><z:a/></g></f>'
    )


@pytest.mark.parametrize(
    ("xml", "error"),
    [
        (b"", EmptySubmissionError),
        (b"<f>", MalformedXmlError),
        (b"<!DOCTYPE f><f/>", MalformedXmlError),
        (b"<!DOCTYPE f [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><f>&e;</f>", MalformedXmlError),
        (b"<f>\x01</f>", UnsupportedCharactersError),
        (b"<a>" * 51 + b"</a>" * 51, MalformedXmlError),
        (b"<f>" + b"<a/>" * 1_000_000 + b"</f>", MalformedXmlError),
        (b"<f><%s>%s</%s></f>" % (b"t" * 100_000, b"<b/>" * 1_000, b"t" * 100_000), MalformedXmlError),
    ],
)
def test_the_bounds_of_reading_hold_here_too(xml: bytes, error: type[OpenRosaError]) -> None:
    with pytest.raises(error):
        outgoing.subset(xml, ["a"])


def test_what_was_taken_in_at_the_bound_of_depth_can_be_sent() -> None:
    xml = b"<a>" * 49 + b"<b>x</b>" + b"</a>" * 49
    assert outgoing.render(xml) == outgoing.subset(xml, ["b"]) == DECLARATION + xml


NAME = st.sampled_from(["a", "b", "g", "orx:c"])
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=5)


def element(name: str, value: str, inner: list[ET.Element]) -> ET.Element:
    made = ET.Element(name, {"k": value})
    made.text = value
    made.extend(inner)
    return made


TREE = st.recursive(
    st.builds(element, NAME, TEXT, st.just([])),
    lambda inner: st.builds(element, NAME, TEXT, st.lists(inner, max_size=4)),
    max_leaves=15,
).map(lambda tree: element("f", "", [tree, element("meta", "", [element("instanceID", "uuid:1", [])])]))


@given(TREE)
def test_a_rendered_submission_has_the_answers_of_the_received_one(tree: ET.Element) -> None:
    xml = ET.tostring(tree, "utf-8").replace(b"<f ", b'<f xmlns:orx="http://y" ', 1)
    sent = outgoing.render(xml)
    assert instance.read(sent).node == instance.read(xml).node
    assert outgoing.render(sent) == sent


@given(TREE, st.lists(st.sampled_from(["a", "b", "a/b", "g/orx:c", "g/g/a", "c"]), max_size=3))
def test_a_subset_keeps_exactly_what_is_selected(tree: ET.Element, entries: list[str]) -> None:
    xml = ET.tostring(tree, "utf-8").decode()
    assert sorted(leaves(subset(xml, *entries))) == sorted(
        path for path in leaves(xml) if any(selects(entry, path) for entry in entries)
    )


def leaves(xml: str) -> list[tuple[str, ...]]:
    """Paths of the elements without children, of a document whose prefixes are not declared."""
    found: list[tuple[str, ...]] = []

    def visit(node: ET.Element, path: tuple[str, ...]) -> None:
        if path and not len(node):
            found.append(path)
        for child in node:
            visit(child, (*path, child.tag.removeprefix("{http://y}")))

    declared = xml.replace("<f ", '<f xmlns:orx="http://y" ', 1)
    visit(ET.fromstring(declared), ())  # noqa: S314 - our own
    return found


def selects(entry: str, path: tuple[str, ...]) -> bool:
    steps = tuple(entry.replace("orx:", "").split("/"))
    return path[: len(steps)] == steps if len(steps) > 1 else steps[0] in path
