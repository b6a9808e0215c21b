"""Logs as CSV: made, told of by mail, listed, fetched, one at a time (contract permissions §6, §7)."""

from __future__ import annotations

import csv
import io
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from formrelay import access_logs, log_exports
from formrelay.aws import s3
from formrelay.settings import settings
from formrelay.storage import log_exports as stored
from formrelay.storage.table import TransactionError
from tests.support.app import BASE, FORM, Answer, App, Clock
from tests.support.calls import crashing, doing, failing
from tests.support.grants import grant
from tests.support.reports import letters, set_account

ACCESS = "/api/v2/access-logs/me/export/"


@pytest.fixture(autouse=True)
def _kept(app: App, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_ACCESS_LOG_RETENTION", "60")
    settings.cache_clear()
    access_logs._noted.cache_clear()


def history(asset: str) -> str:
    return f"/api/v2/assets/{asset}/history/export/"


def begin(app: App, path: str, *, user: str = "ann", query: str = "") -> Answer:
    return app.call("POST", path, user=user, query=query)


def rows(app: App, path: str, *, user: str = "ann") -> tuple[list[list[str]], str]:
    """The newest export's rows, and what its file is called."""
    newest = app.get(path, user=user).json()[0]
    answer = app.get(newest["result"].removeprefix(BASE), user=user)
    assert answer.status == 302
    url = urlsplit(answer.headers["location"])
    key = url.path.rpartition("log-exports/")[2]
    data = s3().get_object(Bucket=app.settings.bucket, Key=f"log-exports/{key}")["Body"].read()
    disposition = parse_qs(url.query)["response-content-disposition"][0]
    return list(csv.reader(io.StringIO(data.decode()))), disposition


def test_activity_is_exported_with_its_columns(app: App) -> None:
    asset = app.deploy(FORM)
    assert begin(app, history(asset)).json() == {"status": "created"}
    (header, row), disposition = rows(app, history(asset))
    assert header == [
        "user_url", "user_uid", "username", "action", "date_created", "source", "ip_address", "asset_uid",
        "other_details",
    ]  # fmt: skip
    version = app.get(f"/api/v2/assets/{asset}/").json()["version_id"]
    assert json.loads(row.pop()) == {
        "log_subtype": "project",
        "project_owner": "ann",
        "latest_version_uid": version,
        "latest_deployed_version_uid": version,
    }
    uid = app.get("/me/").json()["extra_details__uid"]
    assert row == [
        f"{BASE}/api/v2/users/ann/", uid, "ann", "deploy", "2026-08-02T08:10:05Z", "No information available",
        "203.0.113.9", asset,
    ]  # fmt: skip
    assert disposition == 'attachment; filename="project_history_logs_export-ann-2026-08-02T08:10:05Z.csv"'


def test_sign_ins_are_exported_with_their_columns(app: App) -> None:
    assert begin(app, ACCESS).status == 202
    (header, row), disposition = rows(app, ACCESS)
    assert header == [
        "user_url", "user_uid", "username", "auth_type", "action", "date_created", "source", "ip_address",
        "initial_superusername", "initial_superuseruid", "authorized_application", "other_details",
    ]  # fmt: skip
    assert row[2:5] == ["ann", "token", "auth"]
    assert row[8:] == ["", "", "", '{"count": 1}']
    assert disposition == 'attachment; filename="access_logs_export-ann-2026-08-02T08:10:05Z.csv"'


def test_what_is_exported_is_what_the_search_finds(app: App, clock: Clock) -> None:
    asset = app.deploy(FORM)
    clock.forward(1)
    for number in range(3):
        app.submit(app.filled(asset, {"name": '=1+1\n"x"'}, f"uuid:{number}"))
    begin(app, history(asset))
    assert [row[3] for row in rows(app, history(asset))[0][1:]] == ["add-submission"] * 3 + ["deploy"]
    clock.forward(1)
    begin(app, history(asset), query="q=action:deploy")
    assert [row[3] for row in rows(app, history(asset))[0][1:]] == ["deploy"]
    assert begin(app, history(asset), query="q=owner:x").status == 400


def test_whoever_asked_is_mailed_the_link_in_their_language(app: App) -> None:
    asset = app.deploy(FORM, name="Foyers <1>")
    set_account("ann", details={"language": "fr"})
    with letters() as sent:
        begin(app, history(asset))
        begin(app, ACCESS)
        app.report()
        app.report()
    told, other = sent
    assert (told.to, told.tags) == ("ann@example.org", {"owner": "ann"})
    assert told.subject == "Export du journal d’activité du projet terminé"
    result = app.get(history(asset)).json()[0]["result"]
    assert result in told.text
    assert f'href="{result}"' in told.html
    assert "Foyers <1>" in told.text
    assert "Foyers &lt;1&gt;" in told.html
    assert other.subject == "Export du journal d’accès terminé"


def test_the_english_mail_has_the_subject_that_people_know(app: App) -> None:
    asset = app.deploy(FORM)
    with letters() as sent:
        begin(app, history(asset))
        app.report()
    assert [letter.subject for letter in sent] == ["Project activity log export complete"]


def test_exports_are_listed_newest_first(app: App, clock: Clock) -> None:
    assert app.get(ACCESS).json() == []
    for _ in range(2):
        begin(app, ACCESS)
        clock.forward(60)
    newest, oldest = app.get(ACCESS).json()
    assert list(newest) == ["uid", "status", "date_created", "result"]
    assert newest["uid"].startswith("ale")
    assert newest["status"] == "complete"
    assert (oldest["date_created"], newest["date_created"]) == (
        "2026-08-02T08:10:05Z",
        "2026-08-02T08:11:05Z",
    )


@pytest.mark.parametrize("kind", ["history", "access"])
def test_one_export_at_a_time(app: App, kind: str) -> None:
    path = history(app.deploy(FORM)) if kind == "history" else ACCESS
    answers: list[Answer] = []
    with doing("s3.PutObject", lambda: answers.append(begin(app, path))):
        answers.append(begin(app, path))
    texts = {
        "history": "Export task for project history logs for this asset already in progress.",
        "access": "Export task for user access logs already in progress.",
    }
    assert [answer.status for answer in answers] == [400, 202]
    assert answers[0].json() == {"error": texts[kind]}
    assert begin(app, path).status == 202


def test_an_export_that_was_broken_off_is_an_error_after_a_minute_and_the_next_can_begin(
    app: App, clock: Clock
) -> None:
    with crashing("s3.PutObject"):
        begin(app, ACCESS)
    assert app.get(ACCESS).json()[0]["status"] == "processing"
    assert begin(app, ACCESS).status == 400
    clock.forward(60)
    (broken,) = app.get(ACCESS).json()
    assert (broken["status"], broken["result"]) == ("error", None)
    assert app.get(f"{ACCESS}{broken['uid']}/").status == 404
    assert begin(app, ACCESS).status == 202


def test_an_export_that_fails_lets_the_next_begin_at_once(app: App) -> None:
    with failing("s3.PutObject"):
        assert begin(app, ACCESS).status == 500
    assert app.get(ACCESS).json()[0]["status"] == "error"
    assert begin(app, ACCESS).status == 202


def test_too_much_is_refused(app: App, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_exports, "MOST_ROWS", 2)
    asset = app.deploy(FORM)
    for number in range(2):
        clock.forward(1)
        app.submit(app.filled(asset, {"name": "Ana"}, f"uuid:{number}"))
    answer = begin(app, history(asset))
    assert (answer.status, list(answer.json())) == (400, ["detail"])
    assert begin(app, history(asset), query="q=action:deploy").status == 202


def test_a_long_file_is_written_in_parts(app: App, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_exports, "_PART", 5 * 1024 * 1024)
    asset = app.deploy(FORM)
    for number in range(80):
        clock.forward(1)
        settings_ = {"description": f"{number}" + "x" * 90_000}
        app.send("PATCH", f"/api/v2/assets/{asset}/", {"settings": settings_})
    assert begin(app, history(asset)).status == 202
    csv.field_size_limit(1_000_000)
    found, _ = rows(app, history(asset))
    assert [row[3] for row in found[1:]] == ["update-settings"] * 80 + ["deploy"]


def test_exports_are_for_those_who_may_see_the_log(app: App) -> None:
    asset = app.deploy(FORM)
    app.add_user("bob")
    grant(asset, "bob", "view_asset", "change_asset")
    begin(app, history(asset))
    begin(app, ACCESS)
    own = app.get(ACCESS).json()[0]["uid"]
    activity = app.get(history(asset)).json()[0]["uid"]
    assert [
        app.get(path, user="bob").status for path in (history(asset), f"{history(asset)}{activity}/")
    ] == [403] * 2
    assert begin(app, history(asset), user="bob").status == 403
    assert app.get(f"{ACCESS}{own}/", user="bob").status == 404
    assert app.get(f"{ACCESS}{activity}/").status == 404
    assert app.get(f"{ACCESS}x/").status == 404


def test_an_export_that_took_too_long_does_not_end_another(app: App, clock: Clock) -> None:
    stored.begin("U#ann", "ale1", "ann", now=round(clock.time * 1000))
    until = round(clock.time * 1000) + stored.LASTS
    clock.forward(61)
    stored.begin("U#ann", "ale2", "ann", now=round(clock.time * 1000))
    with pytest.raises(TransactionError):
        stored.end("U#ann", "ale1", stored.COMPLETE, rows=1, until=until)
    with pytest.raises(stored.BusyError):
        stored.begin("U#ann", "ale3", "ann", now=round(clock.time * 1000))
