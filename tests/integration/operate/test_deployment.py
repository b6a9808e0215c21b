"""Which deployment a command works on."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from infra import ops
from infra.operate import deployment
from tests.support.receiver import Answer, Receiver
from tests.support.template import ROOT


def test_a_stack_in_aws_gives_the_settings_of_its_api_function(
    receiver: Receiver, aws: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", receiver.url())
    variables = {"FORMRELAY_DATA_TABLE": "formrelay-DataTable-1"}
    body = json.dumps({"Environment": {"Variables": variables}}).encode()
    receiver.answer = Answer(200, body, {"Content-Type": "application/json"})
    assert deployment._deployed("forms") == variables
    assert receiver.requests[0].path.endswith("/functions/forms-api/configuration")


def test_a_stack_that_is_not_there_is_said_so(
    receiver: Receiver, aws: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", receiver.url())
    receiver.answer = Answer(404, b"{}", {"x-amzn-ErrorType": "ResourceNotFoundException"})
    with pytest.raises(deployment.NoDeploymentError, match="no stack forms"):
        deployment._deployed("forms")


def test_a_local_stack_gives_its_emulator_and_its_settings(receiver: Receiver) -> None:
    health = {"emulator_url": "http://127.0.0.1:4566", "settings": {"FORMRELAY_BUCKET": "b"}}
    receiver.answer = Answer(200, json.dumps(health).encode())
    found = deployment._local(receiver.url().rstrip("/"))
    assert (found["AWS_ENDPOINT_URL"], found["FORMRELAY_BUCKET"]) == ("http://127.0.0.1:4566", "b")


def test_a_local_stack_that_does_not_run_is_said_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.ops", "--local", "http://127.0.0.1:9", "list-accounts"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("No local stack answers at http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "AWS: You must specify a region."),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "AWS: Unable to locate credentials"),
    ],
)
def test_what_the_environment_lacks_for_aws_is_said_in_one_line(given: dict[str, str], said: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nowhere = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull}
    nowhere["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    done = subprocess.run(
        [sys.executable, "-m", "infra.ops", "list-accounts"],
        cwd=ROOT,
        env={**kept, **nowhere, **given},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr.strip()) == (1, "", said)


def test_the_local_stack_needs_no_address() -> None:
    options = ops._parser().parse_args(ops._spelled_out(["--local", "stuck", "--minutes", "5"]))
    assert (options.local, options.command.name, options.minutes) == (ops.LOCAL, "stuck", 5)


def test_help_names_every_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.ops", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert [command.name for command in ops.COMMANDS if command.name not in done.stdout] == []
