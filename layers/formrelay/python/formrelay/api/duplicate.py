"""``…/data/{id}/duplicate/``: the same answers and files as a submission of the caller (contract data §8)."""

from __future__ import annotations

from formrelay import admission, permissions, records
from formrelay.api import changing
from formrelay.api.about import SUBMISSIONS, About
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.changes import duplicates
from formrelay.errors import ApiError
from formrelay.openrosa.editing import EditError
from formrelay.openrosa.errors import OpenRosaError
from formrelay.storage import submissions


def duplicate(ctx: Context, asset: str, id: str) -> Response:
    asked, item = changing.target(ctx, asset, id, permissions.CHANGE)
    try:
        admission.check_owner(asked.project, ctx.user)
        made = duplicates.duplicate(asked, item)
    except OpenRosaError as error:
        raise ApiError(error.status, error.message) from None
    except EditError as error:
        raise ApiError(400, str(error)) from None
    record = records.record(made, submissions.unpack(made), asset=asked.asset, base_url=ctx.base_url)
    return json_response(record, 201)


ROUTES = [
    Route(
        "POST",
        "/api/v2/assets/{asset}/data/{id}/duplicate",
        duplicate,
        about=About(
            "Duplicate a submission", SUBMISSIONS, {201: "Submission", 302: None}, errors=(400, 403, 405)
        ),
    )
]
