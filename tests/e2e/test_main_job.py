"""What formrelay is for, through the local stack: a filled form reaches the owner's servers, or a mail says why not."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import requests

from tests.e2e.stack import Stack, wait_until
from tests.support.forms import HOUSEHOLD_ANSWERS, fill, household_xlsx, small_jpeg

FILES = ("ana-10_3_11.jpg", "front door-10_5_40.jpg")


class Project:
    """A deployed household form with one hook, both made through the API."""

    def __init__(self, stack: Stack, sink: str, **hook: Any) -> None:
        self.stack, self.sink = stack, sink
        upload = {"file": ("household.xlsx", household_xlsx())}
        task = stack.post("/api/v2/imports/", data={"library": "false"}, files=upload).json()
        done = requests.get(task["url"], headers=stack.session.headers, timeout=10).json()
        self.uid: str = done["messages"]["created"][0]["uid"]
        deployed = stack.post(f"/api/v2/assets/{self.uid}/deployment/", json={"active": True})
        assert deployed.status_code == 200, deployed.text
        fields = {"name": sink, "endpoint": stack.sink_url(sink), **hook}
        made = stack.post(f"/api/v2/assets/{self.uid}/hooks/", json=fields)
        assert made.status_code == 201, made.text
        self.hook: str = made.json()["uid"]
        listed = ET.fromstring(stack.get(f"/formList?formID={self.uid}").content)  # noqa: S314 - our own answer
        url = next(element.text for element in listed.iter() if element.tag.endswith("downloadUrl"))
        assert url
        self.xform = requests.get(url, headers=stack.session.headers, timeout=10).text

    def submit(self, instance_id: str | None = None, files: tuple[str, ...] = FILES) -> requests.Response:
        """As ODK Collect does: a HEAD first, then multipart with Basic authentication."""
        auth = (self.stack.username, self.stack.password)
        headers = {
            "X-OpenRosa-Version": "1.0",
            "User-Agent": "org.odk.collect.android/v2026.1.0 Dalvik/2.1.0",
        }
        url = f"{self.stack.base_url}/submission?deviceID=collect%3AabC"
        assert requests.head(url, auth=auth, headers=headers, timeout=10).status_code == 204
        xml = fill(self.xform, HOUSEHOLD_ANSWERS, instance_id)
        parts: list[Any] = [("xml_submission_file", ("visit.xml", xml, "text/xml; charset=utf-8"))]
        parts += [(name, (name, small_jpeg(), "image/jpeg")) for name in files]
        return requests.post(url, files=parts, auth=auth, headers=headers, timeout=35)

    def logs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.stack.get(
            f"/api/v2/assets/{self.uid}/hooks/{self.hook}/logs/"
        ).json()["results"]
        return found


@pytest.fixture
def name() -> str:
    return f"sink-{uuid.uuid4().hex[:8]}"


def test_a_visit_filled_in_collect_arrives_as_json_with_its_files(stack: Stack, name: str) -> None:
    project = Project(stack, name)

    assert project.submit().status_code == 201

    wait_until(lambda: len(stack.sink(name)) == 1, "the delivery arrives")
    (received,) = stack.sink(name)
    (record,) = stack.get(f"/api/v2/assets/{project.uid}/data/").json()["results"]
    assert json.loads(received["body"]) == record
    assert record["hh/member"][0]["hh/member/dose"] == [
        {"hh/member/dose/date": "2026-01-01"},
        {"hh/member/dose/date": "2026-02-01"},
    ]
    assert record["_geolocation"] == [-1.2627557, 36.7926442]
    assert record["_submitted_by"] == stack.username
    portrait, photo = record["_attachments"]
    assert portrait["question_xpath"] == "hh/member[1]/portrait"
    assert photo["media_file_basename"] == "front door-10_5_40.jpg"
    assert photo["filename"].endswith("/front_door-10_5_40.jpg")
    bytes_ = requests.get(photo["download_url"], headers=stack.session.headers, timeout=10)
    assert bytes_.content == small_jpeg()


def test_the_same_visit_arrives_as_xml_at_a_hook_that_asks_for_it(stack: Stack, name: str) -> None:
    project = Project(stack, name, export_type="xml")

    assert project.submit().status_code == 201

    wait_until(lambda: len(stack.sink(name)) == 1, "the delivery arrives")
    (received,) = stack.sink(name)
    root = ET.fromstring(received["body"].encode())  # noqa: S314 - our own answer
    assert root.attrib["id"] == project.uid
    assert [member.findtext("name") for member in root.iter("member")] == ["Ana", "Björn"]


def test_a_resent_visit_is_neither_stored_nor_delivered_again(stack: Stack, name: str) -> None:
    project = Project(stack, name)
    instance_id = f"uuid:{uuid.uuid4()}"

    first, second = project.submit(instance_id), project.submit(instance_id)

    assert (first.status_code, second.status_code) == (201, 202)
    wait_until(lambda: len(stack.sink(name)) == 1, "the delivery arrives")
    assert stack.get(f"/api/v2/assets/{project.uid}/data/").json()["count"] == 1
    time.sleep(1)
    assert len(stack.sink(name)) == 1


def test_a_failing_receiver_is_tried_four_times_then_the_owner_gets_a_mail(stack: Stack, name: str) -> None:
    project = Project(stack, name)
    stack.tell_sink(name, status=503, times=100, body="down for repair")

    assert project.submit().status_code == 201

    wait_until(lambda: project.logs() and project.logs()[0]["status"] == 0, "the last attempt failed", 60)
    (log,) = project.logs()
    assert (log["tries"], log["status_code"], log["message"]) == (4, 503, "down for repair")
    attempts = stack.sink(name)
    assert len({attempt["body"] for attempt in attempts}) == 1
    assert len(attempts) == 4
    keys = [{k.lower(): v for k, v in attempt["headers"].items()}["idempotency-key"] for attempt in attempts]
    assert keys == [log["uid"]] * 4
    wait_until(lambda: any(log["uid"] in mail["text"] for mail in stack.mails()), "the mail arrives", 60)
    mail = next(mail for mail in stack.mails() if log["uid"] in mail["text"])
    assert mail["to"] == [stack.email]
    assert mail["subject"] == "REST Services Failure Report"


def test_a_receiver_that_recovers_gets_the_submission_by_retry(stack: Stack, name: str) -> None:
    project = Project(stack, name)
    stack.tell_sink(name, status=500, times=1)

    assert project.submit().status_code == 201

    wait_until(lambda: project.logs() and project.logs()[0]["status"] == 2, "the retry succeeded", 30)
    (log,) = project.logs()
    assert (log["tries"], log["status_code"]) == (2, 200)
