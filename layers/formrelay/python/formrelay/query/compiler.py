"""From the JSON of a query to one predicate on records (contract data §3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from formrelay.query import pushdown, values
from formrelay.query.allowance import spend
from formrelay.query.bounds import Budget, Limits, QueryError
from formrelay.query.paths import getter
from formrelay.query.regex import Regex
from formrelay.query.values import Test

Predicate = Callable[[Mapping[str, Any]], bool]

_T = TypeVar("_T")

_LOGIC = ("$and", "$or")


class Query(NamedTuple):
    """A compiled query. Ranges are inclusive, ``None`` is open, a low bound above the high one matches nothing."""

    predicate: Predicate
    is_empty: bool
    """Whether it has no condition, and so matches everything."""
    id_range: tuple[int | None, int | None]
    """Bounds that every match's ``_id`` is within."""
    time_range: tuple[int | None, int | None]
    """Bounds that every match's time is within, in milliseconds since 1970, going by its ``_submission_time``."""

    def matches(self, record: Mapping[str, Any]) -> bool:
        """Whether a record as the data API shows it (contract submissions §6) meets the query.

        Raises QueryError when an answer is too long for a regular expression of the query.
        """
        return self.predicate(record)


def compile_query(value: Any, limits: Limits | None = None) -> Query:
    """The query in parsed JSON. Raises QueryError for what is none, is not supported, or costs too much."""
    compiler = _Compiler(limits or Limits())
    predicate = compiler.query(value, 1)
    return Query(
        predicate=predicate,
        is_empty=compiler.budget.conditions == 0,
        id_range=pushdown.id_range(value),
        time_range=pushdown.time_range(value),
    )


class _Compiler:
    """Makes the closures of one query; ``depth`` counts the objects and lists around a part."""

    def __init__(self, limits: Limits) -> None:
        self.budget = Budget(limits)

    def query(self, value: Any, depth: int) -> Predicate:
        """All conditions of an object with names and ``$and``, ``$or`` as keys."""
        self.budget.clause(depth)
        if not isinstance(value, dict):
            raise QueryError("a query is an object")
        parts: list[Predicate] = []
        for key, operand in value.items():
            if not isinstance(key, str):
                raise QueryError("names are text")
            if key in _LOGIC:
                parts.append(self._logic(key, operand, depth + 1))
            elif key.startswith("$"):
                raise _unsupported(key)
            else:
                parts.append(self._field(key, operand, depth + 1))
        return _all_of(parts)

    def _logic(self, operator: str, clauses: Any, depth: int) -> Predicate:
        if not isinstance(clauses, list) or not clauses:
            raise QueryError(f"{operator} needs a list of queries")
        parts = [self.query(clause, depth + 1) for clause in clauses]
        return _all_of(parts) if operator == "$and" else _any_of(parts)

    def _field(self, path: str, operand: Any, depth: int) -> Predicate:
        if path == "_id":
            operand = pushdown.cast_id(operand)
        test, get = self._condition(operand, depth), getter(path)
        return lambda record: test(get(record))

    def _condition(self, operand: Any, depth: int) -> Test:
        if _has_operators(operand):
            return self._operators(operand, depth)
        self.budget.condition()
        return values.equals(self.budget.value(operand, depth))

    def _operators(self, operand: Any, depth: int) -> Test:
        self.budget.clause(depth)
        if not isinstance(operand, dict) or not operand:
            raise QueryError("operators stand in an object")
        tests = []
        for operator, inner in operand.items():
            if operator == "$options" and "$regex" in operand:
                continue
            self.budget.condition()
            if operator == "$regex":
                tests.append(self._regex(inner, operand.get("$options", "")))
            elif operator in _NESTED:
                tests.append(_NESTED[operator](self, inner, depth + 1))
            else:
                tests.append(self._simple(operator, inner, depth + 1))
        return _all_of(tests)

    def _simple(self, operator: Any, operand: Any, depth: int) -> Test:
        if operator in values.RANGES:
            return values.in_range(operator, operand)
        if operator == "$exists":
            return values.exists(operand)
        if operator == "$ne":
            return values.negated(values.equals(self.budget.value(operand, depth)))
        if operator in ("$in", "$nin"):
            test = values.is_in(self.budget.scalars(operand, operator))
            return test if operator == "$in" else values.negated(test)
        if operator == "$all":
            return values.has_all(self.budget.scalars(operand, operator))
        raise _unsupported(operator)

    def _regex(self, pattern: Any, options: Any) -> Test:
        if not isinstance(pattern, str) or not isinstance(options, str):
            raise QueryError("$regex and $options are text")
        regex = Regex(pattern, options)
        self.budget.regex(regex.size)
        search = regex.search
        return values.any_element(lambda value: isinstance(value, str) and search(value))

    def _not(self, operand: Any, depth: int) -> Test:
        return values.negated(self._operators(operand, depth))

    def _element_match(self, operand: Any, depth: int) -> Test:
        """Some instance of a repeat meets a query, or some element of another list the operators."""
        before = self.budget.conditions
        is_test = _has_operators(operand) and not any(operator in operand for operator in _LOGIC)
        test = self._operators(operand, depth) if is_test else self._of_instance(operand, depth)
        conditions = self.budget.conditions - before

        def match(value: Any) -> bool:
            if not isinstance(value, list):
                return False
            spend(len(value) * conditions)
            return any(map(test, value))

        return match

    def _of_instance(self, operand: Any, depth: int) -> Test:
        meets = self.query(operand, depth)
        return lambda element: isinstance(element, dict) and meets(element)


_NESTED: dict[str, Callable[[_Compiler, Any, int], Test]] = {
    "$not": _Compiler._not,
    "$elemMatch": _Compiler._element_match,
}


def _has_operators(operand: Any) -> bool:
    return isinstance(operand, dict) and any(isinstance(key, str) and key.startswith("$") for key in operand)


def _unsupported(operator: Any) -> QueryError:
    return QueryError(f"unsupported operator {str(operator)[:20]}")


def _all_of(tests: list[Callable[[_T], bool]]) -> Callable[[_T], bool]:
    if len(tests) == 1:
        return tests[0]
    return lambda value: all(test(value) for test in tests)


def _any_of(tests: list[Predicate]) -> Predicate:
    return lambda record: any(test(record) for test in tests)
