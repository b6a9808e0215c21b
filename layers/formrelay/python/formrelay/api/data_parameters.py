"""Query parameters of ``…/data/`` (contract data §3): unlike those of other lists, bad ones are refused."""

from __future__ import annotations

from typing import Any, NamedTuple

from formrelay.api import paging
from formrelay.api.http import Request, parse_json
from formrelay.errors import ApiError
from formrelay.sorting import Key, SortError, id_direction, sort_key


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


class Order(NamedTuple):
    """The order of the rows: that of their ids or against it, or by ``key``."""

    forward: bool = True
    key: Key | None = None


def order(request: Request) -> Order:
    """What ``sort`` asks for. Raises ApiError 400."""
    sort = _json_parameter(request, "sort", dict)
    if not sort:
        return Order()
    if request.format == "xml":
        raise ApiError(400, {"sort": "This param is not supported in `XML` format"})
    try:
        direction = id_direction(sort)
        return Order(direction == 1) if direction else Order(key=sort_key(sort))
    except SortError as error:
        raise refused_sort(error) from None


def refused_sort(error: SortError) -> ApiError:
    return ApiError(400, {"sort": f"Not supported: {error}."})


def query(request: Request) -> Any:
    """The filter as parsed JSON; None for none. Raises ApiError 400 for what is no JSON."""
    text = request.query.get("query")
    if not text:
        return None
    try:
        value = parse_json(text)
    except ApiError:
        raise ApiError(400, {"query": "Value must be valid JSON."}) from None
    if value is None:
        raise refused_query()
    return value


def refused_query() -> ApiError:
    return ApiError(400, ["Unsupported query"])


def refuse_count(request: Request) -> None:
    """Raises ApiError 400 for the parameter ``count``."""
    if "count" in request.query:
        text = "This param is not implemented. Use `count` property of the response instead."
        raise ApiError(400, {"count": text})


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
