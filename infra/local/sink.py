"""``/_local/sink/{name}``: receivers for hooks, which keep what they get and answer as they were told.

Kept in memory only: a restart empties them. Bounded in number, requests and bytes; the oldest requests go first.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import parse_qs

from infra.local.pages import json_response, page
from infra.local.webserver import Headers, Request, Response, text_response

MAX_SINKS = 200
MAX_REQUESTS = 2000
MAX_BYTES = 64 * 1024 * 1024
MAX_DELAY = 120.0
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class _InstructionError(Exception):
    """A PUT says something that cannot be done; the message names the field."""


@dataclass(frozen=True)
class Instruction:
    """What to answer: status, seconds before, body and headers; ``times`` None is from now on."""

    status: int = 200
    times: int | None = None
    delay: float = 0.0
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class _Received:
    document: dict[str, Any]
    size: int


class _Sink:
    def __init__(self) -> None:
        self.received: deque[_Received] = deque()
        self.size = 0
        self.instruction = Instruction()
        self.left: int | None = None

    def keep(self, request: Request) -> None:
        entry = _Received(_document(request), len(request.body) + len(request.target) + 500)
        self.received.append(entry)
        self.size += entry.size
        while self.size > MAX_BYTES or len(self.received) > MAX_REQUESTS:
            self.size -= self.received.popleft().size

    def tell(self, instruction: Instruction) -> None:
        self.instruction, self.left = instruction, instruction.times

    def next_answer(self) -> Instruction:
        """The instruction in force, or plain 200 once it has been followed as often as was said."""
        if self.left is None:
            return self.instruction
        if self.left == 0:
            return Instruction()
        self.left -= 1
        return self.instruction


class Sinks:
    """All sinks of one stack."""

    def __init__(self) -> None:
        self._sinks: dict[str, _Sink] = {}

    async def view(self, request: Request) -> Response:
        """PUT tells, GET shows, DELETE clears; any other method is received."""
        name = request.path.split("/")[3] if request.path.count("/") >= 3 else ""
        if not _NAME.fullmatch(name):
            return text_response(
                404, "A sink's name has up to 64 letters, digits, dots, dashes and underscores.\n"
            )
        if request.method == "GET":
            return self._show(name, request)
        if request.method == "DELETE":
            self._sinks.pop(name, None)
            return Response(204)
        sink = self._sink(name)
        if request.method == "PUT":
            return _told(sink, request)
        sink.keep(request)
        instruction = sink.next_answer()
        await asyncio.sleep(instruction.delay)
        return Response(instruction.status, _headers(instruction), instruction.body.encode())

    def _sink(self, name: str) -> _Sink:
        if name not in self._sinks and len(self._sinks) >= MAX_SINKS:
            self._sinks.pop(next(iter(self._sinks)))
        return self._sinks.setdefault(name, _Sink())

    def _show(self, name: str, request: Request) -> Response:
        sink = self._sinks.get(name) or _Sink()
        documents = [entry.document for entry in sink.received]
        if parse_qs(request.query).get("format") == ["json"]:
            return json_response(documents)
        rows = [
            f"<h2>{escape(d['method'])} {escape(d['path'])} <small>{escape(d['time'])}</small></h2>"
            f"<details><summary>headers</summary><pre>{_lines(d['headers'])}</pre></details>"
            f"<pre>{escape(_readable(d['body']))}</pre>"
            for d in reversed(documents)
        ]
        return page(
            f"Sink {name}: {len(documents)} received", "".join(rows) or "<p>Nothing received yet.</p>"
        )


def _told(sink: _Sink, request: Request) -> Response:
    try:
        instruction = read_instruction(request.body)
    except _InstructionError as error:
        return text_response(400, f"{error}\n")
    sink.tell(instruction)
    return json_response(
        {"status": instruction.status, "times": instruction.times, "delay": instruction.delay}
    )


def read_instruction(body: bytes) -> Instruction:
    """The instruction in a PUT: all fields optional. Raises _InstructionError."""
    try:
        told = json.loads(body or b"{}")
    except ValueError as error:
        raise _InstructionError("the body is not JSON") from error
    if not isinstance(told, dict) or not set(told) <= {"status", "times", "delay", "body", "headers"}:
        raise _InstructionError('expected an object with "status", "times", "delay", "body", "headers"')
    headers, text = told.get("headers", {}), told.get("body", "")
    if not isinstance(headers, dict):
        raise _InstructionError("headers must be an object")
    return Instruction(
        status=int(_number(told, "status", 200, 200, 599)),
        times=None if told.get("times") is None else int(_number(told, "times", 1, 0, 10**9)),
        delay=_number(told, "delay", 0.0, 0, MAX_DELAY),
        body=text if isinstance(text, str) else json.dumps(text),
        headers={str(name): str(value) for name, value in headers.items()},
    )


def _number(told: dict[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = told.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise _InstructionError(f"{name} must be a number from {low} to {high}")
    return value


def _headers(instruction: Instruction) -> Headers:
    headers: Headers = [
        (name, value) for name, value in instruction.headers.items() if name.lower() != "content-length"
    ]
    if instruction.body and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "text/plain; charset=utf-8"))
    return headers


def _document(request: Request) -> dict[str, Any]:
    headers: dict[str, str] = {}
    for name, value in request.headers:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    document = {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": headers,
        "time": datetime.now(UTC).isoformat(),
    }
    try:
        return {**document, "body": request.body.decode(), "base64": False}
    except UnicodeDecodeError:
        return {**document, "body": base64.b64encode(request.body).decode(), "base64": True}


def _lines(headers: dict[str, str]) -> str:
    return escape("\n".join(f"{name}: {value}" for name, value in headers.items()))


def _readable(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body
