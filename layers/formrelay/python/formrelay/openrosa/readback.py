"""Stored XML as the data API shows it (contract data §4): the client's own text, in UTF-8.

What came in another encoding is written again, as a declaration that names it would contradict the answer's charset.
"""

from __future__ import annotations

import codecs
import re

from formrelay.openrosa import outgoing

DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>'

_DECLARED = re.compile(rb"<\?xml\s[^>]*?\?>")
_ENCODING = re.compile(rb"encoding\s*=\s*[\"']([^\"']*)[\"']")
_UTF_8 = (b"utf-8", b"us-ascii")


def document(xml: bytes) -> bytes:
    """The XML as a document of its own: unchanged, with a declaration in front if it had none."""
    text = _utf8(xml)
    return text if _DECLARED.match(text) else DECLARATION + text


def element(xml: bytes) -> bytes:
    """The XML as it can stand inside other XML: without declaration and the whitespace around it."""
    text = _utf8(xml)
    declared = _DECLARED.match(text)
    return text[declared.end() :].strip() if declared else text.strip()


def _utf8(xml: bytes) -> bytes:
    text = xml.lstrip().removeprefix(codecs.BOM_UTF8)
    declared = _DECLARED.match(text)
    named = _ENCODING.search(declared[0]) if declared else None
    # UTF-16 begins with a byte order mark, or with a zero beside "<".
    if text[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or b"\0" in text[:2]:
        return outgoing.render(xml)
    return text if named is None or named[1].lower() in _UTF_8 else outgoing.render(xml)
