"""A deployment whose time tests move: queues, the sweep of every minute and the functions behind them.

Messages reach a function when their delay is over, never earlier, and in the order of that; recovery runs at every
full minute. What is sent to the hook is kept with the time at which it came (seconds since the world began).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

from formrelay.storage import deliveries, keys, submissions, table
from functions.deliver import app as deliver
from functions.recover import app as recover
from functions.report import app as report
from tests.support.app import FORM, App, Clock, LambdaContext
from tests.support.aws import Mail, mails, messages, stored
from tests.support.receiver import Received, Receiver

MINUTE = 60.0
_STEPS = 1_000


@dataclass
class World:
    """One project with one hook to the receiver.

    ``recovers`` says whether recovery runs by itself, ``loses`` whether all messages are lost.
    """

    app: App
    clock: Clock
    receiver: Receiver
    asset: str = ""
    hook: str = ""
    recovers: bool = True
    loses: bool = False
    _queued: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    _came: list[float] = field(default_factory=list)
    _count: int = 0

    def __post_init__(self) -> None:
        self._began = self.clock.time
        self._swept = self.clock.time

    @property
    def time(self) -> float:
        """Seconds since the world began."""
        return round(self.clock.time - self._began, 3)

    @property
    def posts(self) -> list[float]:
        """When each request reached the receiver."""
        self._note()
        return self._came

    def setting(self, **fields: Any) -> None:
        """Makes the project and its hook, with the hook's fields."""
        self.asset = self.app.deploy(FORM)
        self.hook = self.app.add_hook(self.asset, self.receiver.url(), **fields)

    def submit(self, **values: Any) -> int:
        """One submission; its ``_id``."""
        self._count += 1
        before = set(self.sids())
        answer = self.app.submit(self.app.filled(self.asset, values or {"name": f"Ana {self._count}"}))
        assert answer.status == 201, answer.text
        (sid,) = set(self.sids()) - before
        return sid

    def sids(self) -> list[int]:
        """All submissions of the project, newest first."""
        return [item["id"] for item in submissions.scan(self.asset, forward=False)]

    # Time

    def run(self, seconds: float) -> None:
        """Lets time pass: whatever is due in it happens at its time."""
        ends = self.clock.time + seconds
        for _ in range(_STEPS):
            self._collect()
            sweep = self._next_sweep()
            at = min([sweep, *(ready for ready, _, _ in self._queued)])
            if at > ends:
                self.clock.time = max(self.clock.time, ends)
                return
            self.clock.time = max(self.clock.time, at)
            self._happen(sweep)
        raise AssertionError(f"more than {_STEPS} things happened within {seconds} s")

    def _next_sweep(self) -> float:
        """The first full minute at which recovery finds anything; those before cost only the test's time."""
        items = stored(self.app.settings.data_table)
        due = min(
            (float(item["sweep_at"]["N"]) / 1000 for item in items if "sweep_at" in item), default=math.inf
        )
        if not self.recovers or due == math.inf:
            return math.inf
        minutes = math.ceil((max(due, self.clock.time) - self._swept) / MINUTE)
        return self._swept + max(1, minutes) * MINUTE

    def _happen(self, sweep: float) -> None:
        if sweep <= self.clock.time:
            self._swept = sweep
            self.app.recover()
            return
        ready = [entry for entry in self._queued if entry[0] <= self.clock.time]
        self._queued = [entry for entry in self._queued if entry[0] > self.clock.time]
        for _, lane, body in sorted(ready, key=lambda entry: entry[0]):
            self.hand(body, lane)

    def _collect(self) -> None:
        """Takes over what stands on the queues of AWS; delays count from now."""
        names = self.app.settings
        lanes = {
            "first": names.first_queue,
            "retry": names.retry_queue,
            "replay": names.replay_queue,
            "report": names.report_queue,
        }
        for lane, url in lanes.items():
            sent = [(self.clock.time + m.delay, lane, m.body) for m in messages(url)]
            self._queued = [] if self.loses else self._queued + sent

    def lose_queues(self) -> None:
        """Deletes everything that is queued."""
        self._collect()
        self._queued.clear()

    def hand(self, body: dict[str, Any], lane: str = "retry") -> dict[str, Any]:
        """Gives one message to its function now; the function's answer."""
        function = report if lane == "report" else deliver
        event = {"Records": [{"messageId": "1", "body": json.dumps(body)}]}
        answer: dict[str, Any] = function.handler(event, LambdaContext())
        self._note()
        return answer

    def sweep(self) -> dict[str, Any]:
        """One run of recovery now."""
        return recover.handler({}, LambdaContext(60))

    def queued(self, lane: str) -> list[tuple[float, dict[str, Any]]]:
        """(seconds from now, body) of what is queued in ``first``, ``retry``, ``replay`` or ``report``."""
        self._collect()
        return [(at - self.clock.time, body) for at, name, body in self._queued if name == lane]

    def _note(self) -> None:
        new = len(self.receiver.requests) - len(self._came)
        self._came += [self.time] * new

    # What there is

    def message(self, sid: int, seq: int) -> dict[str, Any]:
        return {"a": self.asset, "h": self.hook, "s": sid, "n": seq}

    def claim(self, sid: int, seq: int) -> dict[str, Any]:
        """An attempt begun by a process of which nothing is heard any more."""
        now = round(self.clock.time * 1000)
        lease = now + self.app.settings.lease * 1000
        return deliveries.claim(self.hook, sid, seq, now=now, lease=lease)

    def item(self, sid: int) -> dict[str, Any]:
        found = deliveries.get(self.hook, sid)
        assert found is not None
        return found

    def sweeps_in(self, sid: int) -> float:
        """Seconds until recovery looks at a delivery."""
        return float(self.item(sid)["sweep_at"] / 1000 - self.clock.time)

    def log(self, sid: int) -> dict[str, Any]:
        (found,) = [log for log in self.app.logs(self.asset, self.hook) if log["submission_id"] == sid]
        return found

    def change_hook(self, **fields: Any) -> None:
        answer = self.app.send("PATCH", self.hook_path(), fields)
        assert answer.status == 200, answer.text

    def hook_path(self, rest: str = "") -> str:
        return f"/api/v2/assets/{self.asset}/hooks/{self.hook}/{rest}"

    def retry(self, sid: int, query: str = "") -> Any:
        """The owner's retry of one delivery; the answer."""
        path = self.hook_path(f"logs/{self.log(sid)['uid']}/retry/")
        answer = self.app.call("PATCH", path, query=query)
        self._note()
        return answer

    def report_item(self) -> dict[str, Any] | None:
        return table.get(self.app.settings.data_table, keys.report("ann"))

    @property
    def mails(self) -> list[Mail]:
        return mails()

    @property
    def requests(self) -> list[Received]:
        return self.receiver.requests
