"""Command line of the owner's tool."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from infra.cli import copying, instances, profile
from infra.cli.client import Client, ServerError, key_for

Command = Callable[[Client, argparse.Namespace], int]
_STATUS = {"failed": 0, "pending": 1, "success": 2, "processing": 3}
_POLL = 2.0


def login(options: argparse.Namespace) -> int:
    """Asks for the password (or reads it from standard input) and keeps the API key."""
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    kept = profile.save(options.url, key_for(options.url, options.username, password))
    print(f"Signed in; the key is kept in {kept}.")
    return 0


def projects(client: Client, options: argparse.Namespace) -> int:
    query = "asset_type:survey" + (f' AND name__icontains:"{options.search}"' if options.search else "")
    for one in client.pages("/api/v2/assets/", q=query):
        count = one["deployment__submission_count"]
        print(
            f"{one['uid']}  {one['deployment_status']:<9} {count if count is not None else '–':>9}  {one['name']}"
        )
    return 0


def deploy(client: Client, options: argparse.Namespace) -> int:
    data = {"library": "false", "name": options.file.name}
    if options.into:
        data["destination"] = f"{client.url}/api/v2/assets/{options.into}/"
    upload = {"file": (options.file.name, options.file.read_bytes())}
    task = client.request("POST", "/api/v2/imports/", data=data, files=upload).json()
    while task["status"] not in ("complete", "error"):
        time.sleep(_POLL)
        task = client.get(f"/api/v2/imports/{task['uid']}/")
    done = client.get(f"/api/v2/imports/{task['uid']}/") if "messages" not in task else task
    if done["status"] == "error":
        raise ServerError(json.dumps(done["messages"]))
    uid = options.into or done["messages"]["created"][0]["uid"]
    path = f"/api/v2/assets/{uid}/deployment/"
    asset = client.get(f"/api/v2/assets/{uid}/")
    if asset["has_deployment"]:
        client.send("PATCH", path, {"active": True, "version_id": asset["version_id"]})
    else:
        client.send("POST", path, {"active": True})
    print(uid)
    return 0


def submit(client: Client, options: argparse.Namespace) -> int:
    counts, errors = instances.send(client, options.folder)
    return _told(counts["new"], counts["there"], errors)


def _told(new: int, there: int, errors: list[str]) -> int:
    print(f"{new} new, {there} were there already, {len(errors)} failed")
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


def hooks(client: Client, options: argparse.Namespace) -> int:
    for hook in client.pages(f"/api/v2/assets/{options.project}/hooks/"):
        state = "off" if not hook["active"] else hook.get("health", {}).get("state", "on")
        counts = (
            f"{hook['success_count']} arrived, {hook['pending_count']} pending, {hook['failed_count']} failed"
        )
        print(f"{hook['uid']}  {state:<8} {hook['name']}: {counts}")
    return 0


def logs(client: Client, options: argparse.Namespace) -> int:
    """Prints a line for each delivery, oldest last; with ``--follow`` goes on as they change."""
    path = f"/api/v2/assets/{options.project}/hooks/{options.hook}/logs/"
    parameters = {"status": _STATUS[options.status]} if options.status else {}
    seen: dict[str, str] = {}
    while True:
        for log in reversed(client.get(path, limit=options.lines, **parameters)["results"]):
            if seen.get(log["uid"]) != log["date_modified"]:
                seen[log["uid"]] = log["date_modified"]
                print(_line(log), flush=True)
        if not options.follow:
            return 0
        time.sleep(_POLL)


def _line(log: dict[str, Any]) -> str:
    code = log["status_code"] if log["status_code"] is not None else "–"
    facts = f"{log['status_str']:<10} {code}  tries {log['tries']}"
    return f"{log['date_modified']}  {log['uid']}  {log['submission_id']}  {facts}"


def retry(client: Client, options: argparse.Namespace) -> int:
    fields = {"since": options.since, "status_code": options.status_code, "force": options.force or None}
    chosen = {name: value for name, value in fields.items() if value is not None}
    answer = client.send("PATCH", f"/api/v2/assets/{options.project}/hooks/{options.hook}/retry/", chosen)
    print(f"{answer['detail']}: {len(answer['pending_uids'])}")
    return 0


def export(client: Client, options: argparse.Namespace) -> int:
    settings = {
        "type": options.type, "lang": options.lang, "fields_from_all_versions": True, "group_sep": "/",
        "hierarchy_in_labels": False, "multiple_select": "both",
    }  # fmt: skip
    task = client.send("POST", f"/api/v2/assets/{options.project}/exports/", settings)
    while task["status"] not in ("complete", "error"):
        time.sleep(_POLL)
        task = client.get(task["url"])
    if task["status"] == "error":
        raise ServerError(json.dumps(task["messages"]))
    answer = client.request("GET", task["result"], stream=True)
    with options.out.open("wb") as file:
        for block in answer.iter_content(1 << 16):
            file.write(block)
    print(f"{options.out}: {options.out.stat().st_size:,} bytes")
    return 0


def copy(client: Client, options: argparse.Namespace) -> int:
    source = Client(options.source, options.source_key)
    uid = copying.project(source, options.project, client)
    print(f"project {uid}")
    counts, errors = copying.submissions(source, options.project, client, uid)
    lacking = copying.hooks(source, options.project, client, uid)
    for name in lacking:
        print(f"hook {name}: enter its password again")
    return _told(counts["new"], counts["there"], errors)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.cli", description="formrelay from the command line"
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, run: Command, text: str, *arguments: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text)
        for argument in arguments:
            made.add_argument(argument)
        made.set_defaults(run=run)
        return made

    signing = commands.add_parser("login", help="sign in with name and password, and keep the API key")
    signing.add_argument("url")
    signing.add_argument("username")
    signing.set_defaults(run=None)
    command("projects", projects, "list projects").add_argument("--search")
    deploying = command("deploy", deploy, "make a project of an XLSForm, or replace its form, and deploy it")
    deploying.add_argument("file", type=Path)
    deploying.add_argument("--into", metavar="PROJECT")
    command("submit", submit, "send a folder of instances with their files").add_argument("folder", type=Path)
    command("hooks", hooks, "list the hooks of a project", "project")
    reading = command("logs", logs, "list deliveries of a hook", "project", "hook")
    reading.add_argument("--status", choices=_STATUS)
    reading.add_argument("--lines", type=int, default=50)
    reading.add_argument("--follow", action="store_true")
    again = command("retry", retry, "retry what failed", "project", "hook")
    again.add_argument("--since")
    again.add_argument("--status-code")
    again.add_argument("--force", action="store_true", help="what arrived, too")
    getting = command("export", export, "export submissions to a file", "project")
    getting.add_argument("out", type=Path)
    getting.add_argument("--type", choices=("csv", "xls", "geojson"), default="csv")
    getting.add_argument("--lang", default="_default")
    moving = command(
        "copy", copy, "copy a project from another server, with submissions and hooks", "source", "project"
    )
    moving.add_argument("--source-key", required=True, help="API key there")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.run is None:
            return login(options)
        run: Command = options.run
        return run(profile.client(), options)
    except profile.NotSignedInError:
        print("Not signed in: python -m infra.cli login URL USERNAME", file=sys.stderr)
    except (ServerError, requests.RequestException, OSError) as error:
        print(str(error), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
