"""Pause of a hook that fails: what was not attempted yet is held back, now and then one delivery is let through.

Opened by failures in a row, by 410, or by its owner; ended by a success, or by its owner (design §4, "Lanes and
isolation"). Ladders run on meanwhile, so failures are reported in time.
"""

from __future__ import annotations

from typing import Any

from formrelay import clock, jobs
from formrelay.hooks.ladder import Outcome
from formrelay.isolation import lanes, shares
from formrelay.log import logger
from formrelay.settings import settings
from formrelay.storage import assets, health, hooks, parking, reports, sweep, table
from formrelay.storage.assets import Project
from formrelay.storage.table import ConditionError, Item, TransactionError

_MAX_PROBE_INTERVAL = 3_600
PAUSED, SWITCHED_OFF = "paused", "switched-off"


# Attempts


def held_back(item: Item, found: Item | None) -> bool:
    """Whether a claimed attempt is not to be made because its hook is paused; it is parked then.

    Let through are retries, by the ladder or by people, and the probe.
    """
    if not found or not health.is_paused(found) or item["tries"] or item.get("manual"):
        return False
    if found.get("probe") == item["sid"]:
        return False
    try:
        parking.park(item, now=clock.now_ms())
    except ConditionError:
        logger.warning("delivery moved on before it was parked", extra=_where(item))
    return True


def note(item: Item, hook: Item, found: Item, outcome: Outcome, *, gone: bool) -> None:
    """What an attempt's outcome means for its hook; ``found`` is the health that was read when it was claimed.

    One that is not noted, because the process died or the table was away, makes a pause begin one failure later, or
    end at the next success.
    """
    try:
        if outcome.ok:
            _succeeded(found, outcome)
        elif not (outcome.is_ours or health.is_paused(found)):
            _failed(item, hook, found, outcome, gone)
    except (ConditionError, TransactionError):
        logger.info("health changed or the hook is gone", extra=_where(item))
    except Exception:
        logger.exception("health not noted", extra=_where(item))


def _succeeded(found: Item, outcome: Outcome) -> None:
    slow = _is_slow(outcome)
    # For a hook that is well, and was, nothing is written.
    changed = found["failures"] or slow != health.is_slow(found)
    if changed and not health.is_paused(found):
        found = health.add_success(found, slow=slow)
    if health.is_paused(found) and found["paused_by"] != health.OWNER:
        _resume(found)


def _failed(item: Item, hook: Item, found: Item, outcome: Outcome, gone: bool) -> None:
    now = clock.now_ms()
    found = health.add_failure(found, now=now, slow=_is_slow(outcome))
    lasted = now - found["failing_since"]
    enough = found["failures"] >= settings().pause_failures and lasted >= settings().pause_after * 1000
    if health.is_paused(found) or not (gone or enough):
        return
    line = {"code": outcome.status_code, "message": outcome.message[:1000], "failures": found["failures"]}
    origin = item["origin"]
    also = _notice(hook, assets.project(item["asset"]), {**line, "kind": PAUSED}, origin, now)
    by = health.GONE if gone else health.FAILURES
    probe_at = now + settings().probe_interval * 1000
    table.settle(lambda: health.pause(found, by=by, now=now, origin=origin, probe_at=probe_at, also=also))
    logger.warning("hook paused", extra={**_where(item), "by": by, "failures": found["failures"]})


def _is_slow(outcome: Outcome) -> bool:
    return outcome.duration_ms > shares.SLOW_MS


def _resume(found: Item) -> None:
    job = jobs.drain_hook(found["asset"], found["hook"])
    table.settle(lambda: health.resume(found, job))
    logger.info("pause ended", extra=_where(found))


def _notice(hook: Item, project: Project | None, line: Item, origin: str, now: int) -> list[Item]:
    """The writes that get what happened to the hook mailed, if its owner wants mails about it."""
    if project is None or not hook["email_notification"]:
        return []
    line = {
        "asset": project.uid,
        "asset_name": project.state["name"],
        "hook": hook["uid"],
        "hook_name": hook["name"],
        "base_url": settings().public_url or origin,
        "at": now,
        **line,
    }
    return reports.failure_ops(project.owner, line, now=now)


# By people


def switch(asset: str, hook_uid: str, paused: bool) -> None:
    """Pauses a hook or ends its pause, as its owner says; nothing happens where it is so already.

    A pause by its owner is not probed and ends by them alone.
    """
    found = health.get(asset, hook_uid)
    if found is None or health.is_paused(found) == paused:
        return
    try:
        if paused:
            now = clock.now_ms()
            table.settle(lambda: health.pause(found, by=health.OWNER, now=now))
        else:
            _resume(found)
    except TransactionError:
        logger.info("somebody else switched the hook's pause", extra=_where(found))


def revival(asset: str, hook_uid: str) -> list[Item]:
    """The writes for the transaction that switches a hook on again: what waits for it is not forgotten."""
    found = health.get(asset, hook_uid)
    if found is None or not health.is_paused(found):
        return [table.put_op(settings().data_table, jobs.drain_hook(asset, hook_uid))]
    return [] if found["paused_by"] == health.OWNER else [health.revive_op(found, now=clock.now_ms())]


# The sweep


def look(found: Item, now: int) -> str:
    """Does what is due for a paused hook: a probe, or its end after too long a pause; says in a word what it was."""
    hook = hooks.get(found["asset"], found["hook"])
    if hook is None:
        return "stale"
    if not hook["active"]:
        return "resting" if health.rest(found) else "moved"
    last = found["paused_at"] + settings().deactivate_after * 1000
    if now >= last:
        return _switch_off(found, hook, now)
    item = next(parking.waiting(found["hook"]), None)
    if item is None:
        # The next submission is the probe; it is not to wait for longer than this.
        later = now + settings().probe_interval * 1000
        return "nothing to probe" if sweep.push(found, found["sweep_at"], later, 0) else "moved"
    next_at = min(now + _interval(found["probes"] + 1), last)
    if not health.choose_probe(found, item["sid"], next_at=next_at):
        return "moved"
    return "probe" if _let_through(item, now) else "moved"


def _interval(probes: int) -> int:
    """Time (ms) to the next probe after so many: doubled by each, at most an hour."""
    return min(_MAX_PROBE_INTERVAL, settings().probe_interval << min(probes, 12)) * 1000


def _let_through(item: Item, now: int) -> bool:
    wait = max(0, item["due_at"] - now)
    try:
        parking.unpark(item, sweep_at=now + wait + settings().recovery_grace * 1000)
    except ConditionError:
        return False
    lanes.send_again(item, wait)
    return True


def _switch_off(found: Item, hook: Item, now: int) -> str:
    line = {"kind": SWITCHED_OFF, "code": None, "message": "", "since": found["paused_at"]}
    also = _notice(hook, assets.project(found["asset"]), line, found["origin"], now)
    try:
        table.settle(lambda: health.switch_off(found, hook, now=now, also=also))
    except TransactionError:
        return "moved"
    logger.warning("hook switched off after too long a pause", extra=_where(found))
    return "switched off"


def _where(item: Item) -> dict[str, Any]:
    return {name: item[name] for name in ("asset", "hook", "sid") if name in item}
