"""All benchmarks on one page, in about seven minutes on two cores; and the same as JSON, to compare with another run.

python -m tests.bench [--only cost startup] [--json bench.json] [--against earlier.json]

Each section is a program of its own with options of its own (``python -m tests.bench.cost --help``). What needs much
longer stays out: ``isolation`` (10,000 deliveries on a dead hook).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.support.template import ROOT

SECTIONS: dict[str, tuple[str, list[str]]] = {
    "startup": ("Cold start: fresh processes, medians", ["--times", "9"]),
    "parsing": ("Taking a submission apart", []),
    "cost": ("Calls, units and dollars", []),
    "deliveries": (
        "One deliver process, with all durable records",
        ["--count", "200"],
    ),
    "stages": ("CPU by stage", []),
    "alternatives": ("Beside Celery, and threads alone, which keep no records", ["--count", "800"]),
    "submissions": ("Local stack, from POST to delivered", ["--clients", "1", "8", "32"]),
    "reading": ("Reading", ["--rows", "20000"]),
    "exports": ("Exports of a 60-question form", ["1000", "10000"]),
    "growth": ("Where more is stored, came a moment ago, or is queued", []),
    "outage": ("An hour without the busiest receiver, in simulated time", ["--rate", "0.5"]),
}
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?")

Page = dict[str, list[str]]


def run(name: str) -> list[str]:
    """The lines that a section prints."""
    path = os.pathsep.join((str(ROOT), str(ROOT / "layers/formrelay/python")))
    done = subprocess.run(
        [sys.executable, "-m", f"tests.bench.{name}", *SECTIONS[name][1]],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = [] if done.returncode == 0 else [f"failed: {done.stderr.strip().splitlines()[-1:]}"]
    return [line.rstrip() for line in done.stdout.splitlines() if line.strip()] + failed


def numbers(line: str) -> tuple[str, list[float]]:
    """A line's words, which say what it is about, and its numbers."""
    found = [float(number.replace(",", "")) for number in _NUMBER.findall(line)]
    return " ".join(_NUMBER.sub("#", line).split()), found


def _pairs(now: Page, before: Page, name: str) -> list[tuple[str, str, list[tuple[float, float]]]]:
    """Lines of a section that say the same thing in both runs, old and new, with their numbers."""
    found = []
    for line, old in zip(now[name], before.get(name, []), strict=False):
        (words, new), (same, past) = numbers(line), numbers(old)
        if words == same:
            found.append((old, line, list(zip(past, new, strict=False))))
    return found


def moved(now: Page, before: Page) -> list[str]:
    """Lines whose numbers moved by more than a tenth, old and new."""
    told = []
    for name in now:
        for old, line, pairs in _pairs(now, before, name):
            if any(abs(new - past) > 0.1 * max(abs(past), 1e-9) for past, new in pairs):
                told += [f"{name}", f"  before {old.strip()}", f"  now    {line.strip()}"]
    return told


def variation(now: Page, before: Page) -> list[str]:
    """For each section how many numbers are the same, and by how much the others differ."""
    told = [f"{'section':<14}{'numbers':>8}{'the same':>9}{'median of the rest':>19}"]
    for name in now:
        pairs = [pair for _, _, found in _pairs(now, before, name) for pair in found]
        apart = [abs(new / past - 1) for past, new in pairs if new != past and past]
        middle = f"{statistics.median(apart):.0%}" if apart else "-"
        told.append(f"{name:<14}{len(pairs):>8}{len(pairs) - len(apart):>9}{middle:>19}")
    return told


def main() -> None:
    """Prints the page as it comes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where the page is kept")
    parser.add_argument("--against", type=Path, help="an earlier one, to compare with")
    options = parser.parse_args()
    before: Page = json.loads(options.against.read_text()) if options.against else {}
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    page: Page = {}
    for name in options.only:
        began = time.monotonic()
        page[name] = run(name)
        print(f"\n{SECTIONS[name][0]}  ({name}, {time.monotonic() - began:.0f} s)")
        print("\n".join(page[name]), flush=True)
    options.json.write_text(json.dumps(page, indent=1, ensure_ascii=False) + "\n")
    if before:
        print("\nMoved by more than a tenth\n" + "\n".join(moved(page, before)))
        print("\nVariation\n" + "\n".join(variation(page, before)))


if __name__ == "__main__":
    main()
