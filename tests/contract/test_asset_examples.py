"""Measured examples of contract assets §4.2 and §4.3, and the shape of §3.1, through the functions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.test_forms_examples import EXAMPLE
from tests.support.app import App

BODY: dict[str, Any] = {
    "name": "Household survey",
    "asset_type": "survey",
    "settings": {
        "description": "round 3",
        "sector": {"value": "Health", "label": "Health"},
        "country": [{"value": "CAN", "label": "Canada"}],
        "share-metadata": False,
    },
    "content": EXAMPLE,
    "tag_string": "health,round3",
}

SURVEY = """[
  {"type": "start", "name": "start", "$kuid": "K", "$autoname": "start", "$xpath": "start"},
  {"type": "text", "label": ["Full name?"], "$kuid": "K", "$autoname": "Full_name", "$xpath": "Full_name"},
  {"type": "select_one", "name": "ok", "label": ["OK?"], "required": true, "select_from_list_name": "yn",
   "$kuid": "K", "$autoname": "ok", "$xpath": "ok"},
  {"type": "begin_group", "name": "g", "label": ["G"], "$kuid": "K", "$autoname": "g", "$xpath": "g"},
  {"type": "integer", "name": "age", "label": ["How old are you?"], "$kuid": "K", "$autoname": "age",
   "$xpath": "g/age"},
  {"type": "geopoint", "name": "loc", "label": ["Where"], "hint": ["outside"], "$kuid": "K", "$autoname": "loc",
   "$xpath": "g/loc"},
  {"type": "end_group", "$kuid": "K"}]"""
# "name" of the second choice is filled in: the contract's own deviation from what was measured.
CHOICES = """[
  {"list_name": "yn", "name": "y", "label": ["Yes"], "$kuid": "K", "$autovalue": "y"},
  {"list_name": "yn", "name": "No_way", "label": ["No way"], "$kuid": "K", "$autovalue": "No_way"}]"""
SUMMARY = """
{"row_count": 4, "languages": [null], "default_translation": null, "geo": true, "lock_all": false, "lock_any": false,
 "labels": ["Full name?", "OK?", "How old are you?", "Where"],
 "columns": ["type", "label", "name", "required", "select_from_list_name", "hint"],
 "name_quality": {"firsts": {"ok": {"name": "Full_name", "index": 1, "label": ["Full name?"]}}, "bad": 0, "ok": 1,
                  "good": 3, "total": 4}}"""
KEYS = [
    "url", "owner", "owner__username", "owner_label", "parent", "uid", "kind", "name", "asset_type",
    "settings", "files", "summary", "date_created", "date_modified", "date_deployed", "version_id",
    "version__content_hash", "version_count", "has_deployment", "deployed_version_id", "deployed_versions",
    "deployment__links", "deployment__active", "deployment__data_download_links",
    "deployment__submission_count", "deployment__last_submission_time", "deployment__encrypted",
    "deployment__uuid", "deployment_status", "report_styles", "report_custom", "advanced_features",
    "map_styles", "map_custom", "content", "downloads", "embeds", "analysis_form_json", "xform_link",
    "hooks_link", "xls_link", "tag_string", "assignable_permissions", "permissions", "effective_permissions",
    "exports", "export_settings", "data", "children", "subscribers_count", "status", "access_types",
    "data_sharing", "paired_data", "project_ownership", "last_modified_by", "created_by",
]  # fmt: skip


@pytest.fixture
def made(app: App) -> dict[str, Any]:
    answer = app.send("POST", "/api/v2/assets/", BODY)
    assert answer.status == 201
    made: dict[str, Any] = answer.json()
    return made


def test_the_content_of_the_example_comes_out_as_measured(made: dict[str, Any]) -> None:
    content = made["content"]
    kuids = [row["$kuid"] for row in content["survey"] + content["choices"]]
    assert len(set(kuids)) == len(kuids)
    assert all(len(kuid) == 9 and kuid.isalnum() for kuid in kuids)
    assert _named(content["survey"]) == json.loads(SURVEY)
    assert _named(content["choices"]) == json.loads(CHOICES)
    rest = {key: content[key] for key in content if key not in ("survey", "choices")}
    assert rest == {
        "schema": "1", "translations": [None], "translated": ["hint", "label"], "settings": {"id_string": "hh"},
    }  # fmt: skip


def _named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "$kuid": "K"} for row in rows]


def test_the_summary_of_the_example_comes_out_as_measured(made: dict[str, Any]) -> None:
    assert made["summary"] == json.loads(SUMMARY)


def test_the_detail_has_the_keys_of_the_contract(made: dict[str, Any]) -> None:
    assert sorted(made) == sorted(KEYS)


def test_the_detail_of_the_example_has_the_values_of_the_contract(made: dict[str, Any]) -> None:
    base = "https://kf.example.org/api/v2"
    asset = f"{base}/assets/{made['uid']}"
    expected: dict[str, Any] = {
        "url": f"{asset}/", "owner": f"{base}/users/ann/", "owner_label": "ann", "parent": None, "kind": "asset",
        "name": "Household survey", "asset_type": "survey", "files": [],
        "settings": {
            "sector": {"label": "Health", "value": "Health"}, "country": [{"label": "Canada", "value": "CAN"}],
            "country_codes": ["CAN"], "description": "round 3", "organization": "", "share-metadata": False,
        },
        "deployed_versions": {"count": 0, "next": None, "previous": None, "results": []},
        "deployment__links": {}, "deployment__data_download_links": {}, "deployment__encrypted": False,
        "report_styles": {"default": {}, "specified": {}, "kuid_names": {}}, "report_custom": {},
        "advanced_features": {}, "map_styles": {}, "map_custom": {}, "tag_string": "health,round3",
        "downloads": [{"format": "xls", "url": f"{asset}.xls"}, {"format": "xml", "url": f"{asset}.xml"}],
        "embeds": [{"format": "xls", "url": f"{asset}/xls/"}, {"format": "xform", "url": f"{asset}/xform/"}],
        "analysis_form_json": {"additional_fields": []}, "xform_link": f"{asset}/xform/", "xls_link": f"{asset}/xls/",
        "hooks_link": f"{asset}/hooks/", "exports": f"{asset}/exports/", "export_settings": [],
        "data": f"{asset}/data/",
        "children": {"count": 0}, "subscribers_count": 0, "status": "private", "access_types": None, "data_sharing": {},
        "paired_data": f"{asset}/paired-data/", "project_ownership": None,
    }  # fmt: skip
    assert {key: made[key] for key in expected} == expected
    assert made["assignable_permissions"][0].keys() == {"url", "label"}
    assert made["permissions"][0].keys() == {"url", "user", "permission", "label"}
    assert {"codename": "view_asset"} in made["effective_permissions"]
