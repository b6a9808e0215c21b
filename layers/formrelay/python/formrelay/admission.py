"""Which form a submission belongs to, and whether this caller may send or edit it (contract submissions §2, §4)."""

from __future__ import annotations

import re

from formrelay import permissions, records
from formrelay.auth import Caller
from formrelay.errors import unauthenticated
from formrelay.openrosa.errors import Outcome
from formrelay.openrosa.instance import Instance
from formrelay.permissions import Rows
from formrelay.settings import settings
from formrelay.storage import accounts, assets, submissions
from formrelay.storage.assets import Project
from formrelay.storage.table import Item

_FORM_UUID = re.compile(r"[0-9a-f]{32}")


def admit(instance: Instance, caller: Caller | None, path_user: str | None) -> Project:
    """The form, if the caller may submit to it; ``path_user`` is the name in ``/{username}/submission``.

    Raises OpenRosaError 400, 403 or 404, and ApiError 401 for anonymous on a form that is not open to all.
    """
    project = _form(instance)
    if project is None or not project.is_deployed or not _exists(path_user, project):
        raise Outcome.NOT_FOUND.error()
    if caller and caller.superuser and not settings().superuser_submissions:
        raise Outcome.ACCESS_DENIED.error()
    if not permissions.allowed(caller, project, permissions.ADD):
        raise Outcome.ACCESS_DENIED.error() if caller else unauthenticated()
    return project


def editable(project: Project, caller: Caller | None) -> Rows:
    """The submissions that the caller may edit. Raises ApiError 401 for anonymous, OpenRosaError 403."""
    if caller is None:
        raise unauthenticated()
    rows = permissions.reach(caller, project, permissions.CHANGE)
    if rows is None:
        raise Outcome.ACCESS_DENIED.error()
    return rows


def check_editable(project: Project, rows: Rows, item: Item) -> None:
    """Raises OpenRosaError 403 unless the submission, as it stands, is one of these."""
    if rows.all:
        return
    bodies = submissions.unpack(item)
    if not rows.admits(records.record(item, bodies, asset=project.uid, base_url=item["origin"])):
        raise Outcome.ACCESS_DENIED.error()


def check_owner(project: Project, caller: Caller | None) -> None:
    """Raises OpenRosaError 405 when the account of the form's owner is switched off."""
    if caller and caller.username == project.owner:
        return  # a caller's own account was looked at when they signed in
    owner = accounts.get_account(project.owner)
    if owner is None or not owner["active"]:
        raise Outcome.ACCOUNT_INACTIVE.error()


def _form(instance: Instance) -> Project | None:
    """By form uuid, whatever the id says; else by id."""
    if not (instance.form_id or instance.form_uuid):
        raise Outcome.NO_FORM.error()
    by_id = assets.project(instance.form_id or "")
    uuid = instance.form_uuid or ""
    if not _FORM_UUID.fullmatch(uuid) or (by_id and by_id.state["form_uuid"] == uuid):
        return by_id
    asset = assets.asset_of_form(uuid)
    return (assets.project(asset) if asset else None) or by_id


def _exists(path_user: str | None, project: Project) -> bool:
    return path_user in (None, project.owner) or accounts.get_account(path_user or "") is not None
