"""Deleting projects (contract assets §5): gone at once, what they leave behind is removed in the background."""

from __future__ import annotations

from formrelay import jobs, permissions
from formrelay.auth import Caller
from formrelay.errors import UnavailableError, forbidden
from formrelay.storage import assets, marks
from formrelay.storage.assets import Project
from formrelay.storage.table import ConflictError, TransactionError, backoff

_TRIES = 5


def may(caller: Caller, found: Project) -> bool:
    """Owners may; so may who made the project and manages it, as long as nothing was submitted to it."""
    if caller.superuser or caller.username == found.owner:
        return True
    made = found.info.get("created_by") == caller.username
    return (
        made
        and permissions.allowed(caller, found, permissions.MANAGE_ASSET)
        and marks.census(found.uid).count == 0
    )


def remove(caller: Caller, uid: str) -> None:
    """Deletes a project. Raises 404 when there is none that the caller may view, 403 when they may not delete it."""
    for turn in range(_TRIES):
        project = assets.project(uid, with_info=True)
        found = permissions.require(caller, project, permissions.VIEW_ASSET)
        if not may(caller, found):
            raise forbidden()
        job = jobs.purge_project(uid, sorted(found.hooks), sorted(found.rights))
        try:
            assets.remove(found, job)
        except TransactionError:
            continue
        except ConflictError:
            backoff(turn)
            continue
        return
    raise UnavailableError
