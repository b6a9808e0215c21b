"""Contract tests that go through the functions use the fixtures of the integration tests."""

from __future__ import annotations

from tests.integration.conftest import app, clock, receiver, world

__all__ = ["app", "clock", "receiver", "world"]
