"""Submissions in: who may send them, and what they are told (contract submissions §2–§5)."""

from __future__ import annotations

import gzip
import logging
import re
from collections.abc import Mapping
from xml.etree import ElementTree as ET

import pytest

from formrelay.openrosa import replies
from tests.support.app import FORM, PASSWORD, Answer, App, Clock
from tests.support.aws import messages, stored
from tests.support.grants import ANONYMOUS, grant, switch_off
from tests.support.world import World

NAMESPACE = "{http://openrosa.org/http/response}"
METADATA = "{http://www.opendatakit.org/xforms}submissionMetadata"
INSTANCE_ID = "uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7"
CHALLENGE = 'Basic realm="formrelay"'


@pytest.fixture
def asset(app: App) -> str:
    return app.deploy(FORM)


@pytest.fixture
def xml(app: App, asset: str) -> str:
    return app.filled(asset, {"name": "Ana"}, INSTANCE_ID)


def message(answer: Answer) -> str:
    """The message of an OpenRosa answer, whose shape is checked on the way."""
    root = ET.fromstring(answer.body)  # noqa: S314 (our own answer)
    assert root.tag == NAMESPACE + "OpenRosaResponse"
    text = root.findtext(NAMESPACE + "message")
    assert text
    return text


def said(answer: Answer) -> tuple[int, str]:
    return answer.status, message(answer)


def has_openrosa_headers(headers: Mapping[str, str]) -> None:
    assert headers["x-openrosa-version"] == "1.0"
    assert headers["x-openrosa-accept-content-length"] == "4000000"
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", headers["date"])


# Who may submit


def test_nobody_is_asked_for_credentials(app: App, xml: str) -> None:
    answer = app.submit(xml, user=None)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == CHALLENGE
    assert answer.text == (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        "<root><detail>Authentication credentials were not provided.</detail></root>"
    )
    has_openrosa_headers(answer.headers)


@pytest.mark.parametrize("body", [b"", b"garbage", b"<a/>"])
def test_missing_credentials_win_over_a_body_that_is_none(app: App, asset: str, body: bytes) -> None:
    for path in ("/submission", "/api/v1/submissions"):
        assert app.call("POST", path, user=None, body=body).status == 401


def test_an_empty_anonymous_post_is_challenged_on_the_users_path_too(app: App, asset: str) -> None:
    grant(asset, ANONYMOUS, "add_submissions")
    answer = app.call("POST", "/ann/submission", user=None)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, CHALLENGE)


def test_an_unknown_form_is_missing_credentials_first(app: App) -> None:
    xml = '<a id="aUnknownUnknownUnknow2"><meta><instanceID>uuid:1</instanceID></meta></a>'
    assert app.submit(xml, user=None).status == 401


def test_anonymous_submits_on_the_users_path_of_a_form_open_to_all(app: App, asset: str, xml: str) -> None:
    grant(asset, ANONYMOUS, "add_submissions")
    assert app.submit(xml, user=None).status == 401
    assert app.submit(xml, user=None, path="/ann/submission").status == 201
    (record,) = app.records(asset)
    assert record["_submitted_by"] is None


def test_anonymous_is_asked_for_credentials_where_the_form_wants_them(app: App, xml: str) -> None:
    answer = app.submit(xml, user=None, path="/ann/submission")
    assert (answer.status, answer.headers["www-authenticate"]) == (401, CHALLENGE)


@pytest.mark.parametrize("path", ["/Ann/submission", "/ANN/submission/"])
def test_the_name_in_the_path_may_begin_with_a_capital(app: App, asset: str, xml: str, path: str) -> None:
    grant(asset, ANONYMOUS, "add_submissions")
    assert app.call("HEAD", path, user=None).status == 204
    assert app.submit(xml, user=None, path=path).status == 201


