from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from formrelay.hooks import resolve


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f.0.0.1", "0177.0.0.1", "2130706433"])
def test_a_number_is_an_address_in_any_spelling_without_a_look_up(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "Thread", None)
    assert resolve.lookup(host, 80, 1) == ["127.0.0.1"]


def test_a_name_gives_each_of_its_addresses_once() -> None:
    found = resolve.lookup("localhost", 80, 5)
    assert "127.0.0.1" in found
    assert len(found) == len(set(found))


@pytest.mark.parametrize("host", ["nosuch.invalid", "", "a" * 64 + ".example", "..", "a\0b", "-"])
def test_a_name_that_does_not_resolve_is_an_error(host: str) -> None:
    with pytest.raises(resolve.DnsError):
        resolve.lookup(host or "nosuch.invalid", 80, 5)
    assert resolve.addresses("nosuch.invalid") == []


def test_a_slow_look_up_ends_at_its_time_and_too_many_at_once_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = threading.Event()

    def stuck(host: str, *args: Any, flags: int = 0, **kwargs: Any) -> Any:
        if not flags:
            release.wait(10)
        raise socket.gaierror(socket.EAI_NONAME, "no")

    monkeypatch.setattr(socket, "getaddrinfo", stuck)
    slots = threading.BoundedSemaphore(2)
    monkeypatch.setattr(resolve, "_slots", slots)
    started = time.monotonic()
    for text in ("in time", "in time", "too many"):
        with pytest.raises(resolve.DnsError, match=text):
            resolve.lookup("slow.example", 80, 0.05)
    assert time.monotonic() - started < 2
    release.set()
    assert slots.acquire(timeout=5)
    assert slots.acquire(timeout=5)
