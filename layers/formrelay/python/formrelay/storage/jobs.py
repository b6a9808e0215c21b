"""Background jobs: what is left to do stands in the job's item, so that any process can go on with it.

A job holds ``uid, kind, hook, created`` (ms), and ``sweep_at`` while it is not done. Those that resend deliveries are
followed by people and hold in addition ``asset``; ``state`` (``queued``, ``running``, ``done``); ``cursor`` up to
which was selected, ``selected`` when that is all; ``planned`` ids that are to be made due now, ``window`` those that
are under way; ``done`` how many arrived, ``failed`` how many did not, ``left_out`` how many the hook's filter kept
back; ``detail`` why it ended early; ``finished`` (ms); ``lease`` of the process that works on it; ``idle`` looks at it
since anything happened.

Those that change many submissions hold ``asset, by, origin`` of who asked, whether a ``superuser``, and the ``rows``
(JSON text) that they might change; ``what`` is to be done; ``queries`` (JSON texts) and ``last`` id that select the
submissions; ``cursor`` and ``selected`` as above, ``total`` selected so far, in ``chunks`` items of their own;
``chunk`` and ``place`` up to which it is done, of these ``done`` and ``failed``.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import islice

from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.table import Item

# Kinds of jobs that send many deliveries again, and that change many submissions.
RESENDS = RETRY, REPLAY = "retry-hook", "replay-hook"
CHANGES = DELETE, VALIDATE, EDIT = "delete-submissions", "validate-submissions", "edit-submissions"
QUEUED, RUNNING, DONE = "queued", "running", "done"
# Seconds that a job which is done can be looked at.
_KEPT = 14 * 86_400
# What changes while a job is worked on.
_PROGRESS = (
    *("cursor", "selected", "planned", "window", "done", "failed", "left_out", "detail"),
    *("chunks", "total", "chunk", "place"),
)
# Seconds: much longer than a job takes.
_CHUNKS_KEPT = 60 * 86_400
_MINE = "#lease = :lease"


def put(job: Item) -> None:
    """Stores a new job."""
    table.put(settings().data_table, job)


def get(hook: str, uid: str) -> Item | None:
    """A job that resends deliveries of a hook."""
    return table.get(settings().data_table, keys.hook_job(hook, uid))


def newest(hook: str, rows: int) -> list[Item]:
    """The last ``rows`` jobs that resend deliveries of a hook, newest first."""
    found = table.query_all(
        settings().data_table, "#pk = :pk", {":pk": keys.hook_jobs_pk(hook)}, limit=rows, forward=False
    )
    return list(islice(found, rows))


def count(hook: str) -> int:
    """How many jobs of a hook can be looked at."""
    return table.count(settings().data_table, "#pk = :pk", {":pk": keys.hook_jobs_pk(hook)})


def take(job: Item, *, until: int) -> Item:
    """Takes a job for this process until ``until`` (ms); the job as it is then.

    Raises ConditionError when another process took it since it was read, or it is done or gone.
    """
    return table.update(
        settings().data_table,
        keys.of(job),
        "SET #state = :running, #lease = :until, #sweep_at = :until",
        {":running": RUNNING, ":until": until, ":seen": job["sweep_at"]},
        condition="#sweep_at = :seen",
    )


def save(job: Item) -> None:
    """Writes how far a job has come that this process has taken. Raises ConditionError when the lease was lost."""
    _save(job, "", {})


def release(job: Item, *, sweep_at: int, idle: int) -> None:
    """Writes how far a job has come and leaves it to the sweep of that time (ms), or to whoever takes it before.

    Raises ConditionError when the lease was lost.
    """
    _save(job, ", #sweep_at = :at, #idle = :idle REMOVE #lease", {":at": sweep_at, ":idle": idle})


def finish(job: Item, *, now: int) -> None:
    """Marks a job as done; it can be looked at for some days. Raises ConditionError when the lease was lost."""
    _save(
        job,
        ", #state = :ended, #finished = :now, #expires = :expires REMOVE #lease, #sweep, #sweep_at, #idle",
        {":ended": DONE, ":now": now, ":expires": now // 1000 + _KEPT},
    )


def _save(job: Item, rest: str, values: Item) -> None:
    changing = [name for name in _PROGRESS if name in job]
    table.update(
        settings().data_table,
        keys.of(job),
        "SET " + ", ".join(f"#{name} = :{name}" for name in changing) + rest,
        {**{f":{name}": job[name] for name in changing}, **values, ":lease": job["lease"]},
        condition=_MINE,
    )


def set_facts(job: Item, facts: Item) -> None:
    """Writes more of what a job is about. Raises ConditionError when it is gone."""
    table.update(
        settings().data_table,
        keys.of(job),
        "SET " + ", ".join(f"#{name} = :{name}" for name in facts),
        {f":{name}": value for name, value in facts.items()},
        condition="attribute_exists(#pk)",
    )


def remove(job: Item) -> None:
    """Removes a job that nobody follows."""
    table.delete(settings().data_table, keys.of(job))


def purge(hook: str) -> None:
    """Removes the jobs of a hook that is gone."""
    found = table.query_all(
        settings().data_table, "#pk = :pk", {":pk": keys.hook_jobs_pk(hook)}, projection="#pk, #sk"
    )
    table.batch_delete(settings().data_table, list(found))


# What a job has selected


def put_chunk(uid: str, number: int, sids: Sequence[int], *, now: int) -> None:
    """Stores a part of a selection. It expires with time, in case that nobody removes it."""
    packed = zlib.compress(",".join(map(str, sids)).encode(), 6)
    item = {**keys.job_chunk(uid, number), "sids": packed, "expires": now // 1000 + _CHUNKS_KEPT}
    table.put(settings().data_table, item)


def chunk(uid: str, number: int) -> list[int]:
    """A part of a selection."""
    item = table.get(settings().data_table, keys.job_chunk(uid, number))
    return [int(sid) for sid in zlib.decompress(item["sids"]).split(b",")] if item else []


def remove_chunks(job: Item) -> None:
    """Removes what a job has selected."""
    found = [keys.job_chunk(job["uid"], number) for number in range(job["chunks"])]
    table.batch_delete(settings().data_table, found)
