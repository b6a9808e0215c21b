"""JSON values as YAML (1.2, block style): what the description needs, without a library for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

# Anything that could be read as something else than text is quoted, as JSON does it.
_PLAIN = re.compile(r"[A-Za-z_$/][A-Za-z0-9_$/.{}-]*( [A-Za-z0-9_$/.{}-]+)*")
# Line ends and control characters of YAML that JSON takes as they are.
_ENDS = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def dump(value: Any) -> str:
    """The value as a YAML document; objects have text as keys."""
    return "\n".join(_lines(value, "")) + "\n"


def _lines(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _entry(f"{indent}{_scalar(key)}:", inner, indent + "  ")
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _entry(f"{indent}-", inner, indent + "  ")
    else:
        yield indent + _scalar(value)


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield head
        yield from _lines(value, indent)
    else:
        yield f"{head} {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return _ENDS.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))
