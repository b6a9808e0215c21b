"""Exports on demand: tasks, their statuses, their files, who gets them (contract exports §1)."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import quote, urlsplit

import openpyxl
import pytest

from formrelay.storage import submissions
from tests.support.app import BASE, App, Clock
from tests.support.aws import objects
from tests.support.calls import counting, doing
from tests.support.exports import SETTINGS
from tests.support.grants import ANONYMOUS, grant
from tests.support.sharing import share

FORM: dict[str, Any] = {
    "survey": [
        {"type": "text", "name": "name", "label": "Name"},
        {"type": "begin_repeat", "name": "member", "label": "Members"},
        {"type": "integer", "name": "age", "label": "Age"},
        {"type": "end_repeat"},
    ]
}


@pytest.fixture
def asset(app: App, clock: Clock) -> str:
    """A project with three submissions."""
    uid = app.deploy(FORM)
    for name in ("Ana", "Bo", "Cy"):
        clock.forward(60)
        app.submit(app.filled(uid, {"name": name, "member": [{"age": "5"}]}))
    return uid


def path(asset: str, rest: str = "") -> str:
    return f"/api/v2/assets/{asset}/exports/{rest}"


def ask(app: App, asset: str, *, user: str | None = "ann", **settings: Any) -> Any:
    made = app.send("POST", path(asset), {**SETTINGS, **settings}, user=user)
    assert made.status == 201, made.text
    return made.json()


def followed(app: App, task: Any, *, user: str | None = "ann") -> Any:
    return app.get(urlsplit(task["url"]).path, user=user).json()


def fetch(app: App, task: Any, *, user: str | None = "ann") -> Any:
    return app.get(urlsplit(task["result"]).path, user=user)


def names(text: str) -> list[str]:
    return [line.split(";")[0].strip('"') for line in text.split("\r\n")[1:-1]]


def test_a_task_is_made_then_done(app: App, asset: str) -> None:
    app.lambdas.held = []
    made = app.send("POST", path(asset), {**SETTINGS, "source": "x"})
    assert made.status == 201
    task = made.json()
    uid = task["uid"]
    assert task == {
        "url": f"{BASE}{path(asset)}{uid}/",
        "status": "created",
        "messages": {},
        "uid": uid,
        "date_created": task["date_created"],
        "last_submission_time": None,
        "result": None,
        "data": {"source": f"{BASE}/api/v2/assets/{asset}/", "name": None, **SETTINGS},
    }
    assert made.headers["location"] == task["url"]
    assert app.export() == ["done"]
    done = followed(app, task)
    assert done["status"] == "complete"
    assert done["last_submission_time"] == "2026-08-02T08:13:05Z"
    assert done["data"]["processing_time_seconds"] >= 0
    assert done["result"] == (
        f"{BASE}/private-media/ann/exports/{asset}/Households_-_all_versions_-_labels_-_2026-08-02-08-13-05.csv"
    )
    assert app.get(path(asset)).json()["results"] == [done]
    file = fetch(app, done)
    assert (file.status, file.headers["content-type"]) == (200, "text/csv")
    assert names(file.text) == ["Ana", "Bo", "Cy"]


def test_workbooks_have_a_sheet_per_repeat(app: App, asset: str) -> None:
    done = followed(app, ask(app, asset, type="xls", lang="_xml"))
    assert "_-_False_-_" in done["result"]
    assert done["result"].endswith(".xlsx")
    book = openpyxl.load_workbook(io.BytesIO(fetch(app, done).body))
    assert book.sheetnames == ["Households", "member"]
    assert [row[:2] for row in book["member"].iter_rows(values_only=True)] == [
        ("age", "_index"),
        ("5", 1),
        ("5", 2),
        ("5", 3),
    ]


def test_geojson(app: App, asset: str) -> None:
    done = followed(app, ask(app, asset, type="geojson"))
    answer = fetch(app, done)
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.json() == {"type": "FeatureCollection", "name": "Households", "features": []}


def test_settings_may_come_as_a_form(app: App, asset: str) -> None:
    body = (
        b"type=csv&lang=_xml&fields_from_all_versions=true&group_sep=/&hierarchy_in_labels=False&multiple_select=both"
        b"&fields=[%22name%22]"
    )
    made = app.call(
        "POST", path(asset), body=body, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert made.status == 201
    data = made.json()["data"]
    assert (data["hierarchy_in_labels"], data["fields"][0]) == (False, "name")
    assert (
        fetch(app, followed(app, made.json())).text.split("\r\n")[0]
        == '"name";"_uuid";"meta/rootUuid";"_index"'
    )


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"lang": "Klingon"}, {"lang": ["For this asset must be either '_default' or '_xml'"]}),
        ({"type": "kml"}, {"type": ["Must be either 'csv', 'geojson' or 'xls'"]}),
        ({"fields": {}}, {"fields": ["Must be an array"]}),
    ],
)
def test_bad_settings_are_refused(app: App, asset: str, changes: Any, error: Any) -> None:
    answer = app.send("POST", path(asset), {**SETTINGS, **changes})
    assert (answer.status, answer.json()) == (400, error)


def test_a_project_must_be_deployed(app: App) -> None:
    uid = app.send("POST", "/api/v2/assets/", {"name": "x", "asset_type": "survey"}).json()["uid"]
    answer = app.send("POST", path(uid), SETTINGS)
    assert (answer.status, answer.json()) == (400, {"source": ["The asset must be deployed."]})


def test_the_same_export_twice_is_one_while_it_is_under_way(app: App, asset: str) -> None:
    app.lambdas.held = []
    task = ask(app, asset)
    again = app.send("POST", path(asset), SETTINGS)
    assert (again.status, again.json()["uid"]) == (200, task["uid"])
    assert ask(app, asset, lang="_xml")["uid"] != task["uid"]
    app.export()
    assert ask(app, asset)["uid"] != task["uid"]


def test_two_who_ask_for_the_same_at_once_get_one(app: App, asset: str) -> None:
    app.lambdas.held = []
    answers: list[Any] = []
    with doing(
        "dynamodb.TransactWriteItems", lambda: answers.append(app.send("POST", path(asset), SETTINGS))
    ):
        answers.append(app.send("POST", path(asset), SETTINGS))
    assert [answer.status for answer in answers] == [201, 200]
    assert answers[0].json()["uid"] == answers[1].json()["uid"]
    assert len(app.lambdas.held) == app.get(path(asset)).json()["count"] == 1


def test_an_export_that_is_gone_does_not_stand_for_the_next(app: App, asset: str) -> None:
    app.lambdas.held = []
    task = ask(app, asset)
    assert app.send("DELETE", path(asset, task["uid"])).status == 204
    assert ask(app, asset)["uid"] != task["uid"]


def test_many_at_once_are_refused_for_a_while(app: App, asset: str) -> None:
    app.lambdas.held = []
    for number in range(10):
        ask(app, asset, name=str(number))
    answer = app.send("POST", path(asset), SETTINGS)
    assert answer.status == 503
    assert answer.headers["retry-after"] == "30"


def test_ids_and_queries_choose(app: App, asset: str) -> None:
    ids = [row["_id"] for row in app.records(asset)]
    chosen = followed(app, ask(app, asset, submission_ids=[ids[2], ids[0], 5]))
    assert names(fetch(app, chosen).text) == ["Ana", "Cy"]
    queried = followed(app, ask(app, asset, query={"name": "Bo"}))
    assert names(fetch(app, queried).text) == ["Bo"]


def test_ten_finished_ones_are_kept(app: App, asset: str, clock: Clock) -> None:
    tasks = []
    for _ in range(12):
        clock.forward(1)
        tasks.append(ask(app, asset))
    kept = app.get(path(asset)).json()
    assert [row["uid"] for row in kept["results"]] == [task["uid"] for task in tasks[:1:-1]]
    stored = [key for key in objects(app.settings.bucket) if key.startswith("exports/")]
    assert len(stored) == 10


def test_deleting_removes_task_and_file(app: App, asset: str) -> None:
    task = ask(app, asset)
    done = followed(app, task)
    assert app.send("DELETE", path(asset, task["uid"])).status == 204
    assert app.get(path(asset, task["uid"])).status == 404
    assert fetch(app, done).status == 404
    assert objects(app.settings.bucket) == []
    assert app.send("DELETE", path(asset, task["uid"])).status == 404


def test_a_file_that_is_deleted_while_it_is_fetched_is_not_found(app: App, asset: str) -> None:
    task = ask(app, asset)
    done = followed(app, task)
    with doing("s3.GetObject", lambda: app.send("DELETE", path(asset, task["uid"]))):
        assert fetch(app, done).status == 404


def test_tasks_cannot_be_changed(app: App, asset: str) -> None:
    task = ask(app, asset)
    for method in ("PUT", "PATCH"):
        assert app.send(method, path(asset, task["uid"]), {}).status == 405


def test_newest_first_or_last(app: App, asset: str, clock: Clock) -> None:
    first = ask(app, asset)["uid"]
    clock.forward(5)
    second = ask(app, asset)["uid"]

    def listed(**query: str) -> list[str]:
        return [row["uid"] for row in app.get(path(asset), **query).json()["results"]]

    assert listed(q=f"source:{asset}") == listed(ordering="-date_created") == [second, first]
    assert listed(ordering="date_created") == [first, second]
    assert app.get(path(asset), limit="1").json()["count"] == 2


# Who


def test_tasks_are_searched(app: App, asset: str, clock: Clock) -> None:
    made = {}
    for kind in ("csv", "xls"):
        made[kind] = ask(app, asset, type=kind, name=f"For {kind}")["uid"]
        clock.forward(1)

    def found(query: str) -> set[str]:
        page = app.get(path(asset), q=query).json()
        assert page["count"] == len(page["results"])
        return {task["uid"] for task in page["results"]}

    both = set(made.values())
    assert found("data__type:csv") == found(made["csv"]) == {made["csv"]}
    assert found("status:complete AND NOT data__name:'For csv'") == {made["xls"]}
    assert found(f"source:{asset}") == found("date_created__gte:2026-01-01") == both
    assert found("status:error") == set()
    refused = app.get(path(asset), q="owner:ann")
    assert (refused.status, refused.json()) == (400, {"detail": "Not supported field lookup"})


def test_tasks_and_files_are_ones_own(app: App, asset: str) -> None:
    app.add_user("bob")
    grant(asset, "bob", "view_asset", "view_submissions")
    task = ask(app, asset)
    done = followed(app, task)
    assert app.get(path(asset), user="bob").json()["count"] == 0
    assert app.get(path(asset, task["uid"]), user="bob").status == 404
    assert fetch(app, done, user="bob").status == 403
    stranger = fetch(app, done, user=None)
    assert stranger.status == 401
    assert stranger.headers["www-authenticate"].startswith("Basic")


def test_what_is_no_uid_is_not_looked_up(app: App, asset: str) -> None:
    with counting() as calls:
        assert app.get(path(asset, quote("\U0001f600" * 255))).status == 404
    assert calls["dynamodb.GetItem"] == 1  # the key; behind a long name it would be longer than a key can be


def test_who_may_see_no_data_gets_nothing(app: App, asset: str) -> None:
    app.add_user("bob")
    for codenames in ((), ("view_asset",)):
        if codenames:
            grant(asset, "bob", *codenames)
        assert app.send("POST", path(asset), SETTINGS, user="bob").status == 404
        assert app.get(path(asset), user="bob").status == 404
    assert app.send("POST", path(asset), SETTINGS, user=None).status == 404


def test_a_right_that_was_taken_back_is_gone_for_the_file_too(app: App, asset: str) -> None:
    app.add_user("bob")
    grant(asset, "bob", "view_asset", "view_submissions")
    done = followed(app, ask(app, asset, user="bob"), user="bob")
    assert fetch(app, done, user="bob").status == 200
    grant(asset, "bob", "view_asset")
    assert fetch(app, done, user="bob").status == 403


def test_a_file_of_all_rows_is_not_for_who_may_see_only_some_by_now(app: App, asset: str) -> None:
    app.add_user("bob")
    grant(asset, "bob", "view_asset", "view_submissions")
    whole = followed(app, ask(app, asset, user="bob"), user="bob")
    assert names(fetch(app, whole, user="bob").text) == ["Ana", "Bo", "Cy"]
    share(app, asset, "bob", "partial_submissions", view=[{"name": "Bo"}])
    assert fetch(app, whole, user="bob").status == 403
    some = followed(app, ask(app, asset, user="bob"), user="bob")
    assert names(fetch(app, some, user="bob").text) == ["Bo"]
    share(app, asset, "bob", "partial_submissions", view=[{"name": "Ana"}])
    assert fetch(app, some, user="bob").status == 403
    share(app, asset, "bob", "view_submissions")
    assert fetch(app, some, user="bob").status == fetch(app, whole, user="bob").status == 200


def test_what_anybody_exported_is_not_for_who_may_see_only_some(app: App, asset: str) -> None:
    app.add_user("bob")
    share(app, asset, "bob", "partial_submissions", view=[{"name": "Bo"}])
    grant(asset, ANONYMOUS, "view_asset", "view_submissions")
    done = followed(app, ask(app, asset, user=None), user=None)
    assert fetch(app, done, user="bob").status == 200
    grant(asset, ANONYMOUS, "view_asset")
    assert fetch(app, done, user="bob").status == 403
    assert names(fetch(app, done).text) == ["Ana", "Bo", "Cy"]


def test_public_data_can_be_exported_by_anybody_one_at_a_time(app: App, asset: str) -> None:
    grant(asset, ANONYMOUS, "view_asset", "view_submissions")
    app.lambdas.held = []
    task = ask(app, asset, user=None)
    busy = app.send("POST", path(asset), SETTINGS, user=None)
    assert busy.status == 503
    assert busy.json() == {"error": "Another export is already in progress. Please retry in 30 seconds"}
    app.export()
    done = followed(app, task, user=None)
    assert "/private-media/AnonymousUser/" in done["result"]
    assert names(fetch(app, done, user=None).text) == ["Ana", "Bo", "Cy"]
    grant(asset, ANONYMOUS, "view_asset")
    assert fetch(app, done, user=None).status == 401


def test_row_level_rights_choose_the_rows(app: App, asset: str) -> None:
    app.add_user("bob")
    partial = [{"url": "/api/v2/permissions/view_submissions/", "filters": [{"name": "Bo"}]}]
    given = app.send(
        "POST",
        f"/api/v2/assets/{asset}/permission-assignments/",
        {
            "user": "/api/v2/users/bob/",
            "permission": "/api/v2/permissions/partial_submissions/",
            "partial_permissions": partial,
        },
    )
    assert given.status == 201, given.text
    done = followed(app, ask(app, asset, user="bob"), user="bob")
    assert names(fetch(app, done, user="bob").text) == ["Bo"]


def test_a_right_lost_before_the_work_is_an_error_of_the_task(app: App, asset: str) -> None:
    app.add_user("bob")
    grant(asset, "bob", "view_asset", "view_submissions")
    app.lambdas.held = []
    task = ask(app, asset, user="bob")
    grant(asset, "bob", "view_asset")
    app.export()
    grant(asset, "bob", "view_asset", "view_submissions")
    failed = followed(app, task, user="bob")
    assert (failed["status"], failed["result"]) == ("error", None)
    assert failed["messages"] == {
        "error_type": "Cannot access data",
        "error": "This data does not exist or you do not have access to it",
    }


def test_files_that_no_answer_holds_are_a_redirect(
    app: App, asset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = followed(app, ask(app, asset))
    monkeypatch.setattr("formrelay.api.export_files.MAX_BODY", 10)
    answer = fetch(app, done)
    assert answer.status == 302
    location = urlsplit(answer.headers["location"])
    assert "/exports/" in location.path
    assert "response-content-type=text%2Fcsv" in location.query


def test_a_page_in_a_browser_is_told_where_a_large_file_is(
    app: App, asset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = followed(app, ask(app, asset))
    place = urlsplit(done["result"]).path
    assert app.get(place, redirect="false").headers["content-type"].startswith("text/csv")
    monkeypatch.setattr("formrelay.api.export_files.MAX_BODY", 10)
    told = app.get(place, redirect="false")
    assert (told.status, told.json().keys()) == (200, {"url"})
    assert "/exports/" in urlsplit(told.json()["url"]).path


def test_all_submissions_are_read_however_many(app: App, asset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("formrelay.export_tasks.work.PAGE", 2)
    assert submissions.count(asset) == 3
    assert names(fetch(app, followed(app, ask(app, asset))).text) == ["Ana", "Bo", "Cy"]


def test_the_activity_of_the_project_tells_of_exports(app: App, asset: str) -> None:
    ask(app, asset)
    entries = app.get(f"/api/v2/assets/{asset}/history/").json()["results"]
    assert [entry["username"] for entry in entries if entry["action"] == "export"] == ["ann"]
