"""Whole surveys there and back: XLSForm → project → form → submissions → what the data API shows of them.

Forms of our own making stand in tests/data/surveys; tests/support/collect fills them in, seeded.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
from typing import Any

import pytest

from formrelay.openrosa import instance
from tests.data.surveys import emergency_food
from tests.data.surveys.build import SURVEYS, survey
from tests.support.app import App
from tests.support.aws import objects
from tests.support.collect import Filled, FormFiller
from tests.support.forms import XFORMS, parse
from tests.support.receiver import Receiver

# What a record has beside the answers, all of it known to the server alone.
_KNOWN = {
    "_id", "_xform_id_string", "_uuid", "meta/rootUuid", "_attachments", "_status", "_geolocation", "_submission_time",
    "_validation_status", "_submitted_by",
}  # fmt: skip


def import_form(app: App, name: str, data: bytes) -> str:
    """A project made of an XLSForm, as scripts do it; its uid."""
    encoded = base64.b64encode(data).decode()
    body = {"base64Encoded": f"base64:{encoded}", "name": name, "library": "false"}
    task = app.send("POST", "/api/v2/imports/", body).json()
    done = app.get(f"/api/v2/imports/{task['uid']}/").json()
    assert done["status"] == "complete", done
    uid: str = done["messages"]["created"][0]["uid"]
    return uid


def upload(app: App, name: str) -> str:
    """A deployed project made of one of the surveys; its uid."""
    uid = import_form(app, f"{name}.xlsx", survey(name))
    deployed = app.send("POST", f"/api/v2/assets/{uid}/deployment/", {"active": True})
    assert deployed.status == 200, deployed.text
    return uid


def xform(app: App, asset: str) -> str:
    form = app.get(f"/forms/{asset}/form.xml")
    assert form.status == 200
    return form.text


def in_order(answers: dict[str, Any]) -> str:
    """Text that also compares the order of keys."""
    return json.dumps(answers, ensure_ascii=False)


def is_shown_whole(app: App, asset: str, form: FormFiller, filled: Filled) -> None:
    """Holds one stored submission against what was filled in."""
    data = f"/api/v2/assets/{asset}/data/{filled.instance_id.removeprefix('uuid:')}"
    record = app.get(f"{data}.json").json()
    answers = {key: value for key, value in record.items() if key not in _KNOWN}
    assert in_order(answers) == in_order(filled.answers)
    assert app.get(f"{data}.xml").body == filled.xml.encode()
    assert record["_geolocation"] == geolocation(form, filled)
    shown = {file["media_file_basename"]: file for file in record["_attachments"]}
    assert {name: file["question_xpath"] for name, file in shown.items()} == filled.places
    for name, file in shown.items():
        path = file["download_url"].removeprefix("https://kf.example.org")
        assert app.get(path).body == filled.files[name], name


def geolocation(form: FormFiller, filled: Filled) -> list[float | None]:
    texts = [filled.answers[path] for path in form.geopoints if path in filled.answers]
    return [float(part) for part in texts[0].split()[:2]] if texts else [None, None]


@pytest.mark.parametrize("name", SURVEYS)
def test_every_answer_comes_back_under_its_path_and_the_xml_byte_for_byte(app: App, name: str) -> None:
    asset = upload(app, name)
    form = FormFiller(xform(app, asset))
    rng = random.Random(name)
    everything = [form.fill(rng) for _ in range(2 if name == "census" else 6)]
    for filled in everything:
        answer = app.submit(filled.xml, filled.files)
        assert answer.status == 201, answer.text
    for filled in everything:
        is_shown_whole(app, asset, form, filled)


@pytest.mark.parametrize("name", SURVEYS)
def test_every_question_of_the_project_stands_in_its_form_under_the_same_path(app: App, name: str) -> None:
    asset = upload(app, name)
    content = app.get(f"/api/v2/assets/{asset}/").json()["content"]
    form = parse(xform(app, asset))
    nodes = {bind.attrib["nodeset"].partition(f"/{asset}/")[2] for bind in form.iter(f"{{{XFORMS}}}bind")}
    elsewhere = {"audit", "start-geopoint", "csv-external", "xml-external"}
    asked = {
        row["$xpath"]
        for row in content["survey"]
        if not row["type"].startswith(("begin_", "end_")) and row["type"] not in elsewhere
    }
    assert asked - nodes == set()
    languages = [item.get("lang") for item in form.iter(f"{{{XFORMS}}}translation")]
    if content["translations"] != [None]:
        assert languages == content["translations"]


@pytest.mark.parametrize("name", SURVEYS)
def test_a_form_that_is_deployed_again_unchanged_stays_byte_for_byte(app: App, name: str) -> None:
    asset = upload(app, name)
    first = xform(app, asset)
    assert app.call("PATCH", f"/api/v2/assets/{asset}/deployment/").status == 200
    assert xform(app, asset) == first


def test_the_census_asks_a_thousand_questions(app: App) -> None:
    asset = upload(app, "census")
    assert app.get(f"/api/v2/assets/{asset}/").json()["summary"]["row_count"] > 1_000
    filled = FormFiller(xform(app, asset)).fill(random.Random(1))
    assert filled.xml.count("<s") > 1_000


@pytest.mark.parametrize("name", SURVEYS)
def test_the_workbooks_are_made_from_their_sources(app: App, name: str) -> None:
    from formrelay.forms.xlsform import import_xlsform

    assert import_xlsform(survey(name)) == import_xlsform(SURVEYS[name]())


def test_a_form_with_files_names_them_to_devices(app: App) -> None:
    asset = upload(app, "emergency_food")
    for name, data in emergency_food.MEDIA.items():
        made = app.send_form("POST", f"/api/v2/assets/{asset}/files/", [("content", (name, data, None))])
        assert made.status == 201, made.text
    assert app.call("PATCH", f"/api/v2/assets/{asset}/deployment/").status == 200
    form = parse(xform(app, asset))
    sources = {item.get("src", "").rpartition("/")[2] for item in form.iter(f"{{{XFORMS}}}instance")} - {""}
    assert sources == set(emergency_food.MEDIA)
    manifest = app.get(f"/xformsManifest/{asset}").text
    assert all(f"<filename>{name}</filename>" in manifest for name in sources)


def test_choices_that_devices_look_up_in_a_file_come_with_the_form(app: App) -> None:
    asset = upload(app, "facility")
    manifest = app.get(f"/xformsManifest/{asset}").text
    assert manifest.count("<filename>itemsets.csv</filename>") == 1
    url = manifest.partition("<downloadUrl>")[2].partition("</downloadUrl>")[0]
    media = app.get(url.removeprefix("https://kf.example.org"))
    assert (media.status, media.headers["content-type"]) == (200, "text/csv")
    assert media.text == (
        '"list_name","name","label","state"\n"city","brooklyn","Brooklyn","NY"\n"city","harlem","Harlem","NY"\n'
    )
    assert f"md5:{hashlib.md5(media.body).hexdigest()}" in manifest  # noqa: S324
    assert app.call("PATCH", f"/api/v2/assets/{asset}/deployment/").status == 200
    assert app.get(f"/xformsManifest/{asset}").text == manifest
    assert app.get(f"/api/v2/assets/{asset}/files/").json()["count"] == 0


def test_a_file_of_the_owner_takes_the_place_of_the_one_made(app: App) -> None:
    asset = upload(app, "facility")
    parts: Any = [("content", ("itemsets.csv", b"mine", None))]
    app.send_form("POST", f"/api/v2/assets/{asset}/files/", parts)
    assert app.call("PATCH", f"/api/v2/assets/{asset}/deployment/").status == 200
    manifest = app.get(f"/xformsManifest/{asset}").text
    assert manifest.count("<filename>itemsets.csv</filename>") == 1
    assert f"md5:{hashlib.md5(b'mine').hexdigest()}" in manifest  # noqa: S324
    assert len([key for key in objects(app.settings.bucket) if key.startswith("media/")]) == 1


@pytest.mark.parametrize("name", SURVEYS)
def test_a_form_that_is_downloaded_and_uploaded_again_is_the_same(app: App, name: str) -> None:
    def content(asset: str) -> Any:
        """The form without the marks of its rows, which every upload draws anew."""
        found = app.get(f"/api/v2/assets/{asset}/").json()["content"]
        for sheet in ("survey", "choices"):
            for row in found[sheet]:
                row.pop("$kuid")
        return found

    first = upload(app, name)
    file = app.get(f"/api/v2/assets/{first}.xls")
    assert file.status == 200
    again = import_form(app, f"{name}.xlsx", file.body)
    assert content(again) == content(first)


@pytest.mark.parametrize("name", ["facility", "living_standards"])
def test_hooks_are_sent_every_answer_too(app: App, receiver: Receiver, name: str) -> None:
    asset = upload(app, name)
    form = FormFiller(xform(app, asset))
    for kind in ("json", "xml"):
        app.add_hook(asset, receiver.url(f"/{kind}"), export_type=kind)
    filled = form.fill(random.Random(name))
    assert app.submit(filled.xml, filled.files).status == 201
    app.deliver()
    bodies = {request.path: request.body for request in receiver.requests}
    (record,) = app.records(asset)
    assert json.loads(bodies["/json"]) == record
    sent = instance.flatten(instance.read(bodies["/xml"]), form.repeats)
    assert in_order(sent) == in_order(filled.answers)
