"""Where the server and the key of ``login`` are kept: a file that only its owner may read, or the environment."""

from __future__ import annotations

import json
import os
from pathlib import Path

from infra.cli.client import Client, origin
from infra.cli.faults import ServerError


def path() -> Path:
    """The file, after the XDG base directory specification."""
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "formrelay" / "login.json"


def save(url: str, key: str) -> Path:
    """Keeps a login in the place of the last one."""
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    # Made with its rights: a moment in which others could read it is one too many.
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        json.dump({"url": origin(url), "key": key}, stream)
    file.chmod(0o600)
    return file


def client() -> Client:
    """The server that commands talk to. Raises ServerError where nobody is signed in."""
    url, key = os.environ.get("FORMRELAY_URL"), os.environ.get("FORMRELAY_KEY")
    if url and key:
        return Client(url, key)
    if url or key:
        raise ServerError("FORMRELAY_URL and FORMRELAY_KEY go together: one of them is not set")
    try:
        kept = json.loads(path().read_text())
        return Client(kept["url"], kept["key"])
    except FileNotFoundError:
        raise ServerError("Not signed in: python -m infra.cli login URL USERNAME") from None
    except (ValueError, KeyError, TypeError):
        raise ServerError(f"{path()} cannot be read: sign in again") from None
