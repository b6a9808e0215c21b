"""Validation statuses of submissions (contract data §6)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from formrelay.storage import keys, table
from tests.support.app import FORM, Answer, App, Clock
from tests.support.aws import messages
from tests.support.calls import crashing, doing
from tests.support.grants import ANONYMOUS, grant
from tests.support.sharing import share

UUIDS = [f"uuid:00000000-0000-4000-8000-00000000000{number}" for number in range(4)]
UID = "validation_status.uid"
APPROVED, ON_HOLD = "validation_status_approved", "validation_status_on_hold"
HELD = {"timestamp": 1785658205, "uid": ON_HOLD, "by_whom": "ann", "label": "On Hold"}


@pytest.fixture
def asset(app: App, clock: Clock) -> str:
    made = app.deploy(FORM)
    for number in range(3):
        xml = app.filled(made, {"name": f"n{number}"}, UUIDS[number])
        assert app.submit(xml).status == 201
    messages(app.settings.first_queue)
    return made


def one(asset: str, uuid: str = UUIDS[0]) -> str:
    return f"/api/v2/assets/{asset}/data/{uuid}/validation_status/"


def change(app: App, asset: str, payload: Any, method: str = "PATCH", *, user: str | None = "ann") -> Answer:
    path = f"/api/v2/assets/{asset}/data/validation_statuses/"
    return app.send(method, path, {"payload": payload}, user=user)


def statuses(app: App, asset: str) -> dict[str, str | None]:
    return {row["name"]: row["_validation_status"].get("uid") for row in app.records(asset)}


# One


def test_a_status_is_given_read_and_taken(app: App, asset: str) -> None:
    assert app.get(one(asset)).json() == {}
    answer = app.send("PATCH", one(asset), {UID: ON_HOLD})
    assert (answer.status, answer.json()) == (200, HELD)
    assert app.get(one(asset)).json() == HELD
    assert app.records(asset)[0]["_validation_status"] in (HELD, {})
    assert statuses(app, asset) == {"n0": ON_HOLD, "n1": None, "n2": None}
    assert app.call("DELETE", one(asset)).status == 204
    assert app.get(one(asset)).json() == {}
    assert app.call("DELETE", one(asset)).status == 204


def test_a_status_may_come_in_a_form(app: App, asset: str) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = app.call("PATCH", one(asset), body=f"{UID}={ON_HOLD}".encode(), headers=headers)
    assert answer.json() == HELD


@pytest.mark.parametrize(
    ("body", "shown"),
    [({UID: "foo"}, "foo"), ({}, "None"), (None, "None"), ({UID: None}, "None"), ({UID: ["x"]}, "['x']")],
)
def test_an_unknown_status_is_refused(app: App, asset: str, body: Any, shown: str) -> None:
    app.send("PATCH", one(asset), {UID: ON_HOLD})
    answer = app.send("PATCH", one(asset), body)
    assert (answer.status, answer.json()) == (400, {"detail": f"Invalid validation status: `{shown}`"})
    assert app.get(one(asset)).json() == HELD


def test_an_unknown_submission_has_none(app: App, asset: str) -> None:
    for answer in (
        app.get(one(asset, UUIDS[3])),
        app.send("PATCH", one(asset, UUIDS[3]), {UID: ON_HOLD}),
        app.call("DELETE", one(asset, UUIDS[3])),
    ):
        assert (answer.status, answer.json()) == (404, {"detail": "Not found."})


def test_one_that_is_deleted_meanwhile_is_not_found(app: App, asset: str) -> None:
    path = f"/api/v2/assets/{asset}/data/{UUIDS[0]}/"
    with doing("dynamodb.TransactWriteItems", lambda: app.call("DELETE", path)):
        assert app.send("PATCH", one(asset), {UID: ON_HOLD}).status == 404
    assert len(app.records(asset)) == 2


def test_an_edit_keeps_a_status_that_is_given_at_the_same_moment(app: App, asset: str) -> None:
    xml = app.filled(asset, {"name": "edited"}, UUIDS[3])
    edit = xml.replace("</instanceID>", f"</instanceID><deprecatedID>{UUIDS[0]}</deprecatedID>")
    with doing("dynamodb.TransactWriteItems", lambda: app.send("PATCH", one(asset), {UID: ON_HOLD})):
        assert app.submit(edit).status == 201
    assert statuses(app, asset) == {"edited": ON_HOLD, "n1": None, "n2": None}


def test_a_status_is_given_to_a_record_that_is_edited_at_the_same_moment(app: App, asset: str) -> None:
    xml = app.filled(asset, {"name": "edited"}, UUIDS[3])
    edit = xml.replace("</instanceID>", f"</instanceID><deprecatedID>{UUIDS[0]}</deprecatedID>")
    with doing("dynamodb.TransactWriteItems", lambda: app.submit(edit)):
        assert app.send("PATCH", one(asset), {UID: ON_HOLD}).status == 200
    assert statuses(app, asset) == {"edited": ON_HOLD, "n1": None, "n2": None}


# Many


def test_chosen_ones_get_a_status(app: App, asset: str) -> None:
    first, second, _ = [str(row["_id"]) for row in app.records(asset)]
    answer = change(app, asset, {"submission_ids": [first, second], UID: APPROVED})
    assert (answer.status, answer.json()) == (200, {"detail": "2 submissions have been updated"})
    assert sorted(map(str, statuses(app, asset).values())) == ["None", APPROVED, APPROVED]


def test_those_that_meet_a_query_or_all_get_a_status(app: App, asset: str) -> None:
    answer = change(app, asset, {"query": {"name": "n1"}, UID: APPROVED})
    assert answer.json() == {"detail": "1 submissions have been updated"}
    assert statuses(app, asset) == {"n0": None, "n1": APPROVED, "n2": None}
    query = {f"_{UID}": None}
    assert change(app, asset, {"query": query, UID: ON_HOLD}).json()["detail"].startswith("2 ")
    assert change(app, asset, {"confirm": True, UID: APPROVED}).json()["detail"].startswith("3 ")
    assert set(statuses(app, asset).values()) == {APPROVED}


@pytest.mark.parametrize("uid", [None, APPROVED])
def test_deleting_takes_the_status_of_many_whichever_is_named(app: App, asset: str, uid: Any) -> None:
    change(app, asset, {"confirm": True, UID: ON_HOLD})
    answer = change(app, asset, {"query": {"name": {"$ne": "n1"}}, UID: uid}, "DELETE")
    assert answer.json() == {"detail": "2 submissions have been updated"}
    assert statuses(app, asset) == {"n0": None, "n1": ON_HOLD, "n2": None}


def test_the_payload_may_come_in_a_form_and_the_path_with_a_suffix(app: App, asset: str) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = "payload=" + quote(json.dumps({"confirm": True, UID: ON_HOLD}))
    path = f"/api/v2/assets/{asset}/data/validation_statuses.json"
    answer = app.call("PATCH", path, body=body.encode(), headers=headers)
    assert answer.json() == {"detail": "3 submissions have been updated"}


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (None, {"payload": ["This field is required."]}),
        ({UID: APPROVED}, {"payload": ["Confirmation is required"]}),
        ({"confirm": True}, {"payload": [f"`{UID}` is required"]}),
        ({"submission_ids": [1], UID: APPROVED}, {"detail": "One or more submission ids are invalid"}),
    ],
)
def test_a_call_that_cannot_be_meant_so_is_refused(
    app: App, asset: str, method: str, payload: Any, error: Any
) -> None:
    answer = change(app, asset, payload, method)
    assert (answer.status, answer.json()) == (400, error)


@pytest.mark.parametrize("uid", ["validation_status_aproved", None, 1])
def test_a_typing_error_wipes_nothing(app: App, asset: str, uid: Any) -> None:
    change(app, asset, {"confirm": True, UID: ON_HOLD})
    answer = change(app, asset, {"confirm": True, UID: uid})
    error = {"payload": [f"Invalid validation status: `{uid}`"]}
    assert (answer.status, answer.json()) == (400, error)
    assert set(statuses(app, asset).values()) == {ON_HOLD}


# Rights


@pytest.mark.parametrize(
    ("rights", "read", "written"),
    [
        (("view_asset",), 404, 404),
        (("view_asset", "view_submissions"), 200, 403),
        (("view_asset", "view_submissions", "add_submissions", "change_submissions"), 200, 403),
        (("view_asset", "view_submissions", "validate_submissions"), 200, 200),
    ],
)
def test_validating_needs_its_own_right(
    app: App, asset: str, rights: tuple[str, ...], read: int, written: int
) -> None:
    app.add_user("bob")
    grant(asset, "bob", *rights)
    assert app.get(one(asset), user="bob").status == read
    assert app.send("PATCH", one(asset), {UID: ON_HOLD}, user="bob").status == written
    assert change(app, asset, {"confirm": True, UID: ON_HOLD}, user="bob").status == written
    if written == 200:
        assert app.get(one(asset)).json()["by_whom"] == "bob"


def test_anonymous_reads_public_statuses_and_gives_none(app: App, asset: str) -> None:
    grant(asset, ANONYMOUS, "view_asset", "view_submissions")
    assert app.get(one(asset), user=None).json() == {}
    assert app.send("PATCH", one(asset), {UID: ON_HOLD}, user=None).status == 401
    assert change(app, asset, {"confirm": True, UID: ON_HOLD}, user=None).status == 401


def test_row_level_users_validate_their_rows(app: App, asset: str) -> None:
    app.add_user("bob")
    share(app, asset, "bob", "partial_submissions", validate=[{"name": "n1"}])
    assert app.send("PATCH", one(asset), {UID: ON_HOLD}, user="bob").status == 403
    assert app.get(one(asset), user="bob").status == 404
    answer = change(app, asset, {"confirm": True, UID: ON_HOLD}, user="bob")
    assert answer.json() == {"detail": "1 submissions have been updated"}
    assert statuses(app, asset) == {"n0": None, "n1": ON_HOLD, "n2": None}


# Events and activity


def test_hooks_that_chose_so_hear_of_each_change_of_a_status(app: App, asset: str, clock: Clock) -> None:
    hook = app.add_hook(asset, "http://127.0.0.1:9/", events=["submission.validated"])
    change(app, asset, {"query": {"name": {"$ne": "n0"}}, UID: ON_HOLD})
    assert len(messages(app.settings.first_queue)) == 2
    # Nothing changes: neither a status that is there already, nor none where none is.
    change(app, asset, {"query": {"name": {"$ne": "n0"}}, UID: ON_HOLD})
    app.call("DELETE", one(asset))
    assert messages(app.settings.first_queue) == []
    clock.forward(1)
    change(app, asset, {"confirm": True, UID: None}, "DELETE")
    logs = app.logs(asset, hook)
    assert len(logs) == 4
    assert {log["event"] for log in logs} == {"submission.validated"}


def test_the_activity_tells_of_it(app: App, asset: str) -> None:
    app.send("PATCH", one(asset), {UID: ON_HOLD})
    app.call("DELETE", f"/api/v2/assets/{asset}/data/{UUIDS[1]}/")
    told = app.get(f"/api/v2/assets/{asset}/history/").json()["results"]
    actions = [entry["action"] for entry in told]
    assert actions.count("modify-submission") == 1
    assert actions.count("delete-submission") == 1
    assert actions.count("add-submission") == 3


def test_a_job_goes_on_where_its_chunk_ends(app: App, asset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("formrelay.changes.bulk._CHUNK", 2)
    monkeypatch.setattr("formrelay.changes.bulk._BATCH", 1)
    assert change(app, asset, {"query": {"name": {"$exists": True}}, UID: APPROVED}).status == 200
    assert set(statuses(app, asset).values()) == {APPROVED}
    sids = [row["_id"] for row in app.records(asset)]
    assert change(app, asset, {"submission_ids": sids, UID: ON_HOLD}).status == 200
    assert set(statuses(app, asset).values()) == {ON_HOLD}
    assert table.get(app.settings.data_table, keys.job_chunk("x", 0)) is None


def test_a_job_that_is_begun_anew_takes_nothing_away_that_was_decided_since(
    app: App, asset: str, clock: Clock
) -> None:
    with crashing("dynamodb.UpdateItem", 3):  # taken, selected; how far it came is never written
        change(app, asset, {"confirm": True, UID: APPROVED})
    assert set(statuses(app, asset).values()) == {APPROVED}
    assert app.send("PATCH", one(asset), {UID: ON_HOLD}).status == 200
    clock.forward(200)
    app.recover()
    assert statuses(app, asset) == {"n0": ON_HOLD, "n1": APPROVED, "n2": APPROVED}
