"""Files of submissions, fetched (contract data §9)."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from formrelay.api import attachments
from formrelay.api.http import MAX_BODY
from tests.support.app import FORM, App
from tests.support.calls import counting, failing
from tests.support.forms import small_jpeg
from tests.support.grants import ANONYMOUS, grant

JPEG = small_jpeg()


@pytest.fixture
def asset(app: App) -> str:
    made = app.deploy(FORM)
    xml = app.filled(made, {"photo": "front door.jpg"}, "uuid:1")
    assert app.submit(xml, {"front door.jpg": JPEG}).status == 201
    return made


def path(app: App, asset: str) -> str:
    url: str = app.records(asset)[0]["_attachments"][0]["download_url"]
    return url.removeprefix("https://kf.example.org")


def test_the_download_url_answers_with_the_bytes_and_no_redirect(app: App, asset: str) -> None:
    answer = app.get(path(app, asset))
    assert (answer.status, answer.body) == (200, JPEG)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"] == (
        "inline; filename=\"front door.jpg\"; filename*=UTF-8''front%20door.jpg"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "location" not in answer.headers


@pytest.mark.parametrize("rest", ["original/", "large/", "medium/", "small/", "small", "/"])
def test_every_size_and_spelling_answers_with_an_image(app: App, asset: str, rest: str) -> None:
    assert app.get(path(app, asset) + rest).body == JPEG


# Smaller pictures


def photo(app: App, data: bytes, mimetype: str = "image/jpeg") -> str:
    """The path of a file of that kind, which answers the only question of the only submission."""
    asset = app.deploy(FORM)
    parts = [
        ("xml_submission_file", ("i.xml", app.filled(asset, {"photo": "p.x"}), "text/xml")),
        ("f", ("p.x", data, mimetype)),
    ]
    assert app.send_form("POST", "/submission", parts).status == 201  # type: ignore[arg-type]
    return path(app, asset)


def drawn(size: tuple[int, int], kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(("size", "pixels"), [("large", 1280), ("medium", 640), ("small", 240)])
def test_a_picture_comes_in_the_size_that_was_asked_for(app: App, size: str, pixels: int) -> None:
    url = photo(app, drawn((2000, 1000)))
    answer = app.get(f"{url}{size}/")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.headers["content-disposition"].startswith('inline; filename="p.x"')
    assert Image.open(io.BytesIO(answer.body)).size == (pixels, pixels // 2)


def test_a_smaller_picture_is_made_once(app: App) -> None:
    url = photo(app, drawn((2000, 1000)))
    first = app.get(url + "small/")
    app.lambdas.down.add(app.settings.image_function)
    assert app.get(url + "small/").body == first.body


def test_a_smaller_picture_may_be_of_another_kind(app: App) -> None:
    answer = app.get(photo(app, drawn((500, 500), "GIF"), "image/gif") + "small/")
    assert (answer.headers["content-type"], Image.open(io.BytesIO(answer.body)).format) == (
        "image/png",
        "PNG",
    )


@pytest.mark.parametrize(
    ("data", "mimetype"),
    [
        (b"no picture", "image/jpeg"),
        (drawn((20, 10)), "image/jpeg"),
        (b"<svg/>", "image/svg+xml"),
        (b"%PDF", "application/pdf"),
        (b"ID3", "audio/mpeg"),
    ],
)
def test_what_cannot_be_made_smaller_comes_as_it_is(app: App, data: bytes, mimetype: str) -> None:
    url = photo(app, data, mimetype)
    for _ in range(2):
        answer = app.get(url + "medium/")
        assert (answer.status, answer.body, answer.headers["content-type"]) == (200, data, mimetype)


def test_that_a_picture_cannot_be_made_smaller_is_found_out_once(app: App) -> None:
    url = photo(app, b"no picture")
    app.get(url + "small/")
    with counting() as made:
        app.get(url + "small/")
    assert made["s3.GetObject"] == 2  # what is known of the smaller one, the original
    assert made["s3.PutObject"] == 0


def test_pictures_come_as_they_are_while_nothing_can_make_them_smaller(app: App) -> None:
    data = drawn((500, 500))
    url = photo(app, data)
    app.lambdas.down.add(app.settings.image_function)
    assert app.get(url + "small/").body == data
    app.lambdas.down.clear()
    assert app.get(url + "small/").body != data


def test_s3_hides_what_is_missing_from_those_who_may_not_list(app: App) -> None:
    url = photo(app, drawn((500, 500)))
    with failing("s3.GetObject", "AccessDenied", 1):
        answer = app.get(url + "small/")
    assert Image.open(io.BytesIO(answer.body)).size == (240, 240)


@pytest.mark.parametrize(
    ("mimetype", "status"), [("image/jpeg", 400), ("audio/amr", 400), ("video/mp4", 400), ("audio/mpeg", 200)]
)
def test_nothing_is_converted_to_mp3(app: App, mimetype: str, status: int) -> None:
    url = photo(app, b"bytes", mimetype)
    base = url.rstrip("/").rpartition("/")[0]
    for answer in (app.get(url, format="mp3"), app.get(base, format="mp3", xpath="photo")):
        assert answer.status == status
        if status == 400:
            assert answer.json() == {"detail": f"Conversion is not supported for {mimetype}"}


# Paths and questions


def test_the_path_without_its_slash_and_by_uuid_answers(app: App, asset: str) -> None:
    url = path(app, asset)
    sid = str(app.records(asset)[0]["_id"])
    assert app.get(url.rstrip("/")).body == JPEG
    assert app.get(url.replace(f"/data/{sid}/", "/data/uuid:1/")).body == JPEG


def test_a_head_request_has_the_headers_alone(app: App, asset: str) -> None:
    answer = app.call("HEAD", path(app, asset))
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"", "image/jpeg")


@pytest.mark.parametrize("rest", ["attX/", "attX/small/", "17/"])
def test_an_unknown_file_is_not_found(app: App, asset: str, rest: str) -> None:
    base = path(app, asset).rstrip("/").rpartition("/")[0]
    answer = app.get(f"{base}/{rest}")
    assert (answer.status, answer.json()) == (404, {"detail": "Not found."})


def test_an_unknown_size_is_not_found(app: App, asset: str) -> None:
    assert app.get(path(app, asset) + "huge/").status == 404


def test_the_file_of_another_submission_is_not_found(app: App, asset: str) -> None:
    url = path(app, asset)
    app.submit(app.filled(asset, {"name": "Ana"}, "uuid:2"))
    sid = str(app.records(asset)[0]["_id"])
    assert app.get(url.replace(f"/data/{sid}/", "/data/uuid:2/")).status == 404


@pytest.mark.parametrize(
    ("xpath", "status", "detail"),
    [
        ("photo", 200, None),
        ("other", 400, "The path could not be found in the submission"),
        ("/photo/", 200, None),
        ("photo[1]", 200, None),
        ("photo[2]", 400, "The path could not be found in the submission"),
        ("a/photo", 400, "The path could not be found in the submission"),
        ("photo[", 400, "Invalid XPath syntax"),
        ("photo[0]", 400, "Invalid XPath syntax"),
        ("photo[last()]", 400, "Invalid XPath syntax"),
        ("//photo", 200, None),
        ("a//photo", 400, "Invalid XPath syntax"),
        ("ph.to", 400, "The path could not be found in the submission"),
        ("", 400, "`xpath` query parameter is required"),
        (None, 400, "`xpath` query parameter is required"),
    ],
)
def test_the_file_of_a_question_is_found_by_its_path(
    app: App, asset: str, xpath: str | None, status: int, detail: str | None
) -> None:
    base = path(app, asset).rstrip("/").rpartition("/")[0]
    answer = app.get(base, **({} if xpath is None else {"xpath": xpath}))
    assert answer.status == status
    assert (answer.body == JPEG) if status == 200 else (answer.json() == {"detail": detail})


def test_the_file_of_a_question_in_a_repeat_is_found_by_its_index(app: App) -> None:
    asset = app.deploy(
        {
            "survey": [
                {"type": "begin_repeat", "name": "member", "label": "M"},
                {"type": "image", "name": "portrait", "label": "P"},
                {"type": "end_repeat"},
            ]
        }
    )
    values: dict[str, Any] = {"member": [{}, {"portrait": "p.jpg"}]}
    app.submit(app.filled(asset, values, "uuid:1"), {"p.jpg": JPEG})
    for xpath, status in (
        ("member[2]/portrait", 200),
        ("member[2]/portrait[1]", 200),
        ("member/portrait", 200),
        ("member[1]/portrait", 400),
        ("member[2]/portrait[2]", 400),
    ):
        answer = app.get(f"/api/v2/assets/{asset}/data/uuid:1/attachments/", xpath=xpath)
        assert answer.status == status, xpath


@pytest.mark.parametrize(
    ("name", "kind", "disposition"),
    [
        ("p.jpg", "image/jpeg", "inline"),
        ("p.mp3", "audio/mpeg", "inline"),
        ("p.mp4", "video/mp4", "inline"),
        ("p.svg", "image/svg+xml", "attachment"),
        ("p.html", "text/html", "attachment"),
        ("p.pdf", "application/pdf", "attachment"),
        ("p.js", "text/javascript", "attachment"),
        ("p.bin", "application/octet-stream", "attachment"),
    ],
)
def test_only_safe_media_are_shown_in_a_browser(app: App, name: str, kind: str, disposition: str) -> None:
    asset = app.deploy(FORM)
    parts = [
        ("xml_submission_file", ("i.xml", app.filled(asset, {"photo": name}), "text/xml")),
        ("f", (name, b"<x>", kind)),
    ]
    app.send_form("POST", "/submission", parts)  # type: ignore[arg-type]
    answer = app.get(path(app, asset))
    assert answer.headers["content-type"] == kind
    assert answer.headers["content-disposition"].startswith(f"{disposition}; ")
    assert answer.body == b"<x>"


def test_a_name_of_any_script_is_told_in_ascii(app: App) -> None:
    asset = app.deploy(FORM)
    name = 'é "写真"; x=\\.jpg'
    xml = app.filled(asset, {"photo": name})
    assert app.submit(xml, {name: JPEG}).status == 201
    disposition = app.get(path(app, asset)).headers["content-disposition"]
    assert disposition == (
        'inline; filename="_ _____ x__.jpg"; '
        "filename*=UTF-8''%C3%A9%20%22%E5%86%99%E7%9C%9F%22%3B%20x%3D%5C.jpg"
    )


def test_a_file_that_no_answer_of_lambda_holds_is_fetched_from_s3(
    app: App, asset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "MAX_BODY", len(JPEG) - 1)
    answer = app.get(path(app, asset))
    assert (answer.status, answer.body) == (302, b"")
    location = urlsplit(answer.headers["location"])
    query = parse_qs(location.query)
    assert query["response-content-type"] == ["image/jpeg"]
    assert query["response-content-disposition"][0].startswith('inline; filename="front door.jpg"')
    assert int(query.get("X-Amz-Expires", query.get("Expires", ["0"]))[0]) > 0
    told = app.get(path(app, asset), redirect="false")
    assert (told.status, told.json().keys()) == (200, {"url"})
    assert urlsplit(told.json()["url"]).path == location.path
    monkeypatch.setattr(attachments, "MAX_BODY", len(JPEG))
    assert app.get(path(app, asset), redirect="false").body == JPEG
    assert app.get(path(app, asset)).status == 200


def test_what_fits_inline_fits_an_answer_of_lambda() -> None:
    assert MAX_BODY * 4 / 3 + 10_000 < 6 * 1024 * 1024


def test_private_files_are_never_handed_out(app: App, asset: str) -> None:
    app.add_user("bob")
    url = path(app, asset)
    for user in ("bob", None):
        assert app.get(url, user=user).status == 404
    answer = app.call("GET", url, headers={"authorization": "Token " + "0" * 40})
    assert answer.status == 401


def test_public_files_are_handed_out(app: App, asset: str) -> None:
    url = path(app, asset)
    grant(asset, ANONYMOUS, "view_asset", "view_submissions")
    assert app.get(url, user=None).body == JPEG
