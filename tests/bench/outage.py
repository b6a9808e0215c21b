"""The busiest receiver is down for an hour: what piles up, what others notice, how it drains. In simulated time.

PYTHONPATH=layers/formrelay/python python -m tests.bench.outage [--rate 1] [--down 60]

The real functions under the simulation's clock and fakes (tests/simulation), without any fault but the one. Two hooks
get every submission; one of their receivers refuses connections for so many minutes. One line for five minutes.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections import Counter
from typing import Any

from formrelay.storage import keys
from tests.simulation import stack
from tests.simulation.deployment import START
from tests.simulation.people import Clients, Owner, parsed
from tests.simulation.receivers import OK, REFUSE
from tests.simulation.seam import Faults
from tests.simulation.world import MINUTE, Weather, World

STEP = 5 * MINUTE
BEFORE = 10 * MINUTE
# What the template sets; the simulation's own are smaller.
_USUAL = {"FORMRELAY_PAUSE_FAILURES": "20", "FORMRELAY_PAUSE_AFTER": "600"}


class Outage:
    """The world of one outage, and its table."""

    def __init__(self, rate: float, minutes: float) -> None:
        self.rate, self.down = rate, minutes * MINUTE
        self.world = World(1, Weather(), Faults(rate=0.0, kinds=()), _USUAL)
        self.world.scheduler.steps = 10**9
        self.world.network._patience = lambda: 0.2  # type: ignore[method-assign]
        self.owner, self.clients = Owner(self.world), Clients(self.world)
        self.hooks: dict[str, str] = {}
        self.seen = 0

    def run(self) -> None:
        """Prints the table: until nothing is left to send."""
        world = self.world
        with world.open():
            world.act("owner", self._settle_in)
            world.live(world.now + 1)
            busy = world.network.receivers["busy.example.org"]
            world.scheduler.at(START + BEFORE, lambda: busy.becomes(world.now, REFUSE))
            world.scheduler.at(START + BEFORE + self.down, lambda: busy.becomes(world.now, OK))
            ends = START + BEFORE + self.down + BEFORE
            count = int((ends - world.now) * self.rate)
            for number in range(count):
                self._submit(number, (number + 1) / self.rate)
            columns = (
                "minute",
                "accepted",
                "queued",
                "parked",
                "pending",
                "failed",
                "to busy",
                "to other",
                "p95 s",
            )
            print("".join(f"{name:>9}" for name in columns))
            while self._line(world.now + STEP) or world.now < ends:
                pass

    def _settle_in(self) -> None:
        for name in ("busy", "other"):
            made = self.owner.create(self.world.network.add(f"{name}.example.org"))
            assert made is not None
            self.hooks[name] = made.uid

    def _submit(self, number: int, delay: float) -> None:
        uuid = f"00000000-0000-4000-8000-{number:012d}"
        self.world.act("client", lambda: self._post(uuid, f"s{number}"), delay)

    def _post(self, uuid: str, name: str) -> None:
        self.clients._post_json(uuid, name)

    def _line(self, until: float) -> bool:
        """Lets five minutes pass and tells of them; whether anything is left to be sent."""
        self.world.live(until)
        self.world.scheduler.now = max(self.world.scheduler.now, until)
        arrived: Counter[str] = Counter()
        delays: list[float] = []
        for arrival in self.world.network.arrivals[self.seen :]:
            arrived[arrival.host.partition(".")[0]] += 1
            if arrival.host.startswith("other"):
                uuid = parsed(arrival.body)["_uuid"]
                delays.append(arrival.time - self.clients.first_try[uuid])
        self.seen = len(self.world.network.arrivals)
        late = statistics.quantiles(delays, n=20)[-1] if len(delays) > 1 else math.nan
        queued = sum(len(queue.messages) for queue in self.world.backend.sqs.queues.values())
        trouble = self._trouble()
        numbers: list[Any] = [
            round((until - START) / MINUTE), len(self.clients.told), queued,
            *(trouble[kind] for kind in ("parked", "pending", "failed")), arrived["busy"], arrived["other"],
        ]  # fmt: skip
        print("".join(f"{number:>9}" for number in numbers) + f"{late:>9.2f}")
        return bool(queued or trouble["parked"] or trouble["pending"])

    def _trouble(self) -> Counter[str]:
        """Deliveries of the busy hook that failed, wait for another attempt, or for the end of its pause."""
        items = self.world.backend.dynamodb.tables[stack.DATA].items.values()
        kinds = {keys.trouble(self.hooks["busy"], kind): kind for kind in ("parked", "pending", "failed")}
        marks = (item.get("trouble", {}).get("S") for item in items)
        return Counter(kinds[mark] for mark in marks if mark in kinds)


def main() -> None:
    """Runs one outage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1.0, help="submissions a second")
    parser.add_argument("--down", type=float, default=60.0, help="minutes")
    options = parser.parse_args()
    Outage(options.rate, options.down).run()


if __name__ == "__main__":
    main()
