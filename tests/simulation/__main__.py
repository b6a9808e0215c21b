"""``python -m tests.simulation``: many seeds (``--seeds 3000``), one with its whole history (``--seed 7``), or
whether deliberate faults are noticed (``--mutate``).
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from typing import TYPE_CHECKING

from tests.simulation import runner
from tests.simulation.deployment import deployment
from tests.simulation.life import plan

if TYPE_CHECKING:
    from tests.simulation.mutations import Verdict

# What one mutation may take, so that all of them end within ten minutes.
_MUTATION_SEEDS, _MUTATION_SECONDS = 3_000, 180.0


def say(text: object) -> None:
    sys.stdout.write(f"{text}\n")


def mutate(jobs: int) -> bool:
    """Tries every mutation; whether one was not noticed."""
    from tests.simulation.mutations import MUTATIONS

    deployment()
    unnoticed = 0
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        for verdict in pool.imap_unordered(_verdict, range(len(MUTATIONS))):
            noticed = f"seed {verdict.seed}: {verdict.broken}" if verdict.seed is not None else "NOT NOTICED"
            say(f"{verdict.name:45} {noticed} ({verdict.tried} tried)")
            unnoticed += verdict.seed is None
    say(f"mutations: {len(MUTATIONS)} tried, {unnoticed} not noticed")
    return unnoticed > 0


def _verdict(number: int) -> Verdict:
    from tests.simulation.mutations import MUTATIONS

    return MUTATIONS[number].verdict(_MUTATION_SEEDS, _MUTATION_SECONDS)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one and print its history")
    parser.add_argument(
        "--seeds", type=int, default=3000, help="how many seeds to run (default: %(default)s)"
    )
    parser.add_argument("--first", type=int, default=0, help="the first of them (default: %(default)s)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: all cores)"
    )
    parser.add_argument("--mutate", action="store_true", help="try whether deliberate faults are noticed")
    options = parser.parse_args()
    runner.reproducible()
    if options.mutate:
        return mutate(options.jobs)
    if options.seed is not None:
        made = plan(options.seed)
        result = runner.run(made, keep=True)
        for text in result.history:
            say(text)
        say(made)
        for text in result.broken or ["nothing was broken"]:
            say(text)
        return bool(result.broken)
    summary = runner.summarise(range(options.first, options.first + options.seeds), options.jobs)
    for failed in summary.failed[:1]:
        runner.tell(failed, say)
    for failed in summary.failed[1:]:
        say(f"seed {failed.seed} broke: {failed.broken[0]}")
    for text in summary.lines():
        say(text)
    return bool(summary.failed)


if __name__ == "__main__":
    sys.exit(main())
