"""Queries answered from little: yes, no, or not without more of the record.

A row of a list has some fields of its project in plain and the trace of the texts in the others; that decides most.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from formrelay.search.language import Group, Search, Term
from formrelay.search.traces import PIECE, may_hold

# Operators that only a text which holds the value can meet.
_HOLDING: Final = frozenset(
    {"exact", "iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith"}
)
# Values that may also be those of numbers and the like, which leave no trace.
_NO_TEXT: Final = frozenset({"null", "true", "false"})
_OF_NUMBERS: Final = frozenset("0123456789.+-einfa")


class Row:
    """What is known of a record: ``plain`` fields, ``words`` that bare words are sought in, and a ``trace``.

    The trace is that of all other texts which bare words are sought in; fields under ``traced`` have no others.
    """

    def __init__(
        self,
        plain: Mapping[str, Any],
        words: tuple[str, ...],
        trace: bytes | None,
        traced: tuple[tuple[str, ...], ...],
    ) -> None:
        self.plain = plain
        self._words = [word.lower() for word in words]
        self._trace = trace
        self._traced = traced

    def has_word(self, value: str) -> bool | None:
        wanted = value.lower()
        if any(wanted in word for word in self._words):
            return True
        return None if len(value) < PIECE or may_hold(self._trace, value) else False

    def meets(self, term: Term) -> bool | None:
        if term.path[0] in self.plain:
            return term.matches(self.plain, ())
        known = any(term.path[: len(path)] == path for path in self._traced)
        return False if known and _needs_text(term) and not may_hold(self._trace, term.value) else None


def decided(search: Search, row: Row) -> bool | None:
    """Whether the record behind a row matches; None: that takes more of it."""
    return False if search.root is None else _decided(search.root, row)


def _decided(node: Term | Group, row: Row) -> bool | None:
    if isinstance(node, Term):
        return row.meets(node) if node.path else row.has_word(node.value)
    found = [_decided(inner, row) for inner in node.nodes]
    if node.kind == "not":
        return None if found[0] is None else not found[0]
    decides = node.kind == "or"
    if decides in found:
        return decides
    return None if None in found else not decides


def _needs_text(term: Term) -> bool:
    value = term.value.lower()
    return term.operator in _HOLDING and value not in _NO_TEXT and not _OF_NUMBERS.issuperset(value)
