"""Projects: make, list, read, change; versions (contract assets §2–§5, §7)."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.app import FORM, Answer, App, Clock
from tests.support.calls import doing
from tests.support.grants import ANONYMOUS, grant

BASE = "https://kf.example.org/api/v2"
ASSETS = "/api/v2/assets/"


def make(app: App, user: str = "ann", **fields: Any) -> dict[str, Any]:
    answer = app.send("POST", ASSETS, {"asset_type": "survey", "content": FORM, **fields}, user=user)
    assert answer.status == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def patch(app: App, uid: str, data: Any, user: str = "ann") -> Answer:
    return app.send("PATCH", f"{ASSETS}{uid}/", data, user=user)


def detail(app: App, uid: str) -> dict[str, Any]:
    found: dict[str, Any] = app.get(f"{ASSETS}{uid}/").json()
    return found


def send_form(app: App, method: str, path: str, fields: dict[str, str]) -> Answer:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return app.call(method, path, body=urlencode(fields).encode(), headers=kind)


# Make


def test_a_made_project_is_answered_in_full(app: App, clock: Clock) -> None:
    answer = app.send(
        "POST", ASSETS, {"name": "Visits", "asset_type": "survey", "content": FORM, "tag_string": "a, b c"}
    )
    made = answer.json()
    assert answer.status == 201
    assert answer.headers["location"] == f"{BASE}/assets/{made['uid']}/"
    assert made == detail(app, made["uid"])
    assert re.fullmatch(r"a[A-Za-z0-9]{21}", made["uid"])
    assert re.fullmatch(r"v[A-Za-z0-9]{21}", made["version_id"])
    assert re.fullmatch(r"[0-9a-f]{40}", made["version__content_hash"])
    expected = {
        "name": "Visits", "tag_string": "a,b-c", "has_deployment": False, "deployment_status": "draft",
        "version_count": 1, "deployed_version_id": None, "deployment__uuid": None,
        "deployment__active": False, "date_deployed": None,
        "deployment__submission_count": 0, "deployment__last_submission_time": None, "owner__username": "ann",
        "date_created": "2026-08-02T08:10:05.000000Z", "date_modified": "2026-08-02T08:10:05.000000Z",
        "status": "private", "created_by": "ann", "last_modified_by": "ann", "url": f"{BASE}/assets/{made['uid']}/",
    }  # fmt: skip
    assert {name: made[name] for name in expected} == expected


@pytest.mark.parametrize("kind", ["survey", "template", "block", "question", "empty"])
def test_every_type_is_taken(app: App, kind: str) -> None:
    made = make(app, asset_type=kind)
    assert (made["asset_type"], made["deployment_status"]) == (kind, "draft" if kind == "survey" else "-")


@pytest.mark.parametrize(
    ("data", "body"),
    [
        ({}, {"asset_type": ["This field is required."]}),
        ({"name": "x"}, {"asset_type": ["This field is required."]}),
        ({"asset_type": "form"}, {"asset_type": ['"form" is not a valid choice.']}),
        (
            {"asset_type": "survey", "name": "x" * 256},
            {"name": ["Ensure this field has no more than 255 characters."]},
        ),
        ({"asset_type": "survey", "name": None}, {"name": ["This field may not be null."]}),
        ({"asset_type": "survey", "name": ["x"]}, {"name": ["Not a valid string."]}),
        ({"asset_type": "survey", "content": "{"}, {"content": ["Unable to parse JSON"]}),
        ({"asset_type": "survey", "settings": "{"}, {"settings": ["Unable to parse JSON"]}),
        (
            {"asset_type": "survey", "content": {"settings": {"form_title": "x" * 256}}},
            {"name": ["Ensure this field has no more than 255 characters."]},
        ),
        (
            {"asset_type": "survey", "settings": {"a": "x" * 100_000}},
            {"settings": ["Ensure this field has no more than 100000 characters."]},
        ),
    ],
)
def test_what_will_not_do_is_refused_by_field(app: App, data: Any, body: Any) -> None:
    answer = app.send("POST", ASSETS, data)
    assert (answer.status, answer.json()) == (400, body)
    assert app.get(ASSETS).json()["count"] == 0


@pytest.mark.parametrize("field", ["content", "settings"])
@pytest.mark.parametrize("value", [[], 1, "[]", "1", True])
def test_objects_must_be_objects(app: App, field: str, value: Any) -> None:
    answer = app.send("POST", ASSETS, {"asset_type": "survey", field: value})
    assert (answer.status, list(answer.json())) == (400, [field])


@pytest.mark.parametrize(
    "content", [{"survey": "x"}, {"survey": [1]}, {"survey": [{"type": ["x"]}]}, {"choices": {"a": 1}}]
)
def test_content_that_is_no_form_is_refused(app: App, content: Any) -> None:
    answer = app.send("POST", ASSETS, {"asset_type": "survey", "content": content})
    assert (answer.status, list(answer.json())) == (400, ["content"])


def test_a_form_with_errors_is_taken(app: App) -> None:
    made = make(app, content={"survey": [{"type": "text", "name": "a"}, {"type": "nonsense", "name": "a"}]})
    assert len(made["content"]["survey"]) == 2


def test_a_project_without_content_is_empty(app: App) -> None:
    made = app.send("POST", ASSETS, {"asset_type": "empty"}).json()
    assert (made["content"]["survey"], made["summary"]["row_count"], made["name"]) == ([], 0, "")


def test_the_title_of_the_form_wins_over_the_name(app: App) -> None:
    content = {**FORM, "settings": {"form_title": "From\nthe form"}}
    made = make(app, name="From the body", content=content)
    assert made["name"] == "Fromthe form"
    assert "form_title" not in made["content"]["settings"]


def test_read_only_and_unknown_fields_are_ignored(app: App) -> None:
    app.add_user("bob")
    made = make(app, uid="aX", owner="bob", version_id="vX", created_by="bob", nonsense={"deep": [1]})
    assert (made["owner__username"], made["created_by"]) == ("ann", "ann")
    assert made["uid"] != "aX"


def test_nobody_makes_projects(app: App) -> None:
    answer = app.send("POST", ASSETS, {"asset_type": "survey"}, user=None)
    assert (answer.status, answer.json()) == (
        401,
        {"detail": "Authentication credentials were not provided."},
    )


def test_bodies_come_as_json_form_or_multipart_with_objects_as_text(app: App) -> None:
    fields = {
        "name": "X",
        "asset_type": "survey",
        "content": json.dumps(FORM),
        "settings": '{"description": "d"}',
    }
    parts: Any = [(name, (None, value, None)) for name, value in fields.items()]
    made = [
        app.send("POST", ASSETS, fields),
        send_form(app, "POST", ASSETS, fields),
        app.send_form("POST", ASSETS, parts),
    ]
    for answer in made:
        assert answer.status == 201, answer.text
        assert len(answer.json()["content"]["survey"]) == len(FORM["survey"])
        assert answer.json()["settings"]["description"] == "d"


@pytest.mark.parametrize("number", [1e308, 1e-300, 10**60, -(10**60), 0.1 + 0.2, True, None])
def test_settings_keep_every_value_of_json(app: App, number: Any) -> None:
    deep: Any = {"x": number}
    for _ in range(40):
        deep = {"y": [deep]}
    made = make(app, settings={"n": number, "deep": deep, "": "empty name", "list": [[], {}, ""]})
    assert made["settings"]["n"] == number
    assert made["settings"]["deep"] == deep
    assert made["settings"][""] == "empty name"
    assert detail(app, made["uid"])["settings"] == made["settings"]


def test_a_form_with_very_long_labels_is_kept_and_listed(app: App) -> None:
    import secrets

    label = secrets.token_hex(49_000)
    made = make(
        app, content={"survey": [{"type": "text", "name": f"q{i}", "label": f"{i}{label}"} for i in range(4)]}
    )
    assert detail(app, made["uid"])["summary"]["labels"][0] == f"0{label}"
    assert app.get(ASSETS).json()["results"][0]["summary"] == made["summary"]


# List


LIST_KEYS = [
    "url", "date_created", "date_modified", "date_deployed", "owner", "summary", "owner__username", "parent", "uid",
    "tag_string", "settings", "kind", "name", "asset_type", "version_id", "has_deployment", "deployed_version_id",
    "deployment__active", "deployment__submission_count", "deployment__last_submission_time", "deployment__encrypted",
    "deployment__uuid", "deployment_status", "permissions", "export_settings", "downloads", "data", "subscribers_count",
    "status", "access_types", "children", "data_sharing", "owner_label", "last_modified_by", "created_by",
]  # fmt: skip


def test_rows_of_the_list_have_these_keys_and_the_values_of_the_detail(app: App) -> None:
    uid = app.deploy(FORM)
    (row,) = app.get(ASSETS).json()["results"]
    full = detail(app, uid)
    assert list(row) == LIST_KEYS
    assert row == {key: full[key] for key in LIST_KEYS}


@pytest.mark.parametrize(
    "path",
    [
        "/api/v2/assets",
        "/api/v2/assets/",
        "/api/v2//assets/",
        "//api/v2/assets",
        "/api/v2/assets/?format=json",
    ],
)
def test_every_spelling_gives_the_same_body(app: App, path: str) -> None:
    make(app)
    path, _, query = path.partition("?")
    assert app.call("GET", path, query=query).text == app.get(ASSETS).text


def test_links_echo_the_suffix_of_the_request(app: App) -> None:
    uid = make(app)["uid"]
    (row,) = app.get("/api/v2/assets.json").json()["results"]
    single = app.get(f"/api/v2/assets/{uid}.json").json()
    for shown in (row, single):
        assert (shown["url"], shown["data"]) == (
            f"{BASE}/assets/{uid}.json",
            f"{BASE}/assets/{uid}/data.json",
        )
        assert shown["owner"] == f"{BASE}/users/ann/"
        assert shown["downloads"][0]["url"] == f"{BASE}/assets/{uid}.xls"
    for path in (shown["url"], shown["data"]):
        assert app.get(path.removeprefix("https://kf.example.org")).status in (200, 400)
    plain = detail(app, uid)
    assert (plain["url"], plain["data"]) == (f"{BASE}/assets/{uid}/", f"{BASE}/assets/{uid}/data/")
    assert plain["permissions"][0]["user"] == f"{BASE}/users/ann/"


def test_deployed_come_first_then_drafts_then_archived_each_newest_first(app: App, clock: Clock) -> None:
    made = {}
    for name in ("archived", "deployed 1", "draft 1", "deployed 2", "draft 2"):
        clock.forward(1)
        made[name] = make(app, name=name)["uid"] if name.startswith("draft") else app.deploy(FORM, name=name)
    clock.forward(1)
    app.send("PATCH", f"{ASSETS}{made['archived']}/deployment/", {"active": False})
    clock.forward(1)
    make(app, name="block", asset_type="block")
    names = [row["name"] for row in app.get(ASSETS).json()["results"]]
    assert names == ["deployed 2", "deployed 1", "draft 2", "draft 1", "archived", "block"]


def test_the_list_is_paged_with_links_that_show_each_project_once(app: App) -> None:
    made = {make(app, name=f"p{number}")["uid"] for number in range(5)}
    url: str | None = f"{BASE}/assets.json?limit=2&q="
    seen: list[str] = []
    pages = 0
    while url:
        path, _, query = url.removeprefix("https://kf.example.org").partition("?")
        page = app.call("GET", path, query=query).json()
        assert page["count"] == 5
        seen += [row["uid"] for row in page["results"]]
        url, pages = page["next"], pages + 1
        assert url is None or url == f"{BASE}/assets.json?limit=2&q=&start={2 * pages}"
    assert (len(seen), set(seen)) == (5, made)


@pytest.mark.parametrize(
    ("query", "start", "limit"),
    [
        ("limit=0", 0, 100), ("limit=-1", 0, 100), ("limit=x&start=y", 0, 100), ("limit=5000", 0, 1000),
        ("limit=99999999999999999999", 0, 1000), ("start=1", 1, 100), ("offset=1&limit=1", 1, 1),
        ("start=0&offset=1", 0, 100), ("start=2&offset=1", 2, 100),
        ("page=2&page_size=1", 1, 1),
        ("page_size=5000", 0, 1000), ("page=0", 0, 100), ("start=99999999999999999999", 10**15, 100),
    ],
)  # fmt: skip
def test_numbers_that_cannot_be_count_as_absent(app: App, query: str, start: int, limit: int) -> None:
    uids = [make(app)["uid"] for _ in range(3)]
    page = app.call("GET", ASSETS, query=query).json()
    everything = [row["uid"] for row in app.get(ASSETS).json()["results"]]
    assert sorted(everything) == sorted(uids)
    assert [row["uid"] for row in page["results"]] == everything[start : start + limit]


def test_the_list_can_be_narrowed_to_a_type(app: App) -> None:
    make(app, asset_type="block")
    uid = make(app)["uid"]
    answer = app.get(ASSETS, asset_type="survey").json()
    assert (answer["count"], answer["results"][0]["uid"]) == (1, uid)


def test_the_list_has_what_is_shared_and_not_what_is_public(app: App) -> None:
    app.add_user("bob")
    shared, public = make(app)["uid"], make(app)["uid"]
    make(app)
    grant(shared, "bob", "view_asset")
    grant(public, ANONYMOUS, "view_asset")
    (row,) = app.get(ASSETS, user="bob").json()["results"]
    assert (row["uid"], row["status"], row["deployment__submission_count"]) == (shared, "shared", None)
    assert app.get(f"{ASSETS}{public}/", user="bob").json()["status"] == "public"
    assert app.get(ASSETS, user=None).json() == {"count": 0, "next": None, "previous": None, "results": []}


# Change


def test_a_whole_project_sent_back_changes_nothing(app: App, clock: Clock) -> None:
    uid = app.deploy(FORM)
    before = detail(app, uid)
    clock.forward(100)
    sent: list[dict[str, Any]] = [
        before,
        json.loads(json.dumps(before)),
        {},
        {"data_sharing": {}, "parent": None, "report_styles": {}, "map_custom": {}},
        {"data_sharing": None, "advanced_features": {}, "report_custom": None},
    ]
    for data in sent:
        answer = patch(app, uid, data)
        assert (answer.status, answer.json()) == (200, before)
    assert app.call("PATCH", f"{ASSETS}{uid}").json() == before
    assert detail(app, uid) == before


def test_how_reports_and_maps_look_is_kept_and_makes_no_version(app: App) -> None:
    uid = make(app)["uid"]
    sent: dict[str, Any] = {
        "report_styles": {"specified": {"end": {}}, "kuid_names": {"end": "kfFgJfDBs"}},
        "report_custom": {"crid1": {"name": "By age", "questions": ["age"]}},
        "map_styles": {"colorSet": "a"},
        "map_custom": json.dumps({"limit": 30.5}),
    }
    answer = patch(app, uid, sent).json()
    kept = {**sent, "report_styles": {"default": {}, **sent["report_styles"]}, "map_custom": {"limit": 30.5}}
    assert {name: answer[name] for name in kept} == kept
    assert answer["version_count"] == 1
    other = patch(app, uid, {"map_styles": {"colorSet": "b"}}).json()
    assert {name: other[name] for name in kept} == {**kept, "map_styles": {"colorSet": "b"}}
    assert patch(app, uid, other).json() == other == detail(app, uid)
    emptied = patch(app, uid, {name: {} for name in kept}).json()
    assert {name: emptied[name] for name in kept} == {
        "report_styles": {"default": {}, "specified": {}, "kuid_names": {}},
        "report_custom": {},
        "map_styles": {},
        "map_custom": {},
    }


def test_what_is_said_of_sharing_data_is_kept_and_found(app: App) -> None:
    uid = make(app)["uid"]
    make(app, name="Other")
    for sharing in ({"enabled": True, "fields": ["g/age"]}, {"enabled": True, "fields": []}):
        assert patch(app, uid, {"data_sharing": sharing}).json()["data_sharing"] == sharing
        (row,) = app.get(ASSETS, q="data_sharing__enabled:true").json()["results"]
        assert (row["uid"], row["data_sharing"]) == (uid, sharing)
    assert patch(app, uid, {"advanced_features": {"transcript": {}}}).json()["version_count"] == 1
    assert detail(app, uid)["advanced_features"] == {"transcript": {}}
    assert patch(app, uid, {"data_sharing": {}}).json()["data_sharing"] == {}


@pytest.mark.parametrize(
    ("sharing", "wrong"),
    [
        (
            {"fields": "age"},
            {"enabled": "The property is required", "fields": "The property must be an array"},
        ),
        ({"enabled": "yes", "fields": []}, {"enabled": "The property must be a boolean"}),
        ({"enabled": True}, {"fields": "The property is required"}),
    ],
)
def test_sharing_of_data_that_lacks_something_is_refused(app: App, sharing: Any, wrong: Any) -> None:
    answer = patch(app, make(app)["uid"], {"data_sharing": sharing})
    assert (answer.status, answer.json()) == (400, {"data_sharing": wrong})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{x", "Unable to parse JSON"),
        ([1], "Must be a JSON object"),
        ({"a": "x" * 50_000}, "Ensure this field has no more than 50000 characters."),
    ],
)
def test_looks_that_cannot_be_kept_are_refused(app: App, value: Any, message: str) -> None:
    uid = make(app)["uid"]
    for name in ("report_styles", "report_custom", "map_styles", "map_custom"):
        answer = patch(app, uid, {name: value})
        assert (answer.status, answer.json()) == (400, {name: [message]})


def test_a_project_sent_back_with_one_choice_more_makes_one_version(app: App) -> None:
    content = {
        "survey": [{"type": "select_one c", "name": "q", "label": "Q"}],
        "choices": [{"list_name": "c", "name": "a", "label": "A"}],
    }
    uid = app.deploy(content)
    before = detail(app, uid)
    changed = json.loads(json.dumps(before))
    changed["content"]["choices"].append({"list_name": "c", "name": "b", "label": ["B"]})
    after = patch(app, uid, changed).json()
    assert (after["version_count"], after["deployed_version_id"]) == (2, before["deployed_version_id"])
    assert after["version_id"] not in (before["version_id"], after["deployed_version_id"])
    assert after["content"]["choices"][0] == before["content"]["choices"][0]
    assert after["deployed_versions"]["results"] == before["deployed_versions"]["results"]


def test_content_may_come_back_as_json_text(app: App) -> None:
    made = make(app)
    for data in ({"content": json.dumps(made["content"])}, {"content": made["content"]}):
        assert patch(app, made["uid"], data).json()["version_id"] == made["version_id"]
    fields = {"content": json.dumps(made["content"])}
    assert send_form(app, "PATCH", f"{ASSETS}{made['uid']}/", fields).json() == made


def test_settings_merge_and_reset_and_make_no_version(app: App) -> None:
    made = make(app, settings={"description": "one", "mine": 1})
    standard = {"country": [], "country_codes": [], "description": "", "organization": "", "sector": {}}
    assert made["settings"] == {**standard, "description": "one", "mine": 1}
    canada = {"value": "CAN", "label": "Canada"}
    changed = patch(app, made["uid"], {"settings": {"country": [canada], "description": "two"}}).json()
    expected = {**standard, "description": "two", "mine": 1, "country": [canada], "country_codes": ["CAN"]}
    assert changed["settings"] == expected
    assert changed["version_id"] == made["version_id"]
    assert patch(app, made["uid"], {"settings": '{"sector": {"value": "H"}}'}).json()["settings"][
        "sector"
    ] == {"value": "H"}
    emptied = {"description": None, "organization": None, "mine": None}
    assert patch(app, made["uid"], {"settings": emptied}).json()["settings"] == {
        **expected,
        "description": "",
        "mine": None,
        "sector": {"value": "H"},
    }
    assert patch(app, made["uid"], {"settings": {}}).json()["settings"] == standard


def test_a_new_name_makes_a_version_with_the_same_content(app: App) -> None:
    made = make(app, name="One")
    changed = patch(app, made["uid"], {"name": "Two"}).json()
    assert (changed["name"], changed["version_count"]) == ("Two", 2)
    assert (changed["content"], changed["version__content_hash"]) == (
        made["content"],
        made["version__content_hash"],
    )
    assert patch(app, made["uid"], {"name": "Two"}).json()["version_count"] == 2


def test_the_type_of_a_project_changes_until_it_is_deployed(app: App) -> None:
    uid = make(app, asset_type="template")["uid"]
    assert patch(app, uid, {"asset_type": "survey"}).json()["asset_type"] == "survey"
    assert app.send("POST", f"{ASSETS}{uid}/deployment/", {"active": True}).status == 200
    answer = patch(app, uid, {"name": "New", "asset_type": "template"})
    assert (answer.status, list(answer.json())) == (400, ["asset_type"])
    assert (detail(app, uid)["asset_type"], detail(app, uid)["name"]) == ("survey", "")
    assert patch(app, uid, {"asset_type": "survey"}).status == 200


def test_tags_are_replaced_and_make_no_version(app: App) -> None:
    made = make(app, tag_string="one,two")
    changed = patch(app, made["uid"], {"tag_string": " new tag ,, x, x,new-tag"}).json()
    assert (changed["tag_string"], changed["version_count"]) == ("new-tag,x", 1)
    assert patch(app, made["uid"], {"tag_string": ""}).json()["tag_string"] == ""


def test_a_change_is_dated_and_signed(app: App, clock: Clock) -> None:
    app.add_user("bob")
    made = make(app)
    grant(made["uid"], "bob", "view_asset", "change_asset")
    clock.forward(60)
    changed = patch(app, made["uid"], {"name": "New"}, user="bob").json()
    assert changed["date_modified"] == "2026-08-02T08:11:05.000000Z"
    assert (changed["date_created"], changed["last_modified_by"], changed["created_by"]) == (
        made["date_created"], "bob", "ann",
    )  # fmt: skip


def test_two_changes_at_once_are_both_made(app: App) -> None:
    uid = make(app)["uid"]
    with doing("dynamodb.TransactWriteItems", lambda: _ok(patch(app, uid, {"settings": {"theirs": 1}}))):
        _ok(patch(app, uid, {"settings": {"mine": 2}}))
    assert {"theirs": 1, "mine": 2}.items() <= detail(app, uid)["settings"].items()


def _ok(answer: Answer) -> None:
    assert answer.status == 200, answer.text


def test_translations_that_a_payload_lacks_are_those_of_the_stored_form(app: App) -> None:
    languages = ["English (en)", "French (fr)"]
    row = {"type": "text", "name": "q", "label::English (en)": "Q", "label::French (fr)": "Qf"}
    made = make(app, content={"survey": [row]})
    assert made["content"]["translations"] == languages
    content = {"survey": [{"type": "text", "name": "q", "label": ["Q2", "Qf2"]}]}
    assert patch(app, made["uid"], {"content": content}).json()["content"]["translations"] == languages


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"asset_type": "x"}, "asset_type"),
        ({"content": "{"}, "content"),
        ({"name": "x" * 256}, "name"),
        ({"settings": "x"}, "settings"),
    ],
)
def test_a_change_that_will_not_do_changes_nothing(app: App, data: Any, field: str) -> None:
    made = make(app)
    answer = patch(app, made["uid"], {"tag_string": "new", **data})
    assert (answer.status, list(answer.json())) == (400, [field])
    assert detail(app, made["uid"]) == made


# Rights


def test_a_project_of_another_user_is_not_there(app: App) -> None:
    app.add_user("bob")
    uid = make(app)["uid"]
    for user in ("bob", None):
        for method, rest in (
            ("GET", ""),
            ("PATCH", ""),
            ("GET", "deployment/"),
            ("POST", "deployment/"),
            ("GET", "versions/"),
        ):
            answer = app.send(method, f"{ASSETS}{uid}/{rest}", {}, user=user)
            assert (answer.status, answer.json()) == (404, {"detail": "Not found."})
    unknown = app.get(f"{ASSETS}aUnknownUnknownUnknow2/", user="bob")
    assert unknown.text == app.get(f"{ASSETS}{uid}/", user="bob").text


@pytest.mark.parametrize(
    ("method", "rest"), [("PATCH", ""), ("POST", "deployment/"), ("PATCH", "deployment/")]
)
def test_who_may_only_look_is_forbidden_to_change(app: App, method: str, rest: str) -> None:
    app.add_user("bob")
    uid = make(app)["uid"]
    grant(uid, "bob", "view_asset")
    grant(uid, ANONYMOUS, "view_asset")
    forbidden = app.send(method, f"{ASSETS}{uid}/{rest}", {"name": "x"}, user="bob")
    assert (forbidden.status, forbidden.json()) == (
        403,
        {"detail": "You do not have permission to perform this action."},
    )
    assert app.send(method, f"{ASSETS}{uid}/{rest}", {"name": "x"}, user=None).status == 401
    assert app.get(f"{ASSETS}{uid}/", user=None).json()["name"] == ""


def test_effective_rights_are_those_of_the_caller(app: App) -> None:
    app.add_user("bob")
    uid = make(app)["uid"]
    grant(uid, "bob", "view_asset", "add_submissions")
    mine = {row["codename"] for row in detail(app, uid)["effective_permissions"]}
    theirs = {
        row["codename"] for row in app.get(f"{ASSETS}{uid}/", user="bob").json()["effective_permissions"]
    }
    assert mine > theirs == {"view_asset", "add_submissions"}


# Versions


def test_versions_are_listed_newest_first_with_drafts_numbered_behind(app: App, clock: Clock) -> None:
    """The clock stands still: order does not depend on it."""
    uid = make(app, name="1")["uid"]
    deployment = f"{ASSETS}{uid}/deployment/"
    patch(app, uid, {"name": "2"})
    app.send("POST", deployment, {"active": True})
    patch(app, uid, {"name": "3"})
    patch(app, uid, {"name": "4"})
    app.send("PATCH", deployment, {})
    patch(app, uid, {"name": "5"})
    page = app.get(f"{ASSETS}{uid}/versions/").json()
    assert page["count"] == 5
    assert [row["version_number"] for row in page["results"]] == ["2.1", "2", "1.1", "1", "0.1"]
    assert [row["date_deployed"] for row in page["results"]] == [
        False, "2026-08-02T08:10:05.000000Z", False, "2026-08-02T08:10:05.000000Z", False,
    ]  # fmt: skip
    newest = page["results"][0]
    assert list(newest) == ["uid", "url", "content_hash", "date_deployed", "date_modified", "version_number"]
    assert newest["uid"] == detail(app, uid)["version_id"]
    assert newest["url"] == f"{BASE}/assets/{uid}/versions/{newest['uid']}/"
    deployed = app.get(f"{ASSETS}{uid}/versions/", deployed="true").json()["results"]
    assert [row["version_number"] for row in deployed] == ["2", "1"]
    assert detail(app, uid)["deployed_versions"] == {
        "count": 2,
        "next": None,
        "previous": None,
        "results": deployed,
    }
    drafts = app.get(f"{ASSETS}{uid}/versions/", deployed="false").json()["results"]
    assert [row["version_number"] for row in drafts] == ["2.1", "1.1", "0.1"]
    assert app.get(f"{ASSETS}{uid}/versions", limit="2", start="1").json()["results"] == page["results"][1:3]


def test_a_version_has_its_content(app: App) -> None:
    made = make(app)
    patch(app, made["uid"], {"content": {"survey": [{"type": "note", "name": "n", "label": "N"}]}})
    for path in (
        f"versions/{made['version_id']}/",
        f"versions/{made['version_id']}",
        f"versions/{made['version_id']}.json",
    ):
        answer = app.get(f"{ASSETS}{made['uid']}/{path}").json()
        assert answer["content"] == made["content"]
        assert answer["content_hash"] == made["version__content_hash"]


@pytest.mark.parametrize("version", ["vX", "v" * 22, "x" * 250, "%00", "\N{SNOWMAN}"])
def test_an_unknown_version_is_not_found(app: App, version: str) -> None:
    answer = app.get(f"{ASSETS}{make(app)['uid']}/versions/{version}/")
    assert (answer.status, answer.json()) == (404, {"detail": "Not found."})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_versions_are_read_only(app: App, method: str) -> None:
    made = make(app)
    answer = app.send(method, f"{ASSETS}{made['uid']}/versions/{made['version_id']}/", {})
    assert (answer.status, answer.json()) == (405, {"detail": f'Method "{method}" not allowed.'})
