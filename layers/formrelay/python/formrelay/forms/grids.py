"""Ratings, rankings and matrices of KoboToolbox's form builder, as the plain questions that they stand for.

Such groups have types of their own, which no form client knows. They are stored and shown as they came; what is
compiled, exported or filled in is the form with plain questions in their place, whose names and appearances are those
that KoboToolbox gives them:

- a rating (``begin_score``): a group of select_ones of one list under a header;
- a ranking (``begin_rank``): a group of select_ones of one list whose answers have to differ;
- a matrix (``begin_kobomatrix``): the same questions for each choice of a list, a group each, under a header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from formrelay.forms.columns import ALWAYS_TRANSLATED
from formrelay.forms.names import is_begin, is_end
from formrelay.forms.sheet_rows import ContentError, Row

# Of one matrix: choices multiply with columns.
MAX_CELLS: Final = 5_000

_TEXTS: Final = ALWAYS_TRANSLATED | {"guidance_hint"}
_END: Final[Row] = {"type": "end_group"}
# Of a matrix: how wide a column is unless it says so, and how texts of its header, its rows and its cells look.
_WIDTH: Final = re.compile(r"w(\d{1,2})")
_USUAL_WIDTH: Final = 2
_HEADER: Final = "**{}**"
_ROW: Final = "##### {}"
_HIDDEN: Final = '<span style="display:none">{}</span>'
_SELECTS: Final = frozenset({"select_one", "select_multiple"})


@dataclass(frozen=True)
class _Form:
    """What groups need of the form around them."""

    choices: list[Row]
    languages: int


def plain(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Content in normal form with plain questions only; itself where it has no others.

    Raises ContentError for a rating, ranking or matrix that lacks something.
    """
    survey = content.get("survey", [])
    if not any(row["type"] in _GROUPS for row in survey):
        return content
    form = _Form(content.get("choices", []), len(content.get("translations") or [None]))
    return {**content, "survey": list(_rows(survey, form))}


def _rows(survey: list[Row], form: _Form) -> Iterator[Row]:
    rows = iter(survey)
    for row in rows:
        group = _GROUPS.get(row["type"])
        if group is None:
            yield row
        else:
            yield from group(row, _inside(row, rows), form)


def _inside(begin: Row, rows: Iterator[Row]) -> list[Row]:
    """The rows up to the end of a group, which is read, too."""
    end = str(begin["type"]).replace("begin", "end", 1)
    inside: list[Row] = []
    for row in rows:
        if row["type"] == end:
            return inside
        if is_begin(row["type"]) or is_end(row["type"]):
            break
        inside.append(row)
    raise ContentError(f"`{_name(begin)}` needs an `{end}` after its questions, and no groups inside.")


def _rating(begin: Row, inside: list[Row], _: _Form) -> Iterator[Row]:
    select = {"type": "select_one", "select_from_list_name": _list_of(begin, "kobo--score-choices")}
    required = {"required": begin["required"]} if begin.get("required") else {}
    header = {**_texts(begin), **select, "name": f"{_name(begin)}_header", "appearance": "label"}
    yield _field_list(begin)
    yield _made(begin["$xpath"], header)
    for row in _only(inside, "score__row", begin):
        yield {**row, **select, "appearance": row.get("appearance") or "list-nolabel", **required}
    yield _END


def _ranking(begin: Row, inside: list[Row], _: _Form) -> Iterator[Row]:
    select = {"type": "select_one", "select_from_list_name": _list_of(begin, "kobo--rank-items")}
    message = begin.get("kobo--rank-constraint-message")
    yield _field_list(begin)
    yield _made(begin["$xpath"], {**_texts(begin), "type": "note", "name": f"{_name(begin)}_label"})
    before: list[str] = []
    for row in _only(inside, "rank__level", begin):
        level = _name(row)
        made = {**row, **select, "required": True, "appearance": row.get("appearance") or "minimal"}
        if before:
            made["constraint"] = " and ".join(f"${{{level}}} != ${{{other}}}" for other in before)
            if message:
                made["constraint_message"] = message
        yield made
        before.append(level)
    yield _END


