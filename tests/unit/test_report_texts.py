"""Failure mails in every language, in text and HTML (contract rest-services §8, design §5)."""

from __future__ import annotations

import re
import string
from html.parser import HTMLParser
from typing import Any

import pytest

from formrelay import ids
from formrelay.reports.mail import Mail, build
from formrelay.reports.texts import CATALOGUE, Texts, texts_for
from formrelay.storage.reports import MAX_LINES

HOOK, OTHER = "hAAAAAAAAAAAAAAAAAAAAA", "hBBBBBBBBBBBBBBBBBBBBB"
AT = 1_785_658_205_000  # 2026-08-02 08:10:05 UTC
LANGUAGES = ["en", "fr", "es", "ar"]
ENGLISH = CATALOGUE["en"]
MARKS = re.compile("[\u200e\u200f\u2066-\u2069]")


def line(**changed: Any) -> dict[str, Any]:
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
        **changed,
    }


def notice(kind: str, **changed: Any) -> dict[str, Any]:
    made = line(kind=kind, failures=20, code=500, message="out of order", **changed)
    del made["sid"]
    return made


def mailed(*lines: dict[str, Any], language: str = "en", **options: Any) -> Mail:
    return build("ann", list(lines) or [line()], more=False, language=language, **options)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


# The catalogue


def test_there_are_the_four_languages() -> None:
    assert list(CATALOGUE) == LANGUAGES


@pytest.mark.parametrize("field", Texts._fields)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_what_is_filled_in(language: str, field: str) -> None:
    text, english = getattr(CATALOGUE[language], field), getattr(ENGLISH, field)
    assert text.strip() == text != ""
    assert placeholders(text) == placeholders(english)
    assert "\n" not in text


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_sentences_are_translated(language: str) -> None:
    same = {
        field for field in Texts._fields if getattr(CATALOGUE[language], field) == getattr(ENGLISH, field)
    }
    assert same <= {"direction", "message", "date", "preheader_changed"}


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("fr", "fr"),
        ("FR-ca", "fr"),
        ("es_MX", "es"),
        (" ar ", "ar"),
        ("", "en"),
        ("xx", "en"),
        ("french", "en"),
        (None, "en"),
        (7, "en"),
        ({}, "en"),
    ],
)
def test_a_language_tag_chooses_and_english_is_for_the_rest(tag: object, language: str) -> None:
    assert texts_for(tag).language == language


# Text


