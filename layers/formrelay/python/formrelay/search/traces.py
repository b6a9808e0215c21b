"""Traces of texts: which of their three-letter pieces occur, in a few bytes.

A trace says for certain that a text lacks something, and only that it may hold it: lists carry traces instead of the
texts, and read those few texts that may match.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final

PIECE: Final = 3
"""Characters of a piece; nothing shorter can be ruled out."""

# Bits for each piece: more than twice as many would save few readings.
_BITS_PER_PIECE: Final = 4


def trace(texts: Iterable[str], room: int) -> bytes | None:
    """The trace of some texts in at most ``room`` bytes; None when there is no room for one."""
    pieces = {piece for text in texts for piece in _pieces(text)}
    size = min(room, max(1, len(pieces) * _BITS_PER_PIECE // 8))
    if size < 1:
        return None
    bits = bytearray(size)
    for piece in pieces:
        byte, mask = _place(piece, size)
        bits[byte] |= mask
    return bytes(bits)


def may_hold(found: bytes | None, text: str) -> bool:
    """Whether one of the texts behind a trace may hold ``text``, in upper or lower case."""
    return found is None or all(
        found[byte] & mask for byte, mask in (_place(p, len(found)) for p in _pieces(text))
    )


def _pieces(text: str) -> set[str]:
    # Both: what some text holds in lower case, it holds after this, too.
    folded = text.lower().casefold()
    return {folded[i : i + PIECE] for i in range(len(folded) - PIECE + 1)}


def _place(piece: str, size: int) -> tuple[int, int]:
    number = zlib.crc32(piece.encode(errors="replace")) % (size * 8)
    return number >> 3, 1 << (number & 7)
