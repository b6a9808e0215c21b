"""Media files of a form over the API (contract assets §10)."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from formrelay.api import files as route
from formrelay.api.http import MAX_BODY
from tests.support.app import FORM, Answer, App, Clock, Parts
from tests.support.aws import objects
from tests.support.calls import doing
from tests.support.forms import small_jpeg
from tests.support.grants import ANONYMOUS, grant

JPEG = small_jpeg()
BASE = "https://kf.example.org/api/v2"
KEYS = [
    "uid", "url", "asset", "user", "user__username", "file_type", "description", "date_created", "content", "metadata",
]  # fmt: skip


@pytest.fixture
def asset(app: App) -> str:
    return app.deploy(FORM)


def path(asset: str, rest: str = "") -> str:
    return f"/api/v2/assets/{asset}/files/{rest}"


def upload(app: App, asset: str, name: str = "goose.jpg", data: bytes = JPEG, **fields: str) -> Answer:
    """As the documentation's curl does: one binary part, further fields beside it."""
    parts: Parts = [(key, (None, value, None)) for key, value in fields.items()]
    return app.send_form("POST", path(asset), [*parts, ("content", (name, data, None))])


def names(app: App, asset: str) -> list[str]:
    return [file["metadata"]["filename"] for file in app.get(path(asset)).json()["results"]]


def md5(data: bytes) -> str:
    return "md5:" + hashlib.md5(data).hexdigest()  # noqa: S324


# Shapes


def test_a_file_has_the_keys_of_the_contract_and_its_metadata_in_order(
    app: App, asset: str, clock: Clock
) -> None:
    made = upload(app, asset, file_type="form_media", description="default")
    assert made.status == 201, made.text
    file = made.json()
    uid = file["uid"]
    url = f"{BASE}/assets/{asset}/files/{uid}/"
    assert list(file) == KEYS
    assert file == {
        "uid": uid,
        "url": url,
        "asset": f"{BASE}/assets/{asset}/",
        "user": f"{BASE}/users/ann/",
        "user__username": "ann",
        "file_type": "form_media",
        "description": "default",
        "date_created": "2026-08-02T08:10:05.000000Z",
        "content": f"{url}content/",
        "metadata": {"hash": md5(JPEG), "filename": "goose.jpg", "mimetype": "image/jpeg"},
    }
    assert list(file["metadata"]) == ["hash", "filename", "mimetype"]
    assert uid.startswith("af")
    assert made.headers["location"] == url
    assert app.get(path(asset, uid)).json() == file
    assert app.get(path(asset)).json() == {"count": 1, "next": None, "previous": None, "results": [file]}
    assert app.get(f"/api/v2/assets/{asset}.json").json()["files"] == [file]


@pytest.mark.parametrize("spelling", ["files", "files/", "files.json"])
def test_every_spelling_of_the_path_takes_files(app: App, asset: str, spelling: str) -> None:
    where = f"/api/v2/assets/{asset}/{spelling}"
    made = app.send_form("POST", where, [("content", ("a.csv", b"1", None))])
    assert made.status == 201
    assert made.json()["url"] == f"{BASE}/assets/{asset}/files/{made.json()['uid']}/"
    assert app.get(where).json()["count"] == 1


def test_files_come_in_pages_oldest_first(app: App, asset: str, clock: Clock) -> None:
    for number in range(3):
        upload(app, asset, f"{number}.csv", b"1")
        clock.forward(1)
    page = app.get(path(asset), limit="2").json()
    assert [file["metadata"]["filename"] for file in page["results"]] == ["0.csv", "1.csv"]
    assert page["next"] == f"{BASE}/assets/{asset}/files/?limit=2&start=2"
    assert app.get(path(asset), file_type="form_media").json()["count"] == 3
    assert app.get(path(asset), file_type="map_layer").json()["count"] == 0


# Ways


