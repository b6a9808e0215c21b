"""Submissions that were filled in with an earlier version of the form."""

from __future__ import annotations

from tests.support.app import FORM, App


def test_a_repeat_that_only_an_earlier_version_had_is_still_a_list(app: App) -> None:
    asset = app.deploy(FORM)
    xml = app.filled(asset, {"name": "Ana", "member": [{"who": "Bo"}]})
    without = {
        "survey": [
            row for row in FORM["survey"] if row.get("name") != "member" and row["type"] != "end_repeat"
        ]
    }
    assert app.send("PATCH", f"/api/v2/assets/{asset}/", {"content": without}).status == 200
    assert (
        app.send("PATCH", f"/api/v2/assets/{asset}/deployment/", {"active": True, "version_id": ""}).status
        == 200
    )

    assert app.submit(xml).status == 201

    assert app.records(asset)[0]["member"] == [{"member/who": "Bo"}]
