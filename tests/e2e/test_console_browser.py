"""The console in a real browser, through the local stack: what an owner does on a day when a receiver breaks.

Debian's Chromium, or the one that CHROMIUM names. CONSOLE_PICTURES names a folder for pictures of the main views.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright

from tests.e2e.stack import ROOT, Stack
from tests.e2e.test_main_job import Project

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
PICTURES = os.environ.get("CONSOLE_PICTURES")
# Of a view that loads by itself every few seconds, on a busy machine.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """CI has to have a browser; elsewhere these tests are left out, and say so."""
    if CHROMIUM is None and os.environ.get("CI"):
        pytest.fail("CI runs the console in Chromium, which is not installed")


pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        # Chromium refuses to run sandboxed for root, as which containers run.
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A tab of somebody who reads English; no error may show in its log."""
    context = browser.new_context(
        base_url=stack.base_url, locale="en-GB", permissions=["clipboard-read", "clipboard-write"]
    )
    context.set_default_timeout(PATIENCE)
    tab = context.new_page()
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on(
        "console", lambda line: problems.append(line.text) if "Content Security Policy" in line.text else None
    )
    yield tab
    context.close()
    assert problems == []


def sign_in(page: Page, stack: Stack) -> None:
    page.goto("/")
    page.get_by_label("User name").fill(stack.username)
    page.get_by_label("Password").fill(stack.password)
    page.get_by_role("button", name="Sign in").first.click()
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()


def accept(dialog: Dialog) -> None:
    dialog.accept()


def check(page: Page, name: str) -> None:
    """No serious problem for people who use it without a mouse or without seeing it; and a picture, if wanted."""
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert serious == [], [(one["id"], one["nodes"][0]["html"][:200]) for one in serious]
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def test_wrong_credentials_are_told_and_no_browser_window_asks(page: Page, stack: Stack) -> None:
    page.goto("/")
    check(page, "sign-in")
    page.get_by_label("User name").fill(stack.username)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").first.click()
    expect(page.get_by_role("alert").first).to_have_text("Name, password or key is wrong.")


def test_a_key_signs_in_as_well_and_never_stands_in_the_address(page: Page, stack: Stack) -> None:
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto("/")
    page.get_by_label("API key").fill(stack.api_key)
    page.get_by_role("button", name="Sign in").last.click()
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()
    assert not any(stack.api_key in address for address in [*addresses, page.url])
    assert all(address.startswith(stack.base_url) for address in addresses)


