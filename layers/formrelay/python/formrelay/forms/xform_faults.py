"""What its author is told of a form that pyxform trips over, where it names no fault itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from formrelay.forms.columns import is_misread, parse_type
from formrelay.forms.content import normalise
from formrelay.forms.sheet_rows import Row

Trip = Callable[[Mapping[str, Any]], Exception | None]
"""Compiles other content; the exception that pyxform trips over there, too, None when it does not."""

# The caller waits: seconds for questions tried by themselves, and rows of a form of which one takes no longer.
_PATIENCE: Final = 4.0
_MOST_ROWS: Final = 3_000
_NO_FORM: Final = "The form could not be compiled"


def told(content: Mapping[str, Any], error: Exception, trip: Trip) -> str:
    """The likely reason in words, with what stands where; ``content`` has the shape of form content."""
    for reasons in (_unlabelled(content, error), _misread(content), _unfiltered(content)):
        for reason in reasons:
            return reason
    what = f"{type(error).__name__}: {error}"
    name = _alone(content, error, trip)
    if name is not None:
        return f"{_NO_FORM}: {name} has a cell, or choices, that the compiler cannot read ({what})."
    return f"{_NO_FORM} ({what}). To find why, take out what was added last, and put it back piece by piece."


def _unlabelled(content: Mapping[str, Any], error: Exception) -> Iterator[str]:
    """Choices that or_other needs a label of, since it makes one of its own in the same languages."""
    if not (isinstance(error, KeyError) and error.args == ("label",)):
        return
    normal = normalise(content).content
    lists = {row.get("select_from_list_name"): row for row in normal["survey"] if row.get("_or_other")}
    for choice in normal["choices"]:
        question = lists.get(choice["list_name"])
        if question and not any(choice.get("label") or ()):
            yield (
                f"Choice `{choice.get('name') or choice.get('$autovalue')}` of the list `{choice['list_name']}` has"
                f" no label: every choice of a question with or_other (`{_name(question)}`) needs one when others"
                " have them in several languages."
            )


def _misread(content: Mapping[str, Any]) -> Iterator[str]:
    languages = [("survey", f"label::{name}") for name in content.get("translations") or () if name]
    cells = [
        (sheet, name) for sheet in ("survey", "choices") for row in content.get(sheet) or () for name in row
    ]
    columns = [f"`{name}`" for sheet, name in dict.fromkeys([*languages, *cells]) if is_misread(name, sheet)]
    if columns:
        yield f"{_NO_FORM}. Columns that nobody can read: {', '.join(columns)}."


def _unfiltered(content: Mapping[str, Any]) -> Iterator[str]:
    for row in content.get("survey") or ():
        if row.get("type") == "select_one_external" and "choice_filter" not in row:
            yield f"`{_name(row)}`: a select_one_external needs a choice_filter."


def _alone(content: Mapping[str, Any], error: Exception, trip: Trip) -> str | None:
    """The first question over which pyxform trips in the same way when it is all of the form; None if none is found."""
    if sum(len(content.get(sheet) or ()) for sheet in ("survey", "choices")) > _MOST_ROWS:
        return None
    ends = time.monotonic() + _PATIENCE
    for number, row in enumerate(content.get("survey") or (), 1):
        if time.monotonic() > ends:
            return None
        found = trip({**content, "survey": _by_itself(row)})
        if found and (type(found), str(found)) == (type(error), str(error)):
            return f"`{_name(row)}`" if _name(row) else f"row {number} of the survey"
    return None


def _by_itself(row: Row) -> list[Row]:
    """A question as a whole survey; a group with something in it."""
    kind = parse_type(str(row.get("type", ""))).type
    if not kind.startswith("begin_"):
        return [row]
    return [row, {"type": "note", "name": "n", "label": "n"}, {"type": kind.replace("begin", "end", 1)}]


def _name(row: Row) -> str:
    return str(row.get("name") or row.get("$autoname") or "")
