"""Fixtures of all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from formrelay.settings import Settings
from tests.support.aws import emptied, forget_clients, storage


@pytest.fixture(scope="session")
def _storage() -> Iterator[dict[str, str]]:
    forget_clients()
    with storage() as variables:
        yield variables
    forget_clients()


@pytest.fixture
def aws(_storage: dict[str, str]) -> Iterator[Settings]:
    """Empty tables, queues and bucket as the template makes them, in moto; yields the settings of the test.

    To change a setting: ``monkeypatch.setenv("FORMRELAY_…", …)`` and ``settings.cache_clear()``.
    """
    with emptied(_storage) as where:
        yield where