def test_the_path_of_an_unknown_user_does_not_exist(app: App, asset: str, xml: str) -> None:
    grant(asset, ANONYMOUS, "add_submissions")
    assert said(app.submit(xml, user=None, path="/nobody/submission")) == (404, "Not found.")


def test_the_form_uuid_finds_its_form_under_any_users_path(app: App, asset: str, xml: str) -> None:
    app.add_user("bob")
    grant(asset, ANONYMOUS, "add_submissions")
    assert app.submit(xml, user=None, path="/bob/submission").status == 201
    assert len(app.records(asset)) == 1


@pytest.mark.parametrize("path", ["/submission", "/ann/submission"])
def test_anybody_signed_in_submits_to_a_form_open_to_all(app: App, asset: str, xml: str, path: str) -> None:
    app.add_user("bob")
    grant(asset, ANONYMOUS, "add_submissions")
    assert app.submit(xml, user="bob", path=path).status == 201
    (record,) = app.records(asset)
    assert record["_submitted_by"] == "bob"


@pytest.mark.parametrize("path", ["/submission", "/ann/submission"])
def test_a_holder_of_the_right_submits(app: App, asset: str, xml: str, path: str) -> None:
    app.add_user("bob")
    grant(asset, "bob", "add_submissions")
    assert app.submit(xml, user="bob", path=path).status == 201


@pytest.mark.parametrize("rights", [(), ("view_asset", "view_submissions")])
def test_a_stranger_is_refused(app: App, asset: str, xml: str, rights: tuple[str, ...]) -> None:
    app.add_user("bob")
    grant(asset, "bob", *rights)
    assert said(app.submit(xml, user="bob")) == (403, "Access denied")
    assert app.records(asset) == []


def test_a_right_taken_away_counts_at_once(app: App, asset: str, xml: str) -> None:
    app.add_user("bob")
    grant(asset, "bob", "add_submissions")
    assert app.submit(xml, user="bob").status == 201
    grant(asset, "bob")
    assert app.submit(app.filled(asset, {"name": "Bo"}), user="bob").status == 403


