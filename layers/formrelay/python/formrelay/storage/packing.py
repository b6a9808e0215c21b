"""Long texts of a project: compressed in the item that needs them, in S3 where they are too long for it."""

from __future__ import annotations

import zlib

from formrelay.storage import blobs
from formrelay.storage.table import Item

# Compressed text longer than this is kept in S3; DynamoDB's limit on an item is 400 KB.
INLINE = 300_000


def packed(asset: str, text: str, room: int = INLINE) -> Item:
    """What to add to an item of that project, which has ``room`` for so many bytes."""
    data = zlib.compress(text.encode(), 6)
    if len(data) <= room:
        return {"packed": data}
    key = blobs.body_key(asset)
    blobs.put(key, data)
    return {"blob": key}


def unpacked(item: Item) -> str:
    """The text again."""
    data = blobs.get(item["blob"]) if "blob" in item else item["packed"]
    return zlib.decompress(data).decode()
