"""A hook's settings at rest: sealed as a whole, because user name, password and custom headers are credentials."""

from __future__ import annotations

import json
from typing import Any

from formrelay import sealing
from formrelay.storage.table import Item


def sealed(settings: dict[str, Any], hook_uid: str) -> list[bytes]:
    """Settings in the clear → what is stored. Nothing to hide is nothing stored."""
    return sealing.seal(json.dumps(settings, ensure_ascii=False), hook_uid) if settings else []


def readable(hook: Item) -> dict[str, Any] | None:
    """The settings of a stored hook, in the clear; None when they cannot be opened."""
    try:
        return opened(hook)
    except sealing.NotSealedError:
        return None


def opened(hook: Item) -> dict[str, Any]:
    """The settings of a stored hook, in the clear. Raises NotSealedError."""
    if not hook["sealed"]:
        return {}
    settings: dict[str, Any] = json.loads(sealing.unseal(hook["sealed"], hook["uid"]))
    return settings
