"""Workbooks as openpyxl reads them: golden examples and the rules of contract exports §3.4, §3.5, §3.8."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime
from typing import Any

import openpyxl
import pytest

from formrelay.exports import xlsx_sheets
from formrelay.exports.output import TooLargeError
from formrelay.exports.xlsx_file import XlsxFile
from tests.support.exports import (
    BOTH_PARENTS,
    G1,
    G2,
    Example,
    finished,
    parents,
    planned,
    reader,
    record,
    select,
)

Rows = list[tuple[Any, ...]]


def file(example: Example, **settings: Any) -> XlsxFile:
    as_text = settings.get("xls_types_as_text", True)
    return XlsxFile(planned(example, **settings), example.name, as_text=as_text)


def workbook(example: Example, every: int = 1_000, **settings: Any) -> openpyxl.Workbook:
    return opened(finished(file(example, **settings), example.records, every))


def opened(data: bytes) -> openpyxl.Workbook:
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    return openpyxl.load_workbook(io.BytesIO(data))


def rows(book: openpyxl.Workbook, sheet: str) -> Rows:
    return list(book[sheet].iter_rows(values_only=True))


def first(example: Example, **settings: Any) -> Rows:
    book = workbook(example, **settings)
    return rows(book, book.sheetnames[0])


def test_g1_types() -> None:
    header, tags, ann, bo = first(G1, lang="_xml", xls_types_as_text=False)
    assert header[:3] == ("name", "age", "own")
    assert [tag for tag in tags if tag] == ["#affected"]
    assert ann == (
        *('Ann "A" Li', 34, "y", "gas wood", 1, 1, "1.5 30.25 900 4.5", 1.5, 30.25, 900, 4.5, 1, "u1"),
        *(
            datetime(2026, 3, 1, 9, 30),
            "validation_status_approved",
            None,
            "submitted_via_web",
            None,
            "v1",
            None,
        ),
        *("uuid:u1", 1),
    )
    assert bo[:12] == ("Bo;b", *[None] * 10, 2)


def test_g1_types_as_text() -> None:
    ann = first(G1, lang="_xml")[2]
    assert ann[:11] == (
        'Ann "A" Li',
        "34",
        "y",
        "gas wood",
        "1",
        "1",
        "1.5 30.25 900 4.5",
        "1.5",
        "30.25",
        "900",
        "4.5",
    )
    assert (ann[11], ann[13], ann[-1]) == (1, "2026-03-01T09:30:00", 1)


@pytest.mark.parametrize("every", [1, 2, 1000])
def test_g2_nested_repeats(every: int) -> None:
    book = workbook(G2, every)
    assert book.sheetnames == ["HH_ survey_1", "member", "visit"]
    main = [(*row[:3], row[-1]) for row in rows(book, "HH_ survey_1")]
    assert main == [
        ("Household", "Remark", "_id", "_index"),
        ("A", "ok", 11, 1),
        ("B", None, 12, 2),
        ("C", None, 13, 3),
    ]
    members = rows(book, "member")
    assert members[0] == (
        *("Member name", "Member age", "_index", "_parent_table_name", "_parent_index", "_submission__id"),
        *("_submission__uuid", "_submission__submission_time", "_submission__validation_status"),
        *(
            "_submission__notes",
            "_submission__status",
            "_submission__submitted_by",
            "_submission___version__",
        ),
        *("_submission__tags", "_submission_meta/rootUuid"),
    )
    assert [row[:7] for row in members[1:]] == [
        ("x", "5", 1, "HH: survey/1", 1, 11, "u11"),
        ("y", None, 2, "HH: survey/1", 1, 11, "u11"),
        ("z", None, 3, "HH: survey/1", 3, 13, "u13"),
    ]
    assert [row[:5] for row in rows(book, "visit")] == [
        ("Visit date", "_index", "_parent_table_name", "_parent_index", "_submission__id"),
        ("2026-01-01", 1, "member", 1, 11),
        ("2026-01-02", 2, "member", 1, 11),
        ("2026-01-03", 3, "member", 3, 13),
    ]


def test_g2_hierarchy_in_headers_of_repeats() -> None:
    book = workbook(G2, hierarchy_in_labels=True)
    assert rows(book, "member")[0][:2] == ("Members/Member name", "Members/Grp/Member age")


def test_a_form_without_submissions_has_its_headers() -> None:
    book = workbook(G2._replace(records=[]))
    assert [len(rows(book, name)) for name in book.sheetnames] == [1, 1, 1]


def test_chosen_fields_keep_the_repeat_and_those_around_it() -> None:
    book = workbook(G2, fields=["member/visit/vd", "_id"])
    assert book.sheetnames == ["HH_ survey_1", "member", "visit"]
    assert rows(book, "HH_ survey_1")[1] == (11, "u11", "uuid:u11", 1)
    assert rows(book, "member")[1][:6] == (1, "HH: survey/1", 1, 11, "u11", None)
    assert rows(book, "visit")[1][:6] == ("2026-01-01", 1, "member", 1, 11, "u11")
    assert workbook(G2, fields=["hh"]).sheetnames == ["HH_ survey_1"]


def typed(kind: str, value: str, **settings: Any) -> Any:
    example = select([{"type": kind, "name": "q"}], [record(1, "v1", q=value)], LISTED)
    return first(example, xls_types_as_text=False, **settings)[1][0]


LISTED = [{"list_name": "l", "name": "a", "label": "01"}, {"list_name": "l", "name": "2", "label": "Two"}]


@pytest.mark.parametrize(
    ("kind", "value", "cell"),
    [
        ("integer", "34", 34),
        ("integer", "-7", -7),
        ("integer", "007", 7),
        ("integer", "34.0", 34),
        ("decimal", "1e3", 1000),
        ("decimal", "1_000", "1_000"),
        ("decimal", "nan", "nan"),
        ("decimal", "1e999", "1e999"),
        ("integer", "many", "many"),
        ("date", "2026-01-02", datetime(2026, 1, 2)),
        ("date", "0026-01-02", "0026-01-02"),
        ("date", "tomorrow", "tomorrow"),
        ("datetime", "2026-01-02T08:00:00.500+02:00", datetime(2026, 1, 2, 8, 0, 0, 500_000)),
        ("datetime", "2026-01-02", datetime(2026, 1, 2)),
        ("datetime", "soon", "soon"),
        ("time", "08:00", "08:00"),
        ("text", "007", "007"),
        ("calculate", "12", "12"),
        ("barcode", "12", "12"),
        ("select_one l", "a", 1),
        ("select_one l", "2", "Two"),
        ("select_one l", "3", 3),
        ("select_multiple l", "a", 1),
        ("select_multiple l", "a 2", "01 Two"),
    ],
)
def test_what_becomes_of_a_value(kind: str, value: str, cell: Any) -> None:
    assert typed(kind, value) == cell


def text_cell(value: str) -> Any:
    example = select([{"type": "text", "name": "q"}], [record(1, "v1", q=value)])
    book = workbook(example)
    return book[book.sheetnames[0]]["A2"]


@pytest.mark.parametrize(
    "value",
    [
        "=1+1",
        "+1",
        "@x",
        "<a & b>",
        " padded ",
        "two\nlines",
        "ünï • ‏مرحبا",
        "a | b",
        "x" * 32_767,
        "\U0001f600" * 16_383,
    ],
)
def test_texts_arrive_as_they_are(value: str) -> None:
    cell = text_cell(value)
    assert cell.value == value
    assert cell.data_type == "s"


def test_what_xml_cannot_hold_is_left_out() -> None:
    assert text_cell("a\x01b\ud800c\ufffed").value == "abcd"


@pytest.mark.parametrize("value", ["x" * 32_768, "\U0001f600" * 16_384])
def test_texts_too_long_for_a_cell_are_cut_under_a_warning(value: str) -> None:
    example = select([{"type": "text", "name": "q"}], [record(1, "v1", q=value)])
    made = file(example)
    cell = opened(finished(made, example.records)).worksheets[0]["A2"].value
    assert isinstance(cell, str)
    assert cell.startswith("<WARNING: Truncated to Excel limit of 32767 characters!>" + value[:10])
    assert len(cell.encode("utf-16-le")) // 2 <= 32_767
    assert made.notes() == ["1 rows have texts that were cut to what a cell can hold."]


def test_urls_are_links() -> None:
    url = "https://kf.example.org/a?x=1&y=<>"
    assert text_cell(url).hyperlink is None
    cell = text_cell(url[:-2])
    assert cell.value == url[:-2]
    assert cell.hyperlink.target == url[:-2]
    assert text_cell("see https://kf.example.org").hyperlink is None


@pytest.mark.parametrize(
    "value", ["http://", "http://:80/", "https://a.b/%zz", "https://a.b:c", "https://a b"]
)
def test_what_is_no_url_is_text(value: str) -> None:
    cell = text_cell(value)
    assert (cell.value, cell.hyperlink) == (value, None)


def test_links_beyond_what_a_sheet_takes_are_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_sheets, "MAX_LINKS", 2)
    urls = [f"https://kf.example.org/{n}" for n in range(4)]
    example = select([{"type": "text", "name": "q"}], [record(1, "v1", q=url) for url in urls])
    sheet = workbook(example, every=1).worksheets[0]
    cells = [sheet.cell(row, 1) for row in range(2, 6)]
    assert [cell.value for cell in cells] == urls
    assert [bool(cell.hyperlink) for cell in cells] == [True, True, False, False]


@pytest.mark.parametrize(
    ("project", "sheet"),
    [
        ("'A'[b]*c?:/\\", "_A'_b__c____"),
        ("x" * 31, "x" * 31),
        ("x" * 32, "x" * 28 + "..."),
        ("", "_"),
        ("History", "History... (1)"),
        ("MEMBER", "MEMBER"),
    ],
)
def test_names_of_sheets(project: str, sheet: str) -> None:
    book = workbook(G2._replace(name=project))
    assert book.sheetnames[0] == sheet
    assert book.sheetnames[1] == ("member... (1)" if project == "MEMBER" else "member")


def test_repeats_of_one_name_have_a_sheet_each() -> None:
    def group(name: str) -> list[dict[str, str]]:
        return [
            {"type": "begin_group", "name": name},
            {"type": "begin_repeat", "name": "item"},
            {"type": "text", "name": "t"},
            {"type": "end_repeat"},
            {"type": "end_group"},
        ]

    answers = {"a/item": [{"a/item/t": "x"}], "b/item": [{"b/item/t": "y"}, {"b/item/t": "z"}]}
    book = workbook(select([*group("a"), *group("b")], [record(1, "v1", **answers)]))
    assert book.sheetnames == ["Households", "item", "item... (1)"]
    assert [row[0] for row in rows(book, "item... (1)")] == ["t", "y", "z"]


@pytest.mark.parametrize("newest", [["father"], ["father", "mother"]])
def test_repeats_of_one_name_are_told_apart_by_their_paths_in_every_version(newest: list[str]) -> None:
    versions = [("v2", parents(*newest)), ("v1", parents("mother", "father"))]
    book = workbook(Example("Parents", versions, [BOTH_PARENTS]))
    assert [[row[0] for row in rows(book, sheet)] for sheet in book.sheetnames[1:]] == [
        ["Age", "7"],
        ["Age", "3"],
    ]


@pytest.mark.parametrize("every", [1, 1000])
def test_a_full_sheet_goes_on_in_another_one(monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    monkeypatch.setattr(xlsx_sheets, "MAX_ROWS", 3)
    example = select([{"type": "text", "name": "q"}], [record(n, "v1", q=f"a{n}") for n in range(1, 6)])
    made = file(example)
    book = opened(finished(made, example.records, every))
    assert book.sheetnames == ["Households", "Households... (1)", "Households... (2)"]
    shown = [[(row[0], row[-1]) for row in rows(book, name)] for name in book.sheetnames]
    assert shown == [
        [("q", "_index"), ("a1", 1), ("a2", 2)],
        [("q", "_index"), ("a3", 3), ("a4", 4)],
        [("q", "_index"), ("a5", 5)],
    ]
    assert made.notes() == ["Rows beyond what a sheet can hold stand on further sheets."]


def test_columns_beyond_what_a_sheet_can_have_are_left_out_with_a_note() -> None:
    choices = [{"list_name": "l", "name": f"c{n}"} for n in range(16_390)]
    example = select([{"type": "select_multiple l", "name": "q"}], [record(1, "v1", q="c0")], choices)
    made = file(example)
    sheet = opened(finished(made, example.records)).worksheets[0]
    assert sheet.max_column == 16_384
    assert made.notes() == ["18 columns beyond the 16384 that a sheet can have were left out."]


def test_another_process_can_go_on_after_every_segment() -> None:
    photo = {"type": "text", "name": "q"}
    example = select(
        [photo, {"type": "begin_repeat", "name": "r"}, {"type": "text", "name": "t"}, {"type": "end_repeat"}],
        [record(n, "v1", q=f"https://kf.example.org/{n}", r=[{"r/t": f"t{n}"}] * n) for n in range(1, 7)],
    )
    at_once = finished(file(example), example.records, every=1)
    segments, state = [], None
    for row in example.records:
        made = XlsxFile(planned(example), example.name, as_text=True, state=state)
        made.add(row)
        segments.append(made.cut())
        state = json.loads(json.dumps(made.state()))
    made = XlsxFile(planned(example), example.name, as_text=True, state=state)
    assert b"".join(made.finish(reader(segments))) == at_once
    book = opened(at_once)
    assert [row[:4] for row in rows(book, "r")][-1] == ("t6", 21, "Households", 6)


def test_what_does_not_fit_into_one_archive_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("formrelay.exports.xlsx_file._MAX_PACKED", 100)
    made = file(G1)
    made.add(G1.records[0])
    with pytest.raises(TooLargeError, match="use CSV"):
        made.cut()


def test_answers_that_are_no_texts_do_no_harm() -> None:
    example = select(
        [{"type": "text", "name": "t"}, {"type": "begin_repeat", "name": "r"}, {"type": "end_repeat"}],
        [record(1, "v1", t={"a": 1}, r="x"), record(2, "v1", t=5, r=["y"]), record(3, None, t=None)],
    )
    book = workbook(example)
    assert [row[0] for row in rows(book, "Households")] == ["t", None, "5", None]
