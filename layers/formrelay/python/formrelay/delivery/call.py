"""The call: the version of the submission that is sent, and its POST through the guarded client."""

from __future__ import annotations

import time
from functools import cache

from formrelay import hook_requests, ids
from formrelay.delivery.prepare import Claimed
from formrelay.event_kinds import CREATED
from formrelay.event_kinds import DELETED as DELETED_EVENT
from formrelay.hook_requests import HookRequest, Stamp
from formrelay.hooks import guard, http, payload
from formrelay.hooks.ladder import Outcome
from formrelay.log import logger
from formrelay.settings import settings
from formrelay.storage.table import Item

DELETED = "Submission has been deleted"
INACTIVE = "The hook is switched off"
NOT_MADE = "The request could not be made, for a reason that is not the hook's. Nothing was sent."


def call(claimed: Claimed, ends: float) -> Outcome:
    """Makes the POST; ``ends`` is its deadline on the monotonic clock."""
    if not claimed.hook["active"]:
        return Outcome("unusable", message=INACTIVE)
    try:
        request = _request(claimed)
    except payload.UnusableError as error:
        return unusable(error)
    except Exception:
        # Of KMS or S3. Left to the end of its lease, the attempt would be told as one that may have arrived.
        logger.exception("request not made", extra={"hook": claimed.item["hook"], "sid": claimed.item["sid"]})
        return Outcome("internal", message=NOT_MADE)
    if request is None:
        return Outcome("unusable", message=DELETED)
    claimed.body = request.body
    return post(request, min(settings().total_timeout, ends - time.monotonic()))


def _request(claimed: Claimed) -> HookRequest | None:
    """What is sent; None when the submission is gone. Raises UnusableError."""
    item, submission = claimed.item, claimed.submission
    stamp = Stamp(
        ids.delivery_uid(item["hook"], item["sid"]),
        attempt=item["tries"] + 1,
        replay=item.get("replay"),
        event=item.get("event", CREATED),
    )
    if stamp.event == DELETED_EVENT:
        return hook_requests.deletion_for(hook_requests.opened(claimed.hook), item["last"], stamp)
    sent = _version(submission, item) if submission else None
    if sent is None:
        return None
    return hook_requests.request_for(hook_requests.opened(claimed.hook), sent, item["asset"], stamp)


def unusable(error: payload.UnusableError) -> Outcome:
    """The outcome for a hook that cannot be sent as it is set up."""
    return Outcome("unusable", message=f"The hook cannot be sent: {error}")


def post(request: HookRequest, seconds: float) -> Outcome:
    """Sends a request through the guarded client, within so many seconds altogether."""
    return http.post(
        request.url,
        request.headers,
        request.body.data,
        timeouts=http.Timeouts(connect=settings().connect_timeout, total=max(0.0, seconds)),
        policy=_policy(settings().allow_networks, settings().deny_networks),
    )


def _version(submission: Item, item: Item) -> Item | None:
    """The submission as it was at the event, with the files that it or the first attempt had; replays send it as it is.

    None when it was deleted a moment ago.
    """
    if item.get("replay") or item.get("current"):
        return submission
    return hook_requests.as_of(
        submission,
        item["asset"],
        rev=item.get("rev", 0),
        files=item["files"],
        validation=item.get("validation"),
    )


@cache
def _policy(allow: tuple[str, ...], deny: tuple[str, ...]) -> guard.Policy:
    return guard.policy(allow, deny)
