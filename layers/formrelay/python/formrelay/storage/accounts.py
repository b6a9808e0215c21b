"""Accounts and API keys: the table that most functions have no right on."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.table import Item
from formrelay.usernames import is_username

LOGIN_WINDOW = 600


def get_account(username: str) -> Item | None:
    """An account by name: ``username, uid, password, email, active, superuser, key_hash, key_sealed, created,
    details``; ``email_bad`` when mails to an address came back.

    What cannot be a name is not looked up.
    """
    if not is_username(username):
        return None
    return table.get(settings().accounts_table, keys.account(username))


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


def create_account(account: Item) -> bool:
    """Writes a new account together with its key. False when the name is taken."""
    accounts = settings().accounts_table
    try:
        table.transact(
            [
                table.put_op(
                    accounts,
                    {**keys.account(account["username"]), **account},
                    condition="attribute_not_exists(#pk)",
                ),
                table.put_op(accounts, _key_item(account)),
            ]
        )
    except table.TransactionError:
        return False
    return True


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

    Raises TransactionError when the account's key was changed meanwhile.
    """
    accounts = settings().accounts_table
    old = account.get("key_hash")
    values: dict[str, Any] = {":new": key_hash, ":sealed": key_sealed, ":old": old}
    operations = [
        table.update_op(
            accounts,
            keys.account(account["username"]),
            "SET #key_hash = :new, #key_sealed = :sealed",
            values,
            condition="#key_hash = :old",
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


def failed_logins(name: str, address: str, now: int) -> int:
    """How many logins with that name from that address failed in the window that is open now (seconds)."""
    item = table.get(settings().accounts_table, keys.login_failures(name, address))
    return item["failures"] if item and item["expires"] > now else 0


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
