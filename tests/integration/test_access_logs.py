"""Sign-ins: one write an hour for each kind and address, listed for their user (contract permissions §7)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from formrelay import access_logs
from formrelay.settings import settings
from tests.support.app import BASE, FORM, PASSWORD, App, Clock
from tests.support.calls import counting, crashing, failing

HOUR, DAY = 3_600, 86_400
LOGS = "/api/v2/access-logs/"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture(autouse=True)
def _kept(app: App, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign-ins are kept, by a process that has seen none."""
    monkeypatch.setenv("FORMRELAY_ACCESS_LOG_RETENTION", "60")
    settings.cache_clear()
    forget()


def forget() -> None:
    """Another process."""
    access_logs._noted.cache_clear()


def basic(name: str, password: str = PASSWORD) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def own(app: App, user: str = "ann") -> list[dict[str, Any]]:
    page = app.get(LOGS + "me/", user=user).json()
    assert page["count"] == len(page["results"])
    found: list[dict[str, Any]] = page["results"]
    return found


def kinds(app: App, user: str = "ann") -> list[str]:
    return sorted(entry["metadata"]["auth_type"] for entry in own(app, user))


def test_a_sign_in_tells_when_from_where_and_with_what(app: App) -> None:
    headers = {"authorization": f"Token {app.keys['ann']}", "user-agent": FIREFOX}
    (entry,) = app.call("GET", LOGS + "me/", headers=headers).json()["results"]
    assert entry == {
        "user": f"{BASE}/api/v2/users/ann/",
        "date_created": "2026-08-02T08:10:05Z",
        "username": "ann",
        "metadata": {"source": "Firefox (Windows)", "ip_address": "203.0.113.9", "auth_type": "token"},
        "user_uid": app.get("/me/").json()["extra_details__uid"],
        "count": 1,
        "action": "auth",
    }


def test_sign_ins_are_grouped_by_kind_address_and_hour(app: App, clock: Clock) -> None:
    for _ in range(3):
        app.get("/me/")
        app.call("GET", "/me/", headers=basic("ann"))
    app.get("/me/")
    app.call("GET", "/me/", address="198.51.100.1")
    assert kinds(app) == ["basic", "token", "token"]
    clock.forward(HOUR)
    app.get("/me/")
    assert kinds(app) == ["basic", "token", "token", "token"]
    dates = [entry["date_created"] for entry in own(app)]
    assert dates == sorted(dates, reverse=True)


def test_submissions_are_one_group_an_hour_wherever_they_come_from(app: App) -> None:
    asset = app.deploy(FORM)
    forget()
    for number in range(3):
        app.submit(app.filled(asset, {"name": "Ana"}, f"uuid:{number}"))
    app.call("HEAD", "/submission", address="198.51.100.1")
    (entry,) = [e for e in own(app) if e["metadata"]["auth_type"] == "submission-group"]
    assert entry["metadata"] == {"auth_type": "submission-group"}
    assert entry["action"] == "auth"


def test_a_warm_process_writes_once_an_hour_and_adds_what_it_counted(app: App, clock: Clock) -> None:
    with counting() as first:
        app.get("/me/")
    with counting() as later:
        for _ in range(4):
            app.get("/me/")
    assert (first["dynamodb.UpdateItem"], later["dynamodb.UpdateItem"]) == (2, 0)
    clock.forward(HOUR)
    with counting() as next_hour:
        app.get("/me/")
    assert next_hour["dynamodb.UpdateItem"] == 3
    assert [entry["count"] for entry in own(app)] == [1, 5]


def test_several_processes_count_together(app: App) -> None:
    for _ in range(3):
        forget()
        app.get("/me/")
    assert [entry["count"] for entry in own(app)] == [3]


def test_the_way_of_a_submission_has_no_further_call(app: App) -> None:
    asset = app.deploy(FORM)
    xmls = [app.filled(asset, {"name": "Ana"}, f"uuid:{number}") for number in range(2)]
    app.submit(xmls[0])
    with counting() as made:
        app.submit(xmls[1])
    assert made == {"dynamodb.GetItem": 1, "dynamodb.Query": 1, "dynamodb.TransactWriteItems": 1}


