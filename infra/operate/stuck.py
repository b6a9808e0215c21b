"""``stuck``: what recovery should have dealt with and has not, and how many dead letters there are."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from infra.operate.command import Command, iso, tell
from infra.operate.lanes import depth, lanes


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=int, default=15, help="overdue for at least so long (15)")
    parser.add_argument("--limit", type=int, default=1000, help="lines at most (1000)")


def run(options: argparse.Namespace) -> int:
    """One line of JSON per dead letter queue that is not empty and per overdue entry; 1 when there is any."""
    found = False
    for lane in lanes():
        if number := depth(lane.letters):
            found = True
            tell({"dead_letters": lane.name, "messages": number})
    for number, entry in enumerate(overdue(options.minutes * 60_000)):
        if number >= options.limit:
            tell({"more": True})
            break
        found = True
        tell(entry)
    return 1 if found else 0


def overdue(behind: int) -> Iterator[dict[str, Any]]:
    """What the sweep index has that was due so many milliseconds ago, and is due still, shard by shard."""
    from formrelay import clock
    from formrelay.storage import keys, sweep

    until = clock.now_ms() - behind
    for shard in keys.SWEEP_SHARDS:
        start = None
        while True:
            entries, start = sweep.due(shard, until, start)
            for entry in entries:
                item = sweep.item(entry)
                if item and item.get("sweep_at", until + 1) <= until:
                    yield _shown(item)
            if start is None:
                break


_KINDS = {
    "H": "delivery",
    "R": "report",
    "J": "job",
    "A": "paused hook",
    "O": "export",
    "V": "letter",
    "X": "what a deleted submission left",
}


def _shown(item: dict[str, Any]) -> dict[str, Any]:
    """What an entry is, without anything of what was submitted."""
    names = ("asset", "hook", "sid", "event", "status", "tries", "looks", "kind", "state", "owner")
    facts = {name: item[name] for name in names if name in item}
    kind = _KINDS.get(item["pk"].partition("#")[0], item["pk"])
    return {"what": kind, "overdue_since": iso(item["sweep_at"]), "pk": item["pk"], "sk": item["sk"], **facts}


COMMANDS = (Command("stuck", "list what is overdue, and dead letters", _arguments, run),)
