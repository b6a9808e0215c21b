"""Evaluates the template's expressions: parameters, pseudo parameters, conditions, and what was deployed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from infra.local.config import ACCOUNT, REGION, STACK
from infra.local.template import TemplateError

PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::StackName": STACK,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": None,
}
_PLACEHOLDER = re.compile(r"\$\{(!?[\w:.]+)\}")


class Expressions:
    """Values of expressions of one document, with parameters set to ``parameters`` or else to their defaults.

    ``lookup(logical id, attribute or None)`` answers for resources; the default knows none.
    Raises TemplateError for what it cannot evaluate.
    """

    def __init__(
        self,
        document: Mapping[str, Any],
        parameters: Mapping[str, str],
        lookup: Callable[[str, str | None], str] | None = None,
    ) -> None:
        self._parameters = {
            name: parameters.get(name, definition.get("Default"))
            for name, definition in document.get("Parameters", {}).items()
        }
        self._conditions = document.get("Conditions", {})
        self._lookup = lookup

    def __call__(self, expression: Any) -> Any:
        """The value of an expression; plain values, lists and maps are walked through."""
        if isinstance(expression, list):
            return [self(item) for item in expression]
        if not isinstance(expression, dict):
            return expression
        if len(expression) == 1:
            (name, argument), *_ = expression.items()
            function = self._functions().get(name)
            if function is not None:
                return function(argument)
        return {key: self(value) for key, value in expression.items()}

    def _functions(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "Ref": self._ref,
            "Fn::GetAtt": lambda argument: self._attribute(argument[0], argument[1]),
            "Fn::Sub": self._sub,
            "Fn::If": lambda argument: self(argument[1] if self._condition(argument[0]) else argument[2]),
            "Fn::Split": lambda argument: str(self(argument[1])).split(argument[0]),
            "Fn::Join": lambda argument: str(argument[0]).join(map(str, self(argument[1]))),
        }

    def _ref(self, name: str) -> Any:
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self._parameters:
            return self._parameters[name]
        return self._attribute(name, None)

    def _attribute(self, name: str, attribute: str | None) -> str:
        if self._lookup is None:
            raise TemplateError(f"{name} is not known before the stack is deployed")
        return self._lookup(name, attribute)

    def _sub(self, argument: Any) -> str:
        text, extra = (argument[0], self(argument[1])) if isinstance(argument, list) else (argument, {})

        def replace(found: re.Match[str]) -> str:
            name = found[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in extra:
                return str(extra[name])
            resource, dot, attribute = name.partition(".")
            return str(self._attribute(resource, attribute) if dot else self._ref(name))

        return _PLACEHOLDER.sub(replace, text)

    def _condition(self, name: str) -> bool:
        if name not in self._conditions:
            raise TemplateError(f"condition {name} is not in the template")
        return self._holds(self._conditions[name])

    def _holds(self, expression: Any) -> bool:
        (name, argument), *_ = expression.items()
        if name == "Fn::Equals":
            left, right = self(argument)
            return bool(left == right)
        if name == "Fn::Not":
            return not self._holds(argument[0])
        if name == "Fn::And":
            return all(map(self._holds, argument))
        if name == "Fn::Or":
            return any(map(self._holds, argument))
        if name == "Condition":
            return self._condition(argument)
        raise TemplateError(f"{name} is not a condition that can be evaluated locally")
