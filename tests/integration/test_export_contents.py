"""What real submissions become in exports: versions, files, languages, statuses, through all of the functions."""

from __future__ import annotations

import base64
import csv
import io
from typing import Any
from urllib.parse import urlsplit

import openpyxl
import pytest

from tests.support.app import BASE, App, Clock
from tests.support.exports import SETTINGS
from tests.support.forms import HOUSEHOLD_ANSWERS, household_xlsx, small_jpeg

CHOICES = [
    {"list_name": "l", "name": "x", "label": "X1"},
    {"list_name": "l", "name": "y", "label": "Y1"},
]
FIRST: dict[str, Any] = {
    "survey": [
        {"type": "text", "name": "a", "label": "A1"},
        {"type": "select_multiple l", "name": "m", "label": "M1"},
    ],
    "choices": CHOICES,
}
SECOND: dict[str, Any] = {
    "survey": [
        {"type": "text", "name": "n", "label": "N2"},
        {"type": "text", "name": "a", "label": "A2"},
        {"type": "select_multiple l", "name": "m", "label": "M2"},
    ],
    "choices": [{"list_name": "l", "name": "y", "label": "Y2"}],
}


def exported(app: App, asset: str, **settings: Any) -> bytes:
    task = app.send("POST", f"/api/v2/assets/{asset}/exports/", {**SETTINGS, **settings}).json()
    done = app.get(urlsplit(task["url"]).path).json()
    assert done["status"] == "complete", done
    return app.get(urlsplit(done["result"]).path).body


def rows(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode(), newline=""), delimiter=";"))


def test_ratings_and_matrices_have_the_columns_of_the_questions_they_stand_for(app: App) -> None:
    asset = app.deploy(
        {
            "survey": [
                {"type": "begin_score", "name": "sc", "label": "Rate", "kobo--score-choices": "l"},
                {"type": "score__row", "name": "food", "label": "Food"},
                {"type": "end_score"},
                {"type": "begin_kobomatrix", "name": "m", "label": "Items", "kobo--matrix_list": "l"},
                {"type": "integer", "name": "n", "label": "How many"},
                {"type": "end_kobomatrix"},
            ],
            "choices": CHOICES,
        }
    )
    app.submit(app.filled(asset, {"sc/food": "y", "m_x/m_x_n": "3"}))
    (row,) = rows(exported(app, asset, lang="_xml"))
    assert list(row.items())[:8] == [
        ("sc_header", ""),
        ("food", "y"),
        ("m_header_note", ""),
        ("m_header_n", ""),
        ("m_x_note", ""),
        ("m_x_n", "3"),
        ("m_y_note", ""),
        ("m_y_n", ""),
    ]
    (labels,) = rows(exported(app, asset))
    assert labels["Food"] == "Y1"


def test_versions_are_those_that_submissions_were_made_with(app: App, clock: Clock) -> None:
    asset = app.deploy(FIRST)
    app.submit(app.filled(asset, {"a": "1", "m": "x y"}))
    clock.forward(10)
    root = f"/api/v2/assets/{asset}"
    assert app.send("PATCH", f"{root}/", {"content": SECOND}).status == 200
    undeployed = list(rows(exported(app, asset))[0])
    assert undeployed[:4] == ["A1", "M1", "M1/X1", "M1/Y1"]
    version = app.get(f"{root}/").json()["version_id"]
    deployed = app.send("PATCH", f"{root}/deployment/", {"active": True, "version_id": version})
    assert deployed.status == 200, deployed.text
    app.submit(app.filled(asset, {"n": "2", "a": "3", "m": "y"}))
    first, second = rows(exported(app, asset))
    assert list(first)[:5] == ["N2", "A2", "M2", "M2/X1", "M2/Y2"]
    assert list(first.values())[:5] == ["", "1", "X1 Y1", "1", "1"]
    assert list(second.values())[:5] == ["2", "3", "Y2", "0", "1"]
    newest, _ = rows(exported(app, asset, fields_from_all_versions=False))
    assert list(newest.items())[:4] == [("N2", ""), ("A2", "1"), ("M2", "x Y2"), ("M2/Y2", "1")]


@pytest.fixture
def household(app: App, clock: Clock) -> str:
    """The demo form, imported and deployed."""
    data = {"base64Encoded": "base64:" + base64.b64encode(household_xlsx()).decode(), "library": "false"}
    task = app.send("POST", "/api/v2/imports/", data).json()
    asset: str = app.get(f"/api/v2/imports/{task['uid']}/").json()["messages"]["created"][0]["uid"]
    assert app.send("POST", f"/api/v2/assets/{asset}/deployment/", {"active": True}).status == 200
    return asset


def test_the_worked_example_with_files_repeats_and_a_status(app: App, household: str) -> None:
    files = {"front door-10_5_40.jpg": small_jpeg(), "ana-10_3_11.jpg": small_jpeg()}
    assert app.submit(app.filled(household, HOUSEHOLD_ANSWERS), files).status == 201
    (record,) = app.records(household)
    (row,) = rows(exported(app, household, lang="_xml", include_media_url=True))
    assert row["photo"] == "front door-10_5_40.jpg"
    front = next(a for a in record["_attachments"] if a["question_xpath"] == "photo")
    assert row["photo_URL"] == front["download_url"]
    assert row["photo_URL"].startswith(f"{BASE}/api/v2/assets/{household}/data/{record['_id']}/attachments/")
    assert (row["region"], row["_gps_latitude"], row["_id"]) == ("north", "-1.2627557", str(record["_id"]))
    assert "member_count" not in row
    book = openpyxl.load_workbook(
        io.BytesIO(
            exported(app, household, type="xls", lang="_xml", include_media_url=True, xls_types_as_text=False)
        )
    )
    assert book.sheetnames[1:] == ["member", "dose"]
    header, ana, bjorn = book["member"].iter_rows(values_only=True)
    member = dict(zip(header, ana, strict=True))
    assert (member["name"], member["age"], member["phone"], member["_index"]) == ("Ana", 34, "0712", 1)
    assert str(member["portrait_URL"]).startswith(BASE)
    assert dict(zip(header, bjorn, strict=True))["_parent_index"] == 1
    assert [row[1:4] for row in book["dose"].iter_rows(min_row=2, values_only=True)] == [
        (1, "member", 1),
        (2, "member", 1),
    ]
