"""The lines of docs/guides.md and docs/command-line.md, as one who follows them runs them beside a running stack."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.shell import lines, paste
from tests.e2e.stack import ROOT, Stack, free_port, running_stack, wait_until
from tests.e2e.test_main_job import FILES, Project
from tests.e2e.test_readme_hooks import receiver
from tests.support.forms import HOUSEHOLD_ANSWERS, fill, household_xlsx, small_jpeg

GUIDES = (ROOT / "docs" / "guides.md").read_text("utf-8")
COMMANDS = (ROOT / "docs" / "command-line.md").read_text("utf-8")


def pasted(project: Project, heading: str, after: str = "") -> str:
    """What the lines of a chapter of the guides said, and those ``after`` them."""
    return paste(f"{lines(GUIDES, heading)}\n{after}", project.stack, ASSET=project.uid)


def typed(folder: Path, *words: str, said: str = "", **environment: str) -> str:
    """What a command of the command line printed, begun in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "infra.cli", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(folder / "config"), **environment},
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture
def project(stack: Stack) -> Project:
    return Project(stack, f"sink-{uuid.uuid4().hex[:8]}")


def filled(project: Project, folder: Path, names: list[str]) -> Path:
    """Forms as ODK Collect keeps them, a folder for each."""
    for name in names:
        place = folder / "instances" / name
        place.mkdir(parents=True)
        (place / f"{name}.xml").write_text(fill(project.xform, HOUSEHOLD_ANSWERS), "utf-8")
        for file in FILES:
            (place / file).write_bytes(small_jpeg())
    return folder / "instances"


def test_a_script_submits_and_may_do_so_twice(project: Project) -> None:
    assert "Successful submission" in pasted(project, "Submit by script")
    assert "Duplicate" in pasted(project, "Submit by script")


def test_the_receiver_does_each_thing_once(project: Project, tmp_path: Path) -> None:
    secret = pasted(project, "Receive: a hook's other end", 'echo "$SECRET"').strip()
    port = free_port()
    hook = f"/api/v2/assets/{project.uid}/hooks/{project.hook}"
    with receiver(secret, port, tmp_path) as process:
        endpoint = {"endpoint": f"http://127.0.0.1:{port}/"}
        changed = project.stack.session.patch(f"{project.stack.base_url}{hook}/", json=endpoint, timeout=35)
        assert changed.status_code == 200, changed.text
        assert project.submit().status_code == 201
        assert project.submit().status_code == 201
        wait_until(lambda: [log["status"] for log in project.logs()] == [2, 2], "both arrived")
        assert project.stack.post(f"{hook}/replay/", json={"all": True}).status_code == 202
        wait_until(lambda: [log["tries"] for log in project.logs()] == [2, 2], "both arrived again")
        process.terminate()
        assert process.stdout is not None
        done = process.stdout.read().splitlines()
    ids = sorted(f"submission {log['submission_id']}" for log in project.logs())
    assert sorted(done) == ids


def test_a_link_gives_spreadsheets_the_data(project: Project) -> None:
    assert project.submit().status_code == 201
    said = pasted(project, "Excel, Power BI, LibreOffice, Google Sheets", 'echo; echo "$LINK"')
    *csv, link = said.split()
    assert csv[0].startswith('"start";"end";')
    # As Power Query does: without credentials at first.
    program = {"User-Agent": "Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)"}
    book = link.removesuffix("csv") + "xlsx"
    asked = requests.get(book, headers=program, timeout=35)
    assert (asked.status_code, asked.headers["WWW-Authenticate"]) == (401, 'Basic realm="formrelay"')
    auth = (project.stack.username, project.stack.password)
    given = requests.get(book, headers=program, auth=auth, timeout=35, allow_redirects=False)
    assert (given.status_code, given.content[:2]) == (200, b"PK")


def fenced(heading: str, language: str) -> str:
    """The one block of that language in a chapter of the guides."""
    found = GUIDES.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (block,) = re.findall(rf"```{language}\n(.*?)```", found, re.DOTALL)
    return str(block)


def test_the_workflow_for_n8n_takes_the_body_as_it_was_signed_and_answers_once_it_is_through() -> None:
    workflow = json.loads(fenced("n8n", "json"))
    nodes = {node["name"]: node for node in workflow["nodes"]}
    assert nodes["Webhook"]["parameters"]["options"] == {"rawBody": True}
    assert nodes["Webhook"]["parameters"]["responseMode"] == "lastNode"
    ((following,),) = workflow["connections"]["Webhook"]["main"]
    assert nodes[following["node"]]["type"] == "n8n-nodes-base.code"


