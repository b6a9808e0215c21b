"""How moments are written (contract accounts §6.7, submissions §3, §4)."""

from __future__ import annotations

import pytest

from formrelay import clock

MS = 1_785_658_205_123


@pytest.mark.parametrize(
    ("write", "text"),
    [
        (clock.iso_micro, "2026-08-02T08:10:05.123000Z"),
        (clock.iso_offset, "2026-08-02T08:10:05.123000+00:00"),
        (clock.iso_seconds, "2026-08-02T08:10:05Z"),
        (clock.iso_naive, "2026-08-02T08:10:05"),
        (clock.http_date, "Sun, 02 Aug 2026 08:10:05 GMT"),
    ],
)
def test_each_kind_of_time_is_written_its_way(write: object, text: str) -> None:
    assert callable(write)
    assert write(MS) == text


def test_years_have_four_digits() -> None:
    assert clock.iso_naive(0) == "1970-01-01T00:00:00"


def test_the_epoch_of_ids_is_the_first_moment_of_2026() -> None:
    assert clock.iso_naive(clock.EPOCH_2026_MS) == "2026-01-01T00:00:00"


def test_nothing_is_slept_for_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    for seconds in (-1, 0, 0.25):
        clock.sleep(seconds)
    assert slept == [0.25]
