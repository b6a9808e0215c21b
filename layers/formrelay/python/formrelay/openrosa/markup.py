"""Escaping for the XML that we write; what a parser reads back is the same text."""

from __future__ import annotations

# A raw carriage return would be read back as a line feed (XML 1.0 §2.11), raw whitespace of an attribute as spaces.
_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE = _TEXT | str.maketrans({'"': "&quot;", "\t": "&#9;", "\n": "&#10;"})


def text(value: str) -> str:
    """Character data of an element."""
    return value.translate(_TEXT)


def attribute(value: str) -> str:
    """The value of an attribute, with its quotes."""
    return f'"{value.translate(_ATTRIBUTE)}"'
