"""``…/hooks/{hook}/preview/``: what is shown is what is sent."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from tests.support.app import FORM, PASSWORD, App
from tests.support.forms import data_form, household_xlsx, small_jpeg
from tests.support.grants import grant
from tests.support.receiver import Received
from tests.support.world import World

NOT_FOUND = {"detail": "Not found."}
FIRST, SECOND = "uuid:11111111-1111-4111-8111-111111111111", "uuid:22222222-2222-4222-8222-222222222222"


def preview(world: World, fields: dict[str, Any] | None = None, submission: str = "") -> dict[str, Any]:
    query = f"submission={quote(submission)}" if submission else ""
    body = b"" if fields is None else json.dumps(fields).encode()
    method = "GET" if fields is None else "POST"
    headers = {"content-type": "application/json"}
    answer = world.app.call(method, world.hook_path("preview/"), body=body, headers=headers, query=query)
    assert answer.status == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def header(shown: dict[str, Any], name: str) -> str | None:
    return next((h["value"] for h in shown["headers"] if h["name"].lower() == name.lower()), None)


def assert_same(shown: dict[str, Any], request: Received) -> None:
    """The preview against what a real receiver got, byte by byte where nothing is masked."""
    assert shown["method"] == request.method
    assert shown["url"].endswith(request.path)
    assert shown["body"].encode() == request.body
    assert shown["sha256"] == hashlib.sha256(request.body).hexdigest()
    assert shown["size"] == len(request.body)
    assert shown["body_cut"] is False
    masked = ("authorization", "webhook-signature")
    shown_headers = [(h["name"], h["value"]) for h in shown["headers"]]
    assert [name for name, _ in shown_headers] == [name for name, _ in request.headers]
    assert [pair for pair in shown_headers if pair[0].lower() not in masked] == [
        pair for pair in request.headers if pair[0].lower() not in masked
    ]


# The same as what is sent


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"export_type": "xml"},
        {"export_type": "xml", "subset_fields": ["who", "meta"]},
        {"subset_fields": ["name", "who"], "payload_template": '{"fields": %SUBMISSION%}'},
        {"subset_fields": ["nosuch"]},
        {
            "auth_level": "basic_auth",
            "settings": {
                "username": "u",
                "password": "p",
                "custom_headers": {
                    "X-A": "é",
                    "x-Z": "Žofie",
                    "content-type": "text/plain",
                },
            },
        },
    ],
)
def test_the_preview_of_the_newest_submission_is_what_the_receiver_gets(
    world: World, fields: dict[str, Any]
) -> None:
    world.change_hook(**fields)
    world.submit(name="older")
    world.run(0)
    world.clock.forward(1)
    world.app.send("POST", world.hook_path("secret/"))
    xml = world.app.filled(
        world.asset, {"name": "Björn & Bo", "member": [{"who": "Bo"}], "photo": "photo.jpg"}
    )
    world.app.submit(xml, {"photo.jpg": small_jpeg()})
    shown = preview(world)
    world.run(0)
    assert_same(shown, world.requests[-1])
    assert shown["sample"] is False
    assert shown["submission"]["_id"] == world.app.records(world.asset)[-1]["_id"]


def test_the_url_is_shown_as_it_goes_out(world: World) -> None:
    world.change_hook(endpoint=world.receiver.url("/ä b/%C3%BC?q=ö"))
    world.submit()
    shown = preview(world)
    world.run(0)
    assert_same(shown, world.requests[-1])
    assert shown["url"] == world.receiver.url("/%C3%A4%20b/%C3%BC?q=%C3%B6")


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("https://93.184.216.34:443/a", "93.184.216.34"),
        ("http://93.184.216.34:80", "93.184.216.34"),
        ("http://93.184.216.34:443", "93.184.216.34:443"),
        ("https://[2606:2800:220:1::1]:8443/", "[2606:2800:220:1::1]:8443"),
        ("https://[2606:2800:220:1::1]/", "[2606:2800:220:1::1]"),
    ],
)
def test_the_host_is_named_without_the_port_of_the_scheme(world: World, endpoint: str, host: str) -> None:
    assert header(preview(world, {"endpoint": endpoint}), "Host") == host


def test_an_edited_submission_is_shown_as_it_was_created(world: World) -> None:
    xml = world.app.filled(world.asset, {"name": "Ana"}, FIRST)
    world.app.submit(xml)
    changed = xml.replace("Ana", "Bea").replace(
        f"<instanceID>{FIRST}</instanceID>",
        f"<instanceID>{SECOND}</instanceID><deprecatedID>{FIRST}</deprecatedID>",
    )
    assert world.app.submit(changed).status == 201
    shown = preview(world)
    world.run(0)
    assert_same(shown, world.requests[-1])
    assert json.loads(shown["body"])["name"] == "Ana"


def test_a_preview_sends_and_stores_nothing(world: World) -> None:
    world.submit()
    world.run(0)
    before = world.app.get(world.hook_path()).json()
    preview(world)
    preview(world, {"name": "other", "active": False})
    world.run(600)
    assert len(world.requests) == 1
    assert world.app.get(world.hook_path()).json() == before


# Which submission


def test_a_submission_can_be_named_by_its_id_or_its_uuid(world: World) -> None:
    sid = world.submit(name="first")
    world.clock.forward(1)
    world.submit(name="second")
    uuid = next(record["_uuid"] for record in world.app.records(world.asset) if record["_id"] == sid)
    for name in (str(sid), uuid, f"uuid:{uuid}"):
        shown = preview(world, submission=name)
        assert json.loads(shown["body"])["name"] == "first"
        assert shown["submission"] == {"_id": sid, "_uuid": uuid}
    assert json.loads(preview(world)["body"])["name"] == "second"


@pytest.mark.parametrize("name", ["17", "9" * 5000, "uuid:none", "x" * 9000, "%00", "../data", "-1"])
def test_a_submission_that_there_is_not_is_not_found(world: World, name: str) -> None:
    world.submit()
    answer = world.app.get(world.hook_path("preview/"), submission=name)
    assert (answer.status, answer.json()) == (404, NOT_FOUND)


def test_a_submission_of_another_project_is_not_found(world: World) -> None:
    other = world.app.deploy(FORM)
    world.app.submit(world.app.filled(other, {"name": "x"}))
    sid = world.app.records(other)[0]["_id"]
    assert world.app.get(world.hook_path("preview/"), submission=str(sid)).status == 404


# Samples


def test_without_submissions_a_sample_is_made_of_the_form_and_said_to_be_one(world: World) -> None:
    shown = preview(world)
    assert shown["sample"] is True
    body = json.loads(shown["body"])
    assert body["name"] == "Sample answer"
    assert body["member"] == [{"member/who": "Sample answer"}]
    assert body["_geolocation"] == [-1.2627557, 36.7926442]
    assert [file["question_xpath"] for file in body["_attachments"]] == ["photo"]
    assert body["_attachments"][0]["media_file_basename"] == body["photo"]
    assert body["_xform_id_string"] == world.asset
    assert preview(world) == shown


def test_a_sample_has_the_keys_of_a_real_submission_in_their_order(world: World) -> None:
    sample = json.loads(preview(world)["body"])
    values = {
        "name": "Ana",
        "age": "3",
        "member": [{"who": "Bo"}],
        "gps": "1 2 0 0",
        "photo": "photo.jpg",
    }
    world.app.submit(world.app.filled(world.asset, values), {"photo.jpg": small_jpeg()})
    real = json.loads(preview(world)["body"])
    assert list(sample) == list(real)
    assert list(sample["_attachments"][0]) == list(real["_attachments"][0])


def test_a_sample_can_be_asked_for_beside_submissions(world: World) -> None:
    world.submit(name="real")
    assert preview(world, submission="sample")["sample"] is True
    assert preview(world)["sample"] is False


def test_a_sample_goes_out_as_xml_too(world: World) -> None:
    shown = preview(world, {"export_type": "xml", "subset_fields": ["who"]})
    root = ET.fromstring(shown["body"])  # noqa: S314
    assert root.tag == world.asset
    assert root.attrib["id"] == world.asset
    assert root.findtext("member/who") == "Sample answer"
    assert shown["content_type"] == "application/xml"


def test_a_form_that_is_not_deployed_has_a_sample(app: App, world: World) -> None:
    made = app.send("POST", "/api/v2/assets/", {"name": "Draft", "asset_type": "survey", "content": FORM})
    asset = made.json()["uid"]
    hook = app.add_hook(asset, world.receiver.url())
    answer = app.get(f"/api/v2/assets/{asset}/hooks/{hook}/preview/")
    assert answer.status == 200
    assert json.loads(answer.json()["body"])["name"] == "Sample answer"


def test_a_draft_that_lacks_something_has_none_and_the_error_says_why(app: App, world: World) -> None:
    rating = [{"type": "begin_score", "name": "sc", "label": "Rate"}, {"type": "end_score"}]
    made = app.send("POST", "/api/v2/assets/", {"asset_type": "survey", "content": {"survey": rating}})
    asset = made.json()["uid"]
    hook = app.add_hook(asset, world.receiver.url())
    answer = app.get(f"/api/v2/assets/{asset}/hooks/{hook}/preview/")
    assert answer.status == 400
    assert "kobo--score-choices" in answer.json()["detail"]


@pytest.mark.parametrize("form", ["food_security", "birth_history"])
def test_every_answer_of_a_sample_stands_where_a_form_client_puts_it(
    app: App, world: World, form: str
) -> None:
    asset = app.deploy(data_form(form))
    hook = app.add_hook(asset, world.receiver.url(), export_type="xml")
    path = f"/api/v2/assets/{asset}/hooks/{hook}/preview/"
    sample = ET.fromstring(app.get(path).json()["body"])  # noqa: S314
    empty = ET.fromstring(app.filled(asset, {}))  # noqa: S314

    def places(root: ET.Element) -> set[str]:
        """Paths of all elements, names without namespaces and the template of repeats like their instances."""
        found: set[str] = set()

        def walk(node: ET.Element, prefix: str) -> None:
            for child in node:
                place = f"{prefix}/{child.tag.rpartition('}')[2]}"
                found.add(place)
                walk(child, place)

        walk(root, "")
        return found

    assert len(places(sample)) > 10
    form_xml = app.get(f"/forms/{asset}/form.xml").text
    instance = ET.fromstring(form_xml).find(".//{*}instance/*")  # noqa: S314
    assert instance is not None
    assert places(sample) <= places(instance) | places(empty)


def test_the_demo_form_has_a_sample(app: App, world: World) -> None:
    files: Any = [("file", ("household.xlsx", household_xlsx(), "application/octet-stream"))]
    task = app.send_form("POST", "/api/v2/imports/", files)
    created = app.get(task.json()["url"].removeprefix("https://kf.example.org")).json()
    asset = created["messages"]["created"][0]["uid"]
    app.send("POST", f"/api/v2/assets/{asset}/deployment/", {"active": True})
    hook = app.add_hook(asset, world.receiver.url(), subset_fields=["loc", "languages", "dose"])
    shown = app.get(f"/api/v2/assets/{asset}/hooks/{hook}/preview/").json()
    body = json.loads(shown["body"])
    assert list(body) == ["loc/region", "loc/gps", "hh/languages", "hh/member"]
    assert len(body["hh/languages"].split()) == 2


def test_a_form_with_a_name_that_xml_does_not_take_has_no_sample(app: App, world: World) -> None:
    content = {"survey": [{"type": "text", "name": "a b", "label": "x"}]}
    made = app.send("POST", "/api/v2/assets/", {"name": "Bad", "asset_type": "survey", "content": content})
    asset = made.json()["uid"]
    hook = app.add_hook(asset, world.receiver.url())
    answer = app.get(f"/api/v2/assets/{asset}/hooks/{hook}/preview/")
    assert answer.status == 400
    assert answer.json()["detail"].startswith("No sample can be made of this form: ")


# Masks


def test_credentials_and_signatures_are_masked_and_custom_headers_shown(world: World) -> None:
    secret = world.app.send("POST", world.hook_path("secret/")).json()["secret"]
    world.app.send("POST", world.hook_path("secret/"))
    world.change_hook(
        auth_level="basic_auth",
        settings={"username": "u", "password": PASSWORD, "custom_headers": {"X-Token": "1234abcd"}},
    )
    world.submit()
    shown = preview(world)
    assert header(shown, "Authorization") == "Basic ********"
    assert header(shown, "webhook-signature") == "v1,******** v1,********"
    assert header(shown, "X-Token") == "1234abcd"
    world.run(0)
    text = json.dumps(shown)
    sent = world.requests[-1]
    for hidden in (PASSWORD, secret[6:], (sent.header("Authorization") or "")[6:]):
        assert hidden not in text
    for signature in (sent.header("webhook-signature") or "").split():
        assert signature[3:] not in text


@pytest.mark.parametrize(("value", "shown"), [("Bearer abc def", "Bearer ********"), ("abc", "********")])
def test_an_authorization_of_the_owners_own_is_masked_too(world: World, value: str, shown: str) -> None:
    settings = {"custom_headers": {"authorization": value}}
    assert header(preview(world, {"settings": settings}), "authorization") == shown


# Changes that are not saved


def test_fields_that_are_not_saved_are_shown_as_if_they_were(world: World) -> None:
    world.submit(name="Ana")
    changes = {
        "endpoint": world.receiver.url("/other"),
        "subset_fields": ["name"],
        "payload_template": "[%SUBMISSION%]",
        "settings": {"custom_headers": {"X-A": "b"}},
        "auth_level": "no_auth",
    }
    shown = preview(world, changes)
    assert json.loads(shown["body"]) == [{"name": "Ana"}]
    assert header(shown, "X-A") == "b"
    assert shown["url"] == world.receiver.url("/other")
    world.change_hook(**changes)
    assert preview(world) == shown


def test_the_masked_password_stands_for_the_stored_one(world: World) -> None:
    world.change_hook(auth_level="basic_auth", settings={"username": "u", "password": "p"})
    hook = world.app.get(world.hook_path()).json()
    assert header(preview(world, hook), "Authorization") == "Basic ********"


@pytest.mark.parametrize(
    "fields",
    [
        {"endpoint": "ftp://x"},
        {"endpoint": "http://10.0.0.1/"},
        {"payload_template": '"%SUBMISSION%"'},
        {"payload_template": "%SUBMISSION%", "export_type": "xml"},
        {"settings": {"custom_headers": {"Host": "x"}}},
        {"settings": {"password": "********:h" + "2" * 21}},
        {"subset_fields": "x"},
        {"name": ""},
    ],
)
@pytest.mark.parametrize("route", ["preview/", "test/"])
def test_fields_are_checked_as_for_a_change(world: World, fields: dict[str, Any], route: str) -> None:
    refused = world.app.send("PATCH", world.hook_path(), fields)
    answer = world.app.send("POST", world.hook_path(route), fields)
    assert (answer.status, answer.json()) == (400, refused.json())


def test_a_wrapper_that_grows_too_large_is_named(world: World) -> None:
    world.submit(name="x" * 100_000)
    answer = world.app.send(
        "POST", world.hook_path("preview/"), {"payload_template": "[" + "%SUBMISSION%," * 200 + "0]"}
    )
    assert answer.status == 400
    assert answer.json()["detail"].startswith("The hook cannot be sent: the custom wrapper makes a body")


def test_a_large_body_is_cut_and_said_to_be(world: World) -> None:
    world.submit(name="é" * 100_000)
    shown = preview(world)
    world.run(0)
    sent = world.requests[-1].body
    assert shown["body_cut"] is True
    assert (shown["size"], shown["sha256"]) == (len(sent), hashlib.sha256(sent).hexdigest())
    assert shown["body"].encode() == sent[:500_000]


# Who


@pytest.mark.parametrize(("method", "route"), [("GET", "preview/"), ("POST", "preview/"), ("POST", "test/")])
def test_who_may_not_edit_the_hook_finds_neither(world: World, method: str, route: str) -> None:
    world.app.add_user("bob")
    for user in ("bob", None):
        answer = world.app.send(method, world.hook_path(route), user=user)
        assert (answer.status, answer.json()) == (404, NOT_FOUND)
    grant(world.asset, "bob", "view_asset", "change_asset")
    assert world.app.send(method, world.hook_path(route), user="bob").status == 404
    grant(world.asset, "bob", "view_asset", "change_asset", "view_submissions")
    assert world.app.send(method, world.hook_path(route), user="bob").status == 200
    unknown = f"/api/v2/assets/{world.asset}/hooks/h{'2' * 21}/{route}"
    assert world.app.send(method, unknown).status == 404
