"""Links in mails that switch failure mails off without a login.

A link's token is sealed by KMS (design §6) for this one purpose: the function that mails may seal for no other, and
none can be made or changed without the key, for which an HMAC key would be one more to pay and to keep. It names the
owner, what it switches off, and when it ends.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from formrelay import clock, history, ids, sealing
from formrelay.errors import UnavailableError
from formrelay.storage import hooks, reports
from formrelay.storage.assets import Project
from formrelay.storage.hooks import Standing
from formrelay.storage.table import Item, TransactionError

# The encryption context of tokens, where credentials have the uid of what they belong to.
PURPOSE = "unsubscribe"
_LASTS = 90 * 86400
_TRIES = 5
# Longer than any token: 64 bytes sealed are fewer than 300.
_MAX_TOKEN = 800

Pair = tuple[str, str]
"""A project and one of its hooks."""


class InvalidTokenError(Exception):
    """The token was not made here, has ended, or what it stands for is gone."""


def hook_token(owner: str, hook_uid: str) -> str:
    """The token that switches off the mails about one hook."""
    return _sealed(owner, hook_uid, _end())


def letter_token(owner: str, pairs: Sequence[Pair]) -> str:
    """The token that switches off the mails about all these hooks: what a mail client's own button does."""
    uid, end = ids.uid("m"), _end()
    reports.keep_letter(owner, uid, pairs, expires=end)
    return _sealed(owner, uid, end)


def _end() -> int:
    return clock.now_ms() // 1000 + _LASTS


def _sealed(owner: str, uid: str, end: int) -> str:
    (piece,) = sealing.seal(f"{owner} {uid} {end}", PURPOSE)
    return base64.urlsafe_b64encode(piece).decode().rstrip("=")


def opened(token: str) -> tuple[str, list[Standing]]:
    """The owner who was mailed that token, and the hooks that it switches off. Raises InvalidTokenError."""
    owner, uid, end = _unsealed(token)
    if end * 1000 <= clock.now_ms():
        raise InvalidTokenError
    standings = hooks.standings(_pairs(owner, uid))
    # A project may have got another owner since.
    found = [standing for standing in standings.values() if standing.state["owner"] == owner]
    if not found:
        raise InvalidTokenError
    return owner, sorted(found, key=lambda standing: (standing.state["name"], standing.hook["name"]))


def _unsealed(token: str) -> tuple[str, str, int]:
    if not 0 < len(token) <= _MAX_TOKEN:
        raise InvalidTokenError
    try:
        piece = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        owner, uid, end = sealing.unseal([piece], PURPOSE).split(" ")
        return owner, uid, int(end)
    except ValueError:  # no base64, not sealed here, or not for this
        raise InvalidTokenError from None


def _pairs(owner: str, uid: str) -> list[Pair]:
    if ids.is_uid(uid, "m"):
        return reports.letter(owner, uid)
    asset = hooks.asset_of(uid)
    return [(asset, uid)] if asset else []


def switch_off(standing: Standing, by: Item) -> None:
    """Switches off the mails about a hook, as its owner could; ``by`` is who is told of in the project's activity.

    Raises UnavailableError when others keep changing the hook.
    """
    hook, asset = standing.hook, standing.asset
    project = Project(asset, standing.state)
    for _ in range(_TRIES):
        if not hook["email_notification"]:
            return
        changed = {
            **hook,
            "email_notification": False,
            "revision": hook["revision"] + 1,
            "modified": clock.now_ms(),
        }
        told = history.hook_op(by, project, "modify-service", changed)
        try:
            hooks.save(asset, changed, hook["revision"], [told])
        except TransactionError:
            again = hooks.get(asset, hook["uid"])
            if again is None:
                return
            hook = again
        else:
            return
    raise UnavailableError(1)
