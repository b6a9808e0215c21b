"""The worked examples of contract rest-services §6 and submissions §7, as a receiver sees them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from formrelay.hooks import guard, headers, http, payload
from tests.support.receiver import Receiver

HOOK = "hZzzeedWxQoFHgibsTCysv"
ASSET_URL = "https://kf.example.org/api/v2/assets/aBX3kq7WmTz9fJhLr2YcVn"
PORTRAIT = f"{ASSET_URL}/data/17/attachments/attWNZNwhXK6HDYVkZJSn9jy/"
# Submission B as `GET data/17/` shows it.
B: dict[str, Any] = {
    "_id": 17,
    "formhub/uuid": "5f1c2d3e4b5a69788796a5b4c3d2e1f0",
    "start": "2026-08-02T10:01:02.345+02:00",
    "end": "2026-08-02T10:09:59.001+02:00",
    "consent": "yes",
    "loc/region": "north",
    "loc/gps": "-1.2627557 36.7926442 1655.0 4.5",
    "hh/size": "2",
    "hh/languages": "en sw",
    "hh/member_count": "2",
    "hh/member": [
        {
            "hh/member/name": "Ana",
            "hh/member/age": "34",
            "hh/member/contact/phone": "0712",
            "hh/member/dose": [{"hh/member/dose/date": "2026-01-01"}, {"hh/member/dose/date": "2026-02-01"}],
            "hh/member/portrait": "ana-10_3_11.jpg",
        },
        {"hh/member/name": "Björn"},
    ],
    "photo": "front door-10_5_40.jpg",
    "__version__": "vK9dP2mXwQz7RtYhLb3CfJs",
    "meta/instanceID": "uuid:0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11",
    "meta/instanceName": "Visit Ana",
    "_xform_id_string": "aBX3kq7WmTz9fJhLr2YcVn",
    "_uuid": "0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11",
    "meta/rootUuid": "uuid:0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11",
    "_attachments": [
        {
            "download_url": PORTRAIT,
            "mimetype": "image/jpeg",
            "filename": "owner1/attachments/5f1c/0b1c/ana-10_3_11.jpg",
            "media_file_basename": "ana-10_3_11.jpg",
            "uid": "attWNZNwhXK6HDYVkZJSn9jy",
            "is_deleted": False,
            "download_large_url": f"{PORTRAIT}large/",
            "question_xpath": "hh/member[1]/portrait",
        }
    ],
    "_status": "submitted_via_web",
    "_geolocation": [-1.2627557, 36.7926442],
    "_submission_time": "2026-08-02T08:10:05",
    "_validation_status": {},
    "_submitted_by": "enum1",
}
B_XML = """<?xml version='1.0' ?><aBX3kq7WmTz9fJhLr2YcVn xmlns:orx="http://openrosa.org/xforms" id="aBX3kq7WmTz9fJhLr2YcVn" version="3 (2026-08-01 09:15:00)">
  <loc><region>north</region><gps>-1.2627557 36.7926442 1655.0 4.5</gps></loc>
  <hh><size>2</size><member><name>Ana</name><age>34</age></member><member><name>Björn</name><age/></member></hh>
