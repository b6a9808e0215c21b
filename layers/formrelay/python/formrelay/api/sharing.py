"""``…/permission-assignments/``: who may do what on a project (contract permissions §2, §3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from formrelay import permissions, sharing
from formrelay.api import fields, permission_shapes, sharing_fields
from formrelay.api.about import PROJECTS, About, Body, Many
from formrelay.api.http import Response, json_response, no_content
from formrelay.api.permission_shapes import Assignment
from formrelay.api.router import Context, Route
from formrelay.api.sharing_fields import Wanted
from formrelay.auth import Caller
from formrelay.errors import ApiError, detail, forbidden, invalid, not_found
from formrelay.rights import MANAGE_ASSET, VIEW_ASSET, Grants
from formrelay.storage import accounts, assets
from formrelay.storage.assets import Project
from formrelay.usernames import ANONYMOUS

Decision = Callable[[Project], Mapping[str, Grants]]


def _viewed(ctx: Context, asset: str) -> Project:
    return permissions.require(ctx.caller, assets.project(asset), VIEW_ASSET)


def _user(ctx: Context) -> Caller:
    """Who changes something; to anonymous, nothing here exists, however public the project is."""
    if ctx.caller is None:
        raise not_found()
    return ctx.caller


def _change(
    ctx: Context,
    asset: str,
    decide: Decision,
    *,
    codename: str = MANAGE_ASSET,
    cloned_from: str | None = None,
) -> Project:
    def load() -> Project:
        return permissions.require(ctx.caller, assets.project(asset), codename)

    return sharing.change(_user(ctx), load, decide, cloned_from=cloned_from)


def list_assignments(ctx: Context, asset: str) -> Response:
    return _list(ctx, _viewed(ctx, asset))


def _list(ctx: Context, project: Project) -> Response:
    return json_response(permission_shapes.assignments(ctx, project))


def create_assignment(ctx: Context, asset: str) -> Response:
    given: Wanted | None = None

    def decide(project: Project) -> dict[str, Grants]:
        nonlocal given
        given = sharing_fields.wanted(project, ctx.request.data())
        sharing.check_users([given.username])
        return {given.username: _with(sharing.held(project, given.username), given)}

    project = _change(ctx, asset, decide)
    row = next(
        row
        for row in permission_shapes.everything(project)
        if given and (row.username, row.codename) == (given.username, given.codename)
    )
    shown = permission_shapes.shown(ctx, project, row)
    return json_response(shown, 201, {"Location": shown["url"]})


def _with(held: Grants, given: Wanted) -> Grants:
    return held.given(given.codename, given.filters, to_anybody=given.username == ANONYMOUS)


def get_assignment(ctx: Context, asset: str, assignment: str) -> Response:
    project = _viewed(ctx, asset)
    return json_response(permission_shapes.shown(ctx, project, _found(ctx, project, assignment)))


def _found(ctx: Context, project: Project, uid: str) -> Assignment:
    for row in permission_shapes.visible(ctx, project):
        if row.uid == uid:
            return row
    raise not_found()


def delete_assignment(ctx: Context, asset: str, assignment: str) -> Response:
    def decide(project: Project) -> dict[str, Grants]:
        row = _found(ctx, project, assignment)
        _check_removal(ctx, project, row.username)
        held = sharing.held(project, row.username)
        return {row.username: held.taken(row.codename, from_anybody=row.username == ANONYMOUS)}

    _change(ctx, asset, decide, codename=VIEW_ASSET)
    return no_content()


def _check_removal(ctx: Context, project: Project, username: str) -> None:
    """Everybody may leave; others are for those who manage the project to remove."""
    own = ctx.caller is not None and ctx.caller.username == username
    if not own and not permissions.allowed(ctx.caller, project, MANAGE_ASSET):
        raise forbidden()
    if username == project.owner:
        raise detail(409, "Owner's permissions cannot be deleted")


def replace_assignments(ctx: Context, asset: str) -> Response:
    """Instead of all that others than the owner hold."""

    def decide(project: Project) -> dict[str, Grants]:
        given = [
            sharing_fields.wanted(project, item, bulk=True) for item in sharing_fields.items(ctx.request)
        ]
        grants: dict[str, Grants] = {}
        for one in given:
            grants[one.username] = _with(grants.get(one.username, Grants()), one)
        sharing.check_users(grants)
        return sharing.instead(project, grants)

    return _list(ctx, _change(ctx, asset, decide))


def delete_assignments(ctx: Context, asset: str) -> Response:
    """All rights of one user."""

    def decide(project: Project) -> dict[str, Grants]:
        username = fields.text(ctx.request.data(), "username")
        if not username:
            raise ApiError(400, {"username": "This field is required"})
        _check_removal(ctx, project, username)
        if username not in project.rights and accounts.get_account(username) is None:
            raise not_found()
        return {username: Grants()}

    _change(ctx, asset, decide, codename=VIEW_ASSET)
    return no_content()


def clone_assignments(ctx: Context, asset: str) -> Response:
    """The team of another project instead of this one's."""
    permissions.require(_user(ctx), assets.project(asset), MANAGE_ASSET)
    uid = fields.text(ctx.request.data(), "clone_from")
    if not uid:
        raise invalid("clone_from", "This field is required.")
    source = permissions.require(ctx.caller, assets.project(uid), VIEW_ASSET)

    def decide(project: Project) -> dict[str, Grants]:
        return sharing.instead(project, sharing.copied(source, project))

    return _list(ctx, _change(ctx, asset, decide, cloned_from=uid))


