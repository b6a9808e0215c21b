"""``…/hooks/{hook}/preview/`` and ``…/test/``: what a hook is sent, to look at and to try out (design §1, §6).

Both take the hook as it is, or with the fields of the body changed, for a form that is not saved yet; and the newest
submission, the one that ``?submission=`` names, or a made-up one (``?submission=sample``, or without any). The preview
can also make again what a delivery sent (``?log=``); ``…/hooks/preview/`` is that of a hook that is not made yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from formrelay import clock, functions, hook_filters, hook_previews, hook_requests, ids, samples, sealing
from formrelay.api import data, hook_logs, hooks
from formrelay.api.about import HOOKS, About, Body, Query
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.errors import ApiError, detail, not_found
from formrelay.hook_requests import Stamp
from formrelay.hooks.fields import clean
from formrelay.hooks.payload import UnusableError
from formrelay.storage import deliveries, hook_tests, submissions
from formrelay.storage.assets import Project
from formrelay.storage.table import Item

SAMPLE = "sample"
# Stands for a hook that is not saved yet: its own uid, and an address that leads nowhere.
_UNSAVED: Item = {"uid": "", "endpoint": "https://example.org/", "secrets": []}
# Longer than any id.
_MAX_ID = 300


def preview_hook(ctx: Context, asset: str, hook: str) -> Response:
    """What the hook would be sent for a submission, as its first attempt; or was sent by a delivery (``?log=``)."""
    project, found = hooks.require(ctx, asset, hook)
    changes = _changes(ctx, found)
    with _usable():
        changed = hook_requests.opened(found, changes)
    if log := ctx.request.query.get("log"):
        return _of_delivery(hook_logs.delivery(ctx, asset, hook, log)[1], changed)
    return _previewed(ctx, project, changed)


def preview_new_hook(ctx: Context, asset: str) -> Response:
    """What a hook with the fields of the body would be sent; those that are missing are as a new hook has them."""
    project = hooks.of_project(ctx, asset)
    values = clean(hooks.given(ctx), None, partial=True, rules=hooks.rules(ctx))
    return _previewed(ctx, project, {**_UNSAVED, **values})


def _previewed(ctx: Context, project: Project, hook: Item) -> Response:
    """The first attempt of an opened hook for the submission that the query names. Raises 400, 404."""
    submission, is_sample = _submission(ctx, project)
    stamp = Stamp(ids.delivery_uid(hook["uid"], submission["id"]))
    with _usable():
        request = hook_requests.request_for(hook, submission, project.uid, stamp)
        matches = hook_filters.matches(hook, submission, project.uid)
        shown = hook_previews.shown(
            request, submission["id"], submission["uuid"], sample=is_sample, matches=matches
        )
        return json_response(shown)


def _of_delivery(item: Item, hook: Item) -> Response:
    """The last attempt of a delivery, made again. Raises 400, and 404 when its submission is gone."""
    sid = deliveries.submission_id(item)
    submission = submissions.get(item["asset"], sid)
    with _usable():
        request = hook_requests.of_delivery(item, hook, submission, max(1, item["tries"]))
        if request is None:
            raise not_found()
        uuid = submission["uuid"] if submission else item["last"]["_uuid"]
        return json_response(hook_previews.shown(request, sid, uuid, sample=False))


@contextmanager
def _usable() -> Iterator[None]:
    try:
        yield
    except UnusableError as error:
        raise detail(400, f"The hook cannot be sent: {error}") from None
    except sealing.NotSealedError:
        raise detail(400, hook_requests.UNREADABLE) from None


def send_test(ctx: Context, asset: str, hook: str) -> Response:
    """Sends that, marked as a test, while the caller waits; 200 whatever the destination answered."""
    project, found = hooks.require(ctx, asset, hook)
    changes = _changes(ctx, found)
    submission, is_sample = _submission(ctx, project)
    wait = hook_tests.count(hook, int(clock.now()))
    if wait:
        text = f"Request was throttled. Expected available in {wait} seconds."
        raise ApiError(429, {"detail": text}, {"Retry-After": str(wait)})
    answer = functions.test_hook(
        {
            "asset": asset,
            "hook": hook,
            "sid": None if is_sample else submission["id"],
            "origin": ctx.base_url,
            "changes": changes,
        }
    )
    if answer.get("gone"):
        raise not_found()
    return json_response(answer)


def _changes(ctx: Context, hook: Item) -> dict[str, Any]:
    """The fields of the body, checked as for a change of the hook, with the password in the clear."""
    if ctx.request.method != "POST":
        return {}
    return clean(hooks.given(ctx), hook, partial=True, rules=hooks.rules(ctx))


def _submission(ctx: Context, project: Project) -> tuple[Item, bool]:
    """The submission that the query names, as it was created, and whether it is a sample. Raises 400, 404."""
    wanted = ctx.request.query.get("submission", "")
    if len(wanted) > _MAX_ID:
        raise not_found()
    found = None
    if not wanted:
        found = next(iter(submissions.page(project.uid, after=None, limit=1, forward=False)[0]), None)
    elif wanted != SAMPLE:
        found = data.find(ctx, project.uid, wanted)[1].item
    if found is None:
        return _sample(ctx, project), True
    created = hook_requests.as_created(found, project.uid)
    if created is None:
        raise not_found()
    return created, False


def _sample(ctx: Context, project: Project) -> Item:
    try:
        return samples.submission(project, ctx.base_url)
    except samples.SampleError as error:
        raise detail(400, f"No sample can be made of this form: {error}") from None


_HOOKS = "/api/v2/assets/{asset}/hooks"
_HOOK = _HOOKS + "/{hook}"
_OF = (Query("submission", "`_id` or uuid of a submission, or `sample`; the newest one unless told."),)
_TRIED = Body("HookChange", {"payload_template": '{"record": %SUBMISSION%}'})
_DELIVERY = Query(
    "log", "uid of a delivery: what it sends, instead; of its event, and as often as it was replayed."
)
ROUTES = [
    Route(
        "POST",
        _HOOKS + "/preview",
        preview_new_hook,
        about=About("What a hook would be sent that is not made yet", HOOKS, {200: "Preview"}, _OF, _TRIED),
    ),
    Route(
        "GET",
        _HOOK + "/preview",
        preview_hook,
        about=About(
            "What a hook is sent for a submission", HOOKS, {200: "Preview"}, (*_OF, _DELIVERY), errors=(400,)
        ),
    ),
    Route(
        "POST",
        _HOOK + "/preview",
        preview_hook,
        about=About("What it would be sent with other settings", HOOKS, {200: "Preview"}, _OF, _TRIED),
    ),
    Route(
        "POST",
        _HOOK + "/test",
        send_test,
        about=About(
            "Send it now, marked as a test",
            HOOKS,
            {200: "TestResult"},
            _OF,
            _TRIED,
            text="200 whatever the destination answered.",
        ),
    ),
]
