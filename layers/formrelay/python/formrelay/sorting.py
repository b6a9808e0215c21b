"""The ``sort`` of the data list (contract data §3): numbers by value, text by code point, missing first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from formrelay.query.paths import MISSING, getter
from formrelay.query.values import is_number

Key = Callable[[Mapping[str, Any]], Any]

# As many as Mongo takes.
MAX_KEYS = 32
# Keys held to find the first rows of an order, and the characters in them.
MAX_HELD = 100_000
MAX_TEXT = 50_000_000
_SLACK = 1_000


class SortError(ValueError):
    """The sort is no object of names with 1 or -1, or costs too much; the caller's fault, 400."""


def sort_key(sort: Any) -> Key:
    """A key function for records as the data API shows them, for ``sorted``, ``heapq`` and the like.

    ``sort`` is the parsed JSON, ``{"name": 1 | -1}``, the first name deciding first; ``{}`` is ``{"_id": 1}``.
    Missing and null come first, then numbers, then text, then everything else, all alike; -1 is the reverse.
    Ties go by ``_id``, ascending. Raises SortError.
    """
    terms = [_term(name, direction) for name, direction in _checked(sort).items()]
    return lambda record: (*[term(record) for term in terms], record["_id"])


def id_direction(sort: Any) -> int | None:
    """1 or -1 when the order is that of ``_id``, which no two records share, so that rows can stream;
    else None. Raises SortError.
    """
    checked = _checked(sort)
    first = next(iter(checked), "_id")
    return int(checked.get("_id", 1)) if first == "_id" else None


class Smallest:
    """The ``most`` smallest of many keys of :func:`sort_key`, while only so many are held.

    Raises SortError when ``most`` is beyond :data:`MAX_HELD`, or when their texts are.
    """

    def __init__(self, most: int) -> None:
        if most > MAX_HELD:
            raise SortError(f"only the first {MAX_HELD} rows can be read in another order than that of _id")
        self._most = most
        self._keys: list[Any] = []
        self._size = 0

    def add(self, key: Any) -> None:
        """One more key."""
        self._keys.append(key)
        self._size += _size(key)
        if len(self._keys) >= 2 * self._most + _SLACK or self._size > MAX_TEXT:
            self._cut()

    def sorted(self) -> list[Any]:
        """The smallest ones, in order."""
        self._cut()
        return self._keys

    def _cut(self) -> None:
        self._keys.sort()
        del self._keys[self._most :]
        self._size = sum(map(_size, self._keys))
        # Less than the bound, so that not every further key makes for another cut.
        if self._size > MAX_TEXT // 2:
            raise SortError("the texts are too long to sort so many rows by them")


def _size(key: Any) -> int:
    """Characters of text in a key."""
    ranks = (term.value if isinstance(term, _Descending) else term for term in key[:-1])
    return sum(len(value) for _, value in ranks if isinstance(value, str))


class _Descending:
    """Sorts before what its value sorts after."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: _Descending) -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and bool(self.value == other.value)

    __hash__ = None  # type: ignore[assignment]


def _checked(sort: Any) -> dict[str, Any]:
    if not isinstance(sort, dict) or len(sort) > MAX_KEYS:
        raise SortError(f"a sort is an object of at most {MAX_KEYS} names")
    for name, direction in sort.items():
        if not isinstance(name, str) or name.startswith("$"):
            raise SortError("a sort goes by names")
        if not is_number(direction) or direction not in (1, -1):
            raise SortError("the direction of a sort is 1 or -1")
    return sort


def _term(name: str, direction: float) -> Key:
    get = getter(name)
    if direction == 1:
        return lambda record: _rank(get(record))
    return lambda record: _Descending(_rank(get(record)))


def _rank(value: Any) -> tuple[int, Any]:
    if value is None or value is MISSING:
        return 0, 0
    if is_number(value):
        return 1, value
    return (2, value) if isinstance(value, str) else (3, 0)
