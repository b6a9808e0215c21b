"""Counting and finding submissions by marks (design §7): exact, whatever is submitted, deleted and read at once."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from formrelay import ids
from formrelay.errors import UnavailableError
from formrelay.settings import Settings, settings
from formrelay.storage import keys, marks, submissions, table
from formrelay.storage.table import TransactionError
from tests.support.app import Clock
from tests.support.calls import counting, crashing, doing

ASSET = "aTest"
MINUTE = 60.0


@pytest.fixture(autouse=True)
def small(aws: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches of ten, made of three and more."""
    monkeypatch.setattr(marks, "STRETCH", 10)
    monkeypatch.setattr(marks, "WORTH", 3)


def put(clock: Clock, ago: float = 0, time: int | None = None) -> int:
    """A submission whose id was drawn so many seconds ago."""
    now = clock.time
    clock.time = now - ago
    moment = int(clock.time * 1000) if time is None else time
    try:
        while True:
            sid = ids.submission_id()
            item = {**keys.submission(ASSET, sid), "id": sid, "time": moment}
            # Two of one moment may draw the same id; then draw again, as a submission does.
            with suppress(table.ConditionError):
                table.put(settings().data_table, item, condition="attribute_not_exists(#pk)")
                return sid
    finally:
        clock.time = now


def fill(clock: Clock, count: int) -> list[int]:
    """So many settled submissions, a second apart."""
    return [put(clock, 400 + count - number) for number in range(count)]


def delete(*sids: int) -> None:
    """Deletes as the protocol says."""
    while True:
        gone = [
            table.delete_op(
                settings().data_table, keys.submission(ASSET, sid), condition="attribute_exists(#pk)"
            )
            for sid in sids
        ]
        operations = [*gone, *marks.removal_ops(ASSET, sids)]
        try:
            return table.transact(operations)
        except TransactionError as error:
            if any(reason is not None for reason in error.reasons[: len(sids)]):
                raise


def stored() -> list[int]:
    return [int(item["sk"]) for item in submissions.scan(ASSET)]


def row(census: marks.Census, number: int, *, forward: bool = True) -> int | None:
    """The id at a place, found by the marks."""
    after, rows = census.locate(number, forward=forward)
    return submissions.skip(ASSET, rows + 1, after=after, forward=forward)


def assert_exact() -> marks.Census:
    """The count and every place are those of the stored submissions, from both ends."""
    census, there = marks.census(ASSET), stored()
    assert census.count == len(there)
    for number, sid in enumerate(there):
        assert row(census, number) == sid
        assert row(census, len(there) - 1 - number, forward=False) == sid
    for forward in (True, False):
        with pytest.raises(IndexError):
            census.locate(len(there), forward=forward)
    return census


def shape(census: marks.Census) -> list[tuple[int, int]]:
    return [(mark.live, mark.rows) for mark in census.marks]


# What is made


def test_a_form_without_submissions_has_none(clock: Clock) -> None:
    assert marks.census(ASSET) == marks.Census((), 0)
    assert marks.census(ASSET).count == 0


def test_what_is_settled_is_cut_into_stretches(clock: Clock) -> None:
    fill(clock, 25)
    census = assert_exact()
    assert shape(census) == [(10, 10), (10, 10), (5, 5)]
    assert census.tail == 0


def test_the_last_stretch_grows_until_it_is_full(clock: Clock) -> None:
    for added, expected in ((4, [(4, 4)]), (5, [(9, 9)]), (4, [(10, 10), (3, 3)])):
        for _ in range(added):
            put(clock)
        clock.forward(6 * MINUTE)
        assert shape(assert_exact()) == expected


def test_what_is_not_worth_a_mark_is_counted(clock: Clock) -> None:
    fill(clock, 2)
    census = assert_exact()
    assert (shape(census), census.tail) == ([], 2)


def test_what_may_still_come_out_of_order_gets_no_mark(clock: Clock) -> None:
    for _ in range(20):
        put(clock, 200)
    assert shape(assert_exact()) == []
    put(clock, 290)  # the write took its time
    assert assert_exact().count == 21
    clock.forward(2 * MINUTE)
    assert shape(assert_exact()) == [(10, 10), (10, 10)]


def test_reading_again_writes_nothing(clock: Clock) -> None:
    fill(clock, 25)
    assert_exact()
    with counting() as made:
        marks.census(ASSET)
    assert made == {"dynamodb.Query": 2}


def test_marks_know_the_times_in_their_stretch(clock: Clock) -> None:
    times = [5_000, 1_000, 9_000, 2_000]
    for number, time in enumerate(times):
        put(clock, 400 - number, time)
    (mark,) = marks.census(ASSET).marks
    assert (mark.low, mark.high) == (1_000, 9_000)
    assert marks.stretches(ASSET) == (mark,)


def test_a_form_that_nobody_looked_at_takes_several_requests(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "PATIENCE", -1)
    fill(clock, 45)
    for done in (1, 2, 3, 4):
        with pytest.raises(UnavailableError):
            marks.census(ASSET)
        assert len(marks.stretches(ASSET)) == done
    assert shape(assert_exact()) == [(10, 10)] * 4 + [(5, 5)]


