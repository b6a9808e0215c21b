"""Projects from XLSForm files (contract assets §9)."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from tests.support.app import FORM, App
from tests.support.aws import stored
from tests.support.forms import household_xlsx
from tests.support.grants import grant


def workbook(sheets: dict[str, list[list[str]]]) -> bytes:
    """An ``.xlsx`` with these sheets of rows."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


IMPORTS = "/api/v2/imports/"
BASE = "https://kf.example.org/api/v2"
XLSX = household_xlsx()
ENCODED = base64.b64encode(XLSX).decode()
ONE = workbook({"survey": [["type", "name", "label"], ["text", "q", "Q"]]})


def task(app: App, data: dict[str, Any], user: str = "ann") -> dict[str, Any]:
    answer = app.send("POST", IMPORTS, data, user=user)
    assert answer.status == 201, answer.text
    return finished(app, answer.json(), user)


def finished(app: App, made: dict[str, Any], user: str = "ann") -> dict[str, Any]:
    assert re.fullmatch(r"i[A-Za-z0-9]{21}", made["uid"])
    assert made == {"uid": made["uid"], "url": f"{BASE}/imports/{made['uid']}/", "status": "processing"}
    done: dict[str, Any] = app.get(f"{IMPORTS}{made['uid']}/", user=user).json()
    return done


def created(app: App, done: dict[str, Any], kind: str = "created") -> dict[str, Any]:
    found: dict[str, Any] = app.get(f"/api/v2/assets/{created_uid(done, kind)}/").json()
    return found


def created_uid(done: dict[str, Any], kind: str = "created") -> str:
    assert done["status"] == "complete", done
    (entry,) = done["messages"][kind]
    assert (entry["kind"], entry["owner__username"]) == ("asset", "ann")
    return str(entry["uid"])


def test_an_import_makes_a_project_that_is_not_deployed(app: App) -> None:
    done = task(app, {"base64Encoded": f"base64:{ENCODED}", "name": "visits.xlsx", "library": "false"})
    assert list(done) == ["status", "uid", "messages", "date_created"]
    project = created(app, done)
    assert (project["asset_type"], project["has_deployment"]) == ("survey", False)
    assert project["summary"]["row_count"] > 5
    assert app.get("/api/v2/assets/").json()["count"] == 1


@pytest.mark.parametrize(
    "text",
    [
        f"base64:{ENCODED}",
        f"data:application/vnd.ms-excel;base64,{ENCODED}",
        ENCODED,
        "base64:" + "\n".join(ENCODED[i : i + 76] for i in range(0, len(ENCODED), 76)),
    ],
    ids=["mark", "data url", "bare", "with line breaks"],
)
@pytest.mark.parametrize("how", ["json", "form", "multipart"])
def test_base64_comes_marked_or_not_in_every_kind_of_body(app: App, text: str, how: str) -> None:
    fields = {"base64Encoded": text, "library": "false"}
    if how == "json":
        answer = app.send("POST", IMPORTS, fields)
    elif how == "multipart":
        parts: Any = [(name, (None, value, None)) for name, value in fields.items()]
        answer = app.send_form("POST", IMPORTS, parts)
    else:
        from urllib.parse import urlencode

        kind = {"content-type": "application/x-www-form-urlencoded"}
        answer = app.call("POST", IMPORTS, body=urlencode(fields).encode(), headers=kind)
    assert answer.status == 201, answer.text
    assert answer.headers["location"] == answer.json()["url"]
    created(app, finished(app, answer.json()))


def test_a_file_is_uploaded_as_multipart(app: App) -> None:
    parts: Any = [
        ("file", ("My form.xlsx", ONE, "application/octet-stream")),
        ("library", (None, "false", None)),
    ]
    answer = app.send_form("POST", IMPORTS, parts)
    assert created(app, finished(app, answer.json()))["name"] == "My form"


