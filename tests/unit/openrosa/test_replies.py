"""What OpenRosa clients are told."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from formrelay.openrosa import replies
from formrelay.openrosa.errors import MultipartError, OpenRosaError, Outcome
from formrelay.openrosa.replies import ListedForm, ListedMedia, Receipt

NOW = 1_785_658_205_123  # 2026-08-02 08:10:05.123 UTC
LOCATION = "https://kf.example.org/submission"
COMMON = {
    "X-OpenRosa-Version": "1.0",
    "X-OpenRosa-Accept-Content-Length": "4000000",
    "Date": "Sun, 02 Aug 2026 08:10:05 GMT",
}
IN_XML = {"Content-Type": "text/xml; charset=utf-8", **COMMON}
IN_JSON = {"Content-Type": "application/json", **COMMON}
LOCATED = {"Location": LOCATION}
RECEIPT = Receipt("aBX3kq7WmTz9fJhLr2YcVn", "uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7", NOW, NOW + 77)
ODD = "<b> & \"q\" 'r'\x00é"


def parsed(body: bytes) -> ET.Element:
    return ET.fromstring(body)  # noqa: S314 - our own


def test_a_precheck_is_an_empty_204() -> None:
    assert replies.precheck(LOCATION, NOW) == replies.Reply(204, IN_XML | LOCATED, b"")


def test_success_is_the_contracts_xml() -> None:
    reply = replies.success(RECEIPT, LOCATION, NOW)
    assert (reply.status, reply.headers) == (201, IN_XML | LOCATED)
    assert reply.body.decode() == (
        """\
<OpenRosaResponse xmlns="http://openrosa.org/http/response">
    <message>Successful submission.</message>
    <submissionMetadata xmlns="http://www.opendatakit.org/xforms" id="aBX3kq7WmTz9fJhLr2YcVn" \
instanceID="uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7" submissionDate="2026-08-02T08:10:05.123000+00:00" \
isComplete="true" markedAsCompleteDate="2026-08-02T08:10:05.200000+00:00"/>
</OpenRosaResponse>"""
    )


def test_success_in_json_has_the_contracts_keys() -> None:
    reply = replies.success(RECEIPT, LOCATION, NOW, as_json=True)
    assert (reply.status, reply.headers) == (201, IN_JSON | LOCATED)
    assert json.loads(reply.body) == {
        "message": "Successful submission.",
        "formid": "aBX3kq7WmTz9fJhLr2YcVn",
        "encrypted": False,
        "instanceID": "uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "submissionDate": "2026-08-02T08:10:05.123000+00:00",
        "markedAsCompleteDate": "2026-08-02T08:10:05.200000+00:00",
    }


def test_a_custom_message_replaces_the_default_and_everything_is_escaped() -> None:
    reply = replies.success(Receipt(ODD, ODD, NOW, NOW, message=ODD), LOCATION, NOW)
    message, metadata = parsed(reply.body)
    assert message.text == metadata.get("id") == metadata.get("instanceID") == ODD.replace("\x00", "")


def test_a_refusal_is_the_contracts_xml() -> None:
    reply = replies.refusal(Outcome.DUPLICATE.error(), LOCATION, NOW)
    assert (reply.status, reply.headers) == (202, IN_XML | LOCATED)
    assert reply.body.decode() == (
        """\
<?xml version='1.0' encoding='UTF-8' ?>
<OpenRosaResponse xmlns="http://openrosa.org/http/response">
        <message nature="">Duplicate Instance</message>
