"""The guarded client against a real receiver: what is sent, and what each ending is called."""

from __future__ import annotations

import ast
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formrelay.hooks import guard, http
from formrelay.hooks.http import Timeouts
from formrelay.hooks.ladder import FAILED, Outcome
from tests.support.receiver import Answer, Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = guard.policy(["127.0.0.0/8", "::1/128"])
TIMES = Timeouts(connect=2, total=10)
HEADERS: dict[str, str | bytes] = {
    "Content-Type": "application/json",
    "User-Agent": "formrelay/1 #h",
    "X": b"\xe9",
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def client() -> Iterator[http.Client]:
    made = http.Client()
    yield made
    made.close()


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[tuple[http.Client, Receiver]]:
    made = http.Client()
    with Receiver() as running:
        yield made, running
    made.close()


def _post(client: http.Client, url: str, body: bytes = b'{"a": 1}') -> Outcome:
    return client.post(url, HEADERS, body, TIMES, LOOPBACK)


def test_a_post_carries_exactly_our_headers_and_body(client: http.Client, receiver: Receiver) -> None:
    outcome = _post(client, receiver.url("/in?a=b%20c&d=ü"))
    [got] = receiver.requests
    assert (got.method, got.path, got.body) == ("POST", "/in?a=b%20c&d=%C3%BC", b'{"a": 1}')
    assert {name.lower(): value for name, value in got.headers} == {
        "host": f"127.0.0.1:{receiver.port}",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": "formrelay/1 #h",
        "x": "é",
        "content-length": "8",
    }
    assert outcome.kind == "success"
    assert (outcome.status_code, outcome.message, outcome.address) == (200, "ok", "127.0.0.1")


@pytest.mark.parametrize("body", [b"", b"x", b"x" * 3_000_000])
def test_a_body_of_any_size_arrives_whole(client: http.Client, receiver: Receiver, body: bytes) -> None:
    assert _post(client, receiver.url(), body).ok
    assert receiver.requests[0].body == body
    assert receiver.requests[0].header("Content-Length") == str(len(body))


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_a_success(client: http.Client, receiver: Receiver, status: int) -> None:
    receiver.answer = Answer(status, b"" if status == 204 else b"done")
    outcome = _post(client, receiver.url())
    assert (outcome.kind, outcome.status_code) == ("success", status)


@pytest.mark.parametrize("status", [101, 400, 401, 404, 410, 429, 500, 503, 599, 700])
def test_another_status_is_a_failure_with_the_body_as_message(
    client: http.Client, receiver: Receiver, status: int
) -> None:
    receiver.answer = Answer(status, b"" if status == 101 else b"<b>no</b>", {"Retry-After": "120"})
    outcome = _post(client, receiver.url())
    assert (outcome.kind, outcome.status_code) == ("http", status)
    assert outcome.message == ("" if status == 101 else "no")
    assert outcome.retry_after == "120"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_a_failure_that_names_its_location_and_is_not_followed(
    client: http.Client, receiver: Receiver, status: int
) -> None:
    receiver.answer = Answer(status, b"", {"Location": receiver.url("/else")})
    outcome = _post(client, receiver.url())
    assert (outcome.kind, outcome.status_code) == ("redirect", status)
    assert outcome.message.startswith("An error occurred when sending data to external endpoint: ")
    assert receiver.url("/else") in outcome.message
    assert len(receiver.requests) == 1


def test_connections_are_kept_and_shared_by_threads(client: http.Client, receiver: Receiver) -> None:
    for _ in range(5):
        assert _post(client, receiver.url()).ok
    assert receiver.connections == 1
    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(lambda n: _post(client, receiver.url(), b"%d" % n), range(40)))
    assert all(outcome.ok for outcome in outcomes)
    assert sorted(int(got.body) for got in receiver.requests[5:]) == list(range(40))
    assert receiver.connections <= 5


def test_no_cookie_is_sent_back(client: http.Client, receiver: Receiver) -> None:
    receiver.answer = Answer(headers={"Set-Cookie": "a=b; Path=/"})
    _post(client, receiver.url())
    _post(client, receiver.url())
    assert receiver.requests[1].header("Cookie") is None


def test_environment_and_netrc_play_no_part(
    client: http.Client,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login u password p\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with Receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url(""))
        assert _post(client, receiver.url()).ok
        assert proxy.connections == 0
    assert receiver.requests[0].header("Authorization") is None


def test_a_connection_that_the_server_closed_meanwhile_is_replaced(
    client: http.Client, receiver: Receiver
) -> None:
    receiver.answer = Answer(close=True)
    for number in (1, 2, 3):
        assert _post(client, receiver.url()).ok
        assert len(receiver.requests) == receiver.connections == number
        _wait_for_closed(receiver, number)


