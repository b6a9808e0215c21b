"""Worked examples A and B of contract submissions §7, through the functions: posted as XML, read back as the record."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from tests.contract.test_submission_examples import A_XML, B_XML
from tests.support.app import App, Clock
from tests.support.forms import household_xlsx, small_jpeg
from tests.support.grants import grant

UID = "aBX3kq7WmTz9fJhLr2YcVn"
FORM_UUID = "5f1c2d3e4b5a69788796a5b4c3d2e1f0"
FORM_A: dict[str, Any] = {
    "survey": [
        {"type": "start", "name": "start"},
        {"type": "text", "name": "name", "label": "Name"},
        {"type": "integer", "name": "age", "label": "Age"},
        {"type": "select_multiple c", "name": "colours", "label": "Colours"},
        {"type": "note", "name": "note_done", "label": "Done"},
        {"type": "text", "name": "comment", "label": "Comment"},
    ],
    "choices": [
        {"list_name": "c", "name": "red", "label": "Red"},
        {"list_name": "c", "name": "blue", "label": "B"},
    ],
}

A_RECORD = """\
{"_id": 16, "formhub/uuid": "5f1c2d3e4b5a69788796a5b4c3d2e1f0", "start": "2026-08-02T10:01:02.345+02:00",
 "name": "Ana & co",
 "age": "34", "colours": "red blue", "__version__": "vK9dP2mXwQz7RtYhLb3CfJs",
 "meta/instanceID": "uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7", "_xform_id_string": "aBX3kq7WmTz9fJhLr2YcVn",
 "_uuid": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
 "meta/rootUuid": "uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7", "_attachments": [],
 "_status": "submitted_via_web", "_geolocation": [null, null], "_submission_time": "2026-08-02T08:10:05",
 "_validation_status": {}, "_submitted_by": null}"""

_BASE = "https://kf.example.org/api/v2/assets/aBX3kq7WmTz9fJhLr2YcVn/data/17/attachments"
_FOLDER = "ann/attachments/5f1c2d3e4b5a69788796a5b4c3d2e1f0/0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11"
B_RECORD = f"""\
{{"_id": 17, "formhub/uuid": "5f1c2d3e4b5a69788796a5b4c3d2e1f0",
 "start": "2026-08-02T10:01:02.345+02:00", "end": "2026-08-02T10:09:59.001+02:00", "consent": "yes",
 "loc/region": "north", "loc/gps": "-1.2627557 36.7926442 1655.0 4.5",
 "hh/size": "2", "hh/languages": "en sw", "hh/member_count": "2",
 "hh/member": [
   {{"hh/member/name": "Ana", "hh/member/age": "34", "hh/member/contact/phone": "0712",
    "hh/member/dose": [{{"hh/member/dose/date": "2026-01-01"}}, {{"hh/member/dose/date": "2026-02-01"}}],
    "hh/member/portrait": "ana-10_3_11.jpg"}},
   {{"hh/member/name": "Björn"}}],
 "photo": "front door-10_5_40.jpg", "__version__": "vK9dP2mXwQz7RtYhLb3CfJs",
 "meta/instanceID": "uuid:0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11", "meta/instanceName": "Visit Ana",
 "_xform_id_string": "aBX3kq7WmTz9fJhLr2YcVn", "_uuid": "0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11",
 "meta/rootUuid": "uuid:0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11",
 "_attachments": [
  {{"download_url": "{_BASE}/att1/",
   "mimetype": "image/jpeg", "filename": "{_FOLDER}/ana-10_3_11.jpg",
   "media_file_basename": "ana-10_3_11.jpg", "uid": "att1", "is_deleted": false,
   "download_large_url": "{_BASE}/att1/large/", "download_medium_url": "{_BASE}/att1/medium/",
   "download_small_url": "{_BASE}/att1/small/", "question_xpath": "hh/member[1]/portrait"}},
  {{"download_url": "{_BASE}/att2/",
   "mimetype": "image/jpeg", "filename": "{_FOLDER}/front_door-10_5_40.jpg",
   "media_file_basename": "front door-10_5_40.jpg", "uid": "att2", "is_deleted": false,
   "download_large_url": "{_BASE}/att2/large/", "download_medium_url": "{_BASE}/att2/medium/",
   "download_small_url": "{_BASE}/att2/small/", "question_xpath": "photo"}}],
 "_status": "submitted_via_web", "_geolocation": [-1.2627557, 36.7926442], "_submission_time": "2026-08-02T08:10:05",
 "_validation_status": {{}}, "_submitted_by": "enum1"}}"""


def posted(example: bytes, app: App, asset: str) -> str:
    """The example's XML as a client of this project would send it."""
    detail = app.get(f"/api/v2/assets/{asset}/").json()
    return example.decode().replace(UID, asset).replace(FORM_UUID, detail["deployment__uuid"])


