"""Accounts: made by operators; users and clients only sign in."""

from __future__ import annotations

import re

from formrelay import clock, ids, passwords, sealing
from formrelay.errors import invalid
from formrelay.storage import accounts
from formrelay.storage.table import Item

_USERNAME = re.compile(r"[a-z][a-z0-9_]{1,29}")
# First segments of paths, which a user name in a path must not hide.
RESERVED = frozenset(
    {
        "anonymoususer", "api", "assets", "collector", "forms", "formlist", "me", "media", "private_media",
        "submission", "token", "view", "xformsmanifest", "xformsmedia",
    }
)  # fmt: skip
MIN_PASSWORD = 8


def create_account(username: str, password: str, email: str, *, superuser: bool = False) -> str | None:
    """Makes an account and its API key, and returns the key; None when the name is taken.

    Raises ApiError 400 for names and passwords that will not do.
    """
    if not _USERNAME.fullmatch(username) or username in RESERVED:
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
        "details": {},
    }
    return key if accounts.create_account(account) else None


def ensure_account(username: str, password: str, email: str, *, superuser: bool = False) -> str:
    """The API key of an account, which is made when it does not exist yet."""
    key = create_account(username, password, email, superuser=superuser)
    if key is not None:
        return key
    account = accounts.get_account(username)
    if account is None:
        raise LookupError(username)
    return key_of(account) or new_key(account)


def key_of(account: Item) -> str | None:
    """The account's API key in the clear, for its owner; None when there is none."""
    return sealing.unseal(account["key_sealed"], account["uid"]) if account["key_sealed"] else None


def new_key(account: Item) -> str:
    """Gives the account another API key; an old one is refused from now on."""
    key = ids.api_key()
    accounts.replace_key(account, ids.key_hash(key), sealing.seal(key, account["uid"]))
    return key


def drop_key(account: Item) -> bool:
    """Takes the account's API key away. False when it had none."""
    if not account["key_hash"]:
        return False
    accounts.replace_key(account, None, None)
    return True