def test_a_superuser_submits_unless_the_deployment_forbids_it(
    app: App, xml: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from formrelay.settings import settings

    app.add_user("root", superuser=True)
    assert app.submit(xml, user="root").status == 201
    monkeypatch.setenv("FORMRELAY_SUPERUSER_SUBMISSIONS", "false")
    settings.cache_clear()
    assert said(app.submit(xml, user="root")) == (403, "Access denied")


@pytest.mark.parametrize(
    ("authorization", "detail"),
    [
        ("Token 0000000000000000000000000000000000000000", "Invalid token."),
        ("Token", "Invalid token header. No credentials provided."),
        ("Token a b", "Invalid token header. Token string should not contain spaces."),
        ("Basic YW5uOndyb25n", "Invalid username/password."),
        ("Basic bm9ib2R5OndvcmQ=", "Invalid username/password."),
        ("Basic ~", "Invalid basic header. Credentials not correctly base64 encoded."),
    ],
)
def test_wrong_credentials_are_refused_even_on_a_form_open_to_all(
    app: App, asset: str, authorization: str, detail: str
) -> None:
    grant(asset, ANONYMOUS, "add_submissions")
    for method in ("POST", "HEAD"):
        answer = app.call(method, "/ann/submission", headers={"authorization": authorization})
        assert (answer.status, answer.headers["www-authenticate"]) == (401, CHALLENGE)
        assert method == "HEAD" or f"<root><detail>{detail}</detail></root>" in answer.text


def test_basic_credentials_submit(app: App, asset: str, xml: str) -> None:
    import base64

    header = {"authorization": "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode()}
    parts = [("xml_submission_file", ("i.xml", xml, "text/xml"))]
    assert app.send_form("POST", "/submission", parts, headers=header).status == 201  # type: ignore[arg-type]
    (record,) = app.records(asset)
    assert record["_submitted_by"] == "ann"


# Paths


@pytest.mark.parametrize(
    "path",
    [
        "/submission", "/submission/", "//submission", "//submission//", "/submission.xml",
        "/ann/submission", "/ann/submission/", "/ann//submission",
        "/api/v1/submissions", "/api/v1/submissions/", "/api//v1/submissions",
    ],
)  # fmt: skip
def test_every_spelling_of_the_path_takes_submissions(app: App, asset: str, xml: str, path: str) -> None:
    answer = app.submit(xml, path=path)
    assert said(answer) == (201, "Successful submission.")
    assert answer.headers["location"] == f"https://kf.example.org{path}"


def test_query_parameters_of_clients_are_ignored(app: App, asset: str) -> None:
    answer = app.call("HEAD", "/submission", query="deviceID=collect%3Ax&format=nonsense")
    assert (answer.status, answer.headers["location"]) == (204, "https://kf.example.org/submission")


@pytest.mark.parametrize(
    "path", ["/api/submission", "/token/submission", "/me/submission", "/Api/submission"]
)
def test_a_reserved_name_is_no_user(app: App, xml: str, path: str) -> None:
    assert app.submit(xml, path=path).status == 404
    assert app.call("HEAD", path).status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_head_and_post_are_allowed(app: App, method: str) -> None:
    answer = app.call(method, "/submission", body=b"x")
    assert (answer.status, answer.headers["allow"]) == (405, "HEAD, POST")


# HEAD


@pytest.mark.parametrize(
    ("path", "user"), [("/submission", "ann"), ("/ann/submission", None), ("/ann/submission", "ann")]
)
def test_the_precheck_answers_204_and_the_limits(app: App, path: str, user: str | None) -> None:
    answer = app.call("HEAD", path, user=user)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["location"] == f"https://kf.example.org{path}"
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    has_openrosa_headers(answer.headers)


def test_the_anonymous_precheck_is_challenged(app: App) -> None:
    answer = app.call("HEAD", "/submission", user=None)
    assert (answer.status, answer.headers["www-authenticate"], answer.body) == (401, CHALLENGE, b"")


def test_the_precheck_of_an_unknown_user_is_404(app: App) -> None:
    assert app.call("HEAD", "/nobody/submission", user=None).status == 404


def test_files_of_the_advertised_size_are_taken_with_the_multipart_around_them(
    app: App, asset: str, xml: str
) -> None:
    """Collect counts the bytes of files alone, and sends up to a hundred of them at once."""
    advertised = int(app.call("HEAD", "/submission").headers["x-openrosa-accept-content-length"])
    room = (advertised - len(xml.encode())) // 101
    body = _multipart(xml, {f"{number:03}{'é' * 125}": bytes(room) for number in range(101)})
    assert len(body) > advertised + 50_000
    assert app.call("POST", "/submission", body=body, headers=MULTIPART).status == 201


def test_a_compressed_body_is_read_and_bounded_as_any_other(app: App, asset: str, xml: str) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="xml_submission_file"; filename="i.xml"\r\n\r\n'
    whole = head + xml.encode() + b"\r\n--x--\r\n"
    large = whole + b" " * (replies.TAKEN_BYTES - len(whole) + 1)
    headers = {"content-type": "multipart/form-data; boundary=x", "content-encoding": "gzip"}

    def answered(body: bytes, **changes: str) -> Answer:
        return app.call("POST", "/submission", body=body, headers={**headers, **changes})

    assert answered(gzip.compress(whole)).status == 201
    assert said(answered(gzip.compress(large))) == (413, "Submission is too large")
    refused = answered(whole, **{"content-encoding": "br"})
    assert (refused.status, "<root><detail>Unsupported content encoding" in refused.text) == (415, True)
    assert [record["name"] for record in app.records(asset)] == ["Ana"]


def test_more_than_reaches_a_function_is_told_to_be_too_large(app: App, asset: str, xml: str) -> None:
    frame = len(_multipart(xml, {"a.jpg": b""}))
    most = replies.TAKEN_BYTES - frame
    larger = _multipart(xml, {"a.jpg": bytes(most + 1)})
    answer = app.call("POST", "/submission", body=larger, headers=MULTIPART)
    assert said(answer) == (413, "Submission is too large")
    exact = _multipart(xml, {"a.jpg": bytes(most)})
    assert app.call("POST", "/submission", body=exact, headers=MULTIPART).status == 201


def test_as_much_as_is_taken_fits_into_an_event() -> None:
    """Lambda takes six megabytes; headers and request line have 10,240 of them at most, twice in the event."""
    assert replies.TAKEN_BYTES * 4 / 3 + 100_000 < 6 * 1024 * 1024


MULTIPART = {"content-type": "multipart/form-data; boundary=x"}


def _multipart(xml: str, files: Mapping[str, bytes]) -> bytes:
    part = b'--x\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n%s\r\n'
    parts = [part % (b"xml_submission_file", b"i.xml", xml.encode())]
    parts += [part % (name.encode(), name.encode(), data) for name, data in files.items()]
    return b"".join(parts) + b"--x--\r\n"


# What is told


def test_a_new_submission_gets_the_receipt_of_the_contract(
    app: App, asset: str, xml: str, clock: Clock
) -> None:
    answer = app.submit(xml)
    assert answer.status == 201
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    has_openrosa_headers(answer.headers)
    metadata = ET.fromstring(answer.body).find(METADATA)  # noqa: S314 (our own answer)
    assert metadata is not None
    assert metadata.attrib == {
        "id": asset,
        "instanceID": INSTANCE_ID,
        "submissionDate": "2026-08-02T08:10:05.000000+00:00",
        "isComplete": "true",
        "markedAsCompleteDate": "2026-08-02T08:10:05.000000+00:00",
    }


def test_a_client_that_prefers_json_gets_its_receipt_in_json(
    app: App, asset: str, xml: str, clock: Clock
) -> None:
    parts = [("xml_submission_file", ("i.xml", xml, "text/xml"))]
    headers = {"accept": "application/json, text/plain"}
    answer = app.send_form("POST", "/api/v1/submissions", parts, headers=headers)  # type: ignore[arg-type]
    assert (answer.status, answer.headers["content-type"]) == (201, "application/json")
    assert answer.json() == {
        "message": "Successful submission.",
        "formid": asset,
        "encrypted": False,
        "instanceID": INSTANCE_ID,
        "submissionDate": "2026-08-02T08:10:05.000000+00:00",
        "markedAsCompleteDate": "2026-08-02T08:10:05.000000+00:00",
    }
    has_openrosa_headers(answer.headers)
    again = app.send_form("POST", "/api/v1/submissions", parts, headers=headers)  # type: ignore[arg-type]
    assert said(again) == (202, "Duplicate Instance")


@pytest.mark.parametrize(
    ("path", "is_json"), [("/api/v1/submissions.json", True), ("/api/v1/submissions.xml", False)]
)
def test_the_suffix_of_the_path_says_how_the_receipt_looks(
    app: App, xml: str, path: str, is_json: bool
) -> None:
    answer = app.submit(xml, path=path)
    assert answer.status == 201
    assert (answer.headers["content-type"] == "application/json") is is_json


def test_the_message_is_the_answer_that_the_form_names(app: App, asset: str, xml: str) -> None:
    named = 'xmlns:kobo="http://kobotoolbox.org/xforms" kobo:submitMessage="/root/name"'
    assert said(app.submit(xml.replace(" id=", f" {named} id=", 1))) == (201, "Ana")


def test_a_message_path_that_leads_nowhere_gives_the_default(app: App, asset: str, xml: str) -> None:
    named = 'xmlns:kobo="http://kobotoolbox.org/xforms" kobo:submitMessage="/root/nothing"'
    assert said(app.submit(xml.replace(" id=", f" {named} id=", 1))) == (201, "Successful submission.")


def test_a_submission_stands_in_the_data_api_at_once(app: App, asset: str, xml: str) -> None:
    app.submit(xml)
    (record,) = app.records(asset)
    assert (record["name"], record["_uuid"]) == ("Ana", INSTANCE_ID.removeprefix("uuid:"))


def test_the_time_a_submission_claims_is_kept(app: App, asset: str, xml: str) -> None:
    claimed = xml.replace(" id=", ' submissionDate="2020-01-02T03:04:05+02:00" id=', 1)
    answer = app.submit(claimed)
    assert 'submissionDate="2020-01-02T01:04:05.000000+00:00"' in answer.text
    assert app.records(asset)[0]["_submission_time"] == "2020-01-02T01:04:05"


@pytest.mark.parametrize(
    "date", ["soon", "0001-01-01", "1969-12-31", "9999-12-31T23:59:59-14:00", "2026-13-01", ""]
)
def test_a_time_that_cannot_be_is_the_time_of_arrival(
    app: App, asset: str, xml: str, clock: Clock, date: str
) -> None:
    assert app.submit(xml.replace(" id=", f' submissionDate="{date}" id=', 1)).status == 201
    assert app.records(asset)[0]["_submission_time"] == "2026-08-02T08:10:05"


# Duplicates


def test_the_same_xml_again_is_a_duplicate_and_adds_nothing(app: App, asset: str, xml: str) -> None:
    hook = app.add_hook(asset, "http://127.0.0.1:9/")
    assert app.submit(xml).status == 201
    assert len(messages(app.settings.first_queue)) == 1
    answer = app.submit(xml)
    assert said(answer) == (202, "Duplicate Instance")
    assert answer.headers["location"] == "https://kf.example.org/submission"
    assert len(app.records(asset)) == 1
    assert len(app.logs(asset, hook)) == 1
    assert messages(app.settings.first_queue) == []


def test_another_xml_with_the_same_instance_id_is_refused(app: App, asset: str, xml: str) -> None:
    app.submit(xml)
    answer = app.submit(xml.replace("Ana", "Bo"))
    assert said(answer) == (409, "Submission with this instance ID already exists")
    assert answer.headers["location"] == "https://kf.example.org/submission"
    assert [record["name"] for record in app.records(asset)] == ["Ana"]


def test_the_prefix_of_the_instance_id_does_not_make_another_one(app: App, asset: str, xml: str) -> None:
    app.submit(xml)
    assert app.submit(xml.replace(INSTANCE_ID, INSTANCE_ID.removeprefix("uuid:"))).status == 409


def test_one_instance_id_may_stand_in_two_forms(app: App, asset: str, xml: str) -> None:
    other = app.deploy(FORM)
    assert app.submit(xml).status == 201
    assert app.submit(app.filled(other, {"name": "Ana"}, INSTANCE_ID)).status == 201


def test_a_duplicate_is_told_so_even_when_the_form_is_archived(app: App, asset: str, xml: str) -> None:
    app.submit(xml)
    app.send("PATCH", f"/api/v2/assets/{asset}/deployment/", {"active": False})
    assert app.submit(xml).status == 202


def test_a_duplicate_of_a_stranger_is_refused(app: App, asset: str, xml: str) -> None:
    app.add_user("bob")
    app.submit(xml)
    assert app.submit(xml, user="bob").status == 403


# Which form


def test_the_form_uuid_counts_more_than_the_id(app: App, asset: str, xml: str) -> None:
    other = app.deploy(FORM)
    assert app.submit(xml.replace(f'id="{asset}"', f'id="{other}"')).status == 201
    assert (len(app.records(asset)), len(app.records(other))) == (1, 0)


@pytest.mark.parametrize("uuid", ["", "0" * 32, "no uuid", "G" * 32])
def test_a_wrong_form_uuid_with_a_right_id_is_fine(app: App, asset: str, xml: str, uuid: str) -> None:
    assert app.submit(re.sub(r"<uuid>\w+</uuid>", f"<uuid>{uuid}</uuid>", xml)).status == 201


def test_a_submission_without_an_id_belongs_to_the_form_of_its_uuid(app: App, asset: str, xml: str) -> None:
    assert app.submit(xml.replace(f'id="{asset}"', "")).status == 201
    (record,) = app.records(asset)
    assert record["_xform_id_string"] == asset


@pytest.mark.parametrize("form_id", ["aUnknownUnknownUnknow2", "household", "\N{SNOWMAN}", "A#S"])
def test_an_unknown_form_is_not_found(app: App, form_id: str) -> None:
    xml = f'<a id="{form_id}"><q>1</q><meta><instanceID>uuid:1</instanceID></meta></a>'
    assert said(app.submit(xml)) == (404, "Not found.")


def test_a_form_that_is_not_deployed_is_not_found(app: App) -> None:
    made = app.send("POST", "/api/v2/assets/", {"asset_type": "survey", "content": FORM}).json()
    xml = f'<a id="{made["uid"]}"><q>1</q><meta><instanceID>uuid:1</instanceID></meta></a>'
    assert app.submit(xml).status == 404


def test_neither_id_nor_form_uuid_is_refused(app: App) -> None:
    xml = "<a><q>1</q><meta><instanceID>uuid:1</instanceID></meta></a>"
    assert said(app.submit(xml)) == (400, "Username or ID required.")


# Refused


def test_an_archived_form_takes_nothing_until_it_is_active_again(app: App, asset: str, xml: str) -> None:
    deployment = f"/api/v2/assets/{asset}/deployment/"
    app.send("PATCH", deployment, {"active": False})
    assert said(app.submit(xml)) == (405, "Form is not active")
    app.send("PATCH", deployment, {"active": True})
    assert app.submit(xml).status == 201


def test_the_form_of_a_disabled_owner_takes_nothing(app: App, asset: str, xml: str) -> None:
    app.add_user("bob")
    grant(asset, "bob", "add_submissions")
    grant(asset, ANONYMOUS, "add_submissions")
    switch_off("ann")
    assert said(app.submit(xml, user="bob")) == (405, "Account is not active")
    assert said(app.submit(xml, user=None, path="/ann/submission")) == (405, "Account is not active")
    assert app.submit(xml).status == 401


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("<q>1</q>", (400, "Instance ID is required")),
        ("<q>1</q><meta/>", (400, "Instance ID is required")),
        ("<q>1</q><meta><instanceID> </instanceID></meta>", (400, "Instance ID is required")),
        ("<q>1</q><g><meta><instanceID>uuid:1</instanceID></meta></g>", (400, "Instance ID is required")),
        (
            f"<q>1</q><meta><instanceID>uuid:{'1' * 256}</instanceID></meta>",
            (400, "Submission rejected: an identifier in it is too long."),
        ),
    ],
)
def test_a_submission_needs_an_instance_id(
    app: App, asset: str, inner: str, expected: tuple[int, str]
) -> None:
    assert said(app.submit(f'<a id="{asset}">{inner}</a>')) == expected


