"""Saved settings of exports, and their files by URL (contract exports §2)."""

from __future__ import annotations

import gzip
import io
from typing import Any
from urllib.parse import parse_qs, urlsplit

import openpyxl
import pytest

from formrelay.storage import exports, keys
from tests.support.app import BASE, App, Clock
from tests.support.calls import doing
from tests.support.exports import SETTINGS
from tests.support.grants import ANONYMOUS, grant
from tests.support.sharing import share

FORM: dict[str, Any] = {"survey": [{"type": "text", "name": "name", "label": "Name"}]}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
REQUIRED = "'fields_from_all_versions', 'group_sep', 'hierarchy_in_labels', 'lang', 'multiple_select', 'type'"


@pytest.fixture
def asset(app: App, clock: Clock) -> str:
    """A project with one submission, of Ana."""
    uid = app.deploy(FORM)
    submit(app, uid, "Ana")
    return uid


def submit(app: App, asset: str, name: str) -> None:
    assert app.submit(app.filled(asset, {"name": name})).status == 201


def path(asset: str, rest: str = "") -> str:
    return f"/api/v2/assets/{asset}/export-settings/{rest}"


def save(app: App, asset: str, name: str = "Power BI", **settings: Any) -> str:
    """Saves settings; their uid."""
    made = app.send("POST", path(asset), {"name": name, "export_settings": {**SETTINGS, **settings}})
    assert made.status == 201, made.text
    uid: str = made.json()["uid"]
    return uid


def names(app: App, asset: str, setting: str, *, user: str | None = "ann") -> list[str]:
    """Of the submissions in the file; those of one moment stand in no order."""
    answer = app.get(path(asset, f"{setting}/data.csv"), user=user)
    assert answer.status == 200, answer.text
    return sorted(line.split(";")[0].strip('"') for line in answer.text.split("\r\n")[1:-1])


# The settings


def test_settings_are_saved_changed_and_deleted(app: App, asset: str, clock: Clock) -> None:
    made = app.send("POST", path(asset), {"name": "Power BI", "export_settings": SETTINGS})
    assert made.status == 201
    item = made.json()
    url = f"{BASE}{path(asset)}{item['uid']}/"
    assert item == {
        "uid": item["uid"],
        "url": url,
        "data_url_csv": f"{url}data.csv",
        "data_url_xlsx": f"{url}data.xlsx",
        "name": "Power BI",
        "date_modified": "2026-08-02T08:10:05.000000Z",
        "export_settings": SETTINGS,
    }
    clock.forward(5)
    changed = app.send(
        "PATCH", path(asset, item["uid"]), {"export_settings": {**SETTINGS, "lang": "_xml", "type": "xls"}}
    )
    assert changed.status == 200
    assert changed.json()["export_settings"]["lang"] == "_xml"
    assert changed.json()["date_modified"] == "2026-08-02T08:10:10.000000Z"
    assert app.get(path(asset, item["uid"])).json() == changed.json()
    assert app.get(f"/api/v2/assets/{asset}/").json()["export_settings"] == [changed.json()]
    assert app.send("DELETE", path(asset, item["uid"])).status == 204
    assert app.get(path(asset, item["uid"])).status == 404
    assert app.get(path(asset)).json()["count"] == 0
    assert save(app, asset) != item["uid"]


def test_last_modified_first(app: App, asset: str, clock: Clock) -> None:
    saved = []
    for name in ("a", "b", "c"):
        clock.forward(1)
        saved.append(save(app, asset, name))
    clock.forward(1)
    assert app.send("PATCH", path(asset, saved[0]), {"name": "d"}).status == 200
    assert [row["name"] for row in app.get(path(asset)).json()["results"]] == ["d", "c", "b"]
    assert app.get(path(asset), limit="1", start="1").json()["results"][0]["name"] == "c"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"name": "x"}, {"export_settings": ["This field is required."]}),
        ({"export_settings": SETTINGS}, {"name": ["This field is required."]}),
        ({"name": None, "export_settings": SETTINGS}, {"name": ["This field may not be null."]}),
        ({"name": "x", "export_settings": []}, {"export_settings": ["Must be a JSON object"]}),
        (
            {"name": "x", "export_settings": {}},
            {
                "export_settings": [
                    f"`export_settings` must contain all the following required keys: {REQUIRED}"
                ]
            },
        ),
        (
            {"name": "x", "export_settings": {**SETTINGS, "lang": "?"}},
            {"export_settings": ["`lang` for this asset must be either '_default' or '_xml'"]},
        ),
    ],
)
def test_what_cannot_be_saved_is_refused(app: App, asset: str, body: Any, error: Any) -> None:
    answer = app.send("POST", path(asset), body)
    assert (answer.status, answer.json()) == (400, error)


