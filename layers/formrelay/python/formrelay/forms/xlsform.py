"""Spreadsheets ↔ sheets of rows (contract assets §8, §9). Heavy: only the compile function imports it.

Reading is bounded before anything is unpacked; cell values become the texts that pyxform would make of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from itertools import islice
from typing import Any, Final, NamedTuple
from zipfile import BadZipFile, ZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from pyxform.errors import PyXFormError
from pyxform.parsing.expression import is_xml_tag
from pyxform.xls2json_backends import xls_value_to_unicode, xlsx_value_to_str
from xlrd import open_workbook
from xlrd.biffh import XLRDError

from formrelay.forms.columns import parse_header
from formrelay.forms.content import EXTRA_SHEETS, ContentError, normalise
from formrelay.forms.sheet_rows import MAX_COLUMNS, MAX_QUESTIONS, MAX_ROWS
from formrelay.forms.sheets import flatten, headers
from formrelay.xml_text import OUTSIDE_XML

MAX_FILE: Final = 10_000_000
MAX_UNPACKED: Final = 60_000_000
MAX_PARTS: Final = 2_000

_SHEETS: Final = frozenset({"survey", "library", "choices", "settings", *EXTRA_SHEETS})
_QUESTIONS: Final = frozenset({"survey", "library"})
_UNREADABLE: Final = "Unsupported format, or corrupt file"
_NO_HEADER: Final = "the first row must name the columns."
_MAX_GAP: Final = 10_000
# Rows and columns in which a sheet without names of columns is searched for anything else.
_LOOKED_AT: Final = 100
_ZIP: Final = b"PK"
_OLE: Final = b"\xd0\xcf\x11\xe0"
_NOT_ID: Final = re.compile(r"[^A-Za-z0-9_.-]+")

Sheets = dict[str, list[dict[str, str]]]
Cells = Iterable[tuple[Any, ...]]


class SpreadsheetError(ValueError):
    """The upload is no usable XLSForm; ``error_type`` is what import tasks name (contract assets §9)."""

    error_type = "ValueError"


class Imported(NamedTuple):
    """Sheets of an upload as raw content, and its title: the form's own, else made of the file name."""

    content: dict[str, Any]
    title: str


def import_xlsform(data: bytes, file_name: str = "") -> Imported:
    """Read an uploaded ``.xlsx`` or ``.xls`` file.

    Raises SpreadsheetError with the texts of contract assets §9 when it is no spreadsheet, too large, without a
    survey, or has question names that are invalid or used twice in one group.
    """
    sheets = read_sheets(data)
    library = sheets.pop("library", None)
    if "survey" not in sheets:
        if library is None:
            raise SpreadsheetError("xls upload must have one of these sheets: survey, library")
        sheets["survey"] = library
    content: dict[str, Any] = {**sheets, "settings": _settings(sheets.get("settings", []))}
    stem = file_name.rpartition(".")[0] or file_name
    if stem and "id_string" not in content["settings"]:
        content["settings"]["id_string"] = _NOT_ID.sub("_", stem)
    try:
        normal = normalise(content)
    except ContentError as error:
        raise SpreadsheetError(str(error)) from error
    _check_names(normal.content["survey"])
    return Imported(content, normal.title or stem)


def read_sheets(data: bytes) -> Sheets:
    """The XLSForm sheets of a spreadsheet, names in lower case, cells as text; other sheets are left out.

    The first row of each sheet holds all of its columns, so that their order is known. Raises SpreadsheetError.
    """
    if len(data) > MAX_FILE:
        raise SpreadsheetError(f"The file is too large: at most {MAX_FILE} bytes.")
    try:
        if data.startswith(_ZIP):
            return _read_xlsx(data)
        if data.startswith(_OLE):
            return _read_xls(data)
    except SpreadsheetError:
        raise
    except PyXFormError as error:
        raise SpreadsheetError(str(error)) from error
    except Exception as error:  # the readers raise anything from KeyError to XML errors on broken files
        raise SpreadsheetError(_UNREADABLE) from error
    raise SpreadsheetError(_UNREADABLE)


def write_xlsx(content: Mapping[str, Any], title: str | None = None) -> bytes:
    """Content in normal form as an ``.xlsx`` XLSForm; every cell is literal text, never a formula."""
    sheets = flatten(content)
    settings = {
        ("form_id" if name == "id_string" else name): text for name, text in sheets["settings"].items()
    }
    if title:
        settings = {"form_title": title, **settings}
    sheets["settings"] = [settings]
    book = Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        columns = headers(rows, content["translations"])
        sheet.append([_literal(sheet, column) for column in columns])
        for row in rows:
            sheet.append([_literal(sheet, row.get(column)) for column in columns])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _read_xlsx(data: bytes) -> Sheets:
    _refuse_bomb(data)
    book = load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)

    def text(cell: Any) -> str:
        return xlsx_value_to_str(_stripped(cell.value))

    def rows(name: str, sheet: Any) -> list[dict[str, str]]:
        header = next(sheet.iter_rows(max_row=1), ())
        return _rows(name, header, lambda width: sheet.iter_rows(min_row=2, max_col=width), text)

    try:
        return {name: rows(name, book[title]) for name, title in _wanted(book.sheetnames)}
    finally:
        book.close()


