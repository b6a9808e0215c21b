"""Regular expressions in time proportional to the text, whatever the pattern.

``re`` backtracks: ``(a+)+$`` on 40 letters takes hours, and it knows no time limit. Here a pattern is read by
Python's own parser and becomes an automaton (Thompson 1968) that sees every character once; the sets of states
it was in are remembered, so a usual character costs one look-up. In return there are no look-arounds,
back-references, atomic groups or possessive repeats: they are refused. Single characters, classes and anchors
are left to ``re``, so case, ``\\w`` and ``$`` mean what they mean there (Unicode).
"""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from formrelay.query.allowance import spend
from formrelay.query.bounds import QueryError

MAX_PATTERN = 1_000
MAX_STATES = 1_000
MAX_NESTING = 50
# States times characters of one search. At the worst a million take about 0.3 s (measured).
MAX_WORK = 5_000_000
# Sets, their states and the ways between them, per state of the pattern: all patterns of a query hold at most
# about 50 MB.
_REMEMBERED = 100

# A private module, but the only parser there is for this syntax. Its trees are the same in 3.11 to 3.13; what
# is not known here is refused.
_parser: Any = importlib.import_module("re._parser")

_OPTIONS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}
_KEPT = re.IGNORECASE | re.MULTILINE | re.DOTALL | re.ASCII
_POSIX_CLASS = re.compile(r"\[[:.=]\^?\w+[:.=]\]")
_ANCHORS = {
    "AT_BEGINNING": "^",
    "AT_BEGINNING_STRING": r"\A",
    "AT_BOUNDARY": r"\b",
    "AT_NON_BOUNDARY": r"\B",
    "AT_END": "$",
    "AT_END_STRING": r"\Z",
}
_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}

_Nodes = Iterable[tuple[Any, Any]]


class Regex:
    """An unanchored pattern with Mongo's options ``i``, ``m``, ``s``, ``x``. Raises QueryError if it cannot be."""

    def __init__(self, pattern: str, options: str = "") -> None:
        tree = _parsed(pattern, options)
        build = _Build()
        first = build.sequence(tree, _Build.ACCEPT, re.RegexFlag(tree.state.flags) & _KEPT)
        self.size = len(build.states)
        self._automaton = _Automaton(build, first)
        self._max_text = MAX_WORK // self.size

    def search(self, text: str) -> bool:
        """Whether the pattern matches somewhere in the text. Raises QueryError when both are very long."""
        if len(text) > self._max_text:
            raise QueryError("the regular expression is too large for an answer that long")
        spend(len(text) * self.size)
        return self._automaton.accepts(text)


def _parsed(pattern: str, options: str) -> Any:
    if len(pattern) > MAX_PATTERN:
        raise QueryError(f"a regular expression has at most {MAX_PATTERN} characters")
    if _POSIX_CLASS.search(pattern):
        raise QueryError("POSIX classes are not supported in regular expressions")
    flags = re.NOFLAG
    for option in options:
        if option not in _OPTIONS:
            raise QueryError("the options of a regular expression are i, m, s and x")
        flags |= _OPTIONS[option]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of syntax that may change its meaning in a later Python
            return _parser.parse(pattern, flags)
    except (re.error, OverflowError, RecursionError, ValueError):
        raise QueryError("not a regular expression") from None


class _Build:
    """Makes the states of an automaton, from the end of the pattern to its start.

    A state is ``("char", test, next)``, ``("anchor", number, next)`` or ``("fork", next, next)``.
    """

    ACCEPT = 0

    def __init__(self) -> None:
        self.states: list[tuple[str, Any, int]] = [("accept", None, 0)]
        self.anchors: list[Callable[[str, int], Any]] = []
        self._numbers: dict[str, int] = {}
        self._steps = 0
        self._nesting = 0

    def sequence(self, nodes: _Nodes, then: int, flags: re.RegexFlag) -> int:
        """The state that starts these nodes of the parse tree and goes on to ``then``."""
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise QueryError("the regular expression is nested too deeply")
        for kind, argument in reversed(list(nodes)):
            then = self._node(str(kind), argument, then, flags)
        self._nesting -= 1
        return then

    def _node(self, kind: str, argument: Any, then: int, flags: re.RegexFlag) -> int:
        self._step()
        if kind in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            return self._add("char", _test(kind, argument, flags), then)
        if kind == "AT":
            return self._add("anchor", self._anchor(str(argument), flags), then)
        if kind == "SUBPATTERN":
            _, added, removed, nodes = argument
            return self.sequence(nodes, then, (flags | added) & ~re.RegexFlag(removed) & _KEPT)
        if kind == "BRANCH":
            starts = [self.sequence(nodes, then, flags) for nodes in argument[1]]
            return self._fork(starts)
        if kind in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, nodes = argument
            return self._repeat(least, most, nodes, then, flags)
        raise QueryError(
            "look-arounds, back-references and the like are not supported in regular expressions"
        )

    def _repeat(self, least: int, most: Any, nodes: _Nodes, then: int, flags: re.RegexFlag) -> int:
        end = then
        if most == _parser.MAXREPEAT:
            loop = self._add("fork", end, end)
            self.states[loop] = ("fork", self.sequence(nodes, loop, flags), end)
            then = loop
        else:
            for _ in range(most - least):
                self._step()
                then = self._fork([self.sequence(nodes, then, flags), end])
        for _ in range(least):
            self._step()
            then = self.sequence(nodes, then, flags)
        return then

    def _fork(self, starts: list[int]) -> int:
        first = starts.pop()
        while starts:
            first = self._add("fork", starts.pop(), first)
        return first

    def _anchor(self, name: str, flags: re.RegexFlag) -> int:
        source = f"(?m:{_ANCHORS[name]})" if flags & re.MULTILINE else _ANCHORS[name]
        if source not in self._numbers:
            self._numbers[source] = len(self.anchors)
            self.anchors.append(re.compile(source).match)
        return self._numbers[source]

    def _add(self, kind: str, argument: Any, then: int) -> int:
        self.states.append((kind, argument, then))
        return len(self.states) - 1

    def _step(self) -> None:
        """Bounds the work on repeats of nothing, too, which make no states."""
        self._steps += 1
        if self._steps > 2 * MAX_STATES or len(self.states) > MAX_STATES:
            raise QueryError("the regular expression is too large")


