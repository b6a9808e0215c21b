"""A test of a hook: one request through the guarded client that is no delivery and leaves no log."""

from __future__ import annotations

from typing import Any

from formrelay import delivery, hook_filters, hook_previews, hook_requests, ids, samples, sealing
from formrelay.hook_requests import Stamp
from formrelay.hooks.payload import UnusableError
from formrelay.log import logger
from formrelay.settings import settings
from formrelay.storage import assets, hooks, submissions
from formrelay.storage.table import Item

# Kept of the seconds there are, for what comes before and after the call.
_MARGIN = 5.0


def run(test: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Sends a test (docs/architecture.md, "Messages") within so many seconds; how it went, and what was sent.

    ``{"gone": True}`` when its hook or submission was deleted a moment ago.
    """
    asset = test["asset"]
    hook, submission = hooks.get(asset, test["hook"]), _submission(test)
    if hook is None or submission is None:
        return {"gone": True}
    shown = None
    try:
        changed = hook_requests.opened(hook, test["changes"])
        request = hook_requests.request_for(changed, submission, asset, Stamp(ids.uid("ht"), test=True))
        shown = hook_previews.shown(
            request,
            submission["id"],
            submission["uuid"],
            sample=test["sid"] is None,
            matches=hook_filters.matches(changed, submission, asset),
        )
    except UnusableError as error:
        outcome = delivery.unusable(error)
    except sealing.NotSealedError:
        outcome = delivery.unreadable()
    else:
        outcome = delivery.post(request, min(settings().total_timeout, seconds - _MARGIN))
    facts = {"status_code": outcome.status_code, "duration_ms": outcome.duration_ms, "outcome": outcome.kind}
    logger.info(
        "hook tested", extra={"asset": asset, "hook": test["hook"], "address": outcome.address, **facts}
    )
    return {**facts, "detail": outcome.message, "request": shown}


def _submission(test: dict[str, Any]) -> Item | None:
    """The submission as it was created, or the project's sample when the test names none."""
    asset, sid = test["asset"], test["sid"]
    if sid is None:
        project = assets.project(asset)
        return samples.submission(project, test["origin"]) if project else None
    found = submissions.get(asset, sid)
    return hook_requests.as_created(found, asset) if found else None
