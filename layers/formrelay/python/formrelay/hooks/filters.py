"""Filters of hooks: which submissions a hook gets, in the query language of the data API (docs/hooks.md, "Filters").

A filter is applied while people wait for their submission to be taken in, with those of up to fifty hooks: it may hold,
and cost, much less than a query that somebody waits for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from formrelay.query import Limits, Query, compile_query, texts
from formrelay.query.allowance import limited

# Of its text, which every submission reads with its hook.
MAX_BYTES = 2_000
LIMITS = Limits(conditions=50, regex_size=200)
# What applying it to one record may cost: 0.2 s at the worst, so that fifty end within the time of a submission.
_UNITS = 200_000
# Filters that a process keeps compiled; what their regular expressions remember is 2 MB each at the worst.
_KEPT = 64


def kept(value: Any) -> str | None:
    """A filter, as JSON or as its text, as it is stored; None for one that everything meets.

    Raises RefusedError (:mod:`formrelay.query.texts`), whose text is for the caller.
    """
    if value is None or value == "":
        return None
    text = texts.kept(value, MAX_BYTES, LIMITS)
    return None if _compiled(text).is_empty else text


def meets(text: str, record: Mapping[str, Any]) -> bool:
    """Whether a record meets a stored filter. Raises QueryError when it is too long for that."""
    with limited(_UNITS):
        return _compiled(text).matches(record)


@lru_cache(maxsize=_KEPT)
def _compiled(text: str) -> Query:
    return compile_query(json.loads(text), LIMITS)
