"""Checks of a value that several fields of a hook share, in the contract's words (rest-services §2)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

NULL = "This field may not be null."
BLANK = "This field may not be blank."

SURROGATE = re.compile(r"[\ud800-\udfff]")
_TRUE = frozenset({"t", "y", "yes", "true", "on", "1"})
_FALSE = frozenset({"f", "n", "no", "false", "off", "0"})


class FaultError(ValueError):
    """What is wrong with one field, in texts for the caller."""

    def __init__(self, *texts: str) -> None:
        super().__init__(*texts)
        self.texts = list(texts)


def text(value: Any, limit: int | None, *, blank: bool = False) -> str:
    """A text without spaces around it, of at most ``limit`` characters. Raises FaultError."""
    if value is None:
        raise FaultError(NULL)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise FaultError("Not a valid string.")
    found = str(value).strip()
    if not found and not blank:
        raise FaultError(BLANK)
    _sendable(found)
    if limit is not None and len(found) > limit:
        raise FaultError(f"Ensure this field has no more than {limit} characters.")
    return found


def _sendable(value: str) -> None:
    if "\x00" in value:
        raise FaultError("Null characters are not allowed.")
    if match := SURROGATE.search(value):
        raise FaultError(f"Surrogate characters are not allowed: U+{ord(match[0]):X}.")


def flag(value: Any, _rules: object = None) -> bool:
    """A boolean, or a word for one. Raises FaultError."""
    if value is None:
        raise FaultError(NULL)
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise FaultError("Must be a valid boolean.")


def choice(*choices: str) -> Callable[[Any, object], str]:
    """A check that takes one of these words and raises FaultError for anything else."""

    def check(value: Any, _rules: object) -> str:
        if value is None:
            raise FaultError(NULL)
        if isinstance(value, str) and value in choices:
            return value
        raise FaultError(f'"{str(value)[:100]}" is not a valid choice.')

    return check


def parsed(value: Any) -> Any:
    """A JSON text parsed, anything else as it is. Raises ValueError for a text that is no JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None
