"""What can be a media file of a form: its name, and the type that its name stands for (contract assets §10)."""

from __future__ import annotations

import mimetypes
import re
from typing import Final

MAX_NAME: Final = 255
"""In bytes."""
MAX_URL: Final = 2_000
ALLOWED: Final = (
    "image",
    "audio",
    "video",
    "text/csv",
    "application/xml",
    "application/zip",
    "application/geo+json",
)
"""Types, or what stands before the slash of several."""

# Python's own table, not the machine's, so that a name means the same everywhere; what it lacks or names otherwise.
_TYPES: Final = mimetypes.MimeTypes()
for _kind, _suffix in (
    ("application/geo+json", ".geojson"),
    ("application/xml", ".xml"),
    ("audio/amr", ".amr"),
    ("audio/flac", ".flac"),
    ("audio/mp4", ".m4a"),
    ("audio/ogg", ".ogg"),
    ("image/heic", ".heic"),
    ("image/webp", ".webp"),
    ("text/csv", ".csv"),
    ("video/3gpp", ".3gp"),
    ("video/x-matroska", ".mkv"),
):
    _TYPES.add_type(_kind, _suffix)

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ufffe\uffff]")
# What can stand in a header as it is.
_URL: Final = re.compile(r"https?://[^\s/?#@:\[\]]+(:\d{1,5})?([/?#][!-~]*)?", re.ASCII | re.IGNORECASE)
_ASCII: Final = re.compile(r"[!-~]+")


def base_name(path: str) -> str | None:
    """The last part of a path, as a device can name a file; None where that is nothing or too long."""
    name = path.replace("\\", "/").rpartition("/")[2].strip()
    if name in ("", ".", "..") or len(name.encode(errors="replace")) > MAX_NAME or _CONTROL.search(name):
        return None
    return name


def mimetype_of(name: str) -> str:
    """What the suffix of a name stands for."""
    return _TYPES.guess_type(name.rpartition("/")[2])[0] or "application/octet-stream"


def is_allowed(mimetype: str) -> bool:
    """Whether form clients have a use for files of this type."""
    return mimetype in ALLOWED or mimetype.partition("/")[0] in ALLOWED


def is_url(text: str) -> bool:
    """Whether it is the absolute address of a file, fit to stand in a header as it is."""
    return len(text) <= MAX_URL and _ASCII.fullmatch(text) is not None and _URL.fullmatch(text) is not None
