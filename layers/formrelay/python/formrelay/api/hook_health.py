"""How a hook is: keys of the hook object beyond the contract."""

from __future__ import annotations

from typing import Any

from formrelay import clock, ids
from formrelay.hooks import fields
from formrelay.storage import deliveries, health
from formrelay.storage.table import Item

# Of what a receiver said, for a line of a list.
_MAX_MESSAGE = 300


def shown(hook: Item, found: Item | None, parked: int, *, unreadable: bool) -> dict[str, Any]:
    """``concurrency``, ``health``, ``paused`` and ``report_error`` of a hook; ``found`` is its stored health,
    ``parked`` how many of its deliveries wait for the end of a pause, ``unreadable`` whether its credentials are."""
    found = found or {}
    paused = health.is_paused(found)
    return {
        "concurrency": hook.get("concurrency"),
        "health": {
            "state": "paused" if paused else "failing" if found.get("failures") else "ok",
            "slow": health.is_slow(found),
            "failures": found.get("failures", 0),
            "failing_since": _moment(found, "failing_since"),
            "paused_at": _moment(found, "paused_at"),
            "paused_by": found.get("paused_by"),
            "next_probe": _moment(found, "sweep_at") if hook["active"] else None,
            "parked_count": parked,
            "unreadable": unreadable,
        },
        "paused": paused,
        "report_error": _report_error(found.get("report_error")),
    }


def last_error(hook: Item) -> dict[str, Any] | None:
    """What went wrong with the newest delivery that failed and did not arrive since; None when there is none.

    Found by the index, so it may lag by moments; the message is cut.
    """
    sids, _ = deliveries.troubled(hook["uid"], None, 1)
    item = deliveries.get(hook["uid"], sids[0]) if sids else None
    if item is None or item["status"] == deliveries.SUCCESS:
        return None
    return {
        "log": ids.delivery_uid(hook["uid"], item["sid"]),
        "submission_id": deliveries.submission_id(item),
        "status_code": item.get("code"),
        "message": item.get("message", "")[:_MAX_MESSAGE],
        "date": clock.iso_micro(item["modified"]),
    }


def _report_error(error: Item | None) -> dict[str, str] | None:
    """Why failures of the hook were last not mailed; None when they are, or there were none."""
    return {"date": clock.iso_micro(error["at"]), "reason": error["reason"]} if error else None


def _moment(found: Item, name: str) -> str | None:
    return clock.iso_micro(found[name]) if name in found else None


def wanted(data: dict[str, Any]) -> bool | None:
    """Whether a PATCH pauses the hook or ends its pause; None when it says nothing of it. Raises 400."""
    return fields.flag("paused", data["paused"]) if "paused" in data else None
