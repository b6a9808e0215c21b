"""What operations cost does not grow with what is stored, nor with what is queued (design §7, I8)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.bench.deployment import receiver
from tests.bench.stored import Figures, Project, Stored, stored
from tests.support.template import ROOT

SCALE = (ROOT / "docs/scale.md").read_text("utf-8")
SMALL, LARGE = 2_000, 10_000
# Marks are small items, one for each thousand rows; a list reads all of them.
MARK = 150


@pytest.fixture(scope="module")
def place() -> Iterator[Stored]:
    with receiver() as url, stored(url) as made:
        yield made


@pytest.fixture(scope="module")
def figures(place: Stored) -> dict[int, dict[str, Figures]]:
    """What each operation takes where little and where much is stored."""
    return {
        size: {each.name: each for each in place.operations(place.project(size, 1), times=1)}
        for size in (SMALL, LARGE)
    }


def test_the_page_on_scale_tells_what_is_counted(figures: dict[int, dict[str, Figures]]) -> None:
    told = re.findall(
        r"^\| (.+?) \| (\d+) \| ([\d.]+) \| ([\d.]+) \| (?:the same|. units more) \|$", SCALE, re.MULTILINE
    )
    counted = {name: each.bill for name, each in figures[SMALL].items()}
    assert {name for name, *_ in told} == set(counted)
    for name, *numbers in told:
        calls, writes, reads = map(float, numbers)
        bill = counted[name]
        assert (bill.calls.total(), bill.writes) == (calls, writes), name
        # Some rows are some bytes longer than others.
        assert abs(bill.reads - reads) <= 1, name


def test_no_operation_makes_more_calls_where_more_is_stored(figures: dict[int, dict[str, Figures]]) -> None:
    calls = {size: {name: each.bill.calls for name, each in found.items()} for size, found in figures.items()}
    assert calls[LARGE] == calls[SMALL]


def test_no_operation_reads_or_writes_more_where_more_is_stored_but_for_the_marks(
    figures: dict[int, dict[str, Figures]],
) -> None:
    more = (LARGE - SMALL) // 1_000 * MARK
    for name, small in figures[SMALL].items():
        large = figures[LARGE][name]
        assert large.bill.writes == small.bill.writes, name
        assert large.bill.reads <= small.bill.reads + -(-more // 4096), name
        assert large.bill.moved <= small.bill.moved + 2 * more, name


def test_a_page_of_logs_reads_its_rows_and_no_more(figures: dict[int, dict[str, Figures]]) -> None:
    page = figures[LARGE]["logs, first 100"].bill
    # A hundred deliveries of half a kilobyte; key, project, hook, marks and the tail beside them.
    assert page.reads <= 100 * 600 / 4096 + 10


def test_a_page_of_failures_reads_its_rows_and_no_more(figures: dict[int, dict[str, Figures]]) -> None:
    page = figures[LARGE]["logs, what failed"].bill
    assert page.reads <= 51 + 10


# While much is queued


@pytest.fixture(scope="module")
def project(place: Stored) -> Project:
    return place.project(1_000, 2)


def test_a_backlog_costs_a_submission_and_a_delivery_nothing(place: Stored, project: Project) -> None:
    def taken() -> dict[str, tuple[object, ...]]:
        bills = {each.name: each.bill for each in place.operations(project, sweep=False, times=1)}
        return {
            name: (bills[name].calls, bills[name].writes, bills[name].reads)
            for name in ("submission", "delivery")
        }

    before = taken()
    place.queue(project, 500, 600)
    assert taken() == before