def test_two_of_one_name_are_refused_also_at_once(app: App, asset: str) -> None:
    error = {"name": ["Another export setting of this project has this name."]}
    first, second = save(app, asset, "a"), save(app, asset, "b")
    body = {"name": "a", "export_settings": SETTINGS}
    assert app.send("POST", path(asset), body).json() == error
    assert app.send("PATCH", path(asset, second), {"name": "a"}).json() == error
    assert app.send("PATCH", path(asset, first), {"name": "a"}).status == 200
    with doing("dynamodb.TransactWriteItems", lambda: save(app, asset, "c")):
        assert app.send("POST", path(asset), {**body, "name": "c"}).json() == error
    assert app.send("DELETE", path(asset, first)).status == 204
    assert app.send("PATCH", path(asset, second), {"name": "a"}).status == 200


def test_two_changes_at_once_both_count(app: App, asset: str) -> None:
    setting = save(app, asset)
    renamed = lambda: app.send("PATCH", path(asset, setting), {"name": "new"})  # noqa: E731
    with doing("dynamodb.TransactWriteItems", renamed):
        changed = app.send("PATCH", path(asset, setting), {"export_settings": {**SETTINGS, "lang": "_xml"}})
    assert (changed.json()["name"], changed.json()["export_settings"]["lang"]) == ("new", "_xml")


