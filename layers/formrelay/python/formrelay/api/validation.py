"""Validation statuses of submissions, one or many (contract data §6)."""

from __future__ import annotations

from typing import Any

from formrelay import clock, permissions
from formrelay.api import changing, data, payloads
from formrelay.api.about import SUBMISSIONS, About, Body
from formrelay.api.http import Response, json_response, no_content
from formrelay.api.router import Context, Route
from formrelay.changes import validations
from formrelay.errors import ApiError, detail, not_found
from formrelay.storage import jobs
from formrelay.storage.table import Item

_UID = "validation_status.uid"


def get_status(ctx: Context, asset: str, id: str) -> Response:
    _, row = data.find(ctx, asset, id)
    return json_response(row["_validation_status"])


def set_status(ctx: Context, asset: str, id: str) -> Response:
    asked, item = changing.target(ctx, asset, id, permissions.VALIDATE)
    status = _status(ctx, ctx.request.data().get(_UID), lambda text: detail(400, text))
    if not validations.validate(asked, item, status):
        raise not_found()
    return json_response(status)


def clear_status(ctx: Context, asset: str, id: str) -> Response:
    asked, item = changing.target(ctx, asset, id, permissions.VALIDATE)
    if not validations.validate(asked, item, None):
        raise not_found()
    return no_content()


def set_many(ctx: Context, asset: str) -> Response:
    """Gives all that ids or a query choose one status."""
    return _change_many(ctx, asset, clear=False)


def clear_many(ctx: Context, asset: str) -> Response:
    """Takes the status of all that ids or a query choose, whichever the payload names."""
    return _change_many(ctx, asset, clear=True)


def _change_many(ctx: Context, asset: str, *, clear: bool) -> Response:
    grant = changing.granted(ctx, asset, permissions.VALIDATE)
    payload = payloads.fields(ctx.request)
    meant = payloads.meant(payload)
    if _UID not in payload:
        raise payloads.wrong(f"`{_UID}` is required")
    status = None if clear else _status(ctx, payload[_UID], payloads.wrong)
    count = changing.run_exactly(grant, jobs.VALIDATE, {"status": status}, meant)
    return json_response({"detail": f"{count} submissions have been updated"})


def _status(ctx: Context, uid: Any, refused: Any) -> Item:
    """The status object that the caller gives. Raises what ``refused`` makes of the reason."""
    if not isinstance(uid, str) or uid not in validations.LABELS:
        error: ApiError = refused(f"Invalid validation status: `{str(uid)[:100]}`")
        raise error
    return validations.status(uid, ctx.user.username, clock.now_ms())


_DATA = "/api/v2/assets/{asset}/data"
_ONE, _MANY = _DATA + "/{id}/validation_status", _DATA + "/validation_statuses"
_EXAMPLE = {_UID: "validation_status_approved"}
_CHOSEN = {"payload": {"submission_ids": [17], **_EXAMPLE}}
ROUTES = [
    Route(
        "GET",
        _ONE,
        get_status,
        about=About(
            "Read the validation status of a submission",
            SUBMISSIONS,
            {200: "ValidationStatus"},
            errors=(400,),
            public=True,
        ),
    ),
    Route(
        "PATCH",
        _ONE,
        set_status,
        about=About(
            "Validate a submission",
            SUBMISSIONS,
            {200: "ValidationStatus"},
            body=Body("ValidationChoice", _EXAMPLE, required=True),
            errors=(403,),
        ),
    ),
    Route(
        "DELETE",
        _ONE,
        clear_status,
        about=About(
            "Clear the validation status of a submission", SUBMISSIONS, {204: None}, errors=(400, 403)
        ),
    ),
    Route(
        "PATCH",
        _MANY,
        set_many,
        about=About(
            "Validate many submissions",
            SUBMISSIONS,
            {200: "ChangedSubmissions"},
            body=Body("ChosenSubmissions", _CHOSEN, required=True),
            errors=(403,),
        ),
    ),
    Route(
        "DELETE",
        _MANY,
        clear_many,
        about=About(
            "Clear the validation status of many submissions",
            SUBMISSIONS,
            {200: "ChangedSubmissions"},
            body=Body("ChosenSubmissions", {"payload": {"submission_ids": [17], _UID: None}}, required=True),
            errors=(403,),
        ),
    ),
]
