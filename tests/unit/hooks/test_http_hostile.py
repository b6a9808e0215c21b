"""Endpoints that try to lead an attempt to a forbidden place (I7): the receiver there must count nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from formrelay.hooks import guard, http, resolve
from formrelay.hooks.http import Timeouts
from tests.support.receiver import Answer, Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMES = Timeouts(connect=1, total=5)
NOTHING_ALLOWED = guard.policy()
NAMES = {
    "public-and-private.example": ["93.184.215.14", "127.0.0.1"],
    "private-and-public.example": ["127.0.0.1", "93.184.215.14"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "sixtofour.example": ["2002:7f00:1::1"],
    "teredo.example": ["2001:0:7f00:1::1"],
    "isatap.example": ["2a00:1450::5efe:7f00:1"],
    "metadata.example": ["169.254.169.254"],
    "zone.example": ["fe80::1%lo"],
    "nonsense.example": ["not an address"],
}
HOSTILE = {
    "plain": "http://127.0.0.1:{port}/",
    "name": "http://localhost:{port}/",
    "name in capitals": "http://LOCALHOST:{port}/",
    "name with dot": "http://localhost.:{port}/",
    "any address": "http://0.0.0.0:{port}/",
    "zero": "http://0:{port}/",
    "short": "http://127.1:{port}/",
    "decimal": "http://2130706433:{port}/",
    "octal": "http://0177.0.0.1:{port}/",
    "long octal": "http://00000177.00000000.0.0000001:{port}/",
    "hexadecimal": "http://0x7f000001:{port}/",
    "hexadecimal parts": "http://0x7f.0x0.0x0.0x1:{port}/",
    "mixed": "http://0x7f.1:{port}/",
    "other loopback": "http://127.9.9.9:{port}/",
    "loopback 6": "http://[::1]:{port}/",
    "unspecified 6": "http://[::]:{port}/",
    "mapped": "http://[::ffff:127.0.0.1]:{port}/",
    "mapped, hexadecimal": "http://[::ffff:7f00:1]:{port}/",
    "compatible": "http://[::127.0.0.1]:{port}/",
    "SIIT": "http://[::ffff:0:127.0.0.1]:{port}/",
    "NAT64": "http://[64:ff9b::127.0.0.1]:{port}/",
    "6to4": "http://[2002:7f00:1::]:{port}/",
    "Teredo": "http://[2001:0:7f00:1::]:{port}/",
    "link-local with zone": "http://[fe80::1%25lo]:{port}/",
    "metadata": "http://169.254.169.254/latest/meta-data/iam/",
    "metadata, decimal": "http://2852039166/latest/meta-data/",
    "container credentials": "http://169.254.170.2/v2/credentials/",
    "runtime interface": "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
    "private": "http://10.0.0.1:{port}/",
    "full-width digits": "http://１２７.０.０.１:{port}/",
    "ideographic dots": "http://127。0。0。1:{port}/",
    "circled letters": "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/",
    "percent-encoded": "http://%31%32%37.0.0.1:{port}/",
    "user name": "http://example.com@127.0.0.1:{port}/",
    "user name and password": "http://example.com:80@127.0.0.1:{port}/",
    "encoded user name": "http://example.com%40@127.0.0.1:{port}/",
    "backslash": "http://127.0.0.1:{port}\\@example.com/",
    "backslash first": "http://nosuch.invalid\\@127.0.0.1:{port}/",
    "fragment": "http://127.0.0.1:{port}#@example.com/",
    "white space": " http://127.0.0.1:{port}/",
    "line break": "http://127.0.0.1:{port}/\r\nHost: example.com",
    "tab in the scheme": "ht\ttp://127.0.0.1:{port}/",
    "no scheme": "//127.0.0.1:{port}/",
    "other scheme": "gopher://127.0.0.1:{port}/_POST",
    "unix socket": "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "file": "file:///etc/passwd",
    "TLS": "https://127.0.0.1:{port}/",
    **{name: f"http://{name}:{{port}}/" for name in NAMES},
}


def _resolver(host: str, port: int, timeout: float) -> list[str]:
    return NAMES.get(host) or resolve.lookup(host, port, timeout)


@pytest.fixture(scope="module")
def client() -> Iterator[http.Client]:
    made = http.Client()
    yield made
    made.close()


@pytest.mark.parametrize("spelling", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_spelling_of_a_forbidden_place_reaches_it(client: http.Client, spelling: str) -> None:
    with Receiver("0.0.0.0") as forbidden:
        url = spelling.replace("{port}", str(forbidden.port))
        outcome = client.post(url, {}, b"x", TIMES, NOTHING_ALLOWED, _resolver)
        assert outcome.kind in ("forbidden", "unusable", "dns")
        assert outcome.status_code is None
        assert outcome.address is None
        assert forbidden.connections == 0
        assert forbidden.requests == []


def test_a_forbidden_endpoint_is_named_in_the_message(client: http.Client) -> None:
    url = "http://127.0.0.1:8000/in"
    outcome = client.post(url, {}, b"x", TIMES, NOTHING_ALLOWED)
    assert (outcome.kind, outcome.message) == ("forbidden", f"{url} is not allowed")
    # The message goes into mails, too.
    secret = client.post(f"{url}?token=t0p", {}, b"x", TIMES, NOTHING_ALLOWED)
    assert secret.message == f"{url}?… is not allowed"


@pytest.mark.parametrize(
    "target", ["http://127.0.0.2:{port}/in", "//127.0.0.2:{port}/", "http://[::1]:{port}/"]
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_a_forbidden_place_is_not_followed(
    client: http.Client, status: int, target: str
) -> None:
    only_first = guard.policy(["127.0.0.1/32"])
    with Receiver("127.0.0.1") as first, Receiver("0.0.0.0") as forbidden:
        location = target.replace("{port}", str(forbidden.port))
        first.answer = Answer(status, headers={"Location": location, "Refresh": f"0; url={location}"})
        outcome = client.post(first.url(), {}, b"x", TIMES, only_first)
        assert (outcome.kind, outcome.status_code) == ("redirect", status)
        assert len(first.requests) == 1
        assert forbidden.connections == 0


def test_a_name_that_changes_after_a_check_is_judged_by_what_it_is_when_connecting(
    client: http.Client,
) -> None:
    answers = iter([["93.184.215.14"], ["127.0.0.1"], ["127.0.0.1"]])
    with Receiver() as forbidden:
        url = forbidden.url(host="rebind.example")
        assert guard.allowed(next(answers)[0], NOTHING_ALLOWED)  # what a check beforehand would have seen
        for _ in range(2):
            outcome = client.post(url, {}, b"x", TIMES, NOTHING_ALLOWED, lambda *_: next(answers))
            assert outcome.kind == "forbidden"
        assert forbidden.connections == 0


def test_a_name_is_resolved_once_for_an_attempt(client: http.Client) -> None:
    asked: list[str] = []

    def resolver(host: str, port: int, timeout: float) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with Receiver() as receiver:
        allowed = guard.policy(["127.0.0.0/8"])
        assert client.post(receiver.url(host="once.example"), {}, b"x", TIMES, allowed, resolver).ok
    assert asked == ["once.example"]


def test_the_connected_peer_is_what_counts_and_gets_not_a_byte_when_forbidden(client: http.Client) -> None:
    # The kernel connects 0.0.0.0 to 127.0.0.1: the address asked for is allowed here, the one reached is not.
    only_any = guard.policy(["0.0.0.0/32"])
    for scheme in ("http", "https"):
        with Receiver() as forbidden:
            url = f"{scheme}://0.0.0.0:{forbidden.port}/"
            outcome = client.post(url, {}, b"x", TIMES, only_any)
            assert (outcome.kind, outcome.message) == ("forbidden", f"{url} is not allowed")
            assert forbidden.requests == []


def test_a_kept_connection_is_judged_again_by_the_policy_of_each_attempt() -> None:
    client = http.Client()
    with Receiver() as receiver:
        assert client.post(receiver.url(), {}, b"x", TIMES, guard.policy(["127.0.0.0/8"])).ok
        outcome = client.post(receiver.url(), {}, b"x", TIMES, NOTHING_ALLOWED)
        assert outcome.kind == "forbidden"
        assert len(receiver.requests) == 1


def test_a_port_of_the_machine_is_no_way_in(client: http.Client) -> None:
    for port in (22, 25, 80, 443, 6379, 9001):
        outcome = client.post(f"http://127.0.0.1:{port}/", {}, b"x", TIMES, NOTHING_ALLOWED)
        assert (outcome.kind, outcome.address) == ("forbidden", None)
