"""Sharing in the console: who may do what on which submissions, what is open to anybody, and giving projects away."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e import browser as chromium
from tests.e2e.browser import account, check, confirm, sign_in, sign_in_by_key
from tests.e2e.stack import Stack
from tests.e2e.test_main_job import Project

pytestmark = chromium.needed


@pytest.fixture
def project(stack: Stack) -> Project:
    return Project(stack, f"sink-{uuid.uuid4().hex[:8]}")


def rights(project: Project, name: str) -> dict[str, Any]:
    """What somebody holds: row-level queries by right, nothing for rights on all submissions."""
    found: dict[str, Any] = {}
    for row in project.stack.get(f"/api/v2/assets/{project.uid}/permission-assignments/").json():
        if row["user"].endswith(f"/{name}/"):
            found[row["permission"].split("/")[-2]] = None
            for part in row.get("partial_permissions", []):
                found[part["url"].split("/")[-2]] = part["filters"]
    return found


def row(page: Page, name: str) -> Locator:
    return page.locator("tbody tr", has_text=name)


def seen_by(stack: Stack, project: Project, key: str | None) -> requests.Response:
    headers = {"Authorization": f"Token {key}"} if key else {}
    return requests.get(f"{stack.base_url}/api/v2/assets/{project.uid}/data/", headers=headers, timeout=35)


def test_somebody_gets_rights_on_some_submissions_then_on_all_then_none(
    page: Page, stack: Stack, project: Project
) -> None:
    assert project.submit().status_code == 201
    name, key = account(stack)
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}/sharing")
    expect(page.get_by_text("Nobody else has rights")).to_be_visible()
    page.get_by_label("User name").fill(name)
    page.get_by_role("checkbox", name="View submissions").check()
    page.get_by_role("radio", name="Only some").check()
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="Say which submissions")).to_be_visible()
    page.get_by_role("combobox", name="View submissions").select_option("Region")
    page.get_by_role("combobox", name="Region").select_option("South")
    page.get_by_role("button", name="Add a condition").click()
    page.get_by_label("User name").last.fill("ann, bob")
    page.get_by_role("button", name="Share", exact=True).click()
    expect(row(page, name)).to_contain_text("Region: South or Sent by: ann, bob")
    assert rights(project, name) == {
        "view_asset": None, "partial_submissions": None,
        "view_submissions": [{"loc/region": "south"}, {"_submitted_by": {"$in": ["ann", "bob"]}}],
    }  # fmt: skip
    assert seen_by(stack, project, key).json()["count"] == 0
    check(page, "sharing")

    row(page, name).get_by_role("button", name="Edit").click()
    expect(page.get_by_role("combobox", name="Region")).to_have_value("south")
    page.get_by_role("radio", name="All submissions").check()
    page.get_by_role("checkbox", name="Validate submissions").check()
    expect(page.get_by_role("checkbox", name="View submissions")).to_be_disabled()
    page.get_by_role("button", name="Save").click()
    expect(row(page, name)).to_contain_text("View submissions, Validate submissions")
    assert rights(project, name).keys() == {"view_asset", "view_submissions", "validate_submissions"}
    assert seen_by(stack, project, key).json()["count"] == 1

    row(page, name).get_by_role("button", name="Edit").click()
    page.get_by_role("checkbox", name="Validate submissions").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(row(page, name)).not_to_contain_text("Validate submissions")
    assert rights(project, name).keys() == {"view_asset", "view_submissions"}

    row(page, name).get_by_role("button", name="Take away").click()
    confirm(page)
    expect(row(page, name)).to_have_count(0)
    assert rights(project, name) == {}


def test_conditions_that_the_form_has_no_words_for_are_shown_and_kept(
    page: Page, stack: Stack, project: Project
) -> None:
    name, _ = account(stack)
    api, query = f"{stack.base_url}/api/v2", {"hh/size": {"$gt": "2"}, "consent": "yes"}
    given = {
        "user": f"{api}/users/{name}/", "permission": f"{api}/permissions/partial_submissions/",
        "partial_permissions": [{"url": f"{api}/permissions/delete_submissions/", "filters": [query]}],
    }  # fmt: skip
    path = f"/api/v2/assets/{project.uid}/permission-assignments/"
    assert stack.post(path, json=given).status_code == 201
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}/sharing")
    expect(row(page, name)).to_contain_text('{"hh/size":{"$gt":"2"},"consent":"yes"}')
    row(page, name).get_by_role("button", name="Edit").click()
    text = page.get_by_role("textbox", name="Query")
    kept = text.input_value()
    text.fill("{nonsense")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The query is not valid JSON.")).to_be_visible()
    text.fill(kept)
    page.get_by_role("checkbox", name="Add submissions").check()
    page.get_by_role("button", name="Save").click()
    expect(row(page, name)).to_contain_text("Add submissions")
    assert rights(project, name) == {
        "view_asset": None, "add_submissions": None, "partial_submissions": None,
        "delete_submissions": [query], "view_submissions": [query],
    }  # fmt: skip


def test_a_name_that_nobody_has_is_told_beside_it(page: Page, stack: Stack, project: Project) -> None:
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}/sharing")
    for label, button in (("User name", "Share"), ("New owner", "Offer it")):
        page.get_by_label(label).fill("nobody-of-that-name")
        page.get_by_role("button", name=button, exact=True).click()
        if button == "Offer it":
            confirm(page)
        expect(page.get_by_text("There is no account of that name.")).to_have_count(1)
        page.reload()
    page.get_by_label("User name").fill(stack.username)
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_text("The owner may do everything already.")).to_be_visible()


def test_anybody_may_submit_and_view_while_the_switches_are_on(
    page: Page, stack: Stack, project: Project
) -> None:
    assert project.submit().status_code == 201
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}/sharing")
    view, submit = (
        page.get_by_role("checkbox", name="Anybody may view the submissions"),
        page.get_by_role("checkbox", name="Anybody may submit"),
    )
    assert seen_by(stack, project, None).status_code == 404
    view.click()
    confirm(page)
    expect(view).to_be_checked()
    # Whoever sees the data sees the form.
    expect(page.get_by_role("checkbox", name="Anybody may view the form")).to_be_checked()
    assert seen_by(stack, project, None).json()["count"] == 1
    submit.click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(submit).not_to_be_checked()
    submit.click()
    confirm(page)
    expect(page.get_by_text(f"{stack.base_url}/{stack.username}", exact=True)).to_be_visible()
    listed = requests.get(f"{stack.base_url}/{stack.username}/formList", timeout=10)
    assert project.uid in listed.text
    submit.click()
    expect(page.get_by_text(f"{stack.base_url}/{stack.username}", exact=True)).to_have_count(0)
    page.get_by_role("checkbox", name="Anybody may view the form").click()
    expect(view).not_to_be_checked()
    assert rights(project, "AnonymousUser") == {}


def test_who_manages_nothing_sees_their_own_rights_and_may_leave(
    page: Page, stack: Stack, project: Project
) -> None:
    name, key = account(stack)
    other, _ = account(stack)
    for user in (name, other):
        right = {"user": f"/api/v2/users/{user}/", "permission": "/api/v2/permissions/view_submissions/"}
        path = f"/api/v2/assets/{project.uid}/permission-assignments/"
        assert stack.post(path, json=right).status_code == 201
    sign_in_by_key(page, key)
    page.goto(f"/#/p/{project.uid}/sharing")
    expect(row(page, name)).to_contain_text("View submissions")
    expect(row(page, other)).to_have_count(0)
    expect(page.get_by_role("button", name="Share", exact=True)).to_have_count(0)
    expect(page.get_by_role("checkbox", name="Anybody may submit")).to_be_disabled()
    page.get_by_role("button", name="Leave the project").click()
    confirm(page)
    expect(page.get_by_role("heading", name="No projects yet")).to_be_visible()
    assert rights(project, name) == {}


def test_a_project_is_offered_taken_back_declined_and_taken_over(
    browser: Browser, page: Page, stack: Stack, project: Project
) -> None:
    name, key = account(stack)
    sign_in(page, stack)

    def offer() -> None:
        page.goto(f"/#/p/{project.uid}/sharing")
        page.reload()
        page.get_by_label("New owner").fill(name)
        page.get_by_role("button", name="Offer it").click()
        confirm(page)
        expect(page.get_by_text(f"Offered to {name}:")).to_be_visible()

    offer()
    page.get_by_role("button", name="Take the offer back").click()
    expect(page.get_by_text("Taken back", exact=True)).to_be_visible()
    with chromium.tab(browser, stack) as theirs:
        sign_in_by_key(theirs, key)
        expect(theirs.get_by_text("wants to give you")).to_have_count(0)
        offer()
        theirs.reload()
        expect(theirs.get_by_text(f"{stack.username} wants to give you")).to_be_visible()
        check(theirs, "offered")
        theirs.get_by_role("button", name="Decline").click()
        expect(theirs.get_by_text("wants to give you")).to_have_count(0)
        offer()
        theirs.locator("details.menu summary").click()
        theirs.get_by_role("link", name="Offered projects").click()
        expect(theirs.locator("tbody tr")).to_have_count(3)
        check(theirs, "offers")
        theirs.get_by_role("button", name="Accept").click()
        confirm(theirs)
        expect(theirs.locator("tbody tr").first).to_contain_text("Accepted")
        theirs.goto("/#/")
        expect(theirs.get_by_role("link", name="Household visit")).to_be_visible()
    assert stack.get(f"/api/v2/assets/{project.uid}/").json()["owner__username"] == name
    page.reload()
    expect(row(page, name)).to_contain_text("Everything, as the owner")
    expect(page.get_by_label("New owner")).to_have_count(0)
