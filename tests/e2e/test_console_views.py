"""Every view of the console in a real browser: for who begins, who cannot see it, on a phone, in every language."""

from __future__ import annotations

import base64
import json
import re
import uuid
import zlib
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import browser as chromium
from tests.e2e.browser import account, check, confirm, sign_in, sign_in_by_key
from tests.e2e.stack import Stack, wait_until
from tests.e2e.test_main_job import FILES, Project
from tests.support import qr
from tests.support.forms import household_xlsx

pytestmark = chromium.needed
PHONE = {"width": 375, "height": 812}
# Text, however it looks.
HOOK = f"<i>ERP</i> & {'more' * 30}"
# Its list of choices is missing.
BAD_QUESTION = {"type": "select_one x", "name": "q", "label": "Q"}
# Of the form, where they head a column.
LABELS = {"Do you agree to take part?", "Region", "How many people live here?", "Anything to add?"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture(scope="module")
def project(stack: Stack) -> Project:
    """One delivery that arrived, one that failed."""
    sink = f"sink-{uuid.uuid4().hex[:8]}"
    made = Project(stack, sink, name=HOOK)
    assert made.submit().status_code == 201
    wait_until(lambda: made.logs()[0]["status"] == 2, "the first delivery arrives")
    stack.tell_sink(sink, status=410, body="gone for good")
    assert made.submit().status_code == 201
    wait_until(lambda: made.logs()[0]["status"] == 0, "the second delivery fails")
    return made


def views(project: Project) -> dict[str, str]:
    """The places of all views, by a name for their pictures."""
    uid = f"p/{project.uid}"
    hook = f"{uid}/h/{project.hook}"
    return {
        "projects": "", "new-project": "new", "account": "account", "offers": "offers", "project": uid,
        "data": f"{uid}/data", "submission": f"{uid}/data/{project.logs()[0]['submission_id']}",
        "form": f"{uid}/form", "sharing": f"{uid}/sharing", "exports": f"{uid}/exports",
        "activity": f"{uid}/activity", "new-hook": f"{uid}/hooks/new", "hook": hook,
        "deliveries": f"{hook}/deliveries", "resend": f"{hook}/resend", "test": f"{hook}/test",
        "edit-hook": f"{hook}/edit", "delivery": f"{hook}/d/{project.logs()[0]['uid']}", "nothing": "nonsense",
    }  # fmt: skip


# Who begins


def test_somebody_makes_an_account_and_signs_in(page: Page, stack: Stack) -> None:
    name = f"u{uuid.uuid4().hex[:8]}"
    page.goto("/")
    page.get_by_role("link", name="Make an account").click()
    expect(page.get_by_role("heading", name="Make an account")).to_be_visible()
    page.get_by_label("User name").fill(name)
    page.get_by_label("E-mail").fill(f"{name}@example.org")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Make an account").click()
    expect(page.get_by_role("alert").filter(has_text="at least 8 characters")).to_be_visible()
    expect(page.get_by_label("Password")).to_be_focused()
    check(page, "sign-up")
    page.get_by_label("Password").fill("long enough")
    page.get_by_role("button", name="Make an account").click()
    expect(page.get_by_text(f"on its way to {name}@example.org")).to_be_visible()

    def link() -> str | None:
        mails = [mail for mail in stack.mails() if f"{name}@example.org" in str(mail)]
        found = re.search(r"https?://\S+/signup/\S+", mails[0]["text"]) if mails else None
        return found[0] if found else None

    wait_until(link, "the mail comes")
    page.goto(link() or "")
    page.get_by_role("button").click()
    page.goto("/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill("long enough")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="No projects yet")).to_be_visible()


def upload(page: Page, name: str, data: bytes) -> None:
    file: Any = {"name": name, "mimeType": XLSX, "buffer": data}
    page.locator("input[type=file]").set_input_files(file)


def test_a_new_owner_gets_a_form_onto_a_phone(page: Page, stack: Stack) -> None:
    name, key = account(stack)
    sign_in_by_key(page, key)
    page.get_by_role("main").get_by_role("link", name="New project").first.click()
    upload(page, "broken.xlsx", b"no spreadsheet")
    expect(page.get_by_role("region", name="Reasons")).to_have_text("Unsupported format, or corrupt file")
    upload(page, "household.xlsx", household_xlsx())

    expect(page.get_by_role("heading", name="Household visit", exact=True)).to_be_visible()
    expect(page.locator("ol.steps")).to_contain_text(stack.base_url)
    path = page.get_by_role("img", name="Settings for ODK Collect").locator("path").get_attribute("d")
    assert path
    settings = json.loads(zlib.decompress(base64.b64decode(qr.read(path))))
    assert settings["general"] == {
        "protocol": "odk_default", "server_url": stack.base_url, "username": name,
    }  # fmt: skip
    check(page, "first-form")

    page.get_by_role("link", name="Hooks").click()
    expect(page.get_by_role("heading", name="No submissions yet")).to_be_visible()
    page.get_by_role("link", name="New hook").click()
    expect(page.get_by_text("A made-up submission")).to_be_visible()


def test_a_form_that_does_not_compile_says_why_and_the_next_one_takes_its_place(
    page: Page, stack: Stack
) -> None:
    _, key = account(stack)
    sign_in_by_key(page, key)
    page.goto("/#/new")
    bad = page.request.post(
        "/api/v2/assets/",
        headers={"Authorization": f"Token {key}"},
        data={"name": "Bad", "asset_type": "survey", "content": {"survey": [BAD_QUESTION]}},
    ).json()  # fmt: skip
    xlsx = page.request.get(f"/api/v2/assets/{bad['uid']}.xls", headers={"Authorization": f"Token {key}"})
    upload(page, "bad.xlsx", xlsx.body())
    expect(page.get_by_role("region", name="Reasons")).to_contain_text("choices")
    upload(page, "good.xlsx", household_xlsx())
    expect(page.get_by_role("heading", name="Collect data on phones")).to_be_visible()
    page.goto("/#/")
    # The one that was made of the file before, under its new form; and ours above.
    expect(page.locator("tbody tr")).to_have_count(2)


def test_an_example_is_used_changed_archived_and_deleted(page: Page, stack: Stack) -> None:
    _, key = account(stack)
    sign_in_by_key(page, key)
    page.goto("/#/new")
    page.get_by_role("button", name="Use the example form").click()
    expect(page.get_by_role("cell", name="Is there running water?")).to_be_visible()
    with page.expect_download() as told:
        page.get_by_role("button", name="Download XLSForm").click()
    assert told.value.suggested_filename == "Household visit (example).xlsx"
    upload(page, "household.xlsx", household_xlsx())
    expect(page.get_by_role("cell", name="Do you agree to take part?")).to_be_visible()
    page.get_by_role("button", name="Archive").click()
    confirm(page)
    expect(page.locator(".head .badge")).to_have_text("Archived")
    page.get_by_role("link", name="Hooks").click()
    expect(page.get_by_text("takes no submissions")).to_be_visible()
    page.get_by_role("link", name="Go to the form").click()
    page.get_by_role("button", name="Take out of the archive").click()
    expect(page.locator(".head .badge")).to_have_text("Deployed")
    page.get_by_role("button", name="Delete project").click()
    confirm(page)
    expect(page.get_by_role("heading", name="No projects yet")).to_be_visible()


def test_a_project_that_takes_nothing_is_found_and_deployed(page: Page, stack: Stack) -> None:
    name = f"Draft {uuid.uuid4().hex[:8]}"
    content = {"survey": [{"type": "text", "name": "q", "label": "Q?"}]}
    stack.post("/api/v2/assets/", json={"name": name, "asset_type": "survey", "content": content})
    sign_in(page, stack)
    page.goto(f"/#/?q={name.replace(' ', '%20')}")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name=name).click()
    expect(page.get_by_text("not deployed yet")).to_be_visible()
    check(page, "draft")
    page.get_by_role("link", name="Form", exact=True).click()
    page.get_by_role("button", name="Deploy").click()
    expect(page.get_by_role("heading", name="Collect data on phones")).to_be_visible()


# How it is seen


@pytest.mark.parametrize(
    ("size", "scheme", "language"),
    [
        ({"width": 1280, "height": 860}, "light", "en"),
        ({"width": 1280, "height": 860}, "dark", "en"),
        (PHONE, "light", "fr"),
        (PHONE, "dark", "es"),
        (PHONE, "light", "ar"),
        ({"width": 1280, "height": 860}, "dark", "ar"),
    ],
    ids=["desktop", "desktop-dark", "phone-fr", "phone-dark-es", "phone-ar", "desktop-dark-ar"],
)
def test_every_view_is_accessible_and_fits(
    browser: Browser, stack: Stack, project: Project, size: dict[str, int], scheme: str, language: str
) -> None:
    with chromium.tab(browser, stack, viewport=size, color_scheme=scheme, locale=language) as page:
        page.goto("/")
        expect(page.get_by_role("heading").first).to_be_visible()
        assert page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
        check(page, f"sign-in-{size['width']}-{scheme}-{language}")
        page.evaluate(f"sessionStorage.setItem('formrelay-key', '{stack.api_key}')")
        page.reload()
        for name, place in views(project).items():
            page.evaluate("document.querySelector('main').replaceChildren()")
            page.goto(f"/#/{place}" if place else "/#/?start=0")
            expect(page.locator("main h1")).not_to_be_empty()
            expect(page.locator("main[aria-busy]")).to_have_count(0)
            check(page, f"{name}-{size['width']}-{scheme}-{language}")


@pytest.mark.parametrize(
    ("language", "title", "direction"),
    [("fr", "Projets", "ltr"), ("es", "Proyectos", "ltr"), ("ar", "المشاريع", "rtl")],
)
def test_the_language_is_switched_at_once_and_kept(
    page: Page, stack: Stack, language: str, title: str, direction: str
) -> None:
    sign_in(page, stack)
    page.get_by_label("Language").select_option(language)
    expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.dir") == direction
    page.reload()
    expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()


def test_nothing_of_the_page_is_in_english_for_who_reads_another_language(
    page: Page, stack: Stack, project: Project
) -> None:
    sign_in(page, stack)
    page.get_by_label("Language").select_option("ar")
    expect(page.get_by_role("heading", name="المشاريع", exact=True)).to_be_visible()
    for place in views(project).values():
        page.evaluate("document.querySelector('main').replaceChildren()")
        page.goto(f"/#/{place}" if place else "/#/?start=0")
        expect(page.locator("main h1")).not_to_be_empty()
        expect(page.locator("main[aria-busy]")).to_have_count(0)
        # Labels, headings and buttons that have no letter of the language: names of things, and nothing else.
        found = (
            page.locator("main")
            .locator(":is(label, th, h2, button, .badge, legend, summary):not(.picks *)")
            .all_inner_texts()
        )
        latin = {text for text in found if re.search("[a-z]{3}", text) and not re.search("[؀-ۿ]", text)}
        assert latin <= {HOOK, *FILES, *LABELS}, place


def test_everything_is_reached_by_keyboard(page: Page, stack: Stack, project: Project) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.get_by_label("User name").focus()
    page.keyboard.type(stack.username)
    page.keyboard.press("Tab")
    page.keyboard.type(stack.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Projects", exact=True)).to_be_visible()

    menu = page.locator("details.menu")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()

    page.goto(f"/#/p/{project.uid}/h/{project.hook}")
    page.get_by_role("button", name="Delete hook").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Delete hook")).to_be_focused()


def test_what_is_loaded_anew_leaves_the_keyboard_where_it_was(
    page: Page, stack: Stack, project: Project
) -> None:
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}")
    link = page.locator("section.hook h2 a")
    link.focus()
    page.evaluate("document.activeElement.dataset.old = 'yes'")
    expect(page.locator("[data-old]")).to_have_count(0)
    expect(link).to_be_focused()


def test_names_are_shown_as_text(page: Page, stack: Stack, project: Project) -> None:
    sign_in(page, stack)
    page.goto(f"/#/p/{project.uid}")
    expect(page.get_by_role("heading", name=HOOK)).to_be_visible()
    expect(page.get_by_text("410 gone for good")).to_be_visible()


def test_an_address_that_leads_nowhere_leads_back(page: Page, stack: Stack) -> None:
    sign_in(page, stack)
    page.goto("/#/nonsense")
    expect(page.get_by_role("heading", name="Not found").first).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Projects").click()
    expect(page.get_by_role("heading", name="Projects", exact=True)).to_be_visible()


def test_links_in_mails_lead_through_the_sign_in_to_the_hook(
    page: Page, stack: Stack, project: Project
) -> None:
    page.goto(f"/#/p/{project.uid}/h/{project.hook}/deliveries?status=0")
    page.get_by_label("User name").fill(stack.username)
    page.get_by_label("Password", exact=True).fill(stack.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Retry all that failed")).to_be_visible()
    page.goto("/#/projects/home")
    expect(page.get_by_role("heading", name="Projects", exact=True)).to_be_visible()
    page.goto(f"/#/forms/{project.uid}/settings/rest/{project.hook}")
    expect(page.get_by_role("heading", name=HOOK, exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Settings", exact=True)).to_be_visible()
    for place, tab in (
        ("settings/sharing", "Sharing"),
        ("data/table", "Data"),
        ("data/downloads", "Exports"),
    ):
        page.goto(f"/#/forms/{project.uid}/{place}")
        expect(page.locator("nav.tabs a[aria-current]")).to_have_text(tab)


def test_the_api_is_described_for_people(page: Page) -> None:
    page.goto("/api/v2/docs/")
    summary = page.locator("summary", has_text="/api/v2/assets/{asset}/hooks/ ").first
    summary.click()
    expect(page.locator("details[open]").get_by_role("link", name="Hook").first).to_be_visible()
    page.get_by_label("Search").fill("retry")
    expect(summary).to_be_hidden()
    check(page, "docs")
