"""DynamoDB's expressions on typed items (``{"N": "5"}``), as far as AWS documents them and formrelay uses them.

Each expression is parsed once into a closure. What AWS refuses with ValidationException raises InvalidError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

Typed = dict[str, Any]
Item = dict[str, Typed]
Operand = Callable[["Scope"], Typed | None]
Condition = Callable[["Scope"], bool]

_TOKEN = re.compile(r"\s*(?:(:\w+)|([#\w]+(?:\.[#\w]+|\[\d+\])*)|(<>|<=|>=|[=<>(),+-]))")
_KEYWORDS = {"and", "or", "not", "between", "in", "set", "remove", "add", "delete"}


class InvalidError(Exception):
    """The request is no valid one."""


class Scope:
    """What an expression is evaluated on: an item, names and values; notes which of those it used."""

    def __init__(self, item: Item, names: Mapping[str, str], values: Mapping[str, Typed]) -> None:
        self.item = item
        self.names = names
        self.values = values


def resolve(path: str, names: Mapping[str, str]) -> list[str]:
    """The attribute names of a document path, placeholders replaced."""
    return [names[part] if part.startswith("#") else part for part in path.split(".")]


def at(item: Item, path: list[str]) -> Typed | None:
    """What stands at a document path, or None."""
    found: Typed | None = item.get(path[0])
    for name in path[1:]:
        if found is None or "M" not in found:
            return None
        found = found["M"].get(name)
    return found


# Values


def number(value: Typed) -> Decimal:
    return Decimal(value["N"])


def compare(left: Typed | None, right: Typed | None) -> int | None:
    """-1, 0 or 1; None where the two cannot be compared: of different types, or not there."""
    if left is None or right is None:
        return None
    ((kind, a),) = left.items()
    ((other, b),) = right.items()
    if kind != other:
        return None
    if kind == "N":
        a, b = Decimal(a), Decimal(b)
    elif kind == "S":
        a, b = a.encode(), b.encode()
    elif kind != "B":
        return 0 if a == b else None
    return int(a > b) - int(a < b)


_COMPARISONS: dict[str, Callable[[int], bool]] = {
    "=": lambda order: order == 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


# Parsing


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        end = len(text.rstrip())
        place = 0
        while place < end:
            match = _TOKEN.match(text, place)
            if match is None:
                raise InvalidError(f"syntax error in {text!r}")
            self.tokens.append(match.group().strip())
            place = match.end()
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def keyword(self) -> str:
        return self.peek().lower()

    def next(self) -> str:
        token = self.peek()
        self.place += 1
        return token

    def expect(self, token: str) -> None:
        if self.next().lower() != token:
            raise InvalidError(f"syntax error: {token} expected in {' '.join(self.tokens)}")

    def end(self) -> None:
        if self.peek():
            raise InvalidError(f"syntax error at {self.peek()} in {' '.join(self.tokens)}")

    # Conditions

    def either(self) -> Condition:
        parts = [self.both()]
        while self.keyword() == "or":
            self.next()
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else lambda scope: any(part(scope) for part in parts)

    def both(self) -> Condition:
        parts = [self.negated()]
        while self.keyword() == "and":
            self.next()
            parts.append(self.negated())
        return parts[0] if len(parts) == 1 else lambda scope: all(part(scope) for part in parts)

    def negated(self) -> Condition:
        if self.keyword() == "not":
            self.next()
            inner = self.negated()
            return lambda scope: not inner(scope)
        if self.peek() == "(":
            self.next()
            inner = self.either()
            self.expect(")")
            return inner
        return self.predicate()

    def predicate(self) -> Condition:
        if self.keyword() in _FUNCTIONS and self.tokens[self.place + 1 : self.place + 2] == ["("]:
            return _FUNCTIONS[self.next().lower()](self.arguments())
        left = self.operand()
        if self.keyword() == "between":
            self.next()
            low = self.operand()
            self.expect("and")
            return _between(left, low, self.operand())
        if self.keyword() == "in":
            self.next()
            choices = self.arguments()
            return lambda scope: any(compare(left(scope), choice(scope)) == 0 for choice in choices)
        operator = self.next()
        right = self.operand()
        if operator == "<>":
            return lambda scope: compare(left(scope), right(scope)) != 0
        if operator not in _COMPARISONS:
            raise InvalidError(f"syntax error at {operator}")
        test = _COMPARISONS[operator]
        return lambda scope: (order := compare(left(scope), right(scope))) is not None and test(order)

    def arguments(self) -> list[Operand]:
        self.expect("(")
        found = [self.operand()]
        while self.peek() == ",":
            self.next()
            found.append(self.operand())
        self.expect(")")
        return found

    def operand(self) -> Operand:
        token = self.next()
        if token.startswith(":"):
            return lambda scope: scope.values[token]
        if not token or token.lower() in _KEYWORDS or token in "=<>(),+-":
            raise InvalidError(f"syntax error at {token!r} in {' '.join(self.tokens)}")
        if token == "size" and self.peek() == "(":
            (inner,) = self.arguments()
            return lambda scope: _size(inner(scope))
        return lambda scope: at(scope.item, resolve(token, scope.names))

    # Updates

    def value(self) -> Operand:
        left = self.term()
        if self.peek() not in ("+", "-"):
            return left
        sign = 1 if self.next() == "+" else -1
        right = self.term()
        return lambda scope: _sum(left(scope), right(scope), sign)

    def term(self) -> Operand:
        if self.keyword() != "if_not_exists":
            return self.operand()
        self.next()
        known, default = self.arguments()
        return lambda scope: known(scope) or default(scope)


def _between(middle: Operand, low: Operand, high: Operand) -> Condition:
    def test(scope: Scope) -> bool:
        value = middle(scope)
        above, below = compare(value, low(scope)), compare(value, high(scope))
        return above is not None and below is not None and above >= 0 >= below

    return test


def _begins_with(arguments: list[Operand]) -> Condition:
    text, start = arguments

    def test(scope: Scope) -> bool:
        value, prefix = text(scope), start(scope)
        return bool(value and prefix and "S" in value and value["S"].startswith(prefix.get("S", "\0")))

    return test


def _contains(arguments: list[Operand]) -> Condition:
    whole, part = arguments

    def test(scope: Scope) -> bool:
        value, wanted = whole(scope) or {}, part(scope) or {}
        if "S" in value:
            return wanted.get("S", "\0") in value["S"]
        return wanted in value.get("L", [])

    return test


_FUNCTIONS: dict[str, Callable[[list[Operand]], Condition]] = {
    "attribute_exists": lambda arguments: lambda scope: arguments[0](scope) is not None,
    "attribute_not_exists": lambda arguments: lambda scope: arguments[0](scope) is None,
    "begins_with": _begins_with,
    "contains": _contains,
}


def _size(value: Typed | None) -> Typed | None:
    if value is None:
        return None
    ((kind, inner),) = value.items()
    return {"N": str(len(inner.encode() if kind == "S" else inner))}


def _sum(left: Typed | None, right: Typed | None, sign: int) -> Typed:
    if left is None or right is None or "N" not in left or "N" not in right:
        raise InvalidError("an operand of the update is no number")
    return {"N": str(number(left) + sign * number(right))}


@lru_cache(maxsize=1024)
def condition(text: str) -> Condition:
    """A condition, filter or key condition."""
    parser = _Parser(text)
    found = parser.either()
    parser.end()
    return found


@lru_cache(maxsize=1024)
def paths(text: str) -> tuple[str, ...]:
    """The paths of a projection."""
    return tuple(part.strip() for part in text.split(","))


Clauses = tuple[tuple[tuple[str, Operand], ...], tuple[str, ...], tuple[tuple[str, Operand], ...]]


@lru_cache(maxsize=1024)
def _clauses(text: str) -> Clauses:
    """The SET, REMOVE and ADD clauses of an update."""
    parser = _Parser(text)
    sets: list[tuple[str, Operand]] = []
    removes: list[str] = []
    adds: list[tuple[str, Operand]] = []
    while parser.peek():
        clause = parser.next().lower()
        while True:
            path = parser.next()
            if clause == "set":
                parser.expect("=")
                sets.append((path, parser.value()))
            elif clause == "remove":
                removes.append(path)
            elif clause == "add":
                adds.append((path, parser.operand()))
            else:
                raise InvalidError(f"syntax error at {clause} in {text!r}")
            if parser.peek() != ",":
                break
            parser.next()
    return tuple(sets), tuple(removes), tuple(adds)


def updated(text: str, scope: Scope) -> Item:
    """The item as an update leaves it; all values are those from before."""
    sets, removes, adds = _clauses(text)
    touched = [
        resolve(path, scope.names) for path in (*(p for p, _ in sets), *removes, *(p for p, _ in adds))
    ]
    _check_overlap(touched)
    changes: list[tuple[list[str], Typed | None]] = []
    for path, operand in sets:
        value = operand(scope)
        if value is None:
            raise InvalidError("an operand of the update is not there")
        changes.append((resolve(path, scope.names), value))
    for path, operand in adds:
        before = at(scope.item, resolve(path, scope.names)) or {"N": "0"}
        changes.append((resolve(path, scope.names), _sum(before, operand(scope), 1)))
    changes += [(resolve(path, scope.names), None) for path in removes]
    item = dict(scope.item)
    for steps, value in changes:
        _put(item, steps, value)
    return item


def _check_overlap(touched: list[list[str]]) -> None:
    for i, one in enumerate(touched):
        for other in touched[i + 1 :]:
            if one == other[: len(one)] or other == one[: len(other)]:
                raise InvalidError("Two document paths overlap with each other")


def _put(item: Item, path: list[str], value: Typed | None) -> None:
    for name in path[:-1]:
        inner = item.get(name)
        if inner is None or "M" not in inner:
            raise InvalidError("The document path provided in the update expression is invalid for update")
        item[name] = {"M": dict(inner["M"])}
        item = item[name]["M"]
    if value is None:
        item.pop(path[-1], None)
    else:
        item[path[-1]] = value


_PARTITION = re.compile(r"#(\w+) = (:\w+)(?: AND (.+))?", re.DOTALL)


@lru_cache(maxsize=1024)
def partition(text: str) -> tuple[str, str, Condition | None]:
    """A key condition as AWS wants it: which attribute equals which value, and what else is asked of the keys."""
    match = _PARTITION.fullmatch(text)
    if match is None:
        raise InvalidError("a query names its partition first")
    return match[1], match[2], condition(match[3]) if match[3] else None


_PLACEHOLDER = re.compile(r"[#:]\w+")


@lru_cache(maxsize=1024)
def placeholders(*texts: str | None) -> frozenset[str]:
    """The names and values that expressions refer to."""
    return frozenset(found for text in texts if text for found in _PLACEHOLDER.findall(text))