def test_a_submission_of_nothing_is_refused(app: App, asset: str) -> None:
    answer = app.submit(f'<a id="{asset}" instanceID="uuid:1"><q/></a>')
    assert said(answer) == (400, "Received empty submission. No instance was created")
    assert app.submit("").status == 400


_BOMB = '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;&x;">]>'
_EXTERNAL = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "form",
    [
        "{xml}<",
        "garbage",
        "<a><b></a></b>",
        _BOMB + "{xml}",
        _EXTERNAL + "{xml}",
        "<!DOCTYPE a>{xml}",
        "<a>&unknown;</a>",
        "<a>" * 100_000,
        '<a id="x" id="y"/>',
        "<?xml version='1.0' encoding='utf-7'?><a/>",
        "<?xml version='1.0' encoding='nonsense'?><a/>",
    ],
    ids=lambda form: form[:30],
)
def test_xml_that_is_none_is_refused(app: App, asset: str, xml: str, form: str) -> None:
    body = re.sub(r"<\?xml[^>]*\?>", "", xml)
    assert said(app.submit(form.replace("{xml}", body))) == (400, "Improperly formatted XML.")
    assert app.records(asset) == []


@pytest.mark.parametrize("character", ["\x00", "\x0b", "&#0;", "&#x1f;", "\ufffe"])
def test_characters_that_xml_does_not_have_are_named(app: App, xml: str, character: str) -> None:
    expected = "Submission rejected: the form contains unsupported or invisible characters."
    assert said(app.submit(xml.replace("Ana", f"A{character}a"))) == (400, expected)


