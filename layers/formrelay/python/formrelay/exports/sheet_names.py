"""Names of the sheets of a workbook (contract exports §3.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_LONGEST: Final = 31
_FORBIDDEN: Final = re.compile(r"[\[\]*?:/\\\x00-\x1f\ud800-\udfff\ufffe\uffff]")
_OUTER_QUOTES: Final = re.compile(r"^'|'$")
# Excel keeps this one for itself.
_RESERVED: Final = "history"


def unique(name: str, taken: Iterable[str]) -> str:
    """The name as Excel takes it, unlike all that are ``taken``, whatever the case of their letters."""
    known = {other.casefold() for other in taken} | {_RESERVED}
    name = _OUTER_QUOTES.sub("_", _FORBIDDEN.sub("_", name)) or "_"
    candidate, number = _shortened(name, "..."), 0
    while candidate.casefold() in known:
        number += 1
        candidate = _shortened(name, f"... ({number})", always=True)
    return candidate


def _shortened(name: str, ending: str, *, always: bool = False) -> str:
    """At most 31 units of UTF-16, which is how Excel counts; a name that is cut or shared ends with ``ending``."""
    if not always and _units(name) <= _LONGEST:
        return name
    while _units(name) + len(ending) > _LONGEST:
        name = name[:-1]
    return name + ending


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
