"""Submissions in JSON: JSON in, JSON out (contract submissions §8)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.app import FORM, App, Clock
from tests.support.grants import ANONYMOUS, grant

INSTANCE_ID = "uuid:f3d8dc65-91a6-4d0f-9e97-802128083390"
PATHS = ["/submission", "/ann/submission", "/api/v1/submissions", "/api/v1/submissions.json"]


@pytest.fixture
def asset(app: App) -> str:
    return app.deploy(FORM)


def body(asset: str, **answers: Any) -> dict[str, Any]:
    return {"id": asset, "submission": {"name": "Ana", **answers, "meta": {"instanceID": INSTANCE_ID}}}


@pytest.mark.parametrize("path", PATHS)
def test_a_json_submission_gets_the_receipt_of_the_contract(
    app: App, asset: str, clock: Clock, path: str
) -> None:
    answer = app.send("POST", path, body(asset))
    assert (answer.status, answer.headers["content-type"]) == (201, "application/json")
    assert answer.json() == {
        "message": "Successful submission.",
        "formid": asset,
        "encrypted": False,
        "instanceID": INSTANCE_ID,
        "submissionDate": "2026-08-02T08:10:05.000000+00:00",
        "markedAsCompleteDate": "2026-08-02T08:10:05.000000+00:00",
    }
    assert answer.headers["location"] == f"https://kf.example.org{path}"
    assert answer.headers["x-openrosa-version"] == "1.0"
    assert app.records(asset)[0]["name"] == "Ana"


def test_the_type_may_carry_a_charset_and_accept_does_not_matter(app: App, asset: str) -> None:
    import json

    headers = {"content-type": "application/json; charset=utf-8", "accept": "text/xml"}
    answer = app.call("POST", "/submission", body=json.dumps(body(asset)).encode(), headers=headers)
    assert answer.json()["message"] == "Successful submission."


def test_values_become_the_answers_of_the_form(app: App, asset: str) -> None:
    given = body(
        asset,
        age=34,
        member=[{"who": "Bo"}, {"who": "Cy"}],
        gps="-1.26 36.79 0 0",
        photo=None,
    )
    given["submission"]["colours"] = ["red", "blue"]
    given["submission"]["loc/region"] = "north"
    assert app.send("POST", "/submission", given).status == 201
    (record,) = app.records(asset)
    assert record["age"] == "34"
    assert record["member"] == [{"member/who": "Bo"}, {"member/who": "Cy"}]
    assert record["_geolocation"] == [-1.26, 36.79]
    assert (record["colours"], record["loc/region"]) == ("red blue", "north")
    assert "photo" not in record


def test_the_same_body_again_is_a_duplicate(app: App, asset: str) -> None:
    app.send("POST", "/submission", body(asset))
    answer = app.send("POST", "/submission", body(asset))
    assert (answer.status, answer.json()) == (202, {"error": "Duplicate Instance"})
    assert len(app.records(asset)) == 1


def _refused(app: App, sent: Any, **how: Any) -> tuple[int, Any]:
    answer = app.send("POST", "/submission", sent, **how)
    assert answer.headers["content-type"] == "application/json"
    return answer.status, answer.json()


def test_other_answers_under_the_same_instance_id_are_refused(app: App, asset: str) -> None:
    app.send("POST", "/submission", body(asset))
    expected = {"error": "Submission with this instance ID already exists"}
    assert _refused(app, body(asset, age=1)) == (409, expected)


def test_an_archived_form_is_told_in_json(app: App, asset: str) -> None:
    app.send("PATCH", f"/api/v2/assets/{asset}/deployment/", {"active": False})
    assert _refused(app, body(asset)) == (405, {"error": "Form is not active"})


def test_an_unknown_form_is_told_in_json(app: App) -> None:
    assert _refused(app, body("aUnknownUnknownUnknow2")) == (404, {"detail": "Not found."})


def test_an_unknown_deprecated_id_is_told_in_json(app: App, asset: str) -> None:
    sent = body(asset)
    sent["submission"]["meta"]["deprecatedID"] = "uuid:1"
    assert _refused(app, sent) == (404, {"error": "Invalid submission - deprecatedID not found"})


def test_no_credentials_are_told_in_json(app: App, asset: str) -> None:
    expected = {"detail": "Authentication credentials were not provided."}
    assert _refused(app, body(asset), user=None) == (401, expected)


def test_a_stranger_is_told_in_json(app: App, asset: str) -> None:
    app.add_user("bob")
    assert _refused(app, body(asset), user="bob") == (403, {"error": "Access denied"})


def test_anonymous_submits_json_to_a_form_open_to_all(app: App, asset: str) -> None:
    grant(asset, ANONYMOUS, "add_submissions")
    assert app.send("POST", "/ann/submission", body(asset), user=None).status == 201


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"id": "aX"}, "No submission key provided."),
        ({"id": "aX", "submission": []}, "The submission must be an object."),
        ([], "The body must be an object."),
        ({"id": "", "submission": {"q": 1, "meta": {"instanceID": "1"}}}, "Username or ID required."),
    ],
)
def test_a_body_of_another_shape_is_refused(app: App, sent: Any, text: str) -> None:
    assert _refused(app, sent) == (400, {"error": text})


def test_an_instance_id_is_required(app: App, asset: str) -> None:
    sent = {"id": asset, "submission": {"name": "Ana"}}
    assert _refused(app, sent) == (400, {"error": "Instance ID is required"})


@pytest.mark.parametrize(
    "raw", [b"{", b"", b"\xff", b'{"id": NaN}', b"[" * 100_000, b'{"submission": {"a": 1e999}}', b"\0"]
)
def test_json_that_is_none_is_refused(app: App, raw: bytes) -> None:
    answer = app.call("POST", "/submission", body=raw, headers={"content-type": "application/json"})
    assert (answer.status, answer.json()) == (400, {"error": "Improperly formatted JSON."})


def test_text_that_xml_cannot_hold_is_refused(app: App, asset: str) -> None:
    text = "Submission rejected: the form contains unsupported or invisible characters."
    for value in ("\x00", "\ud800"):
        assert _refused(app, body(asset, age=value)) == (400, {"error": text})
