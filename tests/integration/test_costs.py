"""What operations cost is what the README and docs/scale.md say; and that it is counted as AWS bills it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from formrelay.settings import settings
from formrelay.storage import keys, table
from tests.bench import cost as page
from tests.bench import prices
from tests.bench.deployment import receiver
from tests.bench.meter import item_size, metered
from tests.bench.operations import Bench, Cost
from tests.support import lean
from tests.support.app import install
from tests.support.aws import emptied
from tests.support.template import ROOT

README = (ROOT / "README.md").read_text("utf-8").partition("\n## What it costs\n")[2].partition("\n## ")[0]
SCALE = (ROOT / "docs/scale.md").read_text("utf-8")


@pytest.fixture(scope="module")
def costs(_storage: dict[str, str]) -> dict[str, Cost]:
    """Every operation of the benchmark by its name, but for the export."""
    # Requests are counted as they go out, and so not by the short way to moto's tables.
    with (
        emptied(_storage, short=False),
        pytest.MonkeyPatch.context() as patch,
        receiver() as url,
        receiver(statuses=(503, 204)) as moody,
    ):
        lean.install(patch)
        patch.setenv("FORMRELAY_ALLOW_NETWORKS", "127.0.0.0/8")
        settings.cache_clear()
        return {cost.name: cost for cost in Bench(install(settings(), patch), url, moody).costs()}


def rows(text: str) -> dict[str, list[float]]:
    """Rows of the tables in a text: the first cell, and the numbers of the others."""
    found = {}
    for line in re.findall(r"^\| (.*) \|$", text, re.MULTILINE):
        name, *cells = line.split(" | ")
        numbers = [re.fullmatch(r"\$?(\d+(?:\.\d+)?)", cell) for cell in cells]
        if all(numbers):
            found[name] = [float(number[1]) for number in numbers if number]
    return found


def dollars(pattern: str) -> float:
    found = re.search(pattern.replace(" ", r"\s+"), README)
    assert found, pattern
    return float(found[1])


def test_the_readme_tells_what_is_counted(costs: dict[str, Cost]) -> None:
    told = rows(README)
    assert {*page.WHOLE, "delivery with one retry"} <= set(told)
    for name, figures in told.items():
        cost = costs[name]
        counted = [cost.bill.calls.total(), cost.bill.writes, cost.bill.reads, round(cost.counted, 2)]
        assert figures[:4] == counted, name


def test_the_readmes_sums_are_right(costs: dict[str, Cost]) -> None:
    told = rows(README)
    for name, (*_, counted, timed, together) in told.items():
        assert together == pytest.approx(counted + timed), name
    whole = dollars(r"\*\*\$([\d.]+)\*\*")
    assert whole == pytest.approx(sum(told[name][-1] for name in page.WHOLE))
    unused = dollars(r"nobody uses costs about \$([\d.]+) a month")
    assert unused == pytest.approx(page.unused(costs["sweep, nothing due"]), abs=0.5)
    assert dollars(r"is about \$(\d+) a month") == prices.SERVER_MONTH
    assert dollars(r"From ([\d.]+) million") == round((prices.SERVER_MONTH - unused) / whole, 1)
    assert dollars(r"ten thousand a month cost \$([\d.]+)") == round(unused + whole / 100, 2)


def test_the_readme_tells_what_comes_on_top(costs: dict[str, Cost]) -> None:
    stored, logged, _ = page.on_top([costs[name] for name in page.WHOLE])
    assert dollars(r"in the table with ([\d.]+) GB") == round(stored, 1)
    assert dollars(r"GB, \$([\d.]+) a month with continuous backups") == round(stored * page.STORED_MONTH, 2)
    # Lines name durations and ports.
    assert dollars(r"their logs are \$([\d.]+)") == pytest.approx(logged * prices.LOG_GB, abs=0.05)
    assert dollars(r"files are \$(\d+) for each million stored") == prices.S3_PUT
    assert dollars(r"and \$([\d.]+) a GB and month") == prices.FILE_GB_MONTH
    assert dollars(r"readers is \$([\d.]+) a GB") == prices.TRANSFER_GB


def test_the_page_on_scale_tells_the_same_units(costs: dict[str, Cost]) -> None:
    told = rows(SCALE)
    taken, sent = (costs[name].bill for name in page.WHOLE)
    assert told["DynamoDB write units"] == [taken.writes, sent.writes, taken.writes + sent.writes]
    assert told["DynamoDB read units"] == [taken.reads, sent.reads, taken.reads + sent.reads]


def test_every_attempt_is_one_request_to_the_receiver(costs: dict[str, Cost]) -> None:
    assert [costs[name].posts for name in ("delivery that arrives", "delivery with one retry")] == [1, 2]


# What is billed


KEY = {"pk": "X#1", "sk": "X"}


@pytest.fixture
def data(_storage: dict[str, str]) -> Iterator[str]:
    with emptied(_storage, short=False) as where:
        yield where.data_table


def item(size: int, **more: Any) -> dict[str, Any]:
    """An item of that many bytes, but for ``more``."""
    return {**KEY, "x": "x" * (size - 9), **more}


@pytest.mark.parametrize(("size", "units"), [(1024, 1), (1025, 2), (4096, 4)])
def test_a_write_is_billed_by_the_kilobyte(data: str, size: int, units: int) -> None:
    with metered() as bill:
        table.put(data, item(size))
    assert (bill.writes, bill.stored) == (units, size)


def test_a_write_is_billed_by_what_is_larger_before_or_after(data: str) -> None:
    table.put(data, item(3000))
    with metered() as bill:
        table.put(data, item(100))
    assert (bill.writes, bill.stored) == (3, -2900)


def test_a_transaction_is_billed_twice(data: str) -> None:
    with metered() as bill:
        table.transact(
            [
                table.put_op(data, item(1500)),
                table.check_op(data, keys.letter("1"), "attribute_not_exists(#pk)"),
            ]
        )
    assert (bill.writes, bill.calls) == (2 * (2 + 1), {"dynamodb.TransactWriteItems": 1})


def test_a_refused_write_is_billed(data: str) -> None:
    table.put(data, item(3000))
    with metered() as bill, pytest.raises(table.ConditionError):
        table.put(data, item(100), condition="attribute_not_exists(#pk)")
    assert (bill.writes, bill.stored) == (3, 0)


def test_an_entry_that_moves_in_an_index_is_billed_twice_more(data: str) -> None:
    with metered() as bill:
        table.put(data, item(100, sweep="1", sweep_at=5))
    assert bill.writes == 2
    with metered() as bill:
        table.put(data, item(100, sweep="1", sweep_at=6))
    assert bill.writes == 3
    with metered() as bill:
        table.put(data, item(100))
    assert bill.writes == 2


def test_a_read_is_billed_by_four_kilobytes_and_half_when_it_may_be_stale(data: str) -> None:
    table.put(data, item(5000))
    with metered() as bill:
        table.get(data, KEY)
    assert bill.reads == 2
    with metered() as bill:
        table.get(data, KEY, consistent=False)
    assert bill.reads == 1


def test_a_query_is_billed_for_all_that_it_looked_at(data: str) -> None:
    for number in range(10):
        table.put(data, {**item(1000), "sk": str(number)})
    for look in (
        lambda: table.query(data, "#pk = :pk", {":pk": "X#1"}, projection="#sk"),
        lambda: table.query(data, "#pk = :pk", {":pk": "X#1", ":no": "n"}, where="#x = :no"),
        lambda: table.count(data, "#pk = :pk", {":pk": "X#1"}),
    ):
        with metered() as bill:
            look()
        assert (bill.reads, bill.calls) == (3, {"dynamodb.Query": 1})


def test_an_item_is_as_big_as_its_names_and_values() -> None:
    assert item_size(
        {"pk": {"S": "é"}, "n": {"N": "12345"}, "m": {"M": {"a": {"BOOL": True}}}, "b": {"B": b"123"}}
    ) == (2 + 2 + 1 + 4 + 1 + 3 + 1 + 1 + 1 + 1 + 3)
