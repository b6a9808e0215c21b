"""Deleting submissions (contract data §5): one, many, who may, and that nothing comes back or is left behind."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from formrelay import aws
from formrelay.storage import marks, submissions, table
from tests.support.app import FORM, Answer, App, Clock
from tests.support.aws import messages, objects, stored
from tests.support.calls import counting, crashing, doing, failing
from tests.support.grants import ANONYMOUS, grant
from tests.support.sharing import share

UUIDS = [f"uuid:00000000-0000-4000-8000-00000000000{number}" for number in range(8)]


@pytest.fixture
def asset(app: App, clock: Clock) -> str:
    return app.deploy(FORM)


def add(
    app: App, clock: Clock, asset: str, number: int, files: dict[str, bytes] | None = None, **answers: str
) -> int:
    """Submission number so and so; its ``_id``, which is the highest one."""
    clock.forward(1)
    answers = {"name": f"n{number}", **answers}
    xml = app.filled(asset, answers, UUIDS[number])
    assert app.submit(xml, files).status == 201
    return max(sids(app, asset))


def sids(app: App, asset: str) -> list[int]:
    return [record["_id"] for record in app.records(asset)]


@pytest.fixture
def three(app: App, clock: Clock, asset: str) -> list[int]:
    made = []
    for number in range(3):
        made.append(add(app, clock, asset, number, age=str(number)))
        clock.forward(1)
    return made


def delete(app: App, asset: str, payload: Any, *, user: str | None = "ann") -> Answer:
    return app.send("DELETE", f"/api/v2/assets/{asset}/data/bulk/", {"payload": payload}, user=user)


# One


def test_one_submission_is_deleted(app: App, asset: str, three: list[int]) -> None:
    path = f"/api/v2/assets/{asset}/data/{three[1]}/"
    answer = app.call("DELETE", path)
    assert (answer.status, answer.body) == (204, b"")
    assert sids(app, asset) == [three[0], three[2]]
    assert app.get(path).status == 404
    assert app.call("DELETE", path).status == 404


@pytest.mark.parametrize("spelling", ["{id}", "{id}/", "/{id}.json", "{uuid}/", "{bare}"])
def test_it_is_named_in_all_the_ways_in_which_it_is_read(
    app: App, asset: str, three: list[int], spelling: str
) -> None:
    name = spelling.format(id=three[0], uuid=UUIDS[0], bare=UUIDS[0].removeprefix("uuid:"))
    assert app.call("DELETE", f"/api/v2/assets/{asset}/data/{name}").status == 204
    assert sids(app, asset) == three[1:]


def test_it_is_not_deleted_from_another_project(app: App, asset: str, three: list[int]) -> None:
    other = app.deploy(FORM)
    assert app.call("DELETE", f"/api/v2/assets/{other}/data/{three[0]}/").status == 404
    assert sids(app, asset) == three


# Many


def test_chosen_ones_are_deleted(app: App, asset: str, three: list[int]) -> None:
    answer = delete(app, asset, {"submission_ids": [three[0], str(three[2]), three[0]]})
    assert (answer.status, answer.json()) == (200, {"detail": "2 submissions have been deleted"})
    assert sids(app, asset) == [three[1]]


def test_those_that_meet_a_query_are_deleted(app: App, asset: str, three: list[int]) -> None:
    answer = delete(app, asset, {"query": {"age": {"$in": ["0", "1"]}}, "confirm": True})
    assert answer.json() == {"detail": "2 submissions have been deleted"}
    assert sids(app, asset) == [three[2]]


def test_all_are_deleted_when_that_is_confirmed(app: App, asset: str, three: list[int]) -> None:
    assert delete(app, asset, {"confirm": True}).json() == {"detail": "3 submissions have been deleted"}
    assert sids(app, asset) == []
    assert delete(app, asset, {"confirm": True}).json() == {"detail": "0 submissions have been deleted"}


@pytest.mark.parametrize("way", ["form", "text", "suffix"])
def test_a_payload_may_be_text(app: App, asset: str, three: list[int], way: str) -> None:
    path, text = f"/api/v2/assets/{asset}/data/bulk", json.dumps({"submission_ids": three[:2]})
    if way == "form":
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = app.call("DELETE", path + "/", body=f"payload={quote(text)}".encode(), headers=headers)
    else:
        answer = app.send("DELETE", path + (".json" if way == "suffix" else "/"), {"payload": text})
    assert answer.json() == {"detail": "2 submissions have been deleted"}
    assert sids(app, asset) == three[2:]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (None, {"payload": ["This field is required."]}),
        ({}, {"payload": ["This field is required."]}),
        ({"payload": None}, {"payload": ["This field is required."]}),
        ({"payload": {}}, {"payload": ["Confirmation is required"]}),
        ({"payload": {"confirm": False}}, {"payload": ["Confirmation is required"]}),
        ({"payload": {"confirm": "no"}}, {"payload": ["Confirmation is required"]}),
        ({"payload": {"query": {}}}, {"payload": ["Confirmation is required"]}),
        (
            {"payload": {"submission_ids": []}},
            {"payload": ["`submission_ids` must contain at least one value"]},
        ),
        ({"payload": {"submission_ids": 17}}, {"payload": ["`submission_ids` must be a list"]}),
        (
            {"payload": {"submission_ids": list(range(10_001))}},
            {"payload": ["`submission_ids` must contain at most 10000 values"]},
        ),
        ({"payload": "{"}, {"payload": ["Unable to parse JSON"]}),
        ({"payload": []}, {"payload": ["Must be a JSON object"]}),
        (
            {"payload": {"submission_ids": [1], "query": {"age": "1"}}},
            {"payload": ["`submission_ids` and `query` cannot be given together"]},
        ),
        ({"payload": {"query": [1]}}, {"payload": ["`query` must be a JSON object"]}),
        ({"payload": {"query": "{"}}, {"payload": ["`query` must be a JSON object"]}),
        ({"payload": {"query": {"age": {"$nor": []}}}}, {"payload": ["Unsupported query"]}),
        ({"payload": {"submission_ids": [1]}}, {"detail": "One or more submission ids are invalid"}),
        ({"payload": {"submission_ids": ["9" * 50]}}, {"detail": "One or more submission ids are invalid"}),
    ],
)
def test_a_call_that_cannot_be_meant_so_is_refused(
    app: App, asset: str, three: list[int], body: Any, error: dict[str, Any]
) -> None:
    answer = app.send("DELETE", f"/api/v2/assets/{asset}/data/bulk/", body)
    assert (answer.status, answer.json()) == (400, error)
    assert sids(app, asset) == three


@pytest.mark.parametrize("value", ["x", 1.5, True, None, [1], "", "٣", "-1", "9" * 5000])
def test_what_is_no_id_is_refused(app: App, asset: str, value: Any) -> None:
    error = {"payload": ["`submission_ids` must only contain integer values"]}
    assert delete(app, asset, {"submission_ids": [value]}).json() == error


def test_one_id_of_another_project_rejects_them_all(
    app: App, asset: str, clock: Clock, three: list[int]
) -> None:
    other = app.deploy(FORM)
    foreign = add(app, clock, other, 5)
    answer = delete(app, asset, {"submission_ids": [three[0], foreign]})
    assert (answer.status, answer.json()) == (400, {"detail": "One or more submission ids are invalid"})
    assert (sids(app, asset), sids(app, other)) == (three, [foreign])


def test_an_answer_too_long_for_the_query_deletes_nothing(
    app: App, asset: str, clock: Clock, three: list[int]
) -> None:
    add(app, clock, asset, 4, age="a" * 2_000_000)
    answer = delete(app, asset, {"query": {"age": {"$regex": "(a|b)*c"}}})
    assert (answer.status, answer.json()) == (400, {"payload": ["Unsupported query"]})
    assert len(sids(app, asset)) == 4
    assert jobs_left(app) == []


def test_six_are_deleted_with_as_many_calls_as_two(app: App, asset: str, clock: Clock) -> None:
    made = [add(app, clock, asset, number) for number in range(8)]
    with counting() as few:
        delete(app, asset, {"submission_ids": made[:2]})
    with counting() as more:
        delete(app, asset, {"submission_ids": made[2:]})
    assert few == more
    assert few["dynamodb.TransactWriteItems"] == 1
    assert sids(app, asset) == []


# Rights


@pytest.mark.parametrize(
    ("rights", "status"),
    [
        ((), 404),
        (("view_asset",), 404),
        (("view_asset", "view_submissions"), 403),
        (("view_asset", "view_submissions", "add_submissions", "change_submissions"), 403),
        (("view_asset", "view_submissions", "delete_submissions"), 200),
    ],
)
def test_deleting_needs_its_own_right(
    app: App, asset: str, three: list[int], rights: tuple[str, ...], status: int
) -> None:
    app.add_user("bob")
    grant(asset, "bob", *rights)
    path = f"/api/v2/assets/{asset}/data/{three[0]}/"
    assert app.call("DELETE", path, user="bob").status == (204 if status == 200 else status)
    answer = delete(app, asset, {"submission_ids": [three[1]]}, user="bob")
    assert answer.status == status
    assert len(sids(app, asset)) == (1 if status == 200 else 3)


def test_anonymous_deletes_nothing(app: App, asset: str, three: list[int]) -> None:
    path = f"/api/v2/assets/{asset}/data/{three[0]}/"
    assert app.call("DELETE", path, user=None).status == 404
    grant(asset, ANONYMOUS, "view_asset", "view_submissions")
    for answer in (
        app.call("DELETE", path, user=None),
        delete(app, asset, {"confirm": True}, user=None),
    ):
        assert answer.status == 401
        assert answer.json() == {"detail": "Authentication credentials were not provided."}
    assert sids(app, asset) == three


@pytest.fixture
def rowed(app: App, clock: Clock, asset: str) -> list[int]:
    """Two submissions of bob, who may delete his own, then one of ann."""
    app.add_user("bob")
    own = [{"_submitted_by": "bob"}]
    assert share(app, asset, "bob", "add_submissions").status == 201
    assert share(app, asset, "bob", "partial_submissions", view=own, delete=own).status == 201
    made = []
    for number, user in enumerate(("bob", "bob", "ann")):
        assert app.submit(app.filled(asset, {"name": user}, UUIDS[number]), user=user).status == 201
        made.append(max(sids(app, asset)))
        clock.forward(1)
    return made


def test_rows_beyond_the_callers_are_refused_one_by_one(app: App, asset: str, rowed: list[int]) -> None:
    path = f"/api/v2/assets/{asset}/data"
    assert app.call("DELETE", f"{path}/{rowed[2]}/", user="bob").status == 403
    assert app.call("DELETE", f"{path}/{rowed[0]}/", user="bob").status == 204
    assert sids(app, asset) == rowed[1:]


def test_a_list_with_a_row_beyond_the_callers_is_refused_whole(
    app: App, asset: str, rowed: list[int]
) -> None:
    answer = delete(app, asset, {"submission_ids": [rowed[0], rowed[2]]}, user="bob")
    assert answer.status == 403
    assert sids(app, asset) == rowed


@pytest.mark.parametrize("payload", [{"confirm": True}, {"query": {"_id": {"$gt": 0}}}])
def test_a_query_touches_the_callers_rows_only(
    app: App, asset: str, rowed: list[int], payload: dict[str, Any]
) -> None:
    answer = delete(app, asset, payload, user="bob")
    assert answer.json() == {"detail": "2 submissions have been deleted"}
    assert sids(app, asset) == rowed[2:]


def test_a_project_without_deployment_has_nothing_to_delete(app: App) -> None:
    made = app.send("POST", "/api/v2/assets/", {"name": "x", "asset_type": "survey", "content": FORM})
    error = {"detail": "The specified asset has not been deployed"}
    answer = delete(app, made.json()["uid"], {"confirm": True})
    assert (answer.status, answer.json()) == (400, error)


# What was deleted stays deleted


def test_the_same_xml_again_is_a_duplicate_and_brings_nothing_back(app: App, asset: str) -> None:
    xml = app.filled(asset, {"name": "n", "photo": "p.jpg"}, UUIDS[0])
    assert app.submit(xml).status == 201
    assert delete(app, asset, {"confirm": True}).status == 200
    for files in ({}, {"p.jpg": b"one"}):
        assert app.submit(xml, files).status == 202
    assert app.submit(xml.replace("<name>n<", "<name>other<")).status == 409
    assert sids(app, asset) == []


def test_an_edit_of_what_was_deleted_is_not_found(app: App, asset: str) -> None:
    app.submit(app.filled(asset, {"name": "n"}, UUIDS[0]))
    delete(app, asset, {"confirm": True})
    xml = app.filled(asset, {"name": "m"}, UUIDS[1])
    edit = xml.replace("</instanceID>", f"</instanceID><deprecatedID>{UUIDS[0]}</deprecatedID>")
    assert app.submit(edit).status == 404


def test_a_part_that_comes_while_it_is_deleted_brings_nothing_back(app: App, asset: str) -> None:
    xml = app.filled(asset, {"name": "n", "photo": "p.jpg"}, UUIDS[0])
    assert app.submit(xml, incomplete=True).status == 201
    with doing("dynamodb.UpdateItem", lambda: delete(app, asset, {"confirm": True})):
        assert app.submit(xml, {"p.jpg": b"one"}).status == 202
    assert sids(app, asset) == []


def test_a_file_that_comes_while_it_is_deleted_goes_as_well(app: App, asset: str, clock: Clock) -> None:
    xml = app.filled(asset, {"name": "n", "photo": "p.jpg"}, UUIDS[0])
    app.submit(xml)
    with doing("dynamodb.TransactWriteItems", lambda: app.submit(xml, {"p.jpg": b"one"})):
        assert delete(app, asset, {"confirm": True}).status == 200
    assert sids(app, asset) == []
    clock.forward(600)
    app.recover()
    assert objects(app.settings.bucket) == []


def test_files_of_a_post_that_lost_against_its_twin_go_with_the_submission(
    app: App, asset: str, clock: Clock
) -> None:
    xml = app.filled(asset, {"name": "n", "photo": "p.jpg"}, UUIDS[0])
    other = app.filled(asset, {"name": "m", "photo": "p.jpg"}, UUIDS[1])
    assert app.submit(other, {"p.jpg": b"two"}).status == 201
    with doing("dynamodb.TransactWriteItems", lambda: app.submit(xml, {"p.jpg": b"one"})):
        assert app.submit(xml, {"p.jpg": b"one"}).status == 202
    assert len(objects(app.settings.bucket)) == 3
    sid = next(row["_id"] for row in app.records(asset) if row["name"] == "n")
    assert app.call("DELETE", f"/api/v2/assets/{asset}/data/{sid}/").status == 204
    clock.forward(120)
    app.recover()
    (left,) = objects(app.settings.bucket)
    assert UUIDS[1].removeprefix("uuid:") in left
    assert jobs_left(app) == []


# What is left


def jobs_left(app: App) -> list[str]:
    """Keys of jobs, parts of selections, and leftovers but for what expires of bodies that records came to name."""
    found = stored(app.settings.data_table)
    keys = [item["pk"]["S"] for item in found if item["pk"]["S"][0] != "X" or "expires" not in item]
    return [pk for pk in keys if pk[:2] in ("J#", "X#", "E#")]


def test_files_bodies_and_history_go_once_nobody_reads_them_any_more(
    app: App, asset: str, clock: Clock
) -> None:
    # What does not compress stands in S3.
    text = "".join(f"{number * 2654435761 % 2**32:08x}" for number in range(60_000))
    sid = add(app, clock, asset, 0, {"p.jpg": b"one", "extra.jpg": b"two"}, photo="p.jpg", age=text)
    xml = app.filled(asset, {"name": "m", "age": text + "x"}, UUIDS[1])
    edit = xml.replace("</instanceID>", f"</instanceID><deprecatedID>{UUIDS[0]}</deprecatedID>")
    assert app.submit(edit).status == 201
    kept = add(app, clock, asset, 2, {"q.jpg": b"three"}, photo="q.jpg")
    assert len(objects(app.settings.bucket)) == 5
    assert app.call("DELETE", f"/api/v2/assets/{asset}/data/{sid}/").status == 204
    app.recover()
    assert len(objects(app.settings.bucket)) == 5
    clock.forward(120)
    app.recover()
    (left,) = objects(app.settings.bucket)
    assert left.startswith("attachments/")
    assert jobs_left(app) == []
    assert sids(app, asset) == [kept]


def test_smaller_pictures_go_with_their_files(app: App, asset: str, clock: Clock) -> None:
    add(app, clock, asset, 0, {"p.jpg": b"no picture"}, photo="p.jpg")
    (file,) = app.records(asset)[0]["_attachments"]
    for size in ("large", "medium", "small"):
        url = file[f"download_{size}_url"].removeprefix("https://kf.example.org")
        assert app.get(url).body == b"no picture"
    assert len(objects(app.settings.bucket)) == 4
    delete(app, asset, {"confirm": True})
    clock.forward(120)
    app.recover()
    assert objects(app.settings.bucket) == []


@pytest.mark.parametrize(
    "call", ["s3.DeleteObjects", "s3.ListObjectsV2", "dynamodb.BatchWriteItem", "dynamodb.DeleteItem"]
)
def test_a_crash_while_they_go_leaves_nothing_either(app: App, asset: str, clock: Clock, call: str) -> None:
    sid = add(app, clock, asset, 0, {"p.jpg": b"one"}, photo="p.jpg")
    xml = app.filled(asset, {"name": "m"}, UUIDS[1])
    app.submit(xml.replace("</instanceID>", f"</instanceID><deprecatedID>{UUIDS[0]}</deprecatedID>"))
    app.call("DELETE", f"/api/v2/assets/{asset}/data/{sid}/")
    clock.forward(120)
    with failing(call, times=1):
        app.recover()
    assert jobs_left(app) != []
    app.recover()
    assert (jobs_left(app), objects(app.settings.bucket)) == ([], [])


def test_an_object_that_s3_refuses_to_remove_is_tried_again(app: App, asset: str, clock: Clock) -> None:
    add(app, clock, asset, 0, {"p.jpg": b"one"}, photo="p.jpg")
    delete(app, asset, {"confirm": True})
    clock.forward(120)
    original = aws.s3().delete_objects
    answers: list[Any] = [{"Errors": [{"Key": "x", "Code": "InternalError"}]}]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            aws.s3(), "delete_objects", lambda **request: answers.pop() if answers else original(**request)
        )
        app.recover()
        assert len(objects(app.settings.bucket)) == 1
        app.recover()
    assert objects(app.settings.bucket) == []


def test_counts_are_right_at_once(app: App, asset: str, clock: Clock, three: list[int]) -> None:
    path = f"/api/v2/assets/{asset}/data/"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(marks, "WORTH", 1)
        patch.setattr(marks, "STRETCH", 2)
        clock.forward(600)
        assert app.get(path).json()["count"] == 3
        recent = add(app, clock, asset, 4)
        delete(app, asset, {"submission_ids": [three[0], three[2], recent]})
        assert app.get(path).json()["count"] == 1
        assert marks.census(asset).count == len(list(submissions.scan(asset)))


def test_a_mark_that_is_made_meanwhile_is_heeded(
    app: App, asset: str, clock: Clock, three: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(marks, "WORTH", 1)
        clock.forward(600)
        with doing("dynamodb.TransactWriteItems", lambda: marks.census(asset)):
            assert app.call("DELETE", f"/api/v2/assets/{asset}/data/{three[1]}/").status == 204
        assert marks.census(asset).count == 2


# Events


def test_hooks_that_chose_so_hear_of_each_deletion_once(app: App, asset: str, three: list[int]) -> None:
    hook = app.add_hook(asset, "http://127.0.0.1:9/", events=["submission.deleted"])
    app.add_hook(asset, "http://127.0.0.1:9/")
    messages(app.settings.first_queue)
    delete(app, asset, {"submission_ids": three[:2]})
    queued = messages(app.settings.first_queue)
    assert [message.body["h"] for message in queued] == [hook, hook]
    logs = app.logs(asset, hook)
    assert sorted(log["submission_id"] for log in logs) == three[:2]
    assert {log["event"] for log in logs} == {"submission.deleted"}
    delete(app, asset, {"confirm": True})
    assert sorted(log["submission_id"] for log in app.logs(asset, hook)) == three


def test_logs_of_what_was_deleted_stay(app: App, asset: str, clock: Clock) -> None:
    hook = app.add_hook(asset, "http://127.0.0.1:9/")
    sid = add(app, clock, asset, 0)
    delete(app, asset, {"confirm": True})
    assert [log["submission_id"] for log in app.logs(asset, hook)] == [sid]


# The background


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("call", ["dynamodb.TransactWriteItems", "dynamodb.UpdateItem", "dynamodb.PutItem"])
def test_a_process_may_die_anywhere_and_the_rest_follows(
    app: App, asset: str, clock: Clock, three: list[int], call: str, number: int
) -> None:
    hook = app.add_hook(asset, "http://127.0.0.1:9/", events=["submission.deleted"])
    began = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("formrelay.changes.deletions.at_once", lambda _asked: 1)
        with crashing(call, number):
            delete(app, asset, {"query": {"age": {"$ne": "1"}}})
            began.append(True)
        started = began or any(pk.startswith("J#") for pk in jobs_left(app))
        for _ in range(4):
            clock.forward(70)
            app.recover()
    assert sids(app, asset) == ([three[1]] if started else three)
    told = sorted(log["submission_id"] for log in app.logs(asset, hook))
    assert told == ([three[0], three[2]] if started else [])
    assert [pk for pk in jobs_left(app) if pk.startswith("J#")] == []


def test_what_takes_too_long_goes_on_in_the_background(
    app: App, asset: str, clock: Clock, three: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("formrelay.api.changing.INLINE", 0.0)
    answer = delete(app, asset, {"submission_ids": three[:2]})
    assert answer.json() == {"detail": "2 submissions have been deleted"}
    assert sids(app, asset) == three
    app.recover()
    assert sids(app, asset) == three[2:]
    assert jobs_left(app) == []


def test_a_job_whose_selection_has_expired_ends(
    app: App, asset: str, clock: Clock, three: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("formrelay.api.changing.INLINE", 0.0)
    delete(app, asset, {"submission_ids": three[:2]})
    chunk = next(item for item in stored(app.settings.data_table) if "sids" in item)
    table.delete(app.settings.data_table, {name: chunk[name]["S"] for name in ("pk", "sk")})
    app.recover()
    assert sids(app, asset) == three
    assert jobs_left(app) == []


def test_what_comes_after_the_call_is_not_deleted(
    app: App, asset: str, clock: Clock, three: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("formrelay.api.changing.INLINE", 0.0)
    delete(app, asset, {"confirm": True})
    clock.forward(5)
    later = add(app, clock, asset, 4)
    app.recover()
    assert sids(app, asset) == [later]
