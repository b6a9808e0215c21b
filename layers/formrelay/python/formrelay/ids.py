"""Identifiers: uids of the API, submission ids, API keys, and the uid of a delivery.

uid = prefix + 21 characters from a 57-letter alphabet without look-alikes (contract accounts §6.7).
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TypeGuard

from formrelay.clock import EPOCH_2026_MS, now_ms

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE = len(ALPHABET)
_INDEX = {c: i for i, c in enumerate(ALPHABET)}
_UID_LENGTH = 21
_UID_BITS = 122  # 57**21 > 2**122
_ID_BITS = 50  # submission ids stay below 10**15 < 2**50
_CHECK_BITS = _UID_BITS - _ID_BITS
_RANDOM_BITS = 10

MAX_SUBMISSION_ID = 10**15 - 1


def uid(prefix: str) -> str:
    """A new random uid, e.g. ``uid("a")`` for an asset: 22 characters."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(_UID_LENGTH))


def derived_uid(prefix: str, *parts: str) -> str:
    """A uid that is a function of the parts, none of which has a slash in it: for what is not stored."""
    digest = hashlib.sha256("/".join(parts).encode()).digest()
    return prefix + _encode(int.from_bytes(digest, "big") >> (256 - _UID_BITS))


def timed_uid(prefix: str) -> str:
    """A new uid that sorts by the moment at which it was made."""
    return prefix + _encode((submission_id() << _CHECK_BITS) | secrets.randbits(_CHECK_BITS))


def is_uid(text: str | None, prefix: str) -> TypeGuard[str]:
    """Whether the text has the form of a uid with that prefix."""
    body = text.removeprefix(prefix) if text and text.startswith(prefix) else ""
    return len(body) == _UID_LENGTH and all(char in _INDEX for char in body)


def submission_id() -> int:
    """A new ``_id``: milliseconds since 2026 and ten random bits, so time-ordered and at most 15 digits.

    Two calls may clash; the store refuses the second one and the caller draws again.
    """
    return ((now_ms() - EPOCH_2026_MS) << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)


def id_at(ms: int) -> int:
    """The smallest submission id that can have been drawn at that moment."""
    return max(0, ms - EPOCH_2026_MS) << _RANDOM_BITS


def time_of(sid: int) -> int:
    """The moment (ms) at which a submission id was drawn."""
    return (sid >> _RANDOM_BITS) + EPOCH_2026_MS


def api_key() -> str:
    """A new API key: 40 lowercase hexadecimal characters (contract accounts §1)."""
    return secrets.token_hex(20)


def key_hash(key: str) -> str:
    """What is stored and looked up in place of an API key; keys are random, so one plain hash will do."""
    return hashlib.sha256(key.encode()).hexdigest()


def delivery_uid(hook_uid: str, sid: int) -> str:
    """The ``hl…`` uid of the delivery of one submission to one hook.

    It is a function of both, so no index is needed to find a log by its uid: 50 bits are the
    submission id, 72 bits a hash that binds them to the hook.
    """
    return "hl" + _encode((sid << _CHECK_BITS) | _check(hook_uid, sid))


def delivery_sid(hook_uid: str, uid_: str) -> int | None:
    """The submission id in a delivery uid, or None when it is not one of this hook's."""
    if not uid_.startswith("hl") or len(uid_) != 2 + _UID_LENGTH:
        return None
    number = 0
    for char in uid_[2:]:
        digit = _INDEX.get(char)
        if digit is None:
            return None
        number = number * _BASE + digit
    sid = number >> _CHECK_BITS
    if sid > MAX_SUBMISSION_ID or _check(hook_uid, sid) != number & ((1 << _CHECK_BITS) - 1):
        return None
    return sid


def _check(hook_uid: str, sid: int) -> int:
    digest = hashlib.sha256(f"{hook_uid}/{sid}".encode()).digest()
    return int.from_bytes(digest[: _CHECK_BITS // 8], "big")


def _encode(number: int) -> str:
    out = []
    for _ in range(_UID_LENGTH):
        number, digit = divmod(number, _BASE)
        out.append(ALPHABET[digit])
    return "".join(reversed(out))
