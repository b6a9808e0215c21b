"""People who look after what was submitted: they delete, validate, edit and duplicate, one or many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.simulation.world import World
from tests.support.app import Answer

_VALIDATED = "validation_status.uid"
_APPROVED = "validation_status_approved"
_BATCH = 100


@dataclass
class Tried:
    """What keepers asked for, by ``_id``, whether or not they heard that it was done."""

    deleted: set[int] = field(default_factory=set)
    validated: Counter[int] = field(default_factory=Counter)
    edited: Counter[int] = field(default_factory=Counter)


class Keepers:
    """Does things to submissions through the API, and remembers what was asked and what was answered."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._path = f"/api/v2/assets/{world.made.asset}/data/"
        self._edits = 0
        self.tried = Tried()
        # Of submissions: _id → first instanceID, as far as anybody saw it.
        self.roots: dict[int, str] = {}
        # And the name that it had when it was last seen.
        self.names: dict[int, str] = {}
        # Whose deletion was answered as done or begun.
        self.deleted: set[int] = set()
        # Names of which duplicates were asked for.
        self.duplicated: Counter[str] = Counter()

    def begin(self, delay: float) -> None:
        """Somebody does something to what there is, in so many seconds."""
        self._world.act("keeper", self._one_thing, delay)

    def touched(self, uuid: str) -> bool:
        """Whether somebody asked to delete or edit the submission with that first instanceID."""
        sids = {sid for sid, root in self.roots.items() if root == uuid}
        return bool(sids & (self.tried.deleted | set(self.tried.edited)))

    def _one_thing(self) -> None:
        # Counts them, and makes the marks that are due.
        self._world.request("GET", self._path, query="limit=1")
        answer = self._world.request("GET", self._path, query=f"limit={_BATCH}")
        rows = answer.json()["results"] if answer is not None and answer.status == 200 else []
        if not rows:
            return
        self.roots |= {row["_id"]: row["meta/rootUuid"].removeprefix("uuid:") for row in rows}
        self.names |= {row["_id"]: row["name"] for row in rows}
        rng = self._world.rng
        some = rng.sample(rows, rng.randint(1, len(rows)))
        actions: list[Callable[[list[dict[str, Any]]], None]] = [
            self._delete_one,
            self._delete_many,
            self._validate_one,
            self._validate_many,
            self._edit,
            self._edit,
            self._duplicate,
        ]
        action = rng.choice(actions)
        if rng.random() < 0.3:
            # Somebody else does the same, or their program repeats itself.
            self._world.act("keeper", partial(action, some), 0.0)
        action(some)

    def _delete_one(self, rows: list[dict[str, Any]]) -> None:
        sid = rows[0]["_id"]
        self.tried.deleted.add(sid)
        answer = self._world.request("DELETE", f"{self._path}{sid}/")
        if answer is not None and answer.status == 204:
            self.deleted.add(sid)

    def _delete_many(self, rows: list[dict[str, Any]]) -> None:
        sids = [row["_id"] for row in rows]
        self.tried.deleted |= set(sids)
        if _done(self._many("DELETE", "bulk/", sids)):
            self.deleted |= set(sids)

    def _validate_one(self, rows: list[dict[str, Any]]) -> None:
        sid = rows[0]["_id"]
        self.tried.validated[sid] += 1
        self._world.send("PATCH", f"{self._path}{sid}/validation_status/", {_VALIDATED: _APPROVED})

    def _validate_many(self, rows: list[dict[str, Any]]) -> None:
        sids = [row["_id"] for row in rows]
        self.tried.validated.update(sids)
        clear = self._world.rng.random() < 0.3
        fields = {_VALIDATED: None if clear else _APPROVED}
        self._many("DELETE" if clear else "PATCH", "validation_statuses/", sids, **fields)

    def _edit(self, rows: list[dict[str, Any]]) -> None:
        """One name for each, since names tell submissions apart."""
        self._edits += 1
        for row in rows:
            self.tried.edited[row["_id"]] += 1
            name = f"{row['name'].partition('-edit')[0]}-edit-k{self._edits}"
            self._many("PATCH", "bulk/", [row["_id"]], data={"name": name})

    def _duplicate(self, rows: list[dict[str, Any]]) -> None:
        self.duplicated[rows[0]["name"].partition("-edit")[0]] += 1
        self._world.send("POST", f"{self._path}{rows[0]['_id']}/duplicate/")

    def _many(self, method: str, path: str, sids: list[int], **fields: Any) -> Answer | None:
        payload = {"submission_ids": sids, **fields}
        return self._world.send(method, self._path + path, {"payload": payload})


def _done(answer: Answer | None) -> bool:
    return answer is not None and answer.status == 200
