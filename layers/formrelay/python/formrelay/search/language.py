"""Queries: tokens, a parser by recursive descent, and what a compiled query can tell of its matches."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from formrelay.search.operators import OPERATORS, listed

_SHORTEST_WORD = 3
_MAX_DEPTH = 50
# Each is asked of every row of a list.
_MAX_TERMS = 100
_TOKEN = re.compile(
    r"""\s*(?:(?P<paren>[()])|(?P<field>[A-Za-z_][\w.\[\]-]*):|(?P<quoted>"[^"]*"|'[^']*')|(?P<word>[^\s():"']+))"""
)
_KEYWORDS = ("AND", "OR", "NOT")


class SearchError(Exception):
    """What was asked for is not supported; the text is for the caller."""


class _SyntaxError(Exception):
    """No query at all; such a one finds nothing."""


class Term(NamedTuple):
    """One condition; ``path`` is empty for a bare word."""

    path: tuple[str, ...]
    operator: str
    value: str

    def matches(self, record: Mapping[str, Any], words: Sequence[str]) -> bool:
        if not self.path:
            wanted = self.value.lower()
            texts = (value for field in words for value in _values(record, tuple(field.split("__"))))
            return any(wanted in str(value).lower() for value in texts)
        compare = OPERATORS[self.operator]
        return any(compare(value, self.value) for value in _values(record, self.path))


class Group(NamedTuple):
    """``and``, ``or`` or ``not`` of some nodes."""

    kind: str
    nodes: tuple[Any, ...]

    def matches(self, record: Mapping[str, Any], words: Sequence[str]) -> bool:
        if self.kind == "not":
            return not self.nodes[0].matches(record, words)
        found = (node.matches(record, words) for node in self.nodes)
        return all(found) if self.kind == "and" else any(found)


_Node = Term | Group


class Search(NamedTuple):
    """A compiled query. Without a root it is one that does not parse, which finds nothing."""

    root: _Node | None
    words: Sequence[str] = ()

    def matches(self, record: Mapping[str, Any]) -> bool:
        return self.root is not None and self.root.matches(record, self.words)

    @property
    def terms(self) -> list[Term]:
        """All conditions of the query."""
        return list(_terms(self.root)) if self.root else []

    def only(self, field: str) -> frozenset[str] | None:
        """The values of a field among which every match has its own; None when the query does not bind it."""
        return frozenset() if self.root is None else _only(self.root, tuple(field.split("__")))

    def conditions(self, field: str) -> list[Term]:
        """The conditions on a field that every match meets."""
        path = tuple(field.split("__"))
        return [term for term in _required(self.root) if term.path == path]


def compile_search(text: str, *, roots: Collection[str], words: Sequence[str] = ()) -> Search:
    """Compiles a query on fields that begin with one of ``roots``; bare words look into the fields ``words``.

    Raises SearchError for other fields, for very many terms, and for nothing but words too short to tell anything.
    """
    try:
        root = _Parser(text).parsed()
    except _SyntaxError:
        return Search(None)
    terms = list(_terms(root))
    if len(terms) > _MAX_TERMS:
        raise SearchError("Your query is too long")
    if any(term.path and term.path[0] not in roots for term in terms):
        raise SearchError("Not supported field lookup")
    if all(not term.path and len(term.value) < _SHORTEST_WORD for term in terms):
        raise SearchError("Your query is too short")
    return Search(root, words)


class _Parser:
    """Recursive descent over the tokens: or, and, not, term."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def parsed(self) -> _Node:
        node = self._or()
        if self._at < len(self._tokens):
            raise _SyntaxError
        return node

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self, *wanted: tuple[str, str]) -> bool:
        if self._peek() in wanted:
            self._at += 1
            return True
        return False

    def _or(self) -> _Node:
        nodes = [self._and()]
        while self._take(("keyword", "OR")):
            nodes.append(self._and())
        return nodes[0] if len(nodes) == 1 else Group("or", tuple(nodes))

    def _and(self) -> _Node:
        nodes = [self._not()]
        while self._take(("keyword", "AND")) or self._peek() not in _ENDS:
            nodes.append(self._not())
        return nodes[0] if len(nodes) == 1 else Group("and", tuple(nodes))

    def _not(self) -> _Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _SyntaxError
        if self._take(("keyword", "NOT")):
            node: _Node = Group("not", (self._not(),))
        elif self._take(("paren", "(")):
            node = self._or()
            if not self._take(("paren", ")")):
                raise _SyntaxError
        else:
            node = self._term()
        self._depth -= 1
        return node

    def _term(self) -> Term:
        kind, text = self._peek()
        self._at += 1
        if kind == "value":
            return Term((), "icontains", text)
        value_kind, value = self._peek()
        if kind != "field" or value_kind != "value":
            raise _SyntaxError
        self._at += 1
        return _field_term(text, value)


_ENDS = (("end", ""), ("paren", ")"), ("keyword", "OR"))


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _SyntaxError
        at = match.end()
        kind, token = str(match.lastgroup), match[str(match.lastgroup)]
        if kind == "quoted":
            found.append(("value", token[1:-1]))
        elif kind == "word":
            found.append(("keyword" if token in _KEYWORDS else "value", token))
        else:
            found.append((kind, token))
    return found


def _field_term(field: str, value: str) -> Term:
    path = [part.removesuffix("[]") for part in field.split("__")]
    operator = "exact"
    if len(path) > 1 and path[-1] in OPERATORS:
        operator = path.pop()
    if len(path) > 1 and path[-1] == "date":
        path.pop()
        operator = "date" if operator == "exact" else f"date__{operator}"
        if operator not in OPERATORS:
            raise SearchError("Not supported field lookup")
    return Term(tuple(path), operator, value)


def _terms(node: _Node) -> list[Term]:
    return [node] if isinstance(node, Term) else [term for inner in node.nodes for term in _terms(inner)]


def _required(node: _Node | None) -> list[Term]:
    """The terms that no match can do without."""
    if isinstance(node, Term):
        return [node]
    if node is None or node.kind != "and":
        return []
    return [term for inner in node.nodes for term in _required(inner)]


def _only(node: _Node, path: tuple[str, ...]) -> frozenset[str] | None:
    if isinstance(node, Term):
        if node.path != path or node.operator not in ("exact", "in"):
            return None
        return frozenset(listed(node.value) if node.operator == "in" else [node.value])
    if node.kind == "not":
        return None
    bound = [_only(inner, path) for inner in node.nodes]
    known = [values for values in bound if values is not None]
    if node.kind == "and":
        return frozenset.intersection(*known) if known else None
    return frozenset.union(*known) if len(known) == len(bound) else None


def _values(value: Any, path: tuple[str, ...]) -> list[Any]:
    """What stands at the end of a path, of each member of a list on it; None where it leads nowhere."""
    if isinstance(value, list):
        return [found for member in value for found in _values(member, path)]
    if not path:
        return [value]
    if not isinstance(value, Mapping):
        return [None]
    # A key may have two underscores itself.
    whole = "__".join(path)
    return _values(value[whole], ()) if whole in value else _values(value.get(path[0]), path[1:])
