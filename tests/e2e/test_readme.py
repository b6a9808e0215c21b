"""The README's tour, pasted line by line into a shell beside a running stack."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.e2e.stack import ROOT, running_stack


def tour() -> str:
    """The shell lines of the tour, in their order."""
    text = (ROOT / "README.md").read_text("utf-8")
    section = text.partition("## Five-minute tour")[2].partition("\n## ")[0]
    return "\n".join(re.findall(r"```bash\n(.*?)```", section, re.DOTALL))


def test_the_tour_of_the_readme_works_as_pasted(tmp_path: Path) -> None:
    with running_stack(
        tmp_path / "state", {"FORMRELAY_DEMO": "1", "FORMRELAY_RETRY_DELAYS": "60,600,6000"}
    ) as stack:
        env = {**os.environ, "BASE": stack.base_url, "KEY": stack.api_key}
        script = "set -euo pipefail\n" + tour()
        pasted = subprocess.run(
            ["bash", "-c", script],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

        assert pasted.returncode == 0, pasted.stderr + pasted.stdout
        said = pasted.stdout
        assert '"message": "Successful submission."' in said
        assert '"_geolocation":[-1.2627,36.7926]' in said
        assert '"status":1' in said
        assert '"status_code":503' in said
        assert '{"detail":"","status_code":200}' in said
        assert '"password":"********:h' in said
        assert "<formID>" in said
        assert len(stack.sink("demo")) == 4
