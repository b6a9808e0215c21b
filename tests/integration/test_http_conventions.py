"""What holds for every route of the API: paths, formats, errors, methods (contract accounts §1, §6)."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from formrelay.api import codings
from formrelay.api.http import Request
from formrelay.api.main import ROUTES
from functions.api import app as api
from tests.support.app import FORM, Answer, App, LambdaContext
from tests.support.calls import doing, failing
from tests.support.routes import path_of

NOT_FOUND = {"detail": "Not found."}


def event(path: str, **changes: Any) -> dict[str, Any]:
    return {
        "rawPath": path,
        "rawQueryString": changes.get("query", ""),
        "headers": changes.get("headers", {"host": "kf.example.org"}),
        "requestContext": {
            "stage": changes.get("stage", "$default"),
            "domainName": "abc.execute-api.eu-west-1.amazonaws.com",
            "http": {"method": changes.get("method", "GET"), "path": path, "sourceIp": "203.0.113.9"},
        },
        "body": changes.get("body"),
        "isBase64Encoded": changes.get("encoded", False),
    }


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/api", "/api/v2/nothing/", "/api/v2/assets/aX/nothing/", "/favicon.ico", "/api/v3/assets/"],
)
def test_what_is_not_there_is_404_for_all_methods_and_never_a_redirect(app: App, path: str) -> None:
    for method in ("GET", "POST", "PATCH", "DELETE"):
        for user in ("ann", None):
            answer = app.call(method, path, user=user)
            assert (answer.status, answer.json()) == (404, NOT_FOUND)


# The root has no spelling but its own.
SPELLED = [route for route in ROUTES if route.pattern != "/"]


@pytest.mark.parametrize("route", SPELLED, ids=lambda route: f"{route.method} {route.pattern}")
def test_every_route_answers_in_every_spelling_of_its_path_alike(app: App, route: Any) -> None:
    asset = app.deploy(FORM)
    path = path_of(route, asset)
    asked = [path, path + "/", path + "//", "/" + path, path.replace("/", "//"), path + ".json"]
    statuses = set()
    for spelling in asked:
        # A method that no route has, so that nothing changes between two spellings.
        answer = app.call("BREW" if route.method != "GET" else "GET", spelling)
        statuses.add(answer.status)
        assert answer.status not in (301, 302, 307, 308)
    assert len(statuses) == 1, statuses


@pytest.mark.parametrize("path", ["/token/", "/me/", "/api/v2/assets/", "/api/v2/imports/"])
def test_an_unknown_format_is_not_found_and_json_is_json(app: App, path: str) -> None:
    for query, status in (
        ("format=json", 200),
        ("format=api", 200),
        ("format=yaml", 404),
        ("format=xml", 404),
    ):
        assert app.call("GET", path, query=query).status == status
    assert app.get(path.rstrip("/") + ".xml").status == 404


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("", 200),
        ("*/*", 200),
        ("application/*", 200),
        ("text/html", 200),
        ("image/png, */*;q=0.1", 200),
        ("Application/JSON; indent=4", 200),
        ("anything", 200),
        ("image/png", 406),
        ("text/csv, application/pdf", 406),
        ("application/json;q=0, image/png", 406),
    ],
)
def test_who_takes_no_json_is_told(app: App, accept: str, status: int) -> None:
    uid = app.deploy(FORM)
    sent = {"accept": accept}
    for path in ("/me/", "/api/v2/assets/", f"/api/v2/assets/{uid}/hooks/"):
        answer = app.call("GET", path, headers=sent)
        assert answer.status == status
        if status == 406:
            assert answer.json() == {"detail": "Could not satisfy the request Accept header."}
    for path in (
        f"/api/v2/assets/{uid}.json",
        f"/api/v2/assets/{uid}.xls",
        f"/api/v2/assets/{uid}/xls/",
        "/",
    ):
        assert app.call("GET", path, headers=sent).status == 200
    assert app.call("PATCH", f"/api/v2/assets/{uid}/", headers=sent).status == 200


def test_the_methods_that_a_path_has_are_named(app: App) -> None:
    answer = app.call("DELETE", "/api/v2/assets/")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")
    assert answer.json() == {"detail": 'Method "DELETE" not allowed.'}


def test_head_is_get_without_a_body(app: App) -> None:
    answer = app.call("HEAD", "/api/v2/assets/")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"", "application/json")


def test_wrong_credentials_come_before_a_path_that_is_not_there(app: App) -> None:
    answer = app.call("GET", "/nothing/", headers={"authorization": "Token x"})
    assert answer.status == 401


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", "JSON parse error - Expecting property name"),
        (b"\xff", "JSON parse error - "),
        (b'{"a": NaN}', "JSON parse error - NaN is not JSON"),
        (b'{"a": 1e999}', "JSON parse error - 1e999 is beyond the range of numbers"),
        (b"[" * 200 + b"]" * 200, "JSON parse error - nested too deeply"),
        (b"[" * 200_000, "JSON parse error - "),
        (b'{"a": "\\ud800"}', "JSON parse error - invalid text"),
    ],
)
def test_json_that_is_none_is_refused(app: App, body: bytes, detail: str) -> None:
    answer = app.call("POST", "/api/v2/assets/", body=body, headers={"content-type": "application/json"})
    assert answer.status == 400
    assert answer.json()["detail"].startswith(detail)


def test_a_body_that_is_no_object_is_refused(app: App) -> None:
    answer = app.send("POST", "/api/v2/assets/", [1])
    expected = {"non_field_errors": ["Invalid data. Expected a dictionary."]}
    assert (answer.status, answer.json()) == (400, expected)


def test_a_type_of_body_that_nobody_reads_is_refused(app: App) -> None:
    answer = app.call(
        "POST", "/api/v2/assets/", body=b"x", headers={"content-type": "text/csv; charset=utf-8"}
    )
    assert (answer.status, answer.json()) == (
        415,
        {"detail": 'Unsupported media type "text/csv" in request.'},
    )


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("multipart/form-data", b"x", "no usable boundary in the content type"),
        ("multipart/form-data; boundary=x", b"--x\r\n", "the closing boundary is missing"),
    ],
)
def test_multipart_that_is_none_is_refused_in_words(app: App, kind: str, body: bytes, reason: str) -> None:
    answer = app.call("PATCH", "/me/", body=body, headers={"content-type": kind})
    text = f"Multipart form parse error - Improperly formatted multipart body: {reason}."
    assert (answer.status, answer.json()) == (400, {"detail": text})


def test_json_without_a_type_is_read_as_json(app: App) -> None:
    assert app.call("POST", "/api/v2/assets/", body=b'{"asset_type": "survey"}').status == 201


def test_a_failure_of_ours_is_told_in_json_and_says_nothing(app: App) -> None:
    with failing("dynamodb.GetItem", "AccessDeniedException"):
        answer = app.get("/me/")
    assert (answer.status, answer.json()) == (500, {"detail": "Internal server error."})


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "ProvisionedThroughputExceededException", "SlowDown"]
)
def test_a_service_that_is_throttled_is_503_with_a_time_to_come_back(
    app: App, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with failing("dynamodb.GetItem", code):
        answer = app.get("/me/")
    assert (answer.status, answer.json()) == (503, {"detail": "Temporarily unavailable"})
    assert answer.headers["retry-after"] == "5"
    assert [record.getMessage() for record in caplog.records] == ["service throttled"]


def test_a_service_that_is_not_reached_is_503(app: App) -> None:
    def away() -> None:
        raise ReadTimeoutError(endpoint_url="http://dynamodb")

    with doing("dynamodb.GetItem", away):
        answer = app.get("/me/")
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


# The gateway's side


@pytest.mark.parametrize(
    ("headers", "stage", "origin"),
    [
        ({"host": "kf.example.org", "x-forwarded-proto": "https"}, "$default", "https://kf.example.org"),
        ({"Host": "kf.example.org", "X-Forwarded-Proto": "http"}, "$default", "http://kf.example.org"),
        ({"host": "kf.example.org:8000", "x-forwarded-proto": "http, https"}, "$default", "http://kf.example.org:8000"),
        ({"host": "[::1]:8000", "x-forwarded-proto": "http"}, "$default", "http://[::1]:8000"),
        ({"host": "kf.example.org"}, "$default", "https://kf.example.org"),
        ({"host": "kf.example.org"}, "prod", "https://kf.example.org/prod"),
        ({"host": "kf.example.org", "x-forwarded-prefix": "/relay/"}, "$default", "https://kf.example.org/relay"),
        ({"host": "kf.example.org", "x-forwarded-prefix": "//evil/\"<"}, "$default", "https://kf.example.org"),
        ({"host": "kf.example.org", "x-forwarded-proto": "javascript"}, "$default", "https://kf.example.org"),
        ({"host": "evil.org/?"}, "$default", "https://abc.execute-api.eu-west-1.amazonaws.com"),
        ({"host": "a\r\nb"}, "$default", "https://abc.execute-api.eu-west-1.amazonaws.com"),
        ({"host": "u:p@evil.org"}, "$default", "https://abc.execute-api.eu-west-1.amazonaws.com"),
        ({}, "$default", "https://abc.execute-api.eu-west-1.amazonaws.com"),
    ],
)  # fmt: skip
def test_links_are_made_of_the_callers_origin_when_it_is_one(headers: Any, stage: str, origin: str) -> None:
    assert Request(event("/me", headers=headers, stage=stage)).base_url == origin


def test_the_stage_is_no_part_of_the_path() -> None:
    for path in ("/prod/api/v2/assets.json", "/prod//api/v2/assets.json"):
        request = Request(event(path, stage="prod"))
        assert (request.path, request.suffix) == ("/api/v2/assets", "json")
    assert Request(event("/prod", stage="prod")).path == "/"
    assert Request(event("/production/x", stage="prod")).path == "/production/x"


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ('query={"a": {"$gt": 1}}&fields=["a","b"]', {"query": '{"a": {"$gt": 1}}', "fields": '["a","b"]'}),
        ("query=%7B%22a%22%3A%201%7D", {"query": '{"a": 1}'}),
        ("limit=1&limit=2", {"limit": "2"}),
        ("a=b+c&d=e%2Bf", {"a": "b c", "d": "e+f"}),
        ("a=&b", {"a": "", "b": ""}),
        ("a=%ff", {"a": "\N{REPLACEMENT CHARACTER}"}),
        ("", {}),
    ],
)
def test_query_strings_are_read_raw_and_the_last_of_a_name_counts(
    query: str, parameters: dict[str, str]
) -> None:
    assert Request(event("/", query=query)).query == parameters


def test_bodies_come_plain_or_in_base64() -> None:
    assert Request(event("/", body="ü")).body == "ü".encode()
    assert Request(event("/", body=base64.b64encode(b"\xff\x00").decode(), encoded=True)).body == b"\xff\x00"
    assert Request(event("/")).body == b""


def test_an_event_without_headers_query_and_body_is_answered(app: App) -> None:
    bare = event("/api/v2/assets")
    del bare["headers"], bare["rawQueryString"], bare["body"], bare["isBase64Encoded"]
    answer = api.handler(bare, LambdaContext())
    assert (answer["statusCode"], json.loads(answer["body"])["count"]) == (200, 0)


SCRIPT = '<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>'


def test_what_people_sent_runs_no_script_in_a_browser(app: App) -> None:
    asset = app.deploy(FORM)
    app.submit(app.filled(asset, {"name": "Ana"}).replace(">Ana<", f">{SCRIPT}<"))
    drawing = {"base64Encoded": "data:;base64,PHN2Zy8+", "metadata": {"filename": "a.svg"}}
    file = app.send("POST", f"/api/v2/assets/{asset}/files/", drawing).json()
    app.send("PATCH", f"/api/v2/assets/{asset}/deployment/")
    answers = [
        app.get(f"/api/v2/assets/{asset}/data.xml"),
        app.get(f"/api/v2/assets/{asset}.xml"),
        app.get(f"/forms/{asset}/form.xml"),
        app.get(f"/xformsMedia/{asset}/{file['uid']}.svg"),
        app.get(f"/api/v2/assets/{asset}/files/{file['uid']}/content/"),
    ]
    assert SCRIPT in answers[0].text
    for answer in answers:
        assert answer.status == 200
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["content-security-policy"].endswith("sandbox")
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/api/v2/docs/", "/unsubscribe/", "/signup/confirm/"])
def test_pages_of_ours_say_themselves_what_they_may(app: App, path: str) -> None:
    assert "sandbox" not in app.get(path, user=None).headers["content-security-policy"]


def test_no_answer_is_taken_for_something_else(app: App) -> None:
    for path in ("/api/v2/assets/", "/api/v2/nothing/", "/formList"):
        assert app.get(path).headers["x-content-type-options"] == "nosniff"


# Compressed bodies


def _compressed(app: App, body: bytes, coding: str, path: str = "/api/v2/assets/") -> Answer:
    headers = {"content-type": "application/json", "content-encoding": coding}
    return app.call("POST", path, body=body, headers=headers)


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
def test_a_gzipped_body_is_read(app: App, coding: str) -> None:
    made = _compressed(app, gzip.compress(b'{"name": "Zo\xc3\xab", "asset_type": "survey"}'), coding)
    assert (made.status, made.json()["name"]) == (201, "Zoë")


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_an_uncompressed_body_is_read_also_where_a_proxy_left_the_header(app: App, coding: str) -> None:
    assert _compressed(app, b'{"name": "a", "asset_type": "survey"}', coding).status == 201


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "\u20ac"])
def test_another_coding_is_refused_and_gzip_offered(app: App, coding: str) -> None:
    refused = _compressed(app, b"{}", coding)
    assert refused.status == 415
    assert refused.json() == {"detail": f'Unsupported content encoding "{coding}" in request.'}
    assert refused.headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b"{}")[:-3], gzip.compress(b"{}") + b"more", b"\x1f\x8b{}"],
    ids=["cut off", "with more behind it", "only begun"],
)
def test_a_body_that_is_no_gzip_is_refused(app: App, body: bytes) -> None:
    refused = _compressed(app, body, "gzip")
    assert (refused.status, "not in gzip" in refused.json()["detail"]) == (400, True)


def test_a_compressed_body_of_more_than_could_have_come_plain_is_too_large(app: App) -> None:
    assert _compressed(app, gzip.compress(b" " * codings.MAX_INFLATED + b" "), "gzip").status == 413
    fits = gzip.compress(b" " * (codings.MAX_INFLATED - 2) + b"{}")
    assert _compressed(app, fits, "gzip").status == 400  # an asset needs a type