def test_a_hook_is_made_and_watched_through_a_bad_hour(page: Page, stack: Stack) -> None:
    sink = f"sink-{uuid.uuid4().hex[:8]}"
    project = Project(stack, f"other-{sink}")
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}")
    page.get_by_role("link", name="New hook").click()
    page.get_by_label("Name", exact=True).fill("ERP")
    page.get_by_label("Address").fill("nonsense")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Please look at the fields marked below.")).to_be_visible()
    page.get_by_label("Address").fill(stack.sink_url(sink))
    check(page, "hook-form")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="ERP")).to_be_visible()

    # It arrives, and shows without anybody loading the page again.
    page.get_by_role("link", name="Deliveries").click()
    assert project.submit().status_code == 201
    expect(page.locator("td .badge", has_text="arrived")).to_be_visible()

    # The receiver breaks: four attempts, then it failed; retried by hand once the receiver is well again, it heals.
    stack.tell_sink(sink, status=503, times=4)
    assert project.submit().status_code == 201
    expect(page.locator("td .badge", has_text="failed")).to_be_visible()
    check(page, "deliveries")
    page.locator("tr", has_text="failed").get_by_role("button", name="Retry").click()
    expect(page.locator("td .badge", has_text="failed")).to_have_count(0)
    expect(page.locator("td .badge", has_text="arrived")).to_have_count(2)

    page.locator("tbody a").first.click()
    expect(page.get_by_role("heading", name="Attempts")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(5)
    expect(page.get_by_text("exactly what was sent")).to_be_visible()
    expect(page.locator("nav.crumbs").get_by_role("link", name="Household visit")).to_be_visible()
    check(page, "delivery")

    page.get_by_role("link", name="ERP").click()
    expect(page.locator(".numbers li", has_text="arrived")).to_contain_text("2")
    check(page, "hook")


def test_a_hook_is_tried_out_paused_and_signed(page: Page, stack: Stack) -> None:
    sink = f"sink-{uuid.uuid4().hex[:8]}"
    project = Project(stack, sink)
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}/h/{project.hook}/test")
    expect(page.locator("[data-part=body]")).to_contain_text("_xform_id_string")
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_text("success · 200")).to_be_visible()
    check(page, "test")

    page.goto(f"/#/p/{project.uid}/h/{project.hook}")
    page.get_by_role("button", name="Make a secret").click()
    expect(page.locator("pre", has_text="whsec_")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused by hand since")).to_be_visible()
    assert stack.get(f"/api/v2/assets/{project.uid}/hooks/{project.hook}/").json()["paused"] is True
    expect(page.locator("pre", has_text="whsec_")).to_have_count(0)


def test_what_is_stored_is_sent_again(page: Page, stack: Stack) -> None:
    sink = f"sink-{uuid.uuid4().hex[:8]}"
    project = Project(stack, f"other-{sink}")
    assert project.submit().status_code == 201
    fields = {"name": "late", "endpoint": stack.sink_url(sink)}
    hook = stack.post(f"/api/v2/assets/{project.uid}/hooks/", json=fields).json()["uid"]
    sign_in(page, stack)
    page.on("dialog", accept)
    page.goto(f"/#/p/{project.uid}/h/{hook}/resend")
    page.get_by_role("button", name="Send them").click()
    expect(page.get_by_role("cell", name="Replay")).to_be_visible()
    page.get_by_role("link", name="Deliveries").click()
    expect(page.locator("td .badge", has_text="arrived")).to_be_visible()
    check(page, "replay")


def test_an_export_is_made_fetched_and_linked_to_a_spreadsheet(page: Page, stack: Stack) -> None:
    project = Project(stack, f"sink-{uuid.uuid4().hex[:8]}")
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
    check(page, "exports")
    row = page.locator("tr", has_text="Dashboard")
    for format, begins in (("XLSX", b"PK"), ("CSV", b'"')):
        row.get_by_role("button", name=format).click()
        expect(page.locator("#status")).to_have_text("Copied.")
        link = page.evaluate("navigator.clipboard.readText()")
        found = requests.get(link, auth=(stack.username, stack.password), timeout=35)
        assert (found.status_code, found.content[: len(begins)]) == (200, begins)
        page.evaluate("document.getElementById('status').replaceChildren()")
    row.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("There are no links yet.")).to_be_visible()


def test_what_is_loaded_anew_leaves_the_keyboard_where_it_was(page: Page, stack: Stack) -> None:
    project = Project(stack, f"sink-{uuid.uuid4().hex[:8]}")
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}")
    link = page.locator("section.sheet a")
    link.focus()
    page.evaluate("document.activeElement.dataset.old = 'yes'")
    expect(page.locator("[data-old]")).to_have_count(0)
    expect(link).to_be_focused()


