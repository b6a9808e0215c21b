"""Whatever is asked and answered, files can be read and have as many cells in every row as in the header."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import openpyxl
from hypothesis import given, settings
from hypothesis import strategies as st

from formrelay.exports.files import output
from formrelay.exports.options import checked, options
from tests.support.exports import LISTS, SETTINGS, Example, content, finished, planned, record

KINDS = (
    "text", "integer", "decimal", "date", "datetime", "select_one yn", "select_multiple fuel", "geopoint", "geotrace",
    "image", "note", "calculate", "select_one yn or_other", "begin_group", "end_group", "begin_repeat", "end_repeat",
)  # fmt: skip
TEXTS = st.text(max_size=20) | st.sampled_from(
    ["", "gas wood", "y", "1.5 2", "2026-01-01", "=1+1", "https://a.b/c", "7"]
)
ANSWERS = TEXTS | st.none() | st.integers() | st.lists(st.dictionaries(st.sampled_from("abc"), TEXTS))


@st.composite
def surveys(draw: st.DrawFn) -> list[dict[str, str]]:
    """Questions in groups and repeats that close."""
    rows: list[dict[str, str]] = []
    open_: list[str] = []
    for number, kind in enumerate(draw(st.lists(st.sampled_from(KINDS), max_size=12))):
        if kind.startswith("end"):
            if open_:
                rows.append({"type": f"end_{open_.pop()}"})
            continue
        if kind.startswith("begin"):
            open_.append(kind.removeprefix("begin_"))
        rows.append(
            {"type": kind, "name": f"q{number}", "label": draw(st.sampled_from(["", "Label", 'a "b"; <c>']))}
        )
    rows += [{"type": f"end_{kind}"} for kind in reversed(open_)]
    return _with_ids(rows, "k")


def _with_ids(rows: list[dict[str, str]], prefix: str) -> list[dict[str, str]]:
    """Rows that need no random identifiers."""
    return [{**row, "$kuid": f"{prefix}{number}"} for number, row in enumerate(rows)]


def answered(draw: st.DrawFn, survey: list[dict[str, Any]]) -> dict[str, Any]:
    """Some answers, right or not, at the paths of the questions; repeats get entries of the same."""
    found: dict[str, Any] = {}
    for row in survey:
        path = row.get("$xpath")
        if path and draw(st.booleans()):
            if row["type"] == "begin_repeat":
                entries = [{inner["$xpath"]: draw(TEXTS) for inner in survey if "$xpath" in inner}]
                found[path] = entries * draw(st.integers(0, 3))
            else:
                found[path] = draw(ANSWERS)
    return found


CHOICES = _with_ids(LISTS, "c")


@st.composite
def examples(draw: st.DrawFn) -> Example:
    versions = [(f"v{n}", content(draw(surveys()), CHOICES)) for n in range(draw(st.integers(1, 3)))]
    records = []
    for number in range(draw(st.integers(0, 4))):
        uid, made = draw(st.sampled_from(versions))
        records.append(record(number + 1, uid, **answered(draw, made["survey"])))
    return Example(draw(st.text(max_size=40)), versions, records)


WANTED = st.fixed_dictionaries(
    {
        "lang": st.sampled_from(["_default", "_xml"]),
        "hierarchy_in_labels": st.booleans(),
        "multiple_select": st.sampled_from(["both", "summary", "details"]),
        "fields_from_all_versions": st.booleans(),
        "include_media_url": st.booleans(),
        "xls_types_as_text": st.booleans(),
        "fields": st.lists(st.sampled_from([f"q{n}" for n in range(6)] + ["_index", "_id"])),
    }
)


def made(example: Example, kind: str, wanted: dict[str, Any], every: int) -> bytes:
    chosen = {**SETTINGS, **wanted, "type": kind}
    file = output(planned(example, **chosen), options(checked(chosen, [None])), example.name)
    data = finished(file, example.records, every)
    assert json.loads(json.dumps(file.state())) == file.state()
    return data


@settings(max_examples=60)
@given(examples(), WANTED, st.integers(1, 3))
def test_every_row_of_csv_has_all_columns(example: Example, wanted: dict[str, Any], every: int) -> None:
    text = made(example, "csv", wanted, every).decode()
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert len(rows) == 1 + len(example.records)


@settings(max_examples=60)
@given(examples(), WANTED, st.integers(1, 3))
def test_every_workbook_opens_and_its_indexes_fit(
    example: Example, wanted: dict[str, Any], every: int
) -> None:
    book = openpyxl.load_workbook(io.BytesIO(made(example, "xls", wanted, every)))
    assert book.worksheets[0].max_row == 1 + len(example.records)
    for sheet in book.worksheets[1:]:
        header, *rows = sheet.iter_rows(values_only=True)
        place = header.index("_index")
        assert [row[place] for row in rows] == list(range(1, len(rows) + 1))


@settings(max_examples=40)
@given(examples(), WANTED, st.booleans(), st.integers(1, 3))
def test_every_geojson_is_json(example: Example, wanted: dict[str, Any], flatten: bool, every: int) -> None:
    found = json.loads(made(example, "geojson", {**wanted, "flatten": flatten}, every))
    collections = [found] if flatten else found
    assert len(collections) == (1 if flatten else len(example.records))
    for collection in collections:
        assert all(feature["geometry"]["coordinates"] for feature in collection["features"])
