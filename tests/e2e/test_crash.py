"""``kill -9`` of every process at once, while clients submit: what was accepted is there and is delivered."""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import requests

from tests.e2e.stack import Stack, running_stack, wait_until

CLIENTS = 16
SECONDS_BEFORE_KILL = 4


class Client(threading.Thread):
    """Submits one record after another, and notes which were accepted, until it is told to stop."""

    def __init__(self, stack: Stack, asset: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.accepted: list[str] = []
        self._stack, self._asset, self._stop_event = stack, asset, stop

    def run(self) -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Token {self._stack.api_key}"
            while not self._stop_event.is_set():
                instance = str(uuid.uuid4())
                body = {
                    "id": self._asset,
                    "submission": {"name": "x", "meta": {"instanceID": f"uuid:{instance}"}},
                }
                try:
                    answer = session.post(f"{self._stack.base_url}/submission", json=body, timeout=35)
                except requests.RequestException:
                    continue
                if answer.status_code == 201:
                    self.accepted.append(instance)


def test_everything_accepted_is_stored_and_delivered_after_a_crash_of_every_process(tmp_path: Path) -> None:
    with running_stack(tmp_path / "state") as stack:
        content = {"survey": [{"type": "text", "name": "name", "label": "Name"}]}
        made = stack.post(
            "/api/v2/assets/", json={"name": "Crash", "asset_type": "survey", "content": content}
        )
        asset = made.json()["uid"]
        assert stack.post(f"/api/v2/assets/{asset}/deployment/", json={"active": True}).ok
        hook = stack.post(
            f"/api/v2/assets/{asset}/hooks/", json={"name": "sink", "endpoint": stack.sink_url("crash")}
        )
        assert hook.ok

        stop = threading.Event()
        clients = [Client(stack, asset, stop) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        stop.wait(SECONDS_BEFORE_KILL)
        stack.kill_everything()
        stop.set()
        for client in clients:
            client.join(40)
        accepted = {instance for client in clients for instance in client.accepted}
        assert len(accepted) > CLIENTS

        stack.start()

        logs = f"/api/v2/assets/{asset}/hooks/{hook.json()['uid']}/logs/"
        stored = _stored(stack, asset)
        assert accepted <= stored.keys()
        wait_until(lambda: stack.get(f"{logs}?status=2").json()["count"] == len(stored), "all delivered", 120)
        done = {log["submission_id"]: log for log in _all(stack, f"{logs}?status=2")}
        assert done.keys() == set(stored.values())
        received = Counter(_received(stack))
        assert received.keys() == stored.keys()
        for instance in (instance for instance, times in received.items() if times > 1):
            assert done[stored[instance]]["tries"] > 1, "sent twice, but counted once"


def _received(stack: Stack) -> list[str]:
    return [json.loads(received["body"])["_uuid"] for received in stack.sink("crash")]


def _stored(stack: Stack, asset: str) -> dict[str, int]:
    records = _all(stack, f"/api/v2/assets/{asset}/data/?format=json")
    return {record["_uuid"]: record["_id"] for record in records}


def _all(stack: Stack, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = stack.get(f"{path}&limit=1000&start={len(found)}").json()
        found += page["results"]
        if not page["next"]:
            return found
