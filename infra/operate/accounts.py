"""``create-account``, ``list-accounts``, ``disable-account``, ``enable-account``, ``delete-account``."""

from __future__ import annotations

import argparse
import getpass
import sys

from infra.operate.command import Command, RefusedError, iso, note, tell
from infra.operate.scanning import items


def _create_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("username")
    parser.add_argument("--email", default="", help="where failure reports go")
    parser.add_argument("--language", default="en", choices=("en", "fr", "es", "ar"), help="of those reports")
    parser.add_argument("--superuser", action="store_true", help="may do everything")


def create(options: argparse.Namespace) -> int:
    """Asks for the password (or reads it from standard input) and prints the API key."""
    from formrelay import accounts
    from formrelay.errors import ApiError

    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    try:
        key = accounts.create_account(
            options.username,
            password,
            options.email,
            superuser=options.superuser,
            language=options.language,
        )
    except ApiError as error:
        raise RefusedError(next(iter(error.body.values()))[0]) from None
    if key is None:
        raise RefusedError(f"There is an account {options.username} already.")
    print(key)
    return 0


def listed(_options: argparse.Namespace) -> int:
    """Every account, one line of JSON each, as they are found; nothing secret."""
    from formrelay.settings import settings

    for account in items(settings().accounts_table, "U#"):
        if account.get("gone"):
            continue
        tell(
            {
                "username": account["username"],
                "email": account["email"],
                "email_bad": account.get("email_bad", {}).get("reason"),
                "active": account["active"],
                "superuser": account["superuser"],
                "has_key": bool(account["key_hash"]),
                "created": iso(account["created"]),
            }
        )
    return 0


def _switch(options: argparse.Namespace, *, active: bool) -> int:
    from formrelay import accounts
    from formrelay.errors import ApiError

    try:
        changed = accounts.set_active(options.username, active)
    except ApiError:
        raise RefusedError(f"There is no account {options.username}.") from None
    note(f"{options.username} {'is' if changed else 'was already'} {'active' if active else 'disabled'}.")
    return 0


def delete(options: argparse.Namespace) -> int:
    """Deletes an account that owns no project; its name stays taken."""
    from formrelay import accounts
    from formrelay.errors import ApiError

    try:
        accounts.delete(options.username)
    except ApiError as error:
        missing = f"There is no account {options.username}."
        raise RefusedError(missing if error.status == 404 else error.body["detail"]) from None
    note(f"{options.username} is deleted.")
    return 0


def _username(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("username")


COMMANDS = (
    Command("create-account", "make an account and print its API key", _create_arguments, create),
    Command("list-accounts", "list the accounts", lambda _parser: None, listed),
    Command(
        "disable-account",
        "refuse an account's password and key from now on; its projects stay",
        _username,
        lambda options: _switch(options, active=False),
    ),
    Command(
        "enable-account",
        "take an account's password and key again",
        _username,
        lambda options: _switch(options, active=True),
    ),
    Command("delete-account", "delete an account that owns no project", _username, delete),
)
