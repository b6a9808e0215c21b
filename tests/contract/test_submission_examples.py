"""Worked examples A and B of contract submissions §7, and what rest-services §6 makes of B as XML."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from formrelay.openrosa import instance, json_submission, outgoing

A_XML = b"""\
<?xml version='1.0' ?><aBX3kq7WmTz9fJhLr2YcVn id="aBX3kq7WmTz9fJhLr2YcVn" version="1 (2026-08-01 09:00:00)" \
xmlns:h="http://www.w3.org/1999/xhtml"><formhub><uuid>5f1c2d3e4b5a69788796a5b4c3d2e1f0</uuid></formhub>\
<start>2026-08-02T10:01:02.345+02:00</start><name>Ana &amp; co</name><age>34</age><colours>red blue</colours>\
<note_done/><comment/><__version__>vK9dP2mXwQz7RtYhLb3CfJs</__version__>\
<meta><instanceID>uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7</instanceID></meta></aBX3kq7WmTz9fJhLr2YcVn>"""

A_ANSWERS = """\
{"formhub/uuid": "5f1c2d3e4b5a69788796a5b4c3d2e1f0", "start": "2026-08-02T10:01:02.345+02:00", "name": "Ana & co",
 "age": "34", "colours": "red blue", "__version__": "vK9dP2mXwQz7RtYhLb3CfJs",
 "meta/instanceID": "uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7"}"""

B_XML = """\
<?xml version='1.0' ?><aBX3kq7WmTz9fJhLr2YcVn xmlns:ev="http://www.w3.org/2001/xml-events" \
xmlns:h="http://www.w3.org/1999/xhtml" xmlns:jr="http://openrosa.org/javarosa" \
xmlns:odk="http://www.opendatakit.org/xforms" xmlns:orx="http://openrosa.org/xforms" \
xmlns:xsd="http://www.w3.org/2001/XMLSchema" id="aBX3kq7WmTz9fJhLr2YcVn" version="3 (2026-08-01 09:15:00)">
  <formhub><uuid>5f1c2d3e4b5a69788796a5b4c3d2e1f0</uuid></formhub>
  <start>2026-08-02T10:01:02.345+02:00</start><end>2026-08-02T10:09:59.001+02:00</end>
  <consent>yes</consent>
  <loc><region>north</region><gps>-1.2627557 36.7926442 1655.0 4.5</gps></loc>
  <hh><size>2</size><languages>en sw</languages><member_count>2</member_count>
    <member><name>Ana</name><age>34</age><contact><phone>0712</phone></contact>
      <dose><date>2026-01-01</date></dose><dose><date>2026-02-01</date></dose><portrait>ana-10_3_11.jpg</portrait></member>
    <member><name>Björn</name><age/><contact><phone/></contact><portrait/></member></hh>
  <comment/><photo>front door-10_5_40.jpg</photo>
  <__version__>vK9dP2mXwQz7RtYhLb3CfJs</__version__>
  <meta><instanceID>uuid:0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11</instanceID><instanceName>Visit Ana</instanceName></meta>
