"""What routes that change submissions share: who may change which of them, and jobs for many (contract data §2)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from formrelay import history, permissions, records
from formrelay.api import data
from formrelay.api.payloads import Meant, unsupported_query
from formrelay.api.router import Context
from formrelay.changes import bulk
from formrelay.changes.asked import Asked
from formrelay.errors import detail, forbidden, not_found
from formrelay.ids import MAX_SUBMISSION_ID
from formrelay.permissions import Rows
from formrelay.storage import assets, submissions
from formrelay.storage.table import MAX_BATCH_GET, Item

# Seconds that a request may take for its changes; the rest is left to recovery. The gateway waits for 30.
INLINE = 25.0


class Grant(NamedTuple):
    """A change that the caller may make, to which submissions, and until when in this request (monotonic clock)."""

    asked: Asked
    rows: Rows
    ends: float
    superuser: bool


def granted(ctx: Context, asset: str, codename: str) -> Grant:
    """What the caller may change. Raises ApiError 401, 403, 404, or 400 before a deployment."""
    ends = time.monotonic() + INLINE
    project = assets.project(asset)
    rows = permissions.rows(ctx.caller, project, codename)
    if project is None:
        raise not_found()
    if not project.is_deployed:
        raise detail(400, "The specified asset has not been deployed")
    asked = Asked(project, history.who(ctx.caller), ctx.base_url)
    return Grant(asked, rows, ends, superuser=ctx.user.superuser)


def target(ctx: Context, asset: str, id_: str, codename: str) -> tuple[Asked, Item]:
    """The one submission that a path names, if the caller may change it. Raises ApiError as :func:`granted`."""
    grant = granted(ctx, asset, codename)
    item = data.locate(asset, id_)
    if item is None:
        raise not_found()
    if not _admits(grant, item):
        raise forbidden()
    return grant.asked, item


def _admits(grant: Grant, item: Item) -> bool:
    if grant.rows.all:
        return True
    asked, bodies = grant.asked, submissions.unpack(item)
    return grant.rows.admits(records.record(item, bodies, asset=asked.asset, base_url=asked.origin))


def known(grant: Grant, chosen: Sequence[int]) -> list[int]:
    """Those of the ids that there are, in order. Raises ApiError 403 when one is not the caller's to change."""
    found: list[int] = []
    wanted = sorted(sid for sid in chosen if sid <= MAX_SUBMISSION_ID)
    for i in range(0, len(wanted), MAX_BATCH_GET):
        there = submissions.get_many(grant.asked.asset, wanted[i : i + MAX_BATCH_GET])
        if not all(_admits(grant, item) for item in there):
            raise forbidden()
        found += sorted(item["id"] for item in there)
    return found


def run(grant: Grant, kind: str, what: Item, meant: Meant, chosen: Sequence[int] | None) -> bulk.Progress:
    """Fixes what is meant as a job and works on it for a while; ``chosen`` are the ids that are there.

    Raises ApiError 400 for a query that cannot be applied to what there is; nothing is changed then.
    """
    job = bulk.start(
        kind, grant.asked, what, grant.rows, superuser=grant.superuser, chosen=chosen, query=meant.query
    )
    progress = bulk.begin(job, grant.ends)
    if progress.query_error:
        raise unsupported_query()
    return progress


def run_exactly(grant: Grant, kind: str, what: Item, meant: Meant) -> int:
    """The same, for calls that do nothing when one of the ids is unknown; how many are changed. Raises ApiError."""
    chosen = None
    if meant.chosen is not None:
        chosen = known(grant, meant.chosen)
        if len(chosen) < len(meant.chosen):
            raise detail(400, "One or more submission ids are invalid")
    return run(grant, kind, what, meant, chosen).selected
