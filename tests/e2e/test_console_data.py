"""Submissions in the console: found, read with their pictures, validated, deleted, followed to hooks and back."""

from __future__ import annotations

import json
import random
import re
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import browser as chromium
from tests.e2e.browser import account, check, confirm, sign_in, sign_in_by_key
from tests.e2e.stack import Stack, wait_until
from tests.e2e.test_main_job import Project
from tests.support.forms import small_jpeg

pytestmark = chromium.needed


@pytest.fixture
def project(stack: Stack) -> Project:
    """Two submissions, delivered."""
    made = Project(stack, f"sink-{uuid.uuid4().hex[:8]}")
    for _ in range(2):
        assert made.submit().status_code == 201
    wait_until(lambda: [log["status"] for log in made.logs()] == [2, 2], "both deliveries arrive")
    return made


def edit(project: Project, ids: list[int], **answers: str) -> None:
    """Other answers than those of all visits."""
    data = {name.replace("__", "/"): value for name, value in answers.items()}
    path = f"{project.stack.base_url}/api/v2/assets/{project.uid}/data/bulk/"
    done = project.stack.session.patch(
        path, json={"payload": {"submission_ids": ids, "data": data}}, timeout=35
    )
    assert done.json()["successes"] == len(ids), done.text


def ids(project: Project) -> list[int]:
    """Newest first."""
    rows = project.stack.get(f"/api/v2/assets/{project.uid}/data/").json()["results"]
    return sorted((row["_id"] for row in rows), reverse=True)


def test_a_submission_is_found_read_validated_and_deleted(page: Page, stack: Stack, project: Project) -> None:
    newest, oldest = ids(project)
    edit(project, [oldest], loc__region="south", old__question="kept")
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}")
    page.get_by_role("link", name="Data", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody tr").first).to_contain_text(str(newest))
    page.get_by_role("combobox", name="Only where").select_option("Region")
    page.get_by_role("combobox", name="Region").select_option("South")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody a").click()

    expect(page.get_by_role("heading", name="Visit Ana")).to_be_visible()
    for question, answer in (("Region", "South"), ("Which languages are spoken?", "English, Swahili")):
        fact = page.locator("dl.facts > div", has=page.get_by_text(question, exact=True))
        expect(fact).to_contain_text(answer)
    expect(page.locator("section.answers", has_text="Not in the form")).to_have_count(0)
    expect(page.locator("dl.facts > div", has_text="old/question")).to_contain_text("kept")
    expect(page.locator(".turn", has_text="Björn")).to_be_visible()
    check(page, "submission")

    page.get_by_label("Validation").select_option("On hold")
    expect(page.get_by_text("Set by")).to_be_visible()
    record = f"/api/v2/assets/{project.uid}/data/{oldest}/"
    assert stack.get(record).json()["_validation_status"]["uid"] == "validation_status_on_hold"
    page.get_by_label("Validation").select_option("Without status")
    expect(page.get_by_text("Set by")).to_have_count(0)
    page.get_by_role("button", name="Delete submission").click()
    confirm(page)
    expect(page.get_by_text("Submissions: 1")).to_be_visible()
    assert stack.get(record).status_code == 404
    page.goto(f"/#/p/{project.uid}/data/{oldest}")
    expect(page.get_by_role("heading", name="Not found").first).to_be_visible()


def test_a_submission_is_read_by_the_form_that_was_filled_in(
    page: Page, stack: Stack, project: Project
) -> None:
    asset = f"{stack.base_url}/api/v2/assets/{project.uid}/"
    content = stack.session.get(asset, timeout=35).json()["content"]
    for row in content["survey"]:
        if row.get("name") == "region":
            row["label"] = ["District", "District"]
    stack.session.patch(asset, json={"content": content}, timeout=35).raise_for_status()
    version = stack.session.get(asset, timeout=35).json()["version_id"]
    deployed = {"active": True, "version_id": version}
    stack.session.patch(f"{asset}deployment/", json=deployed, timeout=35).raise_for_status()
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}/data")
    expect(page.get_by_role("columnheader", name="District")).to_be_visible()
    page.locator("tbody a").first.click()
    expect(page.locator("dl.facts dt", has_text="Region")).to_be_visible()
    expect(page.locator("dl.facts dt", has_text="District")).to_have_count(0)


def test_pictures_are_shown_enlarged_and_downloaded(page: Page, stack: Stack, project: Project) -> None:
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}/data/{ids(project)[0]}")
    small = page.locator(".thumbnail img")
    expect(small).to_have_count(2)
    assert small.first.evaluate("(one) => one.naturalWidth") == 2
    page.get_by_role("button", name="Enlarge: Portrait").click()
    expect(page.get_by_role("dialog").get_by_role("img", name="Portrait")).to_be_visible()
    check(page, "picture")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    with page.expect_download() as told:
        page.get_by_role("button", name="front door-10_5_40.jpg").click()
    assert told.value.suggested_filename == "front door-10_5_40.jpg"
    assert Path(told.value.path()).read_bytes() == small_jpeg()


