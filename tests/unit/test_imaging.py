"""Pictures made smaller: sizes, kinds, and what is refused (contract data §9)."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from formrelay import imaging


def picture(kind: str, size: tuple[int, int] = (400, 200), mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 120).save(out, kind, **options)
    return out.getvalue()


def opened(made: imaging.Picture | None) -> Image.Image:
    assert made is not None
    return Image.open(io.BytesIO(made.data))


@pytest.mark.parametrize(
    ("kind", "mode", "written", "media_type"),
    [
        ("JPEG", "RGB", "JPEG", "image/jpeg"),
        ("JPEG", "L", "JPEG", "image/jpeg"),
        ("JPEG", "CMYK", "JPEG", "image/jpeg"),
        ("PNG", "RGB", "PNG", "image/png"),
        ("PNG", "RGBA", "PNG", "image/png"),
        ("PNG", "LA", "PNG", "image/png"),
        ("PNG", "P", "PNG", "image/png"),
        ("PNG", "1", "PNG", "image/png"),
        ("PNG", "I;16", "PNG", "image/png"),
        ("GIF", "P", "PNG", "image/png"),
        ("WEBP", "RGBA", "WEBP", "image/webp"),
    ],
)
def test_the_longer_side_has_so_many_pixels(kind: str, mode: str, written: str, media_type: str) -> None:
    made = imaging.smaller(picture(kind, mode=mode), 100)
    image = opened(made)
    assert (image.size, image.format, made and made.type) == ((100, 50), written, media_type)
    image.load()


def test_what_is_transparent_stays_so() -> None:
    assert opened(imaging.smaller(picture("PNG", mode="RGBA"), 100)).mode == "RGBA"
    assert opened(imaging.smaller(picture("PNG", mode="P", transparency=120), 100)).mode == "RGBA"
    assert opened(imaging.smaller(picture("PNG", mode="RGB"), 100)).mode == "RGB"


def test_pictures_stand_upright_and_tell_nothing_of_where_they_were_taken() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "Maker"
    image = opened(imaging.smaller(picture("JPEG", exif=exif), 100))
    assert image.size == (50, 100)
    assert not image.getexif()


def test_what_is_small_already_is_not_made() -> None:
    assert imaging.smaller(picture("JPEG", (100, 50)), 100) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        picture("JPEG")[:100],
        picture("PNG")[:-30],
        picture("BMP"),
        picture("TIFF"),
        b'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="900"/>',
    ],
)
def test_what_is_broken_or_of_another_kind_is_not_made(data: bytes) -> None:
    assert imaging.smaller(data, 100) is None


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    side = int(imaging.MAX_PIXELS**0.5) + 1
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    with Image.open(io.BytesIO(bomb)) as image:
        assert image.size == (side, side)
    assert imaging.smaller(bomb, 100) is None
