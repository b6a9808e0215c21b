"""What becomes of exports when processes die, time runs out, or two work at once; and how much memory they need."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import openpyxl
import pytest

from formrelay.exports.files import output
from formrelay.exports.options import checked, options
from formrelay.storage import exports, keys, typed
from tests.support.app import App, Clock
from tests.support.aws import objects
from tests.support.calls import crashing, doing, failing
from tests.support.exports import SETTINGS, planned, record, select
from tests.support.grants import grant
from tests.support.sharing import share

FORM: dict[str, Any] = {
    "survey": [
        {"type": "text", "name": "name", "label": "Name"},
        {"type": "begin_repeat", "name": "member", "label": "Members"},
        {"type": "integer", "name": "age", "label": "Age"},
        {"type": "end_repeat"},
        {"type": "geopoint", "name": "gps", "label": "Where"},
    ]
}
NAMES = [f"n{number}" for number in range(6)]


@pytest.fixture
def asset(app: App, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> str:
    """A project with six submissions, of which two are read at a time, each two a segment of their own."""
    uid = app.deploy(FORM)
    for name in NAMES:
        clock.forward(60)
        app.submit(app.filled(uid, {"name": name, "member": [{"age": "5"}, {"age": "6"}], "gps": "1 2 0 0"}))
    app.deliver()
    app.lambdas.held = []
    monkeypatch.setattr("formrelay.export_tasks.work.PAGE", 2)
    monkeypatch.setattr("formrelay.export_tasks.work.SEGMENT", -1)
    return uid


def ask(app: App, asset: str, **settings: Any) -> dict[str, Any]:
    task: dict[str, Any] = app.send(
        "POST", f"/api/v2/assets/{asset}/exports/", {**SETTINGS, "lang": "_xml", **settings}
    ).json()
    return task


def followed(app: App, task: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = app.get(urlsplit(task["url"]).path).json()
    return found


def result(app: App, task: dict[str, Any]) -> bytes:
    done = followed(app, task)
    assert done["status"] == "complete", done
    answer = app.get(urlsplit(done["result"]).path)
    assert answer.status == 200
    return answer.body


def again(app: App, clock: Clock) -> list[str]:
    """What recovery has done once nobody can be working any more."""
    clock.forward(300)
    app.recover()
    return app.export()


def csv_rows(body: bytes) -> list[tuple[str, str]]:
    lines = body.decode().split("\r\n")[1:-1]
    return [(cells[0].strip('"'), cells[-1].strip('"')) for cells in (line.split(";") for line in lines)]


def is_whole_csv(body: bytes) -> bool:
    return csv_rows(body) == [(name, str(number)) for number, name in enumerate(NAMES, 1)]


def is_whole_xlsx(body: bytes) -> bool:
    book = openpyxl.load_workbook(io.BytesIO(body))
    main = [row[0] for row in book["Households"].iter_rows(min_row=2, values_only=True)]
    members = [row[1:4] for row in book["member"].iter_rows(min_row=2, values_only=True)]
    return main == NAMES and members == [(n + 1, "Households", n // 2 + 1) for n in range(12)]


def is_whole_geojson(body: bytes) -> bool:
    features = json.loads(body)["features"]
    return [feature["properties"]["name"] for feature in features] == NAMES


WHOLE: dict[str, Callable[[bytes], bool]] = {
    "csv": is_whole_csv,
    "xls": is_whole_xlsx,
    "geojson": is_whole_geojson,
}


@pytest.mark.parametrize("kind", WHOLE)
def test_segments_make_one_file(app: App, asset: str, kind: str) -> None:
    task = ask(app, asset, type=kind)
    assert app.export() == ["done"]
    assert WHOLE[kind](result(app, task))
    assert len([key for key in objects(app.settings.bucket) if key.startswith("tmp/")]) == 3


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize(
    ("operation", "number"),
    [
        ("dynamodb.UpdateItem", 1),
        ("dynamodb.UpdateItem", 2),
        ("dynamodb.UpdateItem", 3),
        ("dynamodb.UpdateItem", 5),
        ("s3.PutObject", 1),
        ("s3.PutObject", 2),
        ("s3.PutObject", 4),
        ("s3.GetObject", 2),
        ("dynamodb.Query", 3),
    ],
)
def test_a_process_that_dies_costs_time_only(
    app: App, asset: str, clock: Clock, kind: str, operation: str, number: int
) -> None:
    task = ask(app, asset, type=kind)
    with crashing(operation, number):
        app.export()
    assert followed(app, task)["status"] in ("created", "processing")
    assert again(app, clock) == ["done"]
    assert WHOLE[kind](result(app, task))


@pytest.mark.parametrize("operation", ["s3.PutObject", "dynamodb.Query", "s3.GetObject"])
def test_a_service_that_fails_is_tried_again(app: App, asset: str, clock: Clock, operation: str) -> None:
    task = ask(app, asset)
    with failing(operation, times=1):
        assert app.export() == ["failed"]
    assert again(app, clock) == ["done"]
    assert is_whole_csv(result(app, task))


def test_a_call_that_never_came_is_made_again(app: App, asset: str, clock: Clock) -> None:
    app.lambdas.down.add(app.settings.export_function)
    task = ask(app, asset)
    app.lambdas.down.clear()
    assert app.export() == []
    assert again(app, clock) == ["done"]
    assert is_whole_csv(result(app, task))


@pytest.mark.parametrize("kind", WHOLE)
def test_what_takes_longer_than_one_turn_goes_on_in_the_next(
    app: App, asset: str, clock: Clock, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    task = ask(app, asset, type=kind)
    app.lambdas.seconds = 0.0
    assert app.export() == ["later"]
    app.lambdas.seconds = 100.0  # enough to read, not to put it together
    assert again(app, clock) == ["later"]
    assert followed(app, task)["status"] == "processing"
    app.lambdas.seconds = 900.0
    assert again(app, clock) == ["done"]
    assert WHOLE[kind](result(app, task))


def test_submissions_that_come_meanwhile_are_there_too_and_none_twice(
    app: App, asset: str, clock: Clock
) -> None:
    task = ask(app, asset)
    with crashing("s3.PutObject", 2):
        app.export()
    clock.forward(1)
    app.submit(app.filled(asset, {"name": "late"}))
    assert again(app, clock) == ["done"]
    # In the order of their ids; two of one moment come in any order.
    assert sorted(name for name, _ in csv_rows(result(app, task))) == sorted([*NAMES, "late"])


@pytest.mark.parametrize("kind", WHOLE)
def test_a_form_that_changes_meanwhile_changes_no_column(
    app: App, asset: str, clock: Clock, kind: str
) -> None:
    task = ask(app, asset, type=kind)
    with crashing("s3.PutObject", 2):
        app.export()
    group = [{"type": "begin_repeat", "name": "more", "label": "More"}, {"type": "end_repeat"}]
    changed = {"survey": [{"type": "text", "name": "new", "label": "New"}, *group, *FORM["survey"]]}
    body = {"content": changed, "name": "Renamed"}
    assert app.send("PATCH", f"/api/v2/assets/{asset}/", body).status == 200
    version = app.get(f"/api/v2/assets/{asset}/").json()["version_id"]
    deployment = {"active": True, "version_id": version}
    assert app.send("PATCH", f"/api/v2/assets/{asset}/deployment/", deployment).status == 200
    assert again(app, clock) == ["done"]
    assert WHOLE[kind](result(app, task))


def test_two_calls_for_one_task_do_the_work_once(app: App, asset: str) -> None:
    task = ask(app, asset)
    assert app.lambdas.held is not None
    call = app.lambdas.held[0]
    inner: list[str] = []

    def other() -> None:
        app.lambdas.held = [call]
        inner.extend(app.export())

    with doing("s3.PutObject", other, 2):
        assert app.export() == ["done"]
    assert inner == ["elsewhere"]
    app.lambdas.held = [call]
    assert app.export() == ["nothing to do"]
    assert is_whole_csv(result(app, task))


def test_a_process_that_lost_its_task_changes_nothing_any_more(app: App, asset: str, clock: Clock) -> None:
    task = ask(app, asset)
    taken_over: list[str] = []

    with doing("s3.PutObject", lambda: taken_over.extend(again(app, clock)), 2):
        assert app.export() == ["elsewhere"]
    assert taken_over == ["done"]
    assert is_whole_csv(result(app, task))


def test_a_task_that_is_deleted_while_it_is_worked_on_leaves_no_file(app: App, asset: str) -> None:
    task = ask(app, asset)
    path = urlsplit(task["url"]).path
    with doing("s3.PutObject", lambda: app.call("DELETE", path), 4):
        assert app.export() == ["elsewhere"]
    assert app.get(path).status == 404
    assert [key for key in objects(app.settings.bucket) if key.startswith("exports/")] == []


def test_what_never_moves_is_given_up(app: App, asset: str, clock: Clock) -> None:
    task = ask(app, asset)
    with failing("s3.PutObject"):
        assert app.export() == ["failed"]
        for _ in range(4):
            assert again(app, clock) == ["failed"]
    assert again(app, clock) == ["done"]
    failed = followed(app, task)
    assert failed["status"] == "error"
    assert failed["messages"]["error"] == "The export could not be made. Please try again later."
    assert again(app, clock) == []


def test_a_task_that_moves_is_never_given_up(app: App, asset: str, clock: Clock) -> None:
    task = ask(app, asset)
    with crashing("s3.PutObject", 2):
        app.export()
    with failing("s3.PutObject"):
        for _ in range(4):
            assert again(app, clock) == ["failed"]
    assert again(app, clock) == ["done"]
    assert is_whole_csv(result(app, task))


def test_a_right_that_is_lost_between_turns_ends_the_export(app: App, asset: str, clock: Clock) -> None:
    app.add_user("bob")
    grant(asset, "bob", "view_asset", "view_submissions")
    answer = app.send("POST", f"/api/v2/assets/{asset}/exports/", SETTINGS, user="bob")
    with crashing("s3.PutObject", 2):
        app.export()
    grant(asset, "bob", "view_asset")
    assert again(app, clock) == ["done"]
    item = exports.get(keys.export_task(asset, "bob", answer.json()["uid"]))
    assert item is not None
    assert (item["status"], item["error_type"]) == ("error", "Cannot access data")
    assert not {"lease", "sweep", "sweep_at", "progress"} & item.keys()


def test_rows_that_may_be_seen_between_turns_only_are_not_in_the_file(
    app: App, asset: str, clock: Clock
) -> None:
    app.add_user("bob")
    share(app, asset, "bob", "partial_submissions", view=[{"_id": {"$gt": 0}}])
    answer = app.send("POST", f"/api/v2/assets/{asset}/exports/", SETTINGS, user="bob")
    with crashing("s3.PutObject", 2):
        app.export()
    share(app, asset, "bob", "partial_submissions", view=[{"name": "nobody"}])
    assert again(app, clock) == ["done"]
    item = exports.get(keys.export_task(asset, "bob", answer.json()["uid"]))
    assert item is not None
    task = app.get(f"/api/v2/assets/{asset}/exports/{item['uid']}/", user="bob").json()
    fetched = app.get(task["result"].removeprefix("https://kf.example.org"), user="bob")
    assert fetched.status == 403


def test_answers_too_long_for_a_query_are_an_error_of_the_task(app: App, asset: str) -> None:
    app.submit(app.filled(asset, {"name": "x" * 200_000}))
    task = ask(app, asset, query={"name": {"$regex": "x{1,300}y"}})
    app.export()
    assert followed(app, task)["messages"]["error_type"] == "Invalid query"


def test_old_results_go_with_the_newest_success(app: App, asset: str, clock: Clock) -> None:
    for _ in range(11):
        clock.forward(1)
        ask(app, asset, submission_ids=[1])
        app.export()
    kept = exports.listed(asset, "ann")
    files = [key for key in objects(app.settings.bucket) if key.startswith("exports/")]
    assert len(kept) == len(files) == 10
    assert {task["blob"] for task in kept} == set(files)


def test_progress_of_wide_forms_fits_into_the_item(app: App, asset: str, clock: Clock) -> None:
    task = ask(app, asset, type="xls")
    with crashing("s3.PutObject", 3):
        app.export()
    (item,) = exports.listed(asset, "ann")
    progress = exports.progress(item)
    assert progress is not None
    assert progress["cursor"] == app.records(asset)[3]["_id"]
    assert len(item["progress"]) < 1_000
    assert task["uid"] == item["uid"]
    assert len(json.dumps(typed.marshal_item({k: v for k, v in item.items() if k != "progress"}))) < 4_000


@pytest.mark.parametrize("kind", WHOLE)
def test_more_rows_need_no_more_memory(kind: str) -> None:
    """Counted where Python allocates; segments of 100 kB are thrown away, as in a deployment they go to the bucket."""
    example = select([{"type": "text", "name": f"q{n}"} for n in range(20)], [])
    wanted = options(checked({**SETTINGS, "type": kind, "lang": "_xml"}, [None]))

    def peak(rows: int) -> int:
        file = output(planned(example, type=kind, lang="_xml"), wanted, example.name)
        tracemalloc.start()
        try:
            for number in range(rows):
                file.add(record(1, "v1", **{f"q{n}": f"{n} {number}" for n in range(20)}))
                if file.pending > 100_000:
                    file.cut()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(1_000), peak(6_000)
    assert many < 1.5 * few + 500_000
