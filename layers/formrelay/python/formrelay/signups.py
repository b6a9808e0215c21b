"""Signing up by oneself, where a deployment allows it: asked for, mailed a link, confirmed behind it.

Whoever asks is answered the same, whether or not the name is taken: only the mail tells. An account is made when its
sign-up is confirmed, and just once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from formrelay import accounts, clock, ids, passwords
from formrelay.errors import UnavailableError, invalid
from formrelay.letters import run as letters
from formrelay.letters.texts import SIGNUP, SIGNUP_TAKEN
from formrelay.log import logger
from formrelay.settings import settings
from formrelay.storage import accounts as stored
from formrelay.storage import letters as outbox
from formrelay.storage import signups, table
from formrelay.storage.table import Item

HOURS = 24
_DAY = 86_400
# Mails a day to one address, and for one network address.
MOST_PER_EMAIL = 3
MOST_PER_CALLER = 20


class InvalidTokenError(Exception):
    """No sign-up waits behind that token, or no longer."""


class TakenError(Exception):
    """The name was taken meanwhile."""


def is_open() -> bool:
    """Whether people can sign up here: it is allowed, and mail can be sent."""
    return settings().open_signup and bool(settings().mail_from)


def ask(
    username: str, email: str, password: str, details: Mapping[str, Any], *, address: str, base_url: str
) -> None:
    """Keeps a sign-up and mails its link. Raises ApiError 400 for what could be no account, whoever has which name."""
    accounts.check_username(username)
    accounts.check_password("password", password)
    if not email:
        raise invalid("email", "This field is required.")
    accounts.checked_email(email)
    profile = accounts.checked_details(details)
    now = clock.now_ms() // 1000
    if _too_many(email, address, now):
        logger.warning("sign-up beyond the limits")
        return
    # The same is done for a name that is taken, or the time of the answer would tell.
    token, hashed = ids.api_key(), passwords.hash_password(password)
    signup = {"username": username, "email": email, "password": hashed, "details": profile}
    signups.put(token, {**signup, "expires": now + HOURS * 3_600})
    language, facts = profile.get("language", ""), {"username": username, "hours": HOURS}
    if stored.is_taken(username):
        _mail(SIGNUP_TAKEN, email, language, facts)
    else:
        _mail(SIGNUP, email, language, facts, link=f"{base_url}/signup/confirm/?token={token}")


def _too_many(email: str, address: str, now: int) -> bool:
    callers = signups.count(f"from {address}", now=now, window=_DAY)
    return (
        callers > MOST_PER_CALLER
        or signups.count(f"to {email.lower()}", now=now, window=_DAY) > MOST_PER_EMAIL
    )


def _mail(kind: str, email: str, language: object, facts: Item, **link: str) -> None:
    letter = outbox.new(kind, address=email, language=str(language), facts=facts, **link)
    outbox.put(letter)
    letters.send_soon(letter)


def waiting(token: str) -> Item:
    """The sign-up behind a token: ``username, email, password, details``. Raises InvalidTokenError."""
    found = signups.get(token, now=clock.now_ms() // 1000) if len(token) == 40 and is_open() else None
    if found is None:
        raise InvalidTokenError
    return found


def confirm(token: str) -> Item:
    """Makes the account. Raises InvalidTokenError, also the second time, and TakenError."""
    found = waiting(token)
    account = accounts.new(found["username"], found["password"], found["email"], details=found["details"])
    try:
        made = stored.create_account(account, [signups.remove_op(token)])
    except table.ConflictError:
        raise UnavailableError(1) from None
    if made:
        return found
    if stored.is_taken(found["username"]) and signups.get(token, now=clock.now_ms() // 1000):
        raise TakenError
    raise InvalidTokenError
