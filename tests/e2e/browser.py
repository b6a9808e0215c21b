"""A real browser for the tests of the console: Debian's Chromium, or the one that CHROMIUM names."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.stack import ROOT, Stack

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
# Names a folder for pictures of the views that are checked.
PICTURES = os.environ.get("CONSOLE_PICTURES")
# Of a view that loads by itself every few seconds, on a busy machine.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)

# CI has to have it; elsewhere tests that need it are left out, and say so.
needed = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"), reason="no Chromium: apt-get install chromium"
)


@contextlib.contextmanager
def opened() -> Iterator[Browser]:
    """The browser."""
    if CHROMIUM is None:
        pytest.fail("CI runs pages in Chromium, which is not installed")
    with sync_playwright() as driver:
        # Chromium refuses to run sandboxed for root, as which containers run.
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@contextlib.contextmanager
def tab(browser: Browser, stack: Stack, **options: Any) -> Iterator[Page]:
    """A tab of somebody who reads English.

    At its end nothing went wrong in its scripts, nothing broke the content security policy, and no request left the
    origin or had the key in its address.
    """
    context = browser.new_context(
        base_url=stack.base_url,
        permissions=["clipboard-read", "clipboard-write"],
        **{"locale": "en-GB", **options},
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    problems: list[str] = []
    addresses: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if _is_problem(line.type, line.text) else None)
    page.on("request", lambda request: addresses.append(request.url))
    yield page
    context.close()
    assert problems == []
    assert [
        one for one in addresses if not one.startswith((f"{stack.base_url}/", f"blob:{stack.base_url}/"))
    ] == []
    assert [one for one in addresses if stack.api_key in one] == []


def _is_problem(kind: str, text: str) -> bool:
    """Answers of 4xx are the API's business, which views tell of; a connection is cut by tests only."""
    return kind in ("error", "warning") and not text.startswith("Failed to load resource:")


def sign_in(page: Page, stack: Stack) -> None:
    """As the stack's owner, with name and password."""
    page.goto("/")
    page.get_by_label("User name").fill(stack.username)
    page.get_by_label("Password", exact=True).fill(stack.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Projects", exact=True)).to_be_visible()


def sign_in_by_key(page: Page, key: str) -> None:
    """As whoever has the key."""
    page.goto("/")
    page.get_by_role("radio", name="API key").check()
    page.get_by_role("textbox", name="API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Projects", exact=True)).to_be_visible()


def confirm(page: Page) -> None:
    """Answers the question that stands open with yes."""
    page.get_by_role("dialog").get_by_role("button").last.click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def check(page: Page, name: str) -> None:
    """No serious problem for people who use it without a mouse or without seeing it, and nothing sticks out.

    And a picture, if wanted.
    """
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert serious == [], [(one["id"], one["nodes"][0]["html"][:200]) for one in serious]
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, name
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def account(stack: Stack) -> tuple[str, str]:
    """An account of its own: its name and its key. Its password is ``long enough``."""
    name = f"u{uuid.uuid4().hex[:8]}"
    made = subprocess.run(
        [sys.executable, "-m", "infra.ops", "--local", stack.base_url, "create-account", name],
        cwd=ROOT, input="long enough", capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return name, made.stdout.strip()
