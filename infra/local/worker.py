"""One process that runs a function, and the Runtime API that it talks to."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import os
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local import processes
from infra.local.config import ACCOUNT, HOST, REGION
from infra.local.messages import Request, Response
from infra.local.template import FunctionSpec
from infra.local.webserver import Limits, Server

log = logging.getLogger(__name__)

# Bytes of an event and of an answer (Lambda's quotas).
MAX_EVENT = 6 * 1024 * 1024
MAX_ANSWER = 6 * 1024 * 1024 + 100
INIT_TIMEOUT = 30.0

_PREFIX = "/2018-06-01/runtime/"


@dataclass(frozen=True)
class Result:
    """What came of an invocation: the answer's JSON, or an error's with ``failed`` set."""

    payload: bytes
    failed: bool = False


@dataclass(frozen=True)
class Launch:
    """How processes of a function are started. ``own_loop`` uses our loop also where AWS's client is at hand."""

    spec: FunctionSpec
    environment: Mapping[str, str]
    log: Path
    own_loop: bool = False

    def command(self) -> list[str]:
        if not self.own_loop and importlib.util.find_spec("runtime_client") is not None:
            return [sys.executable, "-P", "-m", "awslambdaric", self.spec.handler]
        return [sys.executable, "-P", str(Path(__file__).with_name("bootstrap.py")), self.spec.handler]

    def variables(self, api: str) -> dict[str, str]:
        """The whole environment of the process: a clean one, as in the cloud."""
        spec = self.spec
        path = os.pathsep.join(str(folder) for folder in (spec.code, *spec.layers))
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ},
            "TZ": "UTC",
            "PYTHONPATH": path,
            "LAMBDA_TASK_ROOT": str(spec.code),
            "_HANDLER": spec.handler,
            "AWS_LAMBDA_RUNTIME_API": api,
            "AWS_LAMBDA_FUNCTION_NAME": spec.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            **self.environment,
        }


class InitError(Exception):
    """The process ended or hung before it asked for work; ``result`` is what callers are told."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.payload.decode(errors="replace"))
        self.result = result


class _Invocation:
    def __init__(self, event: bytes, timeout: float) -> None:
        self.id = str(uuid.uuid4())
        self.event = event
        self.deadline_ms = int((time.time() + timeout) * 1000)
        self.result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    def settle(self, result: Result) -> None:
        if not self.result.done():
            self.result.set_result(result)


class Worker:
    """Starts the process, gives it one event at a time, and kills it when it takes too long."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.process: asyncio.subprocess.Process | None = None
        self.alive = False
        self._server = Server(self._handle, Limits(body=2 * MAX_ANSWER, idle=86400.0), cancel_on_close=True)
        self._work: asyncio.Queue[_Invocation] = asyncio.Queue(maxsize=1)
        self._current: _Invocation | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._init_error: Result | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process and wait until it asks for work. Raises InitError."""
        await self._server.start(HOST, 0)
        launch = self.launch
        variables = launch.variables(f"{HOST}:{self._server.port}")
        try:
            self.process = await processes.spawn(
                launch.command(), variables, launch.log, cwd=launch.spec.code
            )
        except OSError as error:
            await self._server.stop()
            raise InitError(_error("Runtime.InvalidEntrypoint", str(error))) from error
        self._watcher = asyncio.ensure_future(self._watch(self.process))
        try:
            await asyncio.wait_for(asyncio.shield(self._ready), INIT_TIMEOUT)
        except TimeoutError:
            processes.kill(self.process)
            raise InitError(_error("Runtime.Unknown", "initialisation took too long")) from None
        self.alive = True

    async def invoke(self, event: bytes) -> Result:
        """Run the function on one event; it must be idle. Never raises: every failure is a Result."""
        seconds = self.launch.spec.timeout
        invocation = self._current = _Invocation(event, seconds)
        self._work.put_nowait(invocation)
        try:
            return await asyncio.wait_for(asyncio.shield(invocation.result), seconds)
        except TimeoutError:
            self.kill()
            return _error("Sandbox.Timedout", f"{invocation.id} Task timed out after {seconds:.2f} seconds")
        finally:
            self._current = None

    def kill(self) -> None:
        """End the process at once."""
        self.alive = False
        if self.process is not None:
            processes.kill(self.process)

    async def stop(self, grace: float) -> None:
        """End the process in order."""
        self.alive = False
        if self.process is not None:
            await processes.stop(self.process, grace)
        if self._watcher is not None:
            await self._watcher

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        self.alive = False
        what = f"signal {-code}" if code < 0 else f"exit status {code}"
        result = self._init_error or _error("Runtime.ExitError", f"Runtime exited with error: {what}")
        if self._current is not None:
            self._current.settle(result)
        if not self._ready.done():
            self._ready.set_exception(InitError(result))
            self._ready.exception()  # seen, also when nobody waits any more
        await self._server.stop()

    # Runtime API

    async def _handle(self, request: Request) -> Response:
        if not request.path.startswith(_PREFIX):
            return _answer(404, {"errorMessage": "no such path", "errorType": "NotFound"})
        action = request.path[len(_PREFIX) :]
        if request.method == "GET" and action == "invocation/next":
            return await self._next()
        if request.method == "POST" and action == "init/error":
            self._init_error = Result(request.body, failed=True)
            return _answer(202, {"status": "OK"})
        parts = action.split("/")
        if request.method == "POST" and len(parts) == 3 and parts[0] == "invocation":
            return self._finish(parts[1], parts[2], request.body)
        return _answer(404, {"errorMessage": "no such path", "errorType": "NotFound"})

    async def _next(self) -> Response:
        if not self._ready.done():
            self._ready.set_result(None)
        invocation = await self._work.get()
        headers = [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", invocation.id),
            ("Lambda-Runtime-Deadline-Ms", str(invocation.deadline_ms)),
            ("Lambda-Runtime-Invoked-Function-Arn", function_arn(self.launch.spec.name)),
            ("Lambda-Runtime-Trace-Id", f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Sampled=0"),
        ]
        return Response(200, headers, invocation.event)

    def _finish(self, request_id: str, what: str, body: bytes) -> Response:
        invocation = self._current
        if invocation is None or invocation.id != request_id or what not in ("response", "error"):
            return _answer(400, {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"})
        if what == "error":
            invocation.settle(Result(body, failed=True))
        elif len(body) > MAX_ANSWER:
            # Accepted all the same: AWS's client would end the process over a 413.
            text = f"Response payload size exceeded maximum allowed payload size ({MAX_ANSWER} bytes)."
            invocation.settle(_error("Function.ResponseSizeTooLarge", text))
        else:
            invocation.settle(Result(body))
        return _answer(202, {"status": "OK"})


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def _error(kind: str, text: str) -> Result:
    return Result(json.dumps({"errorType": kind, "errorMessage": text}).encode(), failed=True)


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(status, [("Content-Type", "application/json")], json.dumps(body).encode())
