"""Lambda handler: HTTP API event in, answer out."""

from __future__ import annotations

import gc

gc.disable()

from typing import Any  # noqa: E402

from formrelay.api import openrosa  # noqa: E402
from formrelay.api.http import Request, preflight  # noqa: E402

# What was imported lives as long as the process: the collector need not look at it again.
gc.freeze()
gc.enable()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answers one request (payload format 2.0)."""
    request = Request(event)
    response = preflight(request) or openrosa.answer(request).compressed(request)
    return response.event(request)
