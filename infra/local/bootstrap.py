"""Runs a function as AWS's runtime client does, where that one cannot be imported (its native part is Linux only).

``python -P bootstrap.py app.handler``, with ``AWS_LAMBDA_RUNTIME_API`` naming the Runtime API. Standard library
only, and nothing of the local stack: the function finds on its path what it finds in the cloud.
"""

from __future__ import annotations

import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback
from dataclasses import dataclass
from typing import Any

_PREFIX = "/2018-06-01/runtime"


@dataclass
class Context:
    """The second argument of a handler."""

    aws_request_id: str
    invoked_function_arn: str
    deadline_ms: int
    function_name: str = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    function_version: str = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
    memory_limit_in_mb: str = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    log_group_name: str = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
    log_stream_name: str = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
    client_context: None = None
    identity: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is killed."""
        return max(0, self.deadline_ms - int(time.time() * 1000))


class Api:
    """The Runtime API over one kept connection."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address)

    def next(self) -> tuple[Context, bytes]:
        """Wait for an event."""
        headers, body = self._call("GET", "/invocation/next")
        context = Context(
            headers["Lambda-Runtime-Aws-Request-Id"],
            headers["Lambda-Runtime-Invoked-Function-Arn"],
            int(headers["Lambda-Runtime-Deadline-Ms"]),
        )
        return context, body

    def respond(self, request_id: str, result: bytes) -> None:
        self._call("POST", f"/invocation/{request_id}/response", result)

    def fail(self, request_id: str, error: dict[str, Any]) -> None:
        self._call("POST", f"/invocation/{request_id}/error", json.dumps(error).encode())

    def fail_init(self, error: dict[str, Any]) -> None:
        self._call("POST", "/init/error", json.dumps(error).encode())

    def _call(self, method: str, path: str, body: bytes | None = None) -> tuple[Any, bytes]:
        self._connection.request(method, _PREFIX + path, body)
        answer = self._connection.getresponse()
        return answer.headers, answer.read()


def load(handler: str) -> Any:
    """The function named ``module.attribute``. Raises what its import raises, or AttributeError."""
    module, _, name = handler.rpartition(".")
    return getattr(importlib.import_module(module.replace("/", ".")), name)


def describe(error: BaseException) -> dict[str, Any]:
    """An exception as the Runtime API wants it."""
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


def run_one(api: Api, function: Any) -> None:
    """Take one event, run the function, report what came of it."""
    context, event = api.next()
    try:
        result = json.dumps(function(json.loads(event), context)).encode()
    except Exception as error:
        logging.exception("the handler raised")
        api.fail(context.aws_request_id, describe(error))
        return
    api.respond(context.aws_request_id, result)


def main(handler: str) -> None:
    logging.basicConfig(level=logging.WARNING)
    api = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        function = load(handler)
    except BaseException as error:
        logging.exception("the module of the handler cannot be imported")
        api.fail_init(describe(error))
        sys.exit(1)
    while True:
        run_one(api, function)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (OSError, http.client.HTTPException):
        sys.exit(0)  # the supervisor is gone
