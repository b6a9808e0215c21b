"""InstanceIDs as they are stored, and as clients know them."""

from __future__ import annotations

_SCHEME = "uuid:"


def bare(identifier: str) -> str:
    """An instanceID as it is stored: the prefix ``uuid:`` taken off, any other scheme kept."""
    return identifier.removeprefix(_SCHEME)


def prefixed(stored: str) -> str:
    """A stored instanceID as clients know it: ``uuid:…``; other schemes stand as they came."""
    return stored if ":" in stored else _SCHEME + stored
