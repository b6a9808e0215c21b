"""The ``payload`` of calls that change many submissions (contract data §5–§7), as JSON or its text, or in a form."""

from __future__ import annotations

from typing import Any, NamedTuple

from formrelay.api.fields import json_object
from formrelay.api.http import Request, parse_json
from formrelay.errors import ApiError, invalid
from formrelay.query import QueryError, compile_query

MAX_CHOSEN = 10_000
# Digits that a number may have before it is one that Python refuses to read.
_MAX_DIGITS = 100


class Meant(NamedTuple):
    """Which submissions a call means: the ids in ``chosen``, else all that meet ``query`` (``{}``: all)."""

    chosen: tuple[int, ...] | None = None
    query: dict[str, Any] | None = None


def fields(request: Request) -> dict[str, Any]:
    """The fields of the payload. Raises ApiError 400."""
    found = json_object(request.data(), "payload")
    if found is None:
        raise invalid("payload", "This field is required.")
    return found


def wrong(text: str) -> ApiError:
    """400 for a payload that says what cannot be done."""
    return invalid("payload", text)


def meant(payload: dict[str, Any]) -> Meant:
    """Which submissions a payload means. Raises ApiError 400; an empty query is no confirmation that all are meant."""
    sids, query = payload.get("submission_ids"), payload.get("query")
    if sids is not None and query:
        raise wrong("`submission_ids` and `query` cannot be given together")
    if sids is not None:
        return Meant(chosen=_sids(sids))
    if query:
        return Meant(query=_query(query))
    if payload.get("confirm") is not True:
        raise wrong("Confirmation is required")
    return Meant(query={})


def _sids(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise wrong("`submission_ids` must be a list")
    if not value:
        raise wrong("`submission_ids` must contain at least one value")
    if len(value) > MAX_CHOSEN:
        raise wrong(f"`submission_ids` must contain at most {MAX_CHOSEN} values")
    return tuple(dict.fromkeys(map(_sid, value)))


def _sid(value: Any) -> int:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit()) or len(text) > _MAX_DIGITS:
        raise wrong("`submission_ids` must only contain integer values")
    return int(text)


def _query(value: Any) -> dict[str, Any]:
    try:
        query = parse_json(value) if isinstance(value, str) else value
    except ApiError:
        query = None
    if not isinstance(query, dict):
        raise wrong("`query` must be a JSON object")
    try:
        compile_query(query)
    except QueryError:
        raise unsupported_query() from None
    return query


def unsupported_query() -> ApiError:
    """400 for a query that cannot be applied."""
    return wrong("Unsupported query")
