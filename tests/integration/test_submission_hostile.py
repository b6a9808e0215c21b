"""Bodies that were made to break a parser: refused or taken, never a 500, and what is taken can be read back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.support.app import FORM, Answer, App

META = "<meta><instanceID>uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7</instanceID></meta>"
MULTIPART = {"content-type": "multipart/form-data; boundary=x"}
# The form's uid stands for @; what comes with bytes is kept as it is.
TAKEN = {
    "version 1.1": f"<?xml version='1.1'?><f id='@'><name>a</name>{META}</f>",
    "comment before the root": f"<!-- c --><f id='@'><name>a</name>{META}</f>",
    "instruction before the root": f"<?xml-stylesheet href='x'?><f id='@'><name>a</name>{META}</f>",
    "cdata": f"<f id='@'><name><![CDATA[</f><f>]]></name>{META}</f>",
    "comments within": f"<f id='@'><name>a<!-- </name> -->b<?p </f>?></name>{META}</f>",
    "fifty levels": f"<f id='@'>{'<g>' * 48}<a>1</a>{'</g>' * 48}{META}</f>",
    "wide": f"<f id='@'>{'<q>1</q>' * 49_000}{META}</f>",
    "one long text": f"<f id='@'><name>{'x' * 3_000_000}</name>{META}</f>",
    "many attributes": f"<f id='@' {' '.join(f'a{i}=' + chr(39) * 2 for i in range(5_000))}><name>a</name>{META}</f>",
    "names of the record": f"<f id='@'><_id>1</_id><_uuid>2</_uuid><_attachments>3</_attachments>{META}</f>",
    "names of the table": f"<f id='@'><pk>A#1</pk><sk>S</sk><expires>1</expires>{META}</f>",
    "names of paths": f"<f id='@'><_..>1</_..><a.b>2</a.b><a-->3</a-->{META}</f>",
    "an answer in the place of a repeat": f"<f id='@'><member>text</member><member/>{META}</f>",
    "a group in the place of an answer": f"<f id='@'><name><x>1</x></name><gps><y>2</y></gps>{META}</f>",
    "two metas": f"<f id='@'><name>a</name>{META}{META}</f>",
    "positions that are none": f"<f id='@'><gps>nan inf 1e999 -</gps>{META}</f>",
    "a repeat of hundreds": f"<f id='@'>{'<member><who>a</who></member>' * 2_000}{META}</f>",
}
REFUSED = {
    "nothing": "",
    "spaces": " \n ",
    "no markup": "name: Ana",
    "json": '{"id": "@"}',
    "too deep": f"<f id='@'>{'<g>' * 60_000}</f>",
    "deep and closed": f"<f id='@'>{'<g>' * 200}1{'</g>' * 200}{META}</f>",
    "too many nodes": f"<f id='@'>{'<q/>' * 300_000}{META}</f>",
    "laughs": "<!DOCTYPE f [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><f id='@'><name>&b;</name></f>",
    "an external entity": "<!DOCTYPE f [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><f id='@'><name>&a;</name></f>",
    "a parameter entity": "<!DOCTYPE f [<!ENTITY % a SYSTEM 'http://127.0.0.1/'>%a;]><f id='@'/>",
    "a doctype": f"<!DOCTYPE html><f id='@'><name>a</name>{META}</f>",
    "two roots": f"<f id='@'>{META}</f><f/>",
    "an open cdata": f"<f id='@'><name><![CDATA[</name>{META}</f>",
    "an open comment": f"<f id='@'><!-- <name>a</name>{META}</f>",
    "a declaration within": f"<f id='@'><?xml version='1.0'?>{META}</f>",
    "a doubled attribute": f"<f id='@' id='@'>{META}</f>",
    "a null": f"<f id='@'><name>\0</name>{META}</f>",
    "a referenced null": f"<f id='@'><name>&#0;</name>{META}</f>",
    "half a pair": f"<f id='@'><name>&#xD800;</name>{META}</f>",
    "a lie about the encoding": f"<?xml version='1.0' encoding='utf-16'?><f id='@'><name>a</name>{META}</f>",
    "an unknown encoding": f"<?xml version='1.0' encoding='klingon'?><f id='@'>{META}</f>",
    "an undeclared prefix": f"<f id='@'><a:name>a</a:name>{META}</f>",
    "a long instanceID": f"<f id='@' instanceID='{'x' * 10_000}'><name>a</name></f>",
}


@pytest.fixture
def asset(app: App) -> str:
    return app.deploy(FORM)


def multipart(xml: bytes) -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="xml_submission_file"; filename="i.xml"\r\n\r\n'
    return head + xml + b"\r\n--x--\r\n"


def post(app: App, xml: bytes) -> Answer:
    return app.call("POST", "/submission", body=multipart(xml), headers=MULTIPART)


@pytest.mark.parametrize("name", TAKEN)
def test_odd_but_sound_xml_is_taken_and_read_back(app: App, asset: str, name: str) -> None:
    xml = TAKEN[name].replace("@", asset).encode()
    assert post(app, xml).status == 201
    (row,) = app.records(asset)
    data = f"/api/v2/assets/{asset}/data/{row['_id']}"
    document = app.get(f"{data}.xml").body
    assert document.endswith(xml)
    assert app.get(data).json()["_id"] == row["_id"]


@pytest.mark.parametrize("name", REFUSED)
def test_xml_that_breaks_rules_is_refused_and_leaves_nothing(app: App, asset: str, name: str) -> None:
    answer = post(app, REFUSED[name].replace("@", asset).encode())
    assert answer.status == 400
    assert answer.text.startswith("<?xml")
    assert app.records(asset) == []


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp037", "utf-8-sig"])
@pytest.mark.parametrize("declared", ["", "<?xml version='1.0' encoding='{}'?>", "<?xml version='1.0'?>"])
def test_every_encoding_is_read_or_refused(app: App, asset: str, codec: str, declared: str) -> None:
    xml = f"{declared.format(codec)}<f id='{asset}'><name>Zoë</name>{META}</f>".encode(codec)
    answer = post(app, xml)
    assert answer.status in (201, 400)
    names = [record["name"] for record in app.records(asset)]
    assert names == (["Zoë"] if answer.status == 201 else [])


_SHARED = hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# Cuts and changes of a body: (place, bytes to take out, bytes to put in).
EDIT = st.tuples(
    st.floats(0, 1),
    st.integers(0, 40),
    st.one_of(
        st.binary(max_size=8),
        st.sampled_from(
            [b"<", b">", b"/", b"&", b"\0", b"<!--", b"]]>", b"--x", b"\r\n\r\n", b"<a>", b'"', b"\xff"]
        ),
    ),
)


def edited(body: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for place, less, more in edits:
        at = int(place * len(body))
        body = body[:at] + more + body[at + less :]
    return body


@_SHARED
@given(edits=st.lists(EDIT, min_size=1, max_size=4))
def test_a_damaged_submission_is_taken_or_refused(app: App, asset: str, edits: Any) -> None:
    body = multipart(f"<f id='{asset}'><name>a</name><member><who>b</who></member>{META}</f>".encode())
    answer = app.call("POST", "/submission", body=edited(body, edits), headers=MULTIPART)
    assert answer.status < 500, answer.text
    assert answer.text.startswith(("<?xml", "<OpenRosaResponse"))


@_SHARED
@given(edits=st.lists(EDIT, min_size=1, max_size=4))
def test_a_damaged_json_submission_is_taken_or_refused(app: App, asset: str, edits: Any) -> None:
    meta = {"instanceID": "uuid:1"}
    body = json.dumps({"id": asset, "submission": {"name": "a", "member": [{"who": "b"}], "meta": meta}})
    headers = {"content-type": "application/json"}
    answer = app.call("POST", "/submission", body=edited(body.encode(), edits), headers=headers)
    assert answer.status < 500, answer.text
    assert isinstance(answer.json(), dict)
