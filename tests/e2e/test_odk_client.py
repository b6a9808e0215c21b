"""A device's whole day through the local stack: list, form, media, submission in parts, and what arrives."""

from __future__ import annotations

import random
import uuid

import pytest

from tests.data.surveys import emergency_food
from tests.data.surveys.build import survey
from tests.e2e.stack import Stack, wait_until
from tests.support.collect import FormFiller
from tests.support.odk import OdkClient, OdkError


@pytest.fixture
def asset(stack: Stack) -> str:
    """A deployed form with media."""
    made = stack.post(
        "/api/v2/imports/", files={"file": ("food.xlsx", survey("emergency_food"))}, data={"library": "false"}
    ).json()
    done = stack.get(f"/api/v2/imports/{made['uid']}/").json()
    uid: str = done["messages"]["created"][0]["uid"]
    for name, data in emergency_food.MEDIA.items():
        stack.post(f"/api/v2/assets/{uid}/files/", files={"content": (name, data)}).raise_for_status()
    stack.post(f"/api/v2/assets/{uid}/deployment/", json={"active": True}).raise_for_status()
    return uid


def test_a_device_gets_its_form_and_sends_what_was_filled_in(stack: Stack, asset: str) -> None:
    sink = f"device-{uuid.uuid4().hex[:8]}"
    hook = {"name": "sink", "endpoint": stack.sink_url(sink)}
    stack.post(f"/api/v2/assets/{asset}/hooks/", json=hook).raise_for_status()
    device = OdkClient(stack.base_url, stack.username, stack.password)

    (listed,) = [form for form in device.forms() if form.form_id == asset]
    form = device.download(listed)
    assert form.media == emergency_food.MEDIA

    filler = FormFiller(form.xform)
    rng = random.Random(3)
    filled = next(made for made in iter(lambda: filler.fill(rng), None) if len(made.files) >= 3)
    # Bytes that do not fit into one POST; two files together do, to the byte, and their multipart goes beyond.
    sizes = iter([1_999_000, 4_000_000 - 1_999_000 - len(filled.xml.encode())])
    files = {name: random.Random(name).randbytes(next(sizes, 50_000)) for name in filled.files}
    sent = device.submit(filled.xml, files)
    assert {status for status, _ in sent.posts} == {201}
    assert len(sent.posts) > 1
    assert max(sent.sizes) > 4_000_000

    record = stack.get(f"/api/v2/assets/{asset}/data/").json()["results"][0]
    assert {key: record[key] for key in filled.answers} == filled.answers
    shown = {file["media_file_basename"]: file for file in record["_attachments"]}
    assert {name: file["question_xpath"] for name, file in shown.items()} == filled.places
    for name, file in shown.items():
        assert stack.session.get(file["download_url"], timeout=35).content == files[name]
    wait_until(lambda: stack.sink(sink), "the submission reaches its hook")
    (delivered,) = stack.sink(sink)
    assert filled.instance_id in delivered["body"]

    assert [status for status, _ in device.submit(filled.xml, files).posts] == [202] * len(sent.posts)
    assert len(stack.sink(sink)) == 1


def test_a_device_with_a_wrong_password_is_told_so(stack: Stack, asset: str) -> None:
    device = OdkClient(stack.base_url, stack.username, "wrong")
    with pytest.raises(OdkError, match="401"):
        device.forms()


def test_a_device_without_credentials_sees_what_is_open_to_all(stack: Stack, asset: str) -> None:
    device = OdkClient(stack.base_url, path=f"/{stack.username}")
    assert device.forms() == []
