"""Pages of the data list tile the rows that there are, whatever came and went before (contract data §3)."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from formrelay.settings import settings
from formrelay.storage import marks
from tests.support.app import App, Clock, install
from tests.support.large import large_store

FORM = {"survey": [{"type": "text", "name": "kind", "label": "Kind"}]}
SORTS: list[dict[str, int]] = [{}, {"_id": 1}, {"_id": -1}, {"kind": 1}, {"kind": -1, "_id": 1}]
QUERIES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "{}": lambda _row: True,
    '{"kind": "a"}': lambda row: row.get("kind") == "a",
    '{"kind": {"$exists": false}}': lambda row: "kind" not in row,
    '{"_submission_time": {"$gt": "2026-08-02T09"}}': lambda row: row["_submission_time"] > "2026-08-02T09",
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[App, Clock]]:
    """A deployment with stretches of four rows."""
    with large_store(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(marks, "STRETCH", 4)
        patch.setattr(marks, "WORTH", 2)
        clock = Clock(patch)
        yield install(settings(), patch), clock


class Life:
    """A form to which submissions come and from which they go; ``rows`` is what should be there, oldest first."""

    def __init__(self, app: App, clock: Clock, rng: random.Random) -> None:
        self.app, self.clock, self.rng = app, clock, rng
        self.asset = app.deploy(FORM)
        self.path = f"/api/v2/assets/{self.asset}/data/"
        self.rows: list[dict[str, Any]] = []
        self.form = app.filled(self.asset, {})

    def submit(self) -> None:
        number = self.rng.randrange(10**12)
        kind = self.rng.choice(["a", "b", ""])
        xml = self.app.filled(self.asset, {"kind": kind}, f"uuid:{number}")
        assert self.app.submit(xml).status == 201
        self.rows.append(self.app.get(f"{self.path}uuid:{number}/").json())
        self.rows.sort(key=lambda row: row["_id"])
        self.clock.forward(self.rng.choice([0, 1, 60, 600]))

    def delete(self) -> None:
        some = self.rng.sample(self.rows, min(len(self.rows), self.rng.randint(1, 4)))
        if some:
            payload = {"payload": {"submission_ids": [row["_id"] for row in some]}}
            answer = self.app.send("DELETE", f"{self.path}bulk/", payload)
            assert answer.status == 200, answer.text
            self.rows = [row for row in self.rows if row not in some]

    def check(self) -> None:
        sort, query = self.rng.choice(SORTS), self.rng.choice(list(QUERIES))
        limit = self.rng.randint(1, 7)
        expected = self._expected(sort, query)
        parameters = {"limit": str(limit), "sort": json.dumps(sort), "query": query}
        seen: list[dict[str, Any]] = []
        for start in range(0, len(expected) + limit, limit):
            page = self.app.get(self.path, **parameters, start=str(start)).json()
            assert page["count"] == len(expected)
            assert len(page["results"]) == max(0, min(limit, len(expected) - start))
            assert (page["next"] is None) == (start + limit >= len(expected))
            seen += page["results"]
        assert seen == expected

    def _expected(self, sort: dict[str, int], query: str) -> list[dict[str, Any]]:
        rows = [row for row in self.rows if QUERIES[query](row)]
        for name, direction in reversed(sort.items()):
            rows.sort(key=lambda row: (name in row, row.get(name, "")), reverse=direction == -1)
        return rows


@pytest.mark.parametrize("seed", range(20))
def test_pages_tile_what_is_there(small: tuple[App, Clock], seed: int) -> None:
    app, clock = small
    life = Life(app, clock, random.Random(seed))
    for _ in range(60):
        life.rng.choice([*[life.submit] * 5, life.delete, *[life.check] * 3])()
    for _ in range(3):
        life.submit()
    clock.forward(600)
    assert marks.census(life.asset).marks
    for _ in range(6):
        life.check()
