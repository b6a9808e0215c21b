"""What a query may cost: depth, conditions, values, size of its regular expressions."""

from __future__ import annotations

from typing import Any, NamedTuple

# Objects and lists within each other, the query itself included.
MAX_DEPTH = 20
MAX_CONDITIONS = 500
# `$and`, `$or`, `$elemMatch` and the objects in them; more than one per condition is of no use.
MAX_CLAUSES = 2 * MAX_CONDITIONS
# Of one `$in`, `$nin` or `$all`; the whole query may hold several such lists.
MAX_LIST = 10_000
MAX_VALUES = 5 * MAX_LIST
MAX_REGEX_SIZE = 5_000

_SCALARS = (str, int, float, bool, type(None))


class QueryError(ValueError):
    """The query is none, is not supported, or costs too much; the caller's fault, 400 (contract data §3)."""


class Limits(NamedTuple):
    """What one query may hold: conditions, and states of its regular expressions together."""

    conditions: int = MAX_CONDITIONS
    regex_size: int = MAX_REGEX_SIZE


class Budget:
    """Counts what one query uses up. Each method raises QueryError at its bound."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._conditions = 0
        self._clauses = 0
        self._values = 0
        self._regex_size = 0

    @property
    def conditions(self) -> int:
        """Conditions so far."""
        return self._conditions

    def condition(self) -> None:
        """One more condition on a field."""
        self._conditions += 1
        if self._conditions > self._limits.conditions:
            raise QueryError(f"more than {self._limits.conditions} conditions")

    def clause(self, depth: int) -> None:
        """One more object of the query, so deep inside it."""
        self._clauses += 1
        if depth > MAX_DEPTH:
            raise QueryError("nested too deeply")
        if self._clauses > MAX_CLAUSES:
            raise QueryError(f"more than {MAX_CLAUSES} clauses")

    def regex(self, size: int) -> None:
        """One more regular expression of that many states."""
        self._regex_size += size
        if self._regex_size > self._limits.regex_size:
            raise QueryError("the regular expressions are too large together")

    def scalars(self, operand: Any, operator: str) -> list[Any]:
        """The operand as a list of text, numbers, booleans and nulls."""
        if not isinstance(operand, list):
            raise QueryError(f"{operator} needs a list")
        if len(operand) > MAX_LIST:
            raise QueryError(f"{operator} takes at most {MAX_LIST} values")
        self._spend(len(operand))
        if not all(isinstance(value, _SCALARS) for value in operand):
            raise QueryError(f"{operator} takes text, numbers, true, false and null")
        return operand

    def value(self, value: Any, depth: int) -> Any:
        """The value, known to be JSON within the bounds."""
        self._spend(1)
        if depth > MAX_DEPTH:
            raise QueryError("nested too deeply")
        if isinstance(value, dict):
            for key, inner in value.items():
                if not isinstance(key, str) or key.startswith("$"):
                    raise QueryError("operators cannot stand inside a value")
                self.value(inner, depth + 1)
        elif isinstance(value, list):
            for inner in value:
                self.value(inner, depth + 1)
        elif not isinstance(value, _SCALARS):
            raise QueryError("a value is text, a number, true, false, null, a list or an object")
        return value

    def _spend(self, values: int) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise QueryError(f"more than {MAX_VALUES} values")
