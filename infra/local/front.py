"""What clients connect to: API Gateway's part, with its limits, and the views that only a local stack has."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import unquote

from infra.local import events
from infra.local.cors import Cors
from infra.local.functions import Function, ThrottledError, TooLargeError
from infra.local.messages import Request, Response
from infra.local.routes import RouteTable
from infra.local.webserver import Limits
from infra.local.worker import Result

log = logging.getLogger("front")

# API Gateway's quotas for HTTP APIs.
LIMITS = Limits(head=10_240, body=10 * 1024 * 1024, connections=2000)
INTEGRATION_TIMEOUT = 30.0

LOCAL_PREFIX = "/_local/"
LocalView = Callable[[Request], Awaitable[Response]]

_MESSAGES = {
    404: "Not Found",
    413: "Request Entity Too Large",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def refusal(status: int) -> Response:
    """An answer of the gateway itself."""
    body = json.dumps({"message": _MESSAGES.get(status, "Bad Request")}).encode()
    return Response(status, [("Content-Type", "application/json")], body)


class Front:
    """Answers every request: ``/_local/<view>`` itself, all others through the function of their route."""

    def __init__(
        self,
        routes: RouteTable,
        functions: Mapping[str, Function],
        views: Mapping[str, LocalView],
        timeout: float = INTEGRATION_TIMEOUT,
        cors: Cors | None = None,
    ) -> None:
        self._routes = routes
        self._functions = functions
        self._views = views
        self._timeout = timeout
        self._cors = cors or Cors()

    async def handle(self, request: Request) -> Response:
        """The answer to one request."""
        if request.path.startswith(LOCAL_PREFIX):
            view = self._views.get(request.path[len(LOCAL_PREFIX) :].partition("/")[0])
            return await view(request) if view is not None else refusal(404)
        began = time.monotonic()
        response = await self._through_function(request)
        response.headers += self._cors.added(request)
        log.debug(
            "%s %s %d %.0f ms",
            request.method,
            request.path,
            response.status,
            1000 * (time.monotonic() - began),
        )
        return response

    async def _through_function(self, request: Request) -> Response:
        match = self._routes.match(request.method, unquote(request.path))
        if match is None:
            return refusal(404)
        request_id = str(uuid.uuid4())
        event = json.dumps(events.http_event(request, match, request_id)).encode()
        call = asyncio.ensure_future(self._functions[match.route.function].invoke(event, wait=self._timeout))
        done, _ = await asyncio.wait({call}, timeout=self._timeout)
        if not done:
            call.add_done_callback(_forget)  # it runs on, as it does behind API Gateway
            response = refusal(503)
        else:
            response = _response(call)
        response.headers.append(("Apigw-Requestid", request_id))
        return response


def _response(call: asyncio.Future[Result]) -> Response:
    try:
        result = call.result()
    except ThrottledError:
        return refusal(503)
    except TooLargeError:
        return refusal(413)
    if result.failed:
        log.error("a function failed: %s", _short(result.payload))
        return refusal(500)
    try:
        return events.http_response(result.payload)
    except events.AnswerError as error:
        log.error("a function's answer cannot be passed on: %s", error)
        return refusal(500)


def _short(payload: bytes) -> str:
    """Type and message of a function's error; never its data."""
    try:
        error = json.loads(payload)
        return f"{error.get('errorType')}: {str(error.get('errorMessage'))[:200]}"
    except (ValueError, AttributeError):
        return "unreadable"


def _forget(call: asyncio.Future[Result]) -> None:
    if not call.cancelled():
        call.exception()
