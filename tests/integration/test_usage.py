"""Counts by day, and what projects take (contract assets §8)."""

from __future__ import annotations

import secrets
import time
from typing import Any

import pytest

from formrelay.storage import blobs, marks
from tests.integration.test_assets import ASSETS, make
from tests.support.app import FORM, App, Clock
from tests.support.calls import counting
from tests.support.grants import ANONYMOUS, grant
from tests.support.sharing import share

DAY = 86_400


def counts(app: App, uid: str, user: str | None = "ann", **parameters: str) -> tuple[int, Any]:
    answer = app.get(f"{ASSETS}{uid}/counts/", user=user, **parameters)
    return answer.status, answer.json()


@pytest.fixture
def uid(app: App, clock: Clock) -> str:
    """Two submissions forty days ago, one yesterday, three today, each with a file of four bytes."""
    made = app.deploy(FORM, name="Visits")
    for days, number in ((0, 2), (39, 1), (1, 3)):
        clock.forward(days * DAY)
        for i in range(number):
            clock.forward(1)
            xml = app.filled(made, {"name": f"n{i}", "photo": "a.jpg"})
            assert app.submit(xml, {"a.jpg": b"four"}).status == 201
    return made


@pytest.mark.parametrize("marked", [False, True])
def test_submissions_are_counted_by_day(
    app: App, uid: str, clock: Clock, monkeypatch: pytest.MonkeyPatch, marked: bool
) -> None:
    if marked:
        monkeypatch.setattr(marks, "WORTH", 1)
        monkeypatch.setattr(marks, "STRETCH", 2)
        clock.forward(600)
    days = {"2026-09-10": 1, "2026-09-11": 3}
    assert counts(app, uid) == (200, {"daily_submission_counts": days, "total_submission_count": 6})
    assert counts(app, uid, days="1")[1]["daily_submission_counts"] == days
    clock.forward(DAY)
    assert counts(app, uid, days="1")[1]["daily_submission_counts"] == {"2026-09-11": 3}
    if marked:
        assert len(marks.stretches(uid)) == 3


@pytest.mark.parametrize("days", ["x", "0", "32", "-1", "1.5", "", "9" * 20])
def test_days_are_a_number_up_to_31(app: App, uid: str, days: str) -> None:
    status, body = counts(app, uid, days=days)
    assert (status, list(body)) == (400, ["days"])


def test_a_draft_has_no_counts(app: App) -> None:
    assert counts(app, make(app)["uid"]) == (404, {"detail": "Not found."})


def test_who_may_see_some_rows_counts_those(app: App, uid: str) -> None:
    for name in ("bob", "cleo", "dan"):
        app.add_user(name)
    grant(uid, "bob", "view_asset")
    assert counts(app, uid, "bob")[0] == 404
    grant(uid, "dan", "view_asset", "view_submissions")
    assert counts(app, uid, "dan")[1]["total_submission_count"] == 6
    assert share(app, uid, "cleo", "partial_submissions", view=[{"name": "n0"}]).status == 201
    assert counts(app, uid, "cleo") == (
        200,
        {"daily_submission_counts": {"2026-09-10": 1, "2026-09-11": 1}, "total_submission_count": 3},
    )
    grant(uid, ANONYMOUS, "view_asset", "view_submissions")
    assert counts(app, uid, None)[1]["total_submission_count"] == 6


def test_rows_that_take_too_long_to_read_are_not_counted(
    app: App, uid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.add_user("cleo")
    share(app, uid, "cleo", "partial_submissions", view=[{"name": "n0"}])
    for _ in range(8):  # more than one page of the table
        assert app.submit(app.filled(uid, {"name": secrets.token_hex(60_000)})).status == 201
    assert counts(app, uid, "cleo")[1]["total_submission_count"] == 3
    monkeypatch.setattr("formrelay.api.usage.SECONDS", -1.0)
    status, body = counts(app, uid, "cleo")
    assert (status, list(body)) == (400, ["detail"])
    assert counts(app, uid)[1]["total_submission_count"] == 14


@pytest.mark.parametrize("path", ["/api/v2/asset_usage/", "/api/v2/service_usage/"])
def test_what_takes_too_long_to_measure_is_not_measured_to_its_end(
    app: App, uid: str, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("formrelay.api.usage.SECONDS", -1.0)
    with counting() as calls:
        answer = app.get(path)
    assert (answer.status, list(answer.json())) == (503, ["detail"])
    assert calls["s3.ListObjectsV2"] == 0


def test_a_project_of_too_many_files_is_given_up_between_two_pages_of_them(app: App, uid: str) -> None:
    with pytest.raises(TimeoutError):
        blobs.attached_bytes(uid, time.monotonic() - 1)
    with counting() as calls:
        assert blobs.attached_bytes(uid, time.monotonic() + 60) == 24
    assert calls["s3.ListObjectsV2"] == 1


def test_own_projects_are_listed_with_what_they_take(app: App, uid: str) -> None:
    app.add_user("bob")
    grant(app.deploy(FORM, user="bob"), "ann", "view_asset", "view_submissions")
    draft = make(app, name="Draft")["uid"]
    page = app.get("/api/v2/asset_usage/").json()
    assert page["count"] == 2
    row, other = page["results"]
    assert row == {
        "asset": f"https://kf.example.org/api/v2/assets/{uid}/",
        "asset__name": "Visits",
        "nlp_usage_current_period": {"total_nlp_asr_seconds": 0, "total_nlp_mt_characters": 0},
        "nlp_usage_all_time": {"total_nlp_asr_seconds": 0, "total_nlp_mt_characters": 0},
        "storage_bytes": 24,
        "submission_count_current_period": 4,
        "submission_count_all_time": 6,
    }
    assert other["asset"].endswith(f"/{draft}/")
    assert (other["storage_bytes"], other["submission_count_all_time"]) == (0, 0)
    assert app.get("/api/v2/asset_usage/", user=None).status == 401


def test_all_of_it_is_summed_up(app: App, uid: str) -> None:
    app.deploy(FORM)
    found = app.get("/api/v2/service_usage/").json()
    assert found["total_storage_bytes"] == 24
    assert found["total_submission_count"] == {"current_period": 4, "all_time": 6}
    assert (found["current_period_start"], found["current_period_end"]) == (
        "2026-09-01T00:00:00Z",
        "2026-10-01T00:00:00Z",
    )
    assert app.get("/api/v2/service_usage/", user=None).status == 401
