"""``…/hooks/`` through the API: fields, masks, limits, who may (contract rest-services §1, §2, §4)."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from formrelay.settings import settings
from formrelay.storage import hooks as stored_hooks
from formrelay.storage import keys, table
from tests.support.app import FORM, PASSWORD, Answer, App, Parts
from tests.support.aws import stored
from tests.support.calls import doing, failing
from tests.support.grants import grant, switch_off

ENDPOINT = "https://93.184.216.34/kobo/in"
NOT_FOUND = {"detail": "Not found."}
MASK_REFUSED = {"settings": ["The masked password names no hook you may edit."]}


@pytest.fixture
def asset(app: App) -> str:
    return app.deploy(FORM)


def path(asset: str, rest: str = "") -> str:
    return f"/api/v2/assets/{asset}/hooks/{rest}"


def create(app: App, asset: str, user: str | None = "ann", **fields: Any) -> Answer:
    return app.send("POST", path(asset), {"name": "ERP", "endpoint": ENDPOINT, **fields}, user=user)


def made(app: App, asset: str, **fields: Any) -> dict[str, Any]:
    answer = create(app, asset, **fields)
    assert answer.status == 201, answer.text
    hook: dict[str, Any] = answer.json()
    return hook


def read(app: App, asset: str, uid: str) -> dict[str, Any]:
    hook: dict[str, Any] = app.get(path(asset, f"{uid}/")).json()
    return hook


def change(app: App, asset: str, uid: str, fields: dict[str, Any], *, user: str = "ann") -> Answer:
    return app.send("PATCH", path(asset, f"{uid}/"), fields, user=user)


def password(app: App, asset: str, uid: str) -> str:
    """The password that would be sent."""
    from formrelay import hook_settings

    hook = stored_hooks.get(asset, uid)
    assert hook is not None
    return str(hook_settings.opened(hook)["password"])


# Create and read


def test_a_hook_of_name_and_endpoint_has_all_defaults(app: App, asset: str) -> None:
    answer = create(app, asset)
    assert answer.status == 201
    hook = answer.json()
    url = f"https://kf.example.org{path(asset)}{hook['uid']}/"
    assert answer.headers["location"] == url
    assert re.fullmatch(r"h[2-9A-HJ-NP-Za-km-z]{21}", hook["uid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", hook.pop("date_modified"))
    assert isinstance(hook.pop("asset"), int)
    expected = {
        "active": True,
        "auth_level": "no_auth",
        "email_notification": True,
        "endpoint": ENDPOINT,
        "export_type": "json",
        "failed_count": 0,
        "logs_url": url + "logs/",
        "name": "ERP",
        "payload_template": None,
        "pending_count": 0,
        "settings": {},
        "subset_fields": [],
        "success_count": 0,
        "uid": hook["uid"],
        "url": url,
    }
    # What is ours beside it stands behind.
    assert dict(list(hook.items())[: len(expected)]) == expected


def test_a_hook_is_read_as_it_was_created_alone_and_in_the_list(app: App, asset: str) -> None:
    hook = made(app, asset, settings={"custom_headers": {"X-Token": "1", "x-Case": "b"}}, active=False)
    assert read(app, asset, hook["uid"]) == hook
    assert app.get(path(asset)).json() == {"count": 1, "next": None, "previous": None, "results": [hook]}


def test_a_hook_may_be_made_before_the_project_is_deployed(app: App) -> None:
    answer = app.send("POST", "/api/v2/assets/", {"name": "Draft", "asset_type": "survey", "content": FORM})
    assert create(app, answer.json()["uid"]).status == 201


def test_hooks_are_listed_by_name_page_by_page(app: App, asset: str) -> None:
    for name in ("c", "a", "b", "a"):
        made(app, asset, name=name)
    page = app.get(path(asset), limit="3").json()
    assert [hook["name"] for hook in page["results"]] == ["a", "a", "b"]
    assert page["count"] == 4
    assert page["next"] == f"https://kf.example.org{path(asset)}?limit=3&start=3"
    rest = app.get(path(asset), limit="3", start="3").json()
    assert [hook["name"] for hook in rest["results"]] == ["c"]
    assert (rest["next"], rest["previous"]) == (None, f"https://kf.example.org{path(asset)}?limit=3")
    assert app.get(path(asset), start="9").json()["results"] == []


@pytest.mark.parametrize("spelling", ["hooks", "hooks/", "hooks.json", "/hooks//"])
def test_the_list_answers_under_every_spelling(app: App, asset: str, spelling: str) -> None:
    made(app, asset)
    answer = app.call("GET", f"/api/v2/assets/{asset}/{spelling}")
    assert (answer.status, answer.json()["count"]) == (200, 1)


@pytest.mark.parametrize("spelling", ["{}", "{}/", "{}.json"])
def test_one_hook_answers_under_every_spelling(app: App, asset: str, spelling: str) -> None:
    uid = made(app, asset)["uid"]
    rest = spelling.format(uid)
    assert app.call("GET", path(asset, rest)).json()["uid"] == uid
    assert app.send("PATCH", path(asset, rest), {"name": "new"}).json()["name"] == "new"
    assert app.call("DELETE", path(asset, rest)).status == 204


def test_a_hook_may_be_sent_as_a_form(app: App, asset: str) -> None:
    body = f"name=n8n&endpoint={ENDPOINT}&active=False&email_notification=True&subset_fields=".encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = app.call("POST", path(asset), body=body, headers=headers)
    assert answer.status == 201, answer.text
    assert answer.json()["active"] is False
    assert answer.json()["subset_fields"] == []


@pytest.mark.parametrize(
    ("sent", "entries"),
    [
        ("subset_fields=region&subset_fields=member", ["region", "member"]),
        ("subset_fields=region", ["region"]),
        ('subset_fields=["region","member"]', ["region", "member"]),
        ("subset_fields=", []),
    ],
)
def test_a_form_sends_the_entries_of_a_list_one_by_one_or_as_json(
    app: App, asset: str, sent: str, entries: list[str]
) -> None:
    uid = made(app, asset, subset_fields=["old"])["uid"]
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = app.call("PATCH", path(asset, f"{uid}/"), body=sent.encode(), headers=headers)
    assert (answer.status, answer.json().get("subset_fields")) == (200, entries)


def test_a_multipart_form_sends_lists_too(app: App, asset: str) -> None:
    fields: Parts = [("name", (None, "form", None)), ("endpoint", (None, ENDPOINT, None))]
    fields += [("events", (None, event, None)) for event in ("submission.edited", "submission.created")]
    answer = app.send_form("POST", path(asset), fields)
    assert answer.json().get("events") == ["submission.created", "submission.edited"]


def test_read_only_keys_are_ignored(app: App, asset: str) -> None:
    hook = made(app, asset)
    sent = {"uid": "hX", "url": "x", "success_count": 9, "asset": 1, "date_modified": "x", "no_such": 1}
    changed = change(app, asset, hook["uid"], sent)
    assert changed.status == 200
    assert {**changed.json(), "date_modified": ""} == {**hook, "date_modified": ""}


def test_the_counts_follow_the_deliveries(app: App, asset: str) -> None:
    uid = made(app, asset)["uid"]
    states = {0: 1, 1: 2, 2: 3, 3: 1}
    sid = 0
    for status, number in states.items():
        for _ in range(number):
            sid += 1
            item = {**keys.delivery(uid, sid), "hook": uid, "sid": sid, "status": status}
            table.put(settings().data_table, item)
    hook = read(app, asset, uid)
    assert (hook["failed_count"], hook["pending_count"], hook["success_count"]) == (1, 2, 3)


# Change


def test_patch_changes_what_is_sent_and_nothing_else(app: App, asset: str) -> None:
    hook = made(app, asset, settings={"username": "u"}, subset_fields=["name"])
    answer = change(app, asset, hook["uid"], {"name": "off", "active": False})
    assert answer.status == 200
    assert answer.json() == {
        **hook,
        "name": "off",
        "active": False,
        "date_modified": answer.json()["date_modified"],
    }
    assert read(app, asset, hook["uid"]) == answer.json()


def test_patch_replaces_the_settings_as_a_whole(app: App, asset: str) -> None:
    hook = made(app, asset, settings={"username": "u", "password": "p", "custom_headers": {"A": "b"}})
    answer = change(app, asset, hook["uid"], {"settings": {"custom_headers": {"C": "d"}}})
    assert answer.json()["settings"] == {"custom_headers": {"C": "d"}}


@pytest.mark.parametrize("sent", [None, {}])
def test_an_empty_patch_changes_nothing(app: App, asset: str, sent: Any) -> None:
    hook = made(app, asset)
    answer = change(app, asset, hook["uid"], sent)
    assert answer.status == 200
    assert {**answer.json(), "date_modified": ""} == {**hook, "date_modified": ""}


def test_put_needs_name_and_endpoint_again(app: App, asset: str) -> None:
    uid = made(app, asset)["uid"]
    refused = app.send("PUT", path(asset, f"{uid}/"), {"active": False})
    assert (refused.status, refused.json()) == (
        400,
        {"name": ["This field is required."], "endpoint": ["This field is required."]},
    )
    done = app.send("PUT", path(asset, f"{uid}/"), {"name": "new", "endpoint": ENDPOINT})
    assert (done.status, done.json()["name"]) == (200, "new")


def test_two_changes_at_once_both_count(app: App, asset: str) -> None:
    uid = made(app, asset)["uid"]
    with doing("dynamodb.TransactWriteItems", lambda: change(app, asset, uid, {"name": "other"})):
        answer = change(app, asset, uid, {"email_notification": False})
    assert answer.status == 200
    hook = read(app, asset, uid)
    assert (hook["name"], hook["email_notification"]) == ("other", False)


def test_a_change_of_a_hook_that_is_deleted_meanwhile_is_404(app: App, asset: str) -> None:
    uid = made(app, asset)["uid"]
    with doing("dynamodb.TransactWriteItems", lambda: app.call("DELETE", path(asset, f"{uid}/"))):
        answer = change(app, asset, uid, {"active": False})
    assert (answer.status, answer.json()) == (404, NOT_FOUND)
    assert app.get(path(asset)).json()["count"] == 0


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_conflict_of_transactions_is_waited_out(app: App, asset: str, method: str) -> None:
    uid = made(app, asset)["uid"]
    rest = "" if method == "POST" else f"{uid}/"
    reasons = [{"Code": "TransactionConflict"}]
    with failing(
        "dynamodb.TransactWriteItems", "TransactionCanceledException", times=2, CancellationReasons=reasons
    ):
        answer = app.send(method, path(asset, rest), {"name": "n", "endpoint": ENDPOINT})
    assert answer.status in (200, 201, 204)


# Delete


def test_a_deleted_hook_is_gone_at_once_with_its_logs(app: App, asset: str) -> None:
    uid = made(app, asset)["uid"]
    answer = app.call("DELETE", path(asset, f"{uid}/"))
    assert (answer.status, answer.body) == (204, b"")
    assert app.get(path(asset)).json()["count"] == 0
    for rest in (f"{uid}/", f"{uid}/logs/", f"{uid}/logs/hl{'2' * 21}/"):
        assert (app.get(path(asset, rest)).status, app.get(path(asset, rest)).json()) == (404, NOT_FOUND)
    again = app.call("DELETE", path(asset, f"{uid}/"))
    assert (again.status, again.json()) == (404, NOT_FOUND)


def test_a_hook_that_is_deleted_twice_at_once_is_counted_once(app: App, asset: str) -> None:
    for _ in range(2):
        uid = made(app, asset)["uid"]
    with doing("dynamodb.TransactWriteItems", lambda: app.call("DELETE", path(asset, f"{uid}/"))):
        assert app.call("DELETE", path(asset, f"{uid}/")).status == 404
    count = table.get(settings().data_table, keys.hook_count(asset))
    assert count is not None
    assert count["hooks"] == 1


def test_there_is_no_bulk_delete(app: App, asset: str) -> None:
    answer = app.call("DELETE", path(asset))
    assert (answer.status, answer.json()) == (405, {"detail": 'Method "DELETE" not allowed.'})


# Limits


def test_the_51st_hook_is_refused(app: App, asset: str) -> None:
    key = keys.hook_count(asset)
    first = made(app, asset)["uid"]
    table.update(settings().data_table, key, "SET #hooks = :n", {":n": stored_hooks.MAX_HOOKS - 1})
    made(app, asset)
    answer = create(app, asset)
    assert (answer.status, answer.json()) == (400, {"non_field_errors": ["A project has at most 50 hooks."]})
    app.call("DELETE", path(asset, f"{first}/"))
    assert create(app, asset).status == 201


def test_two_hooks_made_at_once_cannot_exceed_the_limit(app: App, asset: str) -> None:
    made(app, asset)
    key = keys.hook_count(asset)
    table.update(settings().data_table, key, "SET #hooks = :n", {":n": stored_hooks.MAX_HOOKS - 1})
    with doing("dynamodb.TransactWriteItems", lambda: create(app, asset)):
        assert create(app, asset).status == 400
    assert app.get(path(asset)).json()["count"] == 2


def test_settings_that_are_too_long_to_seal_are_refused(app: App, asset: str) -> None:
    answer = create(app, asset, settings={"custom_headers": {"A": "x" * 16_000}})
    assert answer.status == 400
    assert list(answer.json()) == ["settings"]


def test_settings_that_are_too_long_behind_a_mask_are_refused(app: App, asset: str) -> None:
    uid = made(app, asset, settings={"password": "p" * 15_000})["uid"]
    sent = {"password": f"********:{uid}", "custom_headers": {"A": "x" * 2_000}}
    for answer in (change(app, asset, uid, {"settings": sent}), create(app, asset, settings=sent)):
        assert answer.status == 400
        assert list(answer.json()) == ["settings"]


# Passwords and masks


def test_the_password_is_shown_as_a_mask_that_names_its_hook(app: App, asset: str) -> None:
    hook = made(app, asset, auth_level="basic_auth", settings={"username": "u", "password": "p:@$"})
    assert hook["settings"] == {"username": "u", "password": f"********:{hook['uid']}"}
    assert read(app, asset, hook["uid"])["settings"] == hook["settings"]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_whole_hook_sent_back_keeps_its_password(app: App, asset: str, method: str) -> None:
    hook = made(app, asset, settings={"username": "u", "password": "secret", "custom_headers": {"X-y": "1"}})
    answer = app.send(method, path(asset, f"{hook['uid']}/"), hook)
    assert answer.status == 200
    assert {**answer.json(), "date_modified": ""} == {**hook, "date_modified": ""}
    assert password(app, asset, hook["uid"]) == "secret"


def test_a_hook_is_copied_with_its_password_within_a_project(app: App, asset: str) -> None:
    hook = made(app, asset, auth_level="basic_auth", settings={"username": "u", "password": "secret"})
    copy = app.send("POST", path(asset), hook)
    assert copy.status == 201
    assert copy.json()["uid"] != hook["uid"]
    assert copy.json()["settings"]["password"] == f"********:{copy.json()['uid']}"
    assert password(app, asset, copy.json()["uid"]) == "secret"


def test_a_hook_is_copied_with_its_password_to_another_project(app: App, asset: str) -> None:
    other = app.deploy(FORM, name="Other")
    headers = {"%submission%": "a/b", "X-Map-1": "x=y"}
    hook = made(app, asset, settings={"password": "secret", "custom_headers": headers})
    copy = app.send("POST", path(other), hook).json()
    assert copy["settings"]["custom_headers"] == headers
    assert password(app, other, copy["uid"]) == "secret"


@pytest.mark.parametrize("mask", ["********", "********:", "********:hZzzeedWxQoFHgibsTCysv", "********:x/y"])
def test_a_mask_that_names_no_hook_is_refused(app: App, asset: str, mask: str) -> None:
    uid = made(app, asset, settings={"password": "secret"})["uid"]
    for answer in (
        create(app, asset, settings={"password": mask}),
        change(app, asset, uid, {"settings": {"password": mask}}),
    ):
        assert (answer.status, answer.json()) == (400, MASK_REFUSED)
    assert password(app, asset, uid) == "secret"


def test_a_mask_of_somebody_elses_hook_is_refused(app: App, asset: str) -> None:
    app.add_user("eve")
    hook = made(app, asset, settings={"password": "secret"})
    theirs = app.deploy(FORM, user="eve")
    answer = create(app, theirs, user="eve", settings=hook["settings"])
    assert (answer.status, answer.json()) == (400, MASK_REFUSED)


def test_a_mask_of_a_deleted_hook_is_refused(app: App, asset: str) -> None:
    hook = made(app, asset, settings={"password": "secret"})
    app.call("DELETE", path(asset, f"{hook['uid']}/"))
    assert create(app, asset, settings=hook["settings"]).json() == MASK_REFUSED


def test_credentials_stand_nowhere_in_clear(app: App, asset: str, caplog: pytest.LogCaptureFixture) -> None:
    secrets = {"username": "uSecret", "password": "pSecret", "custom_headers": {"X-T": "tSecret"}}
    uid = made(app, asset, auth_level="basic_auth", settings=secrets)["uid"]
    change(app, asset, uid, {"settings": {**secrets, "password": f"********:{uid}"}})
    tables = repr(stored(settings().data_table)) + repr(stored(settings().accounts_table))
    for secret in ("uSecret", "pSecret", "tSecret"):
        assert secret not in tables
        assert base64.b64encode(secret.encode()).decode() not in tables
        assert secret not in caplog.text


def test_a_sealed_password_does_not_open_in_another_hook(app: App, asset: str) -> None:
    one, two = (made(app, asset, settings={"password": "secret"})["uid"] for _ in range(2))
    table.update(
        settings().data_table,
        keys.hook(asset, one),
        "SET #sealed = :sealed",
        {":sealed": (stored_hooks.get(asset, two) or {})["sealed"]},
    )
    with pytest.raises((ClientError, ValueError)):
        password(app, asset, one)


# Who may


ROUTES = [
    ("GET", ""),
    ("POST", ""),
    ("GET", "{hook}/"),
    ("PATCH", "{hook}/"),
    ("PUT", "{hook}/"),
    ("DELETE", "{hook}/"),
    ("PATCH", "{hook}/retry/"),
    ("GET", "{hook}/logs/"),
    ("GET", "{hook}/logs/{log}/"),
    ("PATCH", "{hook}/logs/{log}/retry/"),
]


def answers(app: App, asset: str, user: str | None) -> list[Answer]:
    """What a caller is told on all ten routes."""
    hook, log = made(app, asset)["uid"], f"hl{'2' * 21}"
    data = {"name": "x", "endpoint": ENDPOINT}
    return [
        app.send(method, path(asset, rest.format(hook=hook, log=log)), data, user=user)
        for method, rest in ROUTES
    ]


@pytest.mark.parametrize(
    "rights",
    [
        (),
        ("view_asset",),
        ("view_asset", "change_asset"),
        ("view_asset", "view_submissions"),
        ("view_asset", "change_asset", "partial_submissions"),
    ],
    ids=["stranger", "viewer", "change only", "submissions only", "row-level"],
)
def test_whoever_lacks_a_right_is_told_404_everywhere(app: App, asset: str, rights: tuple[str, ...]) -> None:
    app.add_user("bob")
    if rights:
        grant(asset, "bob", *rights)
    told = answers(app, asset, "bob")
    assert [(answer.status, answer.json()) for answer in told] == [(404, NOT_FOUND)] * len(ROUTES)


def test_anonymous_is_told_404_everywhere(app: App, asset: str) -> None:
    told = answers(app, asset, None)
    assert [(answer.status, answer.json()) for answer in told] == [(404, NOT_FOUND)] * len(ROUTES)


def test_an_editor_with_both_rights_may_do_everything(app: App, asset: str) -> None:
    app.add_user("bob")
    grant(asset, "bob", "view_asset", "change_asset", "view_submissions")
    told = answers(app, asset, "bob")
    # The log does not exist, and the hook is deleted before its logs are asked for.
    assert [answer.status for answer in told[:6]] == [200, 201, 200, 200, 200, 204]


def test_a_superuser_may_do_everything(app: App, asset: str) -> None:
    app.add_user("root", superuser=True)
    assert [answer.status for answer in answers(app, asset, "root")[:6]] == [200, 201, 200, 200, 200, 204]


def test_wrong_credentials_are_told_401(app: App, asset: str) -> None:
    app.add_user("bob")
    switch_off("bob")
    wrong = base64.b64encode(f"ann:{PASSWORD}x".encode()).decode()
    cases = {
        "Token " + "0" * 40: "Invalid token.",
        f"Token {app.keys['bob']}": "User inactive or deleted.",
        f"Basic {wrong}": "Invalid username/password.",
    }
    for header, text in cases.items():
        answer = app.call("GET", path(asset), headers={"authorization": header})
        assert (answer.status, answer.json()) == (401, {"detail": text})
        assert "www-authenticate" in answer.headers


def test_a_hook_of_another_project_is_unknown_under_this_one(app: App, asset: str) -> None:
    other = app.deploy(FORM, name="Other")
    uid = made(app, other)["uid"]
    for method in ("GET", "PATCH", "DELETE"):
        answer = app.send(method, path(asset, f"{uid}/"), {"name": "x"})
        assert (answer.status, answer.json()) == (404, NOT_FOUND)
    assert read(app, other, uid)["name"] == "ERP"


@pytest.mark.parametrize("uid", ["h", "hx", "x" * 300, "%00", "..", "a b"])
def test_an_unknown_hook_is_404(app: App, asset: str, uid: str) -> None:
    answer = app.call("GET", path(asset, f"{uid}/"))
    assert (answer.status, answer.json()) == (404, NOT_FOUND)


def test_an_unknown_project_is_404(app: App) -> None:
    answer = create(app, "aZzzeedWxQoFHgibsTCysv")
    assert (answer.status, answer.json()) == (404, NOT_FOUND)


# What may be reached


@pytest.mark.parametrize(
    "endpoint", ["http://10.0.0.1/in", "https://[::1]:8443/in", "http://169.254.169.254/"]
)
def test_a_forbidden_address_is_refused_when_the_hook_is_saved(app: App, asset: str, endpoint: str) -> None:
    uid = made(app, asset)["uid"]
    for answer in (create(app, asset, endpoint=endpoint), change(app, asset, uid, {"endpoint": endpoint})):
        assert (answer.status, answer.json()) == (400, {"endpoint": [f"{endpoint} is not allowed"]})


def test_a_name_that_does_not_resolve_now_is_accepted(app: App, asset: str) -> None:
    assert create(app, asset, endpoint="https://nosuch.invalid/in").status == 201


def test_http_is_refused_where_the_deployment_says_so(
    app: App, asset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert create(app, asset, endpoint="http://93.184.216.34/").status == 201
    monkeypatch.setenv("FORMRELAY_HTTPS_ONLY", "true")
    settings.cache_clear()
    answer = create(app, asset, endpoint="http://93.184.216.34/")
    assert (answer.status, answer.json()) == (400, {"endpoint": ["Unsecured endpoint is not allowed"]})


# Bodies


@pytest.mark.parametrize("body", ["{", "[1]", '"x"', "\xff", '{"name": NaN}'])
def test_a_body_that_is_no_object_is_refused(app: App, asset: str, body: str) -> None:
    answer = app.call(
        "POST", path(asset), body=body.encode("latin-1"), headers={"content-type": "application/json"}
    )
    assert answer.status == 400
    assert list(answer.json()) in (["detail"], ["non_field_errors"])


def test_a_template_is_checked_against_the_hook_as_it_will_be(app: App, asset: str) -> None:
    refusal = {"payload_template": ["Can be used only with JSON submission format"]}
    wrapped = made(app, asset, payload_template='{"a": %SUBMISSION%}')["uid"]
    assert change(app, asset, wrapped, {"export_type": "xml"}).json() == refusal
    xml = made(app, asset, export_type="xml")["uid"]
    assert change(app, asset, xml, {"payload_template": "[%SUBMISSION%]"}).json() == refusal
    assert change(app, asset, wrapped, {"export_type": "xml", "payload_template": ""}).status == 200


def test_the_answer_is_json_that_any_client_reads(app: App, asset: str) -> None:
    answer = create(app, asset, name="Ünï ✓")
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.body)["name"] == "Ünï ✓"
