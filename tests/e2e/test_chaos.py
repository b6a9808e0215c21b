"""Functions, emulator and supervisor are killed at random while devices submit to five hooks, two of which fail.

Once it is quiet: everything accepted reached the good hooks, failed for good at the others and was mailed, and what a
receiver got twice is marked as interrupted. ``CHAOS_SEED`` chooses other moments and other victims.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from tests.e2e.stack import Stack, running_stack, wait_until
from tests.support.receiver import Answer, Receiver

SEED = int(os.environ.get("CHAOS_SEED", "7"))
CLIENTS = 16
# Of each client: more would only take longer.
SUBMISSIONS = 6
KILLS = 10
GOOD = ("good-1", "good-2", "good-3")
BAD = ("refuses", "hangs-up")
# Functions that take part; whoever is killed before it is needed proves nothing.
VICTIMS = ("ingest", "deliver", "recover", "report")
FORM = {"survey": [{"type": "text", "name": "q", "label": "Question"}]}
SUCCESS, FAILED = 2, 0


class Client(threading.Thread):
    """A device: sends each of its records until it is told that it is there."""

    def __init__(self, stack: Stack, asset: str, instances: list[str], stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.accepted: set[str] = set()
        self._stack, self._asset, self._instances, self._stop_event = stack, asset, instances, stop

    def run(self) -> None:
        for instance in self._instances:
            while not self._sent(instance):
                # A device waits before it tries again.
                if self._stop_event.wait(0.3):
                    return

    def _sent(self, instance: str) -> bool:
        body = {"id": self._asset, "submission": {"q": "x", "meta": {"instanceID": f"uuid:{instance}"}}}
        headers = {"Authorization": f"Token {self._stack.api_key}"}
        try:
            answer = requests.post(
                f"{self._stack.base_url}/submission", json=body, headers=headers, timeout=35
            )
        except requests.RequestException:
            return False
        if answer.status_code in (201, 202):
            self.accepted.add(instance)
        return instance in self.accepted


class Chaos:
    """Kills, by a seeded plan: mostly a function, now and then what all of them stand on."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._random = stack, random.Random(SEED)
        self.mails: list[str] = []

    def rage(self, while_alive: threading.Event) -> None:
        plan = ["emulator", "supervisor", *["function"] * (KILLS - 2)]
        self._random.shuffle(plan)
        for victim in plan:
            while_alive.wait(self._random.uniform(0.3, 1.2))
            if victim == "function":
                self._kill_function()
            else:
                self._kill(victim)
                self._again()
        self._stack.kill_everything()
        self._stack.start()

    def _pids(self) -> dict[str, list[int]]:
        health = requests.get(f"{self._stack.base_url}/_local/health", timeout=10).json()
        found: dict[str, list[int]] = health["pids"]
        return found

    def _kill_function(self) -> None:
        pids = self._pids()
        alive = [pid for name in VICTIMS for pid in pids[name]]
        if alive:
            _kill(self._random.choice(alive))

    def _kill(self, name: str) -> None:
        # The box of mails is the emulator's, and goes with it.
        self.mails += [str(mail) for mail in self._stack.mails()]
        self._stack.pids()
        for pid in self._pids()[name]:
            _kill(pid)

    def _again(self) -> None:
        self._stack.kill_everything()
        self._stack.start()


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class Project:
    """A deployed form with a hook to each receiver, by name."""

    def __init__(self, stack: Stack, receivers: dict[str, Receiver]) -> None:
        self._stack = stack
        made = stack.post("/api/v2/assets/", json={"name": "Chaos", "asset_type": "survey", "content": FORM})
        self.uid: str = made.json()["uid"]
        self.path = f"/api/v2/assets/{self.uid}/"
        stack.post(f"{self.path}deployment/", json={"active": True}).raise_for_status()
        self.hooks: dict[str, str] = {}
        for name, receiver in receivers.items():
            hook = stack.post(f"{self.path}hooks/", json={"name": name, "endpoint": receiver.url()})
            self.hooks[name] = hook.json()["uid"]

    def stored(self) -> dict[str, int]:
        return {row["_uuid"]: row["_id"] for row in self._all("data/")}

    def logs(self, name: str) -> dict[int, dict[str, Any]]:
        return {log["submission_id"]: log for log in self._all(f"hooks/{self.hooks[name]}/logs/")}

    def attempts(self, name: str, log: dict[str, Any]) -> list[dict[str, Any]]:
        return self._all(f"hooks/{self.hooks[name]}/logs/{log['uid']}/attempts/")

    def under_way(self, name: str) -> int:
        """How many deliveries of a hook neither arrived nor failed for good."""
        found = self._stack.get(f"{self.path}hooks/{self.hooks[name]}/logs/?limit=1000").json()["results"]
        return sum(log["status"] not in (SUCCESS, FAILED) for log in found)

    def _all(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = self._stack.get(f"{self.path}{path}?limit=1000&start={len(found)}").json()
            found += page["results"]
            if not page["next"]:
                return found


@contextlib.contextmanager
def receiving() -> Iterator[dict[str, Receiver]]:
    """Receivers of their own, which no kill reaches."""
    with contextlib.ExitStack() as stack:
        receivers = {name: stack.enter_context(Receiver()) for name in (*GOOD, *BAD)}
        receivers["refuses"].answer = Answer(503)
        receivers["hangs-up"].answer = Answer(hang_up=True)
        yield receivers


def test_chaos_loses_nothing_and_repeats_nothing_unmarked(tmp_path: Path) -> None:
    with receiving() as receivers, running_stack(tmp_path / "state") as stack:
        project = Project(stack, receivers)
        stop = threading.Event()
        clients = [
            Client(stack, project.uid, [str(uuid.uuid4()) for _ in range(SUBMISSIONS)], stop)
            for _ in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        chaos = Chaos(stack)
        try:
            chaos.rage(stop)
            for client in clients:
                client.join(120)
        finally:
            stop.set()
        accepted = {instance for client in clients for instance in client.accepted}
        assert len(accepted) == CLIENTS * SUBMISSIONS, "devices got through in the end"

        stored = project.stored()
        assert accepted == stored.keys()
        wait_until(lambda: not any(map(project.under_way, project.hooks)), "all deliveries ended", 240)
        for name in GOOD:
            _reached(project, name, receivers[name], stored)
        for name in BAD:
            _failed(project, name, receivers[name], stored)

        def mailed() -> bool:
            text = " ".join([*chaos.mails, *map(str, stack.mails())])
            return all(name in text for name in BAD)

        wait_until(mailed, "the owner was mailed of both", 60)


def _received(receiver: Receiver) -> Counter[str]:
    """How often each submission came; of who was killed while it sent, less than the whole may have come."""
    whole = (
        request for request in receiver.requests if request.header("content-length") == str(len(request.body))
    )
    return Counter(request.json()["_uuid"] for request in whole)


def _reached(project: Project, name: str, receiver: Receiver, stored: dict[str, int]) -> None:
    logs, received = project.logs(name), _received(receiver)
    assert logs.keys() == set(stored.values())
    for instance, sid in stored.items():
        log, times = logs[sid], received[instance]
        assert log["status"] == SUCCESS, (name, log)
        assert times >= 1, f"{name} is said to have got {instance}"
        if times > 1 or log["tries"] > 1:
            attempts = project.attempts(name, log)
            interrupted = [attempt for attempt in attempts if attempt["interrupted"]]
            assert len(attempts) - len(interrupted) == 1
            assert times <= len(attempts), f"{name} got {instance} {times} times"


def _failed(project: Project, name: str, receiver: Receiver, stored: dict[str, int]) -> None:
    """After four attempts, none of which was made twice."""
    logs, received = project.logs(name), _received(receiver)
    assert logs.keys() == set(stored.values())
    for instance, sid in stored.items():
        assert (logs[sid]["status"], logs[sid]["tries"]) == (FAILED, 4)
        assert received[instance] <= 4, f"{name} got {instance} too often"
