"""The views that only a local stack has: sinks and the mail box."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from infra.local import sink as sink_module
from infra.local.mailbox import Mailbox
from infra.local.messages import Request, Response
from infra.local.sink import Sinks
from tests.e2e.test_local_emulator import Emulator


def ask(
    sinks: Sinks, method: str, path: str, body: bytes = b"", headers: list[tuple[str, str]] | None = None
) -> Response:
    return asyncio.run(_view(sinks, Request(method, f"/_local/sink/{path}", headers or [], body)))


async def _view(sinks: Sinks, request: Request) -> Response:
    return await sinks.view(request)


def received(sinks: Sinks, name: str) -> list[dict[str, Any]]:
    documents: list[dict[str, Any]] = json.loads(ask(sinks, "GET", f"{name}?format=json").body)
    return documents


@pytest.fixture
def sinks(tmp_path: Path) -> Sinks:
    return Sinks(tmp_path / "sinks")


def test_a_sink_keeps_method_path_query_headers_body_and_time(sinks: Sinks) -> None:
    assert ask(sinks, "POST", "a?x=1", '{"ü": 1}'.encode(), [("x-a", "1"), ("x-a", "2")]).status == 200
    assert ask(sinks, "PATCH", "a/deeper", b"\xff\x00").status == 200
    first, second = received(sinks, "a")
    assert (first["method"], first["path"], first["query"]) == ("POST", "/_local/sink/a", "x=1")
    assert first["headers"] == {"x-a": "1, 2"}
    assert (first["body"], first["base64"]) == ('{"ü": 1}', False)
    assert first["time"] <= second["time"]
    assert second["path"] == "/_local/sink/a/deeper"
    assert (base64.b64decode(second["body"]), second["base64"]) == (b"\xff\x00", True)


def test_sinks_keep_apart_and_are_cleared_one_by_one(sinks: Sinks) -> None:
    ask(sinks, "POST", "a")
    ask(sinks, "POST", "b")
    assert ask(sinks, "DELETE", "a").status == 204
    assert (len(received(sinks, "a")), len(received(sinks, "b"))) == (0, 1)


def test_a_sink_answers_what_it_was_told_as_often_as_it_was_told(sinks: Sinks) -> None:
    told = {"status": 503, "times": 2, "body": "busy", "headers": {"Retry-After": "7"}}
    assert ask(sinks, "PUT", "a", json.dumps(told).encode()).status == 200
    answers = [ask(sinks, "POST", "a") for _ in range(3)]
    assert [answer.status for answer in answers] == [503, 503, 200]
    assert answers[0].body == b"busy"
    assert ("Retry-After", "7") in answers[0].headers
    ask(sinks, "PUT", "a", b'{"status": 410}')
    assert [ask(sinks, "POST", "a").status for _ in range(3)] == [410] * 3
    ask(sinks, "PUT", "a", b"{}")
    assert ask(sinks, "POST", "a").status == 200


def test_a_sink_waits_as_long_as_it_was_told(sinks: Sinks) -> None:
    ask(sinks, "PUT", "a", b'{"delay": 0.3}')
    began = time.monotonic()
    ask(sinks, "POST", "a")
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    "told",
    [b"{", b"[]", b'{"status": 99}', b'{"status": "x"}', b'{"delay": -1}', b'{"delay": 1e9}', b'{"times": true}',
     b'{"other": 1}', b'{"headers": []}'],
)  # fmt: skip
def test_an_instruction_that_cannot_be_followed_is_refused(sinks: Sinks, told: bytes) -> None:
    assert ask(sinks, "PUT", "a", told).status == 400
    assert ask(sinks, "POST", "a").status == 200


@pytest.mark.parametrize("name", ["", "a b", "..%2f", "x" * 65, "é"])
def test_a_name_that_is_none_is_refused(sinks: Sinks, name: str) -> None:
    assert ask(sinks, "POST", name).status == 404


def test_what_a_sink_received_is_still_there_after_a_restart_even_when_a_kill_cut_a_line(
    tmp_path: Path,
) -> None:
    ask(Sinks(tmp_path), "POST", "a", b"first")
    with (tmp_path / "a.jsonl").open("ab") as file:
        file.write(b'{"method": "PO')
    again = Sinks(tmp_path)
    ask(again, "POST", "a", b"second")
    assert [document["body"] for document in received(Sinks(tmp_path), "a")] == ["first", "second"]


def test_a_sink_forgets_the_oldest_when_it_is_full(sinks: Sinks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_module, "MAX_REQUESTS", 3)
    monkeypatch.setattr(sink_module, "MAX_BYTES", 2000)
    monkeypatch.setattr(sink_module, "MAX_SINKS", 2)
    for number in range(50):
        ask(sinks, "POST", "a", str(number).encode())
    assert [document["body"] for document in received(sinks, "a")] == ["47", "48", "49"]
    ask(sinks, "POST", "b", b"x" * 3000)
    assert received(sinks, "b") == []
    assert sum(path.stat().st_size for path in sinks._folder.iterdir()) < 10_000
    ask(sinks, "POST", "c")
    assert received(sinks, "c")


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


def test_what_a_sink_shows_to_people_cannot_run(sinks: Sinks) -> None:
    ask(sinks, "POST", "a?<script>", b'"<script>alert(1)</script>"', [("x", "<script>")])
    answer = ask(sinks, "GET", "a")
    assert ("Content-Type", "text/html; charset=utf-8") in answer.headers
    assert "script" not in Tags(answer.body.decode()).tags
    assert b"alert(1)" in answer.body


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    running = Emulator(tmp_path / "emulator")
    yield running
    running.kill()


def test_the_mail_box_lists_mails_for_programs_and_shows_them_to_people(emulator: Emulator) -> None:
    ses = emulator.client("sesv2")
    ses.create_email_identity(EmailIdentity="from@example.org")
    for number in (1, 2):
        ses.send_email(
            FromEmailAddress="from@example.org",
            Destination={"ToAddresses": ["to@example.org"]},
            Content={
                "Simple": {
                    "Subject": {"Data": f"Échec {number} <script>"},
                    "Body": {"Text": {"Data": "plain"}, "Html": {"Data": "<script>x</script><b>html</b>"}},
                }
            },
        )
    box = Mailbox(emulator.url)

    def view(target: str, method: str = "GET") -> Response:
        return asyncio.run(_view(box, Request(method, target, [])))  # type: ignore[arg-type]

    mails = json.loads(view("/_local/mail?format=json").body)
    assert [mail["subject"] for mail in mails] == ["Échec 1 <script>", "Échec 2 <script>"]
    assert set(mails[0]) == {"to", "subject", "text", "html", "sent_at"}
    assert (mails[0]["to"], mails[0]["text"]) == (["to@example.org"], "plain")
    page = view("/_local/mail").body.decode()
    assert "script" not in Tags(page).tags
    assert page.index("Échec 2") < page.index("Échec 1")
    assert view("/_local/mail", "POST").status == 405
    emulator.kill()
    assert view("/_local/mail").status == 502
