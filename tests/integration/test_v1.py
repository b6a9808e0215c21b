"""What clients of the former API still ask for (contract accounts §7)."""

from __future__ import annotations

import base64

import pytest

from tests.support.app import FORM, PASSWORD, App, Clock
from tests.support.grants import ANONYMOUS, grant

BASE = "https://kf.example.org"


@pytest.fixture
def asset(app: App) -> str:
    return app.deploy(FORM)


def test_deployed_projects_come_as_a_bare_array(app: App, clock: Clock) -> None:
    asset = app.deploy(FORM, name="Household & visit")
    app.submit(app.filled(asset, {"name": "Ana"}))
    detail = app.get(f"/api/v2/assets/{asset}/").json()
    answer = app.get("/api/v1/forms")
    assert answer.headers["content-type"] == "application/json"
    (form,) = answer.json()
    assert form == {
        "url": f"{BASE}/api/v1/forms/{form['formid']}",
        "formid": form["formid"],
        "uuid": detail["deployment__uuid"],
        "id_string": asset,
        "title": "Household & visit",
        "description": "Household & visit",
        "owner": "ann",
        "public": False,
        "public_data": False,
        "require_auth": True,
        "downloadable": True,
        "encrypted": False,
        "hash": form["hash"],
        "num_of_submissions": 1,
        "last_submission_time": "2026-08-02T08:10:05Z",
        "tags": [],
        "date_created": detail["date_created"],
        "date_modified": detail["date_modified"],
    }
    assert isinstance(form["formid"], int)
    assert f"<hash>{form['hash']}</hash>" in app.get("/formList").text
    assert app.get("/api/v1/forms").json()[0]["formid"] == form["formid"]


@pytest.mark.parametrize("path", ["/api/v1/forms", "/api/v1/forms/", "/api/v1/forms.json", "/api//v1/forms"])
def test_every_spelling_of_the_path_answers(app: App, asset: str, path: str) -> None:
    assert [form["id_string"] for form in app.get(path, format="json").json()] == [asset]


def test_projects_stand_by_their_uid_and_can_be_narrowed(app: App, asset: str) -> None:
    app.add_user("bob")
    other, shared = app.deploy(FORM), app.deploy(FORM, user="bob")
    app.send("POST", "/api/v2/assets/", {"asset_type": "survey", "content": FORM})
    app.deploy(FORM, user="bob")
    grant(shared, "ann", "view_asset")

    def listed(**query: str) -> list[str]:
        return [form["id_string"] for form in app.get("/api/v1/forms", **query).json()]

    assert listed() == sorted([asset, other, shared])
    assert listed(id_string=asset) == [asset]
    assert listed(id_string="nothing") == []
    assert listed(owner="bob") == [shared]


def test_archived_projects_are_listed_as_not_downloadable(app: App, asset: str) -> None:
    app.send("PATCH", f"/api/v2/assets/{asset}/deployment/", {"active": False})
    (form,) = app.get("/api/v1/forms").json()
    assert form["downloadable"] is False


def test_what_anybody_may_do_is_told(app: App, asset: str) -> None:
    grant(asset, ANONYMOUS, "view_asset", "view_submissions", "add_submissions")
    (form,) = app.get("/api/v1/forms").json()
    assert (form["public"], form["public_data"], form["require_auth"]) == (True, True, False)


def test_anonymous_is_asked_for_credentials(app: App, asset: str) -> None:
    answer = app.get("/api/v1/forms", user=None)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Basic realm="formrelay"')


@pytest.mark.parametrize(
    ("path", "names"),
    [("/api/v1/", {"forms", "submissions"}), ("/api/v2/", {"assets", "imports"}), ("/api/v2", {"assets"})],
)
def test_a_root_maps_its_collections(app: App, path: str, names: set[str]) -> None:
    answer = app.get(path, format="json")
    assert answer.status == 200
    assert names <= answer.json().keys()
    for name, url in answer.json().items():
        assert url == f"{BASE}{path.rstrip('/')}/{name}/"
        if name != "submissions":
            # Some are for superusers alone.
            assert app.get(url.removeprefix(BASE)).status in (200, 403), name


@pytest.mark.parametrize("path", ["/api/v1/", "/api/v2/"])
def test_a_root_tells_a_wrong_key(app: App, path: str) -> None:
    wrong = base64.b64encode(b"ann:wrong").decode()
    for credentials in ("Token " + "0" * 40, f"Basic {wrong}"):
        assert app.call("GET", path, headers={"authorization": credentials}).status == 401
    right = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
    assert app.call("GET", path, headers={"authorization": f"Basic {right}"}).status == 200
    assert app.get(path, user=None).status == 200


@pytest.mark.parametrize(
    ("path", "instead"),
    [
        ("/api/v1/data", "/api/v2/assets/{uid}/data/"),
        ("/api/v1/data/412.json", "/api/v2/assets/{uid}/data/"),
        ("/api/v1/forms/412", "/api/v2/assets/{uid}/"),
        ("/api/v1/forms/412/form.xml", "/api/v2/assets/{uid}/"),
        ("/api/v1/user", "/me/"),
        ("/api/v1/submissions/1", "/api/v1/submissions"),
        ("/api/v1/nothing", "/api/v2/"),
        ("/assets/", "/api/v2/assets/"),
        ("/assets/aX/data/", "/api/v2/assets/aX/data/"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_addresses_of_the_former_api_are_gone(app: App, path: str, instead: str, method: str) -> None:
    answer = app.call(method, path)
    assert answer.status == 410
    assert list(answer.json()) == ["detail"]
    assert f" {BASE}{instead} " in answer.json()["detail"]
