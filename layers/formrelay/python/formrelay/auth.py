"""Who is calling: API key or Basic (contract accounts §1). Read from the table at every request, never cached."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from formrelay import access_logs, clock, ids, passwords
from formrelay.errors import ApiError, unauthenticated
from formrelay.storage import accounts
from formrelay.storage.table import Item

_MAX_FAILURES = 20


@dataclass(frozen=True)
class Caller:
    """A signed-in user; ``None`` stands for anonymous wherever a caller is expected."""

    username: str
    uid: str
    superuser: bool = False
    address: str = field(default="", compare=False)
    agent: str = field(default="", compare=False)
    """What the client calls itself: its User-Agent header."""


def authenticate(headers: Mapping[str, str], address: str, *, submitting: bool = False) -> Caller | None:
    """The caller named by the Authorization header (keys of ``headers`` in lower case); None without one.

    Notes the sign-in; ``submitting`` says that it is for a submission.

    Raises ApiError 401 for credentials that are wrong, 429 after too many failed logins.
    """
    header = headers.get("authorization", "")
    if not header:
        return None
    scheme, _, rest = header.partition(" ")
    agent = headers.get("user-agent", "")
    if scheme.lower() == "token":
        account, kind = _by_key(rest.strip()), access_logs.TOKEN
    elif scheme.lower() == "basic":
        account, kind = _by_password(rest.strip(), address, agent), access_logs.BASIC
    else:
        # Taken for anonymous, such a caller would get empty lists and look for what is wrong elsewhere.
        raise unauthenticated()
    kind = access_logs.SUBMISSIONS if submitting else kind
    access_logs.note(kind, account["username"], account["uid"], address, agent)
    return Caller(account["username"], account["uid"], account["superuser"], address, agent)


def _by_key(key: str) -> Item:
    if not key:
        raise unauthenticated("Invalid token header. No credentials provided.")
    if " " in key:
        raise unauthenticated("Invalid token header. Token string should not contain spaces.")
    item = accounts.get_key(ids.key_hash(key))
    if item is None:
        raise unauthenticated("Invalid token.")
    if not item["active"]:
        raise unauthenticated("User inactive or deleted.")
    return item


def _by_password(encoded: str, address: str, agent: str) -> Item:
    username, password = _decode(encoded)
    account = accounts.get_account(username)
    stored = account["password"] if account else None
    known = stored is not None and passwords.is_known(username, password, stored)
    if not known and not is_password(username, password, stored, address):
        access_logs.note(access_logs.FAILED, username, account["uid"] if account else None, address, agent)
        raise unauthenticated("Invalid username/password.")
    if account is None:
        raise unauthenticated("Invalid username/password.")
    if not account["active"]:
        raise unauthenticated("User inactive or deleted.")
    return account


@cache
def _nobody() -> str:
    """Checked in place of a stored hash when the name is unknown, so that both take the same time."""
    return passwords.hash_password("")


def is_password(username: str, password: str, stored: str | None, address: str) -> bool:
    """Whether it is the password behind the stored hash; one that is not counts as a failed login.

    Raises ApiError 429 after too many of these.
    """
    now = int(clock.now())
    failures, ends = accounts.failed_logins(username, address, now)
    if failures > _MAX_FAILURES:
        wait = {"Retry-After": str(ends - now)}
        raise ApiError(429, {"detail": "Too many failed logins. Try again later."}, wait)
    if passwords.verify(username, password, stored or _nobody()) and stored is not None:
        return True
    accounts.count_failed_login(username, address, now)
    return False


def _decode(encoded: str) -> tuple[str, str]:
    if not encoded:
        raise unauthenticated("Invalid basic header. No credentials provided.")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except ValueError:  # of base64, and of text that is not ASCII
        raise unauthenticated("Invalid basic header. Credentials not correctly base64 encoded.") from None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        # What clients write that were made before RFC 7617: OkHttp, and with it Collect, and Python's requests.
        text = raw.decode("latin-1")
    username, colon, password = text.partition(":")
    if not colon or not username or len(username) > 255 or len(password) > passwords.MAX_LENGTH:
        raise unauthenticated("Invalid username/password.")
    return username, password