def in_n8n(code: str, delivery: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Runs the code of a Code node on a request, with what n8n gives it."""
    headers = {name.lower(): value for name, value in dict(delivery["headers"]).items()}
    script = f"""
const $json = {{ headers: {json.dumps(headers)} }};
const body = Buffer.from({json.dumps(delivery["body"])});
const node = {{ helpers: {{ getBinaryDataBuffer: async () => body }} }};
(async function () {{ {code} }}).call(node).then(
  (items) => console.log(items[0].json._id),
  (error) => {{ console.error(error.message); process.exit(1); }});
"""
    return subprocess.run(["node", "-e", script], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(shutil.which("node") is None, reason="the code is JavaScript: it takes node to run it")
def test_the_code_for_n8n_takes_what_is_signed_and_nothing_else(project: Project) -> None:
    secret = pasted(project, "Receive: a hook's other end", 'echo "$SECRET"').strip()
    code = fenced("n8n", "js").replace("whsec_…", secret)
    assert project.submit().status_code == 201
    wait_until(lambda: project.stack.sink(project.sink), "it arrived")
    (delivery,) = project.stack.sink(project.sink)
    taken = in_n8n(code, delivery)
    (log,) = project.logs()
    assert (taken.stdout, taken.stderr) == (f"{log['submission_id']}\n", "")
    forged = in_n8n(code, {**delivery, "body": delivery["body"].replace("Ana", "Eve")})
    assert (forged.returncode, forged.stderr) == (1, "Not signed by formrelay\n")


def test_every_command_does_what_its_line_says(project: Project, tmp_path: Path) -> None:
    stack = project.stack
    (tmp_path / "visits.xlsx").write_bytes(household_xlsx())
    filled(project, tmp_path, ["one", "two"])
    own = {
        "https://kf.example.org": stack.base_url,
        "ann": stack.username,
        "aBX…": project.uid,
        "hZz…": project.hook,
    }
    block = COMMANDS.partition("```\n")[2].partition("```")[0]
    said: dict[str, str] = {}
    for line in block.splitlines():
        words = shlex.split(line, comments=True)
        if words[1:3] != ["-m", "infra.cli"]:
            continue
        words = [own.get(word, word) for word in words[3:] if word != "--follow"]
        said[words[0]] = typed(tmp_path, *words, said=f"{stack.password}\n")
    assert said.keys() == {
        "login", "projects", "deploy", "collect", "submit", "hooks", "logs", "retry", "export",
    }  # fmt: skip
    assert project.uid in said["projects"]
    assert said["deploy"] == f"{project.uid}\n"
    assert said["submit"] == "2 new, 0 were there already, 0 failed\n"
    assert project.hook in said["hooks"]
    assert (tmp_path / "data.xlsx").read_bytes()[:2] == b"PK"


def test_a_project_moves_to_another_server_and_may_be_moved_twice(project: Project, tmp_path: Path) -> None:
    assert project.submit().status_code == 201
    (line,) = [line for line in COMMANDS.splitlines() if " copy " in line and line.startswith(".venv")]
    own = {
        "https://kf.kobotoolbox.org": project.stack.base_url,
        "aXYZ…": project.uid,
        "0123…": project.stack.api_key,
    }
    words = [own.get(word, word) for word in shlex.split(line)[3:]]
    with running_stack(tmp_path / "state") as other:
        login = {"FORMRELAY_URL": other.base_url, "FORMRELAY_KEY": other.api_key}
        assert "1 new, 0 were there already, 0 failed" in typed(tmp_path, *words, **login)
        assert "0 new, 1 were there already, 0 failed" in typed(tmp_path, *words, **login)
        (moved,) = other.get("/api/v2/assets/?q=asset_type:survey").json()["results"]
        (row,) = other.get(f"/api/v2/assets/{moved['uid']}/data/").json()["results"]
        (hook,) = other.get(f"/api/v2/assets/{moved['uid']}/hooks/").json()["results"]
        assert len(row["_attachments"]) == len(FILES)
        assert hook["active"] is False
        assert other.sink(project.sink) == []
