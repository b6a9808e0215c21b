"""Forms as files and as flat sheets (contract assets §8)."""

from __future__ import annotations

import io
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.integration.test_assets import ASSETS, make, patch
from tests.support.app import App
from tests.support.grants import ANONYMOUS, grant

CONTENT: dict[str, Any] = {
    "survey": [
        {"type": "start", "name": "start"},
        {"type": "text", "label::English (en)": "Full name?", "label::French (fr)": "=NOM()"},
        {"type": "begin_group", "name": "g", "label::English (en)": "G"},
        {"type": "select_one yn", "name": "ok", "label::English (en)": "OK?", "required": "true"},
        {"type": "end_group"},
    ],
    "choices": [{"list_name": "yn", "name": "y", "label::English (en)": "Yes"}],
    "settings": {"id_string": "hh"},
}
ROWS = [
    {"type": "start", "name": "start"},
    {
        "type": "text", "name": "Full_name",
        "label::English (en)": "Full name?", "label::French (fr)": "=NOM()",
    },
    {"type": "begin_group", "name": "g", "label::English (en)": "G"},
    {"type": "select_one yn", "name": "ok", "label::English (en)": "OK?", "required": "true"},
    {"type": "end_group"},
]  # fmt: skip


@pytest.fixture
def uid(app: App) -> str:
    """A draft."""
    made: str = make(app, name="Visits", content=CONTENT)["uid"]
    return made


@pytest.mark.parametrize("path", [".xls", ".xlsx", "/xls/", "/?format=xls"])
def test_the_form_is_downloaded_as_xlsform(app: App, uid: str, path: str) -> None:
    path, _, query = path.partition("?")
    answer = app.call("GET", f"{ASSETS}{uid}{path}", query=query)
    assert answer.status == 200
    assert answer.headers["content-disposition"] == f"attachment; filename={uid}.xlsx"
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    book = load_workbook(io.BytesIO(answer.body))
    assert book.sheetnames == ["survey", "choices", "settings"]
    header, *rows = book["survey"].iter_rows()
    names = [cell.value for cell in header]
    assert [
        {name: cell.value for name, cell in zip(names, row, strict=True) if cell.value is not None}
        for row in rows
    ] == ROWS
    assert [[cell.value for cell in row] for row in book["settings"].iter_rows()] == [
        ["form_title", "form_id"],
        ["Visits", "hh"],
    ]


@pytest.mark.parametrize("path", [".xml", "/xform/", "/xform.xml"])
def test_a_draft_is_downloaded_as_xform(app: App, uid: str, path: str) -> None:
    answer = app.get(f"{ASSETS}{uid}{path}")
    assert answer.status == 200
    assert answer.headers["content-disposition"] == f"attachment; filename={uid}.xml"
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"
    assert "<h:title>Visits</h:title>" in answer.text
    assert f'id="{uid}"' in answer.text


def test_the_xform_is_that_of_the_newest_version(app: App, uid: str) -> None:
    app.send("POST", f"{ASSETS}{uid}/deployment/", {"active": True})
    deployed = app.get(f"/forms/{uid}/form.xml").text
    assert app.get(f"{ASSETS}{uid}.xml").text == deployed
    patch(app, uid, {"content": {"survey": [{"type": "text", "name": "fresh", "label": "F"}]}})
    assert "<fresh/>" in app.get(f"{ASSETS}{uid}.xml").text
    assert app.get(f"/forms/{uid}/form.xml").text == deployed


def test_a_form_with_a_fault_has_an_xlsform_but_no_xform(app: App) -> None:
    uid = make(app, content={"survey": [{"type": "integer", "name": "age"}]})["uid"]
    answer = app.get(f"{ASSETS}{uid}.xml")
    assert answer.status == 400
    assert "has no label or hint" in answer.text
    assert app.get(f"{ASSETS}{uid}.xls").status == 200


def test_the_sheets_come_as_json(app: App, uid: str) -> None:
    sheets = {
        "survey": ROWS,
        "choices": [{"list_name": "yn", "name": "y", "label::English (en)": "Yes"}],
        "settings": {"id_string": "hh"},
    }
    content = app.get(f"{ASSETS}{uid}/content/").json()
    assert content == {"kind": "asset.content", "uid_asset": uid, "data": sheets}
    assert app.get(f"{ASSETS}{uid}/valid_content.json").json() == {**content, "kind": "asset.valid_content"}
    assert app.get(f"{ASSETS}{uid}.ssjson").json() == sheets


def test_who_may_see_the_form_may_download_it(app: App, uid: str) -> None:
    app.add_user("bob")
    paths = [f"{ASSETS}{uid}{end}" for end in (".xls", ".xml", ".ssjson", "/content/", "/xls/", "/xform/")]
    assert {app.get(path, user=user).status for path in paths for user in ("bob", None)} == {404}
    grant(uid, ANONYMOUS, "view_asset")
    assert {app.get(path, user=None).status for path in paths} == {200}


def test_a_compiler_that_is_away_is_503(app: App, uid: str) -> None:
    app.lambdas.down.add(app.settings.compile_function)
    assert {app.get(f"{ASSETS}{uid}{end}").status for end in (".xls", ".xml")} == {503}
