"""The HTTP front: routes, events, answers and the limits of API Gateway and Lambda."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.local.cors import Cors
from infra.local.events import AnswerError, encode_body, http_event, http_response
from infra.local.front import LIMITS, Front, refusal
from infra.local.functions import Function
from infra.local.messages import Request, Response
from infra.local.routes import RouteTable
from infra.local.template import Route
from infra.local.webserver import Limits, Server
from infra.local.worker import MAX_EVENT
from tests.e2e.local_support import Serving, echo, launch

ROUTES = [
    "ANY /submission",
    "GET /submission",
    "ANY /{username}/submission",
    "ANY /forms/{proxy+}",
    "ANY /{username}/forms/{proxy+}",
    "ANY /a/b/c",
    "ANY /a/{x}/c",
    "ANY /a/{proxy+}",
    "$default",
]


@pytest.mark.parametrize(
    ("method", "path", "key", "variables"),
    [
        ("POST", "/submission", "ANY /submission", {}),
        ("GET", "/submission", "GET /submission", {}),
        ("POST", "/submission/", "$default", {}),
        ("POST", "//submission", "$default", {}),
        ("POST", "/ann/submission", "ANY /{username}/submission", {"username": "ann"}),
        ("GET", "/forms/77/form.xml", "ANY /forms/{proxy+}", {"proxy": "77/form.xml"}),
        ("GET", "/forms/", "$default", {}),
        ("GET", "/forms", "$default", {}),
        ("GET", "/ann/forms/1", "ANY /{username}/forms/{proxy+}", {"username": "ann", "proxy": "1"}),
        ("GET", "/a/b/c", "ANY /a/b/c", {}),
        ("GET", "/a/z/c", "ANY /a/{x}/c", {"x": "z"}),
        ("GET", "/a/z/d", "ANY /a/{proxy+}", {"proxy": "z/d"}),
        ("GET", "/", "$default", {}),
        ("GET", "/api/v2/assets/", "$default", {}),
    ],
)
def test_the_most_specific_route_is_taken(
    method: str, path: str, key: str, variables: dict[str, str]
) -> None:
    match = RouteTable([Route(route, "F") for route in ROUTES]).match(method, path)
    assert match is not None
    assert (match.route.key, match.variables) == (key, variables)


def test_without_a_default_route_nothing_matches_other_paths() -> None:
    assert RouteTable([Route("GET /x", "F")]).match("POST", "/x") is None


def headers_added(cors: Cors, method: str = "GET", **headers: str) -> dict[str, str]:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return dict(cors.added(Request(method, "/", named)))


def test_pages_of_the_origins_that_are_named_get_headers_and_others_none() -> None:
    cors = Cors(("https://a.example", "https://b.example"), ("GET",), ("authorization",), ("*",), 60)
    assert headers_added(cors, origin="https://b.example") == {
        "access-control-allow-origin": "https://b.example",
        "access-control-expose-headers": "*",
    }
    asked = headers_added(cors, "OPTIONS", origin="https://a.example", access_control_request_method="GET")
    assert asked == {
        "access-control-allow-origin": "https://a.example",
        "access-control-allow-methods": "GET",
        "access-control-allow-headers": "authorization",
        "access-control-max-age": "60",
    }
    for stranger in ("https://c.example", "*", "null", ""):
        assert headers_added(cors, origin=stranger) == {}
    assert headers_added(Cors(), origin="https://a.example") == {}


def event_of(target: str, headers: list[tuple[str, str]] | None = None, body: bytes = b"") -> dict[str, Any]:
    request = Request("POST", target, [("host", "127.0.0.1:8000"), *(headers or [])], body)
    match = RouteTable([Route(route, "F") for route in ROUTES]).match("POST", target.partition("?")[0])
    assert match is not None
    return http_event(request, match, "request-1")


def test_an_event_has_the_shape_of_payload_format_2() -> None:
    event = event_of(
        "/ann/submission?a=1&a=2&b=%7Bx%7D&c",
        [
            ("user-agent", "Collect"),
            ("x-a", "1"),
            ("x-a", "2"),
            ("cookie", "s=1; t=2"),
            ("connection", "close"),
        ],
        b"{}",
    )
    assert event["version"] == "2.0"
    assert event["routeKey"] == event["requestContext"]["routeKey"] == "ANY /{username}/submission"
    assert event["rawPath"] == "/ann/submission"
    assert event["rawQueryString"] == "a=1&a=2&b=%7Bx%7D&c"
    assert event["queryStringParameters"] == {"a": "1,2", "b": "{x}", "c": ""}
    assert event["pathParameters"] == {"username": "ann"}
    assert event["cookies"] == ["s=1", "t=2"]
    assert event["headers"]["x-a"] == "1,2"
    assert event["headers"]["host"] == "127.0.0.1:8000"
    assert event["headers"]["x-forwarded-proto"] == "http"
    assert event["headers"]["x-forwarded-port"] == "8000"
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert not {"cookie", "connection"} & set(event["headers"])
    context = event["requestContext"]
    assert context["http"] == {
        "method": "POST",
        "path": "/ann/submission",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "Collect",
    }
    assert (context["stage"], context["requestId"], context["domainName"]) == (
        "$default",
        "request-1",
        "127.0.0.1",
    )
    assert isinstance(context["timeEpoch"], int)


def test_what_a_request_has_not_is_left_out_of_the_event() -> None:
    event = event_of("/submission")
    assert not {"body", "cookies", "queryStringParameters", "pathParameters"} & set(event)
    assert event["isBase64Encoded"] is False


def test_the_path_arrives_decoded_and_the_query_as_it_was_sent() -> None:
    event = event_of("/x%20y/%C3%BC?q={%22a%22:1}|")
    assert event["rawPath"] == "/x y/ü"
    assert event["rawQueryString"] == "q={%22a%22:1}|"


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("application/json", b'{"a": "\xc3\xbc"}', True),
        ("text/xml; charset=utf-8", b"<a/>", True),
        ("application/xml", b"<a/>", True),
        ("text/plain", b"\xff\xfe", False),
        ("multipart/form-data; boundary=x", b"--x--", False),
        ("application/x-www-form-urlencoded", b"a=1", False),
        ("application/octet-stream", b"abc", False),
        ("", b"abc", False),
    ],
)
def test_a_body_is_text_only_for_the_types_that_aws_takes_for_text(
    content_type: str, body: bytes, text: bool
) -> None:
    encoded, is_base64 = encode_body(body, content_type)
    assert is_base64 is not text
    assert (encoded.encode() if text else base64.b64decode(encoded)) == body


def test_an_answer_is_passed_on_with_its_headers_cookies_and_bytes() -> None:
    response = http_response(
        json.dumps(
            {
                "statusCode": 201,
                "headers": {"Content-Type": "image/png", "WWW-Authenticate": "Basic", "Content-Length": "9"},
                "cookies": ["a=1; Path=/", "b=2"],
                "body": base64.b64encode(b"\x00\xff").decode(),
                "isBase64Encoded": True,
            }
        ).encode()
    )
    assert (response.status, response.body) == (201, b"\x00\xff")
    assert response.headers == [
        ("Content-Type", "image/png"),
        ("WWW-Authenticate", "Basic"),
        ("Set-Cookie", "a=1; Path=/"),
        ("Set-Cookie", "b=2"),
    ]


def test_an_answer_without_a_status_is_json_with_200() -> None:
    response = http_response(b'{"hello": 1}')
    assert (response.status, response.body) == (200, b'{"hello": 1}')
    assert response.headers == [("Content-Type", "application/json")]


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense",
        b'{"statusCode": "abc"}',
        b'{"statusCode": 200, "body": "%%%", "isBase64Encoded": true}',
        b'{"statusCode": 200, "headers": [1]}',
    ],
)
def test_an_answer_that_cannot_be_passed_on_is_an_error(answer: bytes) -> None:
    with pytest.raises(AnswerError):
        http_response(answer)


# Over a socket

FUNCTION = """
import base64, json, os, time

