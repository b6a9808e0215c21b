"""Fixtures of the integration and contract tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from formrelay.settings import Settings, settings
from tests.support.app import App, Clock, install
from tests.support.receiver import Receiver
from tests.support.world import World


@pytest.fixture
def app(aws: Settings, monkeypatch: pytest.MonkeyPatch) -> App:
    """The functions on empty storage, hooks to loopback allowed, one user: ann."""
    monkeypatch.setenv("FORMRELAY_ALLOW_NETWORKS", "127.0.0.0/8")
    settings.cache_clear()
    return install(settings(), monkeypatch)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def world(app: App, clock: Clock, receiver: Receiver) -> World:
    """A project with a hook to the receiver, and time that tests move."""
    made = World(app, clock, receiver)
    made.setting()
    return made
