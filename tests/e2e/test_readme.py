"""The shell lines of the README's tour and of docs/hooks.md, pasted one after the other beside a running stack."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.e2e.shell import lines, paste
from tests.e2e.stack import ROOT, running_stack

# A machine under load needs more than the second that people are told to wait: the n-th of those begins once the demo
# hook has got n requests. A retry that comes before the first attempt takes its place, and one less is made.
PATIENT = """waits=0
sleep() {
  waits=$((waits + 1))
  for _ in $(seq 300); do
    [ "$(curl -sS "$BASE/_local/sink/demo?format=json" | pick '.__len__()')" -lt "$waits" ] || break
    command sleep 0.2
  done
  command sleep "$@"
}"""
# Between the chapters: how often the demo hook was sent something.
BETWEEN = """echo "--- hooks $(curl -sS "$BASE/_local/sink/demo?format=json" | pick '.__len__()')" """


README = (ROOT / "README.md").read_text("utf-8")
HOOKS = (ROOT / "docs/hooks.md").read_text("utf-8")
# What is another one in each deployment, or at each time.
_OWN = ("_id", "_xform_id_string", "_submission_time", "_submitted_by")


def alike(record: dict[str, Any]) -> list[tuple[str, Any]]:
    """A record, in its order, without what no two have alike."""
    return [(name, "…" if name in _OWN else value) for name, value in record.items()]


def test_the_readme_works_as_pasted(tmp_path: Path) -> None:
    with running_stack(
        tmp_path / "state", {"FORMRELAY_DEMO": "1", "FORMRELAY_RETRY_DELAYS": "60,600,6000"}
    ) as stack:
        tour = f"{PATIENT}\n{lines(README, 'Five-minute tour')}"
        script = f"{tour}\n{BETWEEN}\nunset -f sleep\n{lines(HOOKS)}"
        said, _, of_hooks = paste(script, stack).partition("--- hooks")
        assert '"message": "Successful submission."' in said
        assert '"_geolocation":[-1.2627,36.7926]' in said
        assert '"status":1' in said
        assert '"status_code":503' in said
        assert '{"detail":"","status_code":200}' in said
        assert '"password":"********:h' in said
        assert "<formID>" in said

        (example,) = re.findall(r"```json\n(.*?)```", HOOKS, re.DOTALL)
        assert alike(json.loads(stack.sink("demo")[0]["body"])) == alike(json.loads(example))

        assert of_hooks.startswith(" 4\n")  # requests that the demo hook had got by then
        assert '"count":3' in of_hooks  # attempts of the delivery that failed twice
        assert of_hooks.count('"detail":"No data to retry"') == 2
        assert '"kind":"replay"' in of_hooks
        assert "['submission.created', 'submission.edited']" in of_hooks
