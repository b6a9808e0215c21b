"""Project activity: an entry for every change that took place, and none for others (contract permissions §6)."""

from __future__ import annotations

import io
from typing import Any

import pytest
from openpyxl import Workbook

from formrelay import history
from formrelay.auth import Caller
from formrelay.settings import settings
from formrelay.storage import assets, history_blocks, keys, submissions, table
from formrelay.storage.table import Item
from tests.support.app import BASE, FORM, Answer, App, Clock
from tests.support.calls import counting, doing, failing
from tests.support.grants import grant
from tests.support.receiver import Receiver

DAY = 86_400
USUAL = {"asset_uid", "log_subtype", "ip_address", "source", "project_owner"}
COLLECT = "org.odk.collect.android/v2024.1.3 Dalvik/2.1.0 (Linux; U; Android 14; Pixel 7 Build/AP1A)"


def entries(app: App, asset: str, *, user: str = "ann", **query: str) -> list[dict[str, Any]]:
    answer = app.get(f"/api/v2/assets/{asset}/history/", user=user, **query)
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def actions(app: App, asset: str, **query: str) -> list[str]:
    """Oldest first."""
    return [entry["action"] for entry in reversed(entries(app, asset, **query))]


def more(entry: dict[str, Any]) -> dict[str, Any]:
    """What an action tells beyond the usual."""
    return {name: value for name, value in entry["metadata"].items() if name not in USUAL}


def patch(app: App, asset: str, data: dict[str, Any], rest: str = "") -> Answer:
    answer = app.send("PATCH", f"/api/v2/assets/{asset}/{rest}", data)
    assert answer.status == 200, answer.text
    return answer


def made(app: App) -> str:
    """A project that is not deployed and has no entries."""
    answer = app.send("POST", "/api/v2/assets/", {"name": "HH", "asset_type": "survey", "content": FORM})
    assert entries(app, answer.json()["uid"]) == []
    uid: str = answer.json()["uid"]
    return uid


def latest(app: App, asset: str) -> str:
    version: str = app.get(f"/api/v2/assets/{asset}/").json()["version_id"]
    return version


# What an entry looks like


def test_an_entry_tells_who_did_what_from_where(app: App, clock: Clock) -> None:
    asset = made(app)
    firefox = "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0"
    headers = {"user-agent": firefox, "content-type": "application/json"}
    app.call("PATCH", f"/api/v2/assets/{asset}/", body=b'{"name": "HH 2"}', headers=headers)
    (entry,) = entries(app, asset)
    assert entry == {
        "user": f"{BASE}/api/v2/users/ann/",
        "user_uid": app.get("/me/").json()["extra_details__uid"],
        "username": "ann",
        "action": "update-name",
        "metadata": {
            "asset_uid": asset,
            "log_subtype": "project",
            "ip_address": "203.0.113.9",
            "source": "Firefox (Windows)",
            "project_owner": "ann",
            "latest_version_uid": latest(app, asset),
            "name": {"old": "HH", "new": "HH 2"},
        },
        "date_created": "2026-08-02T08:10:05Z",
    }


def test_deployments_tell_their_versions(app: App) -> None:
    asset = made(app)
    path = f"/api/v2/assets/{asset}/deployment/"
    assert app.send("POST", path, {"active": True}).status == 200
    first = latest(app, asset)
    patch(app, asset, {"name": "Other"})
    patch(app, asset, {}, "deployment/")
    redeployed, _, deployed = entries(app, asset)
    assert (deployed["action"], redeployed["action"]) == ("deploy", "redeploy")
    assert more(deployed) == {"latest_version_uid": first, "latest_deployed_version_uid": first}
    second = latest(app, asset)
    assert second != first
    assert more(redeployed) == {"latest_version_uid": second, "latest_deployed_version_uid": second}