def _wait_for_closed(receiver: Receiver, number: int) -> None:
    deadline = time.monotonic() + 5
    while receiver.closed < number:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_an_idle_connection_is_not_trusted_for_long(
    client: http.Client, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("formrelay.clock.now", lambda: now)
    _post(client, receiver.url())
    now += 1.4
    _post(client, receiver.url())
    assert receiver.connections == 1
    now += 1.6
    _post(client, receiver.url())
    assert receiver.connections == 2


def test_a_reused_connection_that_breaks_is_one_failed_attempt_and_not_sent_again(
    client: http.Client, receiver: Receiver
) -> None:
    assert _post(client, receiver.url()).ok
    receiver.answer = Answer(hang_up=True)
    outcome = _post(client, receiver.url())
    assert (outcome.kind, outcome.status_code) == ("broken", None)
    assert len(receiver.requests) == 2
    assert receiver.connections == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(hang_up=True), "broken"),
        (Answer(reset=True), "broken"),
        (Answer(raw=b"HTTP/1.1 "), "protocol"),
        (Answer(raw=b"SSH-2.0-OpenSSH\r\n"), "protocol"),
        (Answer(raw=b"\0" * 100), "protocol"),
        (Answer(raw=b"HTTP/2 200 OK\r\n\r\n"), "protocol"),
        (Answer(raw=b"HTTP/1.1 2x0 OK\r\n\r\n"), "protocol"),
        (Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), "protocol"),
    ],
    ids=["hang-up", "reset", "half a line", "other protocol", "zeros", "HTTP 2", "no number", "two lengths"],
)
def test_an_answer_that_is_no_http_is_a_failure_without_status(
    client: http.Client, receiver: Receiver, answer: Answer, kind: str
) -> None:
    receiver.answer = answer
    outcome = _post(client, receiver.url())
    assert (outcome.kind, outcome.status_code) == (kind, None)
    assert outcome.message.startswith(FAILED)
    assert len(receiver.requests) == 1


def test_a_refused_connection_is_a_failure_without_status(client: http.Client) -> None:
    with Receiver() as gone:
        url = gone.url()
    outcome = _post(client, url)
    assert (outcome.kind, outcome.status_code, outcome.address) == ("connect", None, None)
    assert "refused" in outcome.message


def test_a_name_without_address_is_a_failure_that_says_so(client: http.Client) -> None:
    outcome = _post(client, "http://nosuch.invalid/in")
    assert (outcome.kind, outcome.status_code) == ("dns", None)
    assert outcome.message == f"{FAILED}the name does not resolve"


def test_the_next_address_is_tried_when_one_refuses(client: http.Client, receiver: Receiver) -> None:
    outcome = client.post(
        receiver.url(host="two.example"),
        HEADERS,
        b"x",
        TIMES,
        LOOPBACK,
        resolver=lambda *_: ["127.0.0.9", "127.0.0.1"],
    )
    assert (outcome.kind, outcome.address) == ("success", "127.0.0.1")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "erp",
        "ftp://127.0.0.1/",
        "http://",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "http://a..b/",
        "http://*/",
    ],
)
def test_a_url_that_cannot_be_used_is_an_outcome_too(client: http.Client, url: str) -> None:
    outcome = _post(client, url)
    assert (outcome.kind, outcome.status_code) in [("unusable", None), ("dns", None)]


@pytest.mark.parametrize("userinfo", ["u:p", "u", ":p"])
def test_a_url_with_credentials_is_not_sent(client: http.Client, receiver: Receiver, userinfo: str) -> None:
    outcome = _post(client, receiver.url(host=f"{userinfo}@127.0.0.1"))
    assert (outcome.kind, outcome.status_code) == ("unusable", None)
    assert receiver.connections == 0


def test_a_header_that_cannot_be_sent_is_unusable(client: http.Client, receiver: Receiver) -> None:
    for headers in ({"X": "a\r\nb"}, {"X": "Ž"}, {"A:b": "x"}, {"X": b"a\nb"}):
        outcome = client.post(receiver.url(), headers, b"x", TIMES, LOOPBACK)
        assert outcome.kind == "unusable"
    assert receiver.requests == []


def test_a_line_break_in_a_url_adds_no_header(client: http.Client, receiver: Receiver) -> None:
    assert _post(client, receiver.url("/in\r\nInjected: yes")).ok
    assert receiver.requests[0].header("Injected") is None
    assert receiver.requests[0].path == "/in%0D%0AInjected:%20yes"


def test_interim_answers_are_skipped(client: http.Client, receiver: Receiver) -> None:
    receiver.answer = Answer(201, interim=3)
    assert _post(client, receiver.url()).status_code == 201
    receiver.answer = Answer(202)
    assert _post(client, receiver.url()).status_code == 202


def test_a_connection_that_switched_protocols_is_not_used_again(
    client: http.Client, receiver: Receiver
) -> None:
    receiver.answer = Answer(101, b"")
    assert _post(client, receiver.url()).status_code == 101
    receiver.answer = Answer()
    assert _post(client, receiver.url()).ok
    assert receiver.connections == 2


