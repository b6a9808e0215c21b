"""Waiting for other transactions."""

from __future__ import annotations

import pytest

from formrelay.storage import table


@pytest.mark.parametrize("turn", range(12))
def test_waits_between_tries_double_up_to_two_seconds(turn: int, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("formrelay.clock.sleep", slept.append)
    table.backoff(turn)
    longest = min(2.0, 0.04 * 2**turn)
    assert longest / 2 <= slept[0] <= longest