</aBX3kq7WmTz9fJhLr2YcVn>
""".encode()

B_ANSWERS = """\
{"formhub/uuid": "5f1c2d3e4b5a69788796a5b4c3d2e1f0",
 "start": "2026-08-02T10:01:02.345+02:00", "end": "2026-08-02T10:09:59.001+02:00", "consent": "yes",
 "loc/region": "north", "loc/gps": "-1.2627557 36.7926442 1655.0 4.5",
 "hh/size": "2", "hh/languages": "en sw", "hh/member_count": "2",
 "hh/member": [
   {"hh/member/name": "Ana", "hh/member/age": "34", "hh/member/contact/phone": "0712",
    "hh/member/dose": [{"hh/member/dose/date": "2026-01-01"}, {"hh/member/dose/date": "2026-02-01"}],
    "hh/member/portrait": "ana-10_3_11.jpg"},
   {"hh/member/name": "Björn"}],
 "photo": "front door-10_5_40.jpg", "__version__": "vK9dP2mXwQz7RtYhLb3CfJs",
 "meta/instanceID": "uuid:0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11", "meta/instanceName": "Visit Ana"}"""

B_REPEATS = frozenset({"hh/member", "hh/member/dose"})
B_MEDIA = frozenset({"hh/member/portrait", "photo"})


def in_order(answers: object) -> str:
    """Text that also compares the order of keys."""
    return json.dumps(answers)


def test_example_a_gives_its_answers_in_order() -> None:
    answers = instance.flatten(instance.read(A_XML), frozenset())
    assert in_order(answers) == in_order(json.loads(A_ANSWERS))


def test_example_b_gives_its_answers_in_order() -> None:
    answers = instance.flatten(instance.read(B_XML), B_REPEATS)
    assert in_order(answers) == in_order(json.loads(B_ANSWERS))


def test_example_b_says_who_it_is() -> None:
    read = instance.read(B_XML)
    assert (read.root, read.form_id) == ("aBX3kq7WmTz9fJhLr2YcVn", "aBX3kq7WmTz9fJhLr2YcVn")
    assert read.version == "3 (2026-08-01 09:15:00)"
    assert read.version_uid == "vK9dP2mXwQz7RtYhLb3CfJs"
    assert read.form_uuid == "5f1c2d3e4b5a69788796a5b4c3d2e1f0"
    assert read.instance_id == "uuid:0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11"
    assert read.uuid == "0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11"
    assert not read.encrypted


def test_example_b_locates_its_attachments() -> None:
    assert instance.xpaths(instance.read(B_XML), B_REPEATS, B_MEDIA) == {
        "ana-10_3_11.jpg": "hh/member[1]/portrait",
        "front door-10_5_40.jpg": "photo",
    }


def test_example_b_has_its_geolocation() -> None:
    assert instance.geolocation(json.loads(B_ANSWERS), ["loc/gps"]) == [-1.2627557, 36.7926442]
    assert instance.geolocation(json.loads(A_ANSWERS), []) == [None, None]


@pytest.mark.parametrize(("answers", "repeats"), [(A_ANSWERS, frozenset()), (B_ANSWERS, B_REPEATS)])
def test_the_examples_survive_a_json_submission(answers: str, repeats: frozenset[str]) -> None:
    expected = json.loads(answers)
    body = json.dumps({"id": "aBX3kq7WmTz9fJhLr2YcVn", "submission": relative(expected)}).encode()
    form_id, xml = json_submission.to_xml(body)
    assert form_id == "aBX3kq7WmTz9fJhLr2YcVn"
    assert in_order(instance.flatten(instance.read(xml), repeats)) == in_order(expected)


def relative(answers: dict[str, Any], below: str = "") -> dict[str, Any]:
    """Answers with the keys of a repeat relative to it, as JSON submissions have them."""
    return {
        key[len(below) :]: [relative(row, key + "/") for row in value] if isinstance(value, list) else value
        for key, value in answers.items()
    }


def test_the_json_submission_of_section_8_becomes_an_instance() -> None:
    body = b"""
    {"id": "aBX3kq7WmTz9fJhLr2YcVn",
     "submission": {"consent": "yes", "loc": {"gps": "-1.26 36.79 0 0"}, "hh": {"size": 2, "member": [{"name": "Ana"}, {"name": "Bo"}]},
                    "colours": ["red", "blue"], "formhub": {"uuid": "5f1c"}, "meta": {"instanceID": "uuid:f3d8dc65-91a6-4d0f-9e97-802128083390"}}}
    """  # noqa: E501
    _, xml = json_submission.to_xml(body)
    assert instance.flatten(instance.read(xml), B_REPEATS) == {
        "consent": "yes",
        "loc/gps": "-1.26 36.79 0 0",
        "hh/size": "2",
        "hh/member": [{"hh/member/name": "Ana"}, {"hh/member/name": "Bo"}],
        "colours": "red blue",
        "formhub/uuid": "5f1c",
        "meta/instanceID": "uuid:f3d8dc65-91a6-4d0f-9e97-802128083390",
    }


def test_example_b_is_sent_to_xml_hooks_as_received() -> None:
    received = B_XML.removeprefix(b"<?xml version='1.0' ?>").rstrip()
    assert outgoing.render(B_XML) == b"<?xml version='1.0' encoding='utf-8'?>\n" + received


MEMBERS = re.findall(r"<member>.*?</member>", B_XML.decode(), re.DOTALL)
META = "<meta><instanceID>uuid:0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11</instanceID>"
META += "<instanceName>Visit Ana</instanceName></meta>"


@pytest.mark.parametrize(
    ("entries", "kept"),
    [
        (["region", "member"], f"<loc><region>north</region></loc><hh>{''.join(MEMBERS)}</hh>"),
        (
            ["name", "meta"],
            f"<hh><member><name>Ana</name></member><member><name>Björn</name></member></hh>{META}",
        ),
        (["age"], "<hh><member><age>34</age></member><member><age/></member></hh>"),
        (["loc/gps"], "<loc><gps>-1.2627557 36.7926442 1655.0 4.5</gps></loc>"),
        (["loc"], "<loc><region>north</region><gps>-1.2627557 36.7926442 1655.0 4.5</gps></loc>"),
        (["hh/member"], f"<hh>{''.join(MEMBERS)}</hh>"),
        (
            ["hh/member/name"],
            "<hh><member><name>Ana</name></member><member><name>Björn</name></member></hh>",
        ),
        (["_id", "_submission_time"], ""),
        (["nosuch"], ""),
    ],
)
def test_subsets_of_example_b(entries: list[str], kept: str) -> None:
    sent = outgoing.subset(B_XML, entries).decode()
    declaration, _, element = sent.partition("\n")
    assert declaration == "<?xml version='1.0' encoding='utf-8'?>"
    start = B_XML.decode()[len("<?xml version='1.0' ?>") :].partition(">")[0]
    assert element == (f"{start}>{kept}</aBX3kq7WmTz9fJhLr2YcVn>" if kept else f"{start}/>")
