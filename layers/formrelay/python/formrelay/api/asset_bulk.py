"""``/api/v2/assets/bulk/``: archive, take out of the archive or delete many projects (contract assets §5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from formrelay import deployments, permissions, removal
from formrelay.api import fields
from formrelay.api.about import PROJECTS, About, Body
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.auth import Caller
from formrelay.errors import ApiError, detail, forbidden
from formrelay.storage import asset_batches, listings
from formrelay.storage.assets import Project

# So many take a few seconds, well below what a request may.
MAX_PROJECTS = 1_000
_THREADS = 8


def bulk(ctx: Context) -> Response:
    """All of them are looked at first: when one may not be changed, none is. Repeating does no harm."""
    user = ctx.user
    payload = fields.json_object(ctx.request.data(), "payload") or {}
    action = payload.get("action")
    if not action:
        raise detail(400, "`action` parameter is required")
    if action == "undelete":  # KoboToolbox's superusers may
        raise detail(400, "Deleted projects cannot be brought back") if user.superuser else forbidden()
    if not isinstance(action, str) or action not in _ACTIONS:
        raise detail(400, f'"{action}" is not a valid choice.')
    found = _selected(user, payload)
    check, act, done = _ACTIONS[action]
    for project in found:
        check(user, project)
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(lambda project: _done(act, user, project.uid), found))
    number = f"{len(found)} project has" if len(found) == 1 else f"{len(found)} projects have"
    return json_response({"detail": f"{number} been {done}"})


def _selected(user: Caller, payload: Mapping[str, Any]) -> list[Project]:
    """The projects named, or all of the caller's own. Raises 400, and 403 where one is not theirs to see."""
    uids = payload.get("asset_uids")
    if uids is None:
        if payload.get("confirm") is not True:
            raise detail(400, "Confirmation is required")
        uids = [row["uid"] for row in listings.of_user(user.username) if row["owner"] == user.username]
        uids = _without_drafts(uids, user, payload)
    if not isinstance(uids, list) or not all(isinstance(uid, str) for uid in uids):
        raise detail(400, "`asset_uids` must be a list of uids")
    uids = list(dict.fromkeys(uids))
    if len(uids) > MAX_PROJECTS:
        raise detail(400, f"At most {MAX_PROJECTS} projects can be changed at once")
    found = asset_batches.projects([uid for uid in uids if 0 < len(uid) < 100], [user.username])
    if len(found) != len(uids):
        raise forbidden()
    return [found[uid] for uid in uids]


def _without_drafts(uids: Sequence[str], user: Caller, payload: Mapping[str, Any]) -> list[str]:
    """Of all own projects, those that were never deployed have no archive to go to."""
    if payload["action"] == "delete":
        return list(uids)
    found = asset_batches.projects(uids, [user.username], with_info=False)
    return [uid for uid in uids if uid in found and found[uid].is_deployed]


def _may_archive(user: Caller, project: Project) -> None:
    if not permissions.allowed(user, project, permissions.MANAGE_ASSET):
        raise forbidden()
    if not project.is_deployed:
        raise detail(400, "Draft projects cannot be archived")


def _may_delete(user: Caller, project: Project) -> None:
    if not removal.may(user, project):
        raise forbidden()


def _done(act: Callable[[Caller, str], object], user: Caller, uid: str) -> None:
    try:
        act(user, uid)
    except ApiError as error:
        if error.status != 404:  # deleted meanwhile
            raise


def _archive(user: Caller, uid: str) -> object:
    return deployments.set_active(user, uid, False)


def _unarchive(user: Caller, uid: str) -> object:
    return deployments.set_active(user, uid, True)


_ACTIONS: Mapping[str, tuple[Callable[[Caller, Project], None], Callable[[Caller, str], object], str]] = {
    "archive": (_may_archive, _archive, "archived"),
    "unarchive": (_may_archive, _unarchive, "unarchived"),
    "delete": (_may_delete, removal.remove, "deleted"),
}
ROUTES = [
    Route(
        "POST",
        "/api/v2/assets/bulk",
        bulk,
        about=About(
            "Archive, take out of the archive or delete many projects",
            PROJECTS,
            {200: "BulkAnswer"},
            body=Body(
                "ProjectsBulk", {"payload": {"asset_uids": ["aBX3kq7WmTz9fJhLr2YcVn"], "action": "archive"}}
            ),
            errors=(403,),
        ),
    ),
]
