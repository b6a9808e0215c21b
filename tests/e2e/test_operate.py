"""Operators' commands on a local stack that runs, as typed into a shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.e2e.stack import ROOT, Stack


def typed(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.ops", "--local", stack.base_url, *arguments],
        cwd=ROOT,
        env={**os.environ, "FORMRELAY_KEY": stack.api_key},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_accounts_of_a_local_stack_are_listed(stack: Stack) -> None:
    done = typed(stack, "list-accounts")
    assert done.returncode == 0, done.stderr
    assert stack.username in [json.loads(line)["username"] for line in done.stdout.splitlines()]


def test_dead_letters_of_a_local_stack_are_sent_back(stack: Stack) -> None:
    done = typed(stack, "redrive")
    assert done.returncode == 0, done.stderr
    lanes = [json.loads(line)["lane"] for line in done.stdout.splitlines()]
    assert lanes == ["first", "retry", "replay", "report"]


def test_the_doctor_finds_a_local_stack_well(stack: Stack) -> None:
    done = typed(stack, "doctor", stack.base_url)
    assert done.returncode == 0, done.stdout
    assert "FAILED" not in done.stdout
