"""However a form changed from version to version: no answer is lost, and each stands in the column of its question."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import openpyxl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from formrelay.exports.xlsx_file import XlsxFile
from tests.support.exports import LISTS, Example, content, finished, planned, record

KINDS = ("text", "text", "text", "integer", "select_one yn", "select_multiple fuel", "geopoint", "note")
QUESTION = st.sampled_from([None, *KINDS])
AROUND = st.sampled_from([None, "group", "group", "repeat"])


@st.composite
def survey(draw: st.DrawFn, depth: int = 2) -> list[dict[str, Any]]:
    """Rows of a form: two questions, two groups or repeats with the same in them, and so on, of which any may be
    missing; in any order."""
    blocks: list[list[dict[str, Any]]] = []
    for name in ("a", "b"):
        if kind := draw(QUESTION):
            blocks.append([{"type": kind, "name": name}])
    for name in ("x", "y") if depth else ():
        if around := draw(AROUND):
            inside = draw(survey(depth - 1))
            blocks.append([{"type": f"begin_{around}", "name": name}, *inside, {"type": f"end_{around}"}])
    return [row for block in draw(st.permutations(blocks)) for row in block]


def filled(rows: Sequence[Mapping[str, Any]], sid: int) -> dict[str, Any]:
    """A record with an answer to every question of a version, each unlike all others; two entries of each repeat."""
    answers: dict[str, Any] = {}
    open_: list[tuple[Mapping[str, Any], list[dict[str, Any]]]] = [({}, [answers])]
    for row in rows:
        kind, entries = row["type"], open_[-1][1]
        if kind.startswith("end_"):
            open_.pop()
        elif kind == "begin_group":
            open_.append((row, entries))
        elif kind == "begin_repeat":
            inner: list[dict[str, Any]] = []
            for entry in entries:
                made: list[dict[str, Any]] = [{}, {}]
                entry[row["$xpath"]] = made
                inner += made
            open_.append((row, inner))
        else:
            for number, entry in enumerate(entries):
                entry[row["$xpath"]] = f"{sid}|{row['$xpath']}|{number}"
    return answers


def places(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Path of each question → its type, and the path of the repeat that it is in."""
    found, repeats = {}, [""]
    for row in rows:
        kind = row["type"]
        if kind == "begin_repeat":
            repeats.append(row["$xpath"])
        elif kind == "end_repeat":
            repeats.pop()
        elif not kind.endswith("_group"):
            found[row["$xpath"]] = kind, repeats[-1]
    return found


def answers(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Path and answer of all that were made by :func:`filled`."""
    for path, value in record.items():
        if isinstance(value, list):
            for entry in value:
                yield from answers(entry or {})
        elif _is_made(value):
            yield path, value


def shown(data: bytes) -> dict[str, list[tuple[str, int]]]:
    """Answer → header and id of the record, wherever it stands."""
    found: dict[str, list[tuple[str, int]]] = {}
    for sheet in openpyxl.load_workbook(io.BytesIO(data)):
        header, *rows = sheet.iter_rows(values_only=True)
        place = header.index("_id" if "_id" in header else "_submission__id")
        for row in rows:
            for name, value in zip(header, row, strict=True):
                # The parts of a point stand beside it.
                if _is_made(value) and not str(name).rpartition("/")[2].startswith("_"):
                    found.setdefault(str(value), []).append((str(name), int(str(row[place]))))
    return found


def _is_made(value: object) -> bool:
    return isinstance(value, str) and value.count("|") == 2


B = {"type": "text", "name": "b"}


def group(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "begin_group", "name": "x"}, *rows, {"type": "end_group"}]


@settings(max_examples=60)
@given(st.lists(survey(), min_size=1, max_size=3))
# The oldest has at both paths what the newest has at one of them only.
@example([group(B, *group(B)), [B], [B, *group(B)]])
def test_every_answer_is_shown_once_in_the_column_of_its_question(
    surveys: list[list[dict[str, Any]]],
) -> None:
    versions = [(f"v{n}", content(rows, LISTS)) for n, rows in enumerate(surveys)]
    records = [record(n + 1, uid, **filled(made["survey"], n + 1)) for n, (uid, made) in enumerate(versions)]
    example = Example("Changing", versions, records)
    plan = planned(example, lang="_xml", hierarchy_in_labels=True)
    found = shown(finished(XlsxFile(plan, example.name, as_text=True), records))
    newest = places(versions[0][1]["survey"])
    for n, (_, made) in enumerate(versions):
        own = places(made["survey"])
        for path, answer in answers(records[n]):
            if own[path][0] == "note":
                assert answer not in found
                continue
            ((header, sid),) = found[answer]
            assert (header.rpartition("/")[2], sid) == (path.rpartition("/")[2], n + 1)
            # The same path in the same section is the same question; a point stands under its name alone.
            if newest.get(path, ("", None))[1] == own[path][1] and newest[path][0] != "geopoint":
                assert header == path
