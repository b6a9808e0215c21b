"""Failure mails through the local stack: what is in the mail box can be followed (contract rest-services §8)."""

from __future__ import annotations

import re
import uuid

import requests

from tests.e2e.stack import Stack, wait_until
from tests.e2e.test_main_job import Project


def test_the_link_in_a_mail_switches_the_mails_off(stack: Stack) -> None:
    name = f"sink-{uuid.uuid4().hex[:8]}"
    project = Project(stack, name)
    stack.tell_sink(name, status=410, times=100)
    assert project.submit().status_code == 201
    wait_until(lambda: any(name in mail["html"] for mail in stack.mails()), "the mail arrives", 90)
    mail = next(mail for mail in stack.mails() if name in mail["html"])
    part = mail["html"].split(f">{name}</span></strong>")[1]
    found = re.search(r'href="([^"]*/unsubscribe/[^"]*)"', part)
    assert found
    hook = f"/api/v2/assets/{project.uid}/hooks/{project.hook}/"

    page = requests.get(found[1], timeout=10)
    assert page.status_code == 200
    assert name in page.text
    assert stack.get(hook).json()["email_notification"] is True

    assert requests.post(found[1], timeout=10).status_code == 200
    assert stack.get(hook).json()["email_notification"] is False
    assert requests.get(found[1] + "x", timeout=10).status_code == 404
