"""Health of a hook: an item beside it that every attempt reads, and writes only when something changes.

An item holds ``asset, hook``; ``failures`` in a row and ``failing_since`` (ms) the first of them; ``slow`` when the
last attempt took long; while paused
``paused_at`` (ms), ``paused_by`` (``failures``, ``gone``, ``owner``), ``origin`` for links in mails, ``probe`` the
submission whose delivery may be attempted, ``probes`` how many were sent, ``sweep_at`` when recovery sends the next;
``slots`` taken of a hook with a limit: name → end of the lease (ms); ``report_error`` why failures were not mailed.

A hook has it from its first moment to its last, so a write that finds none belongs to a hook that is gone.
"""

from __future__ import annotations

from collections.abc import Sequence

from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.table import Item

FAILURES, GONE, OWNER = "failures", "gone", "owner"

_PAUSED = "#paused_at = :seen"


def new(asset: str, hook_uid: str) -> Item:
    """The health of a new hook; the caller writes it with the hook."""
    return {**keys.health(asset, hook_uid), "asset": asset, "hook": hook_uid, "failures": 0, "slots": {}}


def get(asset: str, hook_uid: str) -> Item | None:
    """The health of one hook."""
    return table.get(settings().data_table, keys.health(asset, hook_uid))


def listed(asset: str) -> dict[str, Item]:
    """The health of every hook of a project, by uid."""
    found = table.query_all(
        settings().data_table,
        "#pk = :pk AND begins_with(#sk, :q)",
        {":pk": keys.asset_pk(asset), ":q": "Q#"},
    )
    return {item["hook"]: item for item in found}


def is_paused(found: Item | None) -> bool:
    """Whether the hook holds back what was not attempted yet."""
    return found is not None and "paused_at" in found


# Failures in a row


def is_slow(found: Item | None) -> bool:
    """Whether the hook's last attempt took long."""
    return bool(found and found.get("slow"))


def add_failure(found: Item, *, now: int, slow: bool) -> Item:
    """Counts one more failure in a row; the item as it is then. Raises ConditionError when the hook is gone."""
    return table.update(
        settings().data_table,
        _key(found),
        "SET #slow = :slow, #failing_since = if_not_exists(#failing_since, :now) ADD #failures :one",
        {":now": now, ":one": 1, ":slow": slow},
        condition="attribute_exists(#pk)",
    )


def add_success(found: Item, *, slow: bool) -> Item:
    """Ends a row of failures; the item as it is then. Raises ConditionError when the hook is gone."""
    return table.update(
        settings().data_table,
        _key(found),
        "SET #failures = :none, #slow = :slow REMOVE #failing_since",
        {":none": 0, ":slow": slow},
        condition="attribute_exists(#pk)",
    )


# Pause


def pause(
    found: Item,
    *,
    by: str,
    now: int,
    origin: str | None = None,
    probe_at: int | None = None,
    also: Sequence[Item] = (),
) -> None:
    """Pauses a hook, and lets ingest know, in one transaction with the writes in ``also``.

    Raises TransactionError when it is paused already or gone.
    """
    values = {":now": now, ":by": by, ":origin": origin, ":none": 0}
    expression = "SET #paused_at = :now, #paused_by = :by, #origin = :origin, #probes = :none"
    if probe_at is not None:
        expression += ", #sweep = :shard, #sweep_at = :probe"
        values |= {":shard": keys.errand_shard(found["hook"]), ":probe": probe_at}
    table.transact(
        [
            table.update_op(
                settings().data_table,
                _key(found),
                expression + " REMOVE #probe",
                values,
                condition="attribute_exists(#pk) AND attribute_not_exists(#paused_at)",
            ),
            table.update_op(
                settings().data_table,
                keys.hook_state(found["asset"], found["hook"]),
                "SET #paused = :yes",
                {":yes": True},
                condition="attribute_exists(#pk)",
            ),
            *also,
        ]
    )


def resume(found: Item, job: Item) -> None:
    """Ends the pause that was found, together with the job that sends what waits.

    Raises TransactionError when that pause is over already.
    """
    table.transact(
        [
            table.update_op(
                settings().data_table,
                _key(found),
                "SET #failures = :none REMOVE #paused_at, #paused_by, #origin, #probe, #probes, #failing_since,"
                " #slow, #sweep, #sweep_at, #looks",
                {":none": 0, ":seen": found["paused_at"]},
                condition=_PAUSED,
            ),
            table.update_op(
                settings().data_table,
                keys.hook_state(found["asset"], found["hook"]),
                "REMOVE #paused",
                condition="attribute_exists(#pk)",
            ),
            table.put_op(settings().data_table, job),
        ]
    )


