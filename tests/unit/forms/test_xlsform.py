from __future__ import annotations

from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import Workbook, load_workbook

from formrelay.forms import xlsform
from formrelay.forms.content import normalise
from formrelay.forms.sheet_rows import MAX_COLUMNS
from formrelay.forms.xlsform import MAX_FILE, SpreadsheetError, import_xlsform, read_sheets, write_xlsx
from tests.support.forms import DATA, household_xlsx


def _xlsx(**sheets: list[list[Any]]) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _survey(*names: str) -> bytes:
    return _xlsx(survey=[["type", "name", "label"], *[["text", name, "Q"] for name in names]])


def _error(data: bytes) -> str:
    with pytest.raises(SpreadsheetError) as error:
        import_xlsform(data, "form.xlsx")
    assert error.value.error_type == "ValueError"
    return str(error.value)


def test_cells_of_all_kinds_become_texts() -> None:
    data = _xlsx(
        Survey=[
            ["type", "name", "label", "default"],
            ["integer", "a", "  Age  ", 5.0],
            ["text", "b", True, 1.5],
        ]
    )
    assert read_sheets(data)["survey"] == [
        {"type": "integer", "name": "a", "label": "Age", "default": "5"},
        {"type": "text", "name": "b", "label": "TRUE", "default": "1.5"},
    ]


def test_the_first_row_holds_all_columns_in_order() -> None:
    data = _xlsx(
        survey=[["type", "name", "label::en", "label::fr"], ["text", "a", None, "A"], ["text", "b", "B"]]
    )
    content = normalise(import_xlsform(data).content).content
    assert content["translations"] == ["en", "fr"]


def test_blank_rows_columns_and_foreign_sheets_are_left_out() -> None:
    data = _xlsx(
        survey=[["type", None, "name"], [None, None, None], ["text", "x", "a"]], notes=[["a"], ["b"]]
    )
    assert read_sheets(data) == {"survey": [{"type": "text", "name": "a"}]}


def test_the_titles_come_from_the_form_before_the_file() -> None:
    form = import_xlsform(
        _xlsx(survey=[["type", "name"]], settings=[["form_title", "form_id"], ["T", "i"]]), "f.xlsx"
    )
    assert (form.title, form.content["settings"]) == ("T", {"form_title": "T", "id_string": "i"})
    form = import_xlsform(_survey("a"), "My form.v2.xlsx")
    assert (form.title, form.content["settings"]) == ("My form.v2", {"id_string": "My_form.v2"})


def test_a_library_sheet_stands_in_for_the_survey() -> None:
    form = import_xlsform(_xlsx(library=[["type", "name", "label"], ["text", "a", "A"]]))
    assert form.content["survey"] == [{"type": "text", "name": "a", "label": "A"}]
    assert "library" not in form.content


def test_a_legacy_xls_file_is_read() -> None:
    form = import_xlsform((DATA / "forms" / "legacy.xls").read_bytes(), "legacy.xls")
    content = normalise(form.content).content
    assert form.title == "Legacy form"
    assert [row["name"] for row in content["survey"]] == ["who", "age", "day", "ok"]
    assert (content["survey"][1]["default"], content["survey"][3]["label"]) == ("30", ["OK?"])
    assert [row["name"] for row in content["choices"]] == ["1", "0"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"PK\x03\x04broken",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        household_xlsx()[:3000],
    ],
)
def test_what_is_no_spreadsheet_is_refused(data: bytes) -> None:
    assert _error(data) == "Unsupported format, or corrupt file"


def test_a_zip_that_is_no_workbook_is_refused() -> None:
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "x")
    assert _error(out.getvalue()) == "Unsupported format, or corrupt file"


def test_a_workbook_with_an_entity_bomb_is_refused() -> None:
    bomb = b'<!DOCTYPE b [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><workbook>&b;</workbook>'
    out = BytesIO()
    with ZipFile(BytesIO(_survey("a"))) as source, ZipFile(out, "w") as archive:
        for item in source.infolist():
            archive.writestr(item, bomb if item.filename == "xl/workbook.xml" else source.read(item))
    assert _error(out.getvalue()) == "Unsupported format, or corrupt file"


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"\0" * 61_000_000)
    assert _error(out.getvalue()).startswith("The file is too large")


def test_a_large_file_is_refused_unread() -> None:
    assert _error(b"PK" + b"\0" * MAX_FILE).startswith("The file is too large")


