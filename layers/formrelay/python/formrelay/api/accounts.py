"""``/token/`` and ``/me/`` (contract accounts §2, §3)."""

from __future__ import annotations

import hashlib
from typing import Any

from formrelay import accounts, auth, clock
from formrelay.accounts import Change
from formrelay.api import fields
from formrelay.api.about import ACCOUNTS, About, Body, Query
from formrelay.api.http import Response, json_response, no_content
from formrelay.api.router import Context, Route
from formrelay.errors import forbidden, invalid, not_found
from formrelay.storage import accounts as stored
from formrelay.storage.table import Item

_DETAILS = ("name", "organization", "website", "sector", "country", "city", "bio", "twitter", "linkedin")
_MAX_NAME = 150
_REQUIRED = "This field is required."


def _holder(ctx: Context) -> str:
    """Whose key it is about: the caller's, or for superusers that of ``?username=``. Raises 403, 404."""
    wanted = ctx.request.query.get("username") or ctx.user.username
    if wanted == ctx.user.username:
        return wanted
    if not ctx.user.superuser:
        raise forbidden()
    return wanted


def get_token(ctx: Context) -> Response:
    """The one key; made if there is none."""
    key, _ = accounts.ensure_key(_holder(ctx))
    return json_response({"token": key})


def post_token(ctx: Context) -> Response:
    key, created = accounts.ensure_key(_holder(ctx))
    return json_response({"token": key}, 201 if created else 200)


def delete_token(ctx: Context) -> Response:
    """The first half of "regenerate": the old key is refused from now on."""
    if not accounts.drop_key(_holder(ctx)):
        raise not_found()
    return no_content()


def _account(ctx: Context) -> Item:
    account = stored.get_account(ctx.user.username)
    if account is None:
        raise not_found()
    return account


def get_me(ctx: Context) -> Response:
    return json_response(_shown(ctx, _account(ctx)))


def patch_me(ctx: Context) -> Response:
    """Changes what an account says of its owner, and its password; everything else that is sent means nothing."""
    data = ctx.request.data()
    account = _account(ctx)
    password = _new_password(ctx, data, account)
    wanted = Change(
        password=password,
        first_name=fields.text(data, "first_name", max_length=_MAX_NAME),
        last_name=fields.text(data, "last_name", max_length=_MAX_NAME),
        details=fields.json_object(data, "extra_details"),
    )
    seen = account["password"] if password is not None else None
    return json_response(_shown(ctx, accounts.change(ctx.user.username, wanted, seen_password=seen)))


def _new_password(ctx: Context, data: dict[str, Any], account: Item) -> str | None:
    """The password that is to be set, if any. Raises ApiError 400, and 429 after too many wrong ones."""
    current, new = fields.secret(data, "current_password"), fields.secret(data, "new_password")
    if current is None and new is None:
        return None
    if current is None:
        raise invalid("current_password", _REQUIRED)
    if new is None:
        raise invalid("new_password", _REQUIRED)
    accounts.check_password("new_password", new)
    if not auth.is_password(account["username"], current, account["password"], ctx.request.address):
        raise invalid("current_password", "Incorrect current password.")
    return new


def _shown(ctx: Context, account: Item) -> dict[str, Any]:
    email, now = account["email"], clock.now_ms()
    md5 = hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()
    details: dict[str, Any] = dict.fromkeys(_DETAILS, "") | account["details"]
    return {
        "username": account["username"],
        "first_name": account.get("first_name", ""),
        "last_name": account.get("last_name", ""),
        "email": email,
        "is_superuser": account["superuser"],
        "server_time": clock.iso_seconds(now),
        "date_joined": clock.iso_seconds(account["created"]),
        "projects_url": f"{ctx.base_url}/{account['username']}",
        "gravatar": f"https://www.gravatar.com/avatar/{md5}?s=40",
        "last_login": clock.iso_micro(stored.row(account["username"]).get("last_login", now)),
        "extra_details": {**details, "require_auth": True},
        "git_rev": False,
        "social_accounts": [],
        "validated_password": True,
        "accepted_tos": True,
        "organization": {},
        "extra_details__uid": account["uid"],
    }


_OTHER = (Query("username", "Somebody else's, for superusers."),)
ROUTES = [
    Route(
        "GET",
        "/token",
        get_token,
        about=About(
            "The API key of the caller; made if there is none",
            ACCOUNTS,
            {200: "Token"},
            _OTHER,
            errors=(403, 409),
        ),
    ),
    Route(
        "POST",
        "/token",
        post_token,
        about=About(
            "The API key of the caller, 201 if it was made",
            ACCOUNTS,
            {200: "Token", 201: "Token"},
            _OTHER,
            errors=(403, 409),
        ),
    ),
    Route(
        "DELETE",
        "/token",
        delete_token,
        about=About("Revoke the API key at once", ACCOUNTS, {204: None}, _OTHER, errors=(403,)),
    ),
    Route("GET", "/me", get_me, about=About("The account of the caller", ACCOUNTS, {200: "Me"})),
    Route(
        "PATCH",
        "/me",
        patch_me,
        about=About(
            "Change what the account says of its owner, or its password",
            ACCOUNTS,
            {200: "Me"},
            body=Body("MeChange", {"extra_details": {"organization": "Water Trust", "language": "fr"}}),
            text="`extra_details` are merged key by key; `language` in them is that of mails. "
            "A password needs `current_password` and `new_password`.",
        ),
    ),
]
