"""What is told of changes in the activity of a project: one function per kind of change.

Each gives the writes for the transaction of that change, so that there is an entry exactly when it took place
(contract permissions-and-activity §6 has the actions and their metadata). Whoever acts is told by :func:`who`, in
plain values, which a background job can keep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from formrelay import user_agents
from formrelay.auth import Caller
from formrelay.storage import history
from formrelay.storage.assets import Project
from formrelay.storage.table import Item
from formrelay.usernames import ANONYMOUS

PROJECT, PERMISSION = "project", "permission"


def who(caller: Caller | None, address: str = "", agent: str = "") -> Item:
    """``username, uid, ip, source`` of who acts; ``address`` and ``agent`` are for anonymous callers."""
    if caller is None:
        caller = Caller(ANONYMOUS, "", address=address, agent=agent)
    source = user_agents.source(caller.agent)
    return {"username": caller.username, "uid": caller.uid or None, "ip": caller.address, "source": source}


def via(by: Item) -> Item:
    """What a submission keeps of who sent it, beside the name, to be told of as added."""
    return {name: by[name] for name in ("uid", "ip", "source")}


def entry_op(
    by: Item,
    asset: str,
    owner: str,
    action: str,
    more: Mapping[str, Any] | None = None,
    *,
    subtype: str = PROJECT,
) -> Item:
    """The write of one entry: ``by`` as :func:`who` tells, ``more`` the metadata that its action has beyond the usual.

    For changes that have no function of their own below, such as ``export``.
    """
    entry = {**by, "action": action, "owner": owner, "subtype": subtype}
    return history.entry_op(asset, entry, more or {})


# Projects


def change_ops(
    by: Item, found: Project, state: Item, info: Item, *, content: bool, imported: bool = False
) -> list[Item]:
    """Entries of a change of name, settings and content; ``state`` and ``info`` are what ``found`` becomes."""
    version = {"latest_version_uid": state["version"]}
    entries: list[tuple[str, Mapping[str, Any]]] = []
    if content:
        entries.append(("replace-form" if imported else "update-content", version))
    if state["name"] != found.state["name"]:
        entries.append(
            ("update-name", {**version, "name": {"old": found.state["name"], "new": state["name"]}})
        )
    settings = _differences(found.info["settings"], info["settings"])
    if settings:
        entries.append(("update-settings", {**version, "settings": settings}))
    return [entry_op(by, found.uid, found.owner, action, more) for action, more in entries]


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of each key that changed: what lists gained and lost, of anything else both values."""
    found: dict[str, Any] = {}
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if isinstance(before, list) and isinstance(after, list):
            added = [value for value in after if value not in before]
            found[key] = {"added": added, "removed": [value for value in before if value not in after]}
        else:
            found[key] = {"old": before, "new": after}
    return found


def deployment_op(by: Item, found: Project, version: str) -> Item:
    """A version was deployed, for the first time or not."""
    action = "redeploy" if found.is_deployed else "deploy"
    more = {"latest_version_uid": found.state["version"], "latest_deployed_version_uid": version}
    return entry_op(by, found.uid, found.owner, action, more)


def archive_op(by: Item, found: Project, *, active: bool) -> Item:
    """A project was archived or taken out of the archive, whether or not that changed anything."""
    more = {"latest_version_uid": found.state["version"]}
    return entry_op(by, found.uid, found.owner, "unarchive" if active else "archive", more)


# Hooks and files


def hook_op(by: Item, project: Project, action: str, hook: Item) -> Item:
    """``register-service``, ``modify-service`` or ``delete-service``."""
    facts = {"uid": hook["uid"], "endpoint": hook["endpoint"], "active": hook["active"]}
    return entry_op(by, project.uid, project.owner, action, {"hook": facts})


def file_op(
    by: Item, project: Project, action: str, *, uid: str, filename: str, md5: str, download_url: str
) -> Item:
    """``add-media`` or ``delete-media``; ``download_url`` is that of the file's content."""
    facts = {"uid": uid, "filename": filename, "md5_hash": md5, "download_url": download_url}
    return entry_op(by, project.uid, project.owner, action, {"asset-file": facts})


# Submissions

# KoboToolbox's word for a record whose status was taken away (contract permissions §6).
_CLEARED = "None"


def modified_op(by: Item, asset: str, owner: str, submission: Item) -> Item:
    """``modify-submission``: its answers."""
    return entry_op(by, asset, owner, "modify-submission", {"submission": submission_facts(submission)})


def validated_op(by: Item, asset: str, owner: str, submission: Item, label: str | None) -> Item:
    """``modify-submission``: its validation status, by the status's label; the word None when it was cleared."""
    more = {"submission": {**submission_facts(submission), "status": label or _CLEARED}}
    return entry_op(by, asset, owner, "modify-submission", more)


def deleted_ops(by: Item, asset: str, owner: str, submission: Item) -> list[Item]:
    """``delete-submission``: two writes, of which one keeps that it was added."""
    more = {"submission": submission_facts(submission)}
    return [
        entry_op(by, asset, owner, "delete-submission", more),
        history.deleted_op(asset, submission),
    ]


def submission_facts(submission: Item) -> dict[str, Any]:
    """What entries say of a submission: who sent it, and what it is known by over all its edits."""
    return {"submitted_by": submission.get("by") or ANONYMOUS, "root_uuid": submission["root"]}


# Rights

_OPENED = {
    "view_asset": ("share-form-publicly", "unshare-form-publicly"),
    "view_submissions": ("share-data-publicly", "unshare-data-publicly"),
    "add_submissions": ("allow-anonymous-submissions", "disallow-anonymous-submissions"),
}


def rights_ops(
    by: Item, project: Project, username: str, added: Sequence[Any], removed: Sequence[Any]
) -> list[Item]:
    """What one user, or AnonymousUser, was given and lost; no entry where that is nothing, or no survey.

    ``added`` and ``removed`` hold codenames, and of row-level rights ``{"code": codename, "filters": […]}``.
    """
    if project.state["type"] != "survey" or not (added or removed):
        return []
    if username != ANONYMOUS:
        facts = {"username": username, "added": list(added), "removed": list(removed)}
        return [_rights_op(by, project, "modify-user-permissions", {"permissions": facts})]
    return [
        _rights_op(by, project, _OPENED[codename][taken])
        for taken, codenames in enumerate((added, removed))
        for codename in codenames
        if codename in _OPENED
    ]


def cloned_rights_op(by: Item, project: Project, source: str) -> Item:
    """``clone-permissions`` from another project."""
    return _rights_op(by, project, "clone-permissions", {"cloned_from": source})


def _rights_op(by: Item, project: Project, action: str, more: Mapping[str, Any] | None = None) -> Item:
    return entry_op(by, project.uid, project.owner, action, more, subtype=PERMISSION)
