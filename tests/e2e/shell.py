"""The shell lines of the documentation, pasted beside a running stack as by one who follows it."""

from __future__ import annotations

import os
import re
import subprocess

from tests.e2e.stack import ROOT, Stack


def lines(text: str, heading: str = "") -> str:
    """The shell lines of a text, in their order, or of one of its chapters."""
    if heading:
        text = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL))
    assert found, heading
    return found


def paste(script: str, stack: Stack, **environment: str) -> str:
    """What the lines said, with the variables that ``make run`` tells to set."""
    done = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{script}"],
        cwd=ROOT,
        env={**os.environ, "BASE": stack.base_url, "KEY": stack.api_key, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout
