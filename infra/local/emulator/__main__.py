"""Runs the AWS emulator, durable and on loopback only: ``python -m infra.local.emulator FOLDER [BYTES]``.

It takes a free port and prints it when it is ready: ``ready 40123``. It runs in an environment of its own, which
holds the emulator and nothing of formrelay. It ends on SIGTERM, and when its standard input ends, which is how it
notices that whoever started it is gone.

Items, objects, keys and mails are safe before a request is answered. Definitions and queues are saved by a POST to
``/_formrelay/checkpoint`` only, never by itself: half a deployment must not outlive a restart.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.local.emulator import asgi
from infra.local.emulator.journal import Journal, JournalError
from infra.local.emulator.mails import keep_mails
from infra.local.emulator.states import States, touched
from infra.local.lock import Lock, LockedError
from infra.local.messages import Request, Response, text_response
from infra.local.webserver import Limits, Server, bound_socket

if TYPE_CHECKING:
    from infra.local.emulator.tables import DurableTables

HOST = "127.0.0.1"
CHECKPOINT = "/_formrelay/checkpoint"
# Size of the journal from which on a snapshot is taken.
JOURNAL_BYTES = 16 * 1024 * 1024
# Seconds to wait for a predecessor that is still saving.
PATIENCE = 10

log = logging.getLogger("emulator")


def _environment(folder: Path, port: int) -> None:
    """What the emulator reads while it is imported."""
    os.environ.update(
        GATEWAY_PORT=str(port),
        MINISTACK_HOST=HOST,
        PERSIST_STATE="1",
        STATE_DIR=str(folder / "services"),
        S3_PERSIST="1",
        S3_DATA_DIR=str(folder / "objects"),
        SERVICES="cloudformation,dynamodb,iam,kms,s3,ses,sqs,sts",
        AUTH="false",
        # Never look for a Docker daemon.
        DOCKER_HOST="unix:///nonexistent/docker.sock",
    )


class Emulator:
    """The emulator's application with everything that makes it durable."""

    def __init__(self, folder: Path, journal_bytes: int) -> None:
        (folder / "services").mkdir(parents=True, exist_ok=True)
        (folder / "objects").mkdir(exist_ok=True)
        from ministack import app as application
        from ministack.core import persistence
        from ministack.services import dynamodb, ses

        from infra.local.emulator.tables import DurableTables

        keep_mails(ses)
        self._application: Any = application
        self.tables: DurableTables = DurableTables(dynamodb, Journal(folder / "tables", journal_bytes))
        self.states = States(application, persistence, folder / "services")

    def start(self) -> None:
        """Load everything; call it on the event loop."""
        loop = asyncio.get_running_loop()
        self._application._MAIN_LOOP = loop
        loop.set_default_executor(ThreadPoolExecutor(max_workers=16, thread_name_prefix="emulator"))
        self.states.load()
        changes = self.tables.restore()
        self.tables.start()
        gc.freeze()  # the collector need not look at the restored items again
        log.info("restored %d changes of tables", changes)

    async def handle(self, request: Request) -> Response:
        """Answer one request, once what it changed is safe."""
        if request.path == CHECKPOINT and request.method == "POST":
            self._save()
            return text_response(200, "saved\n")
        response = await asgi.call(self._application.app, request)
        if services := touched(request):
            self._save(*services)
        return response

    def _save(self, *services: str) -> None:
        try:
            self.states.save(*services)
        except OSError as error:
            log.critical("the state cannot be saved: %s", error)
            os._exit(70)


async def _serve(folder: Path, listener: socket.socket, journal_bytes: int) -> None:
    emulator = Emulator(folder, journal_bytes)
    emulator.start()
    server = Server(emulator.handle, Limits(), cancel_on_close=True)
    await server.start_on(listener)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    loop.add_reader(sys.stdin.fileno(), _watch_parent, stopped)
    print("ready", server.port, flush=True)
    await stopped.wait()
    await server.stop(grace=1.0)


def _watch_parent(stopped: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stopped.set()


def main(folder: Path, journal_bytes: int = JOURNAL_BYTES) -> None:
    """Serve until told to stop. Exits with a line of text when the state cannot be used."""
    folder.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    listener = bound_socket(HOST, 0)
    _environment(folder, listener.getsockname()[1])
    try:
        with Lock(folder / "lock", patience=PATIENCE):
            asyncio.run(_serve(folder, listener, journal_bytes))
    except (JournalError, LockedError, OSError) as error:
        sys.exit(f"emulator: {error}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
