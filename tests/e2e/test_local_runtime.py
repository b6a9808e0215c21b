"""Functions' processes: the Runtime API with AWS's client and with our own loop, time-outs, crashes, load."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from infra.local import functions
from infra.local.functions import Function, ThrottledError, TooLargeError
from infra.local.worker import MAX_ANSWER, MAX_EVENT
from tests.e2e.local_support import answer, invoke, launch
from tests.e2e.stack import wait_until

LOOPS = pytest.mark.parametrize("own_loop", [False, True], ids=["awslambdaric", "own loop"])


def with_function(
    folder: Path,
    body: Callable[[Function], Awaitable[None]],
    *,
    most: int = 1,
    **options: Any,
) -> None:
    """Run ``body`` with a function whose processes end with it."""

    async def run() -> None:
        function = Function(launch(folder, **options), warm=1, most=most)
        try:
            await body(function)
        finally:
            await function.stop(2.0)

    asyncio.run(run())


@LOOPS
def test_an_event_reaches_the_handler_and_its_answer_comes_back(tmp_path: Path, own_loop: bool) -> None:
    async def body(function: Function) -> None:
        event: dict[str, Any] = {"text": "ü \U0001f600", "nested": [1, 2.5, None, True]}
        result = await invoke(function, **event)
        assert not result.failed
        assert answer(result)["event"] == event

    with_function(tmp_path, body, own_loop=own_loop)


@LOOPS
def test_the_context_tells_request_function_and_time_left(tmp_path: Path, own_loop: bool) -> None:
    async def body(function: Function) -> None:
        first, second = [answer(await invoke(function, do="context")) for _ in range(2)]
        assert first["id"] != second["id"]
        assert first["name"] == "test-function"
        assert first["memory"] == "128"
        assert first["arn"].endswith(":function:test-function")
        assert 1000 < first["remaining"] <= 2000

    with_function(tmp_path, body, own_loop=own_loop)


@LOOPS
def test_the_process_gets_the_functions_environment_and_none_of_ours(
    tmp_path: Path, own_loop: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid")

    async def body(function: Function) -> None:
        seen = answer(await invoke(function, do="environment"))
        assert seen["environment"]["GREETING"] == "hello"
        assert seen["environment"]["AWS_LAMBDA_FUNCTION_NAME"] == "test-function"
        assert "HTTP_PROXY" not in seen["environment"]
        assert str(tmp_path / "code") in seen["path"]
        assert not any(Path(entry, "webserver.py").exists() for entry in seen["path"])
        assert seen["cwd"] == str(tmp_path / "code")

    with_function(tmp_path, body, own_loop=own_loop)


@LOOPS
def test_an_exception_is_an_error_with_type_and_message_and_the_process_goes_on(
    tmp_path: Path, own_loop: bool
) -> None:
    async def body(function: Function) -> None:
        before = answer(await invoke(function))["pid"]
        result = await invoke(function, do="raise", text="input")
        assert result.failed
        assert answer(result)["errorType"] == "ValueError"
        assert answer(result)["errorMessage"] == "wrong: input"
        assert answer(result)["stackTrace"]
        assert answer(await invoke(function))["pid"] == before

    with_function(tmp_path, body, own_loop=own_loop)


@LOOPS
def test_an_answer_that_is_not_json_is_an_error(tmp_path: Path, own_loop: bool) -> None:
    async def body(function: Function) -> None:
        assert (await invoke(function, do="unserialisable")).failed
        assert not (await invoke(function)).failed

    with_function(tmp_path, body, own_loop=own_loop)


@LOOPS
def test_a_crash_is_answered_and_the_process_replaced(tmp_path: Path, own_loop: bool) -> None:
    async def body(function: Function) -> None:
        before = answer(await invoke(function))["pid"]
        result = await invoke(function, do="exit")
        assert result.failed
        assert answer(result)["errorType"] == "Runtime.ExitError"
        assert "exit status 7" in answer(result)["errorMessage"]
        assert answer(await invoke(function))["pid"] != before

    with_function(tmp_path, body, own_loop=own_loop)


@LOOPS
def test_a_handler_that_takes_too_long_is_killed_and_replaced(tmp_path: Path, own_loop: bool) -> None:
    async def body(function: Function) -> None:
        before = answer(await invoke(function))["pid"]
        began = time.monotonic()
        result = await invoke(function, do="sleep", seconds=30)
        assert 0.9 < time.monotonic() - began < 30
        assert result.failed
        assert "Task timed out after 1.00 seconds" in answer(result)["errorMessage"]
        wait_until(lambda: not Path(f"/proc/{before}").exists(), "the process is gone")
        assert answer(await invoke(function))["pid"] != before

    with_function(tmp_path, body, own_loop=own_loop, timeout=1)


@LOOPS
def test_a_module_that_cannot_be_imported_is_an_error_of_each_call(tmp_path: Path, own_loop: bool) -> None:
    async def body(function: Function) -> None:
        for _ in range(2):
            result = await invoke(function)
            assert result.failed
            assert "nowhere" in answer(result)["errorMessage"]

    with_function(tmp_path, body, own_loop=own_loop, source="import nowhere\n")


@LOOPS
def test_a_module_that_ends_the_process_is_an_error(tmp_path: Path, own_loop: bool) -> None:
    async def body(function: Function) -> None:
        result = await invoke(function)
        assert result.failed
        assert "exit status 3" in answer(result)["errorMessage"]

    with_function(tmp_path, body, own_loop=own_loop, source="import os\nos._exit(3)\n")


@LOOPS
def test_what_the_handler_prints_is_in_its_log(tmp_path: Path, own_loop: bool) -> None:
    async def body(function: Function) -> None:
        await invoke(function, do="print", text="seen it")
        assert "seen it" in (tmp_path / "function.log").read_text()

    with_function(tmp_path, body, own_loop=own_loop)


@LOOPS
def test_events_and_answers_up_to_the_quota_pass_and_larger_ones_are_refused(
    tmp_path: Path, own_loop: bool
) -> None:
    async def body(function: Function) -> None:
        frame = len(json.dumps({"do": "large", "bytes": 1, "text": ""}))
        largest = json.dumps({"do": "large", "bytes": 1, "text": "x" * (MAX_EVENT - frame)}).encode()
        assert len(largest) == MAX_EVENT
        assert not (await function.invoke(largest, 20)).failed
        with pytest.raises(TooLargeError):
            await function.invoke(largest + b" ", 20)
        assert not (await invoke(function, do="large", bytes=MAX_ANSWER - 2)).failed
        result = await invoke(function, do="large", bytes=MAX_ANSWER + 1)
        assert answer(result)["errorType"] == "Function.ResponseSizeTooLarge"
        assert not (await invoke(function)).failed

    with_function(tmp_path, body, own_loop=own_loop, timeout=20)


def test_the_process_ends_by_itself_when_the_supervisor_is_gone(tmp_path: Path) -> None:
    async def pid_of(own_loop: bool) -> int:
        function = Function(launch(tmp_path, own_loop=own_loop), warm=1, most=1)
        pid = int(answer(await invoke(function))["pid"])
        for worker in function._workers:
            await worker._server.stop()  # as if we had been killed
        return pid

    for own_loop in (False, True):
        pid = asyncio.run(pid_of(own_loop))
        wait_until(lambda pid=pid: _ended(pid), "the process has ended", 10)  # type: ignore[misc]


def _ended(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_calls_wait_for_a_process_and_processes_are_added_only_when_waiting_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(function: Function) -> None:
        await invoke(function)
        monkeypatch.setattr(functions, "GROW_AFTER", 3600)
        quick = await asyncio.gather(*(invoke(function) for _ in range(50)))
        assert len({answer(result)["pid"] for result in quick}) == 1
        monkeypatch.setattr(functions, "GROW_AFTER", 0.1)
        await asyncio.gather(*(invoke(function, do="sleep", seconds=1.5) for _ in range(3)))
        assert len(function.pids) == 3

    with_function(tmp_path, body, most=3, timeout=5)


def test_a_call_that_no_process_takes_in_time_is_refused(tmp_path: Path) -> None:
    async def body(function: Function) -> None:
        await invoke(function)
        busy = asyncio.ensure_future(invoke(function, do="sleep", seconds=1))
        await asyncio.sleep(0.1)
        with pytest.raises(ThrottledError):
            await invoke(function, wait=0.2)
        assert not (await busy).failed
        assert not (await invoke(function)).failed

    with_function(tmp_path, body)


def test_an_idle_process_that_was_killed_is_replaced_without_an_error(tmp_path: Path) -> None:
    async def body(function: Function) -> None:
        pid = answer(await invoke(function))["pid"]
        os.kill(pid, 9)
        await asyncio.sleep(0.3)
        assert not (await invoke(function)).failed

    with_function(tmp_path, body)
