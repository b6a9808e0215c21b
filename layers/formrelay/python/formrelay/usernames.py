"""What can be a user name (contract accounts §4, §7)."""

from __future__ import annotations

import re

# Stands for everybody in assignments of rights (contract permissions §2.1); no account has the name.
ANONYMOUS = "AnonymousUser"
_NAME = re.compile(r"[a-z][a-z0-9_]{1,29}")
# First segments of paths, which a user name in a path must not hide.
RESERVED = frozenset(
    {
        "anonymoususer", "api", "assets", "collector", "console", "forms", "formlist", "me", "media", "private_media",
        "signup", "submission", "token", "unsubscribe", "view", "xformsmanifest", "xformsmedia",
    }
)  # fmt: skip


def is_username(text: str) -> bool:
    """Whether an account can have that name; nothing else needs to be looked up."""
    return _NAME.fullmatch(text) is not None and text not in RESERVED
