"""The failure report's text and HTML (contract rest-services §8)."""

from __future__ import annotations

import re
from typing import Any

from formrelay import ids
from formrelay.hooks.ladder import FAILED
from formrelay.reports.mail import build

HOOK, OTHER = "hAAAAAAAAAAAAAAAAAAAAA", "hBBBBBBBBBBBBBBBBBBBBB"
AT = 1_785_658_205_000  # 2026-08-02 08:10:05 UTC


def line(**fields: Any) -> dict[str, Any]:
    return {
        "asset": "aX",
        "asset_name": "Households",
        "hook": HOOK,
        "hook_name": "ERP",
        "sid": 17,
        "code": 503,
        "message": "busy",
        "base_url": "https://kf.example.org",
        "at": AT,
        **fields,
    }


def rows(html: str) -> list[list[str]]:
    """The texts of the cells of every row of every table, headings included."""
    found = [
        re.findall(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr\b[^>]*>(.*?)</tr>", html)
    ]
    return [[re.sub("<[^>]*>", "", cell) for cell in row] for row in found]


def test_the_mail_has_the_subject_and_columns_of_the_contract() -> None:
    mail = build("ann", [line()], more=False)
    uid = ids.delivery_uid(HOOK, 17)
    assert mail.subject == "REST Services Failure Report"
    assert rows(mail.html) == [
        ["Hook", "Submission", "Submission ID", "Status code", "Message", "Date"],
        ["ERP", uid, "17", "503", "busy", "2026-08-02 08:10"],
    ]
    assert re.search(rf"ERP\b.*{uid}\b.*\b17\b.*\b503\b.*\bbusy\b.*2026-08-02 08:10", mail.text)


def test_the_mail_greets_its_reader_by_name() -> None:
    mail = build("ann", [line()], more=False)
    assert mail.text.startswith("Dear ann,\n")
    assert "Dear ann," in mail.html


def test_no_status_code_is_none() -> None:
    assert rows(build("ann", [line(code=None)], more=False).html)[1][3] == "None"


def test_long_messages_are_cut_to_23_characters_in_text_and_50_in_html() -> None:
    mail = build("ann", [line(message="x" * 200)], more=False)
    assert re.findall("x{2,}…?", mail.text) == ["x" * 22 + "…"]
    assert rows(mail.html)[1][4] == "x" * 49 + "…"


def test_a_failure_without_an_answer_says_what_it_was_in_the_few_letters_that_there_are() -> None:
    message = f"{FAILED}no TLS handshake in time"
    mail = build("ann", [line(code=None, message=message)], more=False)
    assert rows(mail.html)[1][4] == "no TLS handshake in time"
    assert "no TLS handshake in ti…" in mail.text
    paused = line(code=None, message=message, kind="paused", failures=20)
    assert "the last one: None no TLS handshake in time." in build("ann", [paused], more=False).html


def test_messages_that_fit_are_whole() -> None:
    mail = build("ann", [line(message="x" * 23)], more=False)
    assert re.findall("x{2,}…?", mail.text) == ["x" * 23]
    assert rows(build("ann", [line(message="x" * 50)], more=False).html)[1][4] == "x" * 50


def test_lines_are_ordered_by_project_then_hook_then_newest_first() -> None:
    lines = [
        line(asset="aZ", asset_name="Zoo", sid=1),
        line(hook=OTHER, sid=2),
        line(sid=3, at=AT),
        line(sid=4, at=AT + 60_000),
    ]
    mail = build("ann", lines, more=False)
    assert [row[2] for row in rows(mail.html) if row[2].isdigit()] == ["4", "3", "2", "1"]
    headings = re.findall(r"<h2\b[^>]*>(.*?)</h2>", mail.html)
    assert [re.sub("<[^>]*>", "", heading) for heading in headings] == ["Households", "Zoo"]


def test_every_hook_has_links_to_its_logs_and_its_retry() -> None:
    mail = build("ann", [line(), line(hook=OTHER, hook_name="ERP", sid=18)], more=False)
    for hook in (HOOK, OTHER):
        page = f"https://kf.example.org/#/p/aX/h/{hook}"
        call = f"PATCH https://kf.example.org/api/v2/assets/aX/hooks/{hook}/retry/"
        for link in (f"{page}/deliveries?status=0", f"{page}/resend", call):
            assert link in mail.html
            assert link in mail.text


def test_markup_in_names_and_messages_is_escaped() -> None:
    evil = "<script>alert('x')</script>\"&"
    mail = build(evil, [line(asset_name=evil, hook_name=evil, message=evil)], more=False)
    assert "<script" not in mail.html
    assert mail.html.count("&lt;script&gt;") >= 4
    links = re.findall(r"href=\"([^\"]*)\"", mail.html)
    assert f"https://kf.example.org/#/p/aX/h/{HOOK}/deliveries?status=0" in links
    assert all(link.startswith("https://kf.example.org/#/") for link in links)


def test_a_project_is_linked_by_the_address_that_readers_know() -> None:
    mail = build("ann", [line(hook=OTHER), line()], more=False)
    address = f"https://kf.example.org/#/forms/aX/settings/rest/{HOOK}"
    assert f'<a href="{address}" dir="auto">Households</a>' in mail.html
    assert f"\n{address}\n" in mail.text


def test_names_and_messages_cannot_add_lines_to_the_text() -> None:
    calm = build("ann", [line(asset_name="a b", hook_name="a b", message="a b")], more=False)
    evil = "a\r\n\u2028\x1b\x00b"
    wild = build("ann", [line(asset_name=evil, hook_name=evil, message=evil)], more=False)
    assert wild == calm


def test_failures_that_did_not_fit_are_announced() -> None:
    assert "follow in the next report" in build("ann", [line()], more=True).text
    assert "follow in the next report" in build("ann", [line()], more=True).html
    assert "follow in the next report" not in build("ann", [line()], more=False).text
