"""Accounts: made by operators; users and clients only sign in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from formrelay import clock, ids, passwords, sealing
from formrelay.errors import UnavailableError, invalid, not_found
from formrelay.storage import accounts
from formrelay.storage.table import ConflictError, Item, TransactionError
from formrelay.usernames import is_username

MIN_PASSWORD = 8
_TRIES = 5
T = TypeVar("T")


def create_account(
    username: str, password: str, email: str, *, superuser: bool = False, language: str = ""
) -> str | None:
    """Makes an account and its API key, and returns the key; None when the name is taken.

    ``language`` is the tag of the one that it is mailed in.
    Raises ApiError 400 for names and passwords that will not do.
    """
    if not is_username(username):
        raise invalid(
            "username", "A name has 2 to 30 of a-z, 0-9 and _, begins with a letter and is not reserved."
        )
    if not MIN_PASSWORD <= len(password) <= passwords.MAX_LENGTH:
        raise invalid("password", f"A password has at least {MIN_PASSWORD} characters.")
    uid, key = ids.uid("u"), ids.api_key()
    account: Item = {
        "username": username,
        "uid": uid,
        "password": passwords.hash_password(password),
        "email": email,
        "active": True,
        "superuser": superuser,
        "created": clock.now_ms(),
        "key_hash": ids.key_hash(key),
        "key_sealed": sealing.seal(key, uid),
        "details": {"language": language} if language else {},
    }
    return key if accounts.create_account(account) else None


def ensure_account(username: str, password: str, email: str, *, superuser: bool = False) -> str:
    """The API key of an account, which is made when it does not exist yet."""
    key = create_account(username, password, email, superuser=superuser)
    return key if key is not None else ensure_key(username)[0]


def ensure_key(username: str) -> tuple[str, bool]:
    """The API key of an account in the clear, for its owner, and whether it was made just now.

    Raises ApiError 404 when there is no such account.
    """

    def ensured(account: Item) -> tuple[str, bool]:
        if account["key_sealed"]:
            return sealing.unseal(account["key_sealed"], account["uid"]), False
        key = ids.api_key()
        accounts.replace_key(account, ids.key_hash(key), sealing.seal(key, account["uid"]))
        return key, True

    return _settled(username, ensured)


def drop_key(username: str) -> bool:
    """Takes the account's API key away: it is refused from now on. False when there was none."""

    def dropped(account: Item) -> bool:
        if not account["key_hash"]:
            return False
        accounts.replace_key(account, None, None)
        return True

    return _settled(username, dropped)


def _settled(username: str, act: Callable[[Item], T]) -> T:
    """Acts on the account as it stands, again when its key was changed meanwhile."""
    for _ in range(_TRIES):
        account = accounts.get_account(username)
        if account is None:
            raise not_found()
        try:
            return act(account)
        except (TransactionError, ConflictError):
            continue
    raise UnavailableError
