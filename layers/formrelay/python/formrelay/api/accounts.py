"""``/token/``, ``/me/`` and ``/api/v2/users/{username}/`` (contract accounts §2–§4)."""

from __future__ import annotations

import hashlib
from typing import Any

from formrelay import accounts, clock
from formrelay.api.about import ACCOUNTS, About
from formrelay.api.http import Response, json_response, no_content
from formrelay.api.router import Context, Route
from formrelay.errors import not_found
from formrelay.storage import accounts as stored
from formrelay.storage.table import Item

_DETAILS = ("name", "organization", "website", "sector", "country", "city", "bio", "twitter", "linkedin")


def _account(ctx: Context) -> Item:
    account = stored.get_account(ctx.user.username)
    if account is None:
        raise not_found()
    return account


def get_token(ctx: Context) -> Response:
    """The caller's one key; made if there is none."""
    key, _ = accounts.ensure_key(ctx.user.username)
    return json_response({"token": key})


def post_token(ctx: Context) -> Response:
    key, created = accounts.ensure_key(ctx.user.username)
    return json_response({"token": key}, 201 if created else 200)


def delete_token(ctx: Context) -> Response:
    """The first half of "regenerate": the old key is refused from now on."""
    if not accounts.drop_key(ctx.user.username):
        raise not_found()
    return no_content()


def get_me(ctx: Context) -> Response:
    account = _account(ctx)
    email = account["email"]
    md5 = hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()
    details: dict[str, Any] = dict.fromkeys(_DETAILS, "") | account["details"]
    return json_response(
        {
            "username": account["username"],
            "first_name": "",
            "last_name": "",
            "email": email,
            "is_superuser": account["superuser"],
            "server_time": clock.iso_seconds(clock.now_ms()),
            "date_joined": clock.iso_seconds(account["created"]),
            "projects_url": f"{ctx.base_url}/{account['username']}",
            "gravatar": f"https://www.gravatar.com/avatar/{md5}?s=40",
            "last_login": clock.iso_micro(clock.now_ms()),
            "extra_details": {**details, "require_auth": True},
            "git_rev": False,
            "social_accounts": [],
            "validated_password": True,
            "accepted_tos": True,
            "organization": {},
            "extra_details__uid": account["uid"],
        }
    )


def get_user(ctx: Context, username: str) -> Response:
    """Whether somebody of that name exists."""
    ctx.user  # noqa: B018 - raises for anonymous
    account = stored.get_account(username)
    if account is None or not account["active"]:
        raise not_found()
    return json_response(
        {
            "url": f"{ctx.api}/users/{account['username']}/",
            "username": account["username"],
            "date_joined": clock.iso_seconds(account["created"]),
            "public_collection_subscribers_count": 0,
            "public_collections_count": 0,
        }
    )


ROUTES = [
    Route(
        "GET",
        "/token",
        get_token,
        about=About("The API key of the caller; made if there is none", ACCOUNTS, {200: "Token"}),
    ),
    Route(
        "POST",
        "/token",
        post_token,
        about=About("The API key of the caller, 201 if it was made", ACCOUNTS, {200: "Token", 201: "Token"}),
    ),
    Route(
        "DELETE",
        "/token",
        delete_token,
        about=About("Revoke the API key at once", ACCOUNTS, {204: None}),
    ),
    Route("GET", "/me", get_me, about=About("The account of the caller", ACCOUNTS, {200: "Me"})),
    Route(
        "GET",
        "/api/v2/users/{username}",
        get_user,
        about=About("Whether there is a user of that name", ACCOUNTS, {200: "User"}),
    ),
]
