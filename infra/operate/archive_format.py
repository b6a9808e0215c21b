"""What the lines of an archive are: items of the table, with the bodies of submissions readable."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

T = TypeVar("T")
Item = dict[str, Any]
VERSION = 1
MANIFEST = "manifest.json"
# The last member: without it a file has been cut off.
END = "end.json"
LINES = ".jsonl"
OBJECTS = "objects/"


def line(item: Item) -> bytes:
    """An item as one line of JSON, in DynamoDB's types; bodies stand beside it as ``answers`` and ``xml``."""
    from formrelay.storage import submissions, typed

    found: dict[str, Any] = {}
    if item["pk"].startswith(("D#", "E#")):
        bodies = submissions.unpack(item)
        found = {"answers": json.loads(bodies.answers), "xml": _text(bodies.xml)}
        item = {name: value for name, value in item.items() if name not in submissions.BODIES}
    values = typed.marshal_item(item)
    return json.dumps({"item": values, **found}, ensure_ascii=False, default=_encoded).encode() + b"\n"


def item_of(text: bytes, asset: str) -> Item:
    """The item of a line; big bodies are stored at once. Raises ValueError, KeyError, TypeError for anything else."""
    from formrelay.storage import submissions, typed
    from formrelay.storage.submissions import Bodies

    found = json.loads(text)
    item: Item = typed.unmarshal_item({name: _decoded(value) for name, value in found["item"].items()})
    if "xml" in found:
        answers = json.dumps(found["answers"], ensure_ascii=False, separators=(",", ":"))
        item |= submissions.pack(asset, Bodies(answers, _bytes(found["xml"])), announced=False)
    return item


def _text(xml: bytes) -> str | dict[str, str]:
    try:
        return xml.decode()
    except UnicodeDecodeError:
        return _encoded(xml)


def _bytes(xml: str | dict[str, str]) -> bytes:
    return xml.encode() if isinstance(xml, str) else base64.b64decode(xml["base64"])


def _encoded(value: object) -> dict[str, str]:
    """Bytes, which JSON has not."""
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value)} in an item")
    return {"base64": base64.b64encode(value).decode()}


def _decoded(value: Any) -> Any:
    """The typed value with its bytes."""
    if isinstance(value, list):
        return [_decoded(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"B"}:
        return {"B": base64.b64decode(value["B"]["base64"])}
    return {name: _decoded(inner) for name, inner in value.items()}


def batches(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """The values, so many at a time."""
    left = iter(values)
    while batch := list(islice(left, size)):
        yield batch
