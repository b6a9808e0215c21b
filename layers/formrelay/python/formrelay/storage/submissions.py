"""Submissions: the record, its bodies, its files, and the guard that makes an instanceID unique in a form.

A submission item holds
``id`` its ``_id``; ``root`` and ``uuid`` the first and the current instanceID without ``uuid:``;
``time`` ``_submission_time`` in ms; ``by`` user or None; ``via`` their ``uid``, ``ip`` and ``source`` then;
``geo`` ``[lat, lng]``; ``status`` validation status; ``jobs``
uids of the last that gave it one;
``hooks`` uids of the hooks it goes to; ``waiting`` while those wait for files, ``late`` ``{sid, hooks}`` of the
deliveries of its last edit that do; ``rev`` number of edits;
``turn`` number of changes of any kind, so that what follows from a record as it was read is not written over another;
``origin`` base URL it was posted to; ``owner`` and ``form_uuid`` of the form then;
``files`` name → ``{uid, type, stored, size, sha1, xpath, hidden, at}``;
``packed``, ``blob`` or ``answers`` and ``xml``: both bodies (:class:`Bodies`).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from formrelay import clock, ids
from formrelay.settings import settings
from formrelay.storage import blobs, deliveries, keys, leftovers, table
from formrelay.storage.table import Item

# Bodies up to this size, compressed, stand in the item; the rest of it, mostly files, stays below 240 KB.
_INLINE = 150_000
# Below this size compressing is not worth its time.
_COMPRESS_FROM = 1_000

# Attributes that hold the two bodies.
BODIES = ("answers", "xml", "packed", "blob")

# Files that one update can add: DynamoDB limits an expression to 4 KB and 300 operators.
MAX_ADDED = 50

# Writes of a new submission beside those of its deliveries.
WRITES = 3

NEW = "attribute_not_exists(#pk)"


class Bodies(NamedTuple):
    """The answers as one JSON text (an object), and the XML as the client sent it."""

    answers: str
    xml: bytes


class Guard(NamedTuple):
    """What stands for an instanceID: the submission it belongs to, and the SHA-256 of the XML it came with."""

    sid: int
    sha256: str


def pack(asset: str, bodies: Bodies, *, announced: bool = True) -> Item:
    """The attributes that hold the bodies; the big ones go to S3 at once.

    There they are removed again unless the transaction of the record has the writes of
    :func:`~formrelay.storage.leftovers.named_ops`; or not ``announced``, for records written without one.
    """
    answers = bodies.answers.encode()
    if len(answers) + len(bodies.xml) < _COMPRESS_FROM:
        return {"answers": bodies.answers, "xml": bodies.xml}
    packed = zlib.compress(len(answers).to_bytes(4, "big") + answers + bodies.xml, 3)
    if len(packed) <= _INLINE:
        return {"packed": packed}
    key = blobs.body_key(asset)
    if announced:
        leftovers.announce(asset, key, now=clock.now_ms())
    blobs.put(key, packed)
    return {"blob": key}


def unpack(item: Item) -> Bodies:
    """The bodies of an item; one call to S3 for the big ones."""
    if "answers" in item:
        return Bodies(item["answers"], item["xml"])
    raw = zlib.decompress(blobs.get(item["blob"]) if "blob" in item else item["packed"])
    end = 4 + int.from_bytes(raw[:4], "big")
    return Bodies(raw[4:end].decode(), raw[end:])


def create(
    asset: str, item: Item, sha256: str, rows: Sequence[Item], checks: Sequence[Item] = ()
) -> Guard | None:
    """Writes guard, submission and its deliveries, all or nothing: one transaction, together with ``checks``.

    Returns None when written, else the guard that was there before. Raises SidClashError when the ``_id`` is taken,
    CheckError when a check refused it, its body goes or an event has that id, ConflictError when a twin is being
    written at this moment.
    """
    data = settings().data_table
    guard = {**keys.guard(asset, item["root"]), "sid": item["id"], "sha256": sha256}
    operations = [
        table.put_op(data, guard, condition=NEW),
        table.put_op(data, {**keys.submission(asset, item["id"]), **item}, condition=NEW),
        *map(deliveries.put_op, rows),
        *checks,
        *leftovers.named_ops(asset, item, now=clock.now_ms()),
    ]
    try:
        table.transact(operations)
    except table.TransactionError as error:
        found, taken = error.reasons[:2]
        if found is None:
            raise (CheckError if taken is None else SidClashError) from None
        return Guard(found["sid"], found["sha256"])
    return None


class CheckError(Exception):
    """What a submission was to be written under no longer holds."""


class SidClashError(Exception):
    """Two submissions, or a submission and an event, drew the same id: draw again."""


def get_guard(asset: str, uuid: str) -> Guard | None:
    """The guard of an instanceID, current, first or in between."""
    item = table.get(settings().data_table, keys.guard(asset, uuid))
    return Guard(item["sid"], item["sha256"]) if item else None


def get(asset: str, sid: int) -> Item | None:
    """One submission."""
    return table.get(settings().data_table, keys.submission(asset, sid))


def exists(asset: str, sid: int) -> bool:
    """Whether there is that submission; nothing of it is sent over."""
    key = keys.submission(asset, sid)
    values = {":pk": key["pk"], ":sk": key["sk"]}
    found, _ = table.query(settings().data_table, "#pk = :pk AND #sk = :sk", values, projection="#pk")
    return bool(found)


def get_many(asset: str, sids: Sequence[int]) -> list[Item]:
    """Those of up to 100 submissions that there are."""
    wanted = [keys.submission(asset, sid) for sid in sids]
    return [item for item in table.batch_get(settings().data_table, wanted) if item] if wanted else []


def add_files(asset: str, item: Item, files: dict[str, Item]) -> Item:
    """Adds up to :data:`MAX_ADDED` files whose names are new to the submission, and returns it.

    Raises ConditionError, with the submission found, when a name is there already or it was edited (``old`` None:
    deleted).
    """
    values: Item = {f":f{i}": entry for i, entry in enumerate(files.values())}
    # File names may hold any character, so they are named by position and not by #name.
    names = {f"#f{i}": name for i, name in enumerate(files)}
    fresh = [f"attribute_not_exists(#files.#f{i})" for i in range(len(files))]
    return table.update(
        settings().data_table,
        keys.submission(asset, item["id"]),
        "SET " + ", ".join(f"#files.#f{i} = :f{i}" for i in range(len(files))) + " ADD #turn :one",
        {**values, ":one": 1, ":uuid": item["uuid"]},
        condition=" AND ".join(["#uuid = :uuid", *fresh]),
        names=names,
    )


def stop_waiting(asset: str, item: Item) -> None:
    """Marks a submission as complete. Raises ConditionError when it is gone, or was edited."""
    table.update(
        settings().data_table,
        keys.submission(asset, item["id"]),
        "REMOVE #waiting, #late ADD #turn :one",
        {":one": 1, ":uuid": item["uuid"]},
        condition="#uuid = :uuid",
    )


def revision(asset: str, sid: int, number: int) -> Item | None:
    """The record as it was after so many edits, once it has been edited again."""
    return table.get(settings().data_table, keys.revision(asset, sid, number))


def page(
    asset: str,
    *,
    after: int | None,
    limit: int | None = None,
    forward: bool = True,
    first: int = 0,
    last: int = ids.MAX_SUBMISSION_ID,
) -> tuple[list[Item], int | None]:
    """Up to ``limit`` submissions behind ``after`` in the order of their ids, and the id to go on from.

    Only ids from ``first`` to ``last``, inclusive; ``after`` is one of them. A call may stop early (1 MB); None says
    that there is no more.
    """
    start = keys.submission(asset, after) if after is not None else None
    items, stopped = table.query(
        settings().data_table,
        _BETWEEN,
        _between(asset, first, last),
        limit=limit,
        forward=forward,
        start=start,
    )
    return items, int(stopped["sk"]) if stopped else None


def newest_time(asset: str) -> int | None:
    """``_submission_time`` (ms) of the submission that came last."""
    items, _ = table.query(
        settings().data_table,
        "#pk = :pk",
        {":pk": keys.submissions_pk(asset)},
        limit=1,
        forward=False,
        projection="#time",
    )
    return int(items[0]["time"]) if items else None


def scan(asset: str, *, forward: bool = True) -> Iterator[Item]:
    """Every submission of a form, read page by page."""
    yield from table.query_all(
        settings().data_table, "#pk = :pk", {":pk": keys.submissions_pk(asset)}, forward=forward
    )


def skip(asset: str, rows: int, *, after: int | None = None, forward: bool = True) -> int | None:
    """The id of row number ``rows`` (from 1) behind ``after``, so that a page can start behind it.

    None when there are fewer. Reads keys only over the wire, though DynamoDB counts the whole items.
    """
    start = keys.submission(asset, after) if after is not None else None
    remaining = rows
    while True:
        items, stopped = table.query(
            settings().data_table,
            "#pk = :pk",
            {":pk": keys.submissions_pk(asset)},
            limit=remaining,
            forward=forward,
            start=start,
            projection="#sk",
        )
        remaining -= len(items)
        if not remaining:
            return int(items[-1]["sk"])
        if stopped is None:
            return None
        start = keys.of(stopped)


def count(asset: str, *, first: int = 0, most: int | None = None) -> int:
    """How many submissions a form has from the id ``first`` on; reads all of them, or up to ``most``."""
    values = _between(asset, first, ids.MAX_SUBMISSION_ID)
    return table.count(settings().data_table, _BETWEEN, values, most=most)


def times(asset: str, *, first: int, end: int, most: int) -> list[tuple[int, int]]:
    """The ids from ``first`` up to but not ``end``, in order, each with its time in ms; ``most`` of them."""
    found: list[tuple[int, int]] = []
    start = None
    while end > first and len(found) < most:
        items, start = table.query(
            settings().data_table,
            _BETWEEN,
            _between(asset, first, end - 1),
            limit=most - len(found),
            start=start,
            projection="#sk, #time",
        )
        found += [(int(item["sk"]), item["time"]) for item in items]
        if start is None:
            break
    return found


_BETWEEN = "#pk = :pk AND #sk BETWEEN :first AND :last"


def _between(asset: str, first: int, last: int) -> Item:
    return {
        ":pk": keys.submissions_pk(asset),
        ":first": keys.sid_text(first),
        ":last": keys.sid_text(last),
    }


def parse_answers(text: str) -> dict[str, Any]:
    """The stored JSON text as a dict."""
    answers: dict[str, Any] = json.loads(text)
    return answers
