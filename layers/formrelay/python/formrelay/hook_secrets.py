"""Signing secrets of a hook: their form, at rest, and those it signs with (Standard Webhooks; design §4, §6).

A stored hook keeps them as ``signing``: ``{sealed, since, until}`` each, newest first, times in ms. The newest has no
``until``; those before it sign beside it until then, so that receivers can change over.
"""

from __future__ import annotations

import base64
import binascii
import secrets

from formrelay import sealing
from formrelay.hooks.headers import SECRET_PREFIX
from formrelay.storage.table import Item

# Of the random bytes in a secret (Standard Webhooks, "Symmetric").
MIN_BYTES, MAX_BYTES = 24, 64
_NEW_BYTES = 32
# Signatures stand side by side in one header, and each costs a call to open.
MAX_LIVE = 5


class TooManySecretsError(Exception):
    """MAX_LIVE secrets sign already."""


def new() -> str:
    """A fresh secret: ``whsec_`` and the base64 of random bytes."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_NEW_BYTES)).decode()


def is_secret(text: str) -> bool:
    """Whether a text is a secret that every library of Standard Webhooks reads alike."""
    encoded = text.removeprefix(SECRET_PREFIX)
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    canonical = base64.b64encode(key).decode() == encoded
    return text.startswith(SECRET_PREFIX) and canonical and MIN_BYTES <= len(key) <= MAX_BYTES


def live(hook: Item, now: int) -> list[Item]:
    """What is stored of the secrets that sign at ``now`` (ms), newest first."""
    return [entry for entry in hook.get("signing", ()) if entry["until"] is None or entry["until"] > now]


def opened(hook: Item, now: int) -> list[str]:
    """The secrets of a stored hook that sign at ``now`` (ms), in the clear, newest first. Raises NotSealedError."""
    return [sealing.unseal(entry["sealed"], hook["uid"]) for entry in live(hook, now)]


def rotated(hook: Item, secret: str, *, overlap: int, now: int) -> list[Item]:
    """What to store when ``secret`` follows those of a hook, which sign for at most ``overlap`` seconds more.

    A secret that comes back leaves its old place; one that cannot be opened signs nothing and falls out. Raises
    TooManySecretsError.
    """
    ends = now + overlap * 1000
    older = [
        {**entry, "until": ends if entry["until"] is None else min(ends, entry["until"])}
        for entry in live(hook, now)
        if overlap and _readable(entry, hook) not in (secret, None)
    ]
    if len(older) >= MAX_LIVE:
        raise TooManySecretsError
    return [{"sealed": sealing.seal(secret, hook["uid"]), "since": now, "until": None}, *older]


def _readable(entry: Item, hook: Item) -> str | None:
    try:
        return sealing.unseal(entry["sealed"], hook["uid"])
    except sealing.NotSealedError:
        return None