def _refuse_bomb(data: bytes) -> None:
    """Sizes in the directory bind the unpacker: it never yields more than they say."""
    try:
        with ZipFile(BytesIO(data)) as archive:
            parts = archive.infolist()
    except BadZipFile as error:
        raise SpreadsheetError(_UNREADABLE) from error
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise SpreadsheetError(f"The file is too large: at most {MAX_UNPACKED} bytes when unpacked.")


def _read_xls(data: bytes) -> Sheets:
    try:
        book = open_workbook(file_contents=data, on_demand=True)  # type: ignore[no-untyped-call]
    except XLRDError as error:
        raise SpreadsheetError(_UNREADABLE) from error

    def text(cell: Any) -> str:
        return xls_value_to_unicode(_stripped(cell.value), cell.ctype, book.datemode)

    def rows(name: str, sheet: Any) -> list[dict[str, str]]:
        lines = sheet.get_rows()
        return _rows(name, next(lines, ()), lambda width: (tuple(line[:width]) for line in lines), text)

    try:
        return {name: rows(name, book.sheet_by_name(title)) for name, title in _wanted(book.sheet_names())}
    finally:
        book.release_resources()


def _wanted(titles: Iterable[str]) -> Iterator[tuple[str, str]]:
    for title in titles:
        name = title.strip().lower()
        if name in _SHEETS:
            yield name, title


def _rows(
    name: str, header: Iterable[Any], lines: Callable[[int], Cells], text: Callable[[Any], str]
) -> list[dict[str, str]]:
    """Rows under the columns of ``header``, blank ones left out; ``lines`` yields cells up to a width.

    What stands behind hundreds of blank rows belongs to the form, too; sheets that are a million of them end there.
    """
    columns = _columns(name, header)
    if not columns and any(
        _is_filled(cell) for line in islice(lines(_LOOKED_AT), _LOOKED_AT) for cell in line
    ):
        raise SpreadsheetError(f"`{name}`: {_NO_HEADER}")
    most = MAX_QUESTIONS if name in _QUESTIONS else MAX_ROWS
    rows: list[dict[str, str]] = []
    gap = 0
    for line in lines(len(columns)) if columns else ():
        cells = zip(columns, line, strict=False)
        row = {column: text(cell) for column, cell in cells if column and _is_filled(cell)}
        gap = 0 if row else gap + 1
        if gap > _MAX_GAP:
            break
        if row:
            rows.append(row)
        if len(rows) > most:
            raise SpreadsheetError(f"`{name}` may have at most {most} rows.")
    if rows:
        rows[0] = {column: rows[0].get(column, "") for column in columns if column}
    return rows


def _columns(name: str, header: Iterable[Any]) -> list[str]:
    """The names in the first row up to the last one; empty where there is none."""
    columns = [" ".join(xlsx_value_to_str(cell.value).split()) if _is_filled(cell) else "" for cell in header]
    while columns and not columns[-1]:
        columns.pop()
    if len(columns) > MAX_COLUMNS:  # before so many cells are read of each row
        raise SpreadsheetError(f"A sheet may have at most {MAX_COLUMNS} columns.")
    named = [column for column in columns if column]
    for number, column in enumerate(named):
        if column in named[:number]:
            raise SpreadsheetError(f"Duplicate column header: {column}")
    if (
        named
        and name in _QUESTIONS
        and not any(parse_header(column, "survey").name == "type" for column in named)
    ):
        raise SpreadsheetError(f"`{name}` has no column `type`: {_NO_HEADER}")
    return columns


def _is_filled(cell: Any) -> bool:
    return _stripped(cell.value) not in (None, "")


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _settings(rows: list[dict[str, str]]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for header, text in rows[0].items() if rows else ():
        if text:
            settings.setdefault(parse_header(header, "settings").name, text)
    return settings


def _check_names(survey: list[dict[str, Any]]) -> None:
    seen: set[str] = set()
    for row in survey:
        if "name" in row and "$xpath" in row:
            if not is_xml_tag(row["name"]):
                raise SpreadsheetError(f"Invalid node name: {row['name']}")
            if row["$xpath"] in seen:
                raise SpreadsheetError(f"Duplicate node name: {row['name']}")
            seen.add(row["$xpath"])


def _literal(sheet: Any, text: str | None) -> Any:
    if text is None:
        return None
    cell = WriteOnlyCell(sheet, value=OUTSIDE_XML.sub("", text))
    cell.data_type = "s"
    return cell
