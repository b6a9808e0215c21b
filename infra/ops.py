"""Commands for operators of a deployment: ``python -m infra.ops --help``.

They work on the deployment's own tables, queues and files, with the credentials of whoever runs them.
"""

from __future__ import annotations

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError

from infra.operate import accounts, archives, deployment, doctor, redrive, reseal, resend, stuck
from infra.operate.command import RefusedError, note

COMMANDS = [
    command
    for module in (accounts, stuck, redrive, resend, archives, reseal, doctor)
    for command in module.COMMANDS
]
LOCAL = "http://127.0.0.1:8000"


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; the exit code: 1 for what was found wrong or refused, 130 when interrupted."""
    options = _parser().parse_args(_spelled_out(sys.argv[1:] if arguments is None else arguments))
    try:
        if not options.command.remote:
            deployment.use(options.stack, options.local)
        code: int = options.command.run(options)
    except (RefusedError, deployment.NoDeploymentError) as error:
        note(str(error))
        return 1
    except (BotoCoreError, ClientError) as error:
        # No credentials, no region, no rights, no network: all of them say what is missing.
        note(f"AWS: {error}")
        return 1
    except KeyboardInterrupt:
        note("Interrupted.")
        return 130
    return code


def _spelled_out(arguments: list[str]) -> list[str]:
    """The same with the address behind every ``--local``: argparse would take the command for it."""
    spelled: list[str] = []
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        alone = word == "--local" and not following.startswith(("http://", "https://"))
        spelled.append(f"--local={LOCAL}" if alone else word)
    return spelled


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.ops", description=__doc__.partition(":")[0])
    parser.add_argument("--stack", default="formrelay", help="name of the CloudFormation stack")
    parser.add_argument("--local", nargs="?", metavar="URL", help=f"the local stack ({LOCAL})")
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in COMMANDS:
        own = commands.add_parser(command.name, help=command.help, description=command.help)
        command.arguments(own)
        own.set_defaults(command=command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
