"""Rights and their assignments as the API shows them (contract permissions §1.1, §2, §3)."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any

from formrelay import ids, permissions, rights
from formrelay.api.router import Context
from formrelay.auth import ANONYMOUS
from formrelay.storage.assets import Project

_OF_FORMS = {rights.VIEW_ASSET: "View", rights.CHANGE_ASSET: "Edit", rights.MANAGE_ASSET: "Manage"}
_OF_DATA = {
    rights.ADD: "Add submissions",
    rights.CHANGE: "Edit submissions",
    rights.DELETE: "Delete submissions",
    rights.VALIDATE: "Validate submissions",
    rights.VIEW: "View submissions",
}
_PARTIAL = {
    "default": "Act on submissions only from specific users",
    **{name: f"{_OF_DATA[name]} only from specific users" for name in rights.ROW_LEVEL},
}


@dataclass(frozen=True)
class Assignment:
    """One right of one user on a project; ``filters`` of a row-level one."""

    uid: str
    username: str
    codename: str
    filters: rights.Filters | None = None


def label(codename: str, asset_type: str) -> str | dict[str, str]:
    """What people call the right on a project of that type; several names for row-level rights."""
    if codename == rights.PARTIAL:
        return dict(_PARTIAL)
    if codename in _OF_DATA:
        return _OF_DATA[codename]
    if asset_type in ("survey", "empty", "text"):
        return f"{_OF_FORMS[codename]} {'project' if codename == rights.MANAGE_ASSET else 'form'}"
    return f"{_OF_FORMS[codename]} {asset_type}"


def link(ctx: Context, codename: str) -> str:
    return f"{ctx.api}/permissions/{codename}/"


def assignable(ctx: Context, project: Project) -> list[dict[str, Any]]:
    """``assignable_permissions`` of a project."""
    kind = project.state["type"]
    return [{"url": link(ctx, name), "label": label(name, kind)} for name in rights.assignable(kind)]


def effective(ctx: Context, project: Project) -> list[dict[str, str]]:
    """``effective_permissions``: what the caller can do, whoever gave it."""
    caller, names = ctx.caller, list(rights.of_owner(project.state["type"]))
    held = [name for name in names if permissions.allowed(caller, project, name)]
    if caller and (caller.superuser or caller.username == project.owner):
        held.append(rights.DELETE_ASSET)
    elif caller and permissions.granted(caller.username, project, rights.PARTIAL):
        held.append(rights.PARTIAL)
    return [{"codename": name} for name in sorted(held)]


def visible(ctx: Context, project: Project, inactive: Container[str] = ()) -> list[Assignment]:
    """What the caller may know of who has which right, by user and codename (contract permissions §2).

    Rights of users who are switched off are shown to nobody.
    """
    own_only = ctx.request.query.get("current_user_permissions_only", "").lower() == "true"
    caller = ctx.caller.username if ctx.caller else ANONYMOUS
    sees_all = permissions.allowed(ctx.caller, project, rights.MANAGE_ASSET)
    known = {caller} if own_only else {caller, project.owner, ANONYMOUS}
    return sorted(
        (
            row
            for row in everything(project)
            if row.username not in inactive and (row.username in known or (sees_all and not own_only))
        ),
        key=lambda row: (row.username, row.codename),
    )


def everything(project: Project) -> Iterator[Assignment]:
    """Every assignment there is; the owner's, which nobody gave, have uids made of user and right."""
    for name in rights.of_owner(project.state["type"]):
        yield Assignment(ids.derived_uid("p", project.uid, project.owner, name), project.owner, name)
    for username, item in project.rights.items():
        for name, uid in item["codenames"].items():
            filters = project.filters(username) if name == rights.PARTIAL else None
            yield Assignment(uid, username, name, filters)


def shown(ctx: Context, project: Project, row: Assignment) -> dict[str, Any]:
    """An assignment."""
    answer: dict[str, Any] = {
        "url": f"{ctx.api}/assets/{project.uid}/permission-assignments/{row.uid}/",
        "user": f"{ctx.api}/users/{row.username}/",
        "permission": link(ctx, row.codename),
        "label": label(row.codename, project.state["type"]),
    }
    if row.filters is not None:
        answer["partial_permissions"] = [
            {"url": link(ctx, name), "filters": queries} for name, queries in sorted(row.filters.items())
        ]
    return answer
