"""The README's shell lines, pasted one after the other into a shell beside a running stack."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.e2e.stack import ROOT, Stack, running_stack

# Between the chapters: how often the demo hook was sent something.
BETWEEN = """echo "--- hooks $(curl -sS "$BASE/_local/sink/demo?format=json" | pick '.__len__()')" """


def lines(heading: str) -> str:
    """The shell lines of a chapter, in their order."""
    text = (ROOT / "README.md").read_text("utf-8")
    chapter = text.partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    return "\n".join(re.findall(r"```bash\n(.*?)```", chapter, re.DOTALL))


def paste(script: str, stack: Stack) -> str:
    """Runs shell lines as one who follows the README; what they said."""
    pasted = subprocess.run(
        ["bash", "-c", "set -euo pipefail\n" + script],
        cwd=ROOT,
        env={**os.environ, "BASE": stack.base_url, "KEY": stack.api_key},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert pasted.returncode == 0, pasted.stderr + pasted.stdout
    return pasted.stdout


def test_the_readme_works_as_pasted(tmp_path: Path) -> None:
    with running_stack(
        tmp_path / "state", {"FORMRELAY_DEMO": "1", "FORMRELAY_RETRY_DELAYS": "60,600,6000"}
    ) as stack:
        script = f"{lines('## Five-minute tour')}\n{BETWEEN}\n{lines('## What a hook receives')}"
        said, _, of_hooks = paste(script, stack).partition("--- hooks")
        assert '"message": "Successful submission."' in said
        assert '"_geolocation":[-1.2627,36.7926]' in said
        assert '"status":1' in said
        assert '"status_code":503' in said
        assert '{"detail":"","status_code":200}' in said
        assert '"password":"********:h' in said
        assert "<formID>" in said

        assert of_hooks.startswith(" 4\n")  # requests that the demo hook had got by then
        assert '"count":3' in of_hooks  # attempts of the delivery that failed twice
        assert of_hooks.count('"detail":"No data to retry"') == 2
        assert '"kind":"replay"' in of_hooks
        assert "['submission.created', 'submission.edited']" in of_hooks
