"""What each command does. Every one of them may be begun again after whatever has interrupted it."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from infra.cli import collect, copying, instances, profile
from infra.cli.client import Client, key_for
from infra.cli.faults import ServerError
from infra.cli.progress import note, tracked

STATUS = {"failed": 0, "pending": 1, "success": 2, "processing": 3}
_POLL = 2.0
# Seconds that a task of the server is waited for; it goes on without us.
_PATIENCE = 3600.0
_BLOCK = 1 << 16


def login(options: argparse.Namespace) -> int:
    """Asks for the password (or reads it from standard input) and keeps the API key."""
    password = _secret("Password: ")
    kept = profile.save(options.url, key_for(options.url, options.username, password))
    print(f"Signed in; the key is kept in {kept}.")
    return 0


def _secret(prompt: str) -> str:
    return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def projects(client: Client, options: argparse.Namespace) -> int:
    """A line for each project: uid, status, submissions, name."""
    query = "asset_type:survey"
    if options.search:
        # A quote would end the value, and what follows would be read as a search of its own.
        query += f' AND name__icontains:"{options.search.replace(chr(34), " ")}"'
    for one in client.pages("/api/v2/assets/", q=query):
        count = one["deployment__submission_count"]
        print(
            f"{one['uid']}  {one['deployment_status']:<9} {count if count is not None else '–':>9}  {one['name']}"
        )
    return 0


def deploy(client: Client, options: argparse.Namespace) -> int:
    """Prints the uid of the project that has the form now."""
    data = {"library": "false", "name": options.file.name}
    if options.into:
        data["destination"] = f"{client.url}/api/v2/assets/{options.into}/"
    upload = {"file": (options.file.name, options.file.read_bytes())}
    task = client.request("POST", "/api/v2/imports/", data=data, files=upload).json()
    done = _awaited(client, f"/api/v2/imports/{task['uid']}/", "Importing")
    uid = options.into or done["messages"]["created"][0]["uid"]
    try:
        _deploy(client, uid)
    except (ServerError, KeyboardInterrupt):
        if not options.into:
            print(f"Project {uid} is made, but not deployed: go on with --into {uid}", file=sys.stderr)
        raise
    print(uid)
    return 0


def _deploy(client: Client, uid: str) -> None:
    path = f"/api/v2/assets/{uid}/deployment/"
    asset = client.get(f"/api/v2/assets/{uid}/")
    if asset["has_deployment"]:
        client.send("PATCH", path, {"active": True, "version_id": asset["version_id"]})
    else:
        client.send("POST", path, {"active": True})


def _awaited(client: Client, url: str, what: str) -> dict[str, Any]:
    """A task of the server once it is complete. Raises ServerError when it failed, or takes more than an hour."""
    began = time.monotonic()
    while True:
        task: dict[str, Any] = client.get(url)
        if task["status"] == "complete":
            note("")
            return task
        seconds = time.monotonic() - began
        if task["status"] == "error":
            messages = task["messages"]
            raise ServerError(str(messages.get("error") or json.dumps(messages, ensure_ascii=False)))
        if seconds > _PATIENCE:
            raise ServerError(f"not ready within an hour; the server goes on with it: {url}")
        note(f"{what} … {seconds:.0f} s")
        time.sleep(_POLL)


def submit(client: Client, options: argparse.Namespace) -> int:
    """Counts, and a line of error for each that failed."""
    counts, errors = instances.send(client, options.folder)
    return _told(counts["new"], counts["there"], errors)


def _told(new: int, there: int, errors: list[str]) -> int:
    print(f"{new} new, {there} were there already, {len(errors)} failed")
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


def hooks(client: Client, options: argparse.Namespace) -> int:
    """A line for each hook: uid, state, name, how its deliveries stand."""
    for hook in client.pages(f"/api/v2/assets/{options.project}/hooks/"):
        state = "off" if not hook["active"] else hook.get("health", {}).get("state", "on")
        counts = (
            f"{hook['success_count']} arrived, {hook['pending_count']} pending, {hook['failed_count']} failed"
        )
        print(f"{hook['uid']}  {state:<8} {hook['name']}: {counts}")
    return 0


def logs(client: Client, options: argparse.Namespace) -> int:
    """A line for each delivery, newest last; with ``--follow`` goes on as they change, until Ctrl-C."""
    try:
        return _follow(client, options)
    except KeyboardInterrupt:
        if not options.follow:
            raise
        return 0


def _follow(client: Client, options: argparse.Namespace) -> int:
    path = f"/api/v2/assets/{options.project}/hooks/{options.hook}/logs/"
    parameters = {"status": STATUS[options.status]} if options.status else {}
    seen: dict[str, str] = {}
    while True:
        shown = reversed(client.get(path, limit=options.lines, **parameters)["results"])
        now = {log["uid"]: log for log in shown}
        for uid, log in now.items():
            if seen.get(uid) != log["date_modified"]:
                print(_line(log), flush=True)
        if not options.follow:
            return 0
        # Only those of the last look: what is told of one does not grow with the time that it is followed.
        seen = {uid: log["date_modified"] for uid, log in now.items()}
        time.sleep(_POLL)


def _line(log: dict[str, Any]) -> str:
    code = log["status_code"] if log["status_code"] is not None else "–"
    facts = f"{log['status_str']:<10} {code}  tries {log['tries']}"
    return f"{log['date_modified']}  {log['uid']}  {log['submission_id']}  {facts}"


def retry(client: Client, options: argparse.Namespace) -> int:
    """How many deliveries are to be tried again."""
    fields = {"since": options.since, "status_code": options.status_code, "force": options.force or None}
    chosen = {name: value for name, value in fields.items() if value is not None}
    answer = client.send("PATCH", f"/api/v2/assets/{options.project}/hooks/{options.hook}/retry/", chosen)
    print(f"{answer['detail']}: {len(answer['pending_uids'])}")
    return 0


def export(client: Client, options: argparse.Namespace) -> int:
    """Writes the file; one that is interrupted leaves nothing under its name."""
    settings = {
        "type": options.type, "lang": options.lang, "fields_from_all_versions": True, "group_sep": "/",
        "hierarchy_in_labels": False, "multiple_select": "both",
    }  # fmt: skip
    if not options.out.absolute().parent.is_dir():
        raise ServerError(f"{options.out.absolute().parent} is no folder")
    task = client.send("POST", f"/api/v2/assets/{options.project}/exports/", settings)
    done = _awaited(client, task["url"], "Exporting")
    part = options.out.with_name(options.out.name + ".part")
    try:
        _download(client, done["result"], part)
        part.replace(options.out)
    finally:
        part.unlink(missing_ok=True)
    print(f"{options.out}: {options.out.stat().st_size:,} bytes")
    return 0


def _download(client: Client, url: str, to: Path) -> None:
    answer = client.request("GET", url, stream=True)
    blocks = -(-int(answer.headers.get("Content-Length", 0)) // _BLOCK)
    with to.open("wb") as file:
        for block in tracked(answer.iter_content(_BLOCK), blocks, "Downloading, blocks of 64 kB:"):
            file.write(block)


def copy(client: Client, options: argparse.Namespace) -> int:
    """The uid of the copy, the hooks that lack a password, counts."""
    key = options.source_key or os.environ.get("FORMRELAY_SOURCE_KEY") or _secret("API key there: ")
    source = Client(options.source, key)
    uid = copying.project(source, options.project, client)
    print(f"project {uid}", flush=True)
    counts, errors = copying.submissions(source, options.project, client, uid)
    for name in copying.hooks(source, options.project, client, uid):
        print(f"hook {name}: enter its password again")
    return _told(counts["new"], counts["there"], errors)


def collect_settings(client: Client, options: argparse.Namespace) -> int:
    """The text of a QR code for ODK Collect."""
    server = f"{client.url}/{options.public}" if options.public else client.url
    password = _secret("Password: ") if options.password else ""
    name = options.name or client.url.partition("://")[2]
    print(collect.settings(server, name, options.username or "", password))
    return 0
