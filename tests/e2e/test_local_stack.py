"""The stack as a whole: starting, stopping, restarting, and what it says when it cannot start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

from tests.e2e.stack import ROOT, Stack, free_port, running_stack, wait_until


def run_stack(state: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the stack's command to its end, which must come soon."""
    return subprocess.run(
        [sys.executable, "-m", "infra.local"],
        cwd=ROOT,
        env={**os.environ, "FORMRELAY_STATE": str(state), "FORMRELAY_DEMO": "0", **settings},
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = run_stack(tmp_path / "state", PORT=port)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.splitlines() == [
        f"formrelay: port {port} is in use: stop what listens there, or choose another with PORT"
    ]


def test_a_setting_that_cannot_be_used_is_said_in_one_line(tmp_path: Path) -> None:
    for name, value in (
        ("PORT", "http"),
        ("PORT", "70000"),
        ("FORMRELAY_RETRY_DELAYS", "soon"),
        ("FORMRELAY_REPORT_INTERVAL", "-1"),
    ):
        ended = run_stack(tmp_path / "state", **{name: value})
        assert ended.returncode == 1
        assert len(ended.stderr.splitlines()) == 1
        assert name in ended.stderr
        assert value in ended.stderr


def test_an_account_name_that_cannot_be_used_is_said_in_one_line(tmp_path: Path) -> None:
    ended = run_stack(tmp_path / "state", FORMRELAY_USER="Not A Name", PORT=str(free_port()))
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "username" in ended.stderr


def test_a_second_stack_on_the_same_state_is_refused_in_one_line(stack: Stack) -> None:
    ended = run_stack(stack.state, PORT=str(free_port()))
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "formrelay: this state folder is in use by another local stack (FORMRELAY_STATE chooses another)"
    ]


def test_it_says_where_it_is_and_whose_account_and_key_are_valid(stack: Stack) -> None:
    said = "\n".join(stack.output)
    assert f"ready on {stack.base_url}" in said
    assert stack.api_key in said
    assert f"account   {stack.username}, password {stack.password}" in said
    assert "curl " in said
    answer = requests.get(
        f"{stack.base_url}/token/?format=json", auth=(stack.username, stack.password), timeout=35
    )
    assert answer.json() == {"token": stack.api_key}


def test_it_listens_on_loopback_only(stack: Stack) -> None:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {row[1] for row in rows if row[3] == "0A"}
    port = f":{stack.port:04X}"
    assert [address for address in listening if address.endswith(port)] == [f"0100007F{port}"]


def test_stopping_ends_every_process_and_state_password_and_key_outlive_it(tmp_path: Path) -> None:
    settings = {"FORMRELAY_PASSWORD": ""}
    with running_stack(tmp_path / "state", settings) as stack:
        password_line = next(line for line in stack.output if "password" in line)
        key, pids = stack.api_key, stack.pids()
        made = stack.post(
            "/api/v2/assets/", json={"name": "Kept", "asset_type": "survey", "content": {"survey": []}}
        )
        assert made.status_code == 201
        stack.post("/_local/sink/kept", data=b"x")
        assert stack.stop() == 0
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]

        began = time.monotonic()
        stack.start()
        assert time.monotonic() - began < 30
        assert stack.api_key == key
        assert next(line for line in stack.output if "password" in line) == password_line
        assert [asset["uid"] for asset in stack.get("/api/v2/assets/").json()["results"]] == [
            made.json()["uid"]
        ]
        assert len(stack.sink("kept")) == 1
    assert (tmp_path / "state" / "password").stat().st_mode & 0o077 == 0


def test_another_password_for_an_account_that_exists_is_pointed_out(tmp_path: Path) -> None:
    with running_stack(tmp_path / "state") as stack:
        stack.stop()
    with running_stack(tmp_path / "state", {"FORMRELAY_PASSWORD": "some other one"}) as stack:
        assert "formrelay: the account demo was made with another password and keeps that one" in stack.output


def test_an_orphaned_stack_ends_by_itself_and_another_one_takes_over_at_once(tmp_path: Path) -> None:
    with running_stack(tmp_path / "state") as stack:
        pids = stack.pids()
        supervisor = requests.get(f"{stack.base_url}/_local/health", timeout=10).json()["pids"]["supervisor"][
            0
        ]
        os.kill(supervisor, 9)
        assert stack._process is not None
        stack._process.wait(10)
        stack.start()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "the orphans are gone")
        assert stack.get("/api/v2/assets/").ok


def test_when_the_emulator_dies_the_stack_stops_and_says_so(tmp_path: Path) -> None:
    with running_stack(tmp_path / "state") as stack:
        pids = stack.pids()
        emulator = requests.get(f"{stack.base_url}/_local/health", timeout=10).json()["pids"]["emulator"][0]
        os.kill(emulator, 9)
        assert stack._process is not None
        assert stack._process.wait(20) == 1
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_functions_run_with_our_own_loop_where_awss_client_is_missing(tmp_path: Path) -> None:
    with running_stack(tmp_path / "state", {"FORMRELAY_OWN_LOOP": "1"}) as stack:
        pid = requests.get(f"{stack.base_url}/_local/health", timeout=10).json()["pids"]["api"][0]
        assert "bootstrap.py" in Path(f"/proc/{pid}/cmdline").read_text()
        assert stack.get("/api/v2/assets/").json()["count"] == 0
