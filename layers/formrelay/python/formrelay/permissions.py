"""Who may do what: one function decides every access (contract permissions-and-activity §1)."""

from __future__ import annotations

from formrelay.auth import ANONYMOUS, Caller
from formrelay.errors import forbidden, not_found, unauthenticated
from formrelay.storage.assets import Project

VIEW_ASSET = "view_asset"
CHANGE_ASSET = "change_asset"
MANAGE_ASSET = "manage_asset"
ADD = "add_submissions"
VIEW = "view_submissions"
CHANGE = "change_submissions"
DELETE = "delete_submissions"
VALIDATE = "validate_submissions"

OWNER_RIGHTS = (ADD, CHANGE_ASSET, CHANGE, DELETE, MANAGE_ASSET, VALIDATE, VIEW_ASSET, VIEW)

LABELS = {
    ADD: "Add submissions",
    CHANGE_ASSET: "Edit form",
    CHANGE: "Edit submissions",
    DELETE: "Delete submissions",
    MANAGE_ASSET: "Manage project",
    VALIDATE: "Validate submissions",
    VIEW_ASSET: "View form",
    VIEW: "View submissions",
}


def allowed(caller: Caller | None, project: Project, codename: str) -> bool:
    """Whether the caller holds the right on the project: as owner, superuser, by a grant, or as anybody.

    Stored grants hold what they imply.
    """
    if caller is not None and (caller.superuser or caller.username == project.owner):
        return True
    names = [ANONYMOUS] if caller is None else [caller.username, ANONYMOUS]
    return any(granted(name, project, codename) for name in names)


def granted(username: str, project: Project, codename: str) -> bool:
    """Whether somebody gave that user (or AnonymousUser) the right."""
    return codename in project.rights.get(username, {}).get("codenames", ())


def require(caller: Caller | None, project: Project | None, codename: str) -> Project:
    """The project, if the caller holds the right.

    Raises 404 when there is none or the caller may not even view it, else 403 (401 for anonymous).
    """
    if project is None or not allowed(caller, project, VIEW_ASSET):
        raise not_found()
    if not allowed(caller, project, codename):
        if codename == VIEW:
            raise not_found()
        raise forbidden() if caller else unauthenticated()
    return project


def require_hooks(caller: Caller | None, project: Project | None) -> Project:
    """The project, if the caller may see and change its hooks: 404 otherwise (contract rest-services §4)."""
    if (
        project is None
        or caller is None
        or not all(allowed(caller, project, c) for c in (CHANGE_ASSET, VIEW))
    ):
        raise not_found()
    return project
