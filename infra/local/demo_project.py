"""What a start does through formrelay's own API: on the first one, a deployed project with a hook to the demo sink."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FORM = Path(__file__).with_name("demo") / "household.xlsx"
SINK = "/_local/sink/demo"
PATIENCE = 30.0


class DemoError(Exception):
    """A step was answered otherwise than expected; the message says which one and how."""


class Client:
    """Calls the API at ``url`` with an API key."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Token {key}", "Accept": "application/json"}

    def call(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The JSON answer. Raises DemoError for any status of 400 and above."""
        url = path if path.startswith("http") else self._url + path
        body = None if document is None else json.dumps(document).encode()
        headers = {**self._headers, **({"Content-Type": "application/json"} if body else {})}
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=35) as answer:  # noqa: S310
                answered: dict[str, Any] = json.load(answer)
                return answered
        except urllib.error.HTTPError as error:
            raise DemoError(
                f"{method} {path}: {error.code} {error.read()[:500].decode(errors='replace')}"
            ) from error
        except (OSError, ValueError) as error:
            raise DemoError(f"{method} {path}: {error}") from error


def signs_in(url: str, user: str, password: str) -> bool:
    """Whether the API takes that password (False only when it says that it is wrong)."""
    credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    request = urllib.request.Request(f"{url}/token/?format=json", headers=headers)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=35):  # noqa: S310 - loopback
            return True
    except urllib.error.HTTPError as error:
        return error.code != 401
    except OSError:
        return True


def prepare(client: Client, url: str) -> str:
    """Import and deploy the demo form and add its hook; returns the project's uid. Raises DemoError."""
    task = client.call(
        "POST",
        "/api/v2/imports/",
        {
            "name": FORM.name,
            "library": "false",
            "base64Encoded": "base64:" + base64.b64encode(FORM.read_bytes()).decode(),
        },
    )
    uid = _created(client, task)
    client.call("POST", f"/api/v2/assets/{uid}/deployment/", {"active": True})
    client.call("POST", f"/api/v2/assets/{uid}/hooks/", {"name": "demo sink", "endpoint": url + SINK})
    return uid


def _created(client: Client, task: dict[str, Any]) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        state = client.call("GET", f"/api/v2/imports/{task['uid']}/")
        if state["status"] == "complete":
            return str(state["messages"]["created"][0]["uid"])
        if state["status"] == "error":
            raise DemoError(f"the demo form was refused: {state.get('messages')}")
        time.sleep(0.2)
    raise DemoError("the import of the demo form did not end")
