"""JSON as it is stored and answered, and as functions hand it to each other."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

_PACKED = "zlib"
# Lambda takes messages of 6 MB; text that is mostly short words and the like takes a tenth of that compressed.
_LONG = 500_000


def compact(value: Any) -> str:
    """JSON text without spaces, letters of any script as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def as_message(value: dict[str, Any]) -> dict[str, Any]:
    """A message to another function, or its answer: a long one compressed, as ``{"zlib": base64}``."""
    text = compact(value)
    if len(text) <= _LONG:
        return value
    return {_PACKED: base64.b64encode(zlib.compress(text.encode(), 1)).decode()}


def from_message(received: dict[str, Any]) -> dict[str, Any]:
    """What was handed to :func:`as_message`; the two are for our own functions, so nothing is bounded."""
    if received.keys() != {_PACKED}:
        return received
    value: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(received[_PACKED])))
    return value