def test_archiving_twice_is_told_twice(app: App) -> None:
    asset = app.deploy(FORM)
    for active in (False, False, True):
        patch(app, asset, {"active": active}, "deployment/")
    assert actions(app, asset) == ["deploy", "archive", "archive", "unarchive"]
    assert more(entries(app, asset)[0]) == {"latest_version_uid": latest(app, asset)}


def test_settings_tell_what_changed_in_them_and_nothing_else(app: App) -> None:
    asset = made(app)
    before = {
        "description": "old",
        "sector": {"value": "a", "label": "A"},
        "country": [{"value": "CAN"}, {"value": "MEX"}],
    }
    patch(app, asset, {"settings": before})
    patch(app, asset, {"settings": {"description": "new", "country": [{"value": "MEX"}, {"value": "PER"}]}})
    entry = entries(app, asset)[0]
    assert entry["action"] == "update-settings"
    assert entry["metadata"]["settings"] == {
        "description": {"old": "old", "new": "new"},
        "country": {"added": [{"value": "PER"}], "removed": [{"value": "CAN"}]},
        "country_codes": {"added": ["PER"], "removed": ["CAN"]},
    }


def test_settings_of_any_size_and_kind_are_told(app: App) -> None:
    asset = made(app)
    huge = {"description": "x" * 90_000, "odd": {"n": 1e300, "deep": [[[[None, 0.1]]]]}}
    patch(app, asset, {"settings": huge})
    assert entries(app, asset)[0]["metadata"]["settings"]["odd"] == {"old": None, "new": huge["odd"]}


def test_one_patch_of_three_things_makes_three_entries(app: App) -> None:
    asset = made(app)
    content = {"survey": [{"type": "text", "name": "q", "label": "Q"}]}
    patch(app, asset, {"name": "Other", "settings": {"description": "d"}, "content": content})
    found = {entry["action"]: more(entry) for entry in entries(app, asset)}
    assert sorted(found) == ["update-content", "update-name", "update-settings"]
    assert found["update-content"] == {"latest_version_uid": latest(app, asset)}


def test_what_changes_nothing_or_fails_is_not_told(app: App) -> None:
    asset = made(app)
    patch(app, asset, app.get(f"/api/v2/assets/{asset}/").json())
    assert app.send("PATCH", f"/api/v2/assets/{asset}/", {"name": "x" * 300}).status == 400
    app.send("PATCH", f"/api/v2/assets/{asset}/deployment/", {"active": False})
    with failing("dynamodb.TransactWriteItems"):
        assert app.send("PATCH", f"/api/v2/assets/{asset}/", {"name": "Other"}).status == 500
    assert entries(app, asset) == []


def test_an_import_replaces_the_form(app: App) -> None:
    asset = made(app)
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "survey"
    for row in (("type", "name", "label"), ("text", "imported", "I")):
        sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    parts: Any = [
        ("destination", (None, f"{BASE}/api/v2/assets/{asset}/", None)),
        ("file", ("form.xlsx", stream.getvalue(), "application/octet-stream")),
    ]
    assert app.send_form("POST", "/api/v2/imports/", parts).status == 201
    assert "replace-form" in actions(app, asset)
    assert "update-content" not in actions(app, asset)


def test_hooks_are_told_with_their_endpoint(app: App, receiver: Receiver) -> None:
    asset = made(app)
    hook = app.add_hook(asset, receiver.url())
    path = f"/api/v2/assets/{asset}/hooks/{hook}/"
    assert app.send("PATCH", path, {"active": False}).status == 200
    assert app.send("PATCH", path, {"endpoint": "ftp://x"}).status == 400
    assert app.call("DELETE", path).status == 204
    assert app.call("DELETE", path).status == 404
    assert actions(app, asset) == ["register-service", "modify-service", "delete-service"]
    told = [more(entry) for entry in reversed(entries(app, asset))]
    facts = {"uid": hook, "endpoint": receiver.url()}
    assert told[0] == {"hook": {**facts, "active": True}}
    assert told[1] == told[2] == {"hook": {**facts, "active": False}}


