"""Failures that are final at the first attempt and change nothing about their hook, so that tests need no ladder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from formrelay.settings import settings


@contextmanager
def out_of_reach() -> Iterator[None]:
    """Forbids the addresses of this machine while it lasts: no attempt is sent, and none is made again by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORMRELAY_ALLOW_NETWORKS", "")
        settings.cache_clear()
        yield
    settings.cache_clear()
