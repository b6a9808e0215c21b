"""The little HTML and JSON that the local views answer with."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from infra.local.messages import Response

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "pre{background:#f4f4f4;padding:.7rem;overflow:auto;white-space:pre-wrap}"
    "h2{font-size:1.05rem;margin-bottom:.3rem}small{font-weight:normal;color:#555}"
)


def page(title: str, body: str) -> Response:
    """An HTML page; ``body`` is HTML, ``title`` is text. Scripts in what is shown cannot run."""
    html = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1>{body}</html>"
    )
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        (
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'",
        ),
        ("Cache-Control", "no-store"),
    ]
    return Response(200, headers, html.encode())


def json_response(document: Any, status: int = 200) -> Response:
    """A JSON answer."""
    headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
    return Response(status, headers, json.dumps(document, ensure_ascii=False).encode())
