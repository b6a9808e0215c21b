"""Command line of the owner's tool."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from infra.cli import commands, profile
from infra.cli.client import Client
from infra.cli.faults import ServerError

Command = Callable[[Client, argparse.Namespace], int]

_EPILOG = """\
The key of `login` is kept in ~/.config/formrelay/login.json; FORMRELAY_URL and FORMRELAY_KEY come first.
Whatever was interrupted can be begun again: what the server has is found and left as it is.
Exit codes: 0 done, 1 something failed (said on standard error), 2 not a command, 130 interrupted.
"""
_PROJECT = "uid of the project, as `projects` lists it"
_HOOK = "uid of the hook, as `hooks` lists it"


class _Commands:
    """The parser, command by command."""

    def __init__(self) -> None:
        self.parser = argparse.ArgumentParser(
            prog="python -m infra.cli",
            description="formrelay from the command line: projects, submissions, hooks and exports.",
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self._commands = self.parser.add_subparsers(
            required=True, metavar="command", title="commands (each has --help)"
        )

    def add(self, name: str, run: Command | None, text: str, **arguments: str) -> argparse.ArgumentParser:
        """A command with its positional arguments and what is said of them."""
        made = self._commands.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".")
        for argument, meaning in arguments.items():
            made.add_argument(argument, help=meaning)
        made.set_defaults(run=run)
        return made


def _parser() -> argparse.ArgumentParser:
    all_of_them = _Commands()
    _of_projects(all_of_them)
    _of_hooks(all_of_them)
    _of_data(all_of_them)
    return all_of_them.parser


def _of_projects(commands_: _Commands) -> None:
    signing_in = "sign in with name and password, and keep the API key"
    commands_.add(
        "login", None, signing_in, url="address of the server: kf.example.org", username="name of the account"
    )
    listing = commands_.add("projects", commands.projects, "list projects: uid, status, submissions, name")
    listing.add_argument("--search", metavar="WORD", help="only those with that in their names")
    making = commands_.add(
        "deploy", commands.deploy, "make a project of an XLSForm, or replace its form, and deploy it"
    )
    making.add_argument("file", type=Path, help="the XLSForm (.xlsx or .xls)")
    making.add_argument("--into", metavar="PROJECT", help="give this project the form instead of making one")
    text = "print the settings of ODK Collect for a QR code that signs a phone in"
    phones = commands_.add("collect", commands.collect_settings, text)
    phones.add_argument("--username", metavar="NAME", help="account that collects")
    phones.add_argument(
        "--password", action="store_true", help="ask for its password and put it into the code"
    )
    phones.add_argument(
        "--public", metavar="OWNER", help="of projects of that owner that anybody may submit to"
    )
    phones.add_argument("--name", help="what Collect calls the server (its host)")


def _of_hooks(commands_: _Commands) -> None:
    commands_.add(
        "hooks", commands.hooks, "list the hooks of a project: uid, state, name, deliveries", project=_PROJECT
    )
    reading = commands_.add(
        "logs", commands.logs, "list deliveries of a hook, newest last", project=_PROJECT, hook=_HOOK
    )
    reading.add_argument("--status", choices=commands.STATUS, help="only those that stand so")
    reading.add_argument("--lines", type=int, default=50, metavar="N", help="the newest so many (50)")
    reading.add_argument("--follow", action="store_true", help="go on as they change, until Ctrl-C")
    again = commands_.add("retry", commands.retry, "try again what failed", project=_PROJECT, hook=_HOOK)
    again.add_argument("--since", metavar="TIME", help="only what changed since: 2026-11-01, in UTC")
    again.add_argument(
        "--status-code", metavar="CODE", help="only what was answered so; none for no answer at all"
    )
    again.add_argument("--force", action="store_true", help="what arrived, too")


def _of_data(commands_: _Commands) -> None:
    sending = commands_.add(
        "submit", commands.submit, "send a folder of filled forms (*.xml) with their files"
    )
    sending.add_argument("folder", type=Path, help="as ODK Collect and Briefcase keep them, at any depth")
    getting = commands_.add(
        "export", commands.export, "export the submissions of a project to a file", project=_PROJECT
    )
    getting.add_argument(
        "out", type=Path, help="the file; one of that name is replaced once this is complete"
    )
    getting.add_argument("--type", choices=("csv", "xls", "geojson"), default="csv", help="format (csv)")
    getting.add_argument(
        "--lang",
        default="_default",
        help="a language of the form, _default for its labels in the default one, _xml for names (_default)",
    )
    moving = commands_.add(
        "copy",
        commands.copy,
        "copy a project from KoboToolbox or another formrelay, with submissions, files and hooks",
        source="address of the other server: https://kf.kobotoolbox.org",
        project="uid of the project there",
    )
    moving.add_argument(
        "--source-key",
        metavar="KEY",
        help="API key there; otherwise FORMRELAY_SOURCE_KEY, or it is asked for",
    )


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.run is None:
            return commands.login(options)
        run: Command = options.run
        return run(profile.client(), options)
    except (ServerError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # Who read our output has seen enough. Python would complain of what it still holds at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            print(_said(error), file=sys.stderr)
    except KeyboardInterrupt:
        print("\nInterrupted. Begun again, it goes on where it was.", file=sys.stderr)
        return 130
    return 1


def _said(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
