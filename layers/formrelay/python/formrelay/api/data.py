"""``…/data/``: submissions read back (contract data §1, §3, §4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from formrelay import permissions, records
from formrelay.api import data_parameters, paging
from formrelay.api.about import PAGING, SUBMISSIONS, About, Page, Query
from formrelay.api.http import XML, XML_DECLARATION, Request, Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import detail, not_found
from formrelay.ids import MAX_SUBMISSION_ID
from formrelay.openrosa import markup, readback
from formrelay.openrosa.instance import bare_uuid
from formrelay.storage import assets, submissions
from formrelay.storage.assets import Project
from formrelay.storage.table import Item

_ALWAYS = ("_id", "_uuid", "meta/rootUuid", "_validation_status")


def readable(ctx: Context, asset: str) -> Project:
    """The project, if the caller may see its submissions. Raises ApiError 404, 400 before a deployment."""
    project = permissions.require(ctx.caller, assets.project(asset), permissions.VIEW)
    if not project.is_deployed:
        raise detail(400, "The specified asset has not been deployed")
    return project


def list_data(ctx: Context, asset: str) -> Response:
    project = readable(ctx, asset)
    start, limit = data_parameters.window(ctx.request)
    names, forward = data_parameters.fields(ctx.request), data_parameters.forward(ctx.request)
    data_parameters.refuse_query(ctx.request)
    count = submissions.count(asset)
    items = _rows(asset, start, limit, forward) if start < count else []
    if ctx.request.format == "xml":
        return _xml_list(ctx.request, count, start, limit, items)
    rows = [_chosen(_record(ctx, project, item), names) for item in items]
    return json_response(paging.envelope(ctx.request, count, rows, start, limit))


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
    links = "".join(f"<{name}>{markup.text(str(frame[name]))}</{name}>" for name in ("next", "previous"))
    elements = (readback.element(submissions.unpack(item).xml) for item in items)
    head = f"{XML_DECLARATION}<root><count>{count}</count>{links}<results>".encode()
    return Response(200, head + b"".join(elements) + b"</results></root>", {"Content-Type": XML})


def find(ctx: Context, asset: str, id_: str) -> tuple[Project, Item]:
    """The submission with that ``_id``, root uuid or current uuid. Raises ApiError 404."""
    project = readable(ctx, asset)
    item = _by_id(asset, id_) if id_.isascii() and id_.isdigit() else _by_uuid(asset, bare_uuid(id_))
    if item is None:
        raise not_found()
    return project, item


def _by_id(asset: str, digits: str) -> Item | None:
    sid = int(digits)  # a path parameter has at most 255 characters
    return submissions.get(asset, sid) if sid <= MAX_SUBMISSION_ID else None


def _by_uuid(asset: str, uuid: str) -> Item | None:
    guard = submissions.get_guard(asset, uuid)
    item = submissions.get(asset, guard.sid) if guard else None
    # Guards of earlier revisions stand, too, but name nothing that a client may ask for.
    return item if item and uuid in (item["root"], item["uuid"]) else None


def get_submission(ctx: Context, asset: str, id: str) -> Response:
    project, item = find(ctx, asset, id)
    if ctx.request.format == "xml":
        return Response(200, readback.document(submissions.unpack(item).xml), {"Content-Type": XML})
    return json_response(_chosen(_record(ctx, project, item), data_parameters.fields(ctx.request)))


_DATA = "/api/v2/assets/{asset}/data"
_FIELDS = Query("fields", "Keys wanted, a JSON array; not in XML.")
ROUTES = [
    Route(
        "GET",
        _DATA,
        list_data,
        formats=("json", "xml"),
        about=About(
            "List the submissions of a project",
            SUBMISSIONS,
            {200: Page("Submission"), 302: None},
            (
                *PAGING,
                _FIELDS,
                Query("sort", 'Order of the rows, a JSON object: `{"_id": -1}`; not in XML.'),
                Query("query", "Empty, or an empty JSON object."),
            ),
            errors=(400, 403),
            public=True,
        ),
    ),
    Route(
        "GET",
        _DATA + "/{id}",
        get_submission,
        formats=("json", "xml"),
        about=About(
            "Read a submission",
            SUBMISSIONS,
            {200: "Submission", 302: None},
            (_FIELDS,),
            errors=(400, 403),
            public=True,
        ),
    ),
]
