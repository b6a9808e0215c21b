"""The request that a hook is sent: one rendering for attempts, previews and test sends, so that none can differ."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from formrelay import clock, hook_secrets, hook_settings, records
from formrelay.hooks import headers, payload
from formrelay.settings import settings
from formrelay.storage import submissions
from formrelay.storage.table import Item


@dataclass(frozen=True)
class HookRequest:
    """A POST, ready to be sent: the bytes of the body are those that its signature is over."""

    url: str
    headers: dict[str, str | bytes]
    body: payload.Body


@dataclass(frozen=True)
class Stamp:
    """What tells requests with the same body apart: ``message_id`` is ``webhook-id``, ``attempt`` counts from 1."""

    message_id: str
    attempt: int = 1
    replay: int | None = None
    test: bool = False


def opened(hook: Item) -> Item:
    """A stored hook with ``settings`` and ``secrets`` in the clear, as :func:`request_for` needs it."""
    return {
        **hook,
        "settings": hook_settings.opened(hook),
        "secrets": hook_secrets.opened(hook, clock.now_ms()),
    }


def as_created(submission: Item, asset: str, files: Collection[str] | None = None) -> Item | None:
    """A submission as it was created, with the files whose uids are given, or all that it had.

    None when it was deleted a moment ago.
    """
    first = submission
    if submission.get("rev"):
        history = submissions.first_revision(asset, submission["id"])
        if history is None:
            return None
        kept = {name: value for name, value in submission.items() if name not in submissions.BODIES}
        first = {**kept, **history}
    if files is not None:
        first = {**first, "files": {k: v for k, v in first["files"].items() if v["uid"] in files}}
    return {**first, "status": {}}


def request_for(hook: Item, submission: Item, asset: str, stamp: Stamp) -> HookRequest:
    """What is sent to an opened hook for a submission, at this moment.

    Raises UnusableError for a hook whose settings or wrapper cannot be sent.
    """
    unpacked = submissions.unpack(submission)
    base = settings().public_url or submission["origin"]
    record = records.record(submission, unpacked, asset=asset, base_url=base)
    body = payload.render(hook, record, unpacked.xml)
    head = headers.build(
        hook,
        body,
        delivery_uid=stamp.message_id,
        attempt=stamp.attempt,
        timestamp=int(clock.now()),
        secrets=hook["secrets"],
        replay=stamp.replay,
        test=stamp.test,
    )
    return HookRequest(hook["endpoint"], head, body)