def test_one_goes_from_a_submission_to_its_deliveries_and_back_and_to_its_neighbour(
    page: Page, stack: Stack, project: Project
) -> None:
    newest, oldest = ids(project)
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}/data")
    page.locator("tbody tr", has_text=str(newest)).get_by_role("link").click()
    delivery = page.get_by_role("cell").get_by_role("link", name=project.sink)
    expect(delivery).to_have_count(1)
    delivery.click()
    expect(page.get_by_role("heading", name=f"Submission {newest}")).to_be_visible()
    page.get_by_role("link", name="Open the submission").click()
    expect(page).to_have_url(re.compile(f"/data/{newest}$"))
    page.get_by_role("link", name="Older").click()
    expect(page).to_have_url(re.compile(f"/data/{oldest}$"))
    expect(page.get_by_role("link", name="Older")).to_have_count(0)
    expect(page.get_by_role("link", name="Newer")).to_be_visible()


def test_many_are_validated_and_deleted_at_once(page: Page, stack: Stack, project: Project) -> None:
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}/data")
    page.get_by_role("button", name="Choose all").click()
    for box in page.locator("tbody input").all():
        expect(box).to_be_checked()
    expect(page.get_by_text("Chosen: 2")).to_be_visible()
    page.get_by_label("Set status").select_option("Approved")
    expect(page.locator("td .badge", has_text="Approved")).to_have_count(2)
    page.get_by_label("Validation").select_option("On hold")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    page.get_by_label("Validation").select_option("Approved")
    page.locator("tbody input").first.check()
    page.get_by_role("button", name="Delete", exact=True).click()
    confirm(page)
    expect(page.locator("tbody tr")).to_have_count(1)
    assert len(ids(project)) == 1


def test_an_id_or_uuid_leads_to_its_submission(page: Page, stack: Stack, project: Project) -> None:
    (record, *_) = stack.get(f"/api/v2/assets/{project.uid}/data/").json()["results"]
    sign_in(page, stack)
    for text in (str(record["_id"]), record["_uuid"]):
        page.goto(f"/#/p/{project.uid}/data")
        page.get_by_label("Id or UUID").fill(text)
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_role("heading", name="Visit Ana")).to_be_visible()


def test_who_may_only_view_changes_nothing(page: Page, stack: Stack, project: Project) -> None:
    viewer, key = account(stack)
    right = {"user": f"/api/v2/users/{viewer}/", "permission": "/api/v2/permissions/view_submissions/"}
    assert stack.post(f"/api/v2/assets/{project.uid}/permission-assignments/", json=right).status_code == 201
    sign_in_by_key(page, key)
    page.goto(f"/#/p/{project.uid}/data")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody input")).to_have_count(0)
    page.locator("tbody a").first.click()
    expect(page.get_by_role("heading", name="Visit Ana")).to_be_visible()
    expect(page.get_by_role("button", name="Delete submission")).to_have_count(0)
    expect(page.get_by_label("Validation")).to_have_count(0)


def test_a_form_too_long_for_one_answer_is_shown_without_its_choices(page: Page, stack: Stack) -> None:
    """What the API answers with a redirect to S3, where no page may follow it."""
    text = random.Random(1)
    letters = [chr(code) for code in range(0x20, 0x7F) if chr(code) not in '\\"']
    labels = ["".join(text.choices(letters, k=2_000)) for _ in range(2_800)]
    choices = [{"list_name": "l", "name": f"c{n}", "label": label} for n, label in enumerate(labels)]
    survey = [{"type": "select_one l", "name": "q", "label": "The only question"}]
    content = {"survey": survey, "choices": choices}
    made = stack.post(
        "/api/v2/assets/",
        data=json.dumps({"name": "Long", "asset_type": "survey", "content": content}),
        headers={"Content-Type": "application/json"},
        allow_redirects=False,
    )
    assert made.status_code == 302
    uid = stack.get("/api/v2/assets/", params={"q": "name:Long"}).json()["results"][0]["uid"]
    whole = stack.get(f"/api/v2/assets/{uid}/", allow_redirects=False)
    assert whole.status_code == 302
    sign_in(page, stack)
    for tab in ("hooks", "form", "sharing"):
        page.goto(f"/#/p/{uid}/{tab}")
        expect(page.get_by_role("heading", name="Long", exact=True)).to_be_visible()
        expect(page.locator("nav.tabs a[aria-current]")).to_have_attribute("href", re.compile(f"/{tab}$"))
    page.goto(f"/#/p/{uid}/form")
    expect(page.get_by_role("cell", name="The only question")).to_be_visible()
