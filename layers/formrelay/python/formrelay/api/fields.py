"""Reading fields out of request bodies: the same checks and texts for every resource (contract accounts §6.2, §6.5)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from formrelay.api.http import parse_json
from formrelay.errors import ApiError, invalid

_TRUE = ("true", "1", "yes", "on", "t", "y")
_FALSE = ("false", "0", "no", "off", "f", "n")


def text(data: Mapping[str, Any], name: str, *, max_length: int = 255) -> str | None:
    """A text field, trimmed; None when it was not sent. Numbers count as text."""
    if name not in data:
        return None
    value = data[name]
    if value is None:
        raise invalid(name, "This field may not be null.")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise invalid(name, "Not a valid string.")
    trimmed = str(value).strip()
    if len(trimmed) > max_length:
        raise invalid(name, f"Ensure this field has no more than {max_length} characters.")
    return trimmed


def secret(data: Mapping[str, Any], name: str) -> str | None:
    """A text of any length, as it was sent; None when it was not, or is null."""
    value = data.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(name, "Not a valid string.")
    return value


def choice(data: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str | None:
    """One of the choices; None when it was not sent."""
    value = data.get(name)
    if name not in data:
        return None
    if value not in choices:
        raise invalid(name, f'"{value}" is not a valid choice.')
    return str(value)


def flag(data: Mapping[str, Any], name: str) -> bool | None:
    """A boolean, also as form text in any case; None when it was not sent."""
    if name not in data:
        return None
    word = str(data[name]).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise invalid(name, "Must be a valid boolean.")


def json_object(data: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """An object, or the same as JSON text; None when it was not sent (or is null)."""
    value = data.get(name)
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except ApiError:
            raise invalid(name, "Unable to parse JSON") from None
    if value is None:
        return None
    if not isinstance(value, dict):
        raise invalid(name, "Must be a JSON object")
    return value


def base64_bytes(encoded: str) -> bytes:
    """What ``data:…;base64,<data>`` and ``base64:<data>`` hold. Raises ValueError.

    The mark is cut off, with the character behind it.
    """
    head, mark, rest = encoded.partition("base64")
    text = "".join((rest[1:] if mark else head).split())  # encoders break lines
    return base64.b64decode(text, validate=True)
