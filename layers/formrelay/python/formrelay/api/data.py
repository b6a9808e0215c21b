"""``…/data/``: submissions read back, with their files (contract data §1, §3, §4, §9)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from formrelay import permissions, records
from formrelay.api import paging
from formrelay.api.http import Request, Response, json_response, parse_json
from formrelay.api.router import Context, Route
from formrelay.errors import ApiError, detail, not_found
from formrelay.ids import MAX_SUBMISSION_ID
from formrelay.openrosa.instance import bare_uuid
from formrelay.storage import assets, blobs, submissions
from formrelay.storage.assets import Project
from formrelay.storage.table import Item

XML_TYPE = "application/xml; charset=utf-8"
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
_HAS_DECLARATION = re.compile(rb"\s*<\?xml\s")
_ALWAYS = ("_id", "_uuid", "meta/rootUuid", "_validation_status")
# What Lambda can answer at once, after base64; bigger files are fetched from S3.
MAX_INLINE = 4_400_000
_INLINE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp", "audio/", "video/")


def _project(ctx: Context, asset: str) -> Project:
    project = permissions.require(ctx.caller, assets.project(asset), permissions.VIEW)
    if not project.is_deployed:
        raise detail(400, "The specified asset has not been deployed")
    return project


def list_data(ctx: Context, asset: str) -> Response:
    project = _project(ctx, asset)
    kind = _format(ctx.request)
    start, limit = _window(ctx.request)
    names, forward = _fields(ctx.request), _forward(ctx.request)
    if "query" in ctx.request.query:
        _refuse_query(ctx.request.query["query"])
    count = submissions.count(asset)
    items = _rows(asset, start, limit, forward) if start < count else []
    if kind == "xml":
        return _xml_list(ctx.request, count, start, limit, items)
    rows = [_chosen(_record(ctx, project, item), names) for item in items]
    return json_response(paging.envelope(ctx.request, count, rows, start, limit))


def _format(request: Request) -> str:
    if request.format not in ("", "json", "xml"):
        raise not_found()
    return request.format or "json"


def _window(request: Request) -> tuple[int, int]:
    """``(start, limit)``; unlike elsewhere, bad values are refused."""
    query = request.query
    limit = query.get("limit")
    if limit is not None and not (limit.isascii() and limit.isdigit() and int(limit) > 0):
        raise ApiError(400, {"limit": "A positive integer is required"})
    start = query.get("start")
    if start is not None and not (start.isascii() and start.isdigit()):
        raise ApiError(400, {"start": "A positive integer is required."})
    return paging.window(request)


def _fields(request: Request) -> list[str] | None:
    names = _json_parameter(request, "fields", list)
    if names is not None and _format(request) == "xml":
        raise ApiError(400, {"fields": "This is not supported in `XML` format"})
    return [str(name) for name in names] if names else None


def _forward(request: Request) -> bool:
    """Whether rows come in the order of their ids; the only other order is the reverse."""
    sort = _json_parameter(request, "sort", dict)
    if not sort:
        return True
    if _format(request) == "xml":
        raise ApiError(400, {"sort": "This param is not supported in `XML` format"})
    if sort not in ({"_id": 1}, {"_id": -1}):
        raise ApiError(400, {"sort": "Only `_id` is supported."})
    return bool(sort["_id"] == 1)


def _refuse_query(text: str) -> None:
    """Filters are not supported yet: anything but an empty one is refused rather than ignored."""
    try:
        wanted = parse_json(text or "{}")
    except ApiError:
        raise ApiError(400, {"query": "Value must be valid JSON."}) from None
    if wanted != {}:
        raise ApiError(400, ["Unsupported query"])


def _json_parameter(request: Request, name: str, kind: type) -> Any:
    text = request.query.get(name)
    if not text:
        return None
    try:
        value = parse_json(text)
    except ApiError:
        value = None
    if not isinstance(value, kind):
        raise ApiError(400, {name: "Value must be valid JSON."})
    return value


def _rows(asset: str, start: int, limit: int, forward: bool) -> list[Item]:
    """Exactly ``limit`` rows from row ``start`` on, fewer only at the end."""
    after = submissions.skip(asset, start, forward=forward) if start else None
    if start and after is None:
        return []
    rows: list[Item] = []
    while len(rows) < limit:
        items, after = submissions.page(asset, after=after, limit=limit - len(rows), forward=forward)
        rows += items
        if after is None:
            break
    return rows


def _record(ctx: Context, project: Project, item: Item) -> dict[str, Any]:
    bodies = submissions.unpack(item)
    return records.record(item, bodies, asset=project.uid, base_url=ctx.base_url)


def _chosen(record: dict[str, Any], names: list[str] | None) -> dict[str, Any]:
    if names is None:
        return record
    wanted = {*names, *_ALWAYS}
    return {name: value for name, value in record.items() if name in wanted}


def _xml_list(request: Request, count: int, start: int, limit: int, items: Iterable[Item]) -> Response:
    frame = paging.envelope(request, count, [], start, limit)
    links = "".join(f"<{name}>{escape(str(frame[name]))}</{name}>" for name in ("next", "previous"))
    texts = (_without_declaration(submissions.unpack(item).xml) for item in items)
    head = f"{_DECLARATION}<root><count>{count}</count>{links}<results>".encode()
    body = head + b"".join(texts) + b"</results></root>"
    return Response(200, body, {"Content-Type": XML_TYPE})


def _without_declaration(xml: bytes) -> bytes:
    """The XML as it stands inside other XML: UTF-8, no declaration."""
    if _HAS_DECLARATION.match(xml):
        return xml[xml.index(b"?>") + 2 :].strip()
    return xml.strip()


# One submission


def _item(ctx: Context, asset: str, id_: str) -> tuple[Project, Item]:
    project = _project(ctx, asset)
    if id_.isascii() and id_.isdigit():
        sid = int(id_) if len(id_) <= len(str(MAX_SUBMISSION_ID)) else None
    else:
        guard = submissions.get_guard(asset, bare_uuid(id_))
        sid = guard.sid if guard else None
    item = submissions.get(asset, sid) if sid is not None else None
    if item is None:
        raise not_found()
    return project, item


def get_submission(ctx: Context, asset: str, id: str) -> Response:
    project, item = _item(ctx, asset, id)
    if _format(ctx.request) == "xml":
        xml = submissions.unpack(item).xml
        declared = xml if _HAS_DECLARATION.match(xml) else _DECLARATION.encode() + xml
        return Response(200, declared, {"Content-Type": XML_TYPE})
    names = _fields(ctx.request)
    return json_response(_chosen(_record(ctx, project, item), names))


# Attachments


def get_attachment(ctx: Context, asset: str, id: str, attachment: str, size: str = "") -> Response:
    """The file; smaller pictures are the original as long as nothing here can scale them."""
    _, item = _item(ctx, asset, id)
    if size not in ("", "original", "large", "medium", "small"):
        raise not_found()
    for name, entry in item["files"].items():
        if entry["uid"] == attachment:
            return _file(asset, item, name, entry)
    raise not_found()


def list_attachments(ctx: Context, asset: str, id: str) -> Response:
    """The file that answers the question at ``?xpath=``."""
    _, item = _item(ctx, asset, id)
    xpath = ctx.request.query.get("xpath")
    if not xpath:
        raise detail(400, "`xpath` query parameter is required")
    for name, entry in item["files"].items():
        if entry["xpath"] == xpath:
            return _file(asset, item, name, entry)
    raise detail(400, "The path could not be found in the submission")


def _file(asset: str, item: Item, name: str, entry: Item) -> Response:
    key = blobs.attachment_key(asset, item["root"], entry["uid"])
    disposition = _disposition(name, entry["type"])
    if entry["size"] > MAX_INLINE:
        return Response(302, b"", {"Location": blobs.presigned(key, entry["type"], disposition)})
    headers = {
        "Content-Type": entry["type"],
        "Content-Disposition": disposition,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(200, blobs.get(key), headers)


def _disposition(name: str, mimetype: str) -> str:
    """Safe media may show in a browser; everything else is saved."""
    kind = "inline" if mimetype.startswith(_INLINE_TYPES) else "attachment"
    plain = re.sub(r"[^\w .()-]|[^\x20-\x7e]", "_", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


_DATA = "/api/v2/assets/{asset}/data"
ROUTES = [
    Route("GET", _DATA, list_data),
    Route("GET", _DATA + "/{id}", get_submission),
    Route("GET", _DATA + "/{id}/attachments", list_attachments),
    Route("GET", _DATA + "/{id}/attachments/{attachment}", get_attachment),
    Route("GET", _DATA + "/{id}/attachments/{attachment}/{size}", get_attachment),
]
