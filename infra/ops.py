"""Commands for operators of a deployed stack: ``python -m infra.ops --help``.

They work on the deployment's own tables, with the credentials of whoever runs them.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path

import boto3

PACKAGE = Path(__file__).resolve().parents[1] / "layers" / "formrelay" / "python"


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; the exit code."""
    options = _parser().parse_args(arguments)
    _use_deployment(options.stack)
    result: int = options.command(options)
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.ops", description=__doc__.partition(":")[0])
    parser.add_argument("--stack", default="formrelay", help="name of the CloudFormation stack")
    commands = parser.add_subparsers(required=True)
    create = commands.add_parser("create-account", help="make an account and print its API key")
    create.add_argument("username")
    create.add_argument("--email", default="", help="where failure reports go")
    create.add_argument("--language", default="en", choices=("en", "fr", "es", "ar"), help="of those reports")
    create.add_argument("--superuser", action="store_true", help="may do everything")
    create.set_defaults(command=create_account)
    return parser


def _use_deployment(stack: str) -> None:
    """Gives this process the settings that the stack's functions have."""
    function = boto3.client("lambda").get_function_configuration(FunctionName=f"{stack}-api")
    os.environ.update(function["Environment"]["Variables"])
    sys.path.insert(0, str(PACKAGE))


def create_account(options: argparse.Namespace) -> int:
    """Asks for the password (or reads it from standard input) and prints the API key."""
    from formrelay import accounts
    from formrelay.errors import ApiError

    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    try:
        key = accounts.create_account(
            options.username,
            password,
            options.email,
            superuser=options.superuser,
            language=options.language,
        )
    except ApiError as error:
        print(next(iter(error.body.values()))[0], file=sys.stderr)
        return 1
    if key is None:
        print(f"There is an account {options.username} already.", file=sys.stderr)
        return 1
    print(key)
    return 0


if __name__ == "__main__":
    sys.exit(main())
