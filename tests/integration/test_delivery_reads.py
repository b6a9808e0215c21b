"""Reads that the attempts of a batch make together (design §4, "Three AWS calls for a first-try success")."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from formrelay.delivery import Reads
from formrelay.settings import Settings
from formrelay.storage import table
from formrelay.storage.keys import Key
from formrelay.storage.table import Item
from tests.support.calls import counting, crashing, doing, failing

Found = list[Item | None]


def key(number: int) -> Key:
    return {"pk": "p", "sk": str(number)}


@pytest.fixture
def data(aws: Settings) -> str:
    for number in range(60):
        table.put(aws.data_table, {**key(number), "n": number})
    return aws.data_table


class Meeting:
    """Threads that ask for keys: the first of them is held in its call until all the others have asked."""

    def __init__(self, *asked: list[Key]) -> None:
        self.reads = Reads()
        self.pool = ThreadPoolExecutor(len(asked))
        self.others: list[Future[Found]] = []
        self._asked = asked[1:]
        with doing("dynamodb.BatchGetItem", self._gather), self.pool:
            self.first = self.pool.submit(self.reads.get, asked[0]).result()

    def _gather(self) -> None:
        self.others = [self.pool.submit(self.reads.get, keys) for keys in self._asked]
        ends = time.monotonic() + 20
        # Nothing else tells that they wait.
        while len(self.reads._asked) < len(self.others):
            assert time.monotonic() < ends
            time.sleep(0.001)


@pytest.mark.usefixtures("data")
def test_who_asks_while_a_read_runs_shares_the_next_one() -> None:
    with counting() as made:
        met = Meeting([key(0)], [key(1), key(2)], [key(2), key(99)], [key(2), key(1)])
    assert made == {"dynamodb.BatchGetItem": 2}
    numbers = [
        [item and item["n"] for item in one] for one in (met.first, *(other.result() for other in met.others))
    ]
    assert numbers == [[0], [1, 2], [2, None], [2, 1]]


@pytest.mark.usefixtures("data")
def test_a_read_holds_no_more_keys_than_a_call_may() -> None:
    with counting() as made:
        met = Meeting(
            [key(0)], *([key(number) for number in range(first, first + 40)] for first in (0, 10, 20))
        )
    assert made == {"dynamodb.BatchGetItem": 3}
    assert [len(one.result()) for one in met.others] == [40, 40, 40]


def test_what_is_written_while_a_read_runs_is_seen_by_who_asks_after_that(data: str) -> None:
    reads = Reads()
    asked: list[Future[Found]] = []
    with ThreadPoolExecutor(2) as pool:

        def meanwhile() -> None:
            table.put(data, {**key(0), "n": "new"})
            asked.append(pool.submit(reads.get, [key(0)]))

        with doing("dynamodb.BatchGetItem", meanwhile):
            first = pool.submit(reads.get, [key(0)]).result()
    assert first[0] is not None
    assert asked[0].result() == [{**key(0), "n": "new"}]


@pytest.mark.usefixtures("data")
def test_a_read_that_fails_fails_for_all_who_share_it_and_for_nobody_after_them() -> None:
    reads = Reads()
    with failing("dynamodb.BatchGetItem", times=1), pytest.raises(Exception, match="InternalFailure"):
        reads.get([key(0)])
    assert reads.get([key(0)]) == [{**key(0), "n": 0}]


@pytest.mark.usefixtures("data")
def test_nobody_waits_for_a_reader_that_died() -> None:
    reads = Reads()
    with crashing("dynamodb.BatchGetItem"):
        reads.get([key(0)])
    found: list[Found] = []
    after = threading.Thread(target=lambda: found.append(reads.get([key(0)])), daemon=True)
    after.start()
    after.join(20)
    assert found == [[{**key(0), "n": 0}]]