def test_a_comment_before_the_root_is_fine(app: App, asset: str, xml: str) -> None:
    assert app.submit(xml.replace("?>", "?><!-- from a device -->", 1)).status == 201


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"--x--\r\n", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'],
)
def test_a_body_without_the_xml_part_is_refused(app: App, body: bytes) -> None:
    answer = app.call(
        "POST", "/submission", body=body, headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert answer.status == 400
    assert message(answer)


def test_two_xml_parts_are_refused(app: App, xml: str) -> None:
    part = ("xml_submission_file", ("i.xml", xml, "text/xml"))
    answer = app.send_form("POST", "/submission", [part, part])
    assert said(answer) == (400, "There should be a single XML submission file.")


@pytest.mark.parametrize("kind", ["text/xml", "application/x-www-form-urlencoded", "text/plain", ""])
def test_a_body_that_is_no_form_data_is_refused(app: App, xml: str, kind: str) -> None:
    answer = app.call("POST", "/submission", body=xml.encode(), headers={"content-type": kind})
    assert said(answer) == (400, "There should be a single XML submission file.")


@pytest.mark.parametrize("name", ["i.xml", "7c9e6679", "x" * 250 + ".xml", "données \N{SNOWMAN}.xml", None])
@pytest.mark.parametrize("kind", ["text/xml", "application/xml", None])
def test_the_name_and_the_type_of_the_xml_part_do_not_matter(
    app: App, asset: str, xml: str, name: str | None, kind: str | None
) -> None:
    parts = [("xml_submission_file", (name, xml, kind))]
    assert app.send_form("POST", "/submission", parts).status == 201  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "windows-1252", "utf-8-sig"])