def test_settings_of_one_project_are_bounded(app: App, asset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("formrelay.api.export_settings.MAX_SETTINGS", 1)
    save(app, asset)
    answer = app.send("POST", path(asset), {"name": "b", "export_settings": SETTINGS})
    assert answer.json() == {"non_field_errors": ["A project has at most 1 export settings."]}


def test_viewers_read_and_managers_change(app: App, asset: str) -> None:
    app.add_user("bob")
    setting = save(app, asset)
    grant(asset, "bob", "view_asset", "view_submissions")
    assert app.get(path(asset, setting), user="bob").status == 200
    assert app.send("PATCH", path(asset, setting), {"name": "x"}, user="bob").status == 403
    assert app.send("DELETE", path(asset, setting), user="bob").status == 403
    grant(asset, "bob", "view_asset")
    assert app.get(path(asset, setting), user="bob").status == 404
    assert app.get(f"/api/v2/assets/{asset}/", user="bob").json()["export_settings"] == []


# Their files


@pytest.mark.parametrize("rest", ["data.csv", "data.csv/", "data/?format=csv"])
def test_csv_at_every_spelling(app: App, asset: str, rest: str) -> None:
    setting = save(app, asset, type="geojson")
    where, _, query = path(asset, f"{setting}/{rest}").partition("?")
    answer = app.call("GET", where, query=query)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/csv")
    assert answer.text.startswith('"Name";"_id"')


def test_workbooks_whatever_the_settings_say(app: App, asset: str) -> None:
    setting = save(app, asset)
    answer = app.get(path(asset, f"{setting}/data.xlsx"))
    assert (answer.status, answer.headers["content-type"]) == (200, XLSX)
    assert openpyxl.load_workbook(io.BytesIO(answer.body))["Households"]["A2"].value == "Ana"


@pytest.mark.parametrize("rest", ["data", "data.json", "data.xls", "data.geojson"])
def test_other_formats_are_refused(app: App, asset: str, rest: str) -> None:
    answer = app.get(path(asset, f"{save(app, asset)}/{rest}"))
    assert (answer.status, answer.json()) == (
        400,
        {"detail": "Only the following formats are available: csv, xlsx"},
    )


@pytest.mark.parametrize(
    "agent", ["Microsoft.Data.Mashup (https://go.microsoft.com)", "LibreOffice 26", "curl/9"]
)
def test_no_client_is_redirected_while_the_file_fits(app: App, asset: str, agent: str) -> None:
    setting = save(app, asset)
    answer = app.call("GET", path(asset, f"{setting}/data.csv"), headers={"user-agent": agent})
    assert answer.status == 200


def test_gzip_for_who_takes_it(app: App, asset: str) -> None:
    for number in range(30):
        submit(app, asset, f"name {number}")
    setting = save(app, asset)
    answer = app.call("GET", path(asset, f"{setting}/data.csv"), headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body).decode().count("\r\n") == 32


def test_what_fits_no_answer_is_a_redirect_without_credentials(
    app: App, asset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = save(app, asset)
    monkeypatch.setattr("formrelay.api.export_files.MAX_BODY", 10)
    answer = app.get(path(asset, f"{setting}/data.csv"))
    assert answer.status == 302
    assert "response-content-type=text%2Fcsv" in answer.headers["location"]


def test_what_does_not_fit_though_compressed_keeps_its_name_behind_the_redirect(
    app: App, asset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = save(app, asset)
    monkeypatch.setattr("formrelay.api.fitting.MAX_BODY", 10)
    answer = app.call("GET", path(asset, f"{setting}/data.csv"), headers={"accept-encoding": "gzip"})
    assert answer.status == 302
    (disposition,) = parse_qs(urlsplit(answer.headers["location"]).query)["response-content-disposition"]
    assert disposition.startswith("attachment; filename=") and disposition.endswith(".csv")


def test_a_file_serves_for_five_minutes(app: App, asset: str, clock: Clock) -> None:
    setting = save(app, asset)
    assert names(app, asset, setting) == ["Ana"]
    submit(app, asset, "Bo")
    clock.forward(299)
    assert names(app, asset, setting) == ["Ana"]
    clock.forward(2)
    assert names(app, asset, setting) == ["Ana", "Bo"]


def test_changed_settings_make_a_new_file_at_once(app: App, asset: str) -> None:
    setting = save(app, asset)
    assert names(app, asset, setting) == ["Ana"]
    submit(app, asset, "Bo")
    changed = {"export_settings": {**SETTINGS, "query": {"name": "Bo"}}}
    assert app.send("PATCH", path(asset, setting), changed).status == 200
    assert names(app, asset, setting) == ["Bo"]


def test_each_user_has_a_file_of_the_rows_they_may_see(app: App, asset: str) -> None:
    app.add_user("bob")
    submit(app, asset, "Bo")
    setting = save(app, asset)
    assert share(app, asset, "bob", "partial_submissions", view=[{"name": "Bo"}]).status == 201
    assert names(app, asset, setting) == ["Ana", "Bo"]
    assert names(app, asset, setting, user="bob") == ["Bo"]
    assert share(app, asset, "bob", "partial_submissions", view=[{"name": "Ana"}]).status == 201
    assert names(app, asset, setting, user="bob") == ["Ana"]


def test_a_file_that_was_made_under_other_rights_is_made_again(app: App, asset: str, clock: Clock) -> None:
    app.add_user("bob")
    submit(app, asset, "Bo")
    setting = save(app, asset)
    assert share(app, asset, "bob", "partial_submissions", view=[{"name": "Bo"}]).status == 201
    app.lambdas.held = []
    assert app.get(path(asset, f"{setting}/data.csv"), user="bob").status == 503
    assert share(app, asset, "bob", "view_submissions").status == 201
    app.export()
    assert share(app, asset, "bob", "partial_submissions", view=[{"name": "Bo"}]).status == 201
    app.lambdas.held = None
    assert names(app, asset, setting, user="bob") == ["Bo"]


def test_the_right_is_checked_before_any_file(app: App, asset: str) -> None:
    app.add_user("bob")
    grant(asset, "bob", "view_asset", "view_submissions")
    setting = save(app, asset)
    assert names(app, asset, setting, user="bob") == ["Ana"]
    grant(asset, "bob", "view_asset")
    answer = app.get(path(asset, f"{setting}/data.csv"), user="bob")
    assert (answer.status, answer.json()) == (404, {"detail": "Not found."})


def test_public_data_needs_no_credentials(app: App, asset: str) -> None:
    setting = save(app, asset)
    assert app.get(path(asset, f"{setting}/data.csv"), user=None).status == 404
    grant(asset, ANONYMOUS, "view_asset", "view_submissions")
    assert names(app, asset, setting, user=None) == ["Ana"]
    assert app.send("POST", path(asset), {}, user=None).status == 401


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)", 401),
        ("Mozilla/4.0 (compatible; ms-office; MSOffice 16)", 401),
        ("LibreOffice 7.4.7.2 denylistedbackend/7.88.1", 401),
        ("Wget/1.21.3", 401),
        ("curl/8.5.0", 404),
        ("python-requests/2.32", 404),
        ("Mozilla/5.0 (compatible; GoogleDocs)", 404),
    ],
)
def test_programs_that_wait_to_be_asked_are_asked_for_credentials(
    app: App, asset: str, program: str, status: int
) -> None:
    sent = {"user-agent": program}
    where = path(asset, f"{save(app, asset)}/data.xlsx")
    answer = app.call("GET", where, headers=sent, user=None)
    assert answer.status == status
    assert answer.headers.get("www-authenticate", "") == ('Basic realm="formrelay"' if status == 401 else "")
    # What there is, they learn no more than others.
    assert app.call("GET", path("aNothing", "esX/data.xlsx"), headers=sent, user=None).status == status
    assert app.call("GET", where, headers=sent).status == 200


