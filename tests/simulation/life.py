"""One life of a world: planned by its seed, disturbed for a while, then left to come to rest."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial

from tests.simulation.deployment import START
from tests.simulation.filters import EVERYTHING, FILTERS
from tests.simulation.keepers import Keepers
from tests.simulation.people import Clients, Hook, Owner
from tests.simulation.receivers import FORBIDDEN, GONE, OK, POOR, Receiver
from tests.simulation.scheduler import StuckError
from tests.simulation.seam import KINDS, Faults
from tests.simulation.world import MINUTE, Weather, World

_SPANS = (60.0, 900.0, 3_000.0, 9_000.0)
_ROUNDS = 6
DAY = 86_400.0
_EVENTS = (
    ["submission.created"],
    ["submission.created", "submission.deleted"],
    ["submission.created", "submission.edited", "submission.deleted", "submission.validated"],
)


@dataclass(frozen=True)
class Plan:
    """What a seed decides before a world begins."""

    seed: int
    span: float
    submissions: int
    hooks: int
    meddling: int
    purges: int
    weather: Weather
    rate: float
    kinds: tuple[str, ...]
    only: int | None = None
    grace: int = 120
    keeping: int = 0
    # Of each hook by its name; and how often one of them gets another.
    filters: tuple[str, ...] = (EVERYTHING, EVERYTHING, EVERYTHING)
    filtering: int = 0
    # Whether every delivery fails for good at once, while others are being reported.
    hopeless: bool = False


def plan(seed: int) -> Plan:
    """The world of a seed. Each one has few kinds of faults, so that rare ones meet often."""
    rng = random.Random(f"plan {seed}")
    some = [rng.choice((0.0, 0.05, 0.3)) for _ in range(6)]
    filtered = random.Random(f"filters {seed}")
    filters = [EVERYTHING] * 3
    if filtered.random() < 0.3:
        filters = [filtered.choice([*FILTERS]) for _ in range(3)]
    return Plan(
        seed=seed,
        span=rng.choice(_SPANS),
        submissions=rng.choice((1, 1, 2, 3, 4)),
        hooks=rng.choice((1, 1, 2, 3)),
        meddling=rng.choice((0, 0, 3, 8)),
        purges=rng.choice((0, 0, 1, 3)),
        weather=Weather(
            duplicated=some[0],
            delayed=some[1],
            undeleted=some[2],
            lag=rng.choice((0.0, 0.5, 5.0)),
            long_lag=some[3],
            conflicts=some[4] / 2,
            partial=some[5],
            page=rng.choice((None, None, 1, 2)),
        ),
        rate=rng.choice((0.0, 0.005, 0.02, 0.05, 0.12)),
        kinds=tuple(rng.sample(KINDS, rng.randint(1, len(KINDS)))),
        # The local stack has five seconds.
        grace=rng.choice((120, 120, 5)),
        hopeless=rng.random() < 0.1,
        keeping=rng.choice((0, 0, 2, 6)),
        filters=tuple(filters),
        filtering=0 if set(filters) == {EVERYTHING} else filtered.choice((0, 0, 1, 3)),
    )


class Life:
    """A world, the people in it, and how it went."""

    def __init__(self, made: Plan) -> None:
        self.plan = made
        faults = Faults(rate=made.rate, kinds=made.kinds, only=made.only)
        # No hook is switched off for its failures while people still submit.
        variables = {
            "FORMRELAY_DEACTIVATE_AFTER": str(round(made.span) + 1_000),
            "FORMRELAY_RECOVERY_GRACE": str(made.grace),
        }
        self.world = World(made.seed, made.weather, faults, variables)
        self.owner = Owner(self.world)
        self.clients = Clients(self.world)
        self.keepers = Keepers(self.world)
        self.calmed = 0.0
        self._since = 0.0
        self._moments = [0.0, *(self.world.rng.uniform(0, made.span) for _ in range(2))]

    def run(self) -> None:
        """Lives through the plan, then until nothing is left to happen. Within :meth:`World.open`."""
        world, made = self.world, self.plan
        world.act("owner", self._settle_in)
        world.live(world.now + 1)
        self._since = world.now - START
        world.faults.active = True
        for _ in range(made.meddling):
            self.owner.meddle(self._moment())
        for _ in range(made.submissions):
            self.clients.begin(self._moment())
        for _ in range(made.filtering):
            self.owner.change_filter(self._moment())
        for _ in range(made.keeping):
            self.keepers.begin(self._moment())
        for _ in range(made.purges):
            world.scheduler.at(world.now + self._moment(), world.purge)
        world.live(world.now + made.span)
        self._calm()

    def _moment(self) -> float:
        """A time within the plan: at random, or close to when other things happen."""
        rng = self.world.rng
        close = rng.choice(self._moments) + rng.uniform(0, rng.choice((0.1, 90)))
        # Whatever recovery causes happens within a second of a full minute.
        minute = rng.randrange(round(self.plan.span / MINUTE) + 1) * MINUTE + rng.uniform(-1, 1)
        anywhere = rng.uniform(0, self.plan.span)
        ways = (minute,) if self.plan.hopeless else (anywhere, close, minute)
        return max(0.0, rng.choice(ways) - self._since)

    def _settle_in(self) -> None:
        """The owner makes the hooks, before anything goes wrong."""
        rng = self.world.rng
        for number in range(self.plan.hooks):
            receiver = self.world.network.add(f"r{number}.example.org")
            concurrency = rng.choice((None, None, None, 1))
            events = rng.choice(_EVENTS) if self.plan.keeping else ["submission.created"]
            mails = rng.random() < 0.8
            self.owner.create(
                receiver,
                self.plan.filters[number],
                email_notification=mails,
                concurrency=concurrency,
                events=events,
            )
            self._moods(receiver)

    def _moods(self, receiver: Receiver) -> None:
        """How a receiver behaves as time goes on; the last mood lasts."""
        rng = self.world.rng
        moods: list[tuple[str, ...]] = [
            (OK,),
            (OK,),
            (rng.choice(POOR),),
            (rng.choice(POOR),),
            (OK, rng.choice(POOR)),
            (OK, rng.choice(POOR), rng.choice(POOR)),
            (rng.choice((GONE, FORBIDDEN)),),
        ]
        if self.plan.hopeless:
            receiver.becomes(self.world.now, FORBIDDEN)
            return
        receiver.becomes(self.world.now, *rng.choice(moods))
        if rng.random() < 0.5:
            receiver.modes.append((self.world.now + rng.uniform(0, self.plan.span), rng.choice(moods)))

    def _calm(self) -> None:
        """No more faults: everything comes to rest; then the owner ends pauses, and what waited is sent."""
        world = self.world
        world.faults.active = False
        self.calmed = world.now
        self._rest()
        for number in range(_ROUNDS):
            waiting = [hook for hook in self.owner.hooks if not hook.deleted and self._waits(hook)]
            if not waiting:
                return
            for hook in waiting:
                if number:
                    world.network.receivers[hook.host].becomes(world.now, OK)
                world.act("owner", partial(self._wake, hook))
            world.live(world.now + 120)
            self._rest()

    def _waits(self, hook: Hook) -> bool:
        """Whether deliveries of a hook are held back, as its owner sees it."""
        answer = self.ask(f"/api/v2/assets/{self.world.made.asset}/hooks/{hook.uid}/")
        return bool(answer.get("pending_count") or answer.get("paused"))

    def ask(self, path: str) -> dict[str, object]:
        """What the API tells the owner at this moment; empty for what is not there."""
        found: list[dict[str, object]] = []

        def ask() -> None:
            answer = self.world.request("GET", path)
            if answer is not None and answer.status == 200:
                found.append(answer.json())

        self.world.act("observer", ask)
        self.world.live(self.world.now + 35)
        return found[0] if found else {}

    def _wake(self, hook: Hook) -> None:
        self.owner.change(hook, active=True, paused=False)

    def _rest(self) -> None:
        """Lets time pass until nothing is left to happen."""
        ends = self.world.now + 10 * DAY
        while self.world.now < ends:
            if not self.world.step():
                return
        raise StuckError("something still happens after ten days without faults")
