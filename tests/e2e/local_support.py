"""Small functions and their launch, for tests of the local stack's parts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from infra.local.functions import Function
from infra.local.messages import Request, Response
from infra.local.template import FunctionSpec
from infra.local.webserver import Limits, Server
from infra.local.worker import Launch, Result

HANDLER = """
import os, sys, time

def handler(event, context):
    what = event.get("do")
    if what == "raise":
        raise ValueError("wrong: " + str(event.get("text")))
    if what == "exit":
        os._exit(7)
    if what == "sleep":
        time.sleep(event["seconds"])
    if what == "unserialisable":
        return {1, 2}
    if what == "large":
        return "x" * event["bytes"]
    if what == "print":
        print(event["text"], flush=True)
    if what == "context":
        return {
            "id": context.aws_request_id,
            "name": context.function_name,
            "memory": context.memory_limit_in_mb,
            "arn": context.invoked_function_arn,
            "remaining": context.get_remaining_time_in_millis(),
        }
    if what == "environment":
        return {"environment": dict(os.environ), "path": sys.path, "cwd": os.getcwd()}
    return {"event": event, "pid": os.getpid()}
"""


def write_function(folder: Path, source: str = HANDLER) -> FunctionSpec:
    """A function's code in ``folder`` and what the template would say of it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.py").write_text(source)
    return FunctionSpec("TestFunction", "test-function", folder, "app.handler", 2, 128, (), {})


def launch(folder: Path, source: str = HANDLER, *, own_loop: bool = False, timeout: int = 2) -> Launch:
    """How its processes start."""
    spec = write_function(folder / "code", source)
    spec = FunctionSpec(spec.id, spec.name, spec.code, spec.handler, timeout, spec.memory, (), {})
    return Launch(spec, {"GREETING": "hello"}, folder / "function.log", own_loop)


async def invoke(function: Function, wait: float = 20.0, **event: Any) -> Result:
    """The result of running a function on an event."""
    return await function.invoke(json.dumps(event).encode(), wait)


def answer(result: Result) -> Any:
    """The JSON in a result."""
    return json.loads(result.payload)


class Serving:
    """A handler behind a web server, for ``async with``."""

    def __init__(self, handler: Any, limits: Limits | None = None, **options: Any) -> None:
        self.server = Server(handler, limits, **options)

    async def __aenter__(self) -> Server:
        await self.server.start("127.0.0.1", 0)
        return self.server

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()


async def echo(request: Request) -> Response:
    """What the server understood, as JSON."""
    document = {
        "method": request.method,
        "target": request.target,
        "headers": request.headers,
        "body": request.body.decode("latin-1"),
    }
    return Response(200, [("Content-Type", "application/json")], json.dumps(document).encode())
