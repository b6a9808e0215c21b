"""JSON submissions → the instance XML that stands for them (contract submissions §8).

The XML is a function of the body alone, so the same body sent again is recognised as a duplicate.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NoReturn

from formrelay.openrosa import bounds
from formrelay.openrosa.errors import JsonSubmissionError, Outcome, UnsupportedCharactersError
from formrelay.openrosa.markup import attribute, text
from formrelay.xml_text import OUTSIDE_XML

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_VALUES = 100_000

_TOO_MANY = "The submission has too many values."

_Scalar = str | int | float | None
_Group = dict[str, Any]
"""Tag → text (None: unanswered), group, or list of groups for a repeat."""


def to_xml(body: bytes) -> tuple[str, bytes]:
    """Form id (empty when the body names none) and instance XML of a JSON submission.

    Raises JsonSubmissionError, or UnsupportedCharactersError for text that XML cannot hold.
    """
    message = _load(body)
    if "submission" not in message:
        raise JsonSubmissionError(Outcome.NO_SUBMISSION_KEY.value[1])
    submission = message["submission"]
    if not isinstance(submission, dict):
        raise JsonSubmissionError("The submission must be an object.")
    form_id = _attribute_value(message, "id")
    version = _attribute_value(message, "version")
    root = form_id if len(form_id) <= bounds.MAX_NAME and bounds.is_name(form_id) else "data"
    out = ["<?xml version='1.0' encoding='utf-8'?>\n<", root]
    out.extend(
        f" {name}={attribute(value)}" for name, value in (("id", form_id), ("version", version)) if value
    )
    out.append(">")
    _write_children(_Builder().group(submission, 1), out)
    out.append(f"</{root}>")
    xml = "".join(out)
    if OUTSIDE_XML.search(xml):
        raise UnsupportedCharactersError
    return form_id, xml.encode()


def _load(body: bytes) -> dict[str, Any]:
    # Counted before parsing: every value follows one of these.
    if len(body) > bounds.MAX_BYTES or sum(map(body.count, (b",", b"{", b"["))) > 2 * MAX_VALUES:
        raise JsonSubmissionError(_TOO_MANY)
    try:
        message = json.loads(body, parse_float=_finite, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise JsonSubmissionError(Outcome.MALFORMED_JSON.value[1]) from None
    if not isinstance(message, dict):
        raise JsonSubmissionError("The body must be an object.")
    return message


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        raise ValueError("beyond the range of numbers")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _attribute_value(message: dict[str, Any], key: str) -> str:
    value = message.get(key)
    if isinstance(value, dict | list):
        raise JsonSubmissionError(f"The {key} must be a string.")
    return _scalar(value) or ""


class _Builder:
    """Turns values into what goes into XML, with keys like ``a/b`` spread into groups; bounds their number."""

    def __init__(self) -> None:
        self._room = MAX_VALUES

    def group(self, fields: dict[str, Any], depth: int, path: str = "", *, repeated: bool = False) -> _Group:
        """The fields of a group; ``path`` is where it stands, with a slash at its end.

        In a row of a repeat, keys may be whole paths, as in records: ``"hh/member": [{"hh/member/name": "Ana"}]``.
        """
        group: _Group = {}
        for key, value in fields.items():
            relative = key.removeprefix(path) if repeated else key
            *groups, tag = relative.split("/")
            inner = depth + len(groups) + 1
            if inner > bounds.MAX_DEPTH:
                raise JsonSubmissionError("The submission is nested too deeply.")
            parent = group
            for name in groups:
                parent = self._subgroup(parent, name, key)
            self._put(parent, tag, self._value(value, inner, f"{path}{relative}/"), key)
        return group

    def _subgroup(self, parent: _Group, name: str, key: str) -> _Group:
        if parent.get(name) is None:
            self._put(parent, name, {}, key)
        child = parent[name]
        if not isinstance(child, dict):
            raise _twice(key)
        return child

    def _put(self, group: _Group, tag: str, value: Any, key: str) -> None:
        self._room -= 1
        if self._room < 0:
            raise JsonSubmissionError(_TOO_MANY)
        if len(tag) > bounds.MAX_NAME or not bounds.is_name(tag):
            raise JsonSubmissionError(f"{_shown(key)} is not a valid question name.")
        present = group.get(tag)
        if present is None:
            group[tag] = value
        elif isinstance(present, dict) and isinstance(value, dict):
            for name, inner in value.items():
                self._put(present, name, inner, key)
        elif value is not None:
            raise _twice(key)

    def _value(self, value: Any, depth: int, path: str) -> Any:
        if isinstance(value, dict):
            return self.group(value, depth, path)
        if not isinstance(value, list):
            return _scalar(value)
        if any(isinstance(item, dict) for item in value):
            if not all(isinstance(item, dict) for item in value):
                raise JsonSubmissionError("A list holds either objects or plain values, not both.")
            return [self.group(item, depth, path, repeated=True) for item in value]
        if any(isinstance(item, list) for item in value):
            raise JsonSubmissionError("A list cannot hold lists.")
        return _joined(map(_scalar, value))


def _joined(choices: Iterable[str | None]) -> str | None:
    return " ".join(choice for choice in choices if choice) or None


def _scalar(value: _Scalar) -> str | None:
    return None if value is None or value == "" else str(value)


def _shown(key: str) -> str:
    return json.dumps(key[:100])


def _twice(key: str) -> JsonSubmissionError:
    return JsonSubmissionError(f"{_shown(key)} is given twice.")


def _write_children(group: _Group, out: list[str]) -> None:
    for tag, value in group.items():
        for item in value if isinstance(value, list) else (value,):
            if not item:
                out.append(f"<{tag}/>")
            elif isinstance(item, str):
                out.append(f"<{tag}>{text(item)}</{tag}>")
            else:
                out.append(f"<{tag}>")
                _write_children(item, out)
                out.append(f"</{tag}>")
