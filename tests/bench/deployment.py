"""What benchmarks run against: a deployment on the local emulator, and a receiver; each a process of its own."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import boto3
import pytest

from formrelay.log import logger
from formrelay.settings import settings
from formrelay.storage import deliveries
from tests.support import aws
from tests.support.app import App, install
from tests.support.emulator import emulator

FORM = {"survey": [{"type": "text", "name": f"q{i}", "label": f"Question {i}"} for i in range(20)]}
# Hooks that a project may have.
MOST_HOOKS = 50

_RECEIVER = """
import sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    count = size = 0
    def do_GET(self):
        told = f"{Receiver.count} {Receiver.size}" if self.path == "/told" else Receiver.count
        body = str(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Receiver.size += len(self.raw_requestline) + len(bytes(self.headers)) + len(body)
        time.sleep(float(sys.argv[1]) / 1000)
        statuses = sys.argv[2:]
        self.send_response(int(statuses[Receiver.count % len(statuses)]))
        self.send_header("Content-Length", "0")
        self.end_headers()
        Receiver.count += 1
    def log_message(self, *_):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextmanager
def receiver(delay: int = 0, statuses: Sequence[int] = (204,)) -> Iterator[str]:
    """The URL of one that answers with these statuses in turn, after so many milliseconds; it tells what it got
    (:func:`received`)."""
    command = [sys.executable, "-c", _RECEIVER, str(delay), *map(str, statuses)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/in"
        finally:
            process.kill()


def received(url: str) -> tuple[int, int]:
    """How many requests a receiver has answered, and the bytes of all of them, headers included."""
    with urllib.request.urlopen(urljoin(url, "/told"), timeout=5) as answer:
        count, size = map(int, answer.read().split())
    return count, size


def quiet() -> None:
    """Has log lines written, but nowhere."""
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(io.StringIO())


@contextmanager
def deployment() -> Iterator[App]:
    """A deployment whose functions run in this process."""
    quiet()
    with (
        tempfile.TemporaryDirectory() as folder,
        emulator(Path(folder)) as url,
        pytest.MonkeyPatch.context() as patch,
    ):
        with aws.environment({"AWS_ENDPOINT_URL": url}):
            variables = aws.create_storage(boto3.client("cloudformation"))
        variables |= {"AWS_ENDPOINT_URL": url, "FORMRELAY_ALLOW_NETWORKS": "127.0.0.0/8"}
        with aws.environment(variables):
            aws.forget_clients()
            yield install(settings(), patch)


def queued(app: App, url: str, count: int, hooks: int = 1) -> tuple[str, list[str]]:
    """A project, and messages of ``count`` deliveries that nobody tried yet, in turns to so many hooks of it.

    More hooks than one project may have are spread over several.
    """
    turns = []
    for first in range(0, hooks, MOST_HOOKS):
        asset = app.deploy(FORM)
        added = [app.add_hook(asset, url) for _ in range(min(MOST_HOOKS, hooks - first))]
        for number in range(-(-count // hooks)):
            values = {f"q{i}": f"answer {i} of {number}" for i in range(20)}
            assert app.submit(app.filled(asset, values)).status == 201
        for hook in added:
            found = deliveries.newest_first(hook)
            turns.append(
                [
                    json.dumps({"a": asset, "h": hook, "s": int(item["sk"]), "n": item["seq"]})
                    for item in found
                ]
            )
    return asset, [message for turn in zip(*turns, strict=True) for message in turn][:count]
