"""``?q=`` of lists (contract accounts §6.6)."""

from __future__ import annotations

from collections.abc import Sequence

from formrelay.api.http import Request
from formrelay.errors import detail
from formrelay.search import Search, SearchError, compile_search


def asked(request: Request, *, roots: Sequence[str], words: Sequence[str]) -> Search | None:
    """The search of a request, None without one. ``roots`` are the fields it may name, ``words`` those that bare
    words are looked for in. Raises ApiError 400."""
    text = request.query.get("q", "").strip()
    if not text:
        return None
    try:
        return compile_search(text, roots=roots, words=words)
    except SearchError as error:
        raise detail(400, str(error)) from None
