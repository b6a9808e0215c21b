"""Answers of any length: compressed, carried, or fetched from S3 (design §7)."""

from __future__ import annotations

import gzip
import json
import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from formrelay.api import fitting
from formrelay.aws import s3
from formrelay.storage.blobs import presigned
from tests.support.app import FORM, App
from tests.support.aws import REGION, objects
from tests.support.calls import counting

LAMBDA_LIMIT = 6 * 1024 * 1024


@pytest.fixture
def asset(app: App) -> str:
    return app.deploy(FORM)


def path(asset: str) -> str:
    return f"/api/v2/assets/{asset}/data/"


@pytest.mark.parametrize(
    "accepted", ["gzip", "gzip, deflate, br", "br;q=1.0, GZIP;q=0.8", "deflate,gzip; q=0.5"]
)
def test_long_answers_are_compressed_for_those_who_take_it(app: App, asset: str, accepted: str) -> None:
    app.submit(app.filled(asset, {"name": "Ana " * 1_000}))
    plain = app.get(path(asset))
    answer = app.call("GET", path(asset), headers={"accept-encoding": accepted})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-type"] == "application/json"
    assert gzip.decompress(answer.body) == plain.body
    assert len(answer.body) < len(plain.body) / 2


@pytest.mark.parametrize("accepted", ["", "br", "identity", "gzip;q=0", "gzip; q=0.0", "gzipped"])
def test_answers_stay_plain_for_those_who_do_not(app: App, asset: str, accepted: str) -> None:
    app.submit(app.filled(asset, {"name": "Ana " * 1_000}))
    answer = app.call("GET", path(asset), headers={"accept-encoding": accepted})
    assert "content-encoding" not in answer.headers
    assert answer.json()["count"] == 1


def test_short_answers_and_files_stay_plain(app: App, asset: str) -> None:
    app.submit(app.filled(asset, {"photo": "p.jpg"}, "uuid:1"), {"p.jpg": b"x" * 10_000})
    url = app.records(asset)[0]["_attachments"][0]["download_url"].removeprefix("https://kf.example.org")
    for asked in (url, "/token/"):
        assert "content-encoding" not in app.call("GET", asked, headers={"accept-encoding": "gzip"}).headers


def test_forms_are_compressed_too(app: App) -> None:
    asset = app.deploy({"survey": [{"type": "text", "name": f"q{i}", "label": "Q"} for i in range(50)]})
    form = f"/forms/{asset}/form.xml"
    answer = app.call("GET", form, headers={"accept-encoding": "gzip"})
    assert gzip.decompress(answer.body) == app.get(form).body


def test_links_to_objects_are_signed_and_addressed_as_new_buckets_want_it(app: App) -> None:
    link = urlsplit(presigned("exports/a b.csv", "text/csv", "attachment"))
    assert link.hostname == f"{app.settings.bucket}.s3.{REGION}.amazonaws.com"
    assert parse_qs(link.query)["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]


def test_an_answer_beyond_the_limit_of_lambda_is_fetched_from_s3(app: App, asset: str) -> None:
    for number in range(6):
        app.submit(app.filled(asset, {"name": f"{number}" + secrets.token_hex(450_000)}))
    before = set(objects(app.settings.bucket))
    for query in ("", "format=xml"):
        answer = app.call("GET", path(asset), query=query)
        assert (answer.status, answer.body) == (302, b"")
        location = urlsplit(answer.headers["location"])
        (key,) = set(objects(app.settings.bucket)) - before
        assert key.startswith("tmp/")
        assert location.path.endswith(key)
        stored = s3().get_object(Bucket=app.settings.bucket, Key=key)["Body"].read()
        before.add(key)
        assert len(stored) > 5_000_000
        if not query:
            assert json.loads(stored)["count"] == 6
    head = app.call("HEAD", path(asset))
    assert (head.status, set(objects(app.settings.bucket))) == (200, before)


@pytest.mark.parametrize("format_", ["json", "xml", "geojson"])
def test_an_answer_too_long_to_hold_goes_to_s3_while_it_is_made(
    app: App, asset: str, format_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "HELD", 12_000_000)
    monkeypatch.setattr(fitting, "_PART", 6_000_000)
    for number in range(17):
        app.submit(app.filled(asset, {"name": f"{number}" + "y" * 999_999, "gps": "1 2 0 0"}))
    whole = _spooled(app, asset, format_)
    monkeypatch.setattr(fitting, "HELD", 1_000_000_000)
    assert len(whole) > 17_000_000
    assert whole == _spooled(app, asset, format_)
    if format_ == "json":
        found = json.loads(whole)
        assert (found["count"], [len(row["name"]) for row in found["results"]]) == (
            17,
            [1_000_000] * 10 + [1_000_001] * 7,
        )


def _spooled(app: App, asset: str, format_: str) -> bytes:
    with counting() as made:
        answer = app.get(path(asset), format=format_)
    assert (answer.status, answer.body) == (302, b"")
    parts = 3 if fitting.HELD < 10**9 else 0
    assert (made["s3.UploadPart"], made["s3.PutObject"]) == (parts, 0 if parts else 1)
    key = urlsplit(answer.headers["location"]).path.removeprefix(f"/{app.settings.bucket}/").lstrip("/")
    stored = s3().get_object(Bucket=app.settings.bucket, Key=key)
    assert stored["ContentType"].startswith("application/xml" if format_ == "xml" else "application/json")
    return stored["Body"].read()


@pytest.mark.parametrize("filler", ['"', "\\", "x", "\n", "é"])
def test_what_is_answered_at_once_fits_into_an_answer_of_lambda(app: App, asset: str, filler: str) -> None:
    """Escapes double text in the JSON that Lambda hands on."""
    from functions.api import app as api
    from tests.support.app import LambdaContext

    app.submit(app.filled(asset, {"name": filler * 1_000_000}))
    event: dict[str, Any] = {
        "rawPath": path(asset),
        "headers": {"host": "kf.example.org", "authorization": f"Token {app.keys['ann']}"},
        "requestContext": {"stage": "$default", "http": {"method": "GET", "sourceIp": "203.0.113.9"}},
    }
    answer = api.handler(event, LambdaContext())
    assert answer["statusCode"] == 200
    assert len(json.dumps(answer)) < LAMBDA_LIMIT