def test_an_early_refusal_of_a_big_body_is_read(client: http.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(1000)
                peer.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(1 << 20):
                    pass

        thread = threading.Thread(target=refuse)
        thread.start()
        outcome = _post(client, f"http://127.0.0.1:{server.getsockname()[1]}/", b"x" * 8_000_000)
        thread.join(10)
    assert (outcome.kind, outcome.status_code, outcome.message) == ("http", 413, "big")


def test_an_unread_secret_is_in_no_message(client: http.Client) -> None:
    url = "http://127.0.0.1:1/in?token=TOPSECRET"
    outcome = client.post(url, {"Authorization": "Basic TOPSECRET"}, b"TOPSECRET", TIMES, LOOPBACK)
    assert outcome.kind == "connect"
    assert "TOPSECRET" not in outcome.message


def test_what_a_destination_does_puts_no_url_into_the_log(
    client: http.Client, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answer = Answer(raw=b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 1\r\n\r\na")
    assert _post(client, receiver.url("/in?token=TOPSECRET")).ok
    assert "TOPSECRET" not in caplog.text


def test_a_trusted_certificate_of_the_right_name_is_accepted_and_the_connection_kept() -> None:
    with Receiver(tls=True) as receiver:
        client = http.Client(receiver.ca_file)
        for host in ("127.0.0.1", "127.0.0.1", "localhost"):
            assert _post(client, receiver.url(host=host)).kind == "success"
        client.close()
    assert receiver.connections == 2


def test_an_untrusted_certificate_is_refused_before_anything_is_sent(client: http.Client) -> None:
    with Receiver(tls=True) as receiver:
        outcome = _post(client, receiver.url())
        assert (outcome.kind, outcome.status_code) == ("tls", None)
        assert "certificate is not accepted" in outcome.message
        assert receiver.requests == []


def test_a_certificate_of_another_name_is_refused() -> None:
    with Receiver(tls=True) as receiver:
        client = http.Client(receiver.ca_file)
        outcome = client.post(
            receiver.url(host="other.example"), HEADERS, b"x", TIMES, LOOPBACK, lambda *_: ["127.0.0.1"]
        )
        assert outcome.kind == "tls"
        assert receiver.requests == []


def test_tls_to_a_plain_server_is_a_tls_failure(client: http.Client, receiver: Receiver) -> None:
    outcome = _post(client, receiver.url().replace("http:", "https:"))
    assert (outcome.kind, outcome.status_code) == ("tls", None)
    assert outcome.message == f"{FAILED}the server does not speak TLS on that port"
    assert receiver.requests == []


def test_the_client_of_the_process_is_made_once() -> None:
    assert http.client() is http.client()


def test_the_client_loads_nothing_heavy() -> None:
    code = (
        "import sys, formrelay.hooks.http, formrelay.hooks.payload, formrelay.hooks.headers, formrelay.hooks.ladder;"
        "print(sorted({name.split('.')[0] for name in sys.modules}))"
    )
    loaded = _loaded(code)
    assert "requests" in loaded
    assert not loaded & {"pydantic", "pyxform", "openpyxl", "aws_xray_sdk", "boto3", "botocore", "xmltodict"}


def test_validation_loads_no_http_client() -> None:
    loaded = _loaded(
        "import sys, formrelay.hooks.fields, formrelay.hooks.guard, formrelay.hooks.resolve;"
        "print(sorted({name.split('.')[0] for name in sys.modules}))"
    )
    assert not loaded & {"requests", "urllib3", "http", "ssl", "email", "idna", "boto3", "pydantic"}


def _loaded(code: str) -> set[str]:
    path = [entry for entry in sys.path if entry]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ast.literal_eval(done.stdout))


_pieces = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 503\r\n",
        b"HTTP/1.1 103 x\r\n",
        b"HTTP/1.1 304 x\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 999999999999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Type: text/html; charset=\xff\r\n",
        b"Set-Cookie: a=\x00; expires=never\r\n",
        b"Location: http://[::1\r\n",
        b"Retry-After: \xe9\r\n",
        b" folded\r\n",
        b": no name\r\n",
        b"\r\n",
        b"5\r\nhello\r\n",
        b"0\r\n",
        b"zz\r\n",
        b"hello",
        b"\x1f\x8b\x08\x00",
    ]
)


@settings(max_examples=150, deadline=None)
@given(pieces=st.lists(_pieces | st.binary(max_size=20), max_size=10))
def test_any_bytes_at_all_come_back_as_an_outcome(
    fuzzed: tuple[http.Client, Receiver], pieces: list[bytes]
) -> None:
    client, receiver = fuzzed
    receiver.answer = Answer(raw=b"".join(pieces))
    receiver.requests.clear()
    client.close()
    outcome = _post(client, receiver.url())
    assert outcome.kind in ("success", "http", "redirect", "broken", "protocol")
    assert (outcome.status_code is None) == (outcome.kind in ("broken", "protocol"))
    assert len(outcome.message.encode()) <= 4096
    assert len(receiver.requests) == 1
