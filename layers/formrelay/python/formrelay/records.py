"""A submission as the data API and JSON hooks show it (contract submissions §6)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from formrelay import clock
from formrelay.storage import submissions
from formrelay.storage.table import Item

STATUS = "submitted_via_web"
_SIZES = ("large", "medium", "small")


def record(item: Item, bodies: submissions.Bodies, *, asset: str, base_url: str) -> dict[str, Any]:
    """The record: ``_id``, the answers, then what the server knows, in the contract's order.

    ``base_url`` is the origin that attachment links start with.
    """
    answers = submissions.parse_answers(bodies.answers)
    known = {
        "_xform_id_string": asset,
        "_uuid": item["uuid"],
        "meta/rootUuid": prefixed(item["root"]),
        "_attachments": attachments(item, asset=asset, base_url=base_url),
        "_status": STATUS,
        "_geolocation": [None if degrees is None else float(degrees) for degrees in item["geo"]],
        "_submission_time": clock.iso_naive(item["time"]),
        "_validation_status": item.get("status", {}),
        "_submitted_by": item["by"],
    }
    # A form may ask questions of these very names; what the server knows wins, in its own place.
    for name in ("_id", *known):
        answers.pop(name, None)
    return {"_id": item["id"], **answers, **known}


def prefixed(uuid: str) -> str:
    """An instanceID as clients know it: ``uuid:…``; other schemes stand as they came."""
    return uuid if ":" in uuid else f"uuid:{uuid}"


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
        shown |= {f"download_{size}_url": f"{url}{size}/" for size in _SIZES}
    shown["question_xpath"] = entry["xpath"]
    return shown
