"""``python -m tests.simulation``: many seeds (``--seeds 3000``), or one with its whole history (``--seed 7``)."""

from __future__ import annotations

import argparse
import os
import sys

from tests.simulation import runner
from tests.simulation.life import plan


def say(text: object) -> None:
    sys.stdout.write(f"{text}\n")


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
    options = parser.parse_args()
    runner.reproducible()
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
