"""Submissions that were filled in with an earlier version of the form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.app import FORM, App

NAME = {"type": "text", "name": "name", "label": "Name"}


def form(kind: str) -> dict[str, Any]:
    """A form whose question ``who`` stands in a group or in a repeat, both called ``m``."""
    inside = {"type": "text", "name": "who", "label": "Who"}
    around = {"type": f"begin_{kind}", "name": "m", "label": "M"}
    return {"survey": [NAME, around, inside, {"type": f"end_{kind}"}]}


FILLED: dict[str, dict[str, Any]] = {"group": {"m/who": "Bo"}, "repeat": {"m": [{"who": "Bo"}]}}
SHOWN: dict[str, dict[str, Any]] = {"group": {"m/who": "Bo"}, "repeat": {"m": [{"m/who": "Bo"}]}}


def redeploy(app: App, asset: str, content: dict[str, Any]) -> None:
    assert app.send("PATCH", f"/api/v2/assets/{asset}/", {"content": content}).status == 200
    assert app.send("PATCH", f"/api/v2/assets/{asset}/deployment/", {}).status == 200


def answered(record: dict[str, Any]) -> dict[str, Any]:
    """What a record says below ``m``."""
    return {path: value for path, value in record.items() if path.partition("/")[0] == "m"}


@pytest.mark.parametrize(("before", "now"), [("group", "repeat"), ("repeat", "group")])
def test_a_group_that_became_a_repeat_or_a_repeat_that_became_a_group_is_what_it_was_in_its_version(
    app: App, before: str, now: str
) -> None:
    asset = app.deploy(form(before))
    old, late = (app.filled(asset, {"name": name, **FILLED[before]}) for name in ("old", "late"))
    app.submit(old)
    redeploy(app, asset, form(now))
    app.submit(late)
    app.submit(app.filled(asset, {"name": "new", **FILLED[now]}))
    expected = [SHOWN[before], SHOWN[before], SHOWN[now]]
    assert [answered(record) for record in app.records(asset)] == expected

    edit = {"payload": {"confirm": True, "data": {"name": "edited"}}}
    assert app.send("PATCH", f"/api/v2/assets/{asset}/data/bulk/", edit).json()["successes"] == 3
    assert [answered(record) for record in app.records(asset)] == expected


def test_a_submission_that_names_no_version_of_the_form_is_read_by_the_deployed_one(app: App) -> None:
    asset = app.deploy(form("repeat"))
    redeploy(app, asset, form("group"))
    for number, version in enumerate(("", "vKoboTooLsownVersion22", "none")):
        meta = {"instanceID": f"uuid:0b877dd7-3b41-4dac-8e14-4ce0b21fd59{number}"}
        submission = {"__version__": version, "name": "Ana", "m": {"who": "Bo"}, "meta": meta}
        sent = app.call(
            "POST",
            "/api/v1/submissions",
            body=json.dumps({"id": asset, "submission": submission}).encode(),
            headers={"content-type": "application/json"},
        )
        assert sent.status == 201
    assert [answered(record) for record in app.records(asset)] == [SHOWN["group"]] * 3


def test_a_repeat_that_only_an_earlier_version_had_is_still_a_list(app: App) -> None:
    asset = app.deploy(FORM)
    xml = app.filled(asset, {"name": "Ana", "member": [{"who": "Bo"}]})
    without = {
        "survey": [
            row for row in FORM["survey"] if row.get("name") != "member" and row["type"] != "end_repeat"
        ]
    }
    redeploy(app, asset, without)

    assert app.submit(xml).status == 201

    assert app.records(asset)[0]["member"] == [{"member/who": "Bo"}]
