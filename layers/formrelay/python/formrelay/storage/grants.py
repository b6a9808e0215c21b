"""What users were given on projects: an item beside the project's state, and a row in the user's own list.

The row only names the owner, in whose list the project's real row stands, so that a change of the project has one
row to write however many share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from formrelay import ids
from formrelay.json_text import compact
from formrelay.rights import Grants
from formrelay.settings import settings
from formrelay.storage import keys, listings, table
from formrelay.storage.assets import Project
from formrelay.storage.table import Item
from formrelay.usernames import ANONYMOUS

# Each user takes two writes and one of what is told of it, AnonymousUser one and up to three; four more check the
# project and the caller, mark that it changed, and count. DynamoDB's limit is 100.
MAX_CHANGED = (table.MAX_TRANSACTION - 5) // 3


class Change(NamedTuple):
    """One user's grants as found (None: nothing was given) and as wanted, each with the uid of its assignment."""

    username: str
    found: Item | None
    uids: dict[str, str]
    wanted: Grants

    def item(self, asset: str) -> Item:
        filters = self.wanted.filters
        return {
            **keys.permission(asset, self.username),
            "codenames": self.uids,
            "revision": self.found["revision"] + 1 if self.found else 0,
            **({"filters": compact(filters)} if filters else {}),
        }


def save(project: Project, changes: Sequence[Change], authority: str | None, told: Sequence[Item]) -> None:
    """Writes at most MAX_CHANGED changes, all or none, and keeps the lists of the users in step.

    ``authority`` names the user whose grant is the reason why the caller may do this; ``told`` are the writes of what
    the project's activity tells of it.
    Raises TransactionError when that grant, one of those changed, or the project's owner is not as it was read.
    """
    data, asset = settings().data_table, project.uid
    operations = [
        table.check_op(data, keys.asset_state(asset), "#owner = :owner", {":owner": project.owner}),
        # Who gives the project away has to see these users, whose lists name the owner.
        table.update_op(data, keys.asset_info(asset), "ADD #revision :one", {":one": 1}),
    ]
    if authority is not None and authority not in {change.username for change in changes}:
        operations.append(_check(asset, authority, project.rights.get(authority)))
    for change in changes:
        operations += _writes(project, change)
    more = sum(bool(c.uids) - (c.found is not None) for c in changes if c.username != ANONYMOUS)
    if more:
        operations.append(listings.shared_op(project.owner, asset, more))
    table.transact([*operations, *told])


def ownership_ops(project: Project, sender: str, recipient: str, left: Grants) -> list[Item]:
    """Writes for the transaction that makes a project the recipient's, who needs no grant then: what ``left`` is for
    its owner so far."""
    data, uids = settings().data_table, {name: ids.uid("p") for name in sorted(left.codenames)}
    operations = [table.put_op(data, Change(sender, None, uids, left).item(project.uid))]
    if recipient in project.rights:
        operations.append(table.delete_op(data, keys.permission(project.uid, recipient)))
    return operations


def _check(asset: str, username: str, found: Item | None) -> Item:
    condition, values = _unchanged(found)
    return table.check_op(settings().data_table, keys.permission(asset, username), condition, values)


def _unchanged(found: Item | None) -> tuple[str, Item | None]:
    if found is None:
        return "attribute_not_exists(#pk)", None
    return "#revision = :revision", {":revision": found["revision"]}


def _writes(project: Project, change: Change) -> list[Item]:
    data, asset = settings().data_table, project.uid
    condition, values = _unchanged(change.found)
    row = keys.listing(change.username, asset)
    if not change.uids:
        key = keys.permission(asset, change.username)
        operations = [table.delete_op(data, key, condition=condition, values=values)]
        listed = table.delete_op(data, row)
    else:
        operations = [table.put_op(data, change.item(asset), condition=condition, values=values)]
        listed = listings.pointer_op(change.username, asset, project.owner)
    if change.username != ANONYMOUS:
        operations.append(listed)
    return operations
