"""A dead hook beside a living one, through the local stack: who waits for whom (design §4, "Lanes and isolation")."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.e2e.stack import Stack, running_stack, wait_until
from tests.support.receiver import Answer, Receiver

FORM = {"survey": [{"type": "text", "name": "q", "label": "Question"}]}
MANY = 300


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that pauses, probes and drains within seconds."""
    settings = {
        "FORMRELAY_PAUSE_FAILURES": "5",
        "FORMRELAY_PAUSE_AFTER": "0",
        "FORMRELAY_PROBE_INTERVAL": "1",
        "FORMRELAY_DRAIN_RATE": "100",
        "FORMRELAY_RETRY_DELAYS": "600,600,600",
    }
    with running_stack(tmp_path_factory.mktemp("isolation") / "state", settings) as running:
        yield running


@pytest.fixture
def dead() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def live() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


class Project:
    """A deployed form with one hook."""

    def __init__(self, stack: Stack, endpoint: str) -> None:
        self.stack = stack
        made = stack.post("/api/v2/assets/", json={"name": "P", "asset_type": "survey", "content": FORM})
        self.uid: str = made.json()["uid"]
        stack.post(f"/api/v2/assets/{self.uid}/deployment/", json={"active": True}).raise_for_status()
        answer = stack.post(f"/api/v2/assets/{self.uid}/hooks/", json={"name": "hook", "endpoint": endpoint})
        answer.raise_for_status()
        self.path = f"/api/v2/assets/{self.uid}/hooks/{answer.json()['uid']}/"

    @property
    def hook(self) -> dict[str, Any]:
        found: dict[str, Any] = self.stack.get(self.path).json()
        return found

    def change(self, **fields: Any) -> None:
        url = self.stack.base_url + self.path
        self.stack.session.patch(url, json=fields, timeout=35).raise_for_status()

    def submit(self, number: int) -> None:
        headers = {"Authorization": f"Token {self.stack.api_key}"}

        def post(_: int) -> int:
            uid = str(uuid.uuid4())
            body = {"id": self.uid, "submission": {"q": uid, "meta": {"instanceID": f"uuid:{uid}"}}}
            url = f"{self.stack.base_url}/submission"
            return requests.post(url, json=body, headers=headers, timeout=35).status_code

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(post, range(number))) == {201}


def test_a_living_hook_does_not_wait_for_what_is_parked_or_drained_for_another(
    impatient: Stack, dead: Receiver, live: Receiver
) -> None:
    sick, well = Project(impatient, dead.url()), Project(impatient, live.url())
    sick.change(paused=True)
    sick.submit(MANY)
    assert sick.hook["health"]["parked_count"] == MANY

    well.submit(10)
    wait_until(lambda: len(live.requests) == 10, "the living hook has its own")
    assert dead.requests == []

    # Drained into a receiver that takes its time, the rest is still under way when the living hook gets its next ones.
    dead.answer = Answer(delay=0.5)
    sick.change(paused=False)
    wait_until(lambda: dead.requests, "the drain has begun")
    well.submit(10)
    wait_until(lambda: len(live.requests) == 20, "the living hook has its own")
    assert len(dead.requests) < MANY / 2
    dead.answer = Answer()
    wait_until(lambda: sick.hook["success_count"] == MANY, "everything has arrived", 60)
    sent = [request.json()["_id"] for request in dead.requests]
    assert len(sent) == len(set(sent)) == MANY


def test_a_living_hook_does_not_wait_for_one_that_hangs(
    impatient: Stack, dead: Receiver, live: Receiver
) -> None:
    sick, well = Project(impatient, dead.url()), Project(impatient, live.url())
    dead.answer = Answer(delay=60)
    sick.submit(1)
    wait_until(lambda: sick.hook["health"]["slow"], "the hook is known as slow", 60)
    sick.submit(MANY)
    well.submit(10)
    wait_until(lambda: len(live.requests) == 10, "the living hook has its own")
    assert sick.hook["pending_count"] + sick.hook["failed_count"] > MANY - 50


def test_a_dead_hook_is_paused_probed_and_gets_everything_when_it_lives_again(
    impatient: Stack, dead: Receiver
) -> None:
    sick = Project(impatient, dead.url())
    dead.answer = Answer(503, b"down")
    sick.submit(5)
    wait_until(lambda: sick.hook["paused"], "the hook is paused")
    wait_until(lambda: any("is paused" in mail["text"] for mail in impatient.mails()), "the mail arrives", 60)
    sick.submit(MANY // 10)
    tried = len(dead.requests)
    assert sick.hook["health"]["parked_count"] >= MANY // 10 - 3

    dead.answer = Answer()
    wait_until(lambda: not sick.hook["paused"], "a probe succeeds", 60)
    wait_until(lambda: sick.hook["success_count"] >= MANY // 10 - 3, "what waited has arrived", 60)
    arrived = [request.json()["_id"] for request in dead.requests[tried:]]
    assert len(arrived) == len(set(arrived))
