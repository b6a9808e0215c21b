"""AWS calls of this process, counted or disturbed through botocore's own events: nothing of ours is replaced.

    with counting() as made:
        app.deliver()
    assert made == {"dynamodb.UpdateItem": 2, "dynamodb.BatchGetItem": 1}

    with failing("sqs.SendMessage"):          # the service says no
    with crashing("dynamodb.UpdateItem", 2):  # the process dies before its second such call
    with doing("sesv2.SendEmail", step):      # something happens at the moment of the call

A call is one operation, however often botocore repeats its request.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

from formrelay import aws

_CLIENTS = (aws.dynamodb, aws.sqs, aws.s3, aws.kms, aws.sesv2)
# The first one reaches every listener, the second one whoever answers first.
_NOTED, _MADE = "before-parameter-build", "before-call"

Hook = Callable[..., Any]


class CrashError(BaseException):
    """The end of a process, at a place where a test wants it; no handler of exceptions takes it."""


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Counts calls by ``service.Operation`` while it lasts."""
    made: Counter[str] = Counter()
    lock = threading.Lock()

    def note(operation: str) -> None:
        with lock:
            made[operation] += 1

    with _listening(_NOTED, note):
        yield made


@contextmanager
def doing(operation: str, step: Callable[[], object], number: int = 1) -> Iterator[None]:
    """Takes ``step`` just before the ``number``-th call of an operation goes out, as another process would."""

    def act() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(step).result()

    with _before(operation, {number}, act):
        yield


@contextmanager
def crashing(operation: str, number: int = 1) -> Iterator[None]:
    """Ends the process, as far as that is possible here, before the ``number``-th call; swallows its end."""

    def crash() -> None:
        raise CrashError(operation)

    with _before(operation, {number}, crash), suppress(CrashError):
        yield


@contextmanager
def failing(
    operation: str, code: str = "InternalFailure", times: int = 1000, **details: Any
) -> Iterator[None]:
    """Answers the next ``times`` calls of an operation with an error of AWS instead of making them.

    ``details`` go into the answer, such as ``CancellationReasons`` of a transaction.
    """
    error = {"Error": {"Code": code, "Message": code}, **details}
    with answering(operation, error, times, status=400):
        yield


@contextmanager
def answering(operation: str, answer: dict[str, Any], times: int = 1, *, status: int = 200) -> Iterator[None]:
    """Answers the next ``times`` calls of an operation without making them."""
    given = (
        SimpleNamespace(status_code=status, headers={}),
        {"ResponseMetadata": {"HTTPStatusCode": status}, **answer},
    )
    with _before(operation, set(range(1, times + 1)), lambda: given):
        yield


@contextmanager
def _before(operation: str, numbers: set[int], act: Callable[[], Any]) -> Iterator[None]:
    seen = Counter[str]()
    lock = threading.Lock()

    def step(made: str) -> Any:
        if made != operation:
            return None
        with lock:
            seen[made] += 1
            number = seen[made]
        return act() if number in numbers else None

    with _listening(_MADE, step):
        yield


@contextmanager
def _listening(event: str, listener: Callable[[str], Any]) -> Iterator[None]:
    """Calls ``listener`` with ``service.Operation`` at that event of every call."""
    registered: list[tuple[Any, Hook]] = []
    for client in (make() for make in _CLIENTS):
        service = client.meta.service_model.service_name

        def hook(model: Any, service: str = service, **_: Any) -> Any:
            return listener(f"{service}.{model.name}")

        client.meta.events.register_first(event, hook)
        registered.append((client, hook))
    try:
        yield
    finally:
        for client, hook in registered:
            client.meta.events.unregister(event, hook)