def test_a_hook_sent_back_as_it_is_is_told_of_no_second_time(app: App, receiver: Receiver) -> None:
    asset = made(app)
    headers = {"password": "s3cret", "username": "ann", "custom_headers": {"X-A": "1"}}
    hook = app.add_hook(asset, receiver.url(), auth_level="basic_auth", settings=headers)
    path = f"/api/v2/assets/{asset}/hooks/{hook}/"
    before = app.get(path).json()
    for data in (before, {}, {"name": "ERP"}, {"settings": headers}):
        answer = app.send("PATCH", path, data)
        assert (answer.status, answer.json()) == (200, before)
    assert app.send("PATCH", path, {"settings": {**headers, "password": "other"}}).status == 200
    assert actions(app, asset) == ["register-service", "modify-service"]


def test_media_files_are_told(app: App) -> None:
    asset = made(app)
    data = {"base64Encoded": "data:text/csv;base64,bmFtZQ==", "metadata": {"filename": "places.csv"}}
    file = app.send("POST", f"/api/v2/assets/{asset}/files/", data).json()
    assert app.call("DELETE", f"/api/v2/assets/{asset}/files/{file['uid']}/").status == 204
    assert app.call("DELETE", f"/api/v2/assets/{asset}/files/{file['uid']}/").status == 404
    assert actions(app, asset) == ["add-media", "delete-media"]
    facts = {
        "uid": file["uid"],
        "filename": "places.csv",
        "md5_hash": file["metadata"]["hash"].removeprefix("md5:"),
        "download_url": file["content"],
    }
    assert [more(entry) for entry in entries(app, asset)] == [{"asset-file": facts}] * 2


# Submissions


def submitted(
    app: App, asset: str, instance: str, *, user: str | None = "ann", path: str = "/submission"
) -> Answer:
    xml = app.filled(asset, {"name": "Ana"}, f"uuid:{instance}")
    parts: Any = [("xml_submission_file", ("i.xml", xml, "text/xml"))]
    return app.send_form("POST", path, parts, user=user, headers={"user-agent": COLLECT})


def test_a_submission_is_told_without_a_write_of_its_own(app: App, clock: Clock) -> None:
    asset = app.deploy(FORM)
    clock.forward(60)
    with counting() as calls:
        assert submitted(app, asset, "one").status == 201
    assert calls["dynamodb.TransactWriteItems"] == 1
    assert calls["dynamodb.PutItem"] == calls["dynamodb.UpdateItem"] == 0
    entry = entries(app, asset)[0]
    assert entry["action"] == "add-submission"
    assert entry["username"] == "ann"
    assert entry["user_uid"] == app.get("/me/").json()["extra_details__uid"]
    assert entry["date_created"] == "2026-08-02T08:11:05Z"
    assert entry["metadata"] == {
        "asset_uid": asset,
        "log_subtype": "project",
        "ip_address": "203.0.113.9",
        "source": "ODK Collect v2024.1.3 (Android 14)",
        "project_owner": "ann",
        "submission": {"submitted_by": "ann", "root_uuid": "one"},
    }


def test_whoever_sends_without_a_name_is_anonymous(app: App) -> None:
    asset = app.deploy(FORM)
    grant(asset, "AnonymousUser", "add_submissions")
    assert submitted(app, asset, "one", user=None, path="/ann/submission").status == 201
    entry = entries(app, asset)[0]
    assert (entry["username"], entry["user_uid"]) == ("AnonymousUser", None)
    assert entry["user"] == f"{BASE}/api/v2/users/AnonymousUser/"
    assert entry["metadata"]["submission"]["submitted_by"] == "AnonymousUser"
    assert entry["metadata"]["ip_address"] == "203.0.113.9"


