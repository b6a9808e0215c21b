"""Expressions of a form that no device can read: quotation marks and brackets that are not closed.

pyxform lets them pass, and Collect then refuses the whole form, in the field. Everything else that an expression may
be wrong in is left to devices: only what is certainly none is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from formrelay.forms.sheet_rows import Row

_COLUMNS: Final = (
    "relevant", "constraint", "calculation", "required", "read_only", "choice_filter", "repeat_count",
)  # fmt: skip
# pyxform makes straight ones of them (the marks that word processors put).
_MARKS: Final = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
_LITERAL: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_BRACKETS: Final = {")": "(", "]": "["}
_OFF: Final = frozenset({"yes", "true", "true()"})


def faults(survey: Iterable[Row], settings: Row) -> Iterator[str]:
    """What is wrong with the expressions of a form's questions and of its settings, in words."""
    if (fault := _fault(settings.get("instance_name"))) is not None:
        yield f"`instance_name` in the settings has {fault}."
    for row in survey:
        if str(row.get("disabled", "")).lower() in _OFF:
            continue
        for column in _COLUMNS:
            if (fault := _fault(row.get(column))) is not None:
                yield f"`{row.get('name') or row.get('$autoname')}`: its `{column}` has {fault}."


def _fault(expression: Any) -> str | None:
    if not isinstance(expression, str):
        return None
    rest = _LITERAL.sub("", expression.translate(_MARKS))
    if "'" in rest or '"' in rest:
        return "a quotation mark that is not closed"
    opened: list[str] = []
    for sign in rest:
        if sign in "([":
            opened.append(sign)
        elif sign in _BRACKETS and (not opened or opened.pop() != _BRACKETS[sign]):
            return f"a `{sign}` that closes nothing"
    return f"a `{opened[-1]}` that is not closed" if opened else None
