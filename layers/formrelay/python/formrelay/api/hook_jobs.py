"""``…/hooks/{hook}/jobs/``: how far retries and replays of many deliveries have come."""

from __future__ import annotations

from typing import Any

from formrelay import clock
from formrelay.api import hooks, paging
from formrelay.api.about import HOOKS, PAGING, About, Page
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import not_found
from formrelay.resends import jobs as resends
from formrelay.storage import jobs
from formrelay.storage.table import Item

_KINDS = {jobs.RETRY: "retry", jobs.REPLAY: "replay"}


def list_jobs(ctx: Context, asset: str, hook: str) -> Response:
    """The jobs of a hook, newest first; done ones are kept for some days."""
    hooks.require(ctx, asset, hook)
    start, limit = paging.window(ctx.request)
    count = jobs.count(hook)
    rows = jobs.newest(hook, start + limit)[start:] if start < count else []
    return json_response(paging.envelope(ctx.request, count, [shown(ctx, row) for row in rows], start, limit))


def get_job(ctx: Context, asset: str, hook: str, job: str) -> Response:
    hooks.require(ctx, asset, hook)
    found = jobs.get(hook, job)
    if found is None:
        raise not_found()
    return json_response(shown(ctx, found))


def fresh(ctx: Context, job: Item) -> dict[str, Any]:
    """A job that was just worked on, as it is by now."""
    return shown(ctx, jobs.get(job["hook"], job["uid"]) or job)


def url(ctx: Context, job: Item) -> str:
    """Where to follow a job."""
    return f"{ctx.api}/assets/{job['asset']}/hooks/{job['hook']}/jobs/{job['uid']}/"


def shown(ctx: Context, job: Item) -> dict[str, Any]:
    """The job object. ``total`` grows until ``selecting`` is false; what is neither done nor failed is under way.

    ``left_out`` counts submissions that were meant and do not meet the hook's filter; ``total`` does not.
    """
    finished = job.get("finished")
    return {
        "url": url(ctx, job),
        "uid": job["uid"],
        "kind": _KINDS[job["kind"]],
        "state": job["state"],
        "selecting": not job["selected"],
        "total": resends.total(job),
        "done": job["done"],
        "failed": job["failed"],
        "left_out": job.get("left_out", 0),
        "detail": job["detail"],
        "date_created": clock.iso_micro(job["created"]),
        "date_finished": clock.iso_micro(finished) if finished else None,
    }


_JOBS = "/api/v2/assets/{asset}/hooks/{hook}/jobs"
ROUTES = [
    Route(
        "GET",
        _JOBS,
        list_jobs,
        about=About("List retries and replays of many, newest first", HOOKS, {200: Page("Job")}, PAGING),
    ),
    Route("GET", _JOBS + "/{job}", get_job, about=About("How far such a job has come", HOOKS, {200: "Job"})),
]
