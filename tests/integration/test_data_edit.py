"""Editing answers of many submissions (contract data §7)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from formrelay.storage import submissions
from tests.support.app import FORM, Answer, App, Clock
from tests.support.aws import messages, stored
from tests.support.calls import crashing, doing
from tests.support.forms import parse
from tests.support.grants import grant, switch_off
from tests.support.sharing import share

UUIDS = [f"uuid:00000000-0000-4000-8000-00000000000{number}" for number in range(4)]


@pytest.fixture
def asset(app: App, clock: Clock) -> str:
    made = app.deploy(FORM)
    for number in range(2):
        clock.forward(1)
        values: dict[str, Any] = {"name": f"n{number}", "age": "7", "photo": "p.jpg"}
        values["member"] = [{"who": "Ana"}, {"who": "Bo"}]
        xml = app.filled(made, values, UUIDS[number]).replace("<age>", "<!-- kept --><age>")
        assert app.submit(xml, {"p.jpg": b"one"}).status == 201
    messages(app.settings.first_queue)
    return made


def sids(app: App, asset: str) -> list[int]:
    return [row["_id"] for row in app.records(asset)]


def edit(app: App, asset: str, data: Any, *, user: str | None = "ann", **which: Any) -> Answer:
    chosen = which or {"submission_ids": sids(app, asset)}
    path = f"/api/v2/assets/{asset}/data/bulk/"
    return app.send("PATCH", path, {"payload": {**chosen, "data": data}}, user=user)


def xml_of(app: App, asset: str, sid: int) -> str:
    return app.get(f"/api/v2/assets/{asset}/data/{sid}.xml").text


def test_answers_are_replaced_in_json_and_xml_alike(app: App, asset: str) -> None:
    before = app.records(asset)
    old = [xml_of(app, asset, row["_id"]) for row in before]
    answer = edit(app, asset, {"name": "Zoë & <co>", "member[2]/who": "Cy", "new/er": "x", "age": None})
    after = app.records(asset)
    assert answer.status == 200
    assert answer.json() == {
        "count": 2,
        "successes": 2,
        "failures": 0,
        "results": [
            {
                "uuid": row["_uuid"],
                "root_uuid": row["meta/rootUuid"].removeprefix("uuid:"),
                "status_code": 201,
                "message": "Successful submission",
            }
            for row in after
        ],
    }
    for row, was, text in zip(after, before, old, strict=True):
        assert (row["name"], row["new/er"], "age" in row) == ("Zoë & <co>", "x", False)
        assert row["member"] == [{"member/who": "Ana"}, {"member/who": "Cy"}]
        assert row["meta/instanceID"] == f"uuid:{row['_uuid']}"
        assert row["meta/deprecatedID"] == was["meta/instanceID"]
        kept = ("_id", "_submission_time", "_submitted_by", "meta/rootUuid", "__version__", "_attachments")
        assert {name: row[name] for name in kept} == {name: was[name] for name in kept}
        now = xml_of(app, asset, row["_id"])
        assert "<!-- kept --><age></age>" in now
        expected = text.replace(f"<name>{was['name']}", "<name>Zoë &amp; &lt;co&gt;").replace(
            "<age>7", "<age>"
        )
        expected = expected.replace("<who>Bo", "<who>Cy").replace("</meta>", META.format(**_ids(row, was)))
        assert now == expected.replace(
            was["meta/instanceID"] + "</instanceID>", f"uuid:{row['_uuid']}</instanceID>"
        )
        assert parse(now).findtext("./{*}new/{*}er") == "x"


META = "<deprecatedID>{old}</deprecatedID><rootUuid>{root}</rootUuid></meta><new><er>x</er></new>"


def _ids(row: dict[str, Any], was: dict[str, Any]) -> dict[str, str]:
    return {"old": was["meta/instanceID"], "root": row["meta/rootUuid"]}


def test_history_is_kept_and_a_further_edit_follows(app: App, asset: str) -> None:
    (sid, _) = sids(app, asset)
    edit(app, asset, {"name": "Bo"}, submission_ids=[sid])
    edit(app, asset, {"name": "Cy"}, submission_ids=[sid])
    for number, name in enumerate(("n0", "Bo")):
        found = submissions.revision(asset, sid, number)
        assert found is not None
        assert submissions.parse_answers(submissions.unpack(found).answers)["name"] == name


def test_a_file_that_is_no_longer_named_is_hidden(app: App, asset: str) -> None:
    edit(app, asset, {"photo": ""}, query={"name": "n0"})
    shown = {
        row["name"]: [f["media_file_basename"] for f in row["_attachments"]] for row in app.records(asset)
    }
    assert shown == {"n0": [], "n1": ["p.jpg"]}


def test_what_tells_revisions_and_forms_apart_is_left_alone(app: App, asset: str) -> None:
    (before, _) = app.records(asset)
    data = {"meta/instanceID": "uuid:x", "formhub/uuid": "x", "__version__": "x", "name": "Bo"}
    assert edit(app, asset, data, submission_ids=[before["_id"]]).json()["successes"] == 1
    (after, _) = app.records(asset)
    assert after["name"] == "Bo"
    for name in ("formhub/uuid", "__version__", "meta/rootUuid"):
        assert after[name] == before[name]


def test_rows_that_cannot_be_edited_so_are_told_and_the_others_edited(app: App, asset: str) -> None:
    app.submit(app.filled(asset, {"name": "n2", "member": [{"who": "Ana"}]}, UUIDS[2]))
    answer = edit(app, asset, {"member[2]/who": "Cy"})
    body = answer.json()
    assert (answer.status, body["count"], body["successes"], body["failures"]) == (200, 3, 2, 1)
    (failed,) = [result for result in body["results"] if result["status_code"] != 201]
    assert failed == {
        "uuid": UUIDS[2].removeprefix("uuid:"),
        "root_uuid": None,
        "status_code": 400,
        "message": "There is no `member[2]`",
    }


def test_a_call_that_edits_nothing_is_an_error_with_the_same_body(app: App, asset: str) -> None:
    answer = edit(app, asset, {"member": "x"})
    assert answer.status == 400
    assert {result["message"] for result in answer.json()["results"]} == {"`member` is a group"}
    app.send("PATCH", f"/api/v2/assets/{asset}/deployment/", {"active": False})
    answer = edit(app, asset, {"name": "x"})
    assert answer.status == 400
    assert {result["message"] for result in answer.json()["results"]} == {"Form is not active"}


def test_unknown_ids_are_told_and_the_others_edited(app: App, asset: str) -> None:
    (sid, _) = sids(app, asset)
    answer = edit(app, asset, {"name": "Bo"}, submission_ids=[sid, 17])
    body = answer.json()
    assert (answer.status, body["count"], body["successes"], body["failures"]) == (200, 2, 1, 1)
    assert body["results"][1] == {
        "uuid": None,
        "root_uuid": None,
        "status_code": 404,
        "message": "Submission 17 does not exist",
    }


@pytest.mark.parametrize("which", [{"submission_ids": [17]}, {"query": {"name": "nobody"}}])
def test_no_row_at_all_is_an_error(app: App, asset: str, which: dict[str, Any]) -> None:
    answer = edit(app, asset, {"name": "Bo"}, **which)
    error = ["No submissions match the given `submission_ids`"]
    assert (answer.status, answer.json()) == (400, error)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (None, "`data` is required"),
        ({}, "`data` is required"),
        ([1], "`data` must be a JSON object"),
        ({"age": 7}, "`data` must only contain texts: `age`"),
        ({"age": ["a"]}, "`data` must only contain texts: `age`"),
        ({"name": "\x00"}, "`data` contains characters that XML does not have: `name`"),
        ({"a b": "x"}, "`data` has a key that is no path of a question: `a b`"),
        ({"": "x"}, "`data` has a key that is no path of a question: ``"),
        ({"name": "x" * 100_001}, "`data` must have at most 100000 bytes"),
        ({f"q{n}": "" for n in range(1001)}, "`data` must contain at most 1000 answers"),
    ],
)
def test_answers_that_cannot_be_are_refused_before_anything_is_done(
    app: App, asset: str, data: Any, error: str
) -> None:
    before = app.records(asset)
    answer = edit(app, asset, data)
    assert (answer.status, answer.json()) == (400, {"payload": [error]})
    assert app.records(asset) == before


def test_an_encrypted_submission_is_not_edited(app: App, asset: str) -> None:
    meta = f"<meta><instanceID>{UUIDS[3]}</instanceID></meta>"
    xml = f'<data id="{asset}" encrypted="yes"><encryptedXmlFile>s.enc</encryptedXmlFile>{meta}</data>'
    assert app.submit(xml).status == 201
    answer = edit(app, asset, {"name": "x"}, query={"_uuid": UUIDS[3].removeprefix("uuid:")})
    assert answer.json()["results"][0]["message"] == "An encrypted submission cannot be edited"


# Rights


@pytest.mark.parametrize(
    ("rights", "status"),
    [
        (("view_asset",), 404),
        (("view_asset", "view_submissions", "delete_submissions"), 403),
        (("view_asset", "view_submissions", "add_submissions", "change_submissions"), 200),
    ],
)
def test_editing_needs_the_right_to_change(
    app: App, asset: str, rights: tuple[str, ...], status: int
) -> None:
    app.add_user("bob")
    grant(asset, "bob", *rights)
    assert edit(app, asset, {"name": "Bo"}, user="bob", confirm=True).status == status


def test_row_level_users_edit_their_rows(app: App, asset: str) -> None:
    app.add_user("bob")
    share(app, asset, "bob", "partial_submissions", change=[{"name": "n1"}])
    both = sids(app, asset)
    assert edit(app, asset, {"age": "8"}, user="bob", submission_ids=both).status == 403
    assert edit(app, asset, {"age": "8"}, user="bob", confirm=True).json()["count"] == 1
    assert {row["name"]: row["age"] for row in app.records(asset)} == {"n0": "7", "n1": "8"}


def test_the_form_of_an_account_that_is_off_takes_no_edits(app: App, asset: str) -> None:
    app.add_user("bob")
    grant(asset, "bob", "view_asset", "view_submissions", "add_submissions", "change_submissions")
    both = sids(app, asset)
    switch_off("ann")
    answer = edit(app, asset, {"name": "x"}, user="bob", submission_ids=both)
    assert (answer.status, answer.json()) == (400, {"detail": "Account is not active"})


# Events, crashes, others at the same moment


def test_hooks_that_chose_so_hear_of_each_edit(app: App, asset: str) -> None:
    hook = app.add_hook(asset, "http://127.0.0.1:9/", events=["submission.edited"])
    app.add_hook(asset, "http://127.0.0.1:9/")
    edit(app, asset, {"name": "Bo"})
    assert [message.body["h"] for message in messages(app.settings.first_queue)] == [hook, hook]
    assert sorted(log["submission_id"] for log in app.logs(asset, hook)) == sorted(sids(app, asset))


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("call", ["dynamodb.TransactWriteItems", "dynamodb.UpdateItem"])
def test_a_process_may_die_anywhere_and_each_is_edited_once(
    app: App, asset: str, clock: Clock, call: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("formrelay.changes.bulk._BATCH", 1)
    hook = app.add_hook(asset, "http://127.0.0.1:9/", events=["submission.edited"])
    with crashing(call, number):
        edit(app, asset, {"name": "Bo"})
    for _ in range(3):
        clock.forward(70)
        app.recover()
    assert [row["name"] for row in app.records(asset)] == ["Bo", "Bo"]
    assert len(app.logs(asset, hook)) == 2
    found = [item["rev"]["N"] for item in stored(app.settings.data_table) if "rev" in item and "xml" in item]
    assert found in (["1", "1"], [])


def test_an_edit_at_the_same_moment_is_edited_in_turn(app: App, asset: str) -> None:
    (row, _) = app.records(asset)
    xml = app.filled(asset, {"name": "theirs", "age": "9"}, UUIDS[3])
    theirs = xml.replace(
        "</instanceID>", f"</instanceID><deprecatedID>{row['meta/instanceID']}</deprecatedID>"
    )
    with doing("dynamodb.TransactWriteItems", lambda: app.submit(theirs)):
        assert edit(app, asset, {"name": "ours"}, submission_ids=[row["_id"]]).json()["successes"] == 1
    (after, _) = app.records(asset)
    assert (after["name"], after["age"], after["meta/deprecatedID"]) == ("ours", "9", UUIDS[3])


def test_one_that_is_deleted_at_the_same_moment_is_told(app: App, asset: str) -> None:
    (sid, _) = sids(app, asset)
    path = f"/api/v2/assets/{asset}/data/{sid}/"
    with doing("dynamodb.TransactWriteItems", lambda: app.call("DELETE", path)):
        answer = edit(app, asset, {"name": "ours"}, submission_ids=[sid])
    assert [(r["status_code"], r["message"]) for r in answer.json()["results"]] == [(404, "Not found.")]


def test_what_takes_too_long_goes_on_in_the_background(
    app: App, asset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("formrelay.api.changing.INLINE", 0.0)
    answer = edit(app, asset, {"name": "Bo"})
    assert answer.status == 200
    assert answer.json() == {"count": 2, "successes": 0, "failures": 0, "results": []}
    app.recover()
    assert [row["name"] for row in app.records(asset)] == ["Bo", "Bo"]


@pytest.mark.parametrize("filters", [{}, {"view": [{"age": "7"}]}, {"change": [{"age": "7"}]}])
def test_a_right_that_was_taken_back_ends_what_goes_on_in_the_background(
    app: App, asset: str, filters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    app.add_user("bob")
    share(app, asset, "bob", "change_submissions")
    monkeypatch.setattr("formrelay.api.changing.INLINE", 0.0)
    assert edit(app, asset, {"name": "Bo"}, user="bob").status == 200
    grant(asset, "bob", "view_asset", "view_submissions")
    if filters:
        assert share(app, asset, "bob", "partial_submissions", **filters).status == 201
    app.recover()
    share(app, asset, "bob", "change_submissions")
    app.recover()
    assert "Bo" not in [row["name"] for row in app.records(asset)]


def test_another_right_that_was_taken_back_ends_nothing(
    app: App, asset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.add_user("bob")
    share(app, asset, "bob", "partial_submissions", change=[{"name": "n1"}])
    monkeypatch.setattr("formrelay.api.changing.INLINE", 0.0)
    assert edit(app, asset, {"age": "8"}, user="bob", confirm=True).status in (200, 400)
    share(app, asset, "bob", "partial_submissions", change=[{"name": "n1"}], delete=[{"name": "n0"}])
    app.recover()
    assert sorted(row.get("age", "") for row in app.records(asset))[-1] == "8"


def test_the_payload_may_be_text(app: App, asset: str) -> None:
    payload = json.dumps({"confirm": True, "data": {"name": "Bo"}})
    answer = app.send("PATCH", f"/api/v2/assets/{asset}/data/bulk.json", {"payload": payload})
    assert answer.json()["successes"] == 2
