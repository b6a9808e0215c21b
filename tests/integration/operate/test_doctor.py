"""``doctor``: our own functions pass over HTTP; each thing that a proxy does to them is found."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from infra.operate.doctor import CHECKS
from tests.integration.operate.conftest import Run
from tests.support.app import App
from tests.support.gateway import gateway

Change = Callable[[BaseHTTPRequestHandler], int | None]


@contextmanager
def proxy(target: str, refuses: Change, renames: str = "") -> Iterator[str]:
    """Passes requests on, but for those that ``refuses`` gives a status for, and renames a header of answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status = refuses(self)
            if status is not None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            connection = HTTPConnection(urlsplit(target).netloc)
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            data = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    self.send_header("X-Remapped" if name.lower() == renames else name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            connection.close()

        do_GET = do_HEAD = do_POST = do_any  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def url(app: App) -> Iterator[str]:
    with gateway() as served:
        yield served


@pytest.fixture
def key(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_KEY", app.keys["ann"])


@pytest.mark.usefixtures("key")
def test_a_deployment_that_is_reached_directly_is_well(url: str, run: Run) -> None:
    found = run("doctor", url + "/")
    assert (found.code, found.output.count("ok  ")) == (0, len(CHECKS)), found.output


def test_without_a_key_what_needs_one_is_skipped(url: str, run: Run) -> None:
    found = run("doctor", url)
    assert found.code == 0
    assert found.output.count("skipped") == 1


FAULTS: dict[str, tuple[Change, str, str]] = {
    "renamed challenge": (lambda _: None, "www-authenticate", "Basic challenge"),
    "no HEAD": (lambda r: 405 if r.command == "HEAD" else None, "", "HEAD /submission"),
    "braces": (lambda r: 400 if "{" in r.path else None, "", "braces"),
    "doubled slash": (lambda r: 404 if "//" in r.path else None, "", "doubled slashes"),
    "redirect": (lambda r: 301 if r.path == "/api/v2/assets" else None, "", "redirected"),
    "small bodies": (
        lambda r: 413 if int(r.headers.get("Content-Length", "0")) > 1_000_000 else None,
        "",
        "four megabytes",
    ),
}


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_proxy_does_is_found_and_its_remedy_told(url: str, run: Run, fault: str) -> None:
    refuses, renames, words = FAULTS[fault]
    with proxy(url, refuses, renames) as seen:
        found = run("doctor", seen)
    failed = [line for line in found.output.splitlines() if line.startswith("FAILED")]
    assert (found.code, len(failed)) == (1, 1), found.output
    assert words in failed[0]
    remedy = next(check.remedy for check in CHECKS if words in check.name)
    assert remedy in found.output


def test_where_nothing_answers_all_checks_fail_and_a_word_is_no_address(run: Run) -> None:
    found = run("doctor", "http://127.0.0.1:9")
    assert (found.code, found.output.count("no answer")) == (1, len(CHECKS) - 1)
    assert run("doctor", "forms.example.org").remarks == "forms.example.org is no http or https address.\n"