def _matrix(begin: Row, inside: list[Row], form: _Form) -> Iterator[Row]:
    listed = _list_of(begin, "kobo--matrix_list")
    items = [choice for choice in form.choices if choice["list_name"] == listed]
    if not items:
        raise ContentError(f"The matrix `{_name(begin)}` needs choices of the list `{listed}`.")
    if len(items) * len(inside) > MAX_CELLS:
        raise ContentError(f"The matrix `{_name(begin)}` has more than {MAX_CELLS} cells.")
    header = f"{_name(begin)}_header"
    notes = [
        {"type": "note", "name": f"{header}_{_name(column)}", "label": _worded(column, _HEADER, form)}
        for column in inside
    ]
    yield from _line(begin, header, _worded(begin, _HEADER, form), inside, notes)
    for item in items:
        line = f"{_name(begin)}_{item['name']}"
        cells = [_cell(column, line, str(item["name"]), inside, form) for column in inside]
        yield from _line(begin, line, _worded(item, _ROW, form), inside, cells)


def _line(begin: Row, name: str, label: Any, columns: list[Row], cells: list[Row]) -> Iterator[Row]:
    """One line of a matrix: a group with its text, then a cell for each column."""
    widths = [_width(column) for column in columns]
    group = {"type": "begin_group", "name": name, "appearance": f"w{1 + sum(widths)}", **_relevant(begin)}
    yield _made(_above(begin), group)
    path = _path(_above(begin), name)
    yield _made(path, {"type": "note", "name": f"{name}_note", "appearance": "w1", "label": label})
    for cell, width in zip(cells, widths, strict=True):
        appearance = f"w{width} {cell.get('appearance', '')}".strip()
        yield _made(path, {**cell, "appearance": appearance})
    yield _END


def _cell(column: Row, line: str, item: str, columns: list[Row], form: _Form) -> Row:
    """A question of a matrix as one line asks it; what it says of other columns means those of its line."""
    names = {f"${{{_name(other)}}}": f"${{{line}_{_name(other)}}}" for other in columns}
    cells = {key: _renamed(value, names) for key, value in column.items() if not key.startswith("$")}
    return {
        **cells,
        "name": f"{line}_{_name(column)}",
        "label": _worded(column, _HIDDEN.replace("{}", f"{item}-{{}}"), form),
        "appearance": "horizontal-compact" if column["type"] in _SELECTS else "no-label",
    }


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for before, after in names.items():
            value = value.replace(before, after)
    return value


def _worded(row: Row, text: str, form: _Form) -> list[str | None]:
    """The row's label in each language, put into ``text``; its name where it has none."""
    labels = row.get("label") or [_name(row)] * form.languages
    return [None if label is None else text.replace("{}", label) for label in labels]


def _width(column: Row) -> int:
    found = _WIDTH.fullmatch(str(column.get("appearance", "")))
    return int(found[1]) if found else _USUAL_WIDTH


def _field_list(begin: Row) -> Row:
    group = {"type": "begin_group", "name": _name(begin), "appearance": "field-list", **_relevant(begin)}
    return _made(_above(begin), group)


def _relevant(begin: Row) -> Row:
    return {"relevant": begin["relevant"]} if "relevant" in begin else {}


def _made(above: str, cells: Row) -> Row:
    """A row in normal form, inside the group with that path."""
    return {**cells, "$autoname": cells["name"], "$xpath": _path(above, cells["name"])}


def _above(row: Row) -> str:
    return str(row["$xpath"]).rpartition("/")[0]


def _path(above: str, name: str) -> str:
    return f"{above}/{name}" if above else name


def _only(inside: list[Row], kind: str, begin: Row) -> list[Row]:
    if any(row["type"] != kind for row in inside):
        raise ContentError(f"`{_name(begin)}` can only have rows of type `{kind}`.")
    return inside


def _list_of(begin: Row, column: str) -> str:
    listed = begin.get(column)
    if not isinstance(listed, str) or not listed.strip():
        raise ContentError(f"`{_name(begin)}` needs the name of a list of choices in `{column}`.")
    return listed.strip()


def _texts(begin: Row) -> Row:
    return {key: value for key, value in begin.items() if key in _TEXTS}


def _name(row: Row) -> str:
    return str(row.get("name") or row["$autoname"])


_GROUPS: Final[dict[str, Callable[[Row, list[Row], _Form], Iterator[Row]]]] = {
    "begin_score": _rating,
    "begin_rank": _ranking,
    "begin_kobomatrix": _matrix,
}
