from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formrelay.clock import http_date
from formrelay.hooks.ladder import Kind, Next, Outcome, decide, retry_after_seconds

NOW = 1_785_657_600_000
DELAYS = (60, 600, 6000)
FAILURES: list[Outcome] = [
    Outcome("http", 400),
    Outcome("http", 401),
    Outcome("http", 404),
    Outcome("http", 429),
    Outcome("http", 500),
    Outcome("http", 503),
    Outcome("redirect", 301),
    Outcome("dns"),
    Outcome("connect"),
    Outcome("tls"),
    Outcome("timeout", 504),
    Outcome("broken"),
    Outcome("protocol"),
    Outcome("interrupted"),
]


def test_a_success_is_final() -> None:
    assert decide(1, Outcome("success", 204), NOW, DELAYS) == Next(None)


@pytest.mark.parametrize("outcome", FAILURES, ids=lambda outcome: f"{outcome.kind}-{outcome.status_code}")
def test_every_failure_is_tried_again_after_60_600_and_6000_seconds_then_given_up(outcome: Outcome) -> None:
    steps = [decide(rung, outcome, NOW, DELAYS) for rung in (1, 2, 3, 4)]
    assert steps == [
        Next(NOW + 60_000),
        Next(NOW + 600_000),
        Next(NOW + 6_000_000),
        Next(None),
    ]


@pytest.mark.parametrize("kind", ["forbidden", "unusable"])
def test_what_cannot_be_sent_is_given_up_at_once(kind: Kind) -> None:
    assert decide(1, Outcome(kind), NOW, DELAYS) == Next(None)


def test_gone_is_given_up_at_once_and_pauses_the_hook() -> None:
    assert decide(1, Outcome("http", 410), NOW, DELAYS) == Next(None, pause=True)


@pytest.mark.parametrize(
    ("rung", "wish", "seconds"),
    [
        (1, "10", 60),
        (1, "300", 300),
        (1, "9999999999999999999999", 600),
        (2, "60", 600),
        (2, "700", 700),
        (2, "7000", 6000),
        (3, "7000", 6000),
        (1, http_date(NOW + 120_000), 120),
        (1, http_date(NOW - 120_000), 60),
        (1, "soon", 60),
        (1, "-5", 60),
        (1, "1.5", 60),
        (1, "", 60),
        (1, None, 60),
    ],
)
def test_retry_after_moves_an_attempt_later_up_to_the_next_rung_and_never_earlier(
    rung: int, wish: str | None, seconds: int
) -> None:
    outcome = Outcome("http", 503, retry_after=wish)
    assert decide(rung, outcome, NOW, DELAYS).due_at == NOW + seconds * 1000


def test_retry_after_does_not_prolong_the_ladder() -> None:
    assert decide(4, Outcome("http", 503, retry_after="60"), NOW, DELAYS).due_at is None


def test_the_ladder_has_as_many_rungs_as_delays() -> None:
    assert decide(1, Outcome("dns"), NOW, (5,)).due_at == NOW + 5000
    assert decide(2, Outcome("dns"), NOW, (5,)).due_at is None


@given(st.text(max_size=80), st.integers(1, 6))
def test_any_retry_after_at_all_keeps_the_attempt_between_its_rung_and_the_next(
    value: str, rung: int
) -> None:
    step = decide(rung, Outcome("http", 503, retry_after=value), NOW, DELAYS)
    if rung > 3:
        assert step.due_at is None
        return
    assert step.due_at is not None
    lowest, highest = DELAYS[rung - 1], DELAYS[min(rung, 2)]
    assert lowest <= (step.due_at - NOW) / 1000 <= highest


def test_a_date_without_a_zone_is_taken_as_utc() -> None:
    assert retry_after_seconds("Sun, 02 Aug 2026 08:10:05 -0000", NOW) == retry_after_seconds(
        "Sun, 02 Aug 2026 08:10:05 GMT", NOW
    )
