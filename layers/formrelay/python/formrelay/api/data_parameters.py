"""Query parameters of ``…/data/`` (contract data §3): unlike those of other lists, bad ones are refused."""

from __future__ import annotations

from typing import Any

from formrelay.api import paging
from formrelay.api.http import Request, parse_json
from formrelay.errors import ApiError


def window(request: Request) -> tuple[int, int]:
    """``(start, limit)``. Raises ApiError 400 for what is no number."""
    limit, start = request.query.get("limit"), request.query.get("start")
    if limit is not None and not (_is_number(limit) and limit.strip("0")):
        raise ApiError(400, {"limit": "A positive integer is required"})
    if start is not None and not _is_number(start):
        raise ApiError(400, {"start": "A positive integer is required."})
    return paging.window(request)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def fields(request: Request) -> list[str] | None:
    """Names of the keys wanted; None for all. Raises ApiError 400."""
    names = _json_parameter(request, "fields", list)
    if names is not None and request.format == "xml":
        raise ApiError(400, {"fields": "This is not supported in `XML` format"})
    return [str(name) for name in names] if names else None


def forward(request: Request) -> bool:
    """Whether rows come in the order of their ids; the only other order is the reverse. Raises ApiError 400."""
    sort = _json_parameter(request, "sort", dict)
    if not sort:
        return True
    if request.format == "xml":
        raise ApiError(400, {"sort": "This param is not supported in `XML` format"})
    if sort not in ({"_id": 1}, {"_id": -1}):
        raise ApiError(400, {"sort": "Only `_id` is supported."})
    return bool(sort["_id"] == 1)


def refuse_query(request: Request) -> None:
    """There are no filters: anything but an empty one is refused rather than ignored. Raises ApiError 400."""
    try:
        wanted = parse_json(request.query.get("query") or "{}")
    except ApiError:
        raise ApiError(400, {"query": "Value must be valid JSON."}) from None
    if wanted != {}:
        raise ApiError(400, ["Unsupported query"])


def _json_parameter(request: Request, name: str, kind: type) -> Any:
    text = request.query.get(name)
    if not text:
        return None
    try:
        value = parse_json(text)
    except ApiError:
        value = None
    if not isinstance(value, kind):
        raise ApiError(400, {name: "Value must be valid JSON."})
    return value
