"""Reads what a drawn QR code says: bytes at level M under mask 0, as the console draws them (ISO/IEC 18004)."""

from __future__ import annotations

import re

# Blocks and error correction codewords of each by version, level M.
_BLOCKS = (
    (1, 10), (1, 16), (1, 26), (2, 18), (2, 24), (4, 16), (4, 18), (4, 22), (5, 22), (5, 26)
)  # fmt: skip
# Where its alignment patterns stand, beside 6.
_ALIGNED = ((), (18,), (22,), (26,), (30,), (34,), (22, 38), (24, 42), (26, 46), (28, 50))


def read(path: str) -> bytes:
    """The bytes in a drawing of unit squares, each ``M<x> <y>h…``."""
    dark = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1", path)}
    size = max(x for x, _ in dark) + 1
    version = (size - 17) // 4
    words = _words(dark, size, version)
    blocks, checks = _BLOCKS[version - 1]
    room = len(words) - blocks * checks
    short, longer = divmod(room, blocks)
    lengths = [short + (block >= blocks - longer) for block in range(blocks)]
    order = [(at, block) for at in range(short + 1) for block in range(blocks) if at < lengths[block]]
    data = bytes(words[order.index((at, block))] for block in range(blocks) for at in range(lengths[block]))
    bits = "".join(f"{byte:08b}" for byte in data)
    assert bits[:4] == "0100", "not in bytes"
    begin = 12 if version < 10 else 20
    count = int(bits[4:begin], 2)
    return bytes(int(bits[begin + 8 * at : begin + 8 * at + 8], 2) for at in range(count))


def _words(dark: set[tuple[int, int]], size: int, version: int) -> list[int]:
    bits = ""
    column, upwards = size - 1, True
    while column > 0:
        if column == 6:  # that of the timing pattern
            column -= 1
        for y in range(size - 1, -1, -1) if upwards else range(size):
            for x in (column, column - 1):
                if not _fixed(x, y, size, version):
                    bits += "1" if ((x, y) in dark) != ((x + y) % 2 == 0) else "0"
        column, upwards = column - 2, not upwards
    return [int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8)]


def _fixed(x: int, y: int, size: int, version: int) -> bool:
    """Whether a module belongs to a pattern, and so to no data."""
    corner = (x < 9 and y < 9) or (x < 9 and y >= size - 8) or (x >= size - 8 and y < 9)
    told = version >= 7 and ((x < 6 and size - 11 <= y) or (y < 6 and size - 11 <= x))
    return corner or told or 6 in (x, y) or _in_alignment(x, y, size, version)


def _in_alignment(x: int, y: int, size: int, version: int) -> bool:
    places = (6, *_ALIGNED[version - 1]) if version > 1 else ()
    corners = {(6, 6), (6, size - 7), (size - 7, 6)}
    return any(
        abs(x - cx) <= 2 and abs(y - cy) <= 2 for cx in places for cy in places if (cx, cy) not in corners
    )
