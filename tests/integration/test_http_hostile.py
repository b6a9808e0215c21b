"""Hostile requests: whatever is sent to whatever route, the answer is the client's fault or a success, never ours."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

import pytest

from tests.support.app import FORM, App
from tests.support.routes import paths

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "brew")
_SURROGATE = b'{"name": "\\ud800", "\\udfff": 1}'
_DEEP = b'{"content": ' + b"[" * 5_000 + b"]" * 5_000 + b"}"
_DEEPER = b"[" * 200_000

# Content type and body.
BODIES: dict[str, tuple[str, bytes]] = {
    "no body": ("", b""),
    "json without a body": ("application/json", b""),
    "no json": ("application/json", b"{"),
    "a list": ("application/json", b"[]"),
    "a number": ("application/json", b"1e999"),
    "a string": ("application/json", b'"x"'),
    "null": ("application/json", b"null"),
    "nan": ("application/json", b'{"name": NaN, "settings": {"a": Infinity}}'),
    "infinite number": ("application/json", b'{"name": "x", "settings": {"a": 1e999}}'),
    "half a surrogate pair": ("application/json", _SURROGATE),
    "invalid utf-8 in json": ("application/json", b'{"name": "\xff\xfe"}'),
    "utf-16 json": ("application/json", '{"name": "x"}'.encode("utf-16")),
    "nul in json": ("application/json", b'{"name": "\\u0000", "asset_type": "survey", "content": "\\u0000"}'),
    "nul": ("application/json", b"\0"),
    "deep json": ("application/json", _DEEP),
    "deeper json": ("application/json", _DEEPER),
    "long number": ("application/json", b'{"active": ' + b"9" * 5_000 + b"}"),
    "wrong kinds": (
        "application/json",
        json.dumps(
            {
                name: [{}]
                for name in (
                    "name", "active", "asset_type", "content", "settings", "tag_string", "version_id", "backend",
                    "destination", "library", "desired_type", "base64Encoded", "endpoint", "subset_fields",
                    "auth_level", "export_type", "payload_template", "submission", "id",
                )
            }
        ).encode(),
    ),
    "form": ("application/x-www-form-urlencoded", b"name=%ff%fe&asset_type=%00&content=%7B&active=%F0%9F"),
    "form of too many fields": ("application/x-www-form-urlencoded", b"&a=" * 5_000),
    "form in no charset": ("application/x-www-form-urlencoded", b"\xff\xfe=\xff"),
    "multipart without a boundary": ("multipart/form-data", b"--x\r\n"),
    "multipart without an end": ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n"),
    "multipart of nothing": ("multipart/form-data; boundary=x", b"--x--\r\n"),
    "multipart of garbage": ("multipart/form-data; boundary=x", b"\0\xff" * 2_000),
    "multipart, name twice": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xff\xfe\r\n'
        b'--x\r\nContent-Disposition: form-data; name="name"; filename="\xff"\r\n\r\nb\r\n--x--\r\n',
    ),
    "multipart boundary in no charset": ("multipart/form-data; boundary=\N{SNOWMAN}", b"--x--\r\n"),
    "xml": ("text/xml", b"<a/>"),
    "unknown type": ("application/x-\0-\N{SNOWMAN}", b"\xff"),
    "type of nothing but parameters": (";;;=", b"x"),
}  # fmt: skip

HEADERS: dict[str, dict[str, str]] = {
    "nothing": {},
    "no scheme": {"authorization": "x"},
    "unknown scheme": {"authorization": "Digest username=ann"},
    "empty token": {"authorization": "Token "},
    "odd token": {"authorization": "Token \N{SNOWMAN}\x00"},
    "half a pair": {"authorization": "Token \ud800"},
    "token with spaces": {"authorization": "Token a b"},
    "no base64": {"authorization": "Basic !!!"},
    "not ascii": {"authorization": "Basic \N{SNOWMAN}"},
    "not utf-8": {"authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()},
    "no colon": {"authorization": "Basic " + base64.b64encode(b"ann").decode()},
    "no name": {"authorization": "Basic " + base64.b64encode(b":x").decode()},
    "long name": {"authorization": "Basic " + base64.b64encode(b"a" * 6_000 + b":x").decode()},
    "long password": {"authorization": "Basic " + base64.b64encode(b"ann:" + b"x" * 6_000).decode()},
    "nul in the name": {"authorization": "Basic " + base64.b64encode(b"\0:\0").decode()},
    "odd origin": {"host": "a\r\nX: y", "x-forwarded-proto": "javascript", "x-forwarded-prefix": "\r\n/x"},
    "odd negotiation": {"accept": "\0;q=x", "accept-encoding": "\N{SNOWMAN}", "x-openrosa-version": "\xff"},
}

QUERIES = [
    "format=json",
    "format=%00",
    "format=xml",
    "limit=" + "9" * 5_000,
    "limit=-1&start=-1",
    "start=" + "9" * 5_000,
    "start=999999999999999&limit=1",
    "limit=%D9%A3&start=%C2%B2",
    "page=" + "9" * 15 + "&page_size=1000",
    "&".join(["a=1"] * 2_000),
    "&" * 5_000,
    "%",
    "%ff=%ff&q=%00",
    'query={"$where": 1}&fields=[1,{}]&sort={"_id":"x"}',
    "query=[1]&fields=NaN",
    "query=" + "[" * 3_000,
    "sort=" + "{" * 100,
    "fields=%22x%22&sort=1",
    "xpath=" + "x" * 3_000,
    "deployed=x&formID=%00&asset_type=%ff",
    "=&==&;",
]

PATHS = [
    "",
    "/",
    "//",
    "/api",
    "/api/v2",
    "/api/v2/assets/%00",
    "/api/v2/assets/%ff%fe/data/%ff",
    "/api/v2/assets/%",
    "/api/v2/assets/a/data/1/attachments/x/y/z",
    "/api/v2/assets/" + "a" * 250 + "/",
    "/api/v2/assets/" + "\N{SNOWMAN}" * 250 + "/data/" + "\N{SNOWMAN}" * 250,
    "/api/v2/assets/" + "a" * 5_000,
    "/api/v2/users/" + "\N{SNOWMAN}" * 255,
    "/api/v2/imports/" + "%F0%9F%98%80" * 255,
    "/a%0d%0aSet-Cookie:x/submission",
    "/%00/submission",
    "/" + "a" * 5_000 + "/submission",
    "/" + "a" * 5_000 + "/formList",
    "/%ff/formList",
    "/\ud800/formList",
    "/api/submission",
    "/api/formList",
    "/token/submission",
    "/forms/" + "a" * 5_000 + "/form.xml",
    "/forms/%00/form.xml",
    "/xformsManifest/" + "\N{SNOWMAN}" * 900,
    "/xformsMedia/a/" + "\N{SNOWMAN}" * 900,
    "/../../etc/passwd",
    "/api/v2/assets/../../token",
    "/.json",
    "/api/v2/.xml",
]


@pytest.fixture
def asset(app: App) -> str:
    return app.deploy(FORM)


def _is_fine(answer: Any, what: object) -> None:
    assert 200 <= answer.status < 500, (what, answer.status, answer.text)
    if answer.status == 401:
        assert answer.headers["www-authenticate"] == 'Basic realm="formrelay"', what
    if answer.status >= 400 and answer.body:
        kind = answer.headers["content-type"]
        if kind == "application/json":
            assert isinstance(answer.json(), dict | list), what
        else:
            assert answer.text.startswith("<!doctype html>" if kind.startswith("text/html") else "<?xml"), (
                what
            )
    for value in answer.headers.values():
        assert value.isascii(), (what, value)
        assert "\n" not in value, (what, value)


@pytest.mark.parametrize("body", BODIES)
def test_no_body_makes_any_route_fail(app: App, asset: str, body: str) -> None:
    kind, data = BODIES[body]
    headers = {"content-type": kind} if kind else {}
    for path, method in itertools.product(paths(asset), ("POST", "PATCH", "DELETE")):
        _is_fine(app.call(method, path, body=data, headers=headers), (method, path))


def test_no_method_makes_any_route_fail(app: App, asset: str) -> None:
    for path, method in itertools.product(paths(asset), _METHODS):
        _is_fine(
            app.call(method, path, body=b"{", headers={"content-type": "application/json"}), (method, path)
        )


@pytest.mark.parametrize("headers", HEADERS)
def test_no_header_makes_any_route_fail(app: App, asset: str, headers: str) -> None:
    for path, method in itertools.product(paths(asset), ("GET", "POST")):
        _is_fine(app.call(method, path, headers=HEADERS[headers]), (method, path))


@pytest.mark.parametrize("query", QUERIES, ids=lambda text: text[:40])
def test_no_query_string_makes_any_route_fail(app: App, asset: str, query: str) -> None:
    for path in paths(asset):
        _is_fine(app.call("GET", path, query=query), path)


@pytest.mark.parametrize("path", PATHS, ids=lambda text: text[:40])
def test_no_path_makes_any_method_fail(app: App, asset: str, path: str) -> None:
    for method, user in itertools.product(_METHODS, ("ann", None)):
        _is_fine(app.call(method, path, user=user, body=b"x"), (method, user))
