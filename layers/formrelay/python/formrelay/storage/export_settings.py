"""Saved settings of exports (contract exports §2): ``uid``, ``name``, ``settings`` as JSON text, ``modified`` (ms),
``revision``. No two of a project bear one name."""

from __future__ import annotations

from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.table import Item, TransactionError

_NEW = "attribute_not_exists(#pk)"


class NameTakenError(Exception):
    """Another setting of the project bears that name."""


class StaleError(Exception):
    """The setting was changed or removed since it was read."""


def listed(asset: str) -> list[Item]:
    """All settings of a project, last modified first."""
    found = table.query_all(
        settings().data_table,
        "#pk = :pk AND begins_with(#sk, :settings)",
        {":pk": keys.exports_pk(asset), ":settings": keys.export_setting(asset, "")["sk"]},
    )
    return sorted(found, key=lambda item: (item["modified"], item["uid"]), reverse=True)


def get(asset: str, uid: str) -> Item | None:
    return table.get(settings().data_table, keys.export_setting(asset, uid))


def create(asset: str, item: Item) -> None:
    """Stores a new setting. Raises NameTakenError."""
    data = settings().data_table
    stored = {**keys.export_setting(asset, item["uid"]), **item}
    try:
        table.settle(lambda: table.transact([_name_op(asset, item), table.put_op(data, stored)]))
    except TransactionError:
        raise NameTakenError from None


def save(asset: str, old: Item, new: Item) -> None:
    """Writes a changed setting over the one that was read. Raises NameTakenError and StaleError."""
    data = settings().data_table
    operations = [
        table.put_op(
            data,
            {**keys.export_setting(asset, new["uid"]), **new},
            condition="#revision = :revision",
            values={":revision": old["revision"]},
        )
    ]
    if new["name"] != old["name"]:
        operations.append(_name_op(asset, new))
        operations.append(table.delete_op(data, keys.export_name(asset, old["name"])))
    try:
        table.settle(lambda: table.transact(operations))
    except TransactionError as error:
        raise (NameTakenError if error.reasons[0] is None else StaleError) from None


def remove(asset: str, item: Item) -> None:
    """Removes a setting as it was read. Raises StaleError."""
    data = settings().data_table
    operations = [
        table.delete_op(
            data,
            keys.export_setting(asset, item["uid"]),
            condition="#revision = :revision",
            values={":revision": item["revision"]},
        ),
        table.delete_op(data, keys.export_name(asset, item["name"])),
    ]
    try:
        table.settle(lambda: table.transact(operations))
    except TransactionError:
        raise StaleError from None


def _name_op(asset: str, item: Item) -> Item:
    guard = {**keys.export_name(asset, item["name"]), "setting": item["uid"]}
    return table.put_op(settings().data_table, guard, condition=_NEW)
