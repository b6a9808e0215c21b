"""Pages of lists (contract accounts §6.3): ``start``/``limit``, and links to the pages around."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from formrelay.api.http import Request

T = TypeVar("T")
DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
# Behind every list there is; keeps offsets, which are added and multiplied, within bounds.
MAX_START = 10**15


def window(request: Request) -> tuple[int, int]:
    """``(start, limit)`` of a list; what is no sensible number counts as absent."""
    query = request.query
    if "limit" not in query and "start" not in query and ("page" in query or "page_size" in query):
        limit = min(_positive(query.get("page_size")) or DEFAULT_LIMIT, MAX_LIMIT)
        return ((_positive(query.get("page")) or 1) - 1) * limit, limit
    start = _positive(query["start"] if "start" in query else query.get("offset"))
    return start, min(_positive(query.get("limit")) or DEFAULT_LIMIT, MAX_LIMIT)


def _positive(text: str | None) -> int:
    """The number in the text, at most :data:`MAX_START`; 0 for everything that is not one."""
    if not text or not text.isascii() or not text.isdigit():
        return 0
    # Python refuses to read numbers of thousands of digits.
    return min(int(text), MAX_START) if len(text) < 100 else MAX_START


def envelope(request: Request, count: int, results: Sequence[Any], start: int, limit: int) -> dict[str, Any]:
    """``{count, next, previous, results}`` with absolute links on the caller's own path and suffix."""
    return {
        "count": count,
        "next": link(request, start + limit, limit) if start + limit < count else None,
        "previous": link(request, max(0, start - limit), limit) if start > 0 else None,
        "results": list(results),
    }


def page(request: Request, everything: Sequence[T]) -> tuple[int, int, Sequence[T]]:
    """``(start, limit, rows)`` of a list that is at hand as a whole."""
    start, limit = window(request)
    return start, limit, everything[start : start + limit]


def link(request: Request, start: int, limit: int) -> str:
    """The request's own URL at another row: parameters in alphabetical order, ``start`` left out at 0."""
    query = {k: v for k, v in request.query.items() if k not in ("page", "page_size", "offset", "start")}
    query["limit"] = str(limit)
    if start:
        query["start"] = str(start)
    return f"{request.base_url}{_path(request)}?{urlencode(sorted(query.items()), quote_via=quote)}"


def _path(request: Request) -> str:
    suffix = f".{request.suffix}" if request.suffix else "/"
    return quote(request.path) + suffix
