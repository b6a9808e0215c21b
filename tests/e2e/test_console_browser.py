"""The console in a real browser, through the local stack: what an owner does on a day when a receiver breaks."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.e2e import browser as chromium
from tests.e2e.browser import account, check, confirm, sign_in, sign_in_by_key
from tests.e2e.stack import Stack
from tests.e2e.test_main_job import Project

pytestmark = chromium.needed


@pytest.fixture
def sink() -> str:
    return f"sink-{uuid.uuid4().hex[:8]}"


def test_wrong_credentials_are_told_and_no_browser_window_asks(page: Page, stack: Stack) -> None:
    page.goto("/")
    page.get_by_label("User name").fill(stack.username)
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").first).to_have_text("Name, password or key is wrong.")


def test_the_page_is_a_few_files_that_are_fetched_once(page: Page) -> None:
    files: list[str] = []
    page.on("response", lambda answer: files.append(answer.url) if "/console/" in answer.url else None)
    page.goto("/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    names = {"app.js", "icon.svg", "style.css", "words-en.js"}
    assert {url.rpartition("/")[2] for url in files} == names
    page.goto("/api/v2/docs/")
    page.goto("/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sent = page.evaluate(
        "performance.getEntriesByType('resource').filter((one) => one.transferSize > 0)"
        ".filter((one) => one.name.includes('/console/')).length"
    )
    assert sent == 0


def test_a_key_signs_in_as_well_until_one_signs_out(page: Page, stack: Stack) -> None:
    sign_in_by_key(page, stack.api_key)
    assert stack.api_key not in page.url
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_hook_is_made_and_watched_through_a_bad_hour(page: Page, stack: Stack, sink: str) -> None:
    project = Project(stack, f"other-{sink}")
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}")
    page.get_by_role("link", name="New hook").click()
    # What it would send is there before it is.
    body = page.locator("[data-part=body]")
    expect(body).to_contain_text("_xform_id_string")
    page.get_by_label("Send only some fields").check()
    page.get_by_label("Region loc/region").check()
    expect(body).not_to_contain_text("_xform_id_string")
    page.get_by_label("Send only some fields").uncheck()
    page.get_by_label("Name", exact=True).fill("ERP")
    page.get_by_label("Address").fill("nonsense")
    page.get_by_role("button", name="Create hook").click()
    expect(page.get_by_text("Please look at the fields marked below.")).to_be_visible()
    expect(page.get_by_label("Address")).to_be_focused()
    page.get_by_label("Address").fill(stack.sink_url(sink))
    page.get_by_role("button", name="Create hook").click()
    expect(page.get_by_role("heading", name="ERP")).to_be_visible()

    # It arrives, and shows without anybody loading the page again.
    page.get_by_role("link", name="Deliveries", exact=True).click()
    expect(page.get_by_role("heading", name="No deliveries yet")).to_be_visible()
    assert project.submit().status_code == 201
    expect(page.locator("td .badge", has_text="Arrived")).to_be_visible()

    # The receiver breaks: four attempts, then it failed; retried by hand once the receiver is well again, it heals.
    stack.tell_sink(sink, status=503, times=4)
    assert project.submit().status_code == 201
    failed = page.locator("td .badge", has_text="Failed")
    expect(failed).to_be_visible()
    page.get_by_role("link", name="Overview").click()
    expect(page.locator(".numbers li", has_text="Failed")).to_contain_text("1")
    expect(page.locator(".notice", has_text="Last error")).to_contain_text("503")
    page.locator(".numbers a", has_text="Failed").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("radio", name="All").check()
    expect(page.locator("tbody tr")).to_have_count(2)
    wanted = page.get_by_label("Submission", exact=True)
    wanted.fill(page.locator("tbody a").first.inner_text())
    wanted.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody a").click()
    expect(page.get_by_text("The receiver answered 503.")).to_be_visible()
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".head .badge", has_text="Arrived")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(5)
    expect(page.get_by_text("exactly what was sent")).to_be_visible()
    expect(page.locator("nav.crumbs").get_by_role("link", name="Household visit")).to_be_visible()

    # A hook that sends something else since is told apart from what was sent.
    address = page.url
    page.get_by_role("link", name="ERP").click()
    expect(page.locator(".numbers li", has_text="Arrived")).to_contain_text("2")
    page.get_by_role("link", name="Edit").click()
    page.get_by_role("radio", name="XML").check()
    expect(body).to_contain_text("<?xml")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("definition").filter(has_text="XML")).to_be_visible()
    page.goto(address)
    expect(page.get_by_text("not byte for byte what was sent")).to_be_visible()


def test_all_that_failed_is_retried_at_once_or_since_a_time(page: Page, stack: Stack, sink: str) -> None:
    project = Project(stack, sink)
    stack.tell_sink(sink, status=410)
    for _ in range(2):
        assert project.submit().status_code == 201
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}/h/{project.hook}/deliveries?status=0")
    expect(page.get_by_role("button", name="Retry all that failed")).to_be_visible()
    stack.tell_sink(sink, status=200)
    page.get_by_role("button", name="Retry all that failed").click()
    confirm(page)
    expect(page.get_by_role("cell", name="Finished")).to_be_visible()
    page.get_by_role("link", name="Deliveries", exact=True).click()
    expect(page.locator("td .badge", has_text="Arrived").first).to_be_visible()

    page.get_by_role("link", name="Send again").click()
    page.get_by_label("Changed since").fill("2099-01-01T00:00")
    page.get_by_role("button", name="Retry now").click()
    expect(page.locator("#status")).to_have_text("Under way: 0")


def test_what_is_stored_is_sent_again(page: Page, stack: Stack, sink: str) -> None:
    project = Project(stack, f"other-{sink}")
    assert project.submit().status_code == 201
    fields = {"name": "late", "endpoint": stack.sink_url(sink)}
    hook = stack.post(f"/api/v2/assets/{project.uid}/hooks/", json=fields).json()["uid"]
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}/h/{hook}/resend")
    page.get_by_role("radio", name="Query").check()
    query = page.get_by_role("textbox", name="Query")
    query.fill("{nonsense")
    page.get_by_role("button", name="Send them").click()
    confirm(page)
    expect(page.get_by_text("Value must be valid JSON.")).to_be_visible()
    page.get_by_role("radio", name="Only some").check()
    page.get_by_role("combobox", name="Only those that match").select_option("Region")
    page.get_by_role("combobox", name="Region").select_option("North")
    page.get_by_role("button", name="Send them").click()
    confirm(page)
    expect(page.get_by_role("cell", name="Replay")).to_be_visible()
    page.get_by_role("link", name="Deliveries", exact=True).click()
    expect(page.locator("td .badge", has_text="Arrived")).to_be_visible()


def test_a_hook_is_tried_out_paused_and_signed(page: Page, stack: Stack, sink: str) -> None:
    project = Project(stack, sink)
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}/h/{project.hook}/test")
    expect(page.locator("[data-part=body]")).to_contain_text("_xform_id_string")
    page.get_by_role("button", name="Send a test").click()
    expect(page.locator(".notice.good")).to_contain_text("Arrived · 200")

    hook = f"/api/v2/assets/{project.uid}/hooks/{project.hook}/"
    page.get_by_role("link", name="Overview").click()
    page.get_by_label("Mail me when deliveries fail for good").uncheck()
    expect(page.locator("#status")).to_have_text("Saved.")
    assert stack.get(hook).json()["email_notification"] is False
    secret = page.locator("pre", has_text="whsec_")
    page.get_by_role("button", name="Make a secret").click()
    expect(secret).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused by hand since")).to_be_visible()
    assert stack.get(hook).json()["paused"] is True
    # A secret is told once.
    expect(secret).to_have_count(0)
    page.get_by_role("button", name="Delete hook").click()
    confirm(page)
    expect(page.get_by_role("heading", name="No hooks yet")).to_be_visible()


def test_a_filter_is_tried_kept_and_taken_away(page: Page, stack: Stack, sink: str) -> None:
    project = Project(stack, sink)
    assert project.submit().status_code == 201
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}/h/{project.hook}/edit")
    wanted = page.get_by_role("textbox", name="Query")
    kept_back = page.get_by_text("Does not meet the filter")
    expect(page.locator("[data-part=body]")).to_be_visible()
    expect(kept_back).to_have_count(0)
    page.get_by_role("radio", name="Only some").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Say which submissions")).to_be_visible()
    page.get_by_role("combobox", name="Filter").select_option("Do you agree to take part?")
    page.get_by_role("combobox", name="Do you agree").select_option("No")
    expect(kept_back).to_be_visible()
    page.get_by_role("combobox", name="Do you agree").select_option("Yes")
    expect(kept_back).to_have_count(0)
    page.get_by_role("radio", name="Query").check()
    expect(wanted).to_have_value('{"consent":"yes"}')
    wanted.fill('{"consent": "never"}')
    expect(kept_back).to_be_visible()
    wanted.fill('{"consent": ')
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".field .error", has_text="Value must be valid JSON.")).to_be_visible()
    expect(wanted).to_be_focused()
    wanted.fill('{"consent": {"$in": ["never"]}}')
    page.get_by_role("button", name="Save").click()
    expect(page.locator("dd", has_text='{"consent":{"$in":["never"]}}')).to_be_visible()
    hook = f"/api/v2/assets/{project.uid}/hooks/{project.hook}/"
    assert stack.get(hook).json()["filter"] == {"consent": {"$in": ["never"]}}

    stack.post(f"{hook}replay/", json={"all": True})
    page.get_by_role("link", name="Send again").click()
    expect(page.get_by_text("Kept back by the filter: 1")).to_be_visible()
    page.get_by_role("link", name="Edit").click()
    expect(wanted).to_have_value('{"consent":{"$in":["never"]}}')
    wanted.fill('{"$or": [{"loc/region": "south"}, {"_submitted_by": "ann"}]}')
    page.get_by_role("button", name="Save").click()
    expect(page.locator("dd", has_text="loc/region: south or Sent by: ann")).to_be_visible()
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_role("combobox", name="Region")).to_have_value("south")
    page.get_by_role("radio", name="All submissions").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    assert stack.get(hook).json()["filter"] is None


def test_an_export_is_made_fetched_and_linked_to_a_spreadsheet(page: Page, stack: Stack, sink: str) -> None:
    project = Project(stack, sink)
    assert project.submit().status_code == 201
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}/exports")
    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download() as told:
        page.get_by_role("button", name="Download").click()
    assert told.value.suggested_filename.endswith(".xlsx")
    assert Path(told.value.path()).read_bytes()[:2] == b"PK"

    page.get_by_label("Name of the link").fill("Dashboard")
    page.get_by_role("button", name="Make a link").click()
    row = page.locator("tr", has_text="Dashboard")
    for format, begins in (("XLSX", b"PK"), ("CSV", b'"')):
        row.get_by_role("button", name=format).click()
        expect(page.locator("#status")).to_have_text("Copied.")
        link = page.evaluate("navigator.clipboard.readText()")
        found = requests.get(link, auth=(stack.username, stack.password), timeout=35)
        assert (found.status_code, found.content[: len(begins)]) == (200, begins)
        page.evaluate("document.getElementById('status').replaceChildren()")
    row.get_by_role("button", name="Delete").click()
    confirm(page)
    expect(page.get_by_text("No links yet.")).to_be_visible()


def test_a_key_is_shown_copied_and_replaced(page: Page, stack: Stack) -> None:
    name, key = account(stack)
    sign_in_by_key(page, key)
    page.goto("/#/account")
    expect(page.get_by_text(key)).to_have_count(0)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text(key)).to_be_visible()
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#status")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == key
    page.get_by_label("Language of mails").select_option("fr")
    expect(page.locator("#status")).to_have_text("Saved.")
    page.get_by_role("button", name="Make a new key").click()
    confirm(page)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    answer = requests.get(f"{stack.base_url}/me/", headers={"Authorization": f"Token {key}"}, timeout=10)
    assert answer.status_code == 401
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill("long enough")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="No projects yet")).to_be_visible()
    check(page, "no-projects")


def test_a_password_is_changed_by_who_knows_it(page: Page, stack: Stack) -> None:
    name, key = account(stack)
    sign_in_by_key(page, key)
    page.goto("/#/account")
    present, new = page.get_by_label("Present password"), page.get_by_label("New password")
    present.fill("wrong")
    new.fill("long enough, too")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("Incorrect current password.")).to_be_visible()
    present.fill("long enough")
    page.get_by_role("button", name="Change the password").click()
    expect(page.locator("#status")).to_contain_text("The password is changed.")
    expect(page.get_by_text("Incorrect current password.")).to_have_count(0)
    token = f"{stack.base_url}/token/?format=json"
    assert requests.get(token, auth=(name, "long enough, too"), timeout=10).json() == {"token": key}
    assert requests.get(token, auth=(name, "long enough"), timeout=10).status_code == 401


def test_activity_is_told_in_words_and_by_kind(page: Page, stack: Stack, sink: str) -> None:
    project = Project(stack, sink)
    assert project.submit().status_code == 201
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}/activity")
    for words in ("Created a hook", "Deployed the form", "Sent in a submission"):
        expect(page.get_by_role("cell", name=words)).to_be_visible()
    page.get_by_label("What").select_option("deploy")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_who_may_not_see_the_hooks_is_told_and_goes_on(page: Page, stack: Stack, sink: str) -> None:
    project = Project(stack, sink)
    viewer, key = account(stack)
    right = {"user": f"/api/v2/users/{viewer}/", "permission": "/api/v2/permissions/view_submissions/"}
    given = stack.post(f"/api/v2/assets/{project.uid}/permission-assignments/", json=right)
    assert given.status_code == 201, given.text
    sign_in_by_key(page, key)
    page.get_by_role("link", name="Household visit").click()
    for tab in ("Hooks", "Activity"):
        page.get_by_role("link", name=tab).click()
        expect(page.locator("nav.tabs a[aria-current]")).to_have_text(tab)
        expect(page.get_by_text("your rights do not reach it")).to_be_visible()
    page.get_by_role("link", name="Exports").click()
    expect(page.get_by_role("button", name="Export", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Make a link")).to_have_count(0)


def test_a_lost_connection_is_told_until_it_is_back(page: Page, stack: Stack, sink: str) -> None:
    project = Project(stack, sink)
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}/h/{project.hook}/deliveries")
    expect(page.get_by_role("heading", name="No deliveries yet")).to_be_visible()
    page.context.set_offline(True)
    expect(page.locator("#status")).to_contain_text("The connection is lost.")
    page.context.set_offline(False)
    expect(page.locator("#status")).to_have_text("Connected again.")
