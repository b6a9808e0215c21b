"""``/api/v2/project-ownership/invites/``: projects given to somebody else (contract permissions §5)."""

from __future__ import annotations

from typing import Any

from formrelay import clock, ids, ownership
from formrelay.api import fields, paging, sharing_fields
from formrelay.api.about import PAGING, PROJECTS, About, Body, Page, Query
from formrelay.api.http import Response, json_response, parse_json
from formrelay.api.router import Context, Route
from formrelay.errors import ApiError, invalid, not_found
from formrelay.storage import invites
from formrelay.storage.invites import FAILED
from formrelay.storage.table import Item

_GONE = "The project has been deleted, or belongs to somebody else."
_ANSWERS = (ownership.ACCEPTED, ownership.DECLINED, ownership.CANCELLED)


def list_invites(ctx: Context) -> Response:
    """Those that the caller sent and got, or only one kind."""
    mode, username = ctx.request.query.get("mode"), ctx.user.username
    found = invites.listed(username)
    if mode in ("sender", "recipient"):
        found = [invite for invite in found if invite[mode] == username]
    start, limit, rows = paging.page(ctx.request, found)
    results = [_shown(ctx, invite) for invite in rows]
    return json_response(paging.envelope(ctx.request, len(found), results, start, limit))


def create_invite(ctx: Context) -> Response:
    user, data = ctx.user, ctx.request.data()
    missing = {name: ["This field is required."] for name in ("recipient", "assets") if name not in data}
    if missing:
        raise ApiError(400, missing)
    recipient = sharing_fields.username(data["recipient"], "recipient")
    made = ownership.invite(user, recipient, _assets(data["assets"]), f"{ctx.base_url}/#/offers")
    shown = _shown(ctx, made)
    return json_response(shown, 201, {"Location": shown["url"]})


def _assets(value: Any) -> list[str]:
    if isinstance(value, str):  # of a form
        try:
            value = parse_json(value)
        except ApiError:
            raise invalid("assets", "Unable to parse JSON") from None
    if not isinstance(value, list) or not value or not all(isinstance(uid, str) for uid in value):
        raise invalid("assets", "Expected a list of items.")
    if len(value) > ownership.MAX_ASSETS:
        raise invalid("assets", f"Ensure this list has no more than {ownership.MAX_ASSETS} items.")
    return list(dict.fromkeys(value))


def _found(ctx: Context, uid: str) -> Item:
    """The invite, for the two whom it is about."""
    found = invites.get(uid) if ids.is_uid(uid, "poi") else None
    if found is None or ctx.user.username not in (found["sender"], found["recipient"]):
        raise not_found()
    return found


def get_invite(ctx: Context, invite: str) -> Response:
    return json_response(_shown(ctx, _found(ctx, invite)))


def patch_invite(ctx: Context, invite: str) -> Response:
    _found(ctx, invite)
    status = fields.choice(ctx.request.data(), "status", _ANSWERS)
    if status is None:
        raise invalid("status", "This field is required.")
    return json_response(_shown(ctx, ownership.answer(ctx.user, invite, status)))


def get_transfer(ctx: Context, invite: str, transfer: str) -> Response:
    found = _found(ctx, invite)
    for one in found["transfers"]:
        if one["uid"] == transfer:
            return json_response(_transfer(ctx, found, one))
    raise not_found()


def _shown(ctx: Context, invite: Item) -> dict[str, Any]:
    return {
        "url": url(ctx, invite["uid"]),
        "sender": f"{ctx.api}/users/{invite['sender']}/",
        "recipient": f"{ctx.api}/users/{invite['recipient']}/",
        "status": ownership.status_of(invite),
        "date_created": clock.iso_seconds(invite["created"]),
        "date_modified": clock.iso_seconds(invite["modified"]),
        "transfers": [_transfer(ctx, invite, transfer) for transfer in invite["transfers"]],
    }


def _transfer(ctx: Context, invite: Item, transfer: Item) -> dict[str, Any]:
    return {
        "url": f"{url(ctx, invite['uid'])}transfers/{transfer['uid']}/",
        "asset": f"{ctx.api}/assets/{transfer['asset']}/",
        "asset__name": transfer["name"],
        "status": transfer["status"],
        "error": _GONE if transfer["status"] == FAILED else None,
        "date_modified": clock.iso_seconds(transfer["modified"]),
    }


def url(ctx: Context, invite: str) -> str:
    return f"{ctx.api}/project-ownership/invites/{invite}/"


_INVITES = "/api/v2/project-ownership/invites"
_EXAMPLE = {"recipient": "https://kf.example.org/api/v2/users/bob/", "assets": ["aBX3kq7WmTz9fJhLr2YcVn"]}
ROUTES = [
    Route(
        "GET",
        _INVITES,
        list_invites,
        about=About(
            "List the invites to take over projects, sent and got",
            PROJECTS,
            {200: Page("Invite")},
            (*PAGING, Query("mode", "`sender` or `recipient`: only those that the caller sent or got.")),
        ),
    ),
    Route(
        "POST",
        _INVITES,
        create_invite,
        about=About(
            "Offer projects to another user",
            PROJECTS,
            {201: "Invite"},
            body=Body("NewInvite", _EXAMPLE, required=True),
        ),
    ),
    Route(
        "GET",
        _INVITES + "/{invite}",
        get_invite,
        about=About("Read an invite", PROJECTS, {200: "Invite"}),
    ),
    Route(
        "PATCH",
        _INVITES + "/{invite}",
        patch_invite,
        about=About(
            "Accept or decline an invite, or cancel one's own",
            PROJECTS,
            {200: "Invite"},
            body=Body("InviteAnswer", {"status": "accepted"}, required=True),
            errors=(403,),
        ),
    ),
    Route(
        "GET",
        _INVITES + "/{invite}/transfers/{transfer}",
        get_transfer,
        about=About("Read what became of one project of an invite", PROJECTS, {200: "Transfer"}),
    ),
]
