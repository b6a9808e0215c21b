"""A submission as the data API and JSON hooks show it (contract submissions §6)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from formrelay import clock
from formrelay.json_text import compact
from formrelay.openrosa import instance_ids
from formrelay.storage import blobs, submissions
from formrelay.storage.table import Item

STATUS = "submitted_via_web"


def record(item: Item, bodies: submissions.Bodies, *, asset: str, base_url: str) -> dict[str, Any]:
    """The record: ``_id``, the answers, then what the server knows, in the contract's order.

    ``base_url`` is the origin that attachment links start with.
    """
    answers = submissions.parse_answers(bodies.answers)
    # A form may ask questions of these very names; what the server knows wins, in its own place.
    for name in ("_id", *FACTS):
        answers.pop(name, None)
    return {"_id": item["id"], **answers, **known(item, asset=asset, base_url=base_url)}


def known(item: Item, *, asset: str, base_url: str) -> dict[str, Any]:
    """What the server knows of a submission, which stands behind its answers."""
    return {name: fact(item, asset, base_url) for name, fact in FACTS.items()}


def text(item: Item, bodies: submissions.Bodies, *, asset: str, base_url: str) -> str:
    """The record as JSON text, made of the stored text of its answers where that is possible."""
    if _TAKEN.search(bodies.answers):
        return compact(record(item, bodies, asset=asset, base_url=base_url))
    answers = bodies.answers[1:-1]
    facts = compact(known(item, asset=asset, base_url=base_url))[1:]
    return f'{{"_id":{item["id"]},{answers}{"," if answers else ""}{facts}'


def attachments(item: Item, *, asset: str, base_url: str) -> list[dict[str, Any]]:
    """The ``_attachments`` of a submission: files that a question names, in the order they came."""
    files = sorted(item.get("files", {}).items(), key=lambda entry: (entry[1]["at"], entry[0]))
    return [
        _attachment(name, entry, item, f"{base_url}/api/v2/assets/{asset}/data/{item['id']}")
        for name, entry in files
        if not entry.get("hidden")
    ]


def _attachment(name: str, entry: Item, item: Item, data_url: str) -> dict[str, Any]:
    url = f"{data_url}/attachments/{entry['uid']}/"
    folder = f"{item['owner']}/attachments/{item['form_uuid']}/{quote(item['root'], safe=':')}"
    shown = {
        "download_url": url,
        "mimetype": entry["type"],
        "filename": f"{folder}/{entry['stored']}",
        "media_file_basename": name,
        "uid": entry["uid"],
        "is_deleted": False,
    }
    if entry["type"].startswith("image/"):
        shown |= {f"download_{size}_url": f"{url}{size}/" for size in blobs.PICTURE_SIZES}
    shown["question_xpath"] = entry["xpath"]
    return shown


Fact = Callable[[Item, str, str], Any]

# Name → what the server knows, of an item, its asset and the origin of links; in the contract's order.
FACTS: dict[str, Fact] = {
    "_xform_id_string": lambda _item, asset, _base: asset,
    "_uuid": lambda item, _asset, _base: item["uuid"],
    "meta/rootUuid": lambda item, _asset, _base: instance_ids.prefixed(item["root"]),
    "_attachments": lambda item, asset, base: attachments(item, asset=asset, base_url=base),
    "_status": lambda _item, _asset, _base: STATUS,
    "_geolocation": lambda item, _asset, _base: [None if d is None else float(d) for d in item["geo"]],
    "_submission_time": lambda item, _asset, _base: clock.iso_naive(item["time"]),
    "_validation_status": lambda item, _asset, _base: item.get("status", {}),
    "_submitted_by": lambda item, _asset, _base: item["by"],
}

# A key of the answers that the server knows better, or one that ends like it: quotes inside texts are escaped.
_TAKEN = re.compile(rf'"(?:{"|".join(map(re.escape, ("_id", *FACTS)))})":')
