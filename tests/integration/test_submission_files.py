"""Files of submissions: parts, names of any script, what is hidden, what clashes (contract submissions §4, §6)."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from formrelay import attachments
from formrelay.openrosa.multipart import Part
from formrelay.storage import submissions
from tests.support.app import FORM, Answer, App, Parts
from tests.support.aws import objects, stored
from tests.support.forms import small_jpeg

JPEG = small_jpeg()
NO_MEDIA: dict[str, Any] = {"survey": [{"type": "text", "name": "name", "label": "Name"}]}
MANY: dict[str, Any] = {
    "survey": [
        {"type": "begin_repeat", "name": "page", "label": "Page"},
        {"type": "image", "name": "scan", "label": "Scan"},
        {"type": "end_repeat"},
    ]
}


@pytest.fixture
def asset(app: App) -> str:
    return app.deploy(FORM)


def files(app: App, asset: str) -> list[dict[str, Any]]:
    (record,) = app.records(asset)
    found: list[dict[str, Any]] = record["_attachments"]
    return found


def names(app: App, asset: str) -> list[str]:
    return [file["media_file_basename"] for file in files(app, asset)]


def hidden(app: App, asset: str) -> set[str]:
    """Names of the files that are stored but not shown."""
    kept = set(next(iter(submissions.scan(asset)))["files"])
    return kept - set(names(app, asset))


def post(app: App, xml: str, *parts: tuple[str, str | None, bytes, str | None]) -> Answer:
    """A submission with parts as (part name, file name, bytes, type)."""
    given: Parts = [("xml_submission_file", ("i.xml", xml, "text/xml"))]
    given += [(name, (filename, data, kind)) for name, filename, data, kind in parts]
    return app.send_form("POST", "/submission", given)


def raw_post(app: App, xml: str, *headers: bytes, data: bytes = JPEG) -> Answer:
    """A submission whose further parts have these Content-Disposition parameters, byte for byte."""
    part = b"--x\r\nContent-Disposition: form-data; %s\r\nContent-Type: image/jpeg\r\n\r\n%s\r\n"
    body = part % (b'name="xml_submission_file"; filename="i.xml"', xml.encode())
    body += b"".join(part % (header, data) for header in headers) + b"--x--\r\n"
    return app.call(
        "POST", "/submission", body=body, headers={"content-type": "multipart/form-data; boundary=x"}
    )


def test_a_file_is_shown_and_can_be_fetched(app: App, asset: str) -> None:
    assert app.submit(app.filled(asset, {"photo": "p.jpg"}), {"p.jpg": JPEG}).status == 201
    (file,) = files(app, asset)
    assert (file["mimetype"], file["question_xpath"], file["is_deleted"]) == ("image/jpeg", "photo", False)
    answer = app.get(file["download_url"].removeprefix("https://kf.example.org"))
    assert (answer.status, answer.body) == (200, JPEG)


def test_the_name_of_the_part_does_not_matter(app: App, asset: str) -> None:
    post(app, app.filled(asset, {"photo": "p.jpg"}), ("whatever", "p.jpg", JPEG, "image/jpeg"))
    assert names(app, asset) == ["p.jpg"]


def test_two_files_under_one_part_name_are_both_kept(app: App) -> None:
    asset = app.deploy(MANY)
    xml = app.filled(asset, {"page": [{"scan": "a.jpg"}, {"scan": "b.jpg"}]})
    post(app, xml, ("f", "a.jpg", b"a", None), ("f", "b.jpg", b"b", None))
    assert [(file["media_file_basename"], file["question_xpath"]) for file in files(app, asset)] == [
        ("a.jpg", "page[1]/scan"),
        ("b.jpg", "page[2]/scan"),
    ]


def test_a_part_without_a_file_name_is_no_file(app: App, asset: str) -> None:
    post(app, app.filled(asset, {"photo": "p.jpg"}), ("p.jpg", None, JPEG, None))
    assert files(app, asset) == []
    assert objects(app.settings.bucket) == []


@pytest.mark.parametrize(
    ("name", "stored_name"),
    [
        ("front door-10_5_40.jpg", "front_door-10_5_40.jpg"),
        ("porte d'entrée.jpg", "porte_dentrée.jpg"),
        ("الصورة ١.jpg", "الصورة_١.jpg"),
        ("写真\N{ZERO WIDTH SPACE}.jpg", "写真.jpg"),
        ("a\N{COMBINING ACUTE ACCENT}.jpg", "a.jpg"),
        ("50%.jpg", "50.jpg"),
        ("../../etc/passwd", "....etcpasswd"),
        ("\N{SNOWMAN}", "file"),
        (".name", ".name"),
        ("#f0", "f0"),
        ("x" * 251 + ".jpg", "x" * 251 + ".jpg"),
    ],
)
def test_a_name_of_any_script_is_kept_as_it_came(app: App, asset: str, name: str, stored_name: str) -> None:
    """Once with the submission, once in a part of its own: two different writes."""
    xml = app.filled(asset, {"photo": name.replace("&", "&amp;")})
    assert app.submit(xml, {"other.jpg": b"1"}).status == 201
    assert app.submit(xml, {name: JPEG}).status == 201
    other = app.filled(asset, {"photo": name, "name": "x"})
    assert app.submit(other, {name: JPEG}).status == 201
    for record in app.records(asset):
        (file,) = record["_attachments"]
        assert (file["media_file_basename"], record["photo"]) == (name, name)
        assert file["filename"].rpartition("/")[2] == stored_name
        assert file["question_xpath"] == "photo"


@pytest.mark.parametrize(
    "header",
    [
        'name="a"; filename="über \N{SNOWMAN}.jpg"'.encode(),
        b"name=\"a\"; filename*=UTF-8''%C3%BCber%20%E2%98%83.jpg",
        b'name="a"; filename="plain.jpg"; filename*=UTF-8\'\'%C3%BCber%20%E2%98%83.jpg',
    ],
)
def test_a_name_may_come_raw_or_percent_encoded(app: App, asset: str, header: bytes) -> None:
    raw_post(app, app.filled(asset, {"photo": "über \N{SNOWMAN}.jpg"}), header)
    assert names(app, asset) == ["über \N{SNOWMAN}.jpg"]


def test_a_quote_in_a_name_comes_percent_encoded(app: App, asset: str) -> None:
    raw_post(app, app.filled(asset, {"photo": 'a "b".jpg'}), b'name="a"; filename="a %22b%22.jpg"')
    assert names(app, asset) == ['a "b".jpg']


def test_a_name_that_is_too_long_is_refused(app: App, asset: str) -> None:
    answer = app.submit(app.filled(asset, {"name": "a"}), {"x" * 300: JPEG})
    assert answer.status == 400
    assert app.records(asset) == []


def test_names_that_become_equal_are_kept_apart(app: App) -> None:
    asset = app.deploy(MANY)
    xml = app.filled(asset, {"page": [{"scan": "a b.jpg"}, {"scan": "a_b.jpg"}]})
    app.submit(xml, {"a b.jpg": b"1"})
    app.submit(xml, {"a_b.jpg": b"2"})
    first, second = (file["filename"].rpartition("/")[2] for file in files(app, asset))
    assert first == "a_b.jpg"
    assert len(second) == len("a_b_1234567.jpg")
    assert second.startswith("a_b_")


def test_a_file_may_come_under_the_name_that_a_copied_record_stores_it_under(app: App, asset: str) -> None:
    """Scripts that move data send files as ``filename`` of their source ends."""
    xml = app.filled(asset, {"photo": "front door-10 (é).jpg"})
    app.submit(xml, {"front_door-10_é.jpg": JPEG, "front_door.jpg": b"x"})
    (file,) = files(app, asset)
    assert (file["media_file_basename"], file["question_xpath"]) == ("front_door-10_é.jpg", "photo")
    assert hidden(app, asset) == {"front_door.jpg"}


def test_an_answer_that_is_a_files_very_name_counts_more_than_one_stored_alike(app: App) -> None:
    asset = app.deploy(MANY)
    xml = app.filled(asset, {"page": [{"scan": "a b.jpg"}, {"scan": "a_b.jpg"}]})
    app.submit(xml, {"a_b.jpg": JPEG})
    (file,) = files(app, asset)
    assert file["question_xpath"] == "page[2]/scan"


def test_files_that_no_question_names_are_stored_but_hidden(app: App, asset: str) -> None:
    app.submit(app.filled(asset, {"photo": "p.jpg"}), {"p.jpg": JPEG, "stray.jpg": b"x"})
    assert names(app, asset) == ["p.jpg"]
    assert hidden(app, asset) == {"stray.jpg"}
    assert len(objects(app.settings.bucket)) == 2


def test_a_file_that_only_a_text_question_names_is_hidden(app: App, asset: str) -> None:
    app.submit(app.filled(asset, {"name": "p.jpg"}), {"p.jpg": JPEG})
    assert names(app, asset) == []


@pytest.mark.parametrize("name", ["audit.csv", "submission.xml.enc", "background-audio-1.m4a"])
def test_files_that_clients_add_by_themselves_are_shown(app: App, asset: str, name: str) -> None:
    app.submit(app.filled(asset, {"photo": "p.jpg"}), {name: b"x"})
    (file,) = files(app, asset)
    assert (file["media_file_basename"], file["question_xpath"]) == (name, "")


def test_files_of_a_form_without_media_questions_are_shown(app: App) -> None:
    asset = app.deploy(NO_MEDIA)
    app.submit(app.filled(asset, {"name": "a"}), {"any.jpg": JPEG})
    assert names(app, asset) == ["any.jpg"]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("image/jpeg", "image/jpeg"),
        ("IMAGE/JPEG; charset=binary", "image/jpeg"),
        (None, "image/jpeg"),
        ("application/octet-stream", "image/jpeg"),
        ("nonsense", "image/jpeg"),
        ("imagé/jpeg", "image/jpeg"),
        ("image/" + "x" * 5_000, "image/jpeg"),
    ],
)
def test_the_type_of_a_file_is_the_one_sent_or_guessed(
    app: App, asset: str, sent: str | None, shown: str
) -> None:
    assert post(app, app.filled(asset, {"photo": "p.jpg"}), ("p", "p.jpg", JPEG, sent)).status == 201
    (file,) = files(app, asset)
    assert file["mimetype"] == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("data:image/語,p.jpg", "image/jpeg"),
        ("data:text/html,", "application/octet-stream"),
        ("folder.mp3/file", "application/octet-stream"),
        ("jpg", "application/octet-stream"),
    ],
)
def test_a_type_is_guessed_by_the_suffix_alone(app: App, asset: str, name: str, shown: str) -> None:
    post(app, app.filled(asset, {"photo": name}), ("p", name, JPEG, None))
    (file,) = files(app, asset)
    assert file["mimetype"] == shown


def test_only_images_have_smaller_pictures(app: App) -> None:
    asset = app.deploy(NO_MEDIA)
    post(app, app.filled(asset, {"name": "a"}), ("a", "a.jpg", JPEG, None), ("b", "b.mp3", b"x", None))
    image, sound = files(app, asset)
    assert image["download_large_url"] == image["download_url"] + "large/"
    assert not any(key.startswith("download_") and key != "download_url" for key in sound)


# Several parts


def test_further_parts_with_the_same_xml_add_files(app: App) -> None:
    asset = app.deploy(MANY)
    xml = app.filled(asset, {"page": [{"scan": "a.jpg"}, {"scan": "b.jpg"}]})
    assert app.submit(xml, {"a.jpg": b"a"}, incomplete=True).status == 201
    assert app.submit(xml, {"b.jpg": b"b"}).status == 201
    assert names(app, asset) == ["a.jpg", "b.jpg"]
    assert app.submit(xml, {"a.jpg": b"a"}).status == 202
    assert app.submit(xml, {"a.jpg": b"a", "b.jpg": b"b"}).status == 202
    assert app.submit(xml).status == 202
    assert names(app, asset) == ["a.jpg", "b.jpg"]
    assert len(objects(app.settings.bucket)) == 2


def test_a_part_with_old_and_new_files_adds_the_new_ones(app: App) -> None:
    asset = app.deploy(MANY)
    xml = app.filled(asset, {"page": [{"scan": "a.jpg"}, {"scan": "b.jpg"}]})
    app.submit(xml, {"a.jpg": b"a"})
    assert app.submit(xml, {"a.jpg": b"a", "b.jpg": b"b"}).status == 201
    assert names(app, asset) == ["a.jpg", "b.jpg"]


def test_a_file_of_the_same_name_with_other_bytes_is_refused(app: App, asset: str) -> None:
    xml = app.filled(asset, {"photo": "p.jpg"})
    app.submit(xml, {"p.jpg": b"one"})
    answer = app.submit(xml, {"p.jpg": b"two", "q.jpg": b"new"})
    assert (answer.status, "Attachment with same name already exists" in answer.text) == (409, True)
    assert len(objects(app.settings.bucket)) == 1


def test_one_part_cannot_hold_two_files_of_one_name(app: App, asset: str) -> None:
    xml = app.filled(asset, {"photo": "p.jpg"})
    same = ("f", "p.jpg", b"one", None)
    assert post(app, xml, same, ("f", "p.jpg", b"two", None)).status == 409
    assert app.records(asset) == []
    assert post(app, xml, same, same).status == 201
    assert len(objects(app.settings.bucket)) == 1


def test_as_many_files_as_a_submission_can_hold_come_in_few_parts_and_no_more(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "MAX_FILES", 60)
    asset = app.deploy(MANY)
    wanted = [f"scan {number:03d}.jpg" for number in range(60)]
    xml = app.filled(asset, {"page": [{"scan": name} for name in wanted]})
    for some in (wanted[:2], wanted[2:57], wanted[57:]):
        assert app.submit(xml, dict.fromkeys(some, b"x"), incomplete=True).status == 201
    assert names(app, asset) == wanted
    answer = app.submit(xml, {"one more.jpg": b"x"})
    assert (answer.status, "at most 60 files" in answer.text) == (400, True)


def entries(count: int, name: str, mimetype: str = "image/jpeg", xpath: str = "page[1]/scan") -> int:
    """How many entries so many files have whose names begin so."""
    parts = [Part("f", f"{number:03d}{name}", mimetype, b"x") for number in range(count)]
    named = {part.filename or "": xpath for part in parts}
    return len(attachments.entries(attachments.received(parts, named, True, 1_795_644_348_000), {}))


def test_a_submission_holds_200_files_of_the_longest_names_and_500_of_usual_ones() -> None:
    assert entries(200, "ü" * 126, f"{'a' * 50}/{'b' * 80}", "é" * 150) == 200
    assert entries(500, "-10_30_59 signature of the head of the household.png", xpath="group/" * 12) == 500


def test_files_whose_names_would_not_fit_into_the_record_are_refused(app: App) -> None:
    asset = app.deploy(MANY)
    wanted = [f"{number:03d}" + "ü" * 126 for number in range(499)]
    xml = app.filled(asset, {"page": [{"scan": name} for name in wanted]})
    refused = app.submit(xml, dict.fromkeys(wanted, b"x"))
    assert (refused.status, "that many files with such long names" in refused.text) == (400, True)
    assert (app.records(asset), objects(app.settings.bucket)) == ([], [])


def test_the_item_of_a_submission_stays_within_the_limit_of_the_store(app: App) -> None:
    """400 KB an item: names, types and places of files are bounded, bigger bodies stand in S3."""
    group = "é" * 100
    asset = app.deploy({"survey": [{"type": "text", "name": "name", "label": "Name"}, *_nested(group)]})
    wanted = [f"{i:03d}" + "ü" * 126 for i in range(198)]
    values = {"name": secrets.token_hex(60_000), f"{group}/page": [{"scan": name} for name in wanted]}
    xml = app.filled(asset, values)
    assert post(app, xml, *((f"p{i}", name, b"x", LONG_TYPE) for i, name in enumerate(wanted))).status == 201
    (item,) = [item for item in stored(app.settings.data_table) if item["pk"]["S"] == f"D#{asset}"]
    assert "packed" in item
    assert 250_000 < size(item) < 400_000


LONG_TYPE = "image/" + "x" * 79


def _nested(group: str) -> list[dict[str, str]]:
    return [
        {"type": "begin_group", "name": group, "label": "G"},
        *MANY["survey"],
        {"type": "end_group"},
    ]


def size(value: Any) -> int:
    """Bytes of an item as DynamoDB counts them: names and values."""
    total = 0
    for name, typed in value.items():
        ((kind, inner),) = typed.items()
        total += len(name.encode())
        if kind == "M":
            total += 3 + len(inner) + size(inner)
        elif kind == "L":
            total += 3 + sum(1 + size({"": entry}) for entry in inner)
        elif kind in ("S", "B"):
            total += len(inner.encode() if kind == "S" else inner)
        else:
            total += 21
    return total
