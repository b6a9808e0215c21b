"""Accounts: made, changed and deleted by operators and superusers; their owners change what is about themselves."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from formrelay import clock, ids, passwords, sealing
from formrelay.errors import UnavailableError, detail, invalid, not_found
from formrelay.storage import accounts, listings
from formrelay.storage.table import ConflictError, Item, TransactionError
from formrelay.usernames import is_username

MIN_PASSWORD = 8
MAX_DETAILS = 8_192
_MAX_EMAIL = 254
_EMAIL = re.compile(r"[^\s@<>,\"]+@[^\s@<>,\"]+")
_TRIES = 5
_LOST_KEY = (
    "The API key works but can no longer be shown. To replace it by another one, send DELETE /token/ first."
)
T = TypeVar("T")


def create_account(
    username: str,
    password: str,
    email: str,
    *,
    superuser: bool = False,
    active: bool = True,
    language: str = "",
    details: Mapping[str, Any] | None = None,
) -> str | None:
    """Makes an account and its API key, and returns the key; None when the name is taken, or once was.

    ``language`` is the tag of the one that it is mailed in, ``details`` whatever else its profile says.
    Raises ApiError 400 for what will not do.
    """
    check_username(username)
    check_password("password", password)
    profile = checked_details({**(details or {}), **({"language": language} if language else {})})
    checked_email(email)
    key = ids.api_key()
    account = new(username, passwords.hash_password(password), email, key=key, details=profile)
    made = accounts.create_account({**account, "active": active, "superuser": superuser})
    return key if made else None


def new(
    username: str, password: str, email: str, *, details: Mapping[str, Any], key: str | None = None
) -> Item:
    """An account as it is stored, with a new API key; ``password`` is the hash of one. Everything is checked before."""
    uid, key = ids.uid("u"), key or ids.api_key()
    return {
        "username": username,
        "uid": uid,
        "id": secrets.randbelow(2**31),
        "revision": 0,
        "password": password,
        "email": email,
        "active": True,
        "superuser": False,
        "created": clock.now_ms(),
        "key_hash": ids.key_hash(key),
        "key_sealed": sealing.seal(key, uid),
        "details": dict(details),
    }


def check_username(username: str) -> None:
    """Raises ApiError 400 for what can be no name."""
    if not is_username(username):
        raise invalid(
            "username", "A name has 2 to 30 of a-z, 0-9 and _, begins with a letter and is not reserved."
        )


def check_password(field: str, password: str) -> None:
    """Raises ApiError 400 under ``field`` for a password that will not do."""
    if len(password) < MIN_PASSWORD:
        raise invalid(field, f"A password has at least {MIN_PASSWORD} characters.")
    if len(password) > passwords.MAX_LENGTH:
        raise invalid(field, f"A password has at most {passwords.MAX_LENGTH} characters.")


def checked_email(email: str) -> str:
    """The address; none is empty. Raises ApiError 400."""
    if email and (len(email) > _MAX_EMAIL or not _EMAIL.fullmatch(email)):
        raise invalid("email", "Enter a valid email address.")
    return email


def checked_details(details: Mapping[str, Any]) -> Item:
    """What an account's profile says. Raises ApiError 400 where that is too much."""
    if len(json.dumps(details, ensure_ascii=False).encode()) > MAX_DETAILS:
        raise invalid("extra_details", f"Ensure this field has no more than {MAX_DETAILS} bytes.")
    return dict(details)


class Change(NamedTuple):
    """A change of an account: what is None stays as it is. ``details`` are merged key by key."""

    email: str | None = None
    active: bool | None = None
    superuser: bool | None = None
    password: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    details: Mapping[str, Any] | None = None


def change(username: str, wanted: Change, *, seen_password: str | None = None) -> Item:
    """Writes a change and returns the account as it is then.

    Switching an account off counts for its key and its password from the next request on. ``seen_password`` is the
    stored hash that a new password was asked for against. Raises ApiError 404 when there is no such account, 400 for
    what will not do, or when the password was changed meanwhile.
    """
    hashed = None
    if wanted.password is not None:
        check_password("new_password" if seen_password else "password", wanted.password)
        hashed = passwords.hash_password(wanted.password)
    plain = {
        "email": checked_email(wanted.email) if wanted.email is not None else None,
        "active": wanted.active,
        "superuser": wanted.superuser,
        "password": hashed,
        "first_name": wanted.first_name,
        "last_name": wanted.last_name,
    }

    def changed(account: Item) -> Item:
        if seen_password is not None and account["password"] != seen_password:
            raise invalid("current_password", "Incorrect current password.")
        made: Item = {name: value for name, value in plain.items() if value is not None}
        if wanted.details is not None:
            made["details"] = checked_details({**account["details"], **wanted.details})
        different = {name: value for name, value in made.items() if account.get(name) != value}
        if different:
            accounts.save(account, different)
        return {**account, **different}

    return _settled(username, changed)


def delete(username: str) -> None:
    """Deletes an account; its name stays taken.

    Raises ApiError 404 when there is none, 400 while it owns projects, which would be nobody's.
    """

    def deleted(account: Item) -> None:
        if listings.owned(username):
            raise detail(400, "The account owns projects. Delete them, or give them to somebody else, first.")
        accounts.remove(account)

    _settled(username, deleted)


def ensure_account(username: str, password: str, email: str, *, superuser: bool = False) -> str:
    """The API key of an account, which is made when it does not exist yet."""
    key = create_account(username, password, email, superuser=superuser)
    return key if key is not None else ensure_key(username)[0]


def ensure_key(username: str) -> tuple[str, bool]:
    """The API key of an account in the clear, for its owner, and whether it was made just now.

    Raises ApiError 404 when there is no such account, 409 when its key cannot be opened any more: another one in its
    place would end scripts that work.
    """

    def ensured(account: Item) -> tuple[str, bool]:
        if account["key_sealed"]:
            try:
                return sealing.unseal(account["key_sealed"], account["uid"]), False
            except sealing.NotSealedError:
                raise detail(409, _LOST_KEY) from None
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


def set_active(username: str, active: bool) -> bool:
    """Lets an account sign in, or no longer, from the next request on. False when it was so already.

    Raises ApiError 404 when there is no such account.
    """

    def switched(account: Item) -> bool:
        if account["active"] == active:
            return False
        accounts.save(account, {"active": active})
        return True

    return _settled(username, switched)


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
