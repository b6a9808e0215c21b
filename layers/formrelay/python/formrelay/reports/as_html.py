"""A failure mail as HTML for mail clients: plain tables, no colours but middle greys, so that it is read in the dark.

Rows carry no styles of their own: some clients hide what goes beyond 100 KB.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from formrelay.reports import content
from formrelay.reports.content import Content, Section
from formrelay.reports.links import Link
from formrelay.reports.texts import Texts

_MESSAGE_CUT = 50
_FONT = (
    "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Noto Sans Arabic',Arial,sans-serif"
)
_HIDDEN = "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;mso-hide:all"
_TABLE = (
    '<table border="1" rules="rows" frame="hsides" cellpadding="6" cellspacing="0" bordercolor="#999999" '
    'style="border-collapse:collapse;border-color:#999999;font-size:14px">'
)
_HEAD = (
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
    "<style>:root{color-scheme:light dark;supported-color-schemes:light dark}</style>"
)
# Columns whose text is never in the reader's language, and may not be broken: uid, id, code and date.
_FIXED = frozenset({1, 2, 3, 5})
_ARRIVED_FIXED = frozenset({1, 2, 3})


def render(mail: Content) -> str:
    """The whole document."""
    texts = mail.texts
    notes = "".join(f"<p>{escape(note)}</p>" for note in mail.notes)
    body = "".join(_section(section, texts) for section in mail.sections)
    return (
        f'<!doctype html><html lang="{texts.language}" dir="{texts.direction}"><head>{_HEAD}'
        f"<title>{escape(texts.subject)}</title></head>"
        f'<body dir="{texts.direction}" style="margin:0;padding:16px;font-size:15px;line-height:1.5;{_FONT}">'
        f'<div style="{_HIDDEN}">{escape(mail.preheader)}</div>'
        f"<p>{escape(mail.greeting)}</p><p>{escape(mail.intro)}</p>{body}{notes}"
        f'<p style="font-size:13px">{escape(texts.footer)}</p><p>formrelay</p></body></html>'
    )


def _section(section: Section, texts: Texts) -> str:
    title = f'<a href="{escape(section.url)}" dir="auto">{escape(section.title)}</a>'
    out = [f'<h2 style="font-size:18px;margin:28px 0 8px">{title}</h2>']
    out += [f"<p>{escape(notice)}</p>" for notice in section.notices]
    if section.failures:
        rows = (content.cells(line, texts, _MESSAGE_CUT) for line in section.failures)
        out.append(_table(content.columns(texts), rows, texts, _FIXED))
    if section.arrived:
        rows = (content.arrived_cells(line) for line in section.arrived)
        heads = content.arrived_columns(texts)
        out.append(f'<h3 style="font-size:15px;margin:20px 0 8px">{escape(texts.arrived)}</h3>')
        out.append(_table(heads, rows, texts, _ARRIVED_FIXED))
    out += [_links(name, links) for name, links in section.hooks]
    return "".join(out)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], texts: Texts, fixed: frozenset[int]) -> str:
    side = "right" if texts.direction == "rtl" else "left"
    head = "".join(f'<th align="{side}" scope="col" nowrap>{escape(text)}</th>' for text in heads)
    body = "".join(f"<tr>{''.join(_cell(i, cell, fixed) for i, cell in enumerate(row))}</tr>" for row in rows)
    # What is wider than a phone scrolls by itself.
    return f'<div style="overflow-x:auto">{_TABLE}<tr>{head}</tr>{body}</table></div>'


def _cell(index: int, text: str, fixed: frozenset[int]) -> str:
    if index in fixed:
        return f'<td nowrap><span dir="ltr">{escape(text)}</span></td>'
    return f'<td><span dir="auto">{escape(text)}</span></td>'


def _links(name: str, links: list[Link]) -> str:
    shown = "".join(f"<br>{_link(link)}" for link in links)
    return f'<p style="margin:12px 0"><strong><span dir="auto">{escape(name)}</span></strong>{shown}</p>'


def _link(link: Link) -> str:
    shown = f'<a href="{escape(link.url)}">{escape(link.label)}</a>'
    if link.call is None:
        return shown
    return (
        f'{shown}<br><code dir="ltr" style="font-size:13px;word-break:break-all">{escape(link.call)}</code>'
    )