@pytest.mark.parametrize("form_encoded", [True, False])
@pytest.mark.parametrize("mark", ["data:text/csv;base64,", "base64:", ""])
def test_a_file_may_come_as_base64(app: App, asset: str, form_encoded: bool, mark: str) -> None:
    data = bytes(range(256))
    metadata: Any = {"filename": "places.csv"}
    fields = {
        "file_type": "form_media",
        "description": "default",
        "base64Encoded": mark + base64.b64encode(data).decode(),
        "metadata": json.dumps(metadata) if form_encoded else metadata,
    }
    if form_encoded:
        made = app.call(
            "POST",
            path(asset),
            body=urlencode(fields).encode(),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
    else:
        made = app.send("POST", path(asset), fields)
    assert made.status == 201, made.text
    assert made.json()["metadata"] == {"hash": md5(data), "filename": "places.csv", "mimetype": "text/csv"}
    assert app.get(path(asset, f"{made.json()['uid']}/content")).body == data


def test_hash_and_type_are_made_here_whatever_the_client_says(app: App, asset: str) -> None:
    claimed = json.dumps({"hash": "md5:0", "filename": "other.csv", "mimetype": "text/plain"})
    made = upload(app, asset, "lines.geojson", b"{}", metadata=claimed, extra="ignored")
    assert made.json()["metadata"] == {
        "hash": md5(b"{}"),
        "filename": "lines.geojson",
        "mimetype": "application/geo+json",
    }


def test_a_file_that_lies_elsewhere_is_named_fourth_and_never_fetched(app: App, asset: str) -> None:
    url = "http://127.0.0.1:9/Plots%20a.csv?v=1"
    made = app.send("POST", path(asset), {"metadata": {"redirect_url": url}})
    assert made.status == 201, made.text
    metadata = made.json()["metadata"]
    assert list(metadata.items()) == [
        ("hash", md5(url.encode())),
        ("filename", "Plots%20a.csv"),
        ("mimetype", "text/csv"),
        ("redirect_url", url),
    ]
    answer = app.get(path(asset, f"{made.json()['uid']}/content/"))
    assert (answer.status, answer.headers["location"]) == (302, url)
    assert objects(app.settings.bucket) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "text/csv"), ("a.CSV", "text/csv"), ("a.xml", "application/xml"), ("a.zip", "application/zip"),
        ("a.geojson", "application/geo+json"), ("a.png", "image/png"), ("a.svg", "image/svg+xml"),
        ("a.webp", "image/webp"), ("a.mp3", "audio/mpeg"), ("a.m4a", "audio/mp4"), ("a.mp4", "video/mp4"),
        ("a.3gp", "video/3gpp"), ("Ñandú \N{BABY CHICK}.jpg", "image/jpeg"), ("x" * 251 + ".csv", "text/csv"),
    ],
)  # fmt: skip
def test_the_type_follows_from_the_name(app: App, asset: str, name: str, kind: str) -> None:
    made = upload(app, asset, name, b"1")
    assert made.status == 201, made.text
    assert made.json()["metadata"]["mimetype"] == kind
    assert made.json()["metadata"]["filename"] == name


@pytest.mark.parametrize("sent", ["C:\\data\\a.csv", "/etc/a.csv", "../a.csv", " a.csv "])
def test_only_the_last_part_of_a_path_is_a_name(app: App, asset: str, sent: str) -> None:
    body = {"base64Encoded": "base64:MQ==", "metadata": {"filename": sent}}
    assert app.send("POST", path(asset), body).json()["metadata"]["filename"] == "a.csv"


# Content


def test_content_is_saved_under_its_name(app: App, asset: str) -> None:
    uid = upload(app, asset, "Ñandú.jpg").json()["uid"]
    for spelling in (f"{uid}/content/", f"{uid}/content"):
        answer = app.get(path(asset, spelling))
        assert (answer.status, answer.body) == (200, JPEG)
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["x-content-type-options"] == "nosniff"
        disposition = answer.headers["content-disposition"]
        assert disposition == "attachment; filename=\"_and_.jpg\"; filename*=UTF-8''%C3%91and%C3%BA.jpg"


