"""Deploy, redeploy, archive (contract assets §6)."""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.app import BASE, FORM, Answer, App, Clock
from tests.support.calls import doing, failing

ASSETS = "/api/v2/assets/"
BAD: dict[str, Any] = {"survey": [{"type": "integer", "name": "age"}]}
TWICE: dict[str, Any] = {
    "survey": [{"type": "text", "name": "a", "label": "A"}, {"type": "text", "name": "a", "label": "B"}]
}


@pytest.fixture
def uid(app: App) -> str:
    """A draft."""
    return draft(app)


def draft(app: App, content: Any = FORM, **fields: Any) -> str:
    data = {"name": "Visits", "asset_type": "survey", "content": content, **fields}
    made: str = app.send("POST", ASSETS, data).json()["uid"]
    return made


def deployment(app: App, uid: str, method: str, data: Any = None) -> Answer:
    return app.send(method, f"{ASSETS}{uid}/deployment/", data)


def detail(app: App, uid: str) -> dict[str, Any]:
    found: dict[str, Any] = app.get(f"{ASSETS}{uid}/").json()
    return found


def refused(answer: Answer) -> tuple[int, Any]:
    return answer.status, answer.json()


def test_many_deployed_versions_go_on_in_their_own_list(
    app: App, uid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("formrelay.api.asset_shapes._VERSIONS_SHOWN", 1)
    deployment(app, uid, "POST", {"active": True})
    assert detail(app, uid)["deployed_versions"]["next"] is None
    first = detail(app, uid)["version_id"]
    app.send("PATCH", f"{ASSETS}{uid}/", {"name": "Other"})
    deployment(app, uid, "PATCH")
    page = detail(app, uid)["deployed_versions"]
    assert (page["count"], len(page["results"])) == (2, 1)
    path, _, query = page["next"].removeprefix(BASE).partition("?")
    assert [row["uid"] for row in app.call("GET", path, query=query).json()["results"]] == [first]


def test_a_deployment_is_answered_with_the_whole_project(app: App, uid: str, clock: Clock) -> None:
    clock.forward(60)
    answer = deployment(app, uid, "POST", {"active": True})
    assert answer.status == 200
    body = answer.json()
    assert list(body) == ["backend", "active", "version_id", "asset"]
    assert (body["backend"], body["active"]) == ("openrosa", True)
    project = detail(app, uid)
    assert body["asset"] == project
    assert body["version_id"] == project["version_id"] == project["deployed_version_id"]
    assert (project["has_deployment"], project["deployment__active"], project["deployment_status"]) == (
        True, True, "deployed",
    )  # fmt: skip
    assert project["date_deployed"] == "2026-08-02T08:11:05.000000Z"
    assert re.fullmatch(r"[0-9a-f]{32}", project["deployment__uuid"])
    assert project["deployed_versions"]["count"] == 1
    assert deployment(app, uid, "GET").json() == body


def test_a_deployment_is_inactive_unless_it_says_so(app: App, uid: str) -> None:
    body = deployment(app, uid, "POST", {}).json()
    assert (body["active"], body["asset"]["deployment_status"]) == (False, "archived")


def test_a_draft_has_no_deployment_and_cannot_be_redeployed(app: App, uid: str) -> None:
    assert refused(deployment(app, uid, "GET")) == (404, {"detail": "Not found."})
    expected = {"detail": "Use POST to create a new deployment"}
    assert refused(deployment(app, uid, "PATCH", {"active": True})) == (405, expected)


def test_a_second_post_is_refused(app: App, uid: str) -> None:
    deployment(app, uid, "POST", {"active": True})
    expected = {"detail": "Use PATCH to update an existing deployment"}
    assert refused(deployment(app, uid, "POST", {"active": True})) == (405, expected)


@pytest.mark.parametrize(
    "body", [{}, None, {"active": True, "version_id": "current"}, {"version_id": "current"}]
)
def test_a_redeployment_takes_the_newest_version_and_keeps_the_form_uuid(
    app: App, uid: str, body: Any
) -> None:
    first = deployment(app, uid, "POST", {"active": True}).json()
    changed = app.send("PATCH", f"{ASSETS}{uid}/", {"name": "New"}).json()
    if body and "version_id" in body:
        body = {**body, "version_id": changed["version_id"]}
    second = deployment(app, uid, "PATCH", body).json()
    assert second["version_id"] == changed["version_id"] != first["version_id"]
    assert second["active"] is True
    assert second["asset"]["deployment__uuid"] == first["asset"]["deployment__uuid"]
    versions = [row["uid"] for row in second["asset"]["deployed_versions"]["results"]]
    assert versions == [second["version_id"], first["version_id"]]


def test_a_redeployment_keeps_the_state_unless_it_says_otherwise(app: App, uid: str) -> None:
    deployment(app, uid, "POST", {"active": False})
    assert deployment(app, uid, "PATCH", {}).json()["active"] is False
    version = detail(app, uid)["version_id"]
    assert deployment(app, uid, "PATCH", {"version_id": version, "active": True}).json()["active"] is True


def test_archiving_and_unarchiving_deploy_nothing(app: App, uid: str, clock: Clock) -> None:
    before = deployment(app, uid, "POST", {"active": True}).json()["asset"]
    clock.forward(100)
    app.send("PATCH", f"{ASSETS}{uid}/", {"name": "New"})
    for active, status in ((False, "archived"), (True, "deployed")):
        body = deployment(app, uid, "PATCH", {"active": active}).json()
        assert (body["active"], body["asset"]["deployment_status"]) == (active, status)
        for key in ("date_deployed", "deployed_version_id", "deployed_versions"):
            assert body["asset"][key] == before[key]


@pytest.mark.parametrize(
    ("text", "active"), [("True", True), ("false", False), ("1", True), ("0", False), ("FALSE", False)]
)
def test_the_body_may_be_a_form_with_booleans_in_any_case(
    app: App, uid: str, text: str, active: bool
) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    path = f"{ASSETS}{uid}/deployment/"
    made = app.call("POST", path, body=urlencode({"active": text}).encode(), headers=kind).json()
    assert made["active"] is active
    body = urlencode({"version_id": made["version_id"], "active": text}).encode()
    assert app.call("PATCH", path, body=body, headers=kind).json()["active"] is active


@pytest.mark.parametrize(
    ("data", "body"),
    [
        ({"version_id": "vOther"}, {"version_id": ["Only the current version can be deployed"]}),
        ({"active": "maybe"}, {"active": ["Must be a valid boolean."]}),
        ({"active": None}, {"active": ["Must be a valid boolean."]}),
        ({"active": []}, {"active": ["Must be a valid boolean."]}),
    ],
)
def test_a_body_that_will_not_do_is_refused(app: App, uid: str, data: Any, body: Any) -> None:
    assert refused(deployment(app, uid, "POST", data)) == (400, body)
    assert detail(app, uid)["has_deployment"] is False
    deployment(app, uid, "POST", {})
    assert refused(deployment(app, uid, "PATCH", data)) == (400, body)


def test_the_backend_cannot_be_changed(app: App, uid: str) -> None:
    deployment(app, uid, "POST", {"backend": "openrosa"})
    expected = {"backend": "This field cannot be modified after the initial deployment."}
    assert refused(deployment(app, uid, "PATCH", {"backend": "other"})) == (400, expected)
    assert deployment(app, uid, "PATCH", {"backend": "openrosa"}).status == 200


def test_an_id_string_in_the_body_is_ignored(app: App, uid: str) -> None:
    assert (
        deployment(app, uid, "POST", {"active": True, "id_string": "other", "version_id": ""}).status == 200
    )


@pytest.mark.parametrize("kind", ["block", "template", "question", "empty"])
def test_only_surveys_are_deployed(app: App, kind: str) -> None:
    answer = deployment(app, draft(app, asset_type=kind), "POST", {"active": True})
    assert refused(answer) == (400, {"detail": f"Only surveys may be deployed, but this asset is a {kind}"})


def test_a_form_that_does_not_compile_is_refused_in_the_words_of_pyxform(app: App) -> None:
    uid = draft(app, BAD)
    expected = {"error": "The survey element named 'age' has no label or hint."}
    assert refused(deployment(app, uid, "POST", {"active": True})) == (400, expected)
    assert detail(app, uid)["deployment_status"] == "draft"
    assert app.get("/formList").text.endswith('xformsList"></xforms>')


def test_a_name_given_twice_is_refused(app: App) -> None:
    status, body = refused(deployment(app, draft(app, TWICE), "POST", {"active": True}))
    assert (status, body["error"].startswith("Duplicate name error: ")) == (400, True)


@pytest.mark.parametrize(
    "survey", [[{"type": "nonsense", "name": "a", "label": "A"}], [{"type": "begin_group", "name": "g"}]]
)
def test_forms_with_other_faults_are_refused(app: App, survey: Any) -> None:
    status, body = refused(deployment(app, draft(app, {"survey": survey}), "POST", {"active": True}))
    assert (status, list(body)) == (400, ["error"])


@pytest.mark.parametrize("name", ["\x00", "a\x0bb", "<&>\"'", "\N{PILE OF POO}", "", "x" * 255, "]]>"])
def test_a_project_of_any_name_is_deployed_and_listed(app: App, name: str) -> None:
    from xml.etree import ElementTree as ET

    uid = draft(app, name=name)
    assert deployment(app, uid, "POST", {"active": True}).status == 200
    for path in ("/formList", f"/forms/{uid}/form.xml"):
        ET.fromstring(app.get(path).body)  # noqa: S314 (our own answer)


def test_a_bad_redeployment_leaves_the_deployed_form(app: App, uid: str) -> None:
    deployment(app, uid, "POST", {"active": True})
    before = app.get(f"/forms/{uid}/form.xml").text
    xml = app.filled(uid, {"name": "Ana"})
    app.send("PATCH", f"{ASSETS}{uid}/", {"content": BAD})
    assert deployment(app, uid, "PATCH", {}).status == 400
    assert app.get(f"/forms/{uid}/form.xml").text == before
    assert app.submit(xml).status == 201


def test_editing_never_touches_the_deployed_form(app: App, uid: str) -> None:
    deployment(app, uid, "POST", {"active": True})
    before = app.get(f"/forms/{uid}/form.xml").text
    app.send(
        "PATCH", f"{ASSETS}{uid}/", {"content": {"survey": [{"type": "note", "name": "n", "label": "N"}]}}
    )
    assert app.get(f"/forms/{uid}/form.xml").text == before


def test_a_compiler_that_is_away_is_503(app: App, uid: str) -> None:
    app.lambdas.down.add(app.settings.compile_function)
    answer = deployment(app, uid, "POST", {"active": True})
    assert (answer.status, "retry-after" in answer.headers) == (503, True)
    app.lambdas.down.clear()
    assert deployment(app, uid, "POST", {"active": True}).status == 200


def test_a_change_made_while_it_is_deployed_is_not_deployed_unseen(app: App, uid: str) -> None:
    def change() -> None:
        assert app.send("PATCH", f"{ASSETS}{uid}/", {"name": "Other"}).status == 200

    with doing("dynamodb.TransactWriteItems", change):
        answer = deployment(app, uid, "POST", {"active": True})
    assert refused(answer) == (400, {"version_id": ["The project was changed meanwhile"]})
    assert detail(app, uid)["has_deployment"] is False


def test_two_deployments_at_once_leave_the_form_that_they_tell_of(app: App, uid: str, clock: Clock) -> None:
    def twin() -> None:
        clock.forward(1)
        assert deployment(app, uid, "POST", {"active": True}).status == 200

    with doing("dynamodb.TransactWriteItems", twin):
        assert deployment(app, uid, "POST", {"active": True}).status == 200
    served = app.get(f"/forms/{uid}/form.xml").body
    assert hashlib.md5(served, usedforsecurity=False).hexdigest() in app.get("/formList").text
    assert detail(app, uid)["deployed_versions"]["count"] == 1
    app.send("PATCH", f"{ASSETS}{uid}/", {"name": "Other"})
    deployment(app, uid, "PATCH", {})
    assert "<version>2 (" in app.get("/formList").text


def test_a_deployment_that_was_not_written_can_be_repeated(app: App, uid: str) -> None:
    with failing("dynamodb.TransactWriteItems", "InternalServerError"):
        assert deployment(app, uid, "POST", {"active": True}).status == 500
    assert detail(app, uid)["has_deployment"] is False
    assert deployment(app, uid, "POST", {"active": True}).status == 200


def test_the_form_of_a_deployed_project_is_downloaded_as_xform(app: App, uid: str) -> None:
    deployment(app, uid, "POST", {"active": True})
    answer = app.get(f"{ASSETS}{uid}.xml")
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"
    assert answer.headers["content-disposition"] == f"attachment; filename={uid}.xml"
    assert answer.text == app.get(f"/forms/{uid}/form.xml").text


def test_submissions_are_counted_and_dated(app: App, uid: str, clock: Clock) -> None:
    deployment(app, uid, "POST", {"active": True})
    for _ in range(2):
        clock.forward(10)
        app.submit(app.filled(uid, {"name": "Ana"}))
    project = detail(app, uid)
    assert project["deployment__submission_count"] == 2
    assert project["deployment__last_submission_time"] == "2026-08-02T08:10:25Z"


def test_a_form_with_a_public_key_is_told_to_be_encrypted_once_it_is_deployed(app: App) -> None:
    content = {**FORM, "settings": {"public_key": "MIIBIjANBgkq"}}
    made = app.send("POST", "/api/v2/assets/", {"asset_type": "survey", "content": content}).json()
    path = f"/api/v2/assets/{made['uid']}/"
    assert made["deployment__encrypted"] is False
    app.send("POST", path + "deployment/", {"active": True})
    assert app.get(path).json()["deployment__encrypted"] is True
    assert app.get("/api/v1/forms").json()[0]["encrypted"] is True
    assert 'base64RsaPublicKey="MIIBIjANBgkq"' in app.get(f"/forms/{made['uid']}/form.xml").text
    app.send("PATCH", path, {"content": FORM})
    assert app.get(path).json()["deployment__encrypted"] is True
    app.call("PATCH", path + "deployment/")
    assert app.get(path).json()["deployment__encrypted"] is False