def test_wrong_credentials_are_challenged(app: App, asset: str) -> None:
    where = path(asset, f"{save(app, asset)}/data.csv")
    answer = app.call("GET", where, headers={"authorization": "Basic YW5uOng="})
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic")


def test_what_takes_long_is_told_to_be_asked_for_again(app: App, asset: str, clock: Clock) -> None:
    setting = save(app, asset)
    app.lambdas.held = []
    before = clock.time
    for _ in range(2):
        answer = app.get(path(asset, f"{setting}/data.csv"))
        assert answer.status == 503
        assert answer.headers["retry-after"] == "30"
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.text.startswith("Another client has already requested this synchronous export.")
    assert clock.time - before < 45
    assert app.export() == ["done"]
    assert names(app, asset, setting) == ["Ana"]


def test_a_file_that_is_ready_meanwhile_is_waited_for(app: App, asset: str, clock: Clock) -> None:
    setting = save(app, asset)
    app.lambdas.held = []
    with doing("dynamodb.GetItem", app.export, 6):
        assert names(app, asset, setting) == ["Ana"]


def test_two_who_ask_at_once_share_one_file(app: App, asset: str) -> None:
    setting = save(app, asset)
    app.lambdas.held = []
    other = lambda: app.get(path(asset, f"{setting}/data.csv"))  # noqa: E731
    with doing("dynamodb.PutItem", other):
        assert app.get(path(asset, f"{setting}/data.csv")).status == 503
    assert len(app.lambdas.held) == 1


def test_recovery_goes_on_with_files_too(app: App, asset: str, clock: Clock) -> None:
    setting = save(app, asset)
    app.lambdas.down.add(app.settings.export_function)
    app.lambdas.held = []
    assert app.get(path(asset, f"{setting}/data.csv")).status == 503
    app.lambdas.down.clear()
    clock.forward(300)
    app.recover()
    assert app.export() == ["done"]
    assert names(app, asset, setting) == ["Ana"]


def test_a_failure_is_told_until_it_is_old(app: App, asset: str, clock: Clock) -> None:
    setting = save(app, asset, query={"name": {"$regex": "x{1,300}y"}})
    submit(app, asset, "x" * 200_000)
    answer = app.get(path(asset, f"{setting}/data.csv"))
    assert (answer.status, answer.headers["content-type"]) == (500, "text/plain; charset=utf-8")
    assert answer.text.startswith("Synchronous export failed")
    item = exports.get(keys.export_copy(asset, setting, "csv", "ann"))
    assert item is not None
    clock.forward(200)
    assert app.get(path(asset, f"{setting}/data.csv")).status == 500
    assert exports.get(keys.export_copy(asset, setting, "csv", "ann")) == item
    clock.forward(200)
    app.get(path(asset, f"{setting}/data.csv"))
    assert (exports.get(keys.export_copy(asset, setting, "csv", "ann")) or item)["uid"] != item["uid"]


def test_files_of_settings_are_no_tasks(app: App, asset: str) -> None:
    names(app, asset, save(app, asset))
    assert app.get(f"/api/v2/assets/{asset}/exports/").json()["count"] == 0


def test_a_project_must_be_deployed(app: App) -> None:
    uid = app.send("POST", "/api/v2/assets/", {"name": "x", "asset_type": "survey"}).json()["uid"]
    answer = app.get(path(uid, f"{save(app, uid)}/data.csv"))
    assert (answer.status, answer.json()) == (400, {"detail": "The asset must be deployed."})