def as_in_the_example(text: str, app: App, asset: str, sid: int) -> str:
    """JSON text of a record with the names that the example has for what is drawn at random."""
    detail = app.get(f"/api/v2/assets/{asset}/").json()
    record = json.loads(text)
    for number, uid in enumerate([file["uid"] for file in record["_attachments"]], 1):
        text = text.replace(uid, f"att{number}")
    text = text.replace(asset, UID).replace(detail["deployment__uuid"], FORM_UUID)
    return re.sub(rf'"_id":{record["_id"]}\b|(?<=/data/){record["_id"]}\b', lambda m: _with(m[0], sid), text)


def _with(found: str, sid: int) -> str:
    return f'"_id":{sid}' if found.startswith('"') else str(sid)


def in_order(text: str) -> str:
    """Compares the order of keys, too."""
    return json.dumps(json.loads(text), indent=1, ensure_ascii=False)


def test_example_a_reads_back_as_its_record(app: App, clock: Clock) -> None:
    asset = app.deploy(FORM_A)
    grant(asset, "AnonymousUser", "add_submissions")
    assert app.submit(posted(A_XML, app, asset), user=None, path="/ann/submission").status == 201
    sid = app.records(asset)[0]["_id"]
    text = app.get(f"/api/v2/assets/{asset}/data/{sid}/").text
    assert in_order(as_in_the_example(text, app, asset, 16)) == in_order(A_RECORD)


@pytest.fixture
def household(app: App, clock: Clock) -> str:
    """The demo form, imported from its XLSForm and deployed, filled in as example B by enum1."""
    data = {"base64Encoded": "base64:" + base64.b64encode(household_xlsx()).decode(), "library": "false"}
    task = app.send("POST", "/api/v2/imports/", data).json()
    done = app.get(f"/api/v2/imports/{task['uid']}/").json()
    asset: str = done["messages"]["created"][0]["uid"]
    assert app.send("POST", f"/api/v2/assets/{asset}/deployment/", {"active": True}).status == 200
    app.add_user("enum1")
    grant(asset, "enum1", "add_submissions")
    files = {"ana-10_3_11.jpg": small_jpeg(), "front door-10_5_40.jpg": small_jpeg()}
    assert app.submit(posted(B_XML, app, asset), files, user="enum1").status == 201
    return asset


def test_example_b_reads_back_as_its_record(app: App, household: str) -> None:
    (record,) = app.records(household)
    text = app.get(f"/api/v2/assets/{household}/data/{record['_id']}/").text
    assert json.loads(text) == record
    assert in_order(as_in_the_example(text, app, household, 17)) == in_order(B_RECORD)


def test_example_b_reads_back_as_the_xml_that_was_sent(app: App, household: str) -> None:
    sent = posted(B_XML, app, household)
    answer = app.get(f"/api/v2/assets/{household}/data/{app.records(household)[0]['_id']}.xml")
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"
    assert answer.text == sent


def test_example_b_stands_in_the_xml_list_without_its_declaration(app: App, household: str) -> None:
    element = posted(B_XML, app, household).removeprefix("<?xml version='1.0' ?>").strip()
    answer = app.get(f"/api/v2/assets/{household}/data.xml")
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"
    assert answer.text == (
        '<?xml version="1.0" encoding="utf-8"?><root><count>1</count><next>None</next><previous>None</previous>'
        f"<results>{element}</results></root>"
    )
