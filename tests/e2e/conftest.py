"""Fixtures of the tests that run through the local stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.e2e.stack import CLIENTS_PYTHON, EMULATOR_PYTHON, Stack, running_stack

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for tests of pages, which alone import what drives it."""
    from tests.e2e import browser as chromium

    with chromium.opened() as found:
        yield found


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A tab of somebody who reads English; nothing may go wrong in it that its test does not see."""
    from tests.e2e import browser as chromium

    with chromium.tab(browser, stack) as found:
        yield found
