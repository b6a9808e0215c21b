"""The Lambda Invoke endpoint, for functions that call each other through an AWS SDK."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from urllib.parse import unquote

from infra.local.functions import Function, ThrottledError, TooLargeError
from infra.local.messages import Request, Response

MAX_QUEUED = 1000
# An event that could not be handled is tried twice more (Lambda's default), here without its minutes of waiting.
ASYNC_TRIES = 3
_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")


class InvokeApi:
    """``POST /2015-03-31/functions/{name}/invocations``; ``functions`` are keyed by name."""

    def __init__(self, functions: Mapping[str, Function], wait: float = 30.0) -> None:
        self._functions = functions
        self._wait = wait
        self._background: set[asyncio.Task[None]] = set()

    async def handle(self, request: Request) -> Response:
        """Invoke and answer as Lambda does."""
        found = _PATH.fullmatch(request.path)
        if request.method != "POST" or found is None:
            return _error(404, "ResourceNotFoundException", "no such operation")
        name = _function_name(unquote(found[1]))
        function = self._functions.get(name)
        if function is None:
            return _error(404, "ResourceNotFoundException", f"Function not found: {name}")
        event = request.body or b"{}"
        kind = request.header("x-amz-invocation-type", "RequestResponse")
        if kind == "DryRun":
            return Response(204)
        if kind == "Event":
            return self._queue(function, event)
        try:
            result = await function.invoke(event, self._wait)
        except ThrottledError:
            return _error(429, "TooManyRequestsException", "Rate Exceeded.")
        except TooLargeError:
            return _error(413, "RequestTooLargeException", "the event exceeds 6 MB")
        headers = [("Content-Type", "application/json"), ("X-Amz-Executed-Version", "$LATEST")]
        if result.failed:
            headers.append(("X-Amz-Function-Error", "Unhandled"))
        return Response(200, headers, result.payload)

    def _queue(self, function: Function, event: bytes) -> Response:
        if len(self._background) >= MAX_QUEUED:
            return _error(429, "TooManyRequestsException", "Rate Exceeded.")
        task = asyncio.ensure_future(self._run(function, event))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return Response(202)

    async def _run(self, function: Function, event: bytes) -> None:
        for attempt in range(ASYNC_TRIES):
            await asyncio.sleep(attempt)
            try:
                if not (await function.invoke(event, wait=300.0)).failed:
                    return
            except ThrottledError:
                continue
            except TooLargeError:
                return


def _function_name(reference: str) -> str:
    """The name in a name, a name with a qualifier, or an ARN."""
    parts = reference.split(":")
    return parts[6] if parts[0] == "arn" and len(parts) > 6 else parts[0]


def _error(status: int, kind: str, text: str) -> Response:
    headers = [("Content-Type", "application/json"), ("x-amzn-errortype", kind)]
    return Response(status, headers, json.dumps({"Type": "User", "Message": text}).encode())