def test_xml_in_another_encoding_is_read(app: App, asset: str, xml: str, encoding: str) -> None:
    named = "utf-8" if encoding == "utf-8-sig" else encoding
    text = xml.replace("<?xml version='1.0' ?>", f"<?xml version='1.0' encoding='{named}'?>")
    sent = text.replace("Ana", "Anaïs").encode(encoding)
    parts = [("xml_submission_file", ("i.xml", sent, "text/xml"))]
    assert app.send_form("POST", "/submission", parts).status == 201  # type: ignore[arg-type]
    assert app.records(asset)[0]["name"] == "Anaïs"


def test_what_was_refused_leaves_nothing_behind(app: App, asset: str, xml: str) -> None:
    before = len(stored(app.settings.data_table))
    app.submit("<a")
    app.submit(f'<a id="{asset}"><q>1</q></a>')
    app.submit(xml, user=None)
    assert len(stored(app.settings.data_table)) == before


def test_a_submission_and_its_attempts_are_logged_under_one_id_without_answers(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="formrelay")
    sid = world.submit(name="Nobody else's business")
    world.run(0)
    told = [record.__dict__ for record in caplog.records if record.__dict__.get("sid") == sid]
    assert [line["message"] for line in told] == ["submission stored", "attempt"]
    assert {line["asset"] for line in told} == {world.asset}
    assert "business" not in repr([record.__dict__ for record in caplog.records])
