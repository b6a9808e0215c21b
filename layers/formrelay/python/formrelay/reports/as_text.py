"""A failure mail as plain text: tables in columns, each address on a line of its own."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence

from formrelay.reports import content
from formrelay.reports.content import Content, Section
from formrelay.reports.texts import Texts

_MESSAGE_CUT = 23
_LINE = 78
_GAP = "  "
# Before a row, so that its cells run the way that the language does, whatever they begin with; takes no place.
_LTR, _RTL = "\u200e", "\u200f"


def render(mail: Content) -> str:
    """The text, its lines ended by line feeds."""
    out = [mail.greeting, "", *_paragraph(mail.intro)]
    for section in mail.sections:
        out += _section(section, mail.texts)
    for note in mail.notes:
        out += _paragraph(note)
    return "\n".join([*out, *_paragraph(mail.texts.footer), "formrelay", ""])


def _paragraph(text: str) -> list[str]:
    return [*textwrap.wrap(text, _LINE, break_long_words=False, break_on_hyphens=False), ""]


def _section(section: Section, texts: Texts) -> list[str]:
    out = [section.title, "=" * _width(section.title), section.url, ""]
    for notice in section.notices:
        out += _paragraph(notice)
    if section.failures:
        rows = [content.cells(line, texts, _MESSAGE_CUT) for line in section.failures]
        out += [*_table(content.columns(texts), rows, texts), ""]
    if section.arrived:
        rows = [content.arrived_cells(line) for line in section.arrived]
        out += [texts.arrived, "", *_table(content.arrived_columns(texts), rows, texts), ""]
    for name, links in section.hooks:
        out.append(name)
        for link in links:
            # Alone on its line an address runs from left to right, and no mark can become a part of it.
            out += [f"- {link.label}", f"  {link.url}"]
            out += [f"  {link.call}"] if link.call else []
        out.append("")
    return out


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], texts: Texts) -> list[str]:
    widths = [max(_width(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    lines = [heads, ["-" * width for width in widths], *rows]
    rtl = texts.direction == "rtl"
    return [_row(line, widths, rtl) for line in lines]


def _row(line: Sequence[str], widths: Sequence[int], rtl: bool) -> str:
    isolated = rtl or any(map(content.turns, line))
    parts = []
    for cell, width in zip(line, widths, strict=True):
        shown = f"{content.ISOLATE}{cell}{content.END}" if isolated else cell
        parts.append(shown + " " * (width - _width(cell)))
    mark = (_RTL if rtl else _LTR) if isolated else ""
    return mark + _GAP.join(parts).rstrip()


def _width(text: str) -> int:
    """Columns that a text takes where every letter has the same width."""
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
