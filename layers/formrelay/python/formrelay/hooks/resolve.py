"""Name resolution in bounded time: ``getaddrinfo`` has no time-out of its own, so it runs in a thread."""

from __future__ import annotations

import queue
import socket
import threading

# Look-ups that hang keep their thread until the resolver gives up; more than this many at once are refused.
_MAX_THREADS = 64
_slots = threading.BoundedSemaphore(_MAX_THREADS)


class DnsError(Exception):
    """The name has no address, or none came in time."""


def lookup(host: str, port: int, timeout: float) -> list[str]:
    """All addresses of ``host`` as texts, in the system's order of preference.

    Numbers in any spelling the system takes (``0x7f.1``) cost no look-up. Raises DnsError.
    """
    try:
        return _addresses(host, port, socket.AI_NUMERICHOST)
    except (OSError, ValueError):
        pass
    if not _slots.acquire(timeout=timeout):
        raise DnsError("too many name look-ups are under way")
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()
    try:
        threading.Thread(target=_work, args=(host, port, answers), daemon=True).start()
    except RuntimeError:
        _slots.release()
        raise DnsError("no thread to look up the name") from None
    try:
        answer = answers.get(timeout=timeout)
    except queue.Empty:
        raise DnsError("the name was not resolved in time") from None
    if isinstance(answer, Exception) or not answer:
        raise DnsError("the name does not resolve") from None
    return answer


def addresses(host: str, timeout: float = 3) -> list[str]:
    """All addresses of a host; none when it does not resolve within ``timeout`` seconds."""
    try:
        return lookup(host, 0, timeout)
    except DnsError:
        return []


def _work(host: str, port: int, answers: queue.SimpleQueue[list[str] | Exception]) -> None:
    try:
        answers.put(_addresses(host, port, 0))
    except (OSError, ValueError) as error:
        answers.put(error)
    finally:
        _slots.release()


def _addresses(host: str, port: int, flags: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
