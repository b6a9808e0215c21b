"""Hooks: a small item that every submission reads, and the hook in full."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from formrelay.event_kinds import DEFAULT
from formrelay.settings import settings
from formrelay.storage import health, keys, table
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


def heard_more(hook: Item) -> bool:
    """Whether a hook hears of more than new submissions, or ever did: it may have deliveries of other events."""
    return bool(hook.get("heard_more")) or [*hook.get("events", DEFAULT)] != [*DEFAULT]


class Standing(NamedTuple):
    """A hook with its health and the state of its project: ``name``, ``owner``, …"""

    asset: str
    hook: Item
    health: Item
    state: Item


def standings(pairs: Collection[tuple[str, str]]) -> dict[str, Standing]:
    """Hook uid → standing, for those of the (project, hook) pairs that are there."""
    wanted = {asset: keys.asset_state(asset) for asset, _ in pairs}
    wanted |= {uid: keys.hook(asset, uid) for asset, uid in pairs}
    wanted |= {f"{uid}/health": keys.health(asset, uid) for asset, uid in pairs}
    found: dict[str, Item | None] = {}
    names = list(wanted)
    for i in range(0, len(names), table.MAX_BATCH_GET):
        batch = names[i : i + table.MAX_BATCH_GET]
        items = table.batch_get(settings().data_table, [wanted[name] for name in batch])
        found |= zip(batch, items, strict=True)
    standing = {}
    for asset, uid in pairs:
        hook, state = found[uid], found[asset]
        if hook and state:
            standing[uid] = Standing(asset, hook, found[f"{uid}/health"] or {}, state)
    return standing


class TooManyHooksError(Exception):
    """The project has MAX_HOOKS hooks already."""


def create(asset: str, hook: Item, also: Sequence[Item] = ()) -> None:
    """Writes a new hook, in one transaction with the writes in ``also``.

    Raises TooManyHooksError, or TransactionError when the project is gone."""
    data = settings().data_table
    operations = [
        table.update_op(
            data,
            keys.hook_count(asset),
            "ADD #hooks :one",
            {":one": 1, ":most": MAX_HOOKS},
            condition="attribute_not_exists(#hooks) OR #hooks < :most",
        ),
        table.check_op(data, keys.asset_state(asset), "attribute_exists(#pk)"),
        table.put_op(data, {**keys.hook(asset, hook["uid"]), **hook}),
        table.put_op(data, _state(asset, hook)),
        table.put_op(data, health.new(asset, hook["uid"])),
        table.put_op(data, {**keys.hook_asset(hook["uid"]), "asset": asset}),
        *also,
    ]
    try:
        table.settle(lambda: table.transact(operations))
    except table.TransactionError as error:
        if error.reasons[0] is not None:
            raise TooManyHooksError from None
        raise


def asset_of(hook_uid: str) -> str | None:
    """The project that a hook belongs to."""
    item = table.get(settings().data_table, keys.hook_asset(hook_uid))
    return item["asset"] if item else None


def save(asset: str, hook: Item, revision: int, also: Sequence[Item] = ()) -> None:
    """Writes a changed hook over revision ``revision``, in one transaction with the writes in ``also``.

    Raises TransactionError when the hook was changed or deleted meanwhile, or one of those is refused.
    """
    data = settings().data_table
    operations = [
        table.put_op(
            data,
            {**keys.hook(asset, hook["uid"]), **hook},
            condition="#revision = :revision",
            values={":revision": revision},
        ),
        _state_op(asset, hook),
        *also,
    ]
    table.settle(lambda: table.transact(operations))


def _state(asset: str, hook: Item) -> Item:
    """What every submission reads of a hook."""
    state = {**keys.hook_state(asset, hook["uid"]), "active": hook["active"], "events": hook["events"]}
    return state | {"filter": hook["filter"]} if hook["filter"] else state


def _state_op(asset: str, hook: Item) -> Item:
    """The same of a changed hook. Whether it is paused stands there too, and is not for its owner's form to change."""
    values = {":active": hook["active"], ":events": hook.get("events", DEFAULT)}
    expression = "SET #active = :active, #events = :events"
    if hook.get("filter"):
        expression, values = f"{expression}, #filter = :filter", {**values, ":filter": hook["filter"]}
    else:
        expression += " REMOVE #filter"
    return table.update_op(settings().data_table, keys.hook_state(asset, hook["uid"]), expression, values)


def remove(asset: str, hook_uid: str, job: Item, also: Sequence[Item] = ()) -> None:
    """Takes the hook away at once and leaves a job that removes its deliveries; ``also`` is written with it.

    Raises TransactionError when it is gone already.
    """
    data = settings().data_table
    operations = [
        table.delete_op(data, keys.hook(asset, hook_uid), condition="attribute_exists(#pk)"),
        table.update_op(data, keys.hook_count(asset), "ADD #hooks :less", {":less": -1}),
        table.delete_op(data, keys.hook_state(asset, hook_uid)),
        table.delete_op(data, keys.health(asset, hook_uid)),
        table.delete_op(data, keys.hook_asset(hook_uid)),
        table.put_op(data, job),
        *also,
    ]
    table.settle(lambda: table.transact(operations))
