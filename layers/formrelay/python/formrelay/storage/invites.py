"""Invites to take over projects (contract permissions §5).

An invite holds ``uid, sender, recipient, status, created, modified`` (ms) and ``transfers``, one for each project:
``uid, asset, name, status, modified``. Each project keeps of its last one, with its details, ``ownership``: ``invite,
sender, recipient, status, created``.
"""

from __future__ import annotations

from collections.abc import Sequence

from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.assets import Project
from formrelay.storage.table import Item

PENDING, IN_PROGRESS, COMPLETE, FAILED = "pending", "in_progress", "complete", "failed"


def create(invite: Item, projects: Sequence[Project], also: Sequence[Item] = ()) -> None:
    """Writes a new invite, and ``also`` with it, if all projects still are the sender's and are as they were read.

    Raises TransactionError when one is not.
    """
    data, uid = settings().data_table, invite["uid"]
    operations = [table.put_op(data, {**keys.invite(uid), **invite}), *also]
    for username in (invite["sender"], invite["recipient"]):
        operations.append(table.put_op(data, keys.invite_of(username, uid)))
    for project in projects:
        operations.append(
            table.check_op(
                data, keys.asset_state(project.uid), "#owner = :owner", {":owner": invite["sender"]}
            )
        )
        operations.append(_mark(project, mark(invite, PENDING)))
    table.transact(operations)


def mark(invite: Item, status: str) -> Item:
    """What a project keeps of the invite."""
    return {
        "invite": invite["uid"],
        "sender": invite["sender"],
        "recipient": invite["recipient"],
        "status": status,
        "created": invite["created"],
    }


def _mark(project: Project, ownership: Item) -> Item:
    return table.update_op(
        settings().data_table,
        keys.asset_info(project.uid),
        "SET #ownership = :ownership ADD #revision :one",
        {":ownership": ownership, ":one": 1, ":revision": project.info["revision"]},
        condition="#revision = :revision",
    )


def get(uid: str) -> Item | None:
    return table.get(settings().data_table, keys.invite(uid))


def listed(username: str) -> list[Item]:
    """The invites that a user sent or got, newest first."""
    data = settings().data_table
    found = table.query_all(data, "#pk = :pk", {":pk": keys.invites_pk(username)}, forward=False)
    wanted = [keys.invite(item["sk"]) for item in found]
    return [item for item in table.batch_get_all(data, wanted) if item]


def end(invite: Item, status: str, projects: Sequence[Project], *, at: int) -> None:
    """Declines or cancels a pending invite, and marks its projects so.

    Raises TransactionError when it is pending no longer, or a project is not as it was read.
    """
    transfers = [{**transfer, "status": status, "modified": at} for transfer in invite["transfers"]]
    ended = table.update_op(
        settings().data_table,
        keys.invite(invite["uid"]),
        "SET #status = :status, #modified = :at, #transfers = :transfers",
        {":status": status, ":at": at, ":transfers": transfers, ":pending": PENDING},
        condition="#status = :pending",
    )
    table.transact([ended, *(_mark(project, mark(invite, status)) for project in projects)])


def move(invite: Item, before: str, status: str, *, at: int) -> None:
    """Takes an invite from one status to the next. Raises ConditionError when it is in another one."""
    table.update(
        settings().data_table,
        keys.invite(invite["uid"]),
        "SET #status = :status, #modified = :at",
        {":status": status, ":at": at, ":before": before},
        condition="#status = :before",
    )


def transferred_op(invite: Item, number: int, *, at: int) -> Item:
    """The write that the ``number``-th project has gone over, for the transaction in which it does."""
    return table.update_op(
        settings().data_table,
        keys.invite(invite["uid"]),
        _concluded(number),
        {":status": COMPLETE, ":at": at, ":running": IN_PROGRESS},
        condition=_RUNNING,
    )


def fail(invite: Item, number: int, *, at: int) -> None:
    """Notes that the ``number``-th project cannot go over.

    Raises ConditionError when none goes over at the moment, or what became of that one was noted already.
    """
    table.update(
        settings().data_table,
        keys.invite(invite["uid"]),
        _concluded(number),
        {":status": FAILED, ":at": at, ":running": IN_PROGRESS, ":pending": PENDING},
        condition=f"{_RUNNING} AND #transfers[{number}].#status = :pending",
    )


_RUNNING = "#status = :running"


def _concluded(number: int) -> str:
    return f"SET #transfers[{number}].#status = :status, #transfers[{number}].#modified = :at"
