"""Passwords: scrypt (memory-hard, RFC 7914) from the standard library."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from functools import lru_cache

_N, _R, _P = 2**14, 8, 1
_MAX_MEMORY = 64 * 1024 * 1024
MAX_LENGTH = 1024

# Outcomes of checks are remembered by a key that dies with the process, so that a client with Basic
# authentication pays for the slow hash once per process and stored hash.
_PROCESS_KEY = secrets.token_bytes(32)


def hash_password(password: str) -> str:
    """``scrypt$N$r$p$salt$hash``; salted, so two hashes of one password differ."""
    salt = secrets.token_bytes(16)
    return f"scrypt${_N}${_R}${_P}${_b64(salt)}${_b64(_scrypt(password, salt, _N, _R, _P))}"


def is_known(username: str, password: str, stored: str) -> bool:
    """True when this process has already seen this very password pass for this hash; costs nothing."""
    return _fingerprint(username, password, stored) in _passed()


def verify(username: str, password: str, stored: str) -> bool:
    """Whether the password is the one behind the stored hash; about 50 ms when not seen before."""
    fingerprint = _fingerprint(username, password, stored)
    if fingerprint in _passed():
        return True
    if len(password) > MAX_LENGTH:
        return False
    _, n, r, p, salt, digest = stored.split("$")
    actual = _scrypt(password, base64.b64decode(salt), int(n), int(r), int(p))
    if not hmac.compare_digest(actual, base64.b64decode(digest)):
        return False
    if len(_passed()) > 10_000:
        _passed().clear()
    _passed().add(fingerprint)
    return True


@lru_cache(maxsize=1)
def _passed() -> set[bytes]:
    return set()


def _fingerprint(username: str, password: str, stored: str) -> bytes:
    return hmac.digest(_PROCESS_KEY, "\0".join((username, password, stored)).encode(), "sha256")


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=_MAX_MEMORY, dklen=32)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
