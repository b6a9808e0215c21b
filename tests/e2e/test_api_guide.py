"""The lines of docs/api-guide.md, pasted one after the other into a shell beside a running stack."""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e.shell import lines, paste
from tests.e2e.stack import ROOT, Stack


def test_the_guide_works_as_pasted(stack: Stack, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "api-guide.md").read_text("utf-8")
    said = paste(lines(text).replace("/tmp/", f"{tmp_path}/"), stack).splitlines()
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