@pytest.mark.parametrize(
    ("fields", "workbook_", "kind"),
    [
        ({}, XLSX, "block"),
        ({}, ONE, "question"),
        ({"library": "true"}, XLSX, "block"),
        ({"library": ""}, XLSX, "block"),
        ({"library": "false"}, ONE, "survey"),
        ({"library": "False"}, ONE, "survey"),
        ({"library": False}, ONE, "survey"),
        ({"desired_type": "template"}, XLSX, "template"),
        ({"desired_type": "survey"}, ONE, "survey"),
    ],
)
def test_anything_but_library_false_is_for_the_library(
    app: App, fields: Any, workbook_: bytes, kind: str
) -> None:
    encoded = base64.b64encode(workbook_).decode()
    assert created(app, task(app, {"base64Encoded": encoded, **fields}))["asset_type"] == kind


@pytest.mark.parametrize(
    "spelling",
    [
        "{base}/assets/{uid}/",
        "/api/v2/assets/{uid}/",
        "{base}/assets/{uid}/?format=json",
        "{base}/assets/{uid}.json",
        "{uid}",
    ],
)
def test_a_destination_gets_the_form_and_keeps_its_name(app: App, spelling: str) -> None:
    uid = app.deploy(FORM, name="Mine")
    before = app.get(f"/api/v2/assets/{uid}/").json()
    destination = spelling.format(base=BASE, uid=uid)
    done = task(
        app,
        {"base64Encoded": base64.b64encode(ONE).decode(), "name": "other.xlsx", "destination": destination},
    )
    project = created(app, done, "updated")
    assert done["messages"]["audit_logs"] == []
    assert (project["uid"], project["name"], project["asset_type"]) == (uid, "Mine", "survey")
    assert [row["name"] for row in project["content"]["survey"]] == ["q"]
    assert project["version_count"] == 2
    assert project["deployed_version_id"] == before["version_id"]


def test_an_empty_destination_becomes_a_survey_with_the_name_of_the_file(app: App) -> None:
    uid = app.send("POST", "/api/v2/assets/", {"asset_type": "empty"}).json()["uid"]
    done = task(
        app,
        {
            "base64Encoded": base64.b64encode(ONE).decode(),
            "name": "visits.xlsx",
            "destination": f"/assets/{uid}/",
        },
    )
    project = created(app, done, "updated")
    assert (project["asset_type"], project["name"]) == ("survey", "visits")


def test_fields_that_are_null_count_as_not_sent(app: App) -> None:
    nothing = dict.fromkeys(("name", "destination", "desired_type", "url", "library"))
    project = created(app, task(app, {"base64Encoded": ENCODED, **nothing}))
    assert (project["asset_type"], project["name"]) == ("block", "Household visit")


@pytest.mark.parametrize(
    "destination", ["/api/v2/assets/aUnknownUnknownUnknow2/", "x" * 900, "/", "\N{SNOWMAN}"]
)
def test_an_unknown_destination_is_an_error_of_the_task(app: App, destination: str) -> None:
    done = task(app, {"base64Encoded": ENCODED, "destination": destination})
    assert done["status"] == "error"
    assert done["messages"]["error"] == "user cannot update asset"
    assert app.get("/api/v2/assets/").json()["count"] == 0


def test_the_project_of_another_user_is_changed_by_those_who_may(app: App) -> None:
    app.add_user("bob")
    uid = app.deploy(FORM)
    data = {"base64Encoded": base64.b64encode(ONE).decode(), "destination": f"{BASE}/assets/{uid}/"}
    grant(uid, "bob", "view_asset")
    assert task(app, data, user="bob")["messages"]["error"] == "user cannot update asset"
    grant(uid, "bob", "view_asset", "change_asset")
    assert task(app, data, user="bob")["status"] == "complete"
    assert app.get(f"/api/v2/assets/{uid}/").json()["last_modified_by"] == "bob"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        b"PK\x03\x04garbage",
        XLSX[:2000],
        b"\xd0\xcf\x11\xe0" + b"\0" * 600,
        b"type,name\n",
        b"<html>",
    ],
    ids=["nothing", "garbage", "no zip", "half a file", "no xls", "csv", "html"],
)
def test_a_file_that_is_none_is_an_error_of_the_task(app: App, data: bytes) -> None:
    done = task(app, {"base64Encoded": "base64:" + base64.b64encode(data).decode(), "library": "false"})
    assert done["status"] == "error"
    assert done["messages"]["error"]
    assert list(done["messages"]) == ["error_type", "error"]
    assert app.get("/api/v2/assets/").json()["count"] == 0


