"""The events that AWS hands to functions, and the reading of what an HTTP function answers.

HTTP: API Gateway payload format 2.0 as observed on AWS, which the documentation leaves open in places: ``rawPath``
arrives decoded, and a body is text only for a few content types, base64 for all others.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from infra.local.config import ACCOUNT, REGION, STACK
from infra.local.messages import Headers, Request, Response
from infra.local.routes import Match

TEXT_TYPES = ("application/json", "application/xml", "application/javascript")

# Headers of the connection, not of the message.
_HOP = (
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
)


def http_event(request: Request, match: Match, request_id: str) -> dict[str, Any]:
    """The event for one request."""
    now = time.time()
    host = request.header("host")
    context = {
        "accountId": ACCOUNT,
        "apiId": STACK,
        "domainName": host.rpartition(":")[0] or host,
        "domainPrefix": STACK,
        "http": {
            "method": request.method,
            "path": unquote(request.path),
            "protocol": request.version,
            "sourceIp": request.peer,
            "userAgent": request.header("user-agent"),
        },
        "requestId": request_id,
        "routeKey": match.route.key,
        "stage": "$default",
        "time": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now * 1000),
    }
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": match.route.key,
        "rawPath": unquote(request.path),
        "rawQueryString": request.query,
        "headers": _joined(request, now),
        "requestContext": context,
        "isBase64Encoded": False,
    }
    if cookies := _cookies(request):
        event["cookies"] = cookies
    if parameters := _query(request.query):
        event["queryStringParameters"] = parameters
    if match.variables:
        event["pathParameters"] = match.variables
    if request.body:
        event["body"], event["isBase64Encoded"] = encode_body(request.body, request.header("content-type"))
    return event


def encode_body(body: bytes, content_type: str) -> tuple[str, bool]:
    """The body as it stands in an event, and whether that is base64."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("text/") or kind in TEXT_TYPES:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True


def _joined(request: Request, now: float) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in request.headers:
        if name == "cookie" or name in _HOP:
            continue
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    seen = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = f"{seen}, {request.peer}" if seen else request.peer
    headers["x-forwarded-port"] = request.header("host").rpartition(":")[2] or "80"
    headers["x-forwarded-proto"] = "http"
    headers["x-amzn-trace-id"] = f"Root=1-{int(now):08x}-{uuid.uuid4().hex[:24]}"
    if request.body:
        headers["content-length"] = str(len(request.body))
    return headers


def _cookies(request: Request) -> list[str]:
    return [
        part.strip()
        for name, value in request.headers
        if name == "cookie"
        for part in value.split(";")
        if part.strip()
    ]


def _query(query: str) -> dict[str, str]:
    joined: dict[str, str] = {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        return {}  # too many; rawQueryString has them all
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


class AnswerError(Exception):
    """The function's answer is not one that API Gateway can pass on: 500 to the client."""


def http_response(payload: bytes) -> Response:
    """The response in a function's answer. Raises AnswerError."""
    try:
        answer = json.loads(payload)
    except ValueError as error:
        raise AnswerError("not JSON") from error
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return Response(200, [("Content-Type", "application/json")], payload)
    try:
        return Response(int(answer["statusCode"]), _headers(answer), _body(answer))
    except (TypeError, ValueError, AttributeError) as error:
        raise AnswerError(str(error)) from error


def _headers(answer: Mapping[str, Any]) -> Headers:
    headers: Headers = [
        (str(name), _text(value))
        for name, value in (answer.get("headers") or {}).items()
        if str(name).lower() not in ("content-length", *_HOP)
    ]
    headers += [("Set-Cookie", str(cookie)) for cookie in answer.get("cookies") or []]
    if not any(name.lower() == "content-type" for name, _ in headers) and answer.get("body"):
        headers.append(("Content-Type", "text/plain;charset=UTF-8"))
    return headers


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _body(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        return json.dumps(body).encode()
    return base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else body.encode()


def sqs_event(messages: Sequence[Mapping[str, Any]], queue_arn: str) -> dict[str, Any]:
    """The event for a batch of received messages."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": message.get("MessageAttributes", {}),
                "md5OfBody": message.get("MD5OfBody", ""),
                "eventSource": "aws:sqs",
                "eventSourceARN": queue_arn,
                "awsRegion": REGION,
            }
            for message in messages
        ]
    }


def schedule_event(name: str) -> dict[str, Any]:
    """The event of a schedule that came due now."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{STACK}-{name}"],
        "detail": {},
    }
