"""Pictures made smaller (contract data §9). Only the function ``image`` imports this: it needs Pillow.

What comes in was sent by anybody: few formats, a bound on pixels before anything is decoded, no metadata kept.
"""

from __future__ import annotations

import io
import warnings
from typing import NamedTuple

from PIL import Image, ImageOps

# Names of Pillow. Of moving pictures the first one is taken.
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
_WRITTEN = {"JPEG": ("JPEG", "image/jpeg"), "WEBP": ("WEBP", "image/webp")}
_DEFAULT = ("PNG", "image/png")
# Decoded, four bytes each: a quarter of the function's memory.
MAX_PIXELS = 64_000_000
_QUALITY = 82


class Picture(NamedTuple):
    """A picture as a file, and its media type."""

    data: bytes
    type: str


def smaller(data: bytes, longest: int) -> Picture | None:
    """The picture with its longer side at most so many pixels.

    None when it is no larger, no picture of a known kind, broken, or too large to decode.
    """
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            warnings.simplefilter("ignore")
            if image.width * image.height > MAX_PIXELS or max(image.size) <= longest:
                return None
            return _written(image, longest)
    # Pillow's readers of broken files raise what they like.
    except Exception:
        return None


def _written(image: Image.Image, longest: int) -> Picture:
    kind, media_type = _WRITTEN.get(image.format or "", _DEFAULT)
    image.draft("RGB", (longest, longest))  # JPEG can be decoded at a fraction of its size
    opaque = kind == "JPEG" or not image.has_transparency_data
    plain = image.convert("RGB" if opaque else "RGBA")
    plain.thumbnail((longest, longest))
    upright = ImageOps.exif_transpose(plain)
    # A fresh picture carries no place, time or device along.
    bare = Image.new(upright.mode, upright.size)
    bare.paste(upright)
    out = io.BytesIO()
    bare.save(out, kind, quality=_QUALITY)
    return Picture(out.getvalue(), media_type)
