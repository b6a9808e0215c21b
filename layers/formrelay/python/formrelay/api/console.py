"""``/``, ``/api/v2/docs/`` and ``/console/…``: pages for people, static files that call this API like any client.

Nothing is loaded from elsewhere, nothing is written into the page but its base URL, and no key stands in a URL.
"""

from __future__ import annotations

import hashlib
from functools import cache
from html import escape
from pathlib import Path

from formrelay.api.about import SERVICE, About, Media
from formrelay.api.http import Response
from formrelay.api.router import Context, Route
from formrelay.errors import not_found

_FOLDER = Path(__file__).resolve().parents[1] / "console"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_BASE = b"<!--base-->"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    # Asked again each time, and answered 304 as long as nothing was deployed.
    "Cache-Control": "no-cache",
}


@cache
def _names() -> frozenset[str]:
    return frozenset(path.name for path in _FOLDER.iterdir() if path.suffix in _TYPES)


@cache
def _file(name: str) -> tuple[bytes, str, str]:
    """Content, type and entity tag of one of the console's files, which alone are kept: names come from anybody."""
    content = (_FOLDER / name).read_bytes()
    return content, _TYPES[Path(name).suffix], hashlib.sha256(content).hexdigest()[:32]


def console(ctx: Context) -> Response:
    """What owners see of their projects and hooks."""
    return _page(ctx, "index.html")


def docs(ctx: Context) -> Response:
    """The API, described for people."""
    return _page(ctx, "docs.html")


def _page(ctx: Context, name: str) -> Response:
    """A page; its base element makes it work behind a stage or a proxy's prefix."""
    content, content_type, _ = _file(name)
    base = f'<base href="{escape(ctx.base_url)}/">'.encode()
    return Response(200, content.replace(_BASE, base), {**_HEADERS, "Content-Type": content_type})


def static(ctx: Context, part: str) -> Response:
    """One of its files."""
    if part not in _names() or part.endswith(".html"):
        raise not_found()
    content, content_type, digest = _file(part)
    headers = {**_HEADERS, "Content-Type": content_type, "ETag": f'"{digest}"'}
    if digest in ctx.request.headers.get("if-none-match", ""):
        return Response(304, b"", headers)
    return Response(200, content, headers)


ROUTES = [
    Route("GET", "/", console, about=About("The console", SERVICE, {200: Media("text/html")}, public=True)),
    Route(
        "GET",
        "/api/v2/docs",
        docs,
        about=About("This description, for people", SERVICE, {200: Media("text/html")}, public=True),
    ),
    Route(
        "GET",
        "/console/{part}",
        static,
        about=About("A file of the console", SERVICE, {200: Media("*/*"), 304: None}, public=True),
    ),
]
