"""Hooks: a small item that every submission reads, and the hook in full."""

from __future__ import annotations

from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.table import Item

# At most so many hooks a project: each is one write in the transaction of every submission.
MAX_HOOKS = 50


def get(asset: str, hook_uid: str) -> Item | None:
    """One hook in full: the contract's writable fields, ``sealed`` credentials, ``created``, ``modified``."""
    return table.get(settings().data_table, keys.hook(asset, hook_uid))


def listed(asset: str) -> list[Item]:
    """Every hook of a project."""
    return list(
        table.query_all(
            settings().data_table,
            "#pk = :pk AND begins_with(#sk, :h)",
            {":pk": keys.asset_pk(asset), ":h": "H#"},
        )
    )


def create(asset: str, hook: Item) -> None:
    """Writes a new hook."""
    data = settings().data_table
    table.transact(
        [
            table.check_op(data, keys.asset_state(asset), "attribute_exists(#pk)"),
            table.put_op(data, {**keys.hook(asset, hook["uid"]), **hook}),
            table.put_op(data, _state(asset, hook)),
            table.put_op(data, {**keys.hook_asset(hook["uid"]), "asset": asset}),
        ]
    )


def asset_of(hook_uid: str) -> str | None:
    """The project that a hook belongs to."""
    item = table.get(settings().data_table, keys.hook_asset(hook_uid))
    return item["asset"] if item else None


def save(asset: str, hook: Item, revision: int) -> None:
    """Writes a changed hook over revision ``revision``.

    Raises TransactionError when the hook was changed or deleted meanwhile.
    """
    data = settings().data_table
    table.transact(
        [
            table.put_op(
                data,
                {**keys.hook(asset, hook["uid"]), **hook},
                condition="#revision = :revision",
                values={":revision": revision},
            ),
            table.put_op(data, _state(asset, hook)),
        ]
    )


def remove(asset: str, hook_uid: str, job: Item) -> None:
    """Takes the hook away at once and leaves a job that removes its deliveries."""
    data = settings().data_table
    table.transact(
        [
            table.delete_op(data, keys.hook(asset, hook_uid)),
            table.delete_op(data, keys.hook_state(asset, hook_uid)),
            table.delete_op(data, keys.hook_asset(hook_uid)),
            table.put_op(data, job),
        ]
    )


def _state(asset: str, hook: Item) -> Item:
    return {**keys.hook_state(asset, hook["uid"]), "active": hook["active"]}
