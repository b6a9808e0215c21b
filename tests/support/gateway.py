"""The functions behind real HTTP on loopback: web server, events and routes of the local stack, no processes."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from urllib.parse import unquote

from functions.api import app as api
from functions.ingest import app as ingest
from functions.openrosa import app as openrosa
from infra.local import events
from infra.local.expressions import Expressions
from infra.local.front import LIMITS
from infra.local.messages import Request, Response
from infra.local.routes import RouteTable
from infra.local.template import Template, read_template
from infra.local.webserver import Server
from tests.support.app import LambdaContext
from tests.support.template import ROOT

_HANDLERS = {
    "ApiFunction": api.handler,
    "IngestFunction": ingest.handler,
    "OpenrosaFunction": openrosa.handler,
}


@contextmanager
def gateway() -> Iterator[str]:
    """Serves the functions of this process; yields the base URL."""
    loop = asyncio.new_event_loop()
    server = Server(_answer, LIMITS)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start("127.0.0.1", 0), loop).result()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _answer(request: Request) -> Response:
    match = RouteTable(_template().routes).match(request.method, unquote(request.path))
    assert match is not None
    event = events.http_event(request, match, str(uuid.uuid4()))
    answer = _HANDLERS[match.route.function](event, LambdaContext(29))
    response = events.http_response(json.dumps(answer).encode())
    response.headers += _template().cors.added(request)
    return response


@cache
def _template() -> Template:
    return read_template(ROOT / "template.yaml", lambda document: Expressions(document, {}))
