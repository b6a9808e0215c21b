"""Nothing lost, nothing doubled: the invariants of the design hold over thousands of lives (docs/guarantees.md)."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.simulation import runner
from tests.simulation.life import Plan, plan
from tests.simulation.mutations import MUTATIONS, Mutation
from tests.simulation.world import Weather
from tests.support.template import ROOT

SEEDS = os.environ.get("SIMULATION_SEEDS", "3000")
# Faults that a few lives suffice to notice; `make mutate` tries all of them.
_CHEAP = ("claims anything", "retries early", "guards stand outside the transaction", "calls any address")

# One submission to one hook: it arrives; it fails and is retried; it fails for good and is mailed.
_SMALL = ((8, False), (1, False), (4, False), (1, True), (7, True))


def _small(seed: int, hopeless: bool) -> Plan:
    return Plan(
        seed=seed,
        span=900.0,
        submissions=1,
        hooks=1,
        meddling=0,
        purges=0,
        weather=Weather(),
        rate=0.0,
        kinds=(),
        hopeless=hopeless,
    )


def test_thousands_of_lives_break_no_invariant(closing: list[str]) -> None:
    """In a process of its own, where the order of sets is fixed: a seed that fails here fails alone as well."""
    command = [sys.executable, "-m", "tests.simulation", "--seeds", SEEDS]
    path = os.pathsep.join((str(ROOT), str(ROOT / "layers/formrelay/python")))
    environment = {**os.environ, "PYTHONPATH": path}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    closing += [text for text in ran.stdout.splitlines()[-3:] if ran.returncode == 0]
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr[-2_000:]
    assert f"{int(SEEDS):,} seeds" in ran.stdout


@pytest.mark.parametrize("kind", ["crash before", "crash after", "crash, late effect"])
@pytest.mark.parametrize(("seed", "hopeless"), _SMALL)
def test_a_process_may_die_at_every_single_call(seed: int, hopeless: bool, kind: str) -> None:
    whole = runner.run(_small(seed, hopeless))
    assert whole.broken == []
    tried = 0
    for number in range(1, 400):
        result = runner.run(replace(_small(seed, hopeless), kinds=(kind,), only=number))
        assert result.broken == [], (number, *result.history, *result.broken)
        if not result.injected[kind]:
            break
        tried += 1
    assert 10 < tried < 399


def test_a_seed_lives_the_same_life_each_time() -> None:
    first = runner.run(plan(11), keep=True)
    runner.run(plan(12))
    again = runner.run(plan(11), keep=True)
    assert len(first.history) > 50
    assert first.history == again.history


@pytest.mark.parametrize("mutation", [m for m in MUTATIONS if m.name in _CHEAP], ids=lambda m: m.name)
def test_a_deliberate_fault_is_noticed(mutation: Mutation) -> None:
    assert mutation.verdict(seeds=100, seconds=60).seed is not None


def test_a_broken_life_is_told_so_that_people_can_follow_it() -> None:
    told: list[str] = []
    (mutation,) = (m for m in MUTATIONS if m.name == "claims anything")
    verdict = mutation.verdict(seeds=100, seconds=60)
    assert verdict.seed is not None
    runner.tell(runner.run(plan(verdict.seed), mutation.applied), told.append)
    assert any("http.POST" in text for text in told)
    assert f"replay: make simulate SEED={verdict.seed}" in told


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_every_deliberate_fault_still_finds_what_it_breaks(mutation: Mutation) -> None:
    with mutation.applied():
        pass
