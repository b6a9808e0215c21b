"""``/``, ``/api/v2/docs/`` and ``/console/…``: pages for people, static files that call this API like any client.

Nothing is loaded from elsewhere, nothing is written into a page but where its files are, and no key stands in a URL.
Files are addressed by the digest of all of them, so that browsers keep them until something else is deployed. The
modules of a page are sent as one: each request is a call of the function, and a new AWS account runs ten at a time.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from html import escape
from pathlib import Path

from formrelay.api.about import SERVICE, About, Media
from formrelay.api.http import Response
from formrelay.api.router import Context, Route
from formrelay.errors import not_found

_FOLDER = Path(__file__).resolve().parents[1] / "console"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# The modules that pages begin with; what they import is sent with them.
_ENTRIES = ("app.js", "docs.js")
# Sent by itself: one language is asked for by who reads it.
_WORDS = re.compile(r"words-[a-z]{2}\.js")
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|const|class) (\w+))", re.MULTILINE)
_BASE, _FILES = b"<!--base-->", b"{files}"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self';"
        " base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}
# The page itself is small and always asked for; its files never change under their address.
_FRESH = {"Cache-Control": "no-cache"}
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}


def console(ctx: Context) -> Response:
    """What owners see of their projects and hooks."""
    return _page(ctx, "index.html")


def docs(ctx: Context) -> Response:
    """The API, described for people."""
    return _page(ctx, "docs.html")


def _page(ctx: Context, name: str) -> Response:
    """A page; its base element makes it work behind a stage or a proxy's prefix."""
    base = f'<base href="{escape(ctx.base_url)}/">'.encode()
    content = (_FOLDER / name).read_bytes().replace(_BASE, base).replace(_FILES, _digest().encode())
    return Response(200, content, {**_HEADERS, **_FRESH, "Content-Type": "text/html; charset=utf-8"})


def static(ctx: Context, digest: str, part: str) -> Response:
    """A file of the pages; under the digest of what was deployed before, today's."""
    del ctx
    content = _served().get(part)
    if content is None:
        raise not_found()
    kept = _KEPT if digest == _digest() else _FRESH
    return Response(200, content, {**_HEADERS, **kept, "Content-Type": _TYPES[Path(part).suffix]})


@cache
def _served() -> dict[str, bytes]:
    """Every file that is sent, by name."""
    plain = [
        path for path in _FOLDER.iterdir() if path.suffix in (".css", ".svg") or _WORDS.fullmatch(path.name)
    ]
    return {**{path.name: path.read_bytes() for path in plain}, **{name: _joined(name) for name in _ENTRIES}}


@cache
def _digest() -> str:
    """Names the files as they are now."""
    return hashlib.sha256(b"".join(content for _, content in sorted(_served().items()))).hexdigest()[:20]


def _joined(entry: str) -> bytes:
    """A module after all that it imports, each in a function of its own that gives what it exports."""
    modules: dict[str, str] = {}

    def add(name: str) -> None:
        if name in modules:
            return
        text = (_FOLDER / name).read_text()
        for needed in _IMPORT.findall(text):
            add(needed)
        body = _EXPORT.sub(r"\1", _IMPORT.sub("", text))
        names = ", ".join(name for _, name in _EXPORT.findall(text))
        modules[name] = (
            body
            if name == entry
            else f"const {{ {names} }} = (() => {{\n{body}return {{ {names} }};\n}})();\n"
        )

    add(entry)
    return "".join(modules.values()).encode()


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
        "/console/{digest}/{part}",
        static,
        about=About("A file of the console", SERVICE, {200: Media("*/*")}, public=True),
    ),
]