</OpenRosaResponse>"""
    )


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_outcomes_about_a_stored_submission_have_a_location(outcome: Outcome) -> None:
    reply = replies.refusal(outcome.error(), LOCATION, NOW)
    assert ("Location" in reply.headers) == (reply.status in (202, 409))
    assert parsed(reply.body)[0].text == outcome.error().message


def test_refusals_escape_their_message() -> None:
    reply = replies.refusal(OpenRosaError(400, ODD), LOCATION, NOW)
    assert parsed(reply.body)[0].text == ODD.replace("\x00", "")


@pytest.mark.parametrize(
    ("error", "body"),
    [
        (Outcome.DUPLICATE.error(), {"error": "Duplicate Instance"}),
        (Outcome.FORM_INACTIVE.error(), {"error": "Form is not active"}),
        (Outcome.NOT_FOUND.error(), {"detail": "Not found."}),
        (MultipartError("no boundary"), {"error": "Improperly formatted multipart body: no boundary."}),
    ],
)
def test_refusals_in_json_have_one_key(error: OpenRosaError, body: dict[str, str]) -> None:
    reply = replies.refusal(error, LOCATION, NOW, as_json=True)
    assert reply.status == error.status
    assert reply.headers["Content-Type"] == "application/json"
    assert json.loads(reply.body) == body


def test_a_401_challenges_in_both_dialects() -> None:
    text = "Authentication credentials were not provided."
    reply = replies.detail(401, text, NOW)
    assert reply.headers == IN_XML | {"WWW-Authenticate": 'Basic realm="formrelay"'}
    assert (
        reply.body.decode() == f'<?xml version="1.0" encoding="utf-8"?>\n<root><detail>{text}</detail></root>'
    )
    reply = replies.detail(401, text, NOW, as_json=True)
    assert reply.headers == IN_JSON | {"WWW-Authenticate": 'Basic realm="formrelay"'}
    assert json.loads(reply.body) == {"detail": text}


def test_a_detail_of_another_status_does_not_challenge() -> None:
    reply = replies.detail(404, ODD, NOW)
    assert (reply.status, reply.headers) == (404, IN_XML)
    assert parsed(reply.body)[0].text == ODD.replace("\x00", "")


def test_a_form_list_is_the_contracts_xml() -> None:
    form = ListedForm(
        form_id="aBX3kq7WmTz9fJhLr2YcVn",
        name="Household visit",
        version="3 (2026-08-01 09:15:00)",
        md5="0f3c",
        download_url="https://kc.example.org/forms/77/form.xml",
        manifest_url="https://kc.example.org/xformsManifest/77",
    )
    reply = replies.form_list([form], NOW)
    assert (reply.status, reply.headers) == (200, IN_XML)
    assert reply.body.decode() == (
        """\
<?xml version="1.0" encoding="utf-8"?>
<xforms xmlns="http://openrosa.org/xforms/xformsList"><xform><formID>aBX3kq7WmTz9fJhLr2YcVn</formID>\
<name>Household visit</name><majorMinorVersion>3 (2026-08-01 09:15:00)</majorMinorVersion>\
<version>3 (2026-08-01 09:15:00)</version><hash>md5:0f3c</hash><descriptionText>Household visit</descriptionText>\
<downloadUrl>https://kc.example.org/forms/77/form.xml</downloadUrl>\
<manifestUrl>https://kc.example.org/xformsManifest/77</manifestUrl></xform></xforms>"""
    )


def test_a_manifest_is_the_contracts_xml() -> None:
    media = ListedMedia("villages.csv", "9a0b", "https://kc.example.org/xformsMedia/77/12.csv")
    reply = replies.manifest([media], NOW)
    assert (reply.status, reply.headers) == (200, IN_XML)
    assert reply.body.decode() == (
        """\
<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns="http://openrosa.org/xforms/xformsManifest"><mediaFile><filename>villages.csv</filename>\
<hash>md5:9a0b</hash><downloadUrl>https://kc.example.org/xformsMedia/77/12.csv</downloadUrl></mediaFile></manifest>"""
    )


def test_empty_lists_are_lists() -> None:
    declaration = '<?xml version="1.0" encoding="utf-8"?>\n'
    assert replies.form_list([], NOW).body.decode() == (
        declaration + '<xforms xmlns="http://openrosa.org/xforms/xformsList"></xforms>'
    )
    assert replies.manifest([], NOW).body.decode() == (
        declaration + '<manifest xmlns="http://openrosa.org/xforms/xformsManifest"></manifest>'
    )


def test_lists_escape_what_owners_typed() -> None:
    forms = replies.form_list([ListedForm(ODD, ODD, ODD, "0f", "https://x/?a=1&b=2", "https://y/")], NOW).body
    (row,) = parsed(forms)
    clean = ODD.replace("\x00", "")
    assert [child.text for child in row] == [
        clean,
        clean,
        clean,
        clean,
        "md5:0f",
        clean,
        "https://x/?a=1&b=2",
        "https://y/",
    ]
    media = replies.manifest([ListedMedia(ODD, "0f", "https://x/?a=1&b=2")], NOW).body
    (row,) = parsed(media)
    assert [child.text for child in row] == [clean, "md5:0f", "https://x/?a=1&b=2"]


def test_a_form_is_sent_byte_for_byte() -> None:
    assert replies.form_xml(b"<h:html/>", NOW) == replies.Reply(200, IN_XML, b"<h:html/>")
