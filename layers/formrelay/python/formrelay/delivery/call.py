"""The call: the POST of a delivery's request through the guarded client."""

from __future__ import annotations

import time
from functools import cache
from urllib.parse import urlsplit

from formrelay import hook_requests, sealing
from formrelay.delivery.prepare import Claimed
from formrelay.hook_requests import HookRequest
from formrelay.hooks import guard, http, payload
from formrelay.hooks.ladder import DELETED, Outcome
from formrelay.log import logger
from formrelay.settings import settings

INACTIVE = "The hook is switched off"
NOT_MADE = "The request could not be made, for a reason that is not the hook's. Nothing was sent."


def call(claimed: Claimed, ends: float) -> Outcome:
    """Makes the POST; ``ends`` is its deadline on the monotonic clock."""
    if not claimed.hook["active"]:
        return Outcome("unusable", message=INACTIVE)
    try:
        hook = hook_requests.opened(claimed.hook)
        request = hook_requests.of_delivery(claimed.item, hook, claimed.submission, claimed.item["tries"] + 1)
    except payload.UnusableError as error:
        return unusable(error)
    except sealing.NotSealedError:
        logger.exception("credentials not opened", extra={"hook": claimed.item["hook"]})
        return unreadable()
    except Exception:
        # Of KMS or S3. Left to the end of its lease, the attempt would be told as one that may have arrived.
        logger.exception("request not made", extra={"hook": claimed.item["hook"], "sid": claimed.item["sid"]})
        return Outcome("internal", message=NOT_MADE)
    if request is None:
        return Outcome("unusable", message=DELETED)
    claimed.body = request.body
    return post(request, min(settings().total_timeout, ends - time.monotonic()))


def unusable(error: payload.UnusableError) -> Outcome:
    """The outcome for a hook that cannot be sent as it is set up."""
    return Outcome("unusable", message=f"The hook cannot be sent: {error}")


def unreadable() -> Outcome:
    """The outcome for a hook whose credentials cannot be opened: the ladder leaves time to mend that."""
    return Outcome("internal", message=hook_requests.UNREADABLE)


def post(request: HookRequest, seconds: float) -> Outcome:
    """Sends a request through the guarded client, within so many seconds altogether."""
    if settings().https_only and urlsplit(request.url).scheme != "https":
        # Of a hook that was saved before the deployment wanted it so.
        return Outcome("forbidden", message=guard.UNSECURED)
    return http.post(
        request.url,
        request.headers,
        request.body.data,
        timeouts=http.Timeouts(connect=settings().connect_timeout, total=max(0.0, seconds)),
        policy=_policy(settings().allow_networks, settings().deny_networks),
    )


@cache
def _policy(allow: tuple[str, ...], deny: tuple[str, ...]) -> guard.Policy:
    return guard.policy(allow, deny)
