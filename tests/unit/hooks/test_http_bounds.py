"""Destinations that answer too slowly, too much, or without end: each attempt ends in time and small."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from formrelay.hooks import guard, http
from formrelay.hooks.answer import CUT, MESSAGE_LIMIT, READ_LIMIT
from formrelay.hooks.http import Timeouts
from formrelay.hooks.ladder import FAILED, Outcome
from tests.support.receiver import Answer, Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = guard.policy(["127.0.0.0/8"])
SHORT = Timeouts(connect=0.3, total=0.4)
# Generous: what counts is that the attempt does not last as long as the destination wants.
SOON = 3.0


@pytest.fixture(params=[False, True], ids=["http", "https"])
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    with Receiver(tls=request.param) as running:
        yield running


@pytest.fixture
def client(receiver: Receiver) -> Iterator[http.Client]:
    made = http.Client(receiver.ca_file or None)
    yield made
    made.close()


def _post(client: http.Client, receiver: Receiver, answer: Answer) -> Outcome:
    receiver.answer = answer
    started = time.monotonic()
    outcome = client.post(receiver.url(), {}, b"x", SHORT, LOOPBACK)
    assert time.monotonic() - started < SOON
    assert outcome.duration_ms < SOON * 1000
    return outcome


@pytest.mark.parametrize(
    "answer",
    [Answer(delay=10), Answer(head_drip=0.1), Answer(interim=2, head_drip=0.1)],
    ids=lambda _: "slow",
)
def test_no_answer_in_time_is_stored_as_504(client: http.Client, receiver: Receiver, answer: Answer) -> None:
    outcome = _post(client, receiver, answer)
    assert (outcome.kind, outcome.status_code) == ("timeout", 504)
    assert outcome.message == f"{FAILED}no complete answer within 0.4 seconds"


def test_a_kept_connection_has_the_deadline_of_each_attempt(client: http.Client, receiver: Receiver) -> None:
    assert _post(client, receiver, Answer()).ok
    assert _post(client, receiver, Answer(delay=10)).kind == "timeout"
    assert _post(client, receiver, Answer()).ok
    assert receiver.connections == 2


def test_a_body_that_drips_ends_with_the_attempt_and_the_status_counts(
    client: http.Client, receiver: Receiver
) -> None:
    outcome = _post(client, receiver, Answer(202, b"x" * 1000, drip=0.05))
    assert (outcome.kind, outcome.status_code) == ("success", 202)
    assert outcome.message.startswith("x")
    assert outcome.message.endswith(CUT)


@pytest.mark.parametrize("status", [200, 302, 500])
def test_an_endless_body_is_left_after_16_kib(client: http.Client, receiver: Receiver, status: int) -> None:
    tracemalloc.start()
    outcome = _post(client, receiver, Answer(status, headers={"Location": "/else"}, endless=True))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outcome.status_code == status
    assert outcome.duration_ms < 400
    assert len(outcome.message.encode()) <= MESSAGE_LIMIT
    assert peak < 2_000_000


def test_a_connection_with_an_unread_rest_is_not_used_again(client: http.Client, receiver: Receiver) -> None:
    assert _post(client, receiver, Answer(body=b"x" * 100_000)).message.endswith(CUT)
    assert _post(client, receiver, Answer(body=b"next")).message == "next"
    assert receiver.connections == 2


def test_a_connection_whose_rest_is_still_to_come_is_not_used_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        peers: list[socket.socket] = []

        def serve() -> None:
            for body in (b"x" * (READ_LIMIT + 1), b"y" * 20_000):
                peer, _ = server.accept()
                peers.append(peer)
                peer.recv(65_536)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + body)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        client = http.Client()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        messages = [client.post(url, {}, b"z", SHORT, LOOPBACK).message[0] for _ in range(2)]
        thread.join(5)
        for peer in peers:
            peer.close()
    assert messages == ["x", "y"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(headers={"X": "y" * 70_000}),
        Answer(headers={f"X-{n}": "y" * 1000 for n in range(99)}),
        Answer(headers={f"X-{n}": "y" for n in range(200)}),
        Answer(interim=50_000),
        Answer(raw=b"HTTP/1.1 200 " + b"x" * 100_000),
        Answer(raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 50_000),
    ],
    ids=[
        "long header",
        "many long headers",
        "many headers",
        "interim flood",
        "long status",
        "continue flood",
    ],
)
def test_a_head_without_measure_is_a_failure(client: http.Client, receiver: Receiver, answer: Answer) -> None:
    outcome = _post(client, receiver, answer)
    assert (outcome.kind, outcome.status_code) == ("protocol", None)


def test_a_compressed_bomb_stays_small(client: http.Client, receiver: Receiver) -> None:
    bomb = gzip.compress(b"x" * 50_000_000)
    tracemalloc.start()
    outcome = _post(client, receiver, Answer(200, bomb, {"Content-Encoding": "gzip"}))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outcome.message.startswith("xxxx")
    assert len(outcome.message.encode()) <= MESSAGE_LIMIT
    assert peak < 2_000_000


def test_chunks_that_are_mostly_framing_are_bounded_too(client: http.Client, receiver: Receiver) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    outcome = _post(client, receiver, Answer(raw=head + (b"1;" + b"x" * 1000 + b"\r\na\r\n") * 20_000))
    assert outcome.kind == "success"
    assert 0 < len(outcome.message) < 200


def test_a_body_shorter_than_announced_is_kept_as_far_as_it_came(
    client: http.Client, receiver: Receiver
) -> None:
    outcome = _post(client, receiver, Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"))
    assert (outcome.kind, outcome.message) == ("success", f"abc{CUT}")


def test_a_receiver_that_takes_nothing_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        outcome = http.Client().post(url, {}, b"x" * 20_000_000, SHORT, LOOPBACK)
    assert (outcome.kind, outcome.status_code) == ("timeout", 504)
    assert outcome.duration_ms < SOON * 1000


def test_a_server_that_never_shakes_hands_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"https://127.0.0.1:{server.getsockname()[1]}/"
        outcome = http.Client().post(url, {}, b"x", SHORT, LOOPBACK)
    assert (outcome.kind, outcome.status_code) == ("tls", None)
    assert outcome.duration_ms < SOON * 1000


def test_a_connection_that_is_never_accepted_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        waiting = [
            socket.socket() for _ in range(4)
        ]  # fills the backlog, so that no more connections are made
        try:
            for sock in waiting:
                sock.setblocking(False)
                sock.connect_ex(address)
            outcome = http.Client().post(f"http://127.0.0.1:{address[1]}/", {}, b"x", SHORT, LOOPBACK)
        finally:
            for sock in waiting:
                sock.close()
    assert (outcome.kind, outcome.status_code) == ("connect", None)
    assert outcome.message == f"{FAILED}no connection within 0.3 seconds"


def test_a_slow_name_look_up_ends_with_the_attempt() -> None:
    seen: list[float] = []

    def resolver(host: str, port: int, timeout: float) -> list[str]:
        seen.append(timeout)
        threading.Event().wait(timeout)
        from formrelay.hooks.resolve import DnsError

        raise DnsError("the name was not resolved in time")

    outcome = http.Client().post("http://slow.example/", {}, b"x", SHORT, LOOPBACK, resolver)
    assert outcome.kind == "dns"
    assert outcome.duration_ms < SOON * 1000
    assert seen[0] <= SHORT.total