def _test(kind: str, argument: Any, flags: re.RegexFlag) -> Callable[[str], Any]:
    if kind == "LITERAL" and not flags & re.IGNORECASE:
        return chr(argument).__eq__
    return re.compile(_source(kind, argument), flags).match


def _source(kind: str, argument: Any) -> str:
    """The pattern of a node that matches one character."""
    if kind == "ANY":
        return "."
    if kind == "LITERAL":
        return _escaped(argument)
    if kind == "NOT_LITERAL":
        return f"[^{_escaped(argument)}]"
    return "[" + "".join(_member(str(kind), value) for kind, value in argument) + "]"


def _member(kind: str, value: Any) -> str:
    if kind == "NEGATE":
        return "^"
    if kind == "RANGE":
        return f"{_escaped(value[0])}-{_escaped(value[1])}"
    return _CATEGORIES[str(value)] if kind == "CATEGORY" else _escaped(value)


def _escaped(code: int) -> str:
    return f"\\U{code:08x}"


class _Place:
    """A set of states between two characters, with the ways out of it that were taken before."""

    __slots__ = ("moves", "states")

    def __init__(self, states: frozenset[int]) -> None:
        self.states = states
        self.moves: dict[Any, _Place] = {}


class _Automaton:
    def __init__(self, build: _Build, first: int) -> None:
        self._states = build.states
        self._anchors = build.anchors
        self._first = first
        self._accepted = _Place(frozenset())
        self._most = _REMEMBERED * len(build.states)
        self._forget()

    def accepts(self, text: str) -> bool:
        place = self._start
        holding = self._holding if self._anchors else None
        for position, char in enumerate(text):
            key = (char, holding(text, position)) if holding else char
            place = place.moves.get(key) or self._move(place, key, char, text, position)
            if place is self._accepted:
                return True
        return self._reached(place.states, text, len(text)) is None

    def _holding(self, text: str, position: int) -> int:
        """Which anchors hold there, as bits."""
        return sum(1 << bit for bit, anchor in enumerate(self._anchors) if anchor(text, position))

    def _move(self, place: _Place, key: Any, char: str, text: str, position: int) -> _Place:
        reached = self._reached(place.states, text, position)
        if reached is None:
            after = self._accepted
        else:
            after = self._place(frozenset(then for test, then in reached if test(char)) | {self._first})
        self._remembered += 1
        if self._remembered > self._most:
            self._forget()
        place.moves[key] = after
        return after

    def _place(self, states: frozenset[int]) -> _Place:
        place = self._places.get(states)
        if place is None:
            place = self._places[states] = _Place(states)
            self._remembered += len(states)
        return place

    def _reached(self, states: frozenset[int], text: str, position: int) -> list[tuple[Any, int]] | None:
        """The characters awaited there with what follows them; None when the pattern has matched."""
        seen = set(states)
        stack = list(states)
        awaited = []
        while stack:
            kind, argument, then = self._states[stack.pop()]
            if kind == "char":
                awaited.append((argument, then))
                continue
            if kind == "accept":
                return None
            following = (argument, then) if kind == "fork" else (then,)
            if kind == "anchor" and not self._anchors[argument](text, position):
                continue
            new = [state for state in following if state not in seen]
            seen.update(new)
            stack += new
        return awaited

    def _forget(self) -> None:
        self._remembered = 0
        self._places: dict[frozenset[int], _Place] = {}
        self._start = self._place(frozenset({self._first}))
