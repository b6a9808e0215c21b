"""``/api/v2/users/``: who there is (contract accounts §4); superusers also make, change and delete accounts."""

from __future__ import annotations

from typing import Any

from formrelay import accounts, clock
from formrelay.accounts import Change
from formrelay.api import fields, paging, searching
from formrelay.api.about import ACCOUNTS, PAGING, About, Body, Page, Query
from formrelay.api.http import Response, json_response, no_content
from formrelay.api.router import Context, Route
from formrelay.errors import detail, forbidden, invalid, not_found
from formrelay.storage import accounts as stored
from formrelay.storage import listings
from formrelay.storage.table import Item
from formrelay.usernames import ANONYMOUS

_ROOTS = ("username", "is_active", "is_superuser", "email", "date_joined", "last_login", "extra_details")


def _require_superuser(ctx: Context) -> None:
    if not ctx.user.superuser:
        raise forbidden()


def list_users(ctx: Context) -> Response:
    _require_superuser(ctx)
    search = searching.asked(ctx.request, roots=_ROOTS, words=("username",))
    rows = list(stored.directory())
    if search is not None:
        rows = [row for row in rows if search.matches(_searched(row))]
    start, limit, shown = paging.page(ctx.request, rows)
    return json_response(
        paging.envelope(ctx.request, len(rows), [_listed(row) for row in shown], start, limit)
    )


def _searched(row: Item) -> dict[str, Any]:
    return {**_facts(row), "extra_details": {"data": row["details"], "uid": row["uid"]}}


def _facts(row: Item) -> dict[str, Any]:
    seen = row.get("last_login")
    return {
        "id": row["id"],
        "username": row["username"],
        "is_superuser": row["superuser"],
        "date_joined": clock.iso_seconds(row["created"]),
        "last_login": clock.iso_seconds(seen) if seen else None,
        "is_active": row["active"],
        "email": row["email"],
    }


def _listed(row: Item) -> dict[str, Any]:
    """An account as superusers see it."""
    return {**_facts(row), "asset_count": listings.owned(row["username"]), "metadata": row["details"]}


def get_user(ctx: Context, username: str) -> Response:
    """Whether somebody of that name exists: an account, or who stands for everybody in assignments of rights."""
    ctx.user  # noqa: B018 - raises for anonymous
    account = stored.get_account(username)
    if username != ANONYMOUS and (account is None or not account["active"]):
        raise not_found()
    return json_response(
        {
            "url": f"{ctx.api}/users/{username}/",
            "username": username,
            "date_joined": clock.iso_seconds(account["created"]) if account else None,
            "public_collection_subscribers_count": 0,
            "public_collections_count": 0,
        }
    )


def create_user(ctx: Context) -> Response:
    """A new account, for superusers. Its key is theirs to ask for at ``/token/?username=``."""
    _require_superuser(ctx)
    data = ctx.request.data()
    username, password = fields.text(data, "username"), fields.secret(data, "password")
    for name, value in (("username", username), ("password", password)):
        if not value:
            raise invalid(name, "This field is required.")
    active = fields.flag(data, "is_active")
    made = accounts.create_account(
        username or "",
        password or "",
        fields.text(data, "email") or "",
        superuser=fields.flag(data, "is_superuser") or False,
        active=True if active is None else active,
        details=fields.json_object(data, "extra_details"),
    )
    if made is None:
        raise invalid("username", "A user with that username already exists.")
    headers = {"Location": f"{ctx.api}/users/{username}/"}
    return json_response(_listed(_existing(username or "")), 201, headers)


def _existing(username: str) -> Item:
    account = stored.get_account(username)
    if account is None:
        raise not_found()
    return {**stored.row(username), **account}


def patch_user(ctx: Context, username: str) -> Response:
    """Changes an account, for superusers; switching it off counts from the next request on."""
    _require_superuser(ctx)
    data = ctx.request.data()
    wanted = Change(
        email=fields.text(data, "email"),
        active=fields.flag(data, "is_active"),
        superuser=fields.flag(data, "is_superuser"),
        password=fields.secret(data, "password"),
        details=fields.json_object(data, "extra_details"),
    )
    if username == ctx.user.username and False in (wanted.active, wanted.superuser):
        raise detail(400, "Superusers cannot switch off their own account or take away their own rights.")
    accounts.change(username, wanted)
    return json_response(_listed(_existing(username)))


def delete_user(ctx: Context, username: str) -> Response:
    """Deletes an account, for superusers; refused while it owns projects."""
    _require_superuser(ctx)
    if username == ctx.user.username:
        raise detail(400, "Superusers cannot delete their own account.")
    accounts.delete(username)
    return no_content()


_USERS = "/api/v2/users"
_NEW = {"username": "bob", "password": "correct horse battery", "email": "bob@example.org"}
ROUTES = [
    Route(
        "GET",
        _USERS,
        list_users,
        about=About(
            "List the accounts, for superusers",
            ACCOUNTS,
            {200: Page("Account")},
            (*PAGING, Query("q", "Search: `ann`, `is_active:false`, `email__icontains:example.org`.")),
            errors=(400, 403),
        ),
    ),
    Route(
        "POST",
        _USERS,
        create_user,
        about=About(
            "Make an account, as a superuser",
            ACCOUNTS,
            {201: "Account"},
            body=Body("NewAccount", _NEW, required=True),
            errors=(403,),
        ),
    ),
    Route(
        "GET",
        _USERS + "/{username}",
        get_user,
        about=About("Whether somebody of that name exists", ACCOUNTS, {200: "User"}),
    ),
    Route(
        "PATCH",
        _USERS + "/{username}",
        patch_user,
        about=About(
            "Change an account, as a superuser",
            ACCOUNTS,
            {200: "Account"},
            body=Body("AccountChange", {"is_active": False}),
            errors=(403,),
            text="Switching it off revokes its key and its password at once.",
        ),
    ),
    Route(
        "DELETE",
        _USERS + "/{username}",
        delete_user,
        about=About("Delete an account that owns no project", ACCOUNTS, {204: None}, errors=(400, 403)),
    ),
]
