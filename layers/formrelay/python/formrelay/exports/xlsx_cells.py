"""From texts to cells of a sheet (contract exports §3.4).

A cell is made with a mark in place of the number of its row, so that what a value became can be remembered for any row
and a row is one join. Of a ``c`` element, the body is what follows its reference.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from formrelay.exports.layout import Kind
from formrelay.exports.values import Memory
from formrelay.xml_text import OUTSIDE_XML

LONGEST_TEXT: Final = 32_767
WARNING: Final = f"<WARNING: Truncated to Excel limit of {LONGEST_TEXT} characters!>"
MAX_COLUMNS: Final = 16_384
# A cell in the style of a link; which one it is shows in no other way.
LINK: Final = ' s="2" t="inlineStr"><is><t>'
LINK_END: Final = "</t></is></c>"

_DATE_STYLE: Final = ' s="1"><v>'
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_PLAIN_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,14})?")
# What is none of these Excel may call a broken file, if a link leads there.
_URL: Final = re.compile(
    r"(?:https?|ftp)://[A-Za-z0-9][A-Za-z0-9.-]{0,250}(?::[0-9]{1,5})?"
    r"(?:[/?#](?:[^\s\"<>\\^`{|}%]|%[0-9A-Fa-f]{2}){0,1700})?"
)
_SCHEMES: Final = ("http://", "https://", "ftp://")
# What Excel would read as one of its own escapes.
_LOOKS_ESCAPED: Final = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_SPACES: Final = " \t\n\r"
# Before that day Excel's calendar has a day too many, and before 1900 none.
_FIRST_DAY: Final = date(1900, 3, 1)
_DAY_ZERO: Final = date(1899, 12, 30).toordinal()

# Stands for the number of the row; no text that XML can hold has it.
ROW: Final = "\x00"

Encoder = Callable[[str], str]


def is_text(kind: Kind, *, as_text: bool) -> bool:
    """Whether all cells of a column are text."""
    return kind is not Kind.ALWAYS_NUMBER and (as_text or kind is Kind.TEXT)


def encoder(kind: Kind, column: int, *, as_text: bool) -> Encoder:
    """What makes cells of the texts of a column, counted from 0; of an empty text none."""
    if column >= MAX_COLUMNS:
        return _left_out
    start = cell_start(column)
    body = text_body if is_text(kind, as_text=as_text) else _BODIES[kind]

    def cell(value: str) -> str:
        made = body(value)
        return f"{start}{made}" if made else ""

    return Memory(cell).__getitem__ if not as_text and kind in _REPEATING else cell


def plain_encoder(column: int) -> Encoder:
    """The same for texts that are known to be short and to need no escaping."""
    if column >= MAX_COLUMNS:
        return _left_out
    start = f'{cell_start(column)} t="inlineStr"><is><t>'
    return lambda value: f"{start}{value}{LINK_END}" if value else ""


def whole_encoder(column: int) -> Callable[[int], str]:
    """What makes cells of numbers."""
    if column >= MAX_COLUMNS:
        return lambda _: ""
    start = cell_start(column)
    return lambda number: f"{start}><v>{number}</v></c>"


def cell_start(column: int) -> str:
    """The beginning of a cell, up to its reference."""
    return f'<c r="{letters(column)}{ROW}"'


def _left_out(_: str) -> str:
    return ""


def text_body(value: str) -> str:
    """A text cell; a URL is a link, a formula is none."""
    if not value:
        return ""
    if len(value) > LONGEST_TEXT // 2:
        value = cut(value)
    if value.startswith(_SCHEMES) and _URL.fullmatch(value):
        return f"{LINK}{escaped(value)}{LINK_END}"
    if value[0] in _SPACES or value[-1] in _SPACES:
        return f' t="inlineStr"><is><t xml:space="preserve">{escaped(value)}{LINK_END}'
    return f' t="inlineStr"><is><t>{escaped(value)}{LINK_END}'


def cut(value: str) -> str:
    """The text, cut to what Excel holds under a warning; Excel counts units of UTF-16."""
    if len(value) + sum(char > "\uffff" for char in value) <= LONGEST_TEXT:
        return value
    room = LONGEST_TEXT - len(WARNING)
    kept = value.encode("utf-16-le", errors="replace")[: 2 * room].decode("utf-16-le", errors="ignore")
    return WARNING + kept


def escaped(value: str) -> str:
    """Text for XML, without what XML cannot hold."""
    if "&" in value or "<" in value or ">" in value:
        value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if value.isascii() and value.isprintable() and "_x" not in value:
        return value
    return _LOOKS_ESCAPED.sub("_x005F_", OUTSIDE_XML.sub("", value).replace("\r", "&#13;"))


def _number_body(value: str) -> str:
    """A number if the text is one, and finite."""
    if value.isdecimal() and value.isascii() and len(value) < 16 and (value[0] != "0" or value == "0"):
        return f"><v>{value}</v></c>"
    if _PLAIN_NUMBER.fullmatch(value):
        return f"><v>{value}</v></c>"
    stripped = value.strip()
    if not _NUMBER.fullmatch(stripped):
        return text_body(value)
    number = float(stripped)
    if not math.isfinite(number):
        return text_body(value)
    return f"><v>{int(number) if number.is_integer() and abs(number) < 1e15 else number!r}</v></c>"


def _date_body(value: str) -> str:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return text_body(value)
    if day < _FIRST_DAY:
        return text_body(value)
    return f"{_DATE_STYLE}{day.toordinal() - _DAY_ZERO}</v></c>"


def _datetime_body(value: str) -> str:
    """Date and time as the clock on the wall showed them: a zone is dropped."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return text_body(value)
    if moment.date() < _FIRST_DAY or len(value) <= len("2026-01-01"):
        return _date_body(value)
    milliseconds = (
        (moment.hour * 60 + moment.minute) * 60_000 + moment.second * 1_000 + moment.microsecond // 1_000
    )
    return f"{_DATE_STYLE}{moment.toordinal() - _DAY_ZERO + milliseconds / 86_400_000!r}</v></c>"


_BODIES: Final[dict[Kind, Encoder]] = {
    Kind.TEXT: text_body,
    Kind.NUMBER: _number_body,
    Kind.GUESS: _number_body,
    Kind.ALWAYS_NUMBER: _number_body,
    Kind.DATE: _date_body,
    Kind.DATETIME: _datetime_body,
}
# Columns in which the same answers come again and again.
_REPEATING: Final = (Kind.NUMBER, Kind.GUESS, Kind.DATE)


def letters(number: int) -> str:
    """The name of a column, counted from 0: ``A``, …, ``Z``, ``AA``, …"""
    name = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        name = chr(65 + digit) + name
    return name