def test_a_deleted_file_is_gone_at_once_and_its_name_is_free(app: App, asset: str) -> None:
    uid = upload(app, asset).json()["uid"]
    gone = app.call("DELETE", f"/api/v2/assets/{asset}/files/{uid}")
    assert (gone.status, gone.body) == (204, b"")
    for rest in (uid, f"{uid}/", f"{uid}/content"):
        assert app.get(path(asset, rest)).json() == {"detail": "Not found."}
    assert app.call("DELETE", path(asset, uid)).status == 404
    assert names(app, asset) == []
    assert upload(app, asset).status == 201


# Refused

NO_NAME = "`filename` is no name of a file, or longer than 255 bytes"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"content": ["No files have been submitted"]}),
        ({"metadata": {"filename": "a.csv"}}, {"content": ["No files have been submitted"]}),
        ({"content": "text", "metadata": {}}, {"content": ["No files have been submitted"]}),
        ({"base64Encoded": "base64:MQ=="}, {"metadata": "`filename` is required"}),
        (
            {"base64Encoded": "base64:MQ==", "metadata": {"filename": 1}},
            {"metadata": "`filename` is required"},
        ),
        (
            {"base64Encoded": "base64:MQ==", "metadata": {"filename": "x" * 252 + ".csv"}},
            {"metadata": NO_NAME},
        ),
        (
            {"base64Encoded": "base64:MQ==", "metadata": {"filename": "a\n.csv"}},
            {"metadata": NO_NAME},
        ),
        (
            {"base64Encoded": "base64:?", "metadata": {"filename": "a.csv"}},
            {"base64Encoded": ["Invalid content"]},
        ),
        (
            {"base64Encoded": "base64:", "metadata": {"filename": "a.csv"}},
            {"base64Encoded": ["The submitted file is empty."]},
        ),
        ({"metadata": "{"}, {"metadata": ["Unable to parse JSON"]}),
        ({"metadata": []}, {"metadata": ["Must be a JSON object"]}),
        ({"metadata": {"redirect_url": "ftp://a.org/a.csv"}}, {"metadata": "`redirect_url` is invalid"}),
        ({"metadata": {"redirect_url": "https://a.org/a b.csv"}}, {"metadata": "`redirect_url` is invalid"}),
        (
            {"metadata": {"redirect_url": "https://a.org/a.csv\r\nX: 1"}},
            {"metadata": "`redirect_url` is invalid"},
        ),
        (
            {"metadata": {"redirect_url": "https://u:p@a.org/a.csv"}},
            {"metadata": "`redirect_url` is invalid"},
        ),
        (
            {"metadata": {"redirect_url": "https://a.org/" + "a" * 2_000}},
            {"metadata": "`redirect_url` is invalid"},
        ),
        ({"metadata": {"redirect_url": 5}}, {"metadata": "`redirect_url` is invalid"}),
        ({"metadata": {"redirect_url": "https://a.org"}}, {"metadata": "`filename` is required"}),
        ({"file_type": "map_layer"}, {"file_type": ['"map_layer" is not a valid choice.']}),
    ],
)
def test_a_request_without_one_usable_file_is_refused(
    app: App, asset: str, body: dict[str, Any], expected: Any
) -> None:
    answer = app.send("POST", path(asset), body)
    assert (answer.status, answer.json()) == (400, expected)
    assert names(app, asset) == []


@pytest.mark.parametrize("name", ["a.exe", "a.html", "a", "a.csv.js", "a.pdf", ".csv"])
def test_types_that_no_form_client_uses_are_refused(app: App, asset: str, name: str) -> None:
    answer = upload(app, asset, name, b"1")
    assert answer.status == 400
    assert answer.json()["content"][0].startswith("Only `image`, `audio`, `video`, `text/csv`,")
    assert answer.json()["content"][0].endswith(" MIME types are allowed")