def handler(event, context):
    path = event["rawPath"]
    if path == "/slow":
        time.sleep(1.5)
    if path == "/fail":
        raise ValueError("no")
    if path == "/large":
        return {"statusCode": 200, "body": "x" * 6_300_000}
    if path == "/empty":
        return {"statusCode": 204, "headers": {"X-OpenRosa-Version": "1.0"}}
    body = event.get("body", "")
    size = len(base64.b64decode(body)) if event["isBase64Encoded"] else len(body)
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({"method": event["requestContext"]["http"]["method"], "size": size, "pid": os.getpid()}),
    }
"""


async def exchange(port: int, data: bytes, most: int = 10_000_000) -> bytes:
    """Send bytes and read until the server closes or nothing comes for a while."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    received = bytearray()
    try:
        while len(received) < most and (piece := await asyncio.wait_for(reader.read(65536), 5)):
            received += piece
    except TimeoutError:
        pass
    except ConnectionResetError:
        pass
    writer.close()
    return bytes(received)


def request_bytes(method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def parsed(answer: bytes) -> tuple[int, Mapping[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split()[1]), headers, body


def with_front(folder: Path, body: Callable[[int], Awaitable[None]], timeout: float = 10.0) -> None:
    """Run ``body`` with the port of a front whose every route leads to FUNCTION."""

    async def run() -> None:
        function = Function(launch(folder, FUNCTION, timeout=5), warm=1, most=1)
        routes = RouteTable([Route("$default", "F")])
        front = Front(routes, {"F": function}, {}, timeout, Cors(("*",), exposed=("*",)))
        try:
            async with Serving(front.handle, LIMITS, refusal=refusal) as server:
                await body(server.port)
        finally:
            await function.stop(1.0)

    asyncio.run(run())


def test_requests_are_answered_through_the_function(tmp_path: Path) -> None:
    async def body(port: int) -> None:
        status, headers, text = parsed(await exchange(port, request_bytes("PATCH", "/x", b"\x00" * 1000)))
        assert (status, json.loads(text)["size"], json.loads(text)["method"]) == (200, 1000, "PATCH")
        assert "date" in headers
        assert "apigw-requestid" in headers
        status, headers, text = parsed(await exchange(port, request_bytes("HEAD", "/x")))
        assert (status, text) == (200, b"")
        assert int(headers["content-length"]) > 0
        status, headers, text = parsed(await exchange(port, request_bytes("HEAD", "/empty")))
        assert (status, headers["x-openrosa-version"], text) == (204, "1.0", b"")
        assert "content-length" not in headers
        status, _, text = parsed(await exchange(port, request_bytes("GET", "/fail")))
        assert (status, json.loads(text)) == (500, {"message": "Internal Server Error"})
        assert parsed(await exchange(port, request_bytes("GET", "/_local/nothing")))[0] == 404

    with_front(tmp_path, body)


def test_pages_of_other_origins_read_answers_failures_too_but_no_local_views(tmp_path: Path) -> None:
    async def body(port: int) -> None:
        for path, status in (("/x", 200), ("/fail", 500)):
            answer = parsed(
                await exchange(port, request_bytes("GET", path, b"", "Origin: https://a.example"))
            )
            assert (answer[0], answer[1]["access-control-allow-origin"]) == (status, "*")
        _, headers, _ = parsed(
            await exchange(port, request_bytes("GET", "/_local/mail", b"", "Origin: https://a.example"))
        )
        assert "access-control-allow-origin" not in headers

    with_front(tmp_path, body)


def test_the_limits_of_gateway_and_lambda_are_kept(tmp_path: Path) -> None:
    async def body(port: int) -> None:
        fits = b"x" * (MAX_EVENT * 3 // 4 - 2000)
        status, _, text = parsed(await exchange(port, request_bytes("POST", "/x", fits)))
        assert (status, json.loads(text)["size"]) == (200, len(fits))
        status, _, text = parsed(
            await exchange(port, request_bytes("POST", "/x", b"x" * (MAX_EVENT * 3 // 4)))
        )
        assert (status, json.loads(text)) == (413, {"message": "Request Entity Too Large"})
        head = request_bytes("POST", "/x", b"", f"Content-Length: {10 * 1024 * 1024 + 1}")
        assert parsed(await exchange(port, head))[0] == 413
        assert parsed(await exchange(port, request_bytes("GET", "/x", b"", "X-A: " + "y" * 10_000)))[0] == 200
        status, _, text = parsed(
            await exchange(port, request_bytes("GET", "/x", b"", "X-A: " + "y" * 10_240))
        )
        assert (status, json.loads(text)) == (431, {"message": "Request Header Fields Too Large"})
        assert parsed(await exchange(port, request_bytes("GET", "/large")))[0] == 500

    with_front(tmp_path, body)


def test_a_function_that_is_not_done_in_time_is_answered_503(tmp_path: Path) -> None:
    async def body(port: int) -> None:
        status, _, text = parsed(await exchange(port, request_bytes("GET", "/slow")))
        assert (status, json.loads(text)) == (503, {"message": "Service Unavailable"})

    with_front(tmp_path, body, timeout=0.5)


# The server itself


def serve(body: Callable[[Server], Awaitable[None]], limits: Limits | None = None) -> None:
    async def run() -> None:
        async with Serving(echo, limits) as server:
            await body(server)

    asyncio.run(run())


def test_requests_on_a_kept_connection_are_answered_in_order(tmp_path: Path) -> None:
    async def body(server: Server) -> None:
        first = b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        answer = await exchange(
            server.port, first + first.replace(b"/1 ", b"/2 ") + request_bytes("GET", "/3")
        )
        assert [part[:8] for part in answer.split(b'"target": ')[1:]] == [
            b'"/1", "h',
            b'"/2", "h',
            b'"/3", "h',
        ]

    serve(body)


def test_a_chunked_body_is_put_together_even_byte_by_byte() -> None:
    async def body(server: Server) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        data = (
            b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"5;x=y\r\nhello\r\n7\r\n, world\r\n0\r\nTrailer: 1\r\n\r\n"
        )
        for byte in data:
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert json.loads(parsed(await reader.read())[2])["body"] == "hello, world"
        writer.close()

    serve(body)


def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    async def body(server: Server) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        head = b"PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        writer.write(head)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"ok")
        assert json.loads(parsed(await reader.read())[2])["body"] == "ok"
        writer.close()

    serve(body)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nSpace : 1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 2000\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n", 413),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 600 + b"\r\n\r\n", 431),
        (b"y" * 600, 431),
    ],
)
def test_what_is_not_a_request_or_too_large_is_refused_and_the_connection_closed(
    data: bytes, status: int
) -> None:
    async def body(server: Server) -> None:
        assert parsed(await exchange(server.port, data))[0] == status

    serve(body, Limits(head=512, body=1000))


def test_a_client_sees_the_refusal_although_it_sends_on() -> None:
    async def body(server: Server) -> None:
        def post() -> int:
            return requests.post(
                f"http://127.0.0.1:{server.port}/", data=b"x" * 20_000_000, timeout=20
            ).status_code

        for _ in range(3):
            assert await asyncio.to_thread(post) == 413

    serve(body, Limits(body=1000))


def test_a_client_that_sends_nothing_or_stops_midway_is_cut_off() -> None:
    async def body(server: Server) -> None:
        for data in (b"", b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"):
            assert await exchange(server.port, data) == b""

    serve(body, Limits(idle=0.3, request=0.3))


def test_a_handler_that_raises_is_answered_500_and_the_server_goes_on() -> None:
    async def handler(request: Request) -> Response:
        if request.path == "/bad":
            raise KeyError("x")
        return Response(200)

    async def run() -> None:
        async with Serving(handler) as server:
            assert parsed(await exchange(server.port, request_bytes("GET", "/bad")))[0] == 500
            assert parsed(await exchange(server.port, request_bytes("GET", "/good")))[0] == 200

    asyncio.run(run())


def test_a_line_break_in_a_header_cannot_make_another_header() -> None:
    async def handler(_request: Request) -> Response:
        return Response(200, [("X-A", "1\r\nX-Evil: 1")])

    async def run() -> None:
        async with Serving(handler) as server:
            _, headers, _ = parsed(await exchange(server.port, request_bytes("GET", "/")))
            assert "x-evil" not in headers

    asyncio.run(run())


def test_a_port_that_is_taken_cannot_be_bound() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        async def run() -> None:
            with pytest.raises(OSError, match="in use"):
                await Server(echo).start("127.0.0.1", taken.getsockname()[1])

        asyncio.run(run())
