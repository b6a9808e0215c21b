"""``…/data/``: submissions read back (contract data §1, §3, §4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from formrelay import clock, permissions, selection
from formrelay.api import data_parameters
from formrelay.api.about import PAGING, SUBMISSIONS, About, Page, Query
from formrelay.api.data_lists import ALWAYS, data_list
from formrelay.api.http import XML, Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import ApiError, detail, not_found
from formrelay.ids import MAX_SUBMISSION_ID
from formrelay.openrosa import instance_ids, readback
from formrelay.query import QueryError
from formrelay.selection import Row, Selection, SlowError
from formrelay.sorting import SortError
from formrelay.storage import assets, submissions
from formrelay.storage.assets import Project
from formrelay.storage.table import Item

# Seconds that the rows of a list may take to be read; the gateway waits for 30.
PATIENCE = 22.0
_TOO_SLOW = "There are too many submissions to read them all in one request. Narrow it by `_id` or `_submission_time`."


def selected(
    ctx: Context,
    asset: str,
    query: Any = None,
    *,
    codename: str = permissions.VIEW,
    chosen: Sequence[int] | None = None,
) -> tuple[Project, Selection]:
    """The project, and of its submissions those that match the query (parsed JSON), are among the chosen ids, and on
    which the caller holds the right.

    Raises ApiError: 404, 403 or 401 (contract data §2), 400 before a deployment or for a query that cannot be.
    """
    project = assets.project(asset)
    rows = permissions.rows(ctx.caller, project, codename)
    if project is None or not project.is_deployed:
        raise detail(400, "The specified asset has not been deployed")
    try:
        return project, selection.of(asset, ctx.base_url, query, rows.query, chosen=chosen)
    except QueryError:
        raise data_parameters.refused_query() from None


def list_data(ctx: Context, asset: str) -> Response:
    data_parameters.refuse_count(ctx.request)
    start, limit = data_parameters.window(ctx.request)
    order = data_parameters.order(ctx.request)
    project, rows = selected(ctx, asset, data_parameters.query(ctx.request))
    rows = replace(rows, ends=clock.now() + PATIENCE)
    shown = data_list(ctx.request, project, start, limit)
    try:
        if order.key:
            count = rows.visit_sorted(start, limit, shown.take, order.key)
        else:
            count = rows.visit(start, limit, shown.take, forward=order.forward)
    except QueryError:
        raise data_parameters.refused_query() from None
    except SortError as error:
        raise data_parameters.refused_sort(error) from None
    except SlowError:
        raise ApiError(400, {"query": _TOO_SLOW}) from None
    return shown.answer(count)


def find(ctx: Context, asset: str, id_: str, query: Any = None) -> tuple[Project, Row]:
    """The submission with that ``_id``, root uuid or current uuid, if it is among those of :func:`selected`.

    Raises ApiError 404, 400 before a deployment or for a query that cannot be.
    """
    project, rows = selected(ctx, asset, query)
    item = locate(asset, id_)
    try:
        row = rows.row(item) if item else None
    except QueryError:
        raise data_parameters.refused_query() from None
    if row is None:
        raise not_found()
    return project, row


def locate(asset: str, id_: str) -> Item | None:
    """The submission with that ``_id``, root uuid or current uuid, whoever may see it."""
    return _by_id(asset, id_) if id_.isascii() and id_.isdigit() else _by_uuid(asset, instance_ids.bare(id_))


def _by_id(asset: str, digits: str) -> Item | None:
    sid = int(digits)  # a path parameter has at most 255 characters
    return submissions.get(asset, sid) if sid <= MAX_SUBMISSION_ID else None


def _by_uuid(asset: str, uuid: str) -> Item | None:
    guard = submissions.get_guard(asset, uuid)
    item = submissions.get(asset, guard.sid) if guard else None
    # Guards of earlier revisions stand, too, but name nothing that a client may ask for.
    return item if item and uuid in (item["root"], item["uuid"]) else None


def get_submission(ctx: Context, asset: str, id: str) -> Response:
    names = data_parameters.fields(ctx.request)
    _, row = find(ctx, asset, id, data_parameters.query(ctx.request))
    if ctx.request.format == "xml":
        return Response(200, readback.document(row.bodies.xml), {"Content-Type": XML})
    return json_response(row.record(None if names is None else {*names, *ALWAYS}))


def refuse_post(ctx: Context, asset: str) -> Response:
    """Submissions go to ``/submission``: 405, 403 for who may only read, 404 for who may not (submissions §1)."""
    permissions.require(ctx.caller, assets.project(asset), permissions.ADD)
    raise ApiError(405, {"detail": 'Method "POST" not allowed.'}, {"Allow": "GET"})


_DATA = "/api/v2/assets/{asset}/data"
_QUERY = Query("query", 'Which submissions, a JSON object: `{"age": {"$gte": "18"}}`.')
_FIELDS = Query("fields", "Keys wanted, a JSON array; not in XML.")
ROUTES = [
    Route(
        "GET",
        _DATA,
        list_data,
        formats=("json", "xml", "geojson"),
        about=About(
            "List the submissions of a project",
            SUBMISSIONS,
            {200: Page("Submission"), 302: None},
            (
                *PAGING,
                _FIELDS,
                _QUERY,
                Query("sort", 'Order of the rows, a JSON object: `{"_id": -1}`; not in XML.'),
                Query(
                    "geo_question_name",
                    "The question whose answers GeoJSON shows; the first one unless told.",
                ),
            ),
            errors=(400, 403),
            public=True,
        ),
    ),
    Route(
        "POST",
        _DATA,
        refuse_post,
        about=About("Refused: submissions go to `/submission`", SUBMISSIONS, {}, errors=(403, 405)),
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
            (_FIELDS, _QUERY),
            errors=(400, 403),
            public=True,
        ),
    ),
]
