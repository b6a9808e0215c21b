"""A zip archive of entries that are compressed already, written front to back (APPNOTE 6.3.10 §4.3).

Without the 64-bit extension, which keeps within what every spreadsheet program reads: 4 GB an entry and altogether.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from formrelay.exports.deflate import END, joined_crc

MAX_BYTES: Final = 0xFFFFFFFF - 1
MAX_ENTRIES: Final = 65_000
_DEFLATED: Final = 8
_UTF8_NAMES: Final = 0x800
_VERSION: Final = 20
# 1980-01-01, 00:00: the same content makes the same archive.
_TIME, _DATE = 0, (1 << 5) | 1


class Part(NamedTuple):
    """A stretch of an entry: ``pieces`` of deflated bytes that end on a byte; CRC-32 and sizes of all of them."""

    pieces: Iterable[bytes]
    crc: int
    size: int
    packed: int


def part(text: str) -> Part:
    """A stretch of plain text."""
    data = text.encode(errors="replace")
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = compressor.compress(data) + compressor.flush(zlib.Z_FULL_FLUSH)
    return Part([packed], zlib.crc32(data), len(data), len(packed))


class Entry(NamedTuple):
    """A file in the archive, made of stretches one after the other."""

    name: str
    parts: tuple[Part, ...]

    @property
    def crc(self) -> int:
        crc = 0
        for stretch in self.parts:
            crc = joined_crc(crc, stretch.crc, stretch.size)
        return crc

    @property
    def size(self) -> int:
        return sum(stretch.size for stretch in self.parts)

    @property
    def packed(self) -> int:
        return sum(stretch.packed for stretch in self.parts) + len(END)


def archive(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The bytes of the archive. Who calls keeps it below :data:`MAX_BYTES` and :data:`MAX_ENTRIES`."""
    directory: list[bytes] = []
    offset = 0
    for entry in entries:
        name = entry.name.encode()
        facts = struct.pack(
            "<HHHHHLLLHH",
            *(_VERSION, _UTF8_NAMES, _DEFLATED, _TIME, _DATE),
            *(entry.crc, entry.packed, entry.size, len(name), 0),
        )
        directory.append(
            b"PK\x01\x02"
            + struct.pack("<H", _VERSION)
            + facts
            + struct.pack("<HHHLL", 0, 0, 0, 0, offset)
            + name
        )
        header = b"PK\x03\x04" + facts + name
        yield header
        for stretch in entry.parts:
            yield from stretch.pieces
        yield END
        offset += len(header) + entry.packed
    listed = b"".join(directory)
    count = len(directory)
    yield listed + b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, count, count, len(listed), offset, 0)
