"""What is said of previews, tests and signatures, pasted; the guides' receiver takes what the stack sends."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.e2e.shell import lines, paste
from tests.e2e.stack import ROOT, Stack, free_port, running_stack, wait_until

README = (ROOT / "README.md").read_text("utf-8")
HOOKS = (ROOT / "docs/hooks.md").read_text("utf-8")
# What the tour defined and these lines use.
PRELUDE = "\n".join(re.findall(r"^(?:api\(\)|pick\(\)|export ASSET=|export HOOK=).*$", README, re.MULTILINE))


def pasted(stack: Stack) -> dict[str, str]:
    """Pastes the lines; what they printed, and the secret that they made."""
    script = f'{PRELUDE}\n{lines(HOOKS)}\necho; echo "$SECRET"; echo "$HOOK_URL"'
    *said, secret, hook_url = paste(script, stack).splitlines()
    return {"said": "\n".join(said), "secret": secret, "hook": hook_url.removeprefix(stack.base_url)}


@contextlib.contextmanager
def receiver(secret: str, port: int, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The guides' receiver in a process of its own, in a folder of its own."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "guides.md").read_text("utf-8"), re.DOTALL)
    assert code.count("9000") == 1
    process = subprocess.Popen(
        [sys.executable, "-c", code.replace("9000", str(port))],
        cwd=folder,
        env={**os.environ, "SECRET": secret},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        wait_until(lambda: _listens(port), "the receiver listens")
        yield process
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def tried(stack: Stack, hook: str, port: int) -> dict[str, Any]:
    answer = stack.post(f"{hook}/test/", json={"endpoint": f"http://127.0.0.1:{port}/"})
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


def test_preview_test_and_signature_work_as_pasted(tmp_path: Path) -> None:
    with running_stack(tmp_path / "state", {"FORMRELAY_DEMO": "1"}) as stack:
        made = pasted(stack)
        assert '"sample":true' in made["said"]
        assert '"body":"{\\"_id\\": ' in made["said"]
        assert "}success" in made["said"]
        assert [dict(request["headers"]).get("formrelay-test") for request in stack.sink("demo")] == ["1"]
        assert stack.get(f"{made['hook']}/logs/").json()["count"] == 0

        port = free_port()
        with receiver(made["secret"], port, tmp_path) as process:
            result = tried(stack, made["hook"], port)
            assert (result["outcome"], result["status_code"]) == ("success", 204)
            assert process.stdout is not None
            assert process.stdout.readline() == f"submission {result['request']['submission']['_id']}\n"
        with receiver(f"whsec_{'A' * 43}=", port, tmp_path):
            result = tried(stack, made["hook"], port)
            assert (result["outcome"], result["status_code"]) == ("http", 401)
