"""Every outcome of a submission: status, text and all headers, in both dialects (contract submissions §3–§5, §8)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from formrelay.settings import settings
from formrelay.storage import submissions
from tests.support.app import FORM, Answer, App, Clock
from tests.support.calls import failing
from tests.support.grants import ANONYMOUS, grant, switch_off

ID = "uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7"
EDIT = "uuid:0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11"
LOCATION = "https://kf.example.org/submission"
COMMON = {
    "x-openrosa-version": "1.0",
    "x-openrosa-accept-content-length": "4000000",
    "date": "Sun, 02 Aug 2026 08:10:05 GMT",
    "x-content-type-options": "nosniff",
}
XML = {
    "content-type": "text/xml; charset=utf-8",
    "content-security-policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox",
}


@dataclass
class Scene:
    """A form with one submission by its owner; ``answers`` of another with the same shape."""

    app: App
    asset: str

    def body(self, answers: Any, instance_id: str = ID, deprecated: str = "", form: str = "") -> bytes:
        """A submission in JSON; XML is made of it."""
        meta = {"instanceID": instance_id, **({"deprecatedID": deprecated} if deprecated else {})}
        return json.dumps({"id": form or self.asset, "submission": {**answers, "meta": meta}}).encode()

    def post(self, dialect: str, body: bytes, *, user: str | None = "ann", path: str = "") -> Answer:
        """The submission as JSON, or as the XML that stands for it."""
        from formrelay.openrosa.json_submission import to_xml

        path = path or "/submission"
        if dialect == "json":
            kind = {"content-type": "application/json"}
            return self.app.call("POST", path, user=user, body=body, headers=kind)
        return self.app.submit(to_xml(body)[1].decode(), user=user, path=path)


@pytest.fixture
def scene(app: App, clock: Clock) -> Scene:
    made = Scene(app, app.deploy(FORM))
    app.add_user("bob")
    assert made.post("json", made.body({"name": "Ana"})).status == 201
    return made


def archive(scene: Scene) -> None:
    scene.app.send("PATCH", f"/api/v2/assets/{scene.asset}/deployment/", {"active": False})


def duplicate(scene: Scene, dialect: str) -> Answer:
    """The XML made of JSON is the same every time, so a submission is known again in either dialect."""
    return scene.post(dialect, scene.body({"name": "Ana"}))


def taken(scene: Scene, dialect: str) -> Answer:
    return scene.post(dialect, scene.body({"name": "Bo"}))


def no_id(scene: Scene, dialect: str) -> Answer:
    return scene.post(dialect, json.dumps({"id": scene.asset, "submission": {"name": "x"}}).encode())


def no_form(scene: Scene, dialect: str) -> Answer:
    body = {"submission": {"name": "x", "meta": {"instanceID": EDIT}}}
    return scene.post(dialect, json.dumps(body).encode())


def unknown_form(scene: Scene, dialect: str) -> Answer:
    return scene.post(dialect, scene.body({"name": "x"}, form="aUnknownUnknownUnknow2"))


def denied(scene: Scene, dialect: str) -> Answer:
    return scene.post(dialect, scene.body({"name": "x"}, EDIT), user="bob")


def edit_denied(scene: Scene, dialect: str) -> Answer:
    grant(scene.asset, "bob", "view_asset", "add_submissions")
    return scene.post(dialect, scene.body({"name": "x"}, EDIT, ID), user="bob")


def edit_of_unknown(scene: Scene, dialect: str) -> Answer:
    return scene.post(dialect, scene.body({"name": "x"}, EDIT, "uuid:nothing"))


def edit_of_old(scene: Scene, dialect: str) -> Answer:
    assert scene.post(dialect, scene.body({"name": "x"}, EDIT, ID)).status == 201
    return scene.post(dialect, scene.body({"name": "y"}, "uuid:third", ID))


def inactive(scene: Scene, dialect: str) -> Answer:
    archive(scene)
    return scene.post(dialect, scene.body({"name": "x"}, EDIT))


def owner_off(scene: Scene, dialect: str) -> Answer:
    grant(scene.asset, "bob", "view_asset", "add_submissions")
    switch_off("ann")
    return scene.post(dialect, scene.body({"name": "x"}, EDIT), user="bob")


def too_large(scene: Scene, dialect: str) -> Answer:
    return scene.post(dialect, scene.body({"name": "x" * 4_600_001}, EDIT))


def superuser(scene: Scene, dialect: str) -> Answer:
    scene.app.add_user("root", superuser=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORMRELAY_SUPERUSER_SUBMISSIONS", "false")
        settings.cache_clear()
        answer = scene.post(dialect, scene.body({"name": "x"}, EDIT), user="root")
    settings.cache_clear()
    return answer


def busy(scene: Scene, dialect: str) -> Answer:
    reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
    with failing("dynamodb.TransactWriteItems", "TransactionCanceledException", CancellationReasons=reasons):
        return scene.post(dialect, scene.body({"name": "x"}, EDIT))


OUTCOMES: list[tuple[Callable[[Scene, str], Answer], int, str]] = [
    (duplicate, 202, "Duplicate Instance"),
    (no_id, 400, "Instance ID is required"),
    (no_form, 400, "Username or ID required."),
    (denied, 403, "Access denied"),
    (edit_denied, 403, "Access denied"),
    (superuser, 403, "Access denied"),
    (unknown_form, 404, "Not found."),
    (edit_of_unknown, 404, "Invalid submission - deprecatedID not found"),
    (inactive, 405, "Form is not active"),
    (owner_off, 405, "Account is not active"),
    (taken, 409, "Submission with this instance ID already exists"),
    (edit_of_old, 410, "Invalid submission - deprecatedID refers to an old version"),
    (too_large, 413, "Submission is too large"),
    (busy, 503, "Temporarily unavailable"),
]


@pytest.mark.parametrize(
    ("act", "status", "text"), OUTCOMES, ids=lambda value: getattr(value, "__name__", "")
)
@pytest.mark.parametrize("dialect", ["xml", "json"])
def test_an_outcome_is_told_as_the_contract_has_it(
    scene: Scene, act: Callable[[Scene, str], Answer], status: int, text: str, dialect: str
) -> None:
    answer = act(scene, dialect)
    expected = dict(COMMON)
    if dialect == "json":
        key = "detail" if act is unknown_form else "error"
        assert (answer.status, answer.json()) == (status, {key: text})
        expected["content-type"] = "application/json"
    else:
        assert (answer.status, answer.text) == (
            status,
            "<?xml version='1.0' encoding='UTF-8' ?>\n"
            '<OpenRosaResponse xmlns="http://openrosa.org/http/response">\n'
            f'        <message nature="">{text}</message>\n'
            "</OpenRosaResponse>",
        )
        expected |= XML
    if status in (202, 409):
        expected["location"] = LOCATION
    if status == 503:
        expected["retry-after"] = answer.headers["retry-after"]
        assert int(expected["retry-after"]) > 0
    # The clock that tests move has moved on where a transaction was tried again.
    assert answer.headers | {"date": COMMON["date"]} == expected
    assert len(list(submissions.scan(scene.asset))) == 1


def test_a_form_nobody_named_is_looked_up_before_credentials_on_a_users_path(scene: Scene) -> None:
    body = scene.body({"name": "x"}, form="aUnknownUnknownUnknow2")
    assert scene.post("xml", body, user=None, path="/ann/submission").status == 404
    assert scene.post("xml", body, user=None).status == 401


@pytest.mark.parametrize("path", ["/submission", "/ann/submission"])
def test_an_anonymous_edit_is_asked_for_credentials(scene: Scene, path: str) -> None:
    grant(scene.asset, ANONYMOUS, "add_submissions", "change_submissions")
    answer = scene.post("xml", scene.body({"name": "x"}, EDIT, ID), user=None, path=path)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="formrelay"'
    assert answer.text == (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        "<root><detail>Authentication credentials were not provided.</detail></root>"
    )


@pytest.mark.parametrize("path", ["/submission", "/ann/submission", "/api/v1/submissions", "/submission/"])
def test_the_precheck_has_all_headers_and_no_body(scene: Scene, path: str) -> None:
    answer = scene.app.call("HEAD", path)
    assert (answer.status, answer.body) == (204, b"")
    location = f"https://kf.example.org{path}"
    assert answer.headers == {**COMMON, **XML, "location": location}


def test_an_encrypted_submission_is_kept_as_it_came(scene: Scene) -> None:
    """As Collect seals it: the root is called data, the answers are in files that no question names."""
    xml = (
        f'<data encrypted="yes" id="{scene.asset}" version="1" xmlns="http://opendatakit.org/submissions">'
        "<base64EncryptedKey>aGVsbG8=</base64EncryptedKey>"
        '<orx:meta xmlns:orx="http://openrosa.org/xforms">'
        f"<orx:instanceID>{EDIT}</orx:instanceID></orx:meta>"
        "<media><file>photo.jpg.enc</file></media><encryptedXmlFile>submission.xml.enc</encryptedXmlFile>"
        "<base64EncryptedElementSignature>c2lnbmVk</base64EncryptedElementSignature></data>"
    )
    sealed = {"photo.jpg.enc": b"\x00\x01", "submission.xml.enc": b"\x02"}
    assert scene.app.submit(xml, sealed).status == 201
    data = f"/api/v2/assets/{scene.asset}/data/{EDIT.removeprefix('uuid:')}"
    record = scene.app.get(data).json()
    assert record["base64EncryptedKey"] == "aGVsbG8="
    assert record["media/file"] == "photo.jpg.enc"
    assert record["encryptedXmlFile"] == "submission.xml.enc"
    assert record["orx:meta/orx:instanceID"] == record["meta/rootUuid"] == EDIT
    shown = {file["media_file_basename"]: file["question_xpath"] for file in record["_attachments"]}
    assert shown == {"photo.jpg.enc": "", "submission.xml.enc": ""}
    assert scene.app.get(f"{data}.xml").body.endswith(xml.encode())


def test_the_receipt_in_json_says_that_a_submission_is_encrypted(scene: Scene) -> None:
    xml = f'<d encrypted="yes" id="{scene.asset}" instanceID="{EDIT}"><base64EncryptedKey>k</base64EncryptedKey></d>'
    parts: Any = [("xml_submission_file", ("s.xml", xml, "text/xml"))]
    answer = scene.app.send_form("POST", "/submission", parts, headers={"accept": "application/json"})
    assert answer.json()["encrypted"] is True


def test_a_form_names_its_confirmation_in_a_group_and_in_both_dialects(scene: Scene) -> None:
    named = 'xmlns:k="http://kobotoolbox.org/xforms" k:submitMessage="/data/end/thanks"'
    body = "<end><thanks>Merci &amp; à bientôt &lt;b>!&lt;/b></thanks></end>"
    xml = f'<d id="{scene.asset}" instanceID="{EDIT}" {named}>{body}</d>'
    parts: Any = [("xml_submission_file", ("s.xml", xml.encode(), "text/xml"))]
    answer = scene.app.send_form("POST", "/submission", parts, headers={"accept": "application/json"})
    assert answer.json()["message"] == "Merci & à bientôt <b>!</b>"
    again = scene.app.submit(xml.replace(EDIT, "uuid:other"))
    assert "<message>Merci &amp; à bientôt &lt;b&gt;!&lt;/b&gt;</message>" in again.text
