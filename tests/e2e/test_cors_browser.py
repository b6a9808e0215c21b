"""A page of another origin in a real browser: it uses the API with a key, and gets nothing without one."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.browser import needed
from tests.e2e.stack import Stack
from tests.e2e.test_main_job import Project

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needed

FETCH = """async ([url, options]) => {
  const answer = await fetch(url, options);
  return { status: answer.status, text: await answer.text(), type: answer.headers.get("content-type"),
           request: answer.headers.get("apigw-requestid") };
}"""


class _Dashboard(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Dashboard</title>")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the console of tests."""


@pytest.fixture
def dashboard(browser: Browser) -> Iterator[Page]:
    """A tab with a page of another port, which is another origin."""
    server = HTTPServer(("127.0.0.1", 0), _Dashboard)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tab = browser.new_page()
    tab.goto(f"http://127.0.0.1:{server.server_port}/")
    yield tab
    tab.close()
    server.shutdown()
    server.server_close()


def fetched(page: Page, url: str, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(FETCH, [url, options])
    return found


def test_a_dashboard_reads_and_submits_with_a_key(dashboard: Page, stack: Stack) -> None:
    project = Project(stack, f"cors-{uuid.uuid4().hex[:8]}")
    key = {"Authorization": f"Token {stack.api_key}"}
    record = f'{{"id": "{project.uid}", "submission": {{"meta": {{"instanceID": "uuid:{uuid.uuid4()}"}}}}}}'
    sent = fetched(
        dashboard,
        f"{stack.base_url}/submission",
        method="POST",
        headers={**key, "Content-Type": "application/json"},
        body=record,
    )
    assert sent["status"] == 201
    read = fetched(dashboard, f"{stack.base_url}/api/v2/assets/{project.uid}/data/", headers=key)
    assert (read["status"], '"count":1' in read["text"]) == (200, True)
    # Headers can be read, too.
    assert (read["type"], bool(read["request"])) == ("application/json", True)


def test_a_dashboard_sees_why_its_key_is_refused(dashboard: Page, stack: Stack) -> None:
    refused = fetched(
        dashboard, f"{stack.base_url}/api/v2/assets/", headers={"Authorization": "Token " + "0" * 40}
    )
    assert (refused["status"], refused["text"]) == (401, '{"detail":"Invalid token."}')


def test_a_page_gets_no_use_of_what_the_browser_remembers(dashboard: Page, stack: Stack) -> None:
    with pytest.raises(Exception, match="Failed to fetch"):
        fetched(dashboard, f"{stack.base_url}/api/v2/assets/", credentials="include")
    with pytest.raises(Exception, match="Failed to fetch"):
        fetched(dashboard, f"{stack.base_url}/_local/mail")