def test_a_workbook_without_a_survey_says_which_sheets_it_needs(app: App) -> None:
    sheets = base64.b64encode(workbook({"other": [["a"], ["b"]]})).decode()
    done = task(app, {"base64Encoded": sheets})
    assert done["messages"]["error"] == "xls upload must have one of these sheets: survey, library"


@pytest.mark.parametrize("text", ["base64:!!!", "base64:a", "\N{SNOWMAN}", "data:;base64,=="])
def test_base64_that_is_none_is_refused(app: App, text: str) -> None:
    answer = app.send("POST", IMPORTS, {"base64Encoded": text})
    assert (answer.status, answer.json()) == (400, {"detail": "`base64Encoded` is not valid base64"})


@pytest.mark.parametrize(
    "data", [{}, {"name": "x"}, {"base64Encoded": None}, {"base64Encoded": []}, {"file": "text"}]
)
def test_a_body_without_a_form_is_refused(app: App, data: Any) -> None:
    answer = app.send("POST", IMPORTS, data)
    assert answer.status == 400
    assert answer.json()["detail"].startswith("ImportTask data must contain ")
    assert not [item for item in stored(app.settings.data_table) if item["pk"]["S"].startswith("I#")]


def test_a_compiler_that_is_away_is_503(app: App) -> None:
    app.lambdas.down.add(app.settings.compile_function)
    answer = app.send("POST", IMPORTS, {"base64Encoded": ENCODED})
    assert (answer.status, "retry-after" in answer.headers) == (503, True)


def test_tasks_are_their_owners_alone(app: App) -> None:
    app.add_user("bob")
    made = app.send("POST", IMPORTS, {"base64Encoded": ENCODED}).json()
    path = f"{IMPORTS}{made['uid']}/"
    assert app.get(path, user="bob").status == 404
    assert app.get(path, user=None).status == 401
    assert app.get(IMPORTS, user=None).status == 401
    assert app.send("POST", IMPORTS, {"base64Encoded": ENCODED}, user=None).status == 401
    assert app.get(IMPORTS, user="bob").json()["count"] == 0
    (row,) = app.get(IMPORTS).json()["results"]
    assert row == {**app.get(path).json(), "url": made["url"]}


@pytest.mark.parametrize("uid", ["iX", "x" * 250, "%00"])
def test_an_unknown_task_is_not_found(app: App, uid: str) -> None:
    assert app.get(f"{IMPORTS}{uid}/").status == 404


def test_a_long_file_name_makes_a_name_that_fits(app: App) -> None:
    parts: Any = [("file", ("n" * 400 + ".xlsx", ONE, None)), ("library", (None, "false", None))]
    answer = app.send_form("POST", IMPORTS, parts)
    assert created(app, finished(app, answer.json()))["name"] == "n" * 255


def test_a_form_longer_than_a_message_of_lambda_lives_like_any_other(app: App) -> None:
    rows = [["text", f"q{number}", "Q", f"{number} ".ljust(30_000, "é")] for number in range(60)]
    data = workbook({"survey": [["type", "name", "label", "remarks"], *rows]})
    uid = created_uid(task(app, {"base64Encoded": base64.b64encode(data).decode(), "library": "false"}))
    answer = app.send("POST", f"/api/v2/assets/{uid}/deployment/", {"active": True})
    assert answer.status == 200, answer.text
    assert app.get(f"/api/v2/assets/{uid}.xml").text.count("<bind ") == 63
    sheet = load_workbook(io.BytesIO(app.get(f"/api/v2/assets/{uid}.xls").body))["survey"]
    assert [cell.value for cell in list(sheet["D"])[1:]] == [row[3] for row in rows]
