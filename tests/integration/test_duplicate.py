"""Duplicates of submissions (contract data §8)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.app import App, Clock
from tests.support.aws import messages, objects
from tests.support.forms import small_jpeg
from tests.support.grants import grant, switch_off
from tests.support.sharing import share

UUIDS = [f"uuid:00000000-0000-4000-8000-00000000000{number}" for number in range(3)]
FORM: dict[str, Any] = {
    "survey": [
        {"type": "start", "name": "start"},
        {"type": "end", "name": "end"},
        {"type": "text", "name": "name", "label": "Name"},
        {"type": "geopoint", "name": "gps", "label": "Where"},
        {"type": "image", "name": "photo", "label": "Photo"},
    ],
}
_OF_ITS_OWN = {
    *("_id", "_uuid", "meta/instanceID", "meta/rootUuid", "meta/deprecatedID", "start", "end"),
    *("_attachments", "_submission_time", "_submitted_by", "_validation_status"),
}


@pytest.fixture
def asset(app: App, clock: Clock) -> str:
    made = app.deploy(FORM)
    values = {"name": "Ana", "gps": "1 2 0 0", "photo": "p.jpg"}
    first = app.filled(made, {**values, "name": "An"}, UUIDS[0])
    edit = app.filled(made, values, UUIDS[1])
    edit = edit.replace("</instanceID>", f"</instanceID><deprecatedID>{UUIDS[0]}</deprecatedID>")
    assert app.submit(first, {"p.jpg": small_jpeg(), "more.jpg": b"hidden"}).status == 201
    assert app.submit(edit).status == 201
    messages(app.settings.first_queue)
    clock.forward(3600)
    return made


def path(asset: str) -> str:
    return f"/api/v2/assets/{asset}/data/{UUIDS[0]}/duplicate/"


def test_a_duplicate_has_the_answers_and_is_a_submission_of_its_own(app: App, asset: str) -> None:
    app.send("PATCH", path(asset).replace("duplicate", "validation_status"), _STATUS)
    app.add_user("bob")
    grant(asset, "bob", "view_asset", "view_submissions", "add_submissions", "change_submissions")
    (before,) = app.records(asset)
    answer = app.call("POST", path(asset), user="bob")
    made = answer.json()
    assert answer.status == 201
    assert sorted(row["_id"] for row in app.records(asset)) == sorted([before["_id"], made["_id"]])
    assert made == app.get(f"/api/v2/assets/{asset}/data/{made['_id']}/").json()
    kept = {name: value for name, value in made.items() if name not in _OF_ITS_OWN}
    assert kept == {name: value for name, value in before.items() if name not in _OF_ITS_OWN}
    assert made["meta/instanceID"] == made["meta/rootUuid"] == f"uuid:{made['_uuid']}"
    assert made["_uuid"] not in (before["_uuid"], before["meta/rootUuid"])
    assert "meta/deprecatedID" not in made
    assert made["start"] == made["end"] == "2026-08-02T09:10:05.000+00:00"
    assert made["_submission_time"] == "2026-08-02T09:10:05"
    assert (made["_submitted_by"], made["_validation_status"]) == ("bob", {})
    assert app.records(asset)[0] == before


_STATUS = {"validation_status.uid": "validation_status_approved"}


def test_files_are_copied_and_outlive_the_original(app: App, asset: str, clock: Clock) -> None:
    (before,) = app.records(asset)
    made = app.call("POST", path(asset)).json()
    assert len(objects(app.settings.bucket)) == 4
    (file,) = made["_attachments"]
    assert file["uid"] != before["_attachments"][0]["uid"]
    assert (file["media_file_basename"], file["question_xpath"]) == ("p.jpg", "photo")
    app.call("DELETE", f"/api/v2/assets/{asset}/data/{before['_id']}/")
    clock.forward(120)
    app.recover()
    assert len(objects(app.settings.bucket)) == 2
    found = app.get(file["download_url"].removeprefix("https://kf.example.org"))
    assert (found.status, found.body, found.headers["content-type"]) == (200, small_jpeg(), "image/jpeg")


def test_hooks_hear_of_it_as_of_any_other_submission(app: App, asset: str) -> None:
    hook = app.add_hook(asset, "http://127.0.0.1:9/")
    app.add_hook(asset, "http://127.0.0.1:9/", events=["submission.edited"])
    made = app.call("POST", path(asset)).json()
    assert [message.body["h"] for message in messages(app.settings.first_queue)] == [hook]
    (log,) = app.logs(asset, hook)
    assert (log["submission_id"], log["event"]) == (made["_id"], "submission.created")


def test_a_duplicate_of_a_duplicate_is_one_more(app: App, asset: str) -> None:
    made = app.call("POST", path(asset)).json()
    again = app.call("POST", f"/api/v2/assets/{asset}/data/{made['_id']}/duplicate")
    assert again.status == 201
    assert len({row["_uuid"] for row in app.records(asset)}) == 3


@pytest.mark.parametrize(
    ("rights", "status"),
    [
        (("view_asset",), 404),
        (("view_asset", "view_submissions", "add_submissions"), 403),
        (("view_asset", "view_submissions", "add_submissions", "change_submissions"), 201),
    ],
)
def test_duplicating_needs_the_right_to_change(
    app: App, asset: str, rights: tuple[str, ...], status: int
) -> None:
    app.add_user("bob")
    grant(asset, "bob", *rights)
    assert app.call("POST", path(asset), user="bob").status == status


def test_row_level_users_duplicate_their_rows(app: App, asset: str) -> None:
    app.add_user("bob")
    share(app, asset, "bob", "partial_submissions", change=[{"name": "Ana"}])
    assert app.call("POST", path(asset), user="bob").status == 201
    share(app, asset, "bob", "partial_submissions", change=[{"name": "Bo"}])
    assert app.call("POST", path(asset), user="bob").status == 403


def test_an_unknown_submission_is_not_found(app: App, asset: str) -> None:
    answer = app.call("POST", f"/api/v2/assets/{asset}/data/17/duplicate/")
    assert (answer.status, answer.json()) == (404, {"detail": "Not found."})


def test_an_archived_form_takes_no_duplicates(app: App, asset: str) -> None:
    app.send("PATCH", f"/api/v2/assets/{asset}/deployment/", {"active": False})
    answer = app.call("POST", path(asset))
    assert (answer.status, answer.json()) == (405, "Form is not active")


def test_the_form_of_an_account_that_is_off_takes_no_duplicates(app: App, asset: str) -> None:
    app.add_user("bob")
    grant(asset, "bob", "view_asset", "view_submissions", "add_submissions", "change_submissions")
    switch_off("ann")
    answer = app.call("POST", path(asset), user="bob")
    assert (answer.status, answer.json()) == (405, "Account is not active")
