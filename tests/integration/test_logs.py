"""``…/hooks/{hook}/logs/``: what a log shows, filters, pages (contract rest-services §3)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from formrelay import ids
from formrelay.settings import settings
from formrelay.storage import keys, table
from tests.support.app import FORM, App
from tests.support.calls import counting
from tests.support.receiver import Answer
from tests.support.world import World

NOT_FOUND = {"detail": "Not found."}
HOOK_URL = "https://93.184.216.34/in"
# 2026-01-14 at so many seconds past midnight UTC, in ms.
MIDNIGHT = 1_768_348_800_000


class Logs:
    """A hook with stored deliveries, whose logs are read through the API."""

    def __init__(self, app: App) -> None:
        self.app = app
        draft = {"name": "Draft", "asset_type": "survey", "content": FORM}
        self.asset = app.send("POST", "/api/v2/assets/", draft).json()["uid"]
        self.hook = app.add_hook(self.asset, HOOK_URL)
        self.path = f"/api/v2/assets/{self.asset}/hooks/{self.hook}/logs/"

    def put(self, sid: int, status: int, modified: int = MIDNIGHT, **fields: Any) -> None:
        item = {
            **keys.delivery(self.hook, sid),
            "asset": self.asset,
            "hook": self.hook,
            "sid": sid,
            "status": status,
            "tries": 1,
            "modified": modified,
            # Where it stands once it has failed for good.
            **({"trouble": keys.trouble(self.hook, "failed")} if status == 0 else {}),
            **fields,
        }
        table.put(settings().data_table, item)

    def get(self, query: str = "") -> dict[str, Any]:
        answer = self.app.call("GET", self.path, query=query)
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ids(self, query: str = "") -> list[int]:
        return [log["submission_id"] for log in self.get(query)["results"]]

    def refusal(self, query: str) -> Any:
        answer = self.app.call("GET", self.path, query=query)
        assert answer.status == 400
        return answer.json()


@pytest.fixture
def logs(app: App) -> Logs:
    return Logs(app)


# What a log shows


def test_a_delivery_shows_its_way_from_pending_to_success(world: World) -> None:
    world.receiver.script.append(Answer(503, b'{"error": "busy"}'))
    sid = world.submit()
    uid = ids.delivery_uid(world.hook, sid)
    url = f"https://kf.example.org{world.hook_path(f'logs/{uid}/')}"

    def shown() -> dict[str, Any]:
        log = dict(world.log(sid))
        assert (log.pop("url"), log.pop("uid"), log.pop("submission_id")) == (url, uid, sid)
        assert log.pop("date_modified").endswith("Z")
        assert log.pop("event") == "submission.created"
        return log

    assert shown() == {
        "tries": 0, "status": 1, "status_str": "pending", "status_code": None, "message": "",
    }  # fmt: skip
    world.run(0)
    assert shown() == {
        "tries": 1, "status": 1, "status_str": "pending", "status_code": 503, "message": '{"error": "busy"}',
    }  # fmt: skip
    world.run(60)
    assert shown() == {
        "tries": 2, "status": 2, "status_str": "success", "status_code": 200, "message": "ok",
    }  # fmt: skip


def test_an_attempt_in_flight_shows_processing(world: World) -> None:
    sid = world.submit()
    world.claim(sid, 1)
    log = world.log(sid)
    assert (log["status"], log["status_str"], log["tries"], log["status_code"]) == (3, "processing", 0, None)
    assert log["message"] == "Submission is being queued for processing"


def test_one_log_is_read_as_it_is_listed(world: World) -> None:
    sid = world.submit()
    world.run(0)
    log = world.log(sid)
    for spelling in (f"logs/{log['uid']}/", f"logs/{log['uid']}", f"logs/{log['uid']}.json"):
        assert world.app.call("GET", world.hook_path(spelling)).json() == log


def test_the_answer_of_the_destination_is_shown_verbatim_when_it_is_json(world: World) -> None:
    body = '{"html": "<b>bold</b>",  "n": 1}'
    world.receiver.answer = Answer(400, body.encode())
    sid = world.submit()
    world.run(0)
    assert world.log(sid)["message"] == body


def test_tags_of_other_answers_are_taken_out(world: World) -> None:
    world.receiver.answer = Answer(400, b"<html><p>Not <b>here</b></p></html>")
    sid = world.submit()
    world.run(0)
    assert world.log(sid)["message"].split() == ["Not", "here"]


def test_a_long_answer_is_cut_and_marked(world: World) -> None:
    world.receiver.answer = Answer(200, "é".encode() * 10_000)
    sid = world.submit()
    world.run(0)
    message = world.log(sid)["message"]
    assert len(message.encode()) <= 4096
    assert message.endswith("[cut]")


@pytest.mark.parametrize(
    "uid", ["hl", "hlZzzeedWxQoFHgibsTCysv", "hl" + "0" * 21, "hl" + "z" * 21, "17", "x" * 300]
)
def test_an_unknown_log_is_404(logs: Logs, uid: str) -> None:
    logs.put(17, 2)
    for method, rest in (("GET", f"{uid}/"), ("PATCH", f"{uid}/retry/")):
        answer = logs.app.call(method, logs.path + rest)
        assert (answer.status, answer.json()) == (404, NOT_FOUND)


def test_a_log_of_another_hook_is_404(logs: Logs) -> None:
    logs.put(17, 2)
    other = logs.app.add_hook(logs.asset, HOOK_URL, name="Other")
    uid = ids.delivery_uid(logs.hook, 17)
    path = f"/api/v2/assets/{logs.asset}/hooks/{other}/logs/{uid}/"
    assert logs.app.call("GET", path).status == 404


@pytest.mark.parametrize(
    ("method", "one"), [("POST", False), ("DELETE", False), ("DELETE", True), ("PATCH", True)]
)
def test_logs_cannot_be_made_changed_or_deleted(logs: Logs, method: str, one: bool) -> None:
    logs.put(17, 2)
    rest = f"{ids.delivery_uid(logs.hook, 17)}/" if one else ""
    answer = logs.app.call(method, logs.path + rest)
    assert (answer.status, answer.json()) == (405, {"detail": f'Method "{method}" not allowed.'})


# Order and pages


def test_logs_are_listed_newest_first(logs: Logs) -> None:
    for sid in (5, 900, 30):
        logs.put(sid, 2)
    assert logs.ids() == [900, 30, 5]


def test_pages_are_linked_both_ways(logs: Logs) -> None:
    for sid in range(1, 6):
        logs.put(sid, 2)
    page = logs.get("limit=2&start=2&status=2")
    assert [log["submission_id"] for log in page["results"]] == [3, 2]
    base = f"https://kf.example.org{logs.path}"
    assert page["count"] == 5
    assert page["next"] == f"{base}?limit=2&start=4&status=2"
    assert page["previous"] == f"{base}?limit=2&status=2"


def test_following_next_shows_each_log_once(logs: Logs) -> None:
    for sid in range(1, 8):
        logs.put(sid, 2)
    seen, query = [], "limit=3"
    while query:
        page = logs.get(query)
        seen += [log["submission_id"] for log in page["results"]]
        query = urlsplit(page["next"]).query if page["next"] else ""
    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_a_start_beyond_the_end_is_an_empty_page(logs: Logs) -> None:
    logs.put(1, 2)
    page = logs.get("start=9")
    assert (page["count"], page["next"], page["results"]) == (1, None, [])


@pytest.mark.parametrize(
    "query", ["start=-1", "start=abc", "start=", "offset=x", "limit=0", "limit=-3", "limit=x"]
)
def test_numbers_that_make_no_sense_count_as_absent(logs: Logs, query: str) -> None:
    for sid in (1, 2):
        logs.put(sid, 2)
    assert logs.ids(query) == [2, 1]


def test_offset_is_another_name_for_start(logs: Logs) -> None:
    for sid in (1, 2, 3):
        logs.put(sid, 2)
    assert logs.ids("offset=2") == [1]


def test_page_numbers_work_and_are_not_in_the_links(logs: Logs) -> None:
    for sid in range(1, 6):
        logs.put(sid, 2)
    page = logs.get("page=2&page_size=2")
    assert [log["submission_id"] for log in page["results"]] == [3, 2]
    assert page["previous"] == f"https://kf.example.org{logs.path}?limit=2"
    assert page["next"] == f"https://kf.example.org{logs.path}?limit=2&start=4"


# Filters


def test_logs_are_filtered_by_status(logs: Logs) -> None:
    for status in (0, 1, 2, 3):
        logs.put(10 + status, status)
    for status in (0, 1, 2, 3):
        assert logs.ids(f"status={status}") == [10 + status]
    assert logs.get("status=0")["count"] == 1
    assert logs.ids("status=") == [13, 12, 11, 10]


@pytest.mark.parametrize("status", ["abc", "4", "-1", "00"])
def test_an_unknown_status_is_refused(logs: Logs, status: str) -> None:
    text = f"Select a valid choice. {status} is not one of the available choices."
    assert logs.refusal(f"status={status}") == {"status": [text]}


def test_logs_of_one_submission_are_looked_up(logs: Logs) -> None:
    for sid in (1, 2, 3):
        logs.put(sid, 2)
    with counting() as calls:
        assert logs.ids("submission_id=2") == [2]
    # The caller, the project, the hook and the delivery.
    assert (calls["dynamodb.GetItem"], calls["dynamodb.Query"]) == (3, 1)
    assert logs.ids(f"submission_id={'0' * 20}2") == [2]
    assert logs.ids("submission_id=2&status=0") == logs.ids("submission_id=4") == []
    assert logs.ids(f"submission_id={'9' * 5_000}") == []
    assert logs.ids("submission_id=") == [3, 2, 1]


def test_logs_of_one_submission_are_those_of_its_events_too(logs: Logs) -> None:
    events = ["submission.created", "submission.edited"]
    assert logs.app.send("PATCH", logs.path.removesuffix("logs/"), {"events": events}).status == 200
    for sid in (1, 2, 3):
        logs.put(sid, 2)
    logs.put(4, 0, event="submission.edited", submission=2)
    page = logs.get("submission_id=2")
    assert [(log["submission_id"], log["event"]) for log in page["results"]] == [
        (2, events[1]),
        (2, events[0]),
    ]
    assert page["count"] == 2
    assert logs.ids("submission_id=4") == []
    # Also of those that the hook has given up since.
    for given in ({"events": events[:1]}, {"name": "Renamed"}):
        assert logs.app.send("PATCH", logs.path.removesuffix("logs/"), given).status == 200
        assert logs.get("submission_id=2") == page


def test_logs_of_one_submission_are_found_by_its_uuid_too(world: World) -> None:
    world.submit()
    sid = world.submit()
    world.run(0)
    path = f"/api/v2/assets/{world.asset}/data/{sid}/"
    root = world.app.get(path).json()["meta/rootUuid"]
    assert world.app.call("DELETE", path).status == 204  # logs stay
    for uuid in (root, root.removeprefix("uuid:")):
        page = world.app.get(world.hook_path("logs/"), submission_id=uuid).json()
        assert [log["submission_id"] for log in page["results"]] == [sid]
    other = "00000000-0000-4000-8000-000000000000"
    assert world.app.get(world.hook_path("logs/"), submission_id=other).json()["count"] == 0


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "1e3", "%C2%B2", "uuid:1"])
def test_what_names_no_submission_is_refused(logs: Logs, text: str) -> None:
    assert logs.refusal(f"submission_id={text}") == {"submission_id": ["Enter an `_id` or a UUID."]}


def test_the_start_date_counts_and_the_end_date_does_not(logs: Logs) -> None:
    for sid, second in ((1, 0), (2, 10), (3, 20)):
        logs.put(sid, 2, MIDNIGHT + second * 1000)
    assert logs.ids("start_date=2026-01-14T00:00:10Z") == [3, 2]
    assert logs.ids("end_date=2026-01-14T00:00:10Z") == [1]
    assert logs.ids("start_date=2026-01-14T00:00:10Z&end_date=2026-01-14T00:00:20Z") == [2]
    assert logs.ids("start_date=&end_date=") == [3, 2, 1]


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-14",
        "2026-01-14 00:00:00",
        "2026-01-14%2000:00:00",
        "2026-01-14T00:00:00",
        "2026-01-14T00:00:00Z",
        "2026-01-14T02:00:00.000000%2B02:00",
        "2026-01-13T22:00:00-02:00",
    ],
)
def test_dates_are_read_in_all_their_forms(logs: Logs, text: str) -> None:
    logs.put(1, 2, MIDNIGHT - 1)
    logs.put(2, 2, MIDNIGHT)
    assert logs.ids(f"start_date={text}") == [2]
    assert logs.ids(f"end_date={text}") == [1]


@pytest.mark.parametrize("name", ["start_date", "end_date"])
@pytest.mark.parametrize(
    "text", ["abc", "2026-13-01", "17", "2026-01-14T06:51:08.144004+02:00", "0", "9" * 400]
)
def test_what_is_no_date_is_refused(logs: Logs, name: str, text: str) -> None:
    assert logs.refusal(f"{name}={text}") == {name: ["Enter a valid date/time."]}


def test_dates_at_the_edge_of_time_are_dates(logs: Logs) -> None:
    logs.put(1, 2)
    assert logs.ids("start_date=0001-01-01T00:00:00%2B14:00&end_date=9999-12-31T23:59:59-14:00") == [1]


def test_dates_that_n8n_sends_as_start_and_end_are_filters(logs: Logs) -> None:
    for sid, second in ((1, 0), (2, 10), (3, 20)):
        logs.put(sid, 2, MIDNIGHT + second * 1000)
    assert logs.ids("start=2026-01-14T00:00:10&end=2026-01-14T00:00:20&status=2") == [2]


def test_n8n_reads_all_pages_although_it_adds_its_parameters_to_every_link(logs: Logs) -> None:
    for sid in range(1, 8):
        logs.put(sid, 2, MIDNIGHT + sid * 1000)
    own = "limit=2&start=2026-01-14T00:00:02&status=2"
    seen, query = [], own
    for _ in range(10):
        page = logs.get(query)
        seen += [log["submission_id"] for log in page["results"]]
        if not page["next"]:
            break
        assert dict(parse_qsl(urlsplit(page["next"]).query))["start"].isdigit()
        query = f"{urlsplit(page['next']).query}&{own}"
    assert seen == [7, 6, 5, 4, 3, 2]