def table(text: str, head: str) -> list[str]:
    """The lines of the table whose first column has that head, without marks of direction."""
    lines = [MARKS.sub("", row) for row in text.splitlines()]
    start = next(i for i, row in enumerate(lines) if row.startswith(head))
    return lines[start : lines.index("", start)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_columns_of_the_text_stand_one_below_the_other(language: str) -> None:
    rows = [line(), line(sid=18, code=None, message="x" * 90), line(hook=OTHER, hook_name="A longer name")]
    found = table(mailed(*rows, language=language).text, CATALOGUE[language].hook)
    rule = found[1]
    starts = [match.start() for match in re.finditer("-+", rule)]
    assert len(starts) == 6
    assert len(found) == 5
    for row in found[2:]:
        cells = [row[i:j].rstrip() for i, j in zip(starts, [*starts[1:], None], strict=True)]
        assert cells[1].startswith("hl")
        assert cells[5] == "2026-08-02 08:10"
        assert len(cells[4]) <= 23


def test_wide_and_combining_letters_take_the_place_that_they_have() -> None:
    found = table(mailed(line(hook_name="医療"), line(sid=18, hook=OTHER, hook_name="é́é")).text, "Hook")
    wide, narrow = (next(row for row in found if name in row) for name in ("医療", "é"))
    uid = ids.delivery_uid(HOOK, 17)
    assert wide.index(uid) == len("医療") + 2  # four columns, two letters
    assert narrow.index("hl") - 2 == 4 + narrow.count("\u0301")


def test_rows_with_letters_from_right_to_left_keep_their_columns_apart() -> None:
    text = mailed(line(hook_name="نظام")).text
    (row,) = [row for row in text.splitlines() if "نظام" in row and "hl" in row]
    assert row.startswith("\u200e\u2068نظام\u2069")
    assert row.count("\u2068") == row.count("\u2069") == 6
    assert not MARKS.search(mailed(line()).text)


def test_arabic_rows_run_from_right_to_left() -> None:
    rows = [row for row in mailed(language="ar").text.splitlines() if "\u2068" in row]
    assert len(rows) == 3
    assert all(row.startswith("\u200f") for row in rows)


@pytest.mark.parametrize("language", LANGUAGES)
def test_addresses_stand_alone_on_their_lines_and_are_whole(language: str) -> None:
    urls = {HOOK: "https://kf.example.org/unsubscribe/?token=" + "x" * 300}
    text = mailed(language=language, stop_urls=urls).text
    page = f"https://kf.example.org/#/p/aX/h/{HOOK}"
    lines = [row.strip() for row in text.splitlines()]
    assert [row for row in lines if "http" in row] == [
        f"https://kf.example.org/#/forms/aX/settings/rest/{HOOK}",
        f"{page}/deliveries?status=0",
        f"{page}/resend",
        f"PATCH https://kf.example.org/api/v2/assets/aX/hooks/{HOOK}/retry/",
        urls[HOOK],
    ]


# HTML


class Reader(HTMLParser):
    """Tags that are left open or closed wrongly, and what the document has."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_document_is_well_formed_and_says_its_language(language: str) -> None:
    reader = Reader(
        mailed(line(), notice("paused"), language=language, arrived=[line(kind="arrived", sid=2)]).html
    )
    assert reader.open == []
    direction = "rtl" if language == "ar" else "ltr"
    assert reader.tags[0] == ("html", {"lang": language, "dir": direction})
    # Some mail clients keep only what is in the body.
    assert next(attrs for tag, attrs in reader.tags if tag == "body")["dir"] == direction


def test_nothing_is_fetched_and_nothing_runs() -> None:
    reader = Reader(mailed().html)
    assert not {tag for tag, _ in reader.tags} & {"img", "link", "script", "iframe", "form", "object"}
    assert not [attrs for _, attrs in reader.tags if "url(" in (attrs.get("style") or "") or "src" in attrs]


def test_it_is_read_on_light_and_dark_ground() -> None:
    html = mailed().html
    assert '<meta name="color-scheme" content="light dark">' in html
    styles = " ".join(attrs.get("style") or "" for _, attrs in Reader(html).tags)
    assert not re.search(r"(^|[;\s])(color|background(-color)?)\s*:", styles)


def test_uids_codes_and_dates_keep_their_direction_and_names_have_their_own() -> None:
    html = mailed(language="ar").html
    uid = ids.delivery_uid(HOOK, 17)
    for text in (uid, "17", "503", "2026-08-02 08:10"):
        assert f'<span dir="ltr">{text}</span>' in html
    for text in ("ERP", "busy"):
        assert f'<span dir="auto">{text}</span>' in html


def test_the_first_line_that_mail_boxes_show_counts_and_names_projects() -> None:
    html = mailed(line(), line(sid=18), line(asset="aY", asset_name="Clinics", hook=OTHER)).html
    body = html[html.index("<body") :]
    first = re.sub(r"<[^>]+>", "\n", body).split("\n\n")[1].strip()
    assert first == "Not delivered: 3. Clinics, Households"


def test_a_full_mail_is_shown_whole_by_clients_that_cut_at_100_kb() -> None:
    hooks = [f"h{i:021d}" for i in range(10)]
    urls = dict.fromkeys(hooks, "https://kf.example.org/unsubscribe/?token=" + "x" * 300)
    lines = [
        line(hook=hooks[i % 10], sid=10**14 + i, message="An error occurred when sending data: time-out " * 3)
        for i in range(MAX_LINES)
    ]
    arrived = [line(kind="arrived", sid=i, hook=hooks[0]) for i in range(300)]
    mail = build("ann", lines, more=True, arrived=arrived, language="ar", stop_urls=urls)
    assert len(mail.html.encode()) < 102_400


def test_what_cannot_be_clicked_is_no_link() -> None:
    html = mailed().html
    assert f"PATCH https://kf.example.org/api/v2/assets/aX/hooks/{HOOK}/retry/" in html
    assert "/retry/" not in " ".join(re.findall(r'href="([^"]*)"', html))


# Notices and arrivals


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["paused", "switched-off"])
def test_what_happened_to_a_hook_is_told_without_a_table(language: str, kind: str) -> None:
    mail = mailed(notice(kind), language=language)
    for text in (MARKS.sub("", mail.text), MARKS.sub("", mail.html)):
        assert "ERP" in text
        assert "2026-08-02 08:10" in text.replace("\n", " ")
        assert CATALOGUE[language].hooks_changed in text.replace("\n", " ")
    assert "<table" not in mail.html
    if kind == "paused":
        assert "500 out of order" in MARKS.sub("", mail.text).replace("\n", " ")


def test_a_pause_without_an_answer_reads_well() -> None:
    mail = mailed({**notice("paused"), "code": None, "message": ""})
    assert "the last one: None. New" in mail.text.replace("\n", " ")


def test_what_arrived_stands_in_a_table_of_its_own() -> None:
    mail = mailed(line(), arrived=[line(kind="arrived", sid=2, at=AT + 60_000)])
    assert mail.text.count("Hook ") == 2
    failures, arrived = mail.html.split("Had failed, arrived since")
    uid = ids.delivery_uid(HOOK, 2)
    assert uid in arrived
    assert uid not in failures
    assert "2026-08-02 08:11" in arrived


def test_a_project_in_which_things_only_arrived_has_no_links_to_failures() -> None:
    mail = mailed(line(), arrived=[line(kind="arrived", asset="aY", asset_name="Clinics", hook=OTHER, sid=2)])
    assert f"hooks/{OTHER}" not in mail.html
    assert "Clinics" in mail.html


def test_names_that_turn_direction_around_are_disarmed_and_joined_letters_kept() -> None:
    mail = mailed(line(hook_name="evil\u202egnp.exe", asset_name="می\u200cخواهم"))
    assert "\u202e" not in mail.html + mail.text
    assert "می\u200cخواهم" in mail.html
