"""Accounts and API keys: the table that most functions have no right on.

An account holds ``username, uid, id, password, email, active, superuser, key_hash, key_sealed, created`` (ms),
``details`` (in the table as JSON text, since it is whatever its owner sent), ``revision``; ``first_name, last_name``
once they are set; ``email_bad`` when mails to an address came back. Every account has a row in the directory, written
with it: what lists show and search. A name that was deleted stays taken, as rights on projects may still bear it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from formrelay.json_text import compact
from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.table import Item
from formrelay.usernames import is_username

LOGIN_WINDOW = 600


def get_account(username: str) -> Item | None:
    """An account by name. What cannot be a name is not looked up."""
    if not is_username(username):
        return None
    item = table.get(settings().accounts_table, keys.account(username))
    return _opened(item) if item and not item.get("gone") else None


def _opened(item: Item) -> Item:
    return {**item, "details": json.loads(item["details"])}


def _closed(values: Mapping[str, Any]) -> Item:
    """Attributes of an account as they are stored."""
    if "details" not in values:
        return dict(values)
    return {**values, "details": compact(values["details"])}


def inactive(usernames: Collection[str]) -> set[str]:
    """Those of the names that are no active account."""
    names = sorted(name for name in usernames if is_username(name))
    active = set()
    for i in range(0, len(names), table.MAX_BATCH_GET):
        batch = [keys.account(name) for name in names[i : i + table.MAX_BATCH_GET]]
        found = table.batch_get(settings().accounts_table, batch)
        active |= {account["username"] for account in found if account and account["active"]}
    return {*usernames} - active


def get_key(key_hash: str) -> Item | None:
    """The caller behind an API key: ``username, uid, active, superuser``."""
    return table.get(settings().accounts_table, keys.api_key(key_hash))


def is_taken(username: str) -> bool:
    """Whether an account has that name, or once had."""
    return table.get(settings().accounts_table, keys.account(username)) is not None


def create_account(account: Item, also: Sequence[Item] = ()) -> bool:
    """Writes a new account together with its key, its row and the writes in ``also``.

    False when the name is taken, or once was, or one of those is refused.
    """
    accounts = settings().accounts_table
    stored = _closed(account)
    try:
        table.transact(
            [
                table.put_op(
                    accounts,
                    {**keys.account(account["username"]), **stored},
                    condition="attribute_not_exists(#pk)",
                ),
                table.put_op(accounts, _key_item(account)),
                _row_op(stored),
                *also,
            ]
        )
    except table.TransactionError:
        return False
    return True


# What a row of the directory has of its account.
_LISTED = ("id", "uid", "email", "active", "superuser", "created", "details")


def _row_op(stored: Item) -> Item:
    names = [name for name in _LISTED if name in stored]
    return table.update_op(
        settings().accounts_table,
        keys.directory_row(stored["username"]),
        "SET " + ", ".join(f"#{name} = :{name}" for name in names),
        {f":{name}": stored[name] for name in names},
    )


def save(account: Item, changes: Item) -> None:
    """Changes an account, its key and its row together. Raises TransactionError when it was changed meanwhile."""
    accounts, changed = settings().accounts_table, _closed(changes)
    sets = [f"#{name} = :{name}" for name in changed]
    operations = [
        table.update_op(
            accounts,
            keys.account(account["username"]),
            f"SET {', '.join([*sets, '#revision = :next'])}",
            {
                **{f":{name}": value for name, value in changed.items()},
                ":seen": account["revision"],
                ":next": account["revision"] + 1,
                ":key": account["key_hash"],
            },
            condition="#revision = :seen AND #key_hash = :key",
        ),
        _row_op({**_closed(account), **changed}),
    ]
    if account["key_hash"]:
        operations.append(table.put_op(accounts, _key_item({**account, **changes})))
    table.settle(lambda: table.transact(operations))


def remove(account: Item) -> None:
    """Deletes an account with its key and its row; its name stays taken.

    Raises TransactionError when it was changed meanwhile.
    """
    accounts, username = settings().accounts_table, account["username"]
    operations = [
        table.put_op(
            accounts,
            {**keys.account(username), "username": username, "active": False, "gone": True},
            condition="#revision = :seen AND #key_hash = :key",
            values={":seen": account["revision"], ":key": account["key_hash"]},
        ),
        table.delete_op(accounts, keys.directory_row(username)),
    ]
    if account["key_hash"]:
        operations.append(table.delete_op(accounts, keys.api_key(account["key_hash"])))
    table.settle(lambda: table.transact(operations))


def directory() -> Iterator[Item]:
    """Every account as its row has it, by name: ``username, id, uid, email, active, superuser, created, details``,
    and once there was one ``last_login`` and ``last_access`` (also a failed one; ms)."""
    rows = table.query_all(settings().accounts_table, "#pk = :pk", {":pk": keys.directory_pk()})
    return ({**_opened(row), "username": row["sk"]} for row in rows)


def row(username: str) -> Item:
    """An account's row; empty where there is none."""
    return table.get(settings().accounts_table, keys.directory_row(username)) or {}


def mark_bad_address(username: str, address: str, reason: str, *, at: int) -> None:
    """Notes that mails to that address of an account come back (``email_bad``: address, reason, at in ms).

    Raises ConditionError when there is no such account or it has another address by now.
    """
    table.update(
        settings().accounts_table,
        keys.account(username),
        "SET #email_bad = :bad",
        {":bad": {"address": address, "reason": reason, "at": at}, ":address": address},
        condition="#email = :address",
        blind=True,
    )


def replace_key(account: Item, key_hash: str | None, key_sealed: list[bytes] | None) -> None:
    """Puts another key, or none, in the place of the account's: the old one stops working at once.

    Raises TransactionError when the account or its key was changed meanwhile.
    """
    accounts = settings().accounts_table
    old = account.get("key_hash")
    values: dict[str, Any] = {
        ":new": key_hash,
        ":sealed": key_sealed,
        ":old": old,
        ":seen": account["revision"],
    }
    operations = [
        table.update_op(
            accounts,
            keys.account(account["username"]),
            "SET #key_hash = :new, #key_sealed = :sealed",
            values,
            condition="#key_hash = :old AND #revision = :seen",
        )
    ]
    if old:
        operations.append(table.delete_op(accounts, keys.api_key(old)))
    if key_hash:
        operations.append(table.put_op(accounts, _key_item({**account, "key_hash": key_hash})))
    table.transact(operations)


def _key_item(account: Item) -> Item:
    copied = ("username", "uid", "active", "superuser")
    return {**keys.api_key(account["key_hash"]), **{name: account[name] for name in copied}}


def failed_logins(name: str, address: str, now: int) -> tuple[int, int]:
    """How many logins with that name from that address failed in the window that is open, and its end (s)."""
    item = table.get(settings().accounts_table, keys.login_failures(name, address))
    return (item["failures"], item["expires"]) if item and item["expires"] > now else (0, now)


def count_failed_login(name: str, address: str, now: int) -> None:
    """Adds one failure; a window opens with the first and closes by itself."""
    accounts = settings().accounts_table
    key = keys.login_failures(name, address)
    try:
        table.update(
            accounts,
            key,
            "ADD #failures :one",
            {":one": 1, ":now": now},
            condition="#expires > :now",
        )
    except table.ConditionError:
        # An update, as the functions that take submissions have no right to put items into this table.
        table.update(
            accounts,
            key,
            "SET #failures = :one, #expires = :end",
            {":one": 1, ":end": now + LOGIN_WINDOW},
        )
