"""Projects made, or changed, from another one (contract assets §2.2)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.test_assets import ASSETS, detail, make, patch, send_form
from tests.support.app import FORM, App
from tests.support.grants import grant

SOURCE: dict[str, Any] = {
    "name": "Visits",
    "tag_string": "a,b",
    "settings": {
        "description": "round 3",
        "share-metadata": True,
        "country": [{"value": "CAN", "label": "C"}],
    },
}
OTHER = {"survey": [{"type": "note", "name": "n", "label": "N"}]}


def clone(app: App, source: str, user: str = "ann", **fields: Any) -> Any:
    return app.send("POST", ASSETS, {"clone_from": source, **fields}, user=user)


def test_a_clone_has_form_name_tags_and_settings_of_its_source_and_nothing_else(app: App) -> None:
    app.add_user("bob")
    source = make(app, **SOURCE)
    app.send("POST", f"{ASSETS}{source['uid']}/deployment/", {"active": True})
    app.submit(app.filled(source["uid"], {"name": "Ana"}))
    app.add_hook(source["uid"], "http://127.0.0.1:9/")
    grant(source["uid"], "bob", "view_asset", "view_submissions")
    answer = clone(app, source["uid"])
    assert answer.status == 201, answer.text
    made = answer.json()
    assert made["uid"] != source["uid"]
    for key in ("name", "asset_type", "tag_string", "content", "summary"):
        assert made[key] == source[key]
    assert made["settings"] == {k: v for k, v in source["settings"].items() if k != "share-metadata"}
    assert (made["has_deployment"], made["deployment__submission_count"], made["version_count"]) == (
        False,
        0,
        1,
    )
    assert {row["user"].rpartition("/users/")[2] for row in made["permissions"]} == {"ann/"}
    assert app.get(f"{ASSETS}{made['uid']}/hooks/").json()["count"] == 0


def test_what_the_request_says_wins_over_the_source(app: App) -> None:
    source = make(app, **SOURCE)
    fields = {"clone_from": source["uid"], "name": "Copy", "asset_type": "template", "new_name": "ignored"}
    made = send_form(app, "POST", ASSETS, {**fields, "settings": '{"description": "mine"}'}).json()
    assert (made["name"], made["asset_type"], made["tag_string"]) == ("Copy", "template", "a,b")
    assert (made["settings"]["description"], made["settings"]["country_codes"]) == ("mine", ["CAN"])


def test_an_older_version_can_be_cloned(app: App) -> None:
    source = make(app)
    patch(app, source["uid"], {"content": OTHER})
    old = clone(app, source["uid"], clone_from_version_id=source["version_id"]).json()
    assert old["content"] == source["content"]
    assert (
        clone(app, source["uid"], clone_from_version_id="").json()["content"]["survey"][0]["type"] == "note"
    )


@pytest.mark.parametrize("version", ["vX", "v" * 22, "\N{SNOWMAN}"])
def test_an_unknown_version_is_not_found(app: App, version: str) -> None:
    answer = clone(app, make(app)["uid"], clone_from_version_id=version)
    assert (answer.status, answer.json()) == (404, {"detail": "Not found."})


def test_a_source_that_is_not_the_callers_to_see_is_not_found(app: App) -> None:
    app.add_user("bob")
    source = make(app)["uid"]
    for uid in (source, "aUnknownUnknownUnknow2", "x"):
        answer = clone(app, uid, user="bob", asset_type="survey")
        assert (answer.status, answer.json()) == (404, {"detail": "Not found."})
    grant(source, "bob", "view_asset")
    made = clone(app, source, user="bob").json()
    assert (made["owner__username"], made["created_by"]) == ("bob", "bob")


@pytest.mark.parametrize(
    ("source", "into"),
    [
        ("question", {"question", "survey", "template"}),
        ("block", {"block", "question", "survey", "template"}),
        ("survey", {"block", "question", "survey", "template"}),
        ("template", {"survey", "template"}),
    ],
)
def test_types_turn_into_some_others_only(app: App, source: str, into: set[str]) -> None:
    uid = make(app, asset_type=source)["uid"]
    made = {kind: clone(app, uid, asset_type=kind) for kind in ("question", "block", "survey", "template")}
    assert {kind for kind, answer in made.items() if answer.status == 201} == into
    refused = {"detail": "Destination type is not compatible with source type"}
    assert all(a.status == 400 and a.json() == refused for k, a in made.items() if k not in into)


def test_settings_go_to_surveys_and_templates_only(app: App) -> None:
    source = make(app, **SOURCE)["uid"]
    assert clone(app, source, asset_type="block").json()["settings"]["description"] == ""


def test_a_form_is_replaced_by_that_of_another_project(app: App) -> None:
    source = make(app, asset_type="block", name="Block", content=OTHER)
    mine = make(app, name="Mine")
    changed = patch(app, mine["uid"], {"clone_from": source["uid"], "name": "Mine"}).json()
    assert (changed["uid"], changed["asset_type"], changed["name"]) == (mine["uid"], "survey", "Mine")
    assert (changed["content"], changed["version_count"]) == (source["content"], 2)
    assert patch(app, source["uid"], {"clone_from": make(app, asset_type="template")["uid"]}).status == 400
    assert detail(app, source["uid"])["version_count"] == 1


def test_an_empty_project_becomes_what_is_cloned_into_it(app: App) -> None:
    empty = app.send("POST", ASSETS, {"asset_type": "empty"}).json()
    changed = patch(app, empty["uid"], {"clone_from": make(app, asset_type="template")["uid"]}).json()
    assert (changed["asset_type"], changed["summary"]["row_count"]) == ("template", 5)
    again = app.send("POST", ASSETS, {"asset_type": "empty"}).json()
    data = {"clone_from": changed["uid"], "asset_type": "survey"}
    assert patch(app, again["uid"], data).json()["asset_type"] == "survey"


def test_an_empty_clone_from_is_none(app: App) -> None:
    made = make(app, content=FORM, clone_from="")
    assert patch(app, made["uid"], {"clone_from": None, "name": "x"}).json()["content"] == made["content"]
