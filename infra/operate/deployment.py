"""Which deployment a command works on: a stack in AWS, or the local one."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from pathlib import Path

import boto3

PACKAGE = Path(__file__).resolve().parents[2] / "layers" / "formrelay" / "python"


class NoDeploymentError(Exception):
    """There is nothing to work on; the message is for the operator."""


def use(stack: str, local: str | None) -> None:
    """Gives this process the settings that the deployment's functions have, and the package on its path.

    ``local`` is the address of a local stack; without it ``stack`` names one in AWS. Raises NoDeploymentError.
    """
    os.environ.update(_local(local) if local else _deployed(stack))
    if str(PACKAGE) not in sys.path:
        sys.path.insert(0, str(PACKAGE))


def _deployed(stack: str) -> dict[str, str]:
    client = boto3.client("lambda")
    try:
        function = client.get_function_configuration(FunctionName=f"{stack}-api")
    except client.exceptions.ResourceNotFoundException:
        raise NoDeploymentError(f"There is no stack {stack} in this region of the account.") from None
    return function["Environment"]["Variables"]


def _local(url: str) -> dict[str, str]:
    """What the running local stack says of itself."""
    from infra.local.config import CREDENTIALS, REGION

    try:
        with urllib.request.urlopen(f"{url}/_local/health", timeout=10) as answer:  # noqa: S310 - the operator's own
            health = json.load(answer)
    except (OSError, ValueError) as error:
        raise NoDeploymentError(f"No local stack answers at {url}: {error}") from None
    return {
        **CREDENTIALS,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": health["emulator_url"],
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        **health["settings"],
    }
