"""The other end of the hooks: receivers that answer, fail, hang and flap, and the network between.

The guard of the package looks at every address; what is faked is the socket and what comes out of it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from formrelay.hooks import guard, http, resolve
from formrelay.hooks.attempt import Attempt, AttemptError
from formrelay.hooks.ladder import Outcome
from tests.simulation.patches import replaced
from tests.simulation.scheduler import Process, Scheduler, SimulatedCrashError
from tests.simulation.seam import Faults, Seam

# What a receiver may do with a request.
OK, FAIL, BUSY, GONE, REDIRECT, HANG, LATE, BREAK, REFUSE, UNKNOWN, FORBIDDEN = (
    "ok", "fail", "busy", "gone", "redirect", "hang", "late", "break", "refuse", "unknown", "forbidden",
)  # fmt: skip
# Those that an owner would call a failure, and that end by themselves.
POOR = (FAIL, BUSY, REDIRECT, HANG, LATE, BREAK, REFUSE, UNKNOWN)

PUBLIC, PRIVATE = "198.51.100.7", "10.0.0.7"
# Of the documentation, so formrelay refuses it by itself; the simulated deployment allows it.
ALLOWED = "198.51.100.0/24"


@dataclass(eq=False)
class Arrival:
    """A request that reached a receiver. Times are true times; ``ended`` is when the sender knew or had given up."""

    host: str
    time: float
    headers: Mapping[str, str]
    body: bytes
    process: Process
    status: int | None = None
    _heard: float = math.inf

    @property
    def ended(self) -> float:
        """When the sender heard how it ended, or died."""
        return min(self._heard, self.process.died)

    @property
    def interrupted(self) -> bool:
        """Whether the sender died before it heard how it ended."""
        return self._heard == math.inf

    @property
    def delivered(self) -> bool:
        """Whether the receiver took it and its sender heard so."""
        return self.status is not None and 200 <= self.status <= 299 and not self.interrupted

    @property
    def delivery(self) -> str:
        return self.headers["webhook-id"]

    def heard(self, time: float, status: int | None) -> None:
        self._heard, self.status = time, status


@dataclass
class Receiver:
    """One receiver and how it behaves: from each time on, in a mode; or in one of several, by chance."""

    host: str
    modes: list[tuple[float, Sequence[str]]] = field(default_factory=lambda: [(0.0, (OK,))])

    def mode(self, now: float, rng: random.Random) -> str:
        current = [modes for since, modes in self.modes if since <= now][-1]
        return current[0] if len(current) == 1 else rng.choice(current)

    def becomes(self, now: float, *modes: str) -> None:
        """Changes its behaviour from now on."""
        self.modes.append((now, modes))


class _Peer:
    """As much of a connected socket as the guard looks at."""

    attempt: Attempt

    def __init__(self, address: str) -> None:
        self._address = address

    def getpeername(self) -> tuple[str, int]:
        return self._address, 443


class Network:
    """Names, addresses and requests on their way. ``connected`` lists every address that was connected to."""

    def __init__(self, seam: Seam, scheduler: Scheduler, faults: Faults, rng: random.Random) -> None:
        self._seam, self._scheduler, self._faults, self._rng = seam, scheduler, faults, rng
        self.receivers: dict[str, Receiver] = {}
        self.arrivals: list[Arrival] = []
        self.connected: list[str] = []

    def add(self, host: str) -> Receiver:
        receiver = self.receivers[host] = Receiver(host)
        return receiver

    def lookup(self, host: str, port: int, timeout: float) -> list[str]:
        """In the place of :func:`formrelay.hooks.resolve.lookup`."""
        receiver = self.receivers.get(host)
        mode = receiver.mode(self._scheduler.now, self._rng) if receiver else UNKNOWN
        if mode == UNKNOWN:
            raise resolve.DnsError("the name does not resolve")
        return (
            self._rng.choice(([PRIVATE], [PRIVATE, PUBLIC], [PUBLIC, PRIVATE]))
            if mode == FORBIDDEN
            else [PUBLIC]
        )

    def connect(self, attempt: Attempt, address: str, port: int) -> Any:
        """In the place of the socket's connect; what follows it is the package's own."""
        self.connected.append(address)
        peer = _Peer(address)
        attempt.adopt(peer)
        return peer

    def post(
        self,
        url: str,
        headers: Mapping[str, str | bytes],
        body: bytes,
        timeouts: http.Timeouts,
        policy: guard.Policy,
        resolver: Any = None,
    ) -> Outcome:
        """In the place of :func:`formrelay.hooks.http.post`."""
        started = self._scheduler.now
        fault = self._faults.draw(self._rng)
        if fault:
            self._faults.injected[fault] += 1
            self._seam.disturb()
        host = urlsplit(url).hostname or ""
        attempt = Attempt(
            policy=policy,
            resolver=self.lookup,
            tls=_no_tls,
            connect_timeout=timeouts.connect,
            total=timeouts.total,
            deadline=started + timeouts.total,
        )
        try:
            outcome = self._exchange(attempt, host, headers, body, fault)
        except AttemptError as error:
            outcome = http._failed(error, url)
        except SimulatedCrashError as crash:
            self._seam.note("http.POST", (host, headers.get("webhook-id")), f"died: {crash}", fault or "")
            raise
        self._seam.note("http.POST", (host, headers.get("webhook-id")), outcome, fault or "")
        took = round((self._scheduler.now - started) * 1000)
        return Outcome(
            outcome.kind,
            outcome.status_code,
            outcome.message,
            took,
            outcome.retry_after,
            attempt.address,
        )

    def _exchange(
        self, attempt: Attempt, host: str, headers: Mapping[str, str | bytes], body: bytes, fault: str | None
    ) -> Outcome:
        scheduler, process = self._scheduler, self._scheduler.current.process
        receiver = self.receivers.get(host)
        mode = receiver.mode(scheduler.now, self._rng) if receiver else UNKNOWN
        if fault == "stalled process":
            scheduler.sleep(self._rng.uniform(1, 60))
        attempt.left()
        attempt.connect(host, 443)
        scheduler.sleep(0.01)
        if fault == "crash before":
            scheduler.kill(process, fault)
            raise SimulatedCrashError(fault)
        if mode == REFUSE or fault == "error":
            raise AttemptError("connect", "no connection: refused")
        plain = {name.lower(): str(value) for name, value in headers.items()}
        arrival = Arrival(host, scheduler.now, plain, body, process)
        self.arrivals.append(arrival)
        if fault in ("crash after", "crash, late effect"):
            scheduler.sleep(self._rng.uniform(0, 1))
            scheduler.kill(process, fault)
            raise SimulatedCrashError(fault)
        if fault in ("lost call", "lost answer"):
            mode = BREAK
        return self._answered(attempt, arrival, mode)

    def _answered(self, attempt: Attempt, arrival: Arrival, mode: str) -> Outcome:
        scheduler, rng = self._scheduler, self._rng
        takes = {HANG: math.inf, LATE: attempt.total + rng.uniform(0.1, 30)}.get(mode, self._patience())
        if takes >= attempt.left():
            scheduler.sleep(attempt.left())
            arrival.heard(scheduler.now, None)
            raise attempt.late()
        scheduler.sleep(takes)
        if mode == BREAK:
            arrival.heard(scheduler.now, None)
            raise AttemptError("broken", "the connection ended before an answer")
        status, retry_after = self._status(mode)
        arrival.heard(scheduler.now, status)
        if mode == REDIRECT:
            return Outcome("redirect", status, "moved")
        return Outcome("success" if status < 300 else "http", status, "said so", retry_after=retry_after)

    def _patience(self) -> float:
        """How long a receiver takes to answer: mostly a moment."""
        return self._rng.choice((0.05, 0.05, 0.3, 1.0, self._rng.uniform(2, 19)))

    def _status(self, mode: str) -> tuple[int, str | None]:
        if mode == BUSY:
            return 503, self._rng.choice(("1", "120", "5000", "100000", "Wed, 21 Oct 2099 07:28:00 GMT"))
        if mode == OK:
            return self._rng.choice((200, 201, 204)), None
        return {GONE: 410, REDIRECT: 302}.get(mode, self._rng.choice((400, 404, 500, 502))), None


def _no_tls() -> Any:
    raise AssertionError("the simulated network has no TLS")


def patched(network: Network) -> AbstractContextManager[None]:
    """Lets the package's own connections lead into a network while it lasts."""

    def connect(attempt: Attempt, address: str, port: int) -> Any:
        return network.connect(attempt, address, port)

    return replaced(
        [
            (http, "post", network.post),
            (resolve, "lookup", network.lookup),
            (Attempt, "_connect", connect),
        ]
    )
