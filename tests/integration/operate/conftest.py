"""Operators' commands, run as from a shell on the storage of a test."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from formrelay.settings import Settings
from infra import ops
from infra.operate import deployment


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    output: str
    remarks: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.splitlines()]


Run = Callable[..., Ran]


@pytest.fixture
def run(aws: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command. The settings of the deployment are those of the test already."""
    monkeypatch.setattr(deployment, "use", lambda *_: None)

    def ran(*arguments: str, given: str = "") -> Ran:
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        capsys.readouterr()
        code = ops.main(list(arguments))
        captured = capsys.readouterr()
        # Our own functions log to standard output, too.
        output = [line for line in captured.out.splitlines() if not line.startswith('{"level"')]
        return Ran(code, "\n".join(output), captured.err)

    return ran
