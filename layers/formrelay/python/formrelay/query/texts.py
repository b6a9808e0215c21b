"""Queries as those keep them who apply them later: as JSON text, compiled once to hear what is wrong with it."""

from __future__ import annotations

from typing import Any

from formrelay.json_text import compact, strict
from formrelay.query.bounds import Limits, QueryError
from formrelay.query.compiler import compile_query


class RefusedError(ValueError):
    """What somebody gave is no query, or none that can be kept; the text says why, for them."""


def kept(value: Any, most: int, limits: Limits | None = None) -> str:
    """A query, as JSON or as its text, as text of at most so many bytes. Raises RefusedError."""
    try:
        value = strict(value) if isinstance(value, str) else value
    except ValueError:
        raise RefusedError("Value must be valid JSON.") from None
    text = compact(value)
    if len(text.encode()) > most:
        raise RefusedError(f"The query has more than {most} bytes.")
    try:
        compile_query(value, limits)
    except QueryError as error:
        raise RefusedError(f"Unsupported query: {error}.") from None
    return text
