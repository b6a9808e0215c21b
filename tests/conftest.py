"""Fixtures of all tests."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from formrelay.settings import Settings
from tests.support.aws import emptied, forget_clients, storage
from tests.support.rights import enforced

# How long an example takes says more about the machine's other work than about the code.
hypothesis_settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("steady")


TESTS = Path(__file__).parent
# What takes longest goes first: files are handed out one by one, and at the end no process waits for the other.
_ORDER = ("simulation", "e2e", "template", "integration", "contract", "unit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the kinds of tests into the order in which they are best run; within a kind all stay where they are."""
    place = {TESTS / name: number for number, name in enumerate(_ORDER)}
    items.sort(key=lambda item: min(place.get(folder, len(_ORDER)) for folder in item.path.parents))


def pytest_collection_finish() -> None:
    """Keeps the collector from looking, again and again, through thousands of tests and modules that stay."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@pytest.fixture(scope="session")
def _storage() -> Iterator[dict[str, str]]:
    forget_clients()
    with storage() as variables:
        yield variables
    forget_clients()


@pytest.fixture
def aws(_storage: dict[str, str]) -> Iterator[Settings]:
    """Empty tables, queues and bucket as the template makes them, in moto; yields the settings of the test.

    A test fails when a function does in it what the template gives it no right to do.
    To change a setting: ``monkeypatch.setenv("FORMRELAY_…", …)`` and ``settings.cache_clear()``.
    """
    with emptied(_storage) as where, enforced(_storage):
        yield where
