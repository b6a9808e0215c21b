"""What reading costs on forms of a thousand to a hundred thousand submissions: by what is returned, not by what is
stored (design §7, I8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from formrelay.api import data
from formrelay.settings import settings
from formrelay.storage import marks
from tests.support.app import App, Clock, install
from tests.support.large import Cost, LargeStore, large_store, multiply

FORM = {"survey": [{"type": "text", "name": f"q{i}", "label": f"Question {i}"} for i in range(20)]}
LIMIT = 100


@dataclass
class Form:
    """A form with so many submissions, the last of which came half an hour ago."""

    app: App
    store: LargeStore
    clock: Clock
    asset: str
    sids: list[int]

    @property
    def path(self) -> str:
        return f"/api/v2/assets/{self.asset}/data/"

    def read(self, path: str | None = None, **parameters: str) -> tuple[Any, Cost]:
        """The answer, and what it cost."""
        with self.store.watched() as cost:
            answer = self.app.get(path or self.path, **parameters)
        assert answer.status == 200, answer.text
        return answer.json(), cost


@pytest.fixture(scope="module")
def forms() -> Iterator[dict[int, Form]]:
    """Forms of three sizes, each already read once: then it has its marks."""
    with large_store() as store, pytest.MonkeyPatch.context() as patch:
        clock = Clock(patch)
        app = install(settings(), patch)
        made = {}
        for count in (1_000, 10_000, 100_000):
            asset = app.deploy(FORM)
            answers = {f"q{i}": f"the answer to question {i}, some words long" for i in range(20)}
            assert app.submit(app.filled(asset, answers)).status == 201
            sids = multiply(store, asset, count, newest_ms=int(clock.time * 1000) - 1_800_000)
            made[count] = Form(app, store, clock, asset, sids)
            made[count].read(start="1")
        yield made


def row_units(forms: dict[int, Form]) -> float:
    """Read units of one submission."""
    _, cost = forms[1_000].read(limit="100")
    return cost.units / 100


def test_the_marks_are_made_with_one_look_at_every_row(forms: dict[int, Form]) -> None:
    for count, form in forms.items():
        assert sum(mark.live for mark in marks.stretches(form.asset)) == count
        assert len(marks.stretches(form.asset)) == count // marks.STRETCH


@pytest.mark.parametrize("parameters", [{}, {"sort": '{"_id":-1}'}], ids=["oldest", "newest"])
def test_the_first_page_costs_its_rows_and_a_small_item_for_each_thousand(
    forms: dict[int, Form], parameters: dict[str, str]
) -> None:
    costs = {}
    for count, form in forms.items():
        answer, costs[count] = form.read(limit=str(LIMIT), **parameters)
        expected = form.sids[::-1][:LIMIT] if parameters else form.sids[:LIMIT]
        assert [row["_id"] for row in answer["results"]] == expected
        assert answer["count"] == count
        # The caller, the project, the page, the marks, the tail.
        assert costs[count].calls == {"GetItem": 1, "Query": 4}
        assert costs[count].items <= LIMIT + count // marks.STRETCH + 5
    assert costs[100_000].units - costs[1_000].units <= 100 * 150 / 4096 + 1


@pytest.mark.parametrize("parameters", [{}, {"sort": '{"_id":-1}'}], ids=["forward", "backward"])
@pytest.mark.parametrize("place", [0.3333, 0.5, 0.999])
def test_a_deep_page_costs_at_most_a_stretch_more(
    forms: dict[int, Form], parameters: dict[str, str], place: float
) -> None:
    unit = row_units(forms)
    for count, form in forms.items():
        start = int(count * place)
        answer, cost = form.read(limit=str(LIMIT), start=str(start), **parameters)
        ordered = form.sids[::-1] if parameters else form.sids
        assert [row["_id"] for row in answer["results"]] == ordered[start : start + LIMIT]
        assert answer["count"] == count
        assert cost.items <= LIMIT + marks.STRETCH + count // marks.STRETCH + 5
        assert cost.units <= unit * (LIMIT + marks.STRETCH) + 10
        assert sum(cost.calls.values()) <= 8


def test_the_project_tells_its_count_by_the_marks(forms: dict[int, Form]) -> None:
    for count, form in forms.items():
        for path in (f"/api/v2/assets/{form.asset}/", "/api/v2/assets/"):
            answer, cost = form.read(path)
            shown = (
                answer
                if "results" not in answer
                else next(a for a in answer["results"] if a["uid"] == form.asset)
            )
            assert shown["deployment__submission_count"] == count
            assert shown["deployment__last_submission_time"] == "2026-08-02T07:40:05Z"
            assert cost.items <= 3 * (100 + 30)


def test_one_submission_costs_one(forms: dict[int, Form]) -> None:
    for form in forms.values():
        answer, cost = form.read(f"{form.path}{form.sids[500]}/")
        assert answer["_id"] == form.sids[500]
        assert cost.calls == {"GetItem": 2, "Query": 1}


def test_a_bound_on_ids_reads_what_lies_behind_it_alone(forms: dict[int, Form]) -> None:
    form = forms[100_000]
    answer, cost = form.read(query=f'{{"_id":{{"$gt":{form.sids[-51]}}}}}')
    assert [row["_id"] for row in answer["results"]] == form.sids[-50:]
    assert cost.items <= 50 + 5


def test_a_bound_on_times_reads_at_most_a_stretch_more(forms: dict[int, Form]) -> None:
    form = forms[100_000]
    last, _ = form.read(f"{form.path}{form.sids[-1200]}/")
    answer, cost = form.read(query=f'{{"_submission_time":{{"$gt":"{last["_submission_time"]}"}}}}')
    assert answer["count"] == 1_199
    assert cost.items <= 1_199 + marks.STRETCH + 100 + 5


def test_an_ad_hoc_query_reads_every_row_once_a_page_at_a_time(forms: dict[int, Form]) -> None:
    form = forms[10_000]
    unit = row_units(forms)
    answer, cost = form.read(query='{"q7":{"$regex":"some words"},"_uuid":{"$in":["row-3","row-9999"]}}')
    assert (answer["count"], [row["_uuid"] for row in answer["results"]]) == (2, ["row-3", "row-9999"])
    assert cost.items <= 10_000 + 5
    assert cost.units <= unit * 10_000 + 20


def test_a_query_over_more_than_one_request_can_read_is_refused_with_a_way_out(
    forms: dict[int, Form], monkeypatch: pytest.MonkeyPatch
) -> None:
    form = forms[10_000]
    monkeypatch.setattr(data, "PATIENCE", -1)
    for parameters in ({"query": '{"q7":"x"}'}, {"sort": '{"q7":1}'}):
        with form.store.watched() as cost:
            answer = form.app.get(form.path, **parameters)
        assert answer.status == 400
        assert "Narrow it by `_id` or `_submission_time`." in answer.json()["query"]
        assert cost.items < 1_500
    assert form.read(start="5000")[0]["count"] == 10_000
    assert form.read(query=f'{{"_id":{form.sids[7]}}}')[0]["count"] == 1


def test_pages_tile_the_whole_form(forms: dict[int, Form]) -> None:
    form = forms[10_000]
    seen: list[int] = []
    for start in range(0, 10_000, 1_000):
        answer, _ = form.read(limit="1000", start=str(start))
        seen += [row["_id"] for row in answer["results"]]
    assert seen == form.sids
