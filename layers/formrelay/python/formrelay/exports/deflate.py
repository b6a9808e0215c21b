"""A deflated stream in pieces that can be stored apart and simply be joined again.

Every piece ends on a byte and refers to nothing before it, so that a process which never saw the earlier pieces can go
on. What a zip archive says of an entry, CRC-32 and sizes, is counted along.
"""

from __future__ import annotations

import zlib
from typing import Any, Final

_RAW: Final = -15
# Of text that waits to be compressed.
_BLOCK: Final = 100_000
# The answers of a form are so alike that more effort costs twice the time and saves a tenth of the size.
LEVEL: Final = 1


class Deflater:
    """One stream. ``crc``, ``size`` and ``packed`` (compressed size) count all of it, earlier processes included."""

    def __init__(self, state: list[int] | None = None) -> None:
        self.crc, self.size, self.packed = state or (0, 0, 0)
        self._texts: list[str] = []
        self._waiting = 0
        self._pieces: list[bytes] = []
        self._compressor: Any = None
        self.pending = 0

    def write(self, text: str) -> None:
        self._texts.append(text)
        self._waiting += len(text)
        if self._waiting >= _BLOCK:
            self._compress()

    def _compress(self) -> None:
        data = "".join(self._texts).encode(errors="replace")
        self._texts.clear()
        self._waiting = 0
        if self._compressor is None:
            self._compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, _RAW)
        self.crc = zlib.crc32(data, self.crc)
        self.size += len(data)
        self._keep(self._compressor.compress(data))

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
            self.pending += len(piece)

    def cut(self) -> bytes:
        """What was compressed since the last cut, to stand on its own."""
        if self._texts:
            self._compress()
        if self._compressor is not None:
            self._keep(self._compressor.flush(zlib.Z_FULL_FLUSH))
            self._compressor = None
        piece = b"".join(self._pieces)
        self._pieces.clear()
        self.pending = 0
        self.packed += len(piece)
        return piece

    def state(self) -> list[int]:
        """What another process needs to go on, after a cut."""
        return [self.crc, self.size, self.packed]


# The end of a stream whose pieces end on bytes: an empty last block.
END: Final = b"\x03\x00"

_POLYNOMIAL: Final = 0xEDB88320


def joined_crc(first: int, second: int, length: int) -> int:
    """The CRC-32 of two texts one after the other, from those of each and the length of the second one.

    A zero byte at the end of a text multiplies its CRC by a matrix over GF(2), which is squared for 2, 4, 8 … bytes.
    """
    if not length:
        return first
    bit: list[int] = [_POLYNOMIAL, *(1 << n for n in range(31))]
    matrix = _square(_square(_square(bit)))
    while length:
        if length & 1:
            first = _times(matrix, first)
        length >>= 1
        matrix = _square(matrix)
    return first ^ second


def _times(matrix: list[int], vector: int) -> int:
    result = 0
    for row in matrix:
        if vector & 1:
            result ^= row
        vector >>= 1
    return result


def _square(matrix: list[int]) -> list[int]:
    return [_times(matrix, row) for row in matrix]