# Deletions


def test_deletions_take_from_their_marks(clock: Clock) -> None:
    sids = fill(clock, 25)
    assert_exact()
    delete(sids[0], sids[9], sids[10], sids[24])
    assert shape(assert_exact()) == [(8, 10), (9, 10), (4, 5)]


def test_a_stretch_may_become_empty(clock: Clock) -> None:
    sids = fill(clock, 25)
    assert_exact()
    delete(*sids[:20])
    assert shape(assert_exact()) == [(0, 10), (0, 10), (5, 5)]
    delete(*sids[20:])
    assert assert_exact().count == 0


def test_deletions_behind_the_marks_write_one_item(clock: Clock) -> None:
    sids = fill(clock, 2)
    assert len(marks.removal_ops(ASSET, sids)) == 1
    delete(*sids)
    assert assert_exact().count == 0


def test_one_transaction_deletes_on_both_sides_of_the_marks(clock: Clock) -> None:
    sids = fill(clock, 13)
    assert_exact()
    sids.append(put(clock))
    assert len(marks.removal_ops(ASSET, [sids[0], sids[11], sids[13]])) == 3
    delete(sids[0], sids[11], sids[13])
    assert assert_exact().count == 11


def test_a_mark_grows_over_what_it_has_lost(clock: Clock) -> None:
    sids = fill(clock, 4)
    assert_exact()
    delete(sids[1])
    for _ in range(3):
        put(clock)
    clock.forward(6 * MINUTE)
    assert shape(assert_exact()) == [(6, 7)]


# At once


def test_a_deletion_between_reading_and_marking_refuses_the_mark(clock: Clock) -> None:
    sids = fill(clock, 12)
    with doing("dynamodb.TransactWriteItems", lambda: delete(sids[3])):
        census = marks.census(ASSET)
    assert (census.count, shape(census)) == (11, [])
    assert shape(assert_exact()) == [(10, 10)]


def test_a_mark_made_between_reading_and_deleting_refuses_the_deletion(clock: Clock) -> None:
    sids = fill(clock, 12)
    with doing("dynamodb.TransactWriteItems", lambda: marks.census(ASSET)):
        delete(sids[3], sids[11])
    assert shape(assert_exact()) == [(9, 10)]


def test_a_deletion_while_a_mark_grows_is_counted_once(clock: Clock) -> None:
    sids = fill(clock, 5)
    assert_exact()
    for _ in range(4):
        sids.append(put(clock))
    clock.forward(6 * MINUTE)
    with doing("dynamodb.TransactWriteItems", lambda: delete(sids[0])):
        marks.census(ASSET)
    assert shape(assert_exact()) == [(8, 9)]


def test_of_two_readers_one_makes_the_mark(clock: Clock) -> None:
    fill(clock, 12)
    with doing("dynamodb.TransactWriteItems", lambda: marks.census(ASSET)):
        assert marks.census(ASSET).count == 12
    assert shape(assert_exact()) == [(10, 10)]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_reader_that_dies_leaves_what_it_made(clock: Clock, number: int) -> None:
    fill(clock, 25)
    with crashing("dynamodb.TransactWriteItems", number):
        marks.census(ASSET)
    assert len(marks.stretches(ASSET)) == number - 1
    assert shape(assert_exact()) == [(10, 10), (10, 10), (5, 5)]


def test_half_a_transaction_that_a_query_saw_counts_as_tail(clock: Clock) -> None:
    """DynamoDB isolates a Query from transactions item by item only."""
    fill(clock, 25)
    assert_exact()
    second = marks.stretches(ASSET)[1]
    table.delete(settings().data_table, keys.mark(ASSET, second.first))
    census = marks.census(ASSET)
    assert (census.count, len(census.marks)) == (25, 1)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_in_whatever_order_counts_stay_exact(
    clock: Clock, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Submissions out of order, deletions, readers, each also in the middle of another."""
    life = _Life(clock, random.Random(seed))
    for _ in range(40):
        life.step()
    assert_exact()
    clock.forward(6 * MINUTE)
    assert_exact()


class _Life:
    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self.clock, self.rng = clock, rng

    def step(self) -> None:
        act = self.rng.choice([self.submit, self.submit, self.remove, self.read, self.wait])
        if self.rng.random() < 0.5:
            other = self.rng.choice([self.submit, self.remove, self.read])
            operation = self.rng.choice(["dynamodb.Query", "dynamodb.TransactWriteItems"])
            with doing(operation, other, self.rng.randint(1, 4)):
                act()
        else:
            act()

    def submit(self) -> None:
        for _ in range(self.rng.randint(1, 6)):
            put(self.clock, self.rng.uniform(0, 280))

    def remove(self) -> None:
        there = stored()
        some = self.rng.sample(there, min(len(there), self.rng.randint(1, 4)))
        if some:
            try:
                delete(*some)
            except TransactionError:
                return  # another one took one of them

    def read(self) -> None:
        marks.census(ASSET)

    def wait(self) -> None:
        self.clock.forward(self.rng.uniform(0, 400))