def test_what_cannot_be_noted_fails_nothing_and_is_not_tried_at_every_request(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    with failing("dynamodb.UpdateItem") as _, counting() as made:
        assert app.get("/me/").status == 200
        assert app.get("/me/").status == 200
    assert made["dynamodb.UpdateItem"] == 1
    assert "sign-in not noted" in caplog.text
    with crashing("dynamodb.UpdateItem"):
        forget()
        app.get("/me/")
    assert app.get("/me/").status == 200


def test_nothing_is_kept_where_none_is_to_be(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_ACCESS_LOG_RETENTION", "0")
    settings.cache_clear()
    with counting() as made:
        app.get("/me/")
    assert made["dynamodb.UpdateItem"] == 0
    assert own(app) == []


def test_failed_logins_are_told_to_whom_they_concern(app: App) -> None:
    app.add_user("root", superuser=True)
    app.call("GET", "/me/", headers=basic("ann", "wrong"), address="198.51.100.7")
    app.call("GET", "/me/", headers=basic("nobody", "wrong"))
    app.call("GET", "/me/", headers=basic("x" * 250, "wrong"))
    failed = next(entry for entry in own(app) if entry["action"] == "auth-failed")
    assert failed["metadata"] == {
        "source": "No information available",
        "ip_address": "198.51.100.7",
        "auth_type": "basic",
        "attempted_username": "ann",
    }
    assert failed["username"] == "ann"
    everybodys = app.get(LOGS, user="root").json()["results"]
    unknown = [entry for entry in everybodys if entry["user"] is None]
    assert sorted(entry["metadata"]["attempted_username"][:6] for entry in unknown) == ["nobody", "xxxxxx"]
    assert {entry["username"] for entry in unknown} == {None}


def test_the_last_login_is_the_last_that_was_noted(app: App, clock: Clock) -> None:
    app.add_user("root", superuser=True)
    app.get("/me/")
    clock.forward(DAY)
    app.call("GET", "/me/", headers=basic("ann", "wrong"))
    row = app.get("/api/v2/users/", user="root", q="ann").json()["results"][0]
    assert row["last_login"] == "2026-08-02T08:10:05Z"
    assert app.get("/me/").json()["last_login"] == "2026-08-03T08:10:05.000000Z"


def test_pages_show_each_entry_once(app: App, clock: Clock) -> None:
    for number in range(7):
        app.call("GET", "/me/", address=f"198.51.100.{number}")
        clock.forward(HOUR // 2)
    whole = own(app)
    assert len(whole) == 8
    seen: list[Any] = []
    for start in range(0, 8, 3):
        page = app.get(LOGS + "me/", limit="3", start=str(start)).json()
        assert page["count"] == 8
        seen += page["results"]
    assert seen == whole


def test_own_entries_are_searched_and_counted(app: App, clock: Clock) -> None:
    for hour in range(3):
        app.get("/me/")
        app.call("GET", "/me/", headers=basic("ann"), address=f"203.0.113.{hour}")
        clock.forward(HOUR)
    # The first of these is one more sign-in.
    for query, count in (
        ("metadata__auth_type:basic", 3),
        ("action:auth AND metadata__ip_address:203.0.113.1", 1),
        ("action:auth-failed", 0),
        ("user__username:ann AND NOT metadata__auth_type:basic", 4),
        ('date_created__gte:"2026-08-02T09:10:05Z"', 5),
        ("203.0.113.2", 1),
        ("((", 0),
    ):
        page = app.get(LOGS + "me/", q=query).json()
        assert (query, page["count"], len(page["results"])) == (query, count, count)
        second = app.get(LOGS + "me/", q=query, start="1", limit="1").json()["results"]
        assert second == page["results"][1:2]
    refused = app.get(LOGS + "me/", q="password:x")
    assert (refused.status, refused.json()) == (400, {"detail": "Not supported field lookup"})


def test_a_search_in_more_entries_than_can_be_read_is_refused(
    app: App, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("formrelay.api.access_logs.MOST_SEARCHED", 2)
    for _ in range(2):
        assert app.get(LOGS + "me/", q="action:auth").status == 200
        clock.forward(HOUR)
    assert app.get(LOGS + "me/", q="action:auth").status == 400
    assert app.get(LOGS + "me/").json()["count"] == 3


def test_entries_end_with_the_retention(app: App, clock: Clock) -> None:
    app.get("/me/")
    clock.forward(61 * DAY)
    assert [entry["date_created"] for entry in own(app)] == ["2026-10-02T08:10:05Z"]


def test_everybodys_are_for_superusers_newest_first_without_a_count(app: App, clock: Clock) -> None:
    app.add_user("root", superuser=True)
    app.add_user("bob")
    for user in ("ann", "bob", "ann", "bob", "root"):
        app.get("/me/", user=user)
        app.call("GET", "/me/", headers=basic("ann", "wrong"))
        clock.forward(HOUR)
    assert {caller: app.get(LOGS, user=caller).status for caller in ("ann", None)} == {"ann": 403, None: 401}
    page = app.get(LOGS, user="root").json()
    assert list(page) == ["next", "previous", "results"]
    # The refused request of ann's and this one are in it, too.
    assert len(page["results"]) == 5 + 5 + 2
    dates = [entry["date_created"] for entry in page["results"]]
    assert dates == sorted(dates, reverse=True)
    first = app.get(LOGS, user="root", limit="4").json()
    assert (first["next"], first["previous"]) == (f"{BASE}{LOGS}?limit=4&start=4", None)
    last = app.get(LOGS, user="root", limit="4", start="8").json()
    assert (last["next"], len(last["results"])) == (None, 4)
    assert app.get(LOGS + "me/", user=None).status == 401
