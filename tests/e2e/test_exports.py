"""Exports through the local stack: a function of their own, called without waiting, with the template's rights."""

from __future__ import annotations

import io
import uuid
from typing import Any

import openpyxl
import requests

from tests.e2e.stack import Stack, wait_until
from tests.support.exports import SETTINGS

FORM = {
    "survey": [
        {"type": "text", "name": "name", "label": "Name"},
        {"type": "begin_repeat", "name": "member", "label": "Members"},
        {"type": "text", "name": "who", "label": "Who"},
        {"type": "end_repeat"},
    ]
}
NAMES = ["Ana", "Bo", "Cy"]


def filled(stack: Stack) -> str:
    """A deployed project with a submission for each name."""
    made = stack.post("/api/v2/assets/", json={"name": "Visits", "asset_type": "survey", "content": FORM})
    asset: str = made.json()["uid"]
    stack.post(f"/api/v2/assets/{asset}/deployment/", json={"active": True}).raise_for_status()
    for name in NAMES:
        answers = {"name": name, "meta": {"instanceID": f"uuid:{uuid.uuid4()}"}}
        sent = stack.post("/api/v1/submissions", json={"id": asset, "submission": answers})
        assert sent.status_code == 201, sent.text
    return asset


def test_an_export_is_made_followed_fetched_and_deleted(stack: Stack) -> None:
    asset = filled(stack)
    task = stack.post(f"/api/v2/assets/{asset}/exports/", json={**SETTINGS, "type": "xls"}).json()
    path = task["url"].removeprefix(stack.base_url)
    latest: dict[str, Any] = {}

    def done() -> bool:
        latest.update(stack.get(path).json())
        return bool(latest["status"] == "complete")

    wait_until(done, "the export is complete", 60)
    result = latest["result"].removeprefix(stack.base_url)
    book = openpyxl.load_workbook(io.BytesIO(stack.get(result).content))
    assert book.sheetnames == ["Visits", "member"]
    assert [row[0] for row in book["Visits"].iter_rows(min_row=2, values_only=True)] == NAMES
    assert stack.session.delete(latest["url"]).status_code == 204
    assert stack.get(result).status_code == 404


def test_a_file_in_the_bucket_is_fetched_by_its_link_alone(stack: Stack) -> None:
    history = f"/api/v2/assets/{filled(stack)}/history/export/"
    assert stack.post(history).status_code == 202
    (export,) = stack.get(history).json()
    answer = stack.session.get(export["result"], allow_redirects=False)
    assert answer.status_code == 302
    found = requests.get(answer.headers["Location"], timeout=30)
    assert found.status_code == 200, found.text
    assert found.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "project_history_logs_export-" in found.headers["Content-Disposition"]
    assert found.text.startswith("user_url,")


def test_a_saved_setting_is_a_url_that_answers_with_the_data(stack: Stack) -> None:
    asset = filled(stack)
    saved = {"name": "Power BI", "export_settings": SETTINGS}
    item = stack.post(f"/api/v2/assets/{asset}/export-settings/", json=saved).json()
    answer = stack.get(item["data_url_csv"].removeprefix(stack.base_url))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv")
    assert [line.split(";")[0] for line in answer.text.split("\r\n")[1:-1]] == [f'"{name}"' for name in NAMES]
