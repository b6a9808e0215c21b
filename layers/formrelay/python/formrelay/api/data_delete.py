"""Deleting submissions, one or many (contract data §5)."""

from __future__ import annotations

from formrelay import permissions
from formrelay.api import changing, payloads
from formrelay.api.about import SUBMISSIONS, About, Body
from formrelay.api.http import Response, json_response, no_content
from formrelay.api.router import Context, Route
from formrelay.changes import deletions
from formrelay.storage import jobs


def delete_submission(ctx: Context, asset: str, id: str) -> Response:
    asked, item = changing.target(ctx, asset, id, permissions.DELETE)
    deletions.delete(asked, [item])
    return no_content()


def delete_many(ctx: Context, asset: str) -> Response:
    """Deletes what ids or a query choose; everything only when the caller confirms that."""
    grant = changing.granted(ctx, asset, permissions.DELETE)
    meant = payloads.meant(payloads.fields(ctx.request))
    count = changing.run_exactly(grant, jobs.DELETE, {}, meant)
    return json_response({"detail": f"{count} submissions have been deleted"})


_DATA = "/api/v2/assets/{asset}/data"
ROUTES = [
    Route(
        "DELETE",
        _DATA + "/{id}",
        delete_submission,
        about=About("Delete a submission", SUBMISSIONS, {204: None}, errors=(400, 403)),
    ),
    Route(
        "DELETE",
        _DATA + "/bulk",
        delete_many,
        about=About(
            "Delete many submissions",
            SUBMISSIONS,
            {200: "ChangedSubmissions"},
            body=Body("ChosenSubmissions", {"payload": {"submission_ids": [17]}}, required=True),
            errors=(403,),
        ),
    ),
]
