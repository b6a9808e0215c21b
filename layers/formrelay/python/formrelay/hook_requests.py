"""The request that a hook is sent: one rendering for attempts, previews and test sends, so that none can differ."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from formrelay import clock, hook_secrets, hook_settings, ids, records
from formrelay.event_kinds import CREATED, DELETED
from formrelay.hooks import headers, payload
from formrelay.settings import settings
from formrelay.storage import submissions
from formrelay.storage.table import Item

# What its owner is told of a hook whose credentials or signing secrets raise NotSealedError.
UNREADABLE = (
    "The credentials or a signing secret of the hook cannot be opened any more: set them anew, or ask who runs this"
    " server to restore its key."
)

# Rendering only computes, so that threads gain nothing by doing it at the same time, and a big submission takes many
# times its size while it lasts: the ten attempts of a batch would need more memory than there is.
_rendering = threading.Lock()


class HookRequest(NamedTuple):
    """A POST, ready to be sent: the bytes of the body are those that its signature is over."""

    url: str
    headers: dict[str, str | bytes]
    body: payload.Body


class Stamp(NamedTuple):
    """What tells requests with the same body apart: ``message_id`` is ``webhook-id``, ``attempt`` counts from 1."""

    message_id: str
    attempt: int = 1
    replay: int | None = None
    test: bool = False
    event: str = CREATED


def opened(hook: Item, changes: Mapping[str, Any] | None = None) -> Item:
    """A stored hook with ``settings`` and ``secrets`` in the clear, as :func:`request_for` needs it.

    ``changes`` are fields that take the place of the stored ones. Raises NotSealedError.
    """
    changed = {**hook, **(changes or {})}
    if "settings" not in changed:
        changed["settings"] = hook_settings.opened(hook)
    return {**changed, "secrets": hook_secrets.opened(hook, clock.now_ms())}


def as_created(submission: Item, asset: str) -> Item | None:
    """A submission as it was created. None when it was deleted a moment ago."""
    return as_of(submission, asset, rev=0)


def as_of(
    submission: Item,
    asset: str,
    *,
    rev: int,
    files: Collection[str] | None = None,
    validation: Item | None = None,
) -> Item | None:
    """A submission as it was after ``rev`` edits, with that validation status (None: not validated).

    With the files whose uids are given, or all that it had. None when it was deleted a moment ago.
    """
    then = submission
    if submission.get("rev", 0) != rev:
        history = submissions.revision(asset, submission["id"], rev)
        if history is None:
            return None
        kept = {name: value for name, value in submission.items() if name not in submissions.BODIES}
        then = {**kept, **history}
    if files is not None:
        then = {**then, "files": {k: v for k, v in then["files"].items() if v["uid"] in files}}
    return {**then, "status": validation or {}}


def request_for(hook: Item, submission: Item, asset: str, stamp: Stamp) -> HookRequest:
    """What is sent to an opened hook for a submission, at this moment.

    Raises UnusableError for a hook whose settings or wrapper cannot be sent.
    """
    unpacked = submissions.unpack(submission)
    base = settings().public_url or submission["origin"]
    with _rendering:
        record = records.record(submission, unpacked, asset=asset, base_url=base)
        body = payload.render(hook, record, unpacked.xml)
    return _request(hook, body, stamp)


def of_delivery(item: Item, hook: Item, submission: Item | None, attempt: int) -> HookRequest | None:
    """What an opened hook is sent by an attempt of a delivery; ``submission`` is the record as it is now.

    None when there is nothing to send: the submission is gone. Raises UnusableError as :func:`request_for` does.
    """
    stamp = Stamp(
        ids.delivery_uid(item["hook"], item["sid"]),
        attempt=attempt,
        replay=item.get("replay"),
        event=item.get("event", CREATED),
    )
    if stamp.event == DELETED:
        return deletion_for(hook, item["last"], stamp)
    sent = _version(submission, item) if submission else None
    return request_for(hook, sent, item["asset"], stamp) if sent else None


def _version(submission: Item, item: Item) -> Item | None:
    """The submission as it was at the event, with the files that it or the first attempt had; replays send it as it is.

    None when it was deleted a moment ago.
    """
    if item.get("replay") or item.get("current"):
        return submission
    return as_of(
        submission,
        item["asset"],
        rev=item.get("rev", 0),
        files=item.get("files"),
        validation=item.get("validation"),
    )


def deletion_for(hook: Item, last: Item, stamp: Stamp) -> HookRequest:
    """What is sent to an opened hook for a submission that was deleted, of which ``last`` is left.

    Raises UnusableError for a hook whose settings or wrapper cannot be sent.
    """
    return _request(hook, payload.render_deleted(hook, last), stamp)


def _request(hook: Item, body: payload.Body, stamp: Stamp) -> HookRequest:
    head = headers.build(
        hook,
        body,
        delivery_uid=stamp.message_id,
        attempt=stamp.attempt,
        timestamp=int(clock.now()),
        secrets=hook["secrets"],
        replay=stamp.replay,
        test=stamp.test,
        event=stamp.event,
    )
    return HookRequest(hook["endpoint"], head, body)