def test_a_sheet_of_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsform, "MAX_QUESTIONS", 2)
    monkeypatch.setattr(xlsform, "MAX_ROWS", 3)
    choices = [["list_name", "name"], *[["l", "c"]] * 4]
    assert _error(_survey("a", "b", "c")) == "`survey` may have at most 2 rows."
    assert _error(_xlsx(library=[["type"], *[["text"]] * 3])) == "`library` may have at most 2 rows."
    assert _error(_xlsx(survey=[["type"]], choices=choices)) == "`choices` may have at most 3 rows."
    assert len(read_sheets(_xlsx(survey=[["type"]], choices=choices[:4]))["choices"]) == 3


def test_rows_behind_a_long_gap_belong_to_the_form() -> None:
    gap: list[list[Any]] = [[None]] * 500
    columns = ["type", "name", *[None] * 40, "label"]
    data = _xlsx(survey=[columns, ["text", "a"], *gap, ["text", "b", *[None] * 40, "B"]])
    assert read_sheets(data)["survey"] == [
        {"type": "text", "name": "a", "label": ""},
        {"type": "text", "name": "b", "label": "B"},
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [["Kind", "name"], ["text", "a"]],
            "`survey` has no column `type`: the first row must name the columns.",
        ),
        ([["text", "a"]], "`survey` has no column `type`: the first row must name the columns."),
        ([[None], ["type", "name"], ["text", "a"]], "`survey`: the first row must name the columns."),
    ],
    ids=["other columns", "no names", "a blank first row"],
)
def test_a_survey_without_names_of_columns_is_refused(rows: list[list[Any]], message: str) -> None:
    assert _error(_xlsx(survey=rows)) == message


def test_a_sheet_of_too_many_columns_is_refused_before_its_rows_are_read() -> None:
    sheet = [["type", *(f"c{number}" for number in range(MAX_COLUMNS))], ["text"]]
    assert _error(_xlsx(survey=sheet)) == f"A sheet may have at most {MAX_COLUMNS} columns."


def test_a_workbook_without_a_survey_is_refused() -> None:
    assert (
        _error(_xlsx(choices=[["list_name"], ["a"]]))
        == "xls upload must have one of these sheets: survey, library"
    )


def test_invalid_and_repeated_names_are_refused() -> None:
    assert _error(_survey("a b")) == "Invalid node name: a b"
    assert _error(_survey("a", "a")) == "Duplicate node name: a"


def test_one_name_in_two_groups_is_fine() -> None:
    rows = [["begin_group", "g", "G"], ["text", "a", "A"], ["end_group"], ["text", "a", "A"]]
    assert import_xlsform(_xlsx(survey=[["type", "name", "label"], *rows]))


def test_two_columns_of_one_name_are_refused() -> None:
    assert (
        _error(_xlsx(survey=[["type", "name", "name"], ["text", "a", "b"]]))
        == "Duplicate column header: name"
    )


def test_what_content_forbids_is_refused() -> None:
    data = _xlsx(
        survey=[["type", "name", "label::en"], ["text", "a", "A"]], settings=[["default_language"], ["fr"]]
    )
    assert "`fr` is specified as the default language" in _error(data)


def test_a_download_is_a_standard_xlsform() -> None:
    content = normalise(
        {
            "survey": [
                {"type": "select_one yn", "label::fr": "Oui ?"},
                {"type": "text", "name": "b", "label::en": "B", "label::fr": "B"},
            ],
            "choices": [{"list_name": "yn", "label::en": "Y"}],
            "settings": {"id_string": "hh", "default_language": "en"},
        }
    ).content
    book = load_workbook(BytesIO(write_xlsx(content, "Title")))
    assert {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets} == {
        "survey": [
            ("type", "name", "label::en", "label::fr"),
            ("select_one yn", "Oui", None, "Oui ?"),
            ("text", "b", "B", "B"),
        ],
        "choices": [("list_name", "name", "label::en"), ("yn", "Y", "Y")],
        "settings": [("form_title", "form_id", "default_language"), ("Title", "hh", "en")],
    }


def test_cells_that_look_like_formulas_are_literal_text() -> None:
    content = normalise(
        {"survey": [{"type": "text", "name": "a", "label": "=1+1", "hint": "a\x1fb"}]}
    ).content
    sheet = load_workbook(BytesIO(write_xlsx(content)))["survey"]
    cell = sheet["C2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_a_title_that_no_xml_can_hold_makes_a_file_that_can_be_read() -> None:
    data = write_xlsx(
        normalise({"survey": [{"type": "text", "label": "Q"}]}).content, "Wells\ufffe \x0b2026\uffff"
    )
    assert load_workbook(BytesIO(data))["settings"]["A2"].value == "Wells 2026"


def test_a_download_imports_as_the_same_form() -> None:
    first = import_xlsform(household_xlsx())
    content = normalise(first.content).content
    again = import_xlsform(write_xlsx(content, first.title))
    assert again == first
