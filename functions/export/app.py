"""Lambda handler: one turn of work on an export."""

from __future__ import annotations

from typing import Any

from formrelay.export_tasks import work
from formrelay.log import logger


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """``{"asset": uid, "key": sort key of the task}`` in; a word on how the turn ended.

    A failure of ours is one of the function, which alarms; recovery has it done again, and turns are counted.
    """
    asset, key = event["asset"], event["key"]
    try:
        ended = work.run(asset, key, context.get_remaining_time_in_millis() / 1000)
    except Exception:
        logger.exception("export failed", extra={"asset": asset, "key": key})
        raise
    logger.info("export", extra={"asset": asset, "key": key, "ended": ended})
    return {"ended": ended}
