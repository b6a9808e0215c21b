"""``resend``: what came in a stretch of time goes to a hook, or to all hooks of a project, once more.

Only plans it: recovery does the work, within its minute, in the lane of replays. ``GET …/jobs/`` tells how far it is.
"""

from __future__ import annotations

import argparse
from typing import Any

from infra.operate.command import Command, RefusedError, moment, tell


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("uid", help="uid of a hook or of a project")
    parser.add_argument("--since", type=moment, help="from that time on (2026-08-01T09:00, UTC)")
    parser.add_argument("--until", type=moment, help="before that time")
    parser.add_argument(
        "--failed",
        action="store_true",
        help="only deliveries that failed, by when they last changed; else all submissions, by when they came",
    )


def run(options: argparse.Namespace) -> int:
    """One line of JSON per job. Refuses what does not exist or is switched off."""
    from formrelay.resends import jobs, replays, retries

    for asset, hook in _hooks(options.uid):
        if options.failed:
            job = jobs.retry(asset, hook, retries.Filters(since=options.since, until=options.until))
        else:
            job = jobs.replay(asset, hook, replays.Wanted(since=options.since, until=options.until))
        tell({"asset": asset, "hook": hook, "job": job["uid"]})
    return 0


def _hooks(uid: str) -> list[tuple[str, str]]:
    """(project, hook) of the active hooks that are meant."""
    from formrelay import ids
    from formrelay.storage import hooks

    asset = uid if ids.is_uid(uid, "a") else hooks.asset_of(uid)
    found: list[dict[str, Any]] = hooks.listed(asset) if asset else []
    meant = [hook for hook in found if hook["active"] and uid in (asset, hook["uid"])]
    if not meant:
        raise RefusedError(f"{uid} is no active hook and no project that has one.")
    return [(str(asset), hook["uid"]) for hook in meant]


COMMANDS = (
    Command("resend", "send what came in a stretch of time to a hook or project again", _arguments, run),
)