def test_two_ways_at_once_are_refused(app: App, asset: str) -> None:
    answer = upload(app, asset, base64Encoded="base64:MQ==", metadata='{"filename": "a.csv"}')
    assert answer.status == 400
    assert answer.json()["detail"].startswith("You cannot upload media file with two different ways")


def test_a_name_that_is_taken_is_refused_and_leaves_no_bytes(app: App, asset: str) -> None:
    upload(app, asset)
    answer = upload(app, asset, data=b"other")
    assert (answer.status, answer.json()) == (400, {"content": ["File already exists"]})
    assert len(objects(app.settings.bucket)) == 1
    body = {"base64Encoded": "base64:MQ==", "metadata": {"filename": "goose.jpg"}}
    assert app.send("POST", path(asset), body).json() == {"base64Encoded": ["File already exists"]}


def test_of_two_files_with_one_name_at_once_the_first_stays(app: App, asset: str) -> None:
    with doing("dynamodb.TransactWriteItems", lambda: upload(app, asset, data=b"first")):
        answer = upload(app, asset, data=b"second")
    assert (answer.status, answer.json()) == (400, {"content": ["File already exists"]})
    (file,) = app.get(path(asset)).json()["results"]
    assert file["metadata"]["hash"] == md5(b"first")


def test_two_files_at_once_are_both_kept(app: App, asset: str) -> None:
    with doing("dynamodb.TransactWriteItems", lambda: upload(app, asset, "a.csv", b"1")):
        assert upload(app, asset, "b.csv", b"2").status == 201
    assert sorted(names(app, asset)) == ["a.csv", "b.csv"]


def test_an_empty_file_is_refused(app: App, asset: str) -> None:
    answer = upload(app, asset, "a.csv", b"")
    assert (answer.status, answer.json()) == (400, {"content": ["The submitted file is empty."]})


def test_what_could_not_be_answered_in_one_piece_is_not_taken(app: App, asset: str) -> None:
    answer = upload(app, asset, "a.csv", bytes(MAX_BODY + 1))
    assert (answer.status, list(answer.json())) == (413, ["detail"])
    assert upload(app, asset, "a.csv", bytes(MAX_BODY)).status == 201


def test_the_number_of_files_is_bounded(app: App, asset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "MAX_FILES", 1)
    upload(app, asset, "a.csv", b"1")
    answer = upload(app, asset, "b.csv", b"2")
    assert (answer.status, answer.json()) == (400, {"content": ["A project has at most 1 media files."]})


# Rights


def test_viewers_read_and_editors_write(app: App, asset: str) -> None:
    app.add_user("bob")
    uid = upload(app, asset).json()["uid"]
    paths = (path(asset), path(asset, uid), path(asset, f"{uid}/content"))
    for user in ("bob", None):
        assert [app.get(each, user=user).status for each in paths] == [404, 404, 404]
        assert app.call("DELETE", path(asset, uid), user=user).status == 404
    grant(asset, "bob", "view_asset")
    assert [app.get(each, user="bob").status for each in paths] == [200, 200, 200]
    assert app.call("DELETE", path(asset, uid), user="bob").status == 403
    assert app.send("POST", path(asset), {}, user="bob").status == 403
    grant(asset, "bob", "view_asset", "change_asset")
    assert app.call("DELETE", path(asset, uid), user="bob").status == 204
    grant(asset, ANONYMOUS, "view_asset")
    assert app.get(path(asset), user=None).status == 200
    assert app.send("POST", path(asset), {}, user=None).status == 401


def test_a_file_of_another_project_is_not_found(app: App, asset: str) -> None:
    other = app.deploy(FORM)
    uid = upload(app, other).json()["uid"]
    assert app.get(path(asset, uid)).status == 404
    assert app.call("DELETE", path(asset, uid)).status == 404
    assert app.get(path(asset, "not-a-uid")).status == 404
    assert names(app, other) == ["goose.jpg"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_file_is_replaced_not_changed(app: App, asset: str, method: str) -> None:
    uid = upload(app, asset).json()["uid"]
    assert app.send(method, path(asset, uid), {"description": "x"}).status == 405
