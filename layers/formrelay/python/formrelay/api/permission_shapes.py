"""Rights and their assignments as the API shows them (contract permissions §1.1, §2, §3)."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any, NamedTuple

from formrelay import ids, permissions, rights
from formrelay.api.router import Context
from formrelay.storage import accounts
from formrelay.storage.assets import Project
from formrelay.usernames import ANONYMOUS

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


class Assignment(NamedTuple):
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


def assignments(
    ctx: Context, project: Project, inactive: Container[str] | None = None
) -> list[dict[str, Any]]:
    """The ``permissions`` of a project, and the list of its assignments."""
    return [shown(ctx, project, row) for row in visible(ctx, project, inactive)]


def visible(ctx: Context, project: Project, inactive: Container[str] | None = None) -> list[Assignment]:
    """What the caller may know of who has which right, by user and codename (contract permissions §2).

    ``inactive`` are users who are switched off, whose rights are shown to nobody; looked up unless they are given.
    """
    names = _known(ctx, project)
    if inactive is None:
        inactive = switched_off(ctx, [project])
    rows = [row for row in everything(project) if row.username in names and row.username not in inactive]
    return sorted(rows, key=lambda row: (row.username, row.codename))


def switched_off(ctx: Context, projects: Iterable[Project]) -> set[str]:
    """Users who have rights on the projects and cannot sign in; only who could see them makes it ask."""
    names = {name for project in projects for name in _known(ctx, project) - {project.owner}}
    return accounts.inactive(names - {ANONYMOUS, *([ctx.caller.username] if ctx.caller else [])})


def _known(ctx: Context, project: Project) -> set[str]:
    """The users whose rights the caller may see."""
    caller = ctx.caller.username if ctx.caller else ANONYMOUS
    everybody = {project.owner, *project.rights}
    if ctx.request.query.get("current_user_permissions_only", "").lower() == "true":
        return {caller} & everybody
    if permissions.allowed(ctx.caller, project, rights.MANAGE_ASSET):
        return everybody
    return {caller, project.owner, ANONYMOUS} & everybody


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