def test_an_edit_is_told_beside_the_submission(app: App) -> None:
    asset = app.deploy(FORM)
    xml = app.filled(asset, {"name": "Ana"}, "uuid:one")
    assert app.submit(xml).status == 201
    edited = xml.replace(
        "<instanceID>uuid:one</instanceID>",
        "<instanceID>uuid:two</instanceID><deprecatedID>uuid:one</deprecatedID>",
    )
    assert app.submit(edited).status == 201
    assert app.submit(edited).status == 202
    assert actions(app, asset) == ["deploy", "add-submission", "modify-submission"]
    facts = {"submission": {"submitted_by": "ann", "root_uuid": "one"}}
    assert [more(entry) for entry in entries(app, asset)[:2]] == [facts, facts]


def remove(asset: str, sid: int) -> None:
    """A deletion as far as activity is concerned."""
    data, found = settings().data_table, submissions.get(asset, sid)
    assert found is not None
    by = history.who(Caller("bob", "u1", address="198.51.100.1"))
    table.transact(
        [table.delete_op(data, keys.submission(asset, sid)), *history.deleted_ops(by, asset, "ann", found)]
    )


def sids(asset: str) -> list[int]:
    return [item["id"] for item in submissions.scan(asset)]


def test_a_deleted_submission_stays_told_as_added_where_it_was(app: App, clock: Clock) -> None:
    asset = app.deploy(FORM)
    for name in ("one", "two", "three"):
        clock.forward(60)
        submitted(app, asset, name)
    clock.forward(60)
    before = entries(app, asset)
    remove(asset, sids(asset)[1])
    after = entries(app, asset)
    assert after[1:] == before
    assert after[0]["action"] == "delete-submission"
    assert after[0]["username"] == "bob"
    assert more(after[0]) == {"submission": {"submitted_by": "ann", "root_uuid": "two"}}


# The list


def status_entry(asset: str, label: str | None, root: str = "one") -> None:
    project: Item = {"by": "ann", "root": root}
    by = history.who(Caller("ann", "u1"))
    table.transact([history.validated_op(by, asset, "ann", project, label)])


def test_pages_are_newest_first_with_a_count_and_show_each_entry_once(app: App, clock: Clock) -> None:
    asset = app.deploy(FORM)
    for number in range(12):
        clock.forward(1)
        submitted(app, asset, f"i{number}")
        clock.forward(1)
        status_entry(asset, "Approved" if number % 2 else None, f"i{number}")
    clock.forward(1)
    remove(asset, sids(asset)[3])
    whole = app.get(f"/api/v2/assets/{asset}/history/").json()
    assert whole["count"] == len(whole["results"]) == 26
    dates = [entry["date_created"] for entry in whole["results"]]
    assert dates == sorted(dates, reverse=True)
    seen, path = [], f"{BASE}/api/v2/assets/{asset}/history/?limit=7"
    while path:
        bare, _, query = path.removeprefix(BASE).partition("?")
        page = app.call("GET", bare, query=query).json()
        seen += page["results"]
        path = page["next"]
    assert seen == whole["results"]
    assert app.get(f"/api/v2/assets/{asset}/history/", start="26").json()["results"] == []
    assert more(whole["results"][1])["submission"]["status"] == "Approved"
    assert more(whole["results"][3])["submission"]["status"] == "None"


