"""Clients that submit and owners who meddle, and what each of them was told."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import requests

from tests.simulation.filters import EVERYTHING, FILTERS, Filter
from tests.simulation.receivers import Receiver
from tests.simulation.world import World
from tests.support.app import BASE, Answer, Parts

_GIVES_UP = 12
# How many different things an owner does.
_THINGS = 11


@dataclass(frozen=True)
class Told:
    """An answer to a submission: the client was told ``status`` at ``time``, having begun to send at ``began``."""

    uuid: str
    name: str
    status: int
    began: float
    time: float


@dataclass
class Change:
    """Something an owner did to a hook; ``ended`` is when they heard that it was done, infinity if never."""

    began: float
    fields: dict[str, Any]
    ended: float = math.inf


@dataclass
class Hook:
    """A hook as its owner knows it."""

    uid: str
    host: str
    created: float
    filter: str = EVERYTHING
    """The name of the filter that it was made with."""
    changes: list[Change] = field(default_factory=list)

    def did(self, name: str, value: Any = None) -> list[Change]:
        """The changes that set a field, to a value."""
        found = [change for change in self.changes if name in change.fields]
        return [change for change in found if value is None or change.fields[name] == value]

    @property
    def deleted(self) -> bool:
        return bool(self.did("delete"))

    def was_active(self, began: float, ended: float) -> bool:
        """Whether it was, beyond doubt, active all that time."""
        return self.created <= began and not any(
            change.began <= ended for change in self.did("active", False) + self.did("delete")
        )

    def filters(self, began: float, ended: float) -> list[Filter]:
        """Those that it may have had at some moment between the two."""
        had = [Change(self.created, {"filter": self.filter}, self.created), *self.did("filter")]
        return [
            FILTERS[change.fields["filter"]]
            for change in had
            if change.began <= ended
            and not any(change.ended < later.began and later.ended < began for later in had)
        ]


class Owner:
    """Makes hooks and meddles with them, through the API."""

    def __init__(self, world: World) -> None:
        self._world = world
        # Each owner is given to a few things, so that those often meet.
        self._habits = world.rng.sample(range(_THINGS), 3)
        self._path = f"/api/v2/assets/{world.made.asset}/hooks/"
        self.hooks: list[Hook] = []

    def create(self, receiver: Receiver, filter_: str = EVERYTHING, **fields: Any) -> Hook | None:
        data = {"name": receiver.host, "endpoint": f"https://{receiver.host}/in", **fields}
        if filter_ != EVERYTHING:
            data["filter"] = FILTERS[filter_].query
        answer = self._world.send("POST", self._path, data)
        if answer is None or answer.status != 201:
            return None
        hook = Hook(answer.json()["uid"], receiver.host, self._world.now, filter_)
        self.hooks.append(hook)
        return hook

    def change(self, hook: Hook, **fields: Any) -> Answer | None:
        """Changes fields of a hook, ``delete`` for deleting it; ``filter`` by its name."""
        change = Change(self._world.now, fields)
        hook.changes.append(change)
        sent = {**fields, "filter": FILTERS[fields["filter"]].query} if "filter" in fields else fields
        request = ("DELETE", None) if "delete" in fields else ("PATCH", sent)
        answer = self._world.send(request[0], f"{self._path}{hook.uid}/", request[1])
        if answer is not None and answer.status < 300:
            change.ended = self._world.now
        return answer

    def retry_all(self, hook: Hook) -> None:
        hook.changes.append(Change(self._world.now, {"retry": "all"}))
        self._world.send("PATCH", f"{self._path}{hook.uid}/retry/")

    def retry_one(self, hook: Hook, *, force: bool) -> None:
        """Retries one of the hook's deliveries by hand."""
        logs = self._world.request("GET", f"{self._path}{hook.uid}/logs/")
        results = logs.json()["results"] if logs is not None and logs.status == 200 else []
        if not results:
            return
        uid = self._world.rng.choice(results)["uid"]
        hook.changes.append(Change(self._world.now, {"retry": uid, "force": force}))
        path = f"{self._path}{hook.uid}/logs/{uid}/retry/"
        self._world.request("PATCH", path, query="force=true" if force else "")

    def change_filter(self, delay: float) -> None:
        """Gives a hook another filter, in so many seconds."""
        self._world.act("owner", self._another_filter, delay)

    def _another_filter(self) -> None:
        there = [hook for hook in self.hooks if not hook.deleted]
        if there:
            self.change(self._world.rng.choice(there), filter=self._world.rng.choice([*FILTERS]))

    def meddle(self, delay: float) -> None:
        """Does something that owners do, in so many seconds."""
        self._world.act("owner", self._one_thing, delay)

    def _pause_for_a_moment(self, hook: Hook) -> None:
        self.change(hook, paused=True)
        self._world.scheduler.sleep(self._world.rng.choice((0.0, 0.02, 30.0)))
        self.change(hook, paused=False)

    def _one_thing(self) -> None:
        rng = self._world.rng
        there = [hook for hook in self.hooks if not hook.deleted]
        if not there:
            return
        hook = rng.choice(there)
        actions: list[Callable[[], Any]] = [
            lambda: self.change(hook, active=False),
            lambda: self.change(hook, active=True),
            lambda: self.change(hook, paused=True),
            lambda: self.change(hook, paused=False),
            lambda: self._pause_for_a_moment(hook),
            lambda: self.change(hook, email_notification=rng.random() < 0.5),
            lambda: self.change(hook, subset_fields=rng.choice([[], ["name"]])),
            lambda: self.change(hook, concurrency=rng.choice([None, 1, 2])),
            lambda: self.retry_all(hook),
            lambda: self.retry_one(hook, force=False),
            lambda: self.retry_one(hook, force=True),
        ]
        if rng.random() < 0.08:
            self.change(hook, delete=True)
        else:
            actions[rng.choice(self._habits)]()


