"""Fixtures of the simulation, and its line in pytest's closing summary."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from formrelay import aws as clients
from tests.simulation.backend import Backend, forget_clients, installed
from tests.simulation.seam import Seam
from tests.support.aws import MAIL_FROM, create_storage, environment
from tests.support.emulator import emulator

CLOSING = pytest.StashKey[list[str]]()


@pytest.fixture
def closing(request: pytest.FixtureRequest) -> list[str]:
    """Lines for the end of pytest's output."""
    return request.config.stash.setdefault(CLOSING, [])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for line in config.stash.get(CLOSING, []):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def _emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    """The environment of the functions on the emulator, and clients for it, made once."""
    folder: Path = tmp_path_factory.mktemp("emulator")
    with emulator(folder) as url:
        import boto3

        with environment({"AWS_ENDPOINT_URL": url}):
            variables = create_storage(boto3.session.Session().client("cloudformation"))
            forget_clients()
            clients._session.cache_clear()
            made = {name: clients._client(name) for name in ("dynamodb", "sqs", "s3", "kms", "sesv2")}
            made["sesv2"].create_email_identity(EmailIdentity=MAIL_FROM)
            clients._session.cache_clear()
        yield variables, made


@pytest.fixture(params=["fakes", "moto", "emulator"])
def service(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of what stands in for AWS: the simulation's fakes, moto, or the emulator of the local stack."""
    name: str = request.param
    if name == "fakes":
        backend = Backend(Seam(random.Random(1)), run=lambda *_: None)
        with installed(backend):
            yield name
        return
    if name == "moto":
        request.getfixturevalue("aws")
        yield name
        return
    variables, made = request.getfixturevalue("_emulated")
    with environment(variables) as patch:
        patch.setattr(clients, "_client", lambda name, *_, **__: made[name])
        forget_clients()
        yield name
    forget_clients()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "lax(services): stand-ins of AWS that do not keep the rule")
