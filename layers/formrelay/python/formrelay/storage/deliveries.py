"""Deliveries: one item per hook and submission, and the conditional writes that move it on.

An item holds ``asset, hook, sid, origin``; of other events than ``submission.created`` in addition ``event`` and
``submission``, as ``sid`` is then the event's own id; ``status`` (0 failed, 1 pending, 2 success, 3 processing);
``seq`` the attempt that may run next; ``rung`` automatic attempts that ended; ``tries`` all attempts that ended;
``manual`` when the next one is a retry by hand; ``job`` that retried it last; ``replay`` how often it was sent again
after it had arrived; ``current`` when not the submission as it was created is sent, but as it is;
``lane`` of its attempts (``replay``), if it is not the usual one; ``files`` uids of those that the first attempt had,
kept once that failed; ``arrived`` the facts of the attempt that arrived (:mod:`~formrelay.storage.attempts`);
``reported`` the user who is told that it failed for good, until it arrives after all;
``due_at``, ``lease``, ``sweep_at``, ``created``, ``modified`` in ms;
``code`` and ``message`` of the last attempt that ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, takewhile

from formrelay.settings import settings
from formrelay.storage import attempts, keys, table
from formrelay.storage.keys import Key
from formrelay.storage.table import Item

FAILED, PENDING, SUCCESS, PROCESSING = 0, 1, 2, 3
STATUS_NAMES = {FAILED: "failed", PENDING: "pending", SUCCESS: "success", PROCESSING: "processing"}

# In the trouble index: what was never attempted though it is overdue, or was parked, and so may be old without having
# arrived.
WAITING = "waiting"

# Condition of what only the process may write that claimed the attempt.
MINE = "#seq = :seq AND #status = :processing AND #lease = :lease"
# What an attempt that arrived and its delivery both tell.
SHARED = ("code", "message")


def new(asset: str, hook: str, sid: int, *, origin: str, now: int, due_at: int, sweep_at: int) -> Item:
    """A delivery that has not been tried; the caller writes it with its submission."""
    return {
        **keys.delivery(hook, sid),
        "asset": asset,
        "hook": hook,
        "sid": sid,
        "origin": origin,
        "status": PENDING,
        "seq": 1,
        "rung": 0,
        "tries": 0,
        "due_at": due_at,
        "created": now,
        "modified": now,
        "sweep": keys.delivery_shard(hook, sid),
        "sweep_at": sweep_at,
    }


def put_op(item: Item) -> Item:
    """The write of a new delivery, for the transaction of what it is about; refused when its id is taken."""
    return table.put_op(settings().data_table, item, condition="attribute_not_exists(#pk)")


def submission_id(item: Item) -> int:
    """The ``_id`` of the submission that a delivery is about."""
    sid: int = item["submission"] if "submission" in item else item["sid"]
    return sid


def get(hook: str, sid: int) -> Item | None:
    """One delivery."""
    return table.get(settings().data_table, keys.delivery(hook, sid))


def claim(hook: str, sid: int, seq: int, *, now: int, lease: int) -> Item:
    """Takes attempt ``seq`` for this process until ``lease`` (ms) and returns the record.

    Raises ConditionError with the record found when that attempt is not the next one, not due or taken.
    """
    return table.update(
        settings().data_table,
        keys.delivery(hook, sid),
        "SET #status = :processing, #lease = :lease, #modified = :now",
        {":processing": PROCESSING, ":pending": PENDING, ":lease": lease, ":seq": seq, ":now": now},
        condition="#seq = :seq AND #status = :pending AND #due_at <= :now",
    )


def release(hook: str, sid: int, *, now: int, sweep_at: int) -> Item:
    """Makes a first attempt that waits for files due at once.

    Raises ConditionError when it is no longer waiting, or is parked.
    """
    return table.update(
        settings().data_table,
        keys.delivery(hook, sid),
        "SET #due_at = :now, #sweep_at = :sweep, #seq = :next",
        {
            ":now": now,
            ":sweep": sweep_at,
            ":one": 1,
            ":next": 2,
            ":pending": PENDING,
            ":waiting": keys.trouble(hook, WAITING),
        },
        condition="#seq = :one AND #status = :pending AND #due_at > :now"
        " AND (attribute_not_exists(#trouble) OR #trouble = :waiting)",
    )


def discard(item: Item) -> None:
    """Removes the delivery of a hook that is gone, and its attempts."""
    if item["tries"]:
        attempts.purge(item["hook"], [item["sid"]])
    table.delete(settings().data_table, _key(item))


def retry_by_hand(
    item: Item,
    *,
    now: int,
    sweep_at: int,
    job: str | None = None,
    lane: str | None = None,
    current: bool = False,
) -> Item:
    """Makes an attempt of its own due at once, in the place of a scheduled one; of a delivery that arrived, a replay.

    ``current`` sends the submission as it is then and not as it was created, which a replay does anyway. The facts of
    the attempt that arrived get an item of their own in the same transaction. Returns the delivery, due as it is then.
    Raises ConditionError when it moved on since it was read.
    """
    replay = item.get("replay", 0) + (item["status"] == SUCCESS)
    optional = {
        "replay": replay or None,
        "current": current or item.get("current"),
        "lane": lane,
    }
    sets = "".join(f", #{name} = :{name}" for name, value in optional.items() if value)
    expression = (
        "SET #status = :pending, #seq = :next, #manual = :yes, #job = :job, #due_at = :now, #modified = :now,"
        f" #sweep = :shard, #sweep_at = :sweep, #trouble = :trouble{sets}"
        f" REMOVE #looks, #arrived{'' if lane else ', #lane'}"
    )
    values = {
        **{f":{name}": value for name, value in optional.items() if value},
        ":job": job,
        ":pending": PENDING,
        ":processing": PROCESSING,
        ":seq": item["seq"],
        ":next": item["seq"] + 1,
        ":yes": True,
        ":now": now,
        ":shard": keys.delivery_shard(item["hook"], item["sid"]),
        ":sweep": sweep_at,
        ":trouble": keys.trouble(item["hook"], "pending"),
    }
    condition = "#seq = :seq AND #status <> :processing"
    data = settings().data_table
    if "arrived" not in item:
        return table.update(data, _key(item), expression, values, condition=condition)
    update = table.update_op(data, _key(item), expression, values, condition=condition)
    kept = attempts.put_op(item["hook"], item["sid"], arrived(item), now=now)
    try:
        table.settle(lambda: table.transact([update, kept]))
    except table.TransactionError as error:
        raise table.ConditionError(error.reasons[0]) from None
    return {**item, "status": PENDING, "seq": item["seq"] + 1, "manual": True, "job": job}


def arrived(item: Item) -> Item:
    """The attempt with which a delivery arrived, of one whose record has ``arrived``."""
    return {**item["arrived"], **{name: item[name] for name in SHARED}}


def get_many(hook: str, sids: Sequence[int]) -> list[Item]:
    """Those of these deliveries that there are, at most 100 in one call."""
    found: list[Item] = []
    for i in range(0, len(sids), table.MAX_BATCH_GET):
        batch = [keys.delivery(hook, sid) for sid in sids[i : i + table.MAX_BATCH_GET]]
        found += [item for item in table.batch_get(settings().data_table, batch) if item]
    return found


def count(hook: str, *, first: int = 0, most: int | None = None) -> int:
    """How many deliveries a hook has from the id ``first`` on; reads all of them, or up to ``most``."""
    values = {":pk": keys.deliveries_pk(hook), ":first": keys.sid_text(first)}
    return table.count(settings().data_table, _FROM, values, most=most)


def times(hook: str, *, first: int, end: int, most: int) -> list[tuple[int, int]]:
    """The ids from ``first`` up to but not ``end``, in order, each with its time in ms; ``most`` of them.

    They end before the first one that neither arrived nor stands in the trouble index, which marks cannot tell from
    those that arrived: one under way, or whose submission waits for its files.
    """
    found = table.query_all(
        settings().data_table,
        "#pk = :pk AND #sk BETWEEN :first AND :last",
        {
            ":pk": keys.deliveries_pk(hook),
            ":first": keys.sid_text(first),
            ":last": keys.sid_text(max(first, end - 1)),
        },
        projection="#sk, #created, #status, #trouble",
        limit=most,
    )
    told = takewhile(lambda item: item["status"] == SUCCESS or "trouble" in item, islice(found, most))
    return [(int(item["sk"]), item["created"]) for item in told if int(item["sk"]) < end]


_FROM = "#pk = :pk AND #sk >= :first"


def standing(hook: str, *, first: int = 0, most: int | None = None) -> Iterator[Item]:
    """``status`` and, of those in trouble, ``trouble`` of the deliveries from that id on, ``most`` of them."""
    found = table.query_all(
        settings().data_table,
        _FROM,
        {":pk": keys.deliveries_pk(hook), ":first": keys.sid_text(first)},
        projection="#status, #trouble",
        limit=most,
    )
    return islice(found, most)


def count_troubled(hook: str, kind: str) -> int:
    """How many are in the index as ``failed``, ``pending``, ``parked`` or ``waiting``; may lag by moments."""
    values = {":trouble": keys.trouble(hook, kind)}
    return table.count(settings().data_table, "#trouble = :trouble", values, index=keys.TROUBLE_INDEX)


def newest_first(hook: str, before: int | None = None, *, most: int | None = None) -> Iterator[Item]:
    """Deliveries of a hook below the id ``before``, newest submission first, read page by page; ``most`` of them."""
    found = table.query_all(
        settings().data_table,
        "#pk = :pk AND #sk < :before",
        {":pk": keys.deliveries_pk(hook), ":before": _bound(before)},
        forward=False,
        limit=most,
    )
    return islice(found, most)


def page(hook: str, before: int | None, limit: int) -> tuple[list[Item], int | None]:
    """Up to ``limit`` deliveries of a hook below the id ``before``, newest first, and below which to go on."""
    items, last = table.query(
        settings().data_table,
        "#pk = :pk AND #sk < :before",
        {":pk": keys.deliveries_pk(hook), ":before": _bound(before)},
        limit=limit,
        forward=False,
    )
    return items, int(last["sk"]) if last else None


def troubled(
    hook: str, before: int | None, limit: int, kinds: Sequence[str] = ("failed", "pending")
) -> tuple[list[int], int | None]:
    """Up to ``limit`` ids of deliveries that failed and did not arrive since, as :func:`page`; or of other trouble.

    From the index: may lag behind the items by moments.
    """
    # What moves from one kind to another meanwhile may show as both.
    ids: set[int] = set()
    more = False
    for kind in kinds:
        entries, last = table.query(
            settings().data_table,
            "#trouble = :trouble AND #sk < :before",
            {":trouble": keys.trouble(hook, kind), ":before": _bound(before)},
            index=keys.TROUBLE_INDEX,
            limit=limit,
            forward=False,
        )
        ids.update(int(entry["sk"]) for entry in entries)
        more = more or last is not None
    found = sorted(ids, reverse=True)
    return found[:limit], found[:limit][-1] if found and (more or len(found) > limit) else None


def in_trouble(hook: str, kinds: Sequence[str]) -> Iterator[Item]:
    """Every delivery that the index has as one of ``kinds``, newest submission first, as it is by now."""
    before: int | None = None
    while True:
        sids, before = troubled(hook, before, table.MAX_BATCH_GET, kinds)
        yield from get_many(hook, sids)
        if before is None:
            return


def _bound(before: int | None) -> str:
    return keys.sid_text(before) if before is not None else "~"


def purge(hook: str, limit: int) -> bool:
    """Removes up to ``limit`` deliveries of a hook and their attempts. Whether that was all of them."""
    items, last = table.query(
        settings().data_table,
        "#pk = :pk",
        {":pk": keys.deliveries_pk(hook)},
        limit=limit,
        projection="#pk, #sk, #tries, #arrived",
    )
    # Most deliveries arrived with their first attempt, which has no item of its own.
    attempts.purge(hook, [int(item["sk"]) for item in items if item["tries"] > ("arrived" in item)])
    table.batch_delete(settings().data_table, [keys.of(item) for item in items])
    return last is None


def _key(item: Item) -> Key:
    return keys.delivery(item["hook"], item["sid"])
