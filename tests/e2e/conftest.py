"""Fixtures of the tests that run through the local stack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.stack import CLIENTS_PYTHON, EMULATOR_PYTHON, Stack, running_stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fail with a useful word, rather than skip, where the emulator's environment is missing."""
    if items and not EMULATOR_PYTHON.exists():
        pytest.exit("the local stack needs .venv-emulator: run `make setup`", returncode=4)
    if any(item.path.stem == "test_clients" for item in items) and not CLIENTS_PYTHON.exists():
        pytest.exit("the programs of others need .venv-clients: run `make setup`", returncode=4)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One stack for all ordinary tests, which keep apart by projects and sinks of their own."""
    with running_stack(tmp_path_factory.mktemp("stack") / "state") as running:
        yield running
