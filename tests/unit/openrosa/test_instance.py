"""Instance XML → ids and answers."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formrelay.openrosa import instance
from formrelay.openrosa.errors import (
    EmptySubmissionError,
    MalformedXmlError,
    MissingInstanceIdError,
    OpenRosaError,
    UnsupportedCharactersError,
    XmlTooLargeError,
)

META = "<meta><instanceID>uuid:1</instanceID></meta>"
NONE: frozenset[str] = frozenset()


def answers(inner: str, repeats: frozenset[str] = NONE) -> dict[str, Any]:
    """The answers of a form with these nodes, without its instanceID."""
    result = instance.flatten(instance.read(f"<f id='f'>{inner}{META}</f>".encode()), repeats)
    assert result.pop("meta/instanceID") == "uuid:1"
    return result


# Answers


def test_text_is_kept_exactly() -> None:
    inner = "<a> Ana \n&amp; co </a><b><![CDATA[<b> & ]]></b><c>01.50</c><d>a<!-- c -->b<?p i?>c</d>"
    assert answers(inner) == {"a": " Ana \n& co ", "b": "<b> & ", "c": "01.50", "d": "abc"}


def test_long_text_is_kept_whole() -> None:
    text = "ä&amp;\n" * 20_000
    assert answers(f"<a>{text}</a>") == {"a": "ä&\n" * 20_000}


def test_empty_and_blank_elements_are_absent() -> None:
    assert answers("<a/><b></b><c> \n\t</c><g><h/></g><i x='1'/>") == {}


def test_text_of_unicode_spaces_only_is_an_answer() -> None:
    assert answers("<a>\u00a0</a>") == {"a": "\u00a0"}


def test_indentation_of_groups_is_no_answer() -> None:
    assert answers("\n <g>\n  <h>\n   <a>1</a>\n  </h>\n </g>\n") == {"g/h/a": "1"}


def test_attributes_are_ignored_except_those_of_the_root() -> None:
    assert answers("<a type='file'>x.jpg</a><g id='9'><b>1</b></g>") == {"a": "x.jpg", "g/b": "1"}


def test_prefixes_stay_in_keys_and_default_namespaces_do_not_count() -> None:
    meta = b"<orx:meta><orx:instanceID>uuid:1</orx:instanceID></orx:meta>"
    xml = b"<f xmlns='http://x' xmlns:orx='http://y' id='f'>" + meta + b"</f>"
    read = instance.read(xml)
    assert read.uuid == "1"
    assert instance.flatten(read, NONE) == {"orx:meta/orx:instanceID": "uuid:1"}


def test_a_repeat_with_one_instance_is_a_list() -> None:
    assert answers("<g><r><a>1</a></r></g>", frozenset({"g/r"})) == {"g/r": [{"g/r/a": "1"}]}


def test_repeats_nest_and_hold_groups() -> None:
    inner = "<r><g><a>1</a></g><s><b>2</b></s><s><b>3</b></s></r><r><a>4</a></r>"
    assert answers(inner, frozenset({"r", "r/s"})) == {
        "r": [{"r/g/a": "1", "r/s": [{"r/s/b": "2"}, {"r/s/b": "3"}]}, {"r/a": "4"}]
    }


def test_repeat_instances_without_an_answer_are_dropped() -> None:
    inner = "<r><a/></r><r><a>1</a></r><r/><r> </r><s><a/></s>"
    assert answers(inner, frozenset({"r", "s"})) == {"r": [{"r/a": "1"}]}


def test_instances_of_a_repeat_are_gathered_wherever_they_stand() -> None:
    inner = "<r><a>1</a></r><b>2</b><r><a>3</a></r>"
    assert answers(inner, frozenset({"r"})) == {"r": [{"r/a": "1"}, {"r/a": "3"}], "b": "2"}


def test_a_tag_repeated_outside_a_repeat_becomes_a_list() -> None:
    assert answers("<a>1</a><a>2</a><a/><g><b>3</b></g><g><b>4</b></g>") == {
        "a": [{"a": "1"}, {"a": "2"}],
        "g": [{"g/b": "3"}, {"g/b": "4"}],
    }


# Ids


def read(root_attributes: str = "", inner: str = META) -> instance.Instance:
    return instance.read(f"<f {root_attributes}>{inner}</f>".encode())


@pytest.mark.parametrize("sent", ["kobotoolbox.org:123", "plain"])
def test_other_schemes_of_instance_ids_are_kept_whole(sent: str) -> None:
    assert read(inner=f"<meta><instanceID>{sent}</instanceID></meta>").uuid == sent


def test_the_instance_id_may_be_an_attribute_of_the_root() -> None:
    assert read("instanceID='uuid:7'", "<a>1</a>").uuid == "7"


def test_meta_wins_over_the_attribute() -> None:
    assert read("instanceID='uuid:7'").uuid == "1"


def test_only_meta_directly_below_the_root_counts() -> None:
    with pytest.raises(MissingInstanceIdError):
        _ = read(inner=f"<g>{META}</g>").uuid


@pytest.mark.parametrize(
    "inner", ["<a>1</a>", "<meta><instanceID> </instanceID></meta>", "<meta>x</meta>", ""]
)
def test_a_submission_without_instance_id_is_refused(inner: str) -> None:
    xml = read("id='f'", inner)
    assert xml.instance_id is None
    with pytest.raises(MissingInstanceIdError, match="Instance ID is required"):
        instance.flatten(xml, NONE)


def test_an_instance_id_of_its_scheme_only_is_none() -> None:
    with pytest.raises(MissingInstanceIdError):
        instance.flatten(read(inner="<meta><instanceID>uuid:</instanceID></meta>"), NONE)


@pytest.mark.parametrize(
    "xml",
    [
        "<f id='{}'/>",
        "<f instanceID='{}'/>",
        "<f><formhub><uuid>{}</uuid></formhub></f>",
        "<f><__version__>{}</__version__></f>",
        "<f><meta><instanceID>{}</instanceID></meta></f>",
        "<f><meta><deprecatedID>{}</deprecatedID></meta></f>",
        "<f><meta><rootUuid>{}</rootUuid></meta></f>",
    ],
)
def test_identifiers_too_long_to_be_keys_are_refused(xml: str) -> None:
    for longest in ("x" * 255, "é" * 127, "語" * 85):
        instance.read(xml.format(longest).encode())
        with pytest.raises(OpenRosaError, match="an identifier in it is too long"):
            instance.read(xml.format(longest + longest[0]).encode())


def test_a_submission_without_any_answer_is_empty() -> None:
    with pytest.raises(EmptySubmissionError, match=r"Received empty submission. No instance was created"):
        instance.flatten(read("instanceID='uuid:7'", "<a/>"), NONE)


@pytest.mark.parametrize("body", [b"", b" \r\n"])
def test_no_bytes_are_an_empty_submission(body: bytes) -> None:
    with pytest.raises(EmptySubmissionError):
        instance.read(body)


def test_edits_name_the_revision_they_replace() -> None:
    inner = "<meta><instanceID>uuid:2</instanceID><deprecatedID>uuid:1</deprecatedID><rootUuid>uuid:0</rootUuid></meta>"
    edit = read(inner=inner)
    assert (edit.instance_id, edit.deprecated_id, edit.root_uuid) == ("uuid:2", "uuid:1", "uuid:0")


def test_root_attributes_are_read() -> None:
    root = read("id='a1' version='2' submissionDate='2026-01-02T03:04:05' encrypted='yes'")
    assert (root.form_id, root.version, root.submission_date) == ("a1", "2", "2026-01-02T03:04:05")
    assert root.encrypted


def test_what_is_not_there_is_none() -> None:
    plain = read()
    assert (plain.form_id, plain.version, plain.form_uuid, plain.version_uid) == (None, None, None, None)
    assert (plain.deprecated_id, plain.root_uuid, plain.submission_date, plain.submit_message) == (None,) * 4


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/f/g/thanks", "Thank you"),
        ("/other/g/thanks", "Thank you"),
        ("/f/g", None),
        ("/f/nosuch", None),
        ("/f/g/thanks/more", None),
        ("/f/empty", None),
        ("/f", None),
        ("", None),
        ("/f/@id", None),
    ],
)
def test_the_confirmation_message_is_the_answer_the_root_names(path: str, message: str | None) -> None:
    attributes = f"id='f' xmlns:kobo='http://kobotoolbox.org/xforms' kobo:submitMessage='{path}'"
    assert read(attributes, f"<g><thanks>Thank you</thanks></g><empty/>{META}").submit_message == message


def test_a_message_attribute_of_another_namespace_does_not_count() -> None:
    assert read("xmlns:k='http://else' k:submitMessage='/f/a'", f"<a>1</a>{META}").submit_message is None


# Documents


PLAIN = f"<f id='é'><a>é</a>{META}</f>"


@pytest.mark.parametrize(
    "xml",
    [
        PLAIN.encode(),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        b"\r\n <?xml version='1.0'?>" + PLAIN.encode(),
        b"<?xml version='1.0' encoding='UTF-8'?><!-- c -->\n<?p i?>" + PLAIN.encode() + b"\n<!-- d -->\n",
        b"<?xml version='1.0' encoding='ISO-8859-1'?>" + PLAIN.encode("latin-1"),
        b"<?xml version='1.0' encoding='windows-1252'?>" + PLAIN.encode("cp1252"),
        f"<?xml version='1.0' encoding='UTF-16'?>{PLAIN}".encode("utf-16"),
        PLAIN.encode("utf-16"),
    ],
)
def test_encodings_and_prologues_are_understood(xml: bytes) -> None:
    read = instance.read(xml)
    assert (read.root, read.form_id) == ("f", "é")
    assert instance.flatten(read, NONE) == {"a": "é", "meta/instanceID": "uuid:1"}


@pytest.mark.parametrize(
    "xml",
    [
        b"not xml",
        b"<f><a></f>",
        b"<f/><f/>",
        b"<f/>junk",
        b"<f>&nosuch;</f>",
        b"<f a='1' a='2'/>",
        b"<f>\xff\xfe</f>",
        b"<?xml version='1.0' encoding='nosuch'?><f/>",
        b"<?xml version='1.0' encoding='shift_jis'?><f/>",
        b"<?xml version='1.0' encoding='base64'?><f/>",
        b"<?xml version='1.0' encoding='undefined'?><f/>",
        b"<?xml version='1.0' encoding='idna'?><f/>",
        b"<!DOCTYPE f><f/>",
        b"<!DOCTYPE f [<!ENTITY e 'x'>]><f>&e;</f>",
        b"<!DOCTYPE f SYSTEM 'http://example.org/f.dtd'><f/>",
        "<!DOCTYPE f><f/>".encode("utf-16"),
        b"<f><orx:meta/></f>",
        b"<f orx:v='1'/>",
        b"<f><g xmlns:a='x'/><a:b/></f>",
        b"<f xmlns:a=''/>",
        b"<f xmlns:a='x' xmlns:b='x' a:v='1' b:v='2'/>",
        "<f><a:b/></f>".encode("utf-16"),
    ],
)
def test_what_is_not_plain_well_formed_xml_is_refused(xml: bytes) -> None:
    with pytest.raises(MalformedXmlError, match=r"Improperly formatted XML\."):
        instance.read(xml)


def test_prefixes_count_where_they_are_declared() -> None:
    xml = f"<f xmlns:a='x'><a:g b:v='1' xmlns:b='y'><b:c xml:lang='en'>1</b:c></a:g>{META}</f>"
    read = instance.read(xml.encode())
    assert instance.flatten(read, NONE)["a:g/b:c"] == "1"


def test_a_billion_laughs_are_refused() -> None:
    entities = "".join(f"<!ENTITY l{i + 1} '{f'&l{i};' * 10}'>" for i in range(9))
    with pytest.raises(MalformedXmlError):
        instance.read(f"<!DOCTYPE f [<!ENTITY l0 'lol'>{entities}]><f>&l9;</f>".encode())


def test_a_doctype_in_an_answer_is_text() -> None:
    assert answers("<a><![CDATA[<!DOCTYPE f>]]></a>") == {"a": "<!DOCTYPE f>"}


@pytest.mark.parametrize(
    "xml",
    [
        b"<f>\x0b</f>",
        b"<f>&#11;</f>",
        b"<f>&#xFFFF;</f>",
        b"<f>\xef\xbf\xbf</f>",
        b"<f>\xed\xa0\x80</f>",
        b"<f a='\x00'/>",
        b"<?xml version='1.0' encoding='latin-1'?><f>\x01\xe9</f>",
        "<f>\x02</f>".encode("utf-16"),
    ],
)
def test_characters_outside_xml_are_said_to_be_unsupported(xml: bytes) -> None:
    with pytest.raises(UnsupportedCharactersError, match="unsupported or invisible characters"):
        instance.read(xml)


# Bounds


def nested(depth: int) -> bytes:
    """A document whose deepest element is that many levels down, the root being the first."""
    return f"<f>{META}{'<g>' * (depth - 1)}x{'</g>' * (depth - 1)}</f>".encode()


def test_fifty_levels_are_read_and_one_more_is_refused() -> None:
    assert instance.flatten(instance.read(nested(50)), NONE)["/".join("g" * 49)] == "x"
    with pytest.raises(XmlTooLargeError, match="too many elements"):
        instance.flatten(instance.read(nested(51)), NONE)


def test_nesting_as_deep_as_the_node_bound_allows_is_refused() -> None:
    with pytest.raises(XmlTooLargeError, match="too many elements"):
        instance.flatten(instance.read(nested(99_000)), frozenset({"g"}))


@pytest.mark.parametrize(
    "inner",
    [
        b"<a/>" * 1_000_000,
        b"<a>1</a>" * 100_000,
        b"<a " + b"".join(b'a%d="" ' % n for n in range(100_001)) + b"/>",
        b"<a b='" + b"x" * 6_000_000 + b"'/>",
    ],
    ids=["a million nodes", "too many answers", "too many attributes", "too many bytes"],
)
def test_too_much_is_refused(inner: bytes) -> None:
    with pytest.raises(XmlTooLargeError, match="too many elements"):
        instance.read(b"<f>" + META.encode() + inner + b"</f>")


def test_as_many_answers_as_allowed_are_read() -> None:
    inner = "<a>1</a>" * 99_990
    assert len(answers(inner)["a"]) == 99_990


def test_a_text_full_of_equals_signs_is_text() -> None:
    assert answers(f"<a>{'=' * 200_000}</a>") == {"a": "=" * 200_000}


@pytest.mark.parametrize("repeats", [NONE, frozenset({"t" * 100_000 + "/a"})])
def test_long_names_around_many_answers_are_refused(repeats: frozenset[str]) -> None:
    name = "t" * 100_000
    xml = f"<f>{META}<{name}>{'<a>1</a>' * 1_000}</{name}></f>".encode()
    with pytest.raises(XmlTooLargeError):
        instance.flatten(instance.read(xml), repeats)


PIECES = [
    "<f id='f'>",
    "</f>",
    "<r>",
    "</r>",
    "<r/>",
    "<a>",
    "</a>",
    "<a b='c'>",
    " x ",
    "&amp;",
    "&#2;",
    "\x00",
]
PIECES += ["<!--c-->", "<![CDATA[]]>", "<!DOCTYPE f>", "<?xml version='1.0'?>", META]
MARKUP = st.lists(st.sampled_from(PIECES)).map(lambda pieces: "".join(pieces).encode())


@given(
    st.one_of(st.binary(max_size=200), MARKUP, MARKUP.map(lambda xml: b"<f>" + META.encode() + xml + b"</f>"))
)
def test_arbitrary_bytes_give_answers_or_a_typed_error(xml: bytes) -> None:
    try:
        result = instance.flatten(instance.read(xml), frozenset({"r"}))
    except OpenRosaError as error:
        assert error.status == 400
    else:
        assert result


@given(
    st.sampled_from(
        ["utf-7", "utf-32", "raw_unicode_escape", "punycode", "cp037", "utf-8-sig", "koi8-r", "US-ASCII"]
    )
)
def test_any_declared_encoding_is_read_or_refused(encoding: str) -> None:
    xml = f"<?xml version='1.0' encoding='{encoding}'?><f>{META}</f>".encode()
    with contextlib.suppress(MalformedXmlError):
        assert instance.read(xml).uuid == "1"


# Places and points


def places(inner: str, questions: set[str], repeats: frozenset[str] = NONE) -> dict[str, str]:
    return instance.xpaths(read(inner=META + inner), repeats, questions)


def test_places_count_instances_of_nested_repeats() -> None:
    inner = (
        "<a>one.jpg</a>"
        "<r><g><p>two.jpg</p></g><s><p>x</p></s><s><p>three.jpg</p></s></r><r><g><p>four.jpg</p></g></r>"
        "<twice>five.jpg</twice><twice>six.jpg</twice>"
    )
    questions = {"a", "r/g/p", "r/s/p", "twice"}
    assert places(inner, questions, frozenset({"r", "r/s"})) == {
        "one.jpg": "a",
        "two.jpg": "r[1]/g/p",
        "x": "r[1]/s[1]/p",
        "three.jpg": "r[1]/s[2]/p",
        "four.jpg": "r[2]/g/p",
        "five.jpg": "twice[1]",
        "six.jpg": "twice[2]",
    }


def test_places_count_instances_without_an_answer() -> None:
    inner = "<r><p/></r><r/><r><q>no</q></r><r><p>a.jpg</p></r>"
    assert places(inner, {"r/p"}, frozenset({"r"})) == {"a.jpg": "r[4]/p"}


def test_only_the_questions_asked_for_have_places_and_the_first_answer_wins() -> None:
    inner = "<note>p.jpg</note><photo>p.jpg</photo><other>p.jpg</other><group><photo>q.jpg</photo></group>"
    assert places(inner, {"photo", "other"}) == {"p.jpg": "photo"}


def test_a_group_in_the_place_of_a_question_and_the_other_way_round_have_no_place() -> None:
    assert places("<photo><x>p.jpg</x></photo><g>p.jpg</g>", {"photo", "g/photo"}) == {}


def test_the_first_answered_geopoint_counts() -> None:
    assert instance.geolocation({"b": "1.5 -2 0 0", "c": "3 4"}, ["a", "b", "c"]) == [1.5, -2.0]


@pytest.mark.parametrize(
    "text", ["here", "1", "", "nan 1", "1 inf", "1_0 2", "1,2 3", "1e999 0", "1e200 0", "0 361"]
)
def test_a_geopoint_that_is_no_point_gives_none(text: str) -> None:
    assert instance.geolocation({"a": text, "b": "1 2"}, ["a", "b"]) == [None, None]


def test_a_geopoint_next_to_nothing_is_zero() -> None:
    assert instance.geolocation({"a": "1e-300 -1e-200 0 0"}, ["a"]) == [0, 0]


@given(st.text(max_size=40))
def test_geolocation_is_always_two_finite_numbers_or_none(text: str) -> None:
    lat, lng = instance.geolocation({"a": text}, ["a"])
    assert (lat is None and lng is None) or (
        lat is not None and lng is not None and math.isfinite(lat) and math.isfinite(lng)
    )
