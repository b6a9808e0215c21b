"""Before the call: the attempt is claimed, and read what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from formrelay import clock
from formrelay.delivery.reads import Reads
from formrelay.hooks.payload import Body
from formrelay.isolation import lanes, pauses
from formrelay.log import logger
from formrelay.settings import settings
from formrelay.storage import deliveries, keys
from formrelay.storage.table import ConditionError, Item

# A message may come early by as much as two machines' clocks differ; then the attempt waits that long.
_MAX_EARLY_MS = 5_000
# After so long comes an attempt again for which the table could not be read.
_AGAIN_MS = 10_000


@dataclass
class Claimed:
    """An attempt that is ours: the delivery as claimed, its hook and that one's health, and the submission.

    None stands for what is gone. ``body`` is what the call sent.
    """

    item: Item
    hook: Item
    health: Item | None
    submission: Item | None
    body: Body | None = None


def prepare(message: dict[str, Any], reads: Reads) -> Claimed | None:
    """Claims the attempt and reads what it needs. None when it is not to be made."""
    item = _claim(message["h"], message["s"], message["n"])
    if item is None:
        return None
    asset, uid = item["asset"], item["hook"]
    wanted = [
        keys.submission(asset, deliveries.submission_id(item)),
        keys.hook(asset, uid),
        keys.health(asset, uid),
    ]
    try:
        submission, hook, health = reads.get(wanted)
    except Exception:
        # Left to the end of its lease, it would count, and be told as an attempt that may have arrived.
        lanes.give_back(item, _AGAIN_MS)
        raise
    if hook is None:
        deliveries.discard(item)
        return None
    if pauses.held_back(item, health):
        return None
    if submission and "files" not in item:
        # A failed attempt keeps them, so that files which come later change nothing in the attempts after it.
        item["files"] = [entry["uid"] for entry in submission["files"].values()]
    return Claimed(item, hook, health, submission)


def _claim(hook: str, sid: int, seq: int) -> Item | None:
    for _ in range(2):
        now = clock.now_ms()
        try:
            return deliveries.claim(hook, sid, seq, now=now, lease=now + settings().lease * 1000)
        except ConditionError as error:
            old = error.old
        if old is None or old["seq"] != seq or old["status"] != deliveries.PENDING:
            break
        early = old["due_at"] - now
        if early > _MAX_EARLY_MS:
            break
        clock.sleep((early + 1) / 1000)
    logger.info("message is stale", extra={"hook": hook, "sid": sid, "seq": seq})
    return None