_FILES = ("photo.jpg", "roof.jpg")


class Clients:
    """People who submit: once, twice at the same time, in parts, with edits."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.told: list[Told] = []
        self.first_try: dict[str, float] = {}
        self._count = 0

    def begin(self, delay: float) -> None:
        """Somebody submits, in one of the ways in which people and their programs do."""
        self._count += 1
        rng = self._world.rng
        uuid = f"{rng.getrandbits(128):032x}"
        uuid = f"{uuid[:8]}-{uuid[8:12]}-4{uuid[13:16]}-a{uuid[17:20]}-{uuid[20:]}"
        name = f"s{self._count}"
        way = rng.choice(("json", "json", "xml", "twins", "twins", "again", "parts", "edited", "taken"))
        if way == "twins":
            for _ in range(rng.choice((2, 3))):
                self._act(lambda: self._post_json(uuid, name), delay)
        elif way == "again":
            for later in (0, rng.uniform(0, 800)):
                self._act(lambda: self._post_json(uuid, name), delay + later)
        elif way == "parts":
            self._act(lambda: self._parts(uuid, name, self._xml(uuid, name, *_FILES)), delay)
        elif way == "edited":
            self._act(lambda: self._edited(uuid, name), delay)
        elif way == "taken":
            self._act(lambda: self._post_json(uuid, name), delay)
            self._act(lambda: self._post_json(uuid, f"{name}-other"), delay)
        else:
            self._act(lambda: (self._post_json if way == "json" else self._post_xml)(uuid, name), delay)

    def _act(self, call: Callable[[], Any], delay: float) -> None:
        self._world.act("client", call, delay)

    def _until_told(self, uuid: str, name: str, request: Callable[[], Answer | None]) -> int | None:
        """Sends until an answer comes that is one; what it says, or None when the client gives up."""
        world = self._world
        self.first_try.setdefault(uuid, world.now)
        for _ in range(_GIVES_UP):
            began = world.now
            answer = request()
            if answer is not None and answer.status < 500:
                self.told.append(Told(uuid, name, answer.status, began, world.now))
                return answer.status
            world.scheduler.sleep(world.rng.uniform(1, 90))
        return None

    def _post_json(self, uuid: str, name: str) -> int | None:
        meta = {"instanceID": f"uuid:{uuid}"}
        data = {"id": self._world.made.asset, "submission": {"name": name, "meta": meta}}
        return self._until_told(uuid, name, lambda: self._world.send("POST", "/submission", data))

    def _xml(self, uuid: str, name: str, photo: str = "", roof: str = "") -> str:
        filled = self._world.made.instance.replace("@UUID@", uuid).replace("@NAME@", name)
        return filled.replace("@PHOTO@", photo).replace("@ROOF@", roof)

    def _post(self, parts: Parts) -> Answer | None:
        prepared = requests.Request("POST", BASE + "/submission", files=parts).prepare()
        assert isinstance(prepared.body, bytes)
        headers = {"content-type": prepared.headers["Content-Type"], "x-openrosa-version": "1.0"}
        return self._world.request("POST", "/submission", body=prepared.body, headers=headers)

    def _post_xml(self, uuid: str, name: str) -> int | None:
        parts: Parts = [("xml_submission_file", ("i.xml", self._xml(uuid, name), "text/xml"))]
        return self._until_told(uuid, name, lambda: self._post(parts))

    def _parts(self, uuid: str, name: str, xml: str) -> int | None:
        """Two files in two requests; the second may never come. What the first was told."""
        rng = self._world.rng
        first: Parts = [
            ("xml_submission_file", ("i.xml", xml, "text/xml")),
            ("photo.jpg", ("photo.jpg", b"photo", "image/jpeg")),
        ]
        if rng.random() < 0.7:
            first.append(("*isIncomplete*", (None, "yes", None)))
        second: Parts = [first[0], ("roof.jpg", ("roof.jpg", b"roof", "image/jpeg"))]
        told = self._until_told(uuid, name, lambda: self._post(first))
        if rng.random() < 0.8:
            self._world.scheduler.sleep(rng.choice((0, 5, rng.uniform(0, 700))))
            self._until_told(uuid, name, lambda: self._post(second))
        return told

    def _edited(self, uuid: str, name: str) -> None:
        """A submission, then one or two edits: each at once, twice at the same time, or in parts."""
        rng = self._world.rng
        if self._post_json(uuid, name) not in (201, 202):
            return
        new = uuid
        for number in range(rng.choice((1, 2))):
            self._world.scheduler.sleep(rng.choice((0, rng.uniform(0, 800))))
            old, new = new, f"{new[:-1]}{'edf'[number]}"
            # By the uuid, so that the other fates of this life do not hang on it.
            way = ("once", "twins", "parts")[int(uuid[0], 16) % 3]
            files = _FILES if way == "parts" else ()
            xml = self._xml(new, f"{name}-edit{number}", *files).replace(
                "</instanceID>", f"</instanceID><deprecatedID>uuid:{old}</deprecatedID>"
            )
            parts: Parts = [("xml_submission_file", ("i.xml", xml, "text/xml"))]
            once = partial(self._until_told, uuid, name, partial(self._post, parts))
            if way == "twins":
                self._act(once, 0)
            if (self._parts(uuid, name, xml) if way == "parts" else once()) not in (201, 202):
                return


def parsed(body: bytes) -> dict[str, Any]:
    """A body that a receiver got."""
    found: dict[str, Any] = json.loads(body)
    return found