_ASSIGNMENTS = "/api/v2/assets/{asset}/permission-assignments"
_EXAMPLE = {
    "user": "https://kf.example.org/api/v2/users/bob/",
    "permission": "https://kf.example.org/api/v2/permissions/view_submissions/",
}
ROUTES = [
    Route(
        "GET",
        _ASSIGNMENTS,
        list_assignments,
        about=About("List who may do what", PROJECTS, {200: Many("Assignment")}, public=True),
    ),
    Route(
        "POST",
        _ASSIGNMENTS,
        create_assignment,
        about=About(
            "Give a user a right, with what it implies",
            PROJECTS,
            {201: "Assignment"},
            body=Body("NewAssignment", _EXAMPLE, required=True),
            errors=(403,),
        ),
    ),
    Route(
        "POST",
        _ASSIGNMENTS + "/bulk",
        replace_assignments,
        about=About(
            "Replace all rights that were given",
            PROJECTS,
            {200: Many("Assignment")},
            body=Body("NewAssignments", [_EXAMPLE], required=True, types=("application/json",)),
            errors=(403,),
        ),
    ),
    Route(
        "DELETE",
        _ASSIGNMENTS + "/bulk",
        delete_assignments,
        about=About(
            "Take all rights of a user",
            PROJECTS,
            {204: None},
            body=Body("AssignmentsOfUser", {"username": "bob"}, required=True),
            errors=(403, 409),
        ),
    ),
    Route(
        "PATCH",
        _ASSIGNMENTS + "/clone",
        clone_assignments,
        about=About(
            "Give the rights that another project's users have there",
            PROJECTS,
            {200: Many("Assignment")},
            body=Body("AssignmentsFrom", {"clone_from": "aBX3kq7WmTz9fJhLr2YcVn"}, required=True),
            errors=(403,),
        ),
    ),
    Route(
        "GET",
        _ASSIGNMENTS + "/{assignment}",
        get_assignment,
        about=About("Read one assignment", PROJECTS, {200: "Assignment"}, public=True),
    ),
    Route(
        "DELETE",
        _ASSIGNMENTS + "/{assignment}",
        delete_assignment,
        about=About("Take a right, with those that imply it", PROJECTS, {204: None}, errors=(403, 409)),
    ),
]
