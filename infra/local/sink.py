"""``/_local/sink/{name}``: receivers for hooks, which keep what they get and answer as they were told.

What they received is also in a file each, so that it outlives a restart; what they were told does not. Bounded in
number, requests and bytes; the oldest requests go first.
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
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from infra.local.messages import Headers, Request, Response, text_response
from infra.local.pages import json_response, page

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


class _Sink:
    """One receiver; the lines of its file are what it received, as JSON."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._file_size = 0
        self.instruction = Instruction()
        self.left: int | None = None
        if path.exists():
            self._read()

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._lines]

    def keep(self, request: Request) -> None:
        """Remember a request. Raises OSError when it cannot be written."""
        line = json.dumps(_document(request)).encode() + b"\n"
        self._add(line)
        if self._file_size > 2 * MAX_BYTES:
            self._path.write_bytes(b"".join(self._lines))
            self._file_size = self._size
        else:
            with self._path.open("ab") as file:
                file.write(line)
            self._file_size += len(line)

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)

    def _add(self, line: bytes) -> None:
        self._lines.append(line)
        self._size += len(line)
        while self._size > MAX_BYTES or len(self._lines) > MAX_REQUESTS:
            self._size -= len(self._lines.popleft())

    def _read(self) -> None:
        with self._path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    self._add(line)
        # Whole lines only: a kill may have cut off the last one.
        self._path.write_bytes(b"".join(self._lines))
        self._file_size = self._size

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
    """All sinks of one stack, with their files in ``folder``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
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
        sink = self._sink(name)
        if request.method == "DELETE":
            self._sinks.pop(name).clear()
            return Response(204)
        if request.method == "PUT":
            return _told(sink, request)
        sink.keep(request)
        instruction = sink.next_answer()
        await asyncio.sleep(instruction.delay)
        return Response(instruction.status, _headers(instruction), instruction.body.encode())

    def _sink(self, name: str) -> _Sink:
        if name not in self._sinks:
            if len(self._sinks) >= MAX_SINKS:
                self._sinks.pop(next(iter(self._sinks))).clear()
            self._sinks[name] = _Sink(self._folder / f"{name}.jsonl")
        return self._sinks[name]

    def _show(self, name: str, request: Request) -> Response:
        documents = self._sink(name).documents
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