def test_who_may_not_see_the_hooks_is_told_and_goes_on(page: Page, stack: Stack) -> None:
    project = Project(stack, f"sink-{uuid.uuid4().hex[:8]}")
    viewer = f"v{uuid.uuid4().hex[:8]}"
    made = subprocess.run(
        [sys.executable, "-m", "infra.ops", "--local", stack.base_url, "create-account", viewer],
        cwd=ROOT, input="long enough", capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    right = {"user": f"/api/v2/users/{viewer}/", "permission": "/api/v2/permissions/view_submissions/"}
    given = stack.post(f"/api/v2/assets/{project.uid}/permission-assignments/", json=right)
    assert given.status_code == 201, given.text
    page.goto("/")
    page.get_by_label("API key").fill(made.stdout.strip())
    page.get_by_role("button", name="Sign in").last.click()
    page.get_by_role("link", name="Household visit").click()
    for tab in ("Hooks", "Activity"):
        page.get_by_role("link", name=tab).click()
        expect(page.locator("nav.tabs a[aria-current]")).to_have_text(tab)
        expect(page.get_by_text("your rights do not reach it")).to_be_visible()
    page.get_by_role("link", name="Exports").click()
    expect(page.get_by_role("button", name="Export", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Make a link")).to_have_count(0)


def test_a_project_that_takes_nothing_says_so(page: Page, stack: Stack) -> None:
    name = f"Draft {uuid.uuid4().hex[:8]}"
    content = {"survey": [{"type": "text", "name": "q", "label": "Q?"}]}
    fields = {"name": name, "asset_type": "survey", "content": content}
    uid = stack.post("/api/v2/assets/", json=fields).json()["uid"]
    sign_in(page, stack)
    page.get_by_label("Search").fill(name)
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name=name).click()
    expect(page.get_by_text("not deployed yet")).to_be_visible()
    check(page, "draft")
    deployment = f"/api/v2/assets/{uid}/deployment/"
    assert stack.post(deployment, json={"active": True}).status_code == 200
    archived = stack.session.patch(stack.base_url + deployment, json={"active": False}, timeout=35)
    assert archived.status_code == 200, archived.text
    page.get_by_role("link", name="Activity").click()
    expect(page.get_by_text("takes no submissions")).to_be_visible()


def test_an_address_that_leads_nowhere_leads_back(page: Page, stack: Stack) -> None:
    sign_in(page, stack)
    page.goto("/#/nonsense")
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Projects").click()
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()


def test_projects_and_activity_are_shown(page: Page, stack: Stack) -> None:
    project = Project(stack, f"sink-{uuid.uuid4().hex[:8]}")
    assert project.submit().status_code == 201
    sign_in(page, stack)
    expect(page.locator("tbody tr").first).to_be_visible()
    check(page, "projects")
    page.goto(f"/#/p/{project.uid}")
    expect(page.locator("section.sheet")).to_have_count(1)
    check(page, "project")
    page.get_by_role("link", name="Activity").click()
    expect(page.get_by_text("register-service")).to_be_visible()
    check(page, "activity")


def test_the_api_is_described_for_people(page: Page) -> None:
    page.goto("/api/v2/docs/")
    summary = page.locator("summary", has_text="/api/v2/assets/{asset}/hooks/ ").first
    summary.click()
    expect(page.locator("details[open]").get_by_role("link", name="Hook").first).to_be_visible()
    page.get_by_label("Search").fill("retry")
    expect(summary).to_be_hidden()
    check(page, "docs")


@pytest.mark.parametrize(
    ("language", "title", "direction"),
    [("fr", "Projets", "ltr"), ("es", "Proyectos", "ltr"), ("ar", "المشاريع", "rtl")],
)
def test_it_speaks_the_readers_language(
    page: Page, stack: Stack, language: str, title: str, direction: str
) -> None:
    sign_in(page, stack)
    page.get_by_label("Language").select_option(language)
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    assert page.evaluate("document.documentElement.dir") == direction
    check(page, f"projects-{language}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_on_a_phone_by_day_and_by_night(browser: Browser, stack: Stack, scheme: str) -> None:
    project = Project(stack, f"sink-{uuid.uuid4().hex[:8]}")
    assert project.submit().status_code == 201
    size = {"width": 390, "height": 844}
    context = browser.new_context(base_url=stack.base_url, viewport=size, color_scheme=scheme, locale="en-GB")  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    tab = context.new_page()
    sign_in(tab, stack)
    for view in ("", "/deliveries", "/test"):
        tab.goto(f"/#/p/{project.uid}/h/{project.hook}{view}")
        expect(tab.locator("nav.tabs a[aria-current]")).to_be_visible()
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        check(tab, f"phone-{scheme}{view.replace('/', '-')}")
    context.close()


def test_everything_is_reached_by_keyboard(page: Page, stack: Stack) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    page.get_by_label("User name").focus()
    page.keyboard.type(stack.username)
    page.keyboard.press("Tab")
    page.keyboard.type(stack.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()