</aBX3kq7WmTz9fJhLr2YcVn>""".encode()  # noqa: E501
MEMBER = {"hh/member": B["hh/member"]}
META = {key: value for key, value in B.items() if key.startswith("meta/")}


def _sent(**hook: Any) -> Any:
    body = payload.render({"export_type": "json", **hook}, B, B_XML)
    assert body.content_type == "application/json"
    return json.loads(body.data)


def test_a_json_hook_gets_the_record_as_the_data_api_shows_it() -> None:
    body = payload.render({}, B, B_XML)
    assert json.loads(body.data) == B
    assert list(json.loads(body.data)) == list(B)
    assert body.data.startswith(b'{"_id": 17, "formhub/uuid": "5f1c')
    assert b'"Bj\\u00f6rn"' in body.data


@pytest.mark.parametrize(
    ("entries", "keys"),
    [
        (["region"], {"loc/region": "north"}),
        (["loc"], {"loc/region": B["loc/region"], "loc/gps": B["loc/gps"]}),
        (["loc/gps"], {"loc/gps": B["loc/gps"]}),
        (["hh"], {key: value for key, value in B.items() if key.startswith("hh/")}),
        (["member"], MEMBER),
        (["hh/member"], MEMBER),
        (["meta"], META),
        (["uuid"], {"formhub/uuid": B["formhub/uuid"]}),
        (["_uuid", "_id"], {"_uuid": B["_uuid"], "_id": 17}),
        (["s.ze"], {}),
        (["name"], {"hh/member": [{"hh/member/name": "Ana"}, {"hh/member/name": "Björn"}]}),
        (["hh/member/name"], {"hh/member": [{"hh/member/name": "Ana"}, {"hh/member/name": "Björn"}]}),
        (["age"], {"hh/member": [{"hh/member/age": "34"}]}),
        (["nosuch"], {}),
    ],
)
def test_subset_fields_pick_answers_by_path_or_name(entries: list[str], keys: dict[str, Any]) -> None:
    assert _sent(subset_fields=entries) == keys


def test_subset_fields_do_not_mix_up_similar_groups() -> None:
    record = {
        "_id": 1,
        "group1/q3": "c",
        "group2/subgroup1/q4": "d",
        "group2/subgroup1/q5": "e",
        "group2/subgroup11/q1": "x",
    }
    body = payload.render({"subset_fields": ["_id", "subgroup1", "q3"]}, record, b"")
    assert set(json.loads(body.data)) == {"_id", "group1/q3", "group2/subgroup1/q4", "group2/subgroup1/q5"}


def test_subset_fields_pick_by_path_name_and_repeat_and_leave_the_count() -> None:
    record = {
        "_id": 3,
        "household/head_name": "Ana",
        "household/contact/phone": "0712",
        "household/contact/mail": "a@b",
        "members": [{"members/name": "Bo"}],
        "members_count": "1",
    }
    entries = ["head_name", "household/contact/phone", "members", "_id"]
    body = payload.render({"subset_fields": entries}, record, b"")
    assert list(json.loads(body.data)) == ["household/head_name", "household/contact/phone", "members", "_id"]


def test_a_template_wraps_the_submission() -> None:
    assert _sent(payload_template='{"fields": %SUBMISSION%}') == {"fields": B}
    assert _sent(payload_template="[%SUBMISSION%]", subset_fields=["_id"]) == [{"_id": 17}]


def test_an_xml_hook_gets_the_submission_as_the_client_sent_it() -> None:
    body = payload.render({"export_type": "xml", "subset_fields": []}, B, B_XML)
    assert body.content_type == "application/xml"
    text = body.data.decode()
    root = (
        '<aBX3kq7WmTz9fJhLr2YcVn xmlns:orx="http://openrosa.org/xforms" id="aBX3kq7WmTz9fJhLr2YcVn"'
        ' version="3 (2026-08-01 09:15:00)">'
    )
    assert text.startswith(f"<?xml version='1.0' encoding='utf-8'?>\n{root}")
    assert "<name>Björn</name>" in text
    assert "_submission_time" not in text


def test_the_worked_request_arrives_as_described() -> None:
    hook = {
        "uid": HOOK,
        "export_type": "json",
        "subset_fields": ["region", "member_count"],
        "payload_template": '{"fields": %SUBMISSION%}',
        "auth_level": "basic_auth",
        "settings": {"username": "u", "password": "p", "custom_headers": {"X-Token": "1234abcd"}},
    }
    body = payload.render(hook, B, B_XML)
    sent = headers.build(
        hook, body, delivery_uid="hl8Ldv5m84SBpU5UB5J7QBD", attempt=1, timestamp=1_785_658_205
    )
    with Receiver() as receiver:
        url = receiver.url("/kobo/in")
        assert http.post(url, sent, body.data, http.Timeouts(), guard.policy(["127.0.0.0/8"])).ok
    [got] = receiver.requests
    assert (got.method, got.path) == ("POST", "/kobo/in")
    assert got.body == b'{"fields": {"loc/region": "north", "hh/member_count": "2"}}'
    assert got.header("Content-Type") == "application/json"
    assert got.header("Content-Length") == "59"
    assert got.header("Accept") == "*/*"
    assert got.header("X-Token") == "1234abcd"
    assert got.header("Authorization") == "Basic dTpw"
    assert (got.header("User-Agent") or "").endswith(f"#{HOOK}")
    assert got.header("Idempotency-Key") == got.header("webhook-id") == "hl8Ldv5m84SBpU5UB5J7QBD"
