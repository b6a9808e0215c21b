"""JSON as it is stored and answered, and as functions hand it to each other."""

from __future__ import annotations

import base64
import json
import math
import zlib
from typing import Any

_PACKED = "zlib"
# Lambda takes messages of 6 MB; text that is mostly short words and the like takes a tenth of that compressed.
_LONG = 500_000
_MAX_DEPTH = 100


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


def strict(text: bytes | str) -> Any:
    """JSON with bounded depth, no NaN, no half of a surrogate pair. Raises ValueError, which says what is wrong."""
    try:
        value = json.loads(text, parse_float=_finite, parse_constant=_refuse_constant)
        _check_depth(value, 0)
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        raise ValueError("invalid text") from None
    except RecursionError as error:
        raise ValueError(str(error)) from None
    return value


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        raise ValueError(f"{literal[:20]} is beyond the range of numbers")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check_depth(value: Any, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return
    for inner in value:
        _check_depth(inner, depth + 1)