def test_a_far_page_does_not_read_the_submissions_before_it(
    app: App, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("formrelay.storage.marks.STRETCH", 10)
    monkeypatch.setattr("formrelay.storage.marks.WORTH", 5)
    asset = app.deploy(FORM)
    for number in range(47):
        clock.forward(30)
        submitted(app, asset, f"i{number}")
        if number % 5 == 0:
            status_entry(asset, "Approved", f"i{number}")
    remove(asset, sids(asset)[20])
    clock.forward(600)
    path = f"/api/v2/assets/{asset}/history/"
    whole = app.get(path).json()
    assert whole["count"] == len(whole["results"]) == 47 + 10 + 1 + 1
    read: list[int] = []
    added = submissions_read(monkeypatch, read)
    for start in (0, 9, 10, 23, 41, 58):
        page = app.get(path, start=str(start), limit="3").json()
        assert page["count"] == 59
        assert page["results"] == whole["results"][start : start + 3]
    assert max(added) <= 25


def submissions_read(monkeypatch: pytest.MonkeyPatch, read: list[int]) -> list[int]:
    """Counts per page of a Query how many submissions came back as entries."""
    query = table.query

    def counted(name: str, condition: str, values: Item, **options: Any) -> Any:
        found = query(name, condition, values, **options)
        if values[":pk"].startswith("D#") and options.get("projection", "").startswith("#sk, #root"):
            read.append(len(found[0]))
        return found

    monkeypatch.setattr(table, "query", counted)
    return read


def test_many_entries_are_counted_by_blocks(app: App, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_blocks, "ROWS", 10)
    asset = app.deploy(FORM)
    path = f"/api/v2/assets/{asset}/history/"
    for number in range(38):
        clock.forward(1)
        status_entry(asset, "Approved", f"i{number}")
        if number % 10 == 0:
            submitted(app, asset, f"i{number}")
    recent = app.get(path).json()
    assert history_blocks.read(asset) == []
    clock.forward(600)
    status_entry(asset, None, "last")
    counted = entries_counted(monkeypatch)
    for start in (0, 7, 20, 43):
        page = app.get(path, start=str(start), limit="2").json()
        assert page["count"] == 1 + 38 + 4 + 1
        assert page["results"] == [entries(app, asset)[0], *recent["results"]][start : start + 2]
    assert [block.rows for block in history_blocks.read(asset)] == [10, 10, 10]
    # The first block begins before the oldest entry that may be told of, so it is counted one by one.
    assert max(counted) <= 10
    assert app.get(path + "actions/").json() == {"actions": ["add-submission", "deploy", "modify-submission"]}


def test_blocks_are_the_same_whoever_makes_them(
    app: App, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_blocks, "ROWS", 5)
    asset = app.deploy(FORM)
    for number in range(19):
        clock.forward(1)
        status_entry(asset, "Approved", f"i{number}")
    clock.forward(600)
    path = f"/api/v2/assets/{asset}/history/"
    with doing("dynamodb.PutItem", lambda: app.get(path), 2):
        first = app.get(path).json()
    assert first["count"] == app.get(path).json()["count"] == 20
    assert [block.rows for block in history_blocks.read(asset)] == [5] * 4


def test_blocks_end_with_the_retention(app: App, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_blocks, "ROWS", 5)
    monkeypatch.setenv("FORMRELAY_HISTORY_RETENTION", "10")
    settings.cache_clear()
    asset = app.deploy(FORM)
    for number in range(20):
        clock.forward(DAY / 2)
        status_entry(asset, "Approved", f"i{number}")
    path = f"/api/v2/assets/{asset}/history/"
    for _ in range(12):
        page = app.get(path).json()
        assert page["count"] == len(page["results"])
        clock.forward(DAY)
    assert page["count"] == 0


def entries_counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many entries each COUNT of the activity reads."""
    counted: list[int] = []
    count = table.count

    def noted(name: str, condition: str, values: Item, **options: Any) -> int:
        found = count(name, condition, values, **options)
        if values[":pk"].startswith("Y#"):
            counted.append(found)
        return found

    monkeypatch.setattr(table, "count", noted)
    return counted


def test_what_is_older_than_the_retention_is_not_told(
    app: App, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORMRELAY_HISTORY_RETENTION", "10")
    settings.cache_clear()
    asset = app.deploy(FORM)
    clock.forward(1)
    submitted(app, asset, "old")
    clock.forward(9 * DAY)
    submitted(app, asset, "new")
    assert actions(app, asset) == ["deploy", "add-submission", "add-submission"]
    stored = table.query_all(settings().data_table, "#pk = :pk", {":pk": keys.history_pk(asset)})
    assert [item["expires"] - item["at"] // 1000 for item in stored] == [10 * DAY]
    clock.forward(2 * DAY)
    answer = app.get(f"/api/v2/assets/{asset}/history/").json()
    assert (answer["count"], len(answer["results"])) == (1, 1)


def test_the_actions_are_told_once_each(app: App) -> None:
    asset = app.deploy(FORM)
    path = f"/api/v2/assets/{asset}/history/actions/"
    assert app.get(path).json() == {"actions": ["deploy"]}
    submitted(app, asset, "one")
    submitted(app, asset, "two")
    patch(app, asset, {"name": "Other"})
    assert sorted(app.get(path).json()["actions"]) == ["add-submission", "deploy", "update-name"]


# Searches


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("action:deploy", ["deploy"]),
        ("action:nothing", []),
        ("action:archive OR action:deploy", ["deploy", "archive"]),
        ("NOT action:add-submission", ["deploy", "archive"]),
        ("action:add-submission", ["add-submission"]),
        ("user__username:ann AND action:archive", ["archive"]),
        ("user__username:bob", []),
        ("metadata__log_subtype:permission", []),
        ('metadata__ip_address:"203.0.113.9" AND action:deploy', ["deploy"]),
        ("metadata__submission__root_uuid:one", ["add-submission"]),
        ('date_created__gte:"2026-08-02T08:20:00"', ["archive", "add-submission"]),
        ('date_created__lt:"2026-08-02T08:20:00Z"', ["deploy"]),
        ('date_created__lte:"2026-08-02T08:10:05Z"', ["deploy"]),
        ('date_created:"2026-08-02T08:10:05Z"', ["deploy"]),
        ('date_created__date:"2026-08-02"', ["deploy", "archive"]),
        ("date_created__date__gte:2026-08-03", ["add-submission"]),
        ("date_created__gte:2027-01-01", []),
        ("((", []),
        ("archive", ["archive"]),
    ],
)
def test_searches_find(app: App, clock: Clock, query: str, found: list[str]) -> None:
    asset = app.deploy(FORM)
    clock.forward(3600)
    patch(app, asset, {"active": False}, "deployment/")
    patch(app, asset, {"active": True}, "deployment/")
    clock.forward(DAY)
    submitted(app, asset, "one")
    answer = app.get(f"/api/v2/assets/{asset}/history/", q=query).json()
    listed = [entry["action"] for entry in reversed(answer["results"])]
    assert [action for action in listed if action != "unarchive"] == found
    assert answer["count"] == len(listed)


@pytest.mark.parametrize(
    ("query", "text"), [("user_uid:x", "Not supported field lookup"), ("ab", "Your query is too short")]
)
def test_searches_that_are_refused(app: App, query: str, text: str) -> None:
    answer = app.get(f"/api/v2/assets/{made(app)}/history/", q=query)
    assert (answer.status, answer.json()) == (400, {"detail": text})


def test_a_search_for_an_action_reads_no_submission(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    asset = app.deploy(FORM)
    submitted(app, asset, "one")
    read = submissions_read(monkeypatch, [])
    assert actions(app, asset, q="action:deploy") == ["deploy"]
    assert read == []


def test_a_search_through_too_much_is_refused(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("formrelay.activity.MOST_SEARCHED", 2)
    asset = app.deploy(FORM)
    for name in ("one", "two"):
        submitted(app, asset, name)
    answer = app.get(f"/api/v2/assets/{asset}/history/", q="user__username:ann")
    assert (answer.status, list(answer.json())) == (400, ["detail"])
    assert actions(app, asset, q="action:deploy") == ["deploy"]


# Who may look


def test_activity_is_for_those_who_manage_the_project(app: App) -> None:
    asset = app.deploy(FORM)
    for name in ("bob", "cleo", "dan"):
        app.add_user(name)
    app.add_user("root", superuser=True)
    grant(asset, "bob", "view_asset", "change_asset", "view_submissions")
    grant(asset, "cleo", "view_asset", "manage_asset")
    for path in (f"/api/v2/assets/{asset}/history/", f"/api/v2/assets/{asset}/history/actions/"):
        statuses = {
            user: app.get(path, user=user).status for user in ("ann", "bob", "cleo", "dan", "root", None)
        }
        assert statuses == {"ann": 200, "bob": 403, "cleo": 200, "dan": 403, "root": 200, None: 401}
        for method in ("POST", "PATCH", "DELETE"):
            assert app.call(method, path).status == 405
    for unknown in ("aXXXXXXXXXXXXXXXXXXXXX", "x"):
        assert app.get(f"/api/v2/assets/{unknown}/history/").status == 404
    assert assets.project(asset) is not None


# What other resources do to a project


def told(app: App, asset: str, action: str) -> list[dict[str, Any]]:
    return [more(entry) for entry in entries(app, asset, q=f"action:{action}")]


def test_deletions_and_validations_over_the_api_are_told_row_by_row(app: App, clock: Clock) -> None:
    asset = app.deploy(FORM)
    for name in ("one", "two", "three"):
        clock.forward(1)
        submitted(app, asset, name)
    clock.forward(1)
    first, second, third = sids(asset)
    data = f"/api/v2/assets/{asset}/data/"
    status = {"validation_status.uid": "validation_status_approved"}
    assert app.send("PATCH", f"{data}{first}/validation_status/", status).status == 200
    clock.forward(1)
    assert app.call("DELETE", f"{data}{first}/validation_status/").status == 204
    clock.forward(1)
    body = {"payload": {"submission_ids": [second, third]}}
    assert app.send("DELETE", f"{data}bulk/", body).status == 200
    facts = {name: {"submitted_by": "ann", "root_uuid": name} for name in ("one", "two", "three")}
    assert told(app, asset, "modify-submission") == [
        {"submission": {**facts["one"], "status": "None"}},
        {"submission": {**facts["one"], "status": "Approved"}},
    ]
    deleted = sorted(entry["submission"]["root_uuid"] for entry in told(app, asset, "delete-submission"))
    assert deleted == ["three", "two"]
    whole = app.get(f"/api/v2/assets/{asset}/history/").json()
    assert whole["count"] == len(whole["results"]) == 1 + 3 + 2 + 2
    assert [entry["submission"] for entry in told(app, asset, "add-submission")] == [
        facts["three"],
        facts["two"],
        facts["one"],
    ]


def test_rights_that_are_given_and_taken_are_told_as_such(app: App) -> None:
    app.add_user("bob")
    asset = app.deploy(FORM)

    def assign(user: str, codename: str) -> Answer:
        base = f"{BASE}/api/v2"
        data = {"user": f"{base}/users/{user}/", "permission": f"{base}/permissions/{codename}/"}
        return app.send("POST", f"/api/v2/assets/{asset}/permission-assignments/", data)

    assert assign("bob", "change_submissions").status == 201
    assert assign("bob", "change_submissions").status == 201
    assert assign("AnonymousUser", "view_asset").status == 201
    (entry,) = entries(app, asset, q="action:modify-user-permissions")
    assert entry["metadata"]["log_subtype"] == "permission"
    given = entry["metadata"]["permissions"]
    assert (given["username"], given["removed"]) == ("bob", [])
    assert set(given["added"]) == {"change_submissions", "view_submissions", "add_submissions", "view_asset"}
    (opened,) = entries(app, asset, q="metadata__log_subtype:permission AND action:share-form-publicly")
    assert more(opened) == {}


def test_exports_are_told(app: App) -> None:
    asset = app.deploy(FORM)
    wanted: dict[str, Any] = {"type": "csv", "lang": "_default", "multiple_select": "both", "group_sep": "/"}
    wanted |= {"hierarchy_in_labels": False, "fields_from_all_versions": True}
    assert app.send("POST", f"/api/v2/assets/{asset}/exports/", wanted).status == 201
    assert told(app, asset, "export") == [{}]