def still_paused_op(asset: str, hook_uid: str) -> Item:
    """The check that a hook is paused, for a transaction that relies on it."""
    return table.check_op(
        settings().data_table, keys.hook_state(asset, hook_uid), "attribute_exists(#paused)"
    )


def choose_probe(found: Item, sid: int, *, next_at: int) -> bool:
    """Lets one delivery through although the hook is paused, and the next at ``next_at`` (ms).

    False when somebody else chose at the same moment, or the pause is over.
    """
    try:
        table.update(
            settings().data_table,
            _key(found),
            "SET #probe = :sid, #probes = :probes, #sweep_at = :next",
            {
                ":sid": sid,
                ":probes": found["probes"] + 1,
                ":next": next_at,
                ":at": found["sweep_at"],
                ":seen": found["paused_at"],
            },
            condition=_PAUSED + " AND #sweep_at = :at",
        )
    except table.ConditionError:
        return False
    return True


def rest(found: Item) -> bool:
    """Ends the probes of a hook that is switched off. False when something happened to it meanwhile."""
    try:
        table.update(
            settings().data_table,
            _key(found),
            "REMOVE #sweep, #sweep_at",
            {":at": found["sweep_at"]},
            condition="#sweep_at = :at",
        )
    except table.ConditionError:
        return False
    return True


def switch_off(found: Item, hook: Item, *, now: int, also: Sequence[Item]) -> None:
    """Switches a hook off and ends its probes, in one transaction with the writes in ``also``.

    What is parked stays. Raises TransactionError when hook or pause changed since they were read.
    """
    data = settings().data_table
    table.transact(
        [
            table.update_op(
                data,
                keys.hook(found["asset"], found["hook"]),
                "SET #active = :no, #revision = :next, #modified = :now",
                {":no": False, ":now": now, ":revision": hook["revision"], ":next": hook["revision"] + 1},
                condition="#revision = :revision",
            ),
            table.update_op(
                data,
                keys.hook_state(found["asset"], found["hook"]),
                "SET #active = :no",
                {":no": False},
                condition="attribute_exists(#pk)",
            ),
            table.update_op(
                data,
                _key(found),
                "REMOVE #sweep, #sweep_at",
                {":seen": found["paused_at"], ":at": found["sweep_at"]},
                condition=_PAUSED + " AND #sweep_at = :at",
            ),
            *also,
        ]
    )


def revive_op(found: Item, *, now: int) -> Item:
    """The write that lets a paused hook be probed at once, and its pause count from now: its owner switched it on."""
    return table.update_op(
        settings().data_table,
        _key(found),
        "SET #paused_at = :now, #probes = :none, #sweep = :shard, #sweep_at = :now REMOVE #probe",
        {
            ":now": now,
            ":none": 0,
            ":shard": keys.errand_shard(found["hook"]),
            ":seen": found["paused_at"],
        },
        condition=_PAUSED,
    )


def note_report(asset: str, hook_uid: str, reason: str | None, *, now: int) -> None:
    """Keeps why the hook's failures were not mailed (``report_error``: reason, at in ms), or that they are."""
    values: Item = {":error": {"reason": reason, "at": now}} if reason else {}
    try:
        table.update(
            settings().data_table,
            keys.health(asset, hook_uid),
            "SET #report_error = :error" if reason else "REMOVE #report_error",
            values,
            condition="attribute_exists(#pk)",
        )
    except table.ConditionError:
        return


# Slots of a hook with a limit


def take_slot(found: Item, slot: str, *, now: int, lease: int) -> None:
    """Takes one slot until ``lease`` (ms). Raises ConditionError with the item found when it is taken."""
    table.update(
        settings().data_table,
        _key(found),
        f"SET #slots.#{slot} = :lease",
        {":lease": lease, ":now": now},
        condition=f"attribute_exists(#pk) AND (attribute_not_exists(#slots.#{slot}) OR #slots.#{slot} <= :now)",
    )


def free_slot(found: Item, slot: str, *, lease: int) -> None:
    """Gives back a slot that was taken until ``lease``. Raises ConditionError when somebody else has it by now."""
    table.update(
        settings().data_table,
        _key(found),
        f"REMOVE #slots.#{slot}",
        {":lease": lease},
        condition=f"#slots.#{slot} = :lease",
    )


def _key(found: Item) -> keys.Key:
    return keys.health(found["asset"], found["hook"])
