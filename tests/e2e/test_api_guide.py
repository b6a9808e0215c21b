"""The lines of docs/api-guide.md, pasted one after the other into a shell beside a running stack."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.e2e.stack import ROOT, Stack


def test_the_guide_works_as_pasted(stack: Stack, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "api-guide.md").read_text("utf-8")
    script = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)).replace("/tmp/", f"{tmp_path}/")
    done = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{script}"],
        cwd=ROOT,
        env={**os.environ, "BASE": stack.base_url, "KEY": stack.api_key},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    said = done.stdout.splitlines()
    asset = said[7]
    assert re.fullmatch(r"a\w{21}", asset)
    assert re.fullmatch(r"v\w{21}", said[3])
    assert said[11].isdigit()  # of all projects of the account, which other tests have, too
    assert [*said[:3], *said[4:7], *said[8:11], *said[12:]] == [
        "Name_of_the_well", "deployed", "2", "2", "second round", "1", "1", "0", "0", "select_one yes_no",
        "archived", "1 project has been unarchived",
    ]  # fmt: skip
    assert (tmp_path / "form.xlsx").read_bytes()[:2] == b"PK"
    assert "<h:title>Household visit</h:title>" in (tmp_path / "form.xml").read_text("utf-8")
    found = stack.get("/api/v2/assets/?q=name:'Next round'").json()
    assert found["count"] == 0
    stack.session.delete(f"{stack.base_url}/api/v2/assets/{asset}/", timeout=35)
