"""Giving rights on a project and taking them (contract permissions §2): who holds what, written all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from formrelay import history, ids, rights
from formrelay.auth import Caller
from formrelay.errors import UnavailableError, invalid
from formrelay.rights import Grants
from formrelay.storage import accounts, grants, table
from formrelay.storage.assets import Project
from formrelay.storage.grants import Change
from formrelay.storage.table import Item, TransactionError
from formrelay.usernames import ANONYMOUS

# Every submission reads the grants of its project, and all its users' lists change when it goes to another owner: in
# one transaction of at most 100 writes.
MAX_USERS = 90
_TRIES = 5


def held(project: Project, username: str) -> Grants:
    """What a user was given on the project."""
    item = project.rights.get(username)
    return Grants(frozenset(item["codenames"]), project.filters(username)) if item else Grants()


def change(
    caller: Caller,
    load: Callable[[], Project],
    decide: Callable[[Project], Mapping[str, Grants]],
    *,
    cloned_from: str | None = None,
) -> Project:
    """Writes what ``decide`` wants of the project as ``load`` reads it; the project as it is then.

    ``load`` raises when the caller may not. Both are asked again when somebody else changed a grant meanwhile,
    that by which the caller may do this included. Users that ``decide`` does not name keep what they have.
    ``cloned_from`` is the project that they are copied from, to be told as such.
    Raises ApiError 400 for too many users, and 503 when others change them all the time.
    """
    for _ in range(_TRIES):
        project = load()
        wanted = {name: given for name, given in decide(project).items() if given != held(project, name)}
        changes = [_change(project, name, given) for name, given in wanted.items()]
        if not changes:
            return project
        _check_number(project, changes)
        authority = None if caller.superuser or caller.username == project.owner else caller.username
        told = _told(caller, project, wanted, cloned_from)
        try:
            table.settle(partial(grants.save, project, changes, authority, told))
        except TransactionError:
            continue
        return _changed(project, changes)
    raise UnavailableError(1)


def instead(project: Project, wanted: Mapping[str, Grants]) -> dict[str, Grants]:
    """These grants, and none for anybody else who has some."""
    return {**dict.fromkeys(project.rights, Grants()), **wanted}


def copied(source: Project, project: Project) -> dict[str, Grants]:
    """The grants of another project, as far as there are such rights here; its owner's rights are no grants."""
    possible = frozenset(rights.assignable(project.state["type"]))
    found = {name: held(source, name) for name in source.rights if name != project.owner}
    gone = accounts.inactive(found.keys() - {ANONYMOUS})
    kept = {}
    for name in found.keys() - gone:
        codenames = found[name].codenames & possible
        kept[name] = Grants(codenames, found[name].filters if rights.PARTIAL in codenames else {})
    return kept


def check_users(usernames: Iterable[str]) -> None:
    """Raises ApiError 400 unless all of them can be given rights: active accounts, and AnonymousUser."""
    if accounts.inactive({*usernames} - {ANONYMOUS}):
        raise invalid("user", "Invalid hyperlink - Object does not exist.")


def _change(project: Project, username: str, wanted: Grants) -> Change:
    found = project.rights.get(username)
    known = found["codenames"] if found else {}
    uids = {name: known.get(name) or ids.uid("p") for name in sorted(wanted.codenames)}
    return Change(username, found, uids, wanted)


def _told(
    caller: Caller, project: Project, wanted: Mapping[str, Grants], cloned_from: str | None
) -> list[Item]:
    by = history.who(caller)
    if cloned_from is not None:
        return [history.cloned_rights_op(by, project, cloned_from)]
    return [
        operation
        for name, after in wanted.items()
        for operation in history.rights_ops(by, project, name, *_differences(held(project, name), after))
    ]


def _differences(before: Grants, after: Grants) -> tuple[list[Any], list[Any]]:
    """What a user gained and lost; row-level rights with their queries."""

    def beyond(one: Grants, other: Grants) -> list[Any]:
        whole = sorted(one.codenames - other.codenames - {rights.PARTIAL})
        rows = one.filters.items()
        return [*whole, *({"code": name, "filters": q} for name, q in rows if other.filters.get(name) != q)]

    return beyond(after, before), beyond(before, after)


def _check_number(project: Project, changes: list[Change]) -> None:
    if len(changes) > grants.MAX_CHANGED:
        raise invalid(
            "non_field_errors", f"At most {grants.MAX_CHANGED} users' permissions can be changed at once."
        )
    users = {*project.rights, *(change.username for change in changes if change.uids)}
    users -= {change.username for change in changes if not change.uids}
    if len(users) > max(MAX_USERS, len(project.rights)):
        raise invalid("non_field_errors", f"A project is shared with at most {MAX_USERS} users.")


def _changed(project: Project, changes: list[Change]) -> Project:
    after = dict(project.rights)
    for change in changes:
        after.pop(change.username, None)
        if change.uids:
            after[change.username] = change.item(project.uid)
    return replace(project, rights=after)
