"""What the slow tests of the template share: builds, and one deployment to the emulator."""

from __future__ import annotations

import fcntl
import os
import platform
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.build.assemble import find_interpreter
from tests.support.aws import REGION
from tests.support.emulator import emulator
from tests.support.template import ROOT, template

HERE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"


@dataclass(frozen=True)
class Target:
    """For which Python version and processor something is built; ``interpreter`` is of that version, if at hand."""

    python: str
    arch: str
    interpreter: Path | None

    def __str__(self) -> str:
        return f"{self.python}-{self.arch}"


def _targets() -> list[Target]:
    """Every interpreter at hand on this processor, and what the template builds by default."""
    parameters = template()["Parameters"]
    versions = [name.removeprefix("python") for name in parameters["Runtime"]["AllowedValues"]]
    found = {version: find_interpreter(version) for version in versions}
    here = [Target(version, HERE, python) for version, python in found.items() if python]
    usual = parameters["Runtime"]["Default"].removeprefix("python"), parameters["Architecture"]["Default"]
    return list(dict.fromkeys([*here, Target(*usual, found[usual[0]])]))


TARGETS = _targets()
RUNNABLE = [target for target in TARGETS if target.arch == HERE and target.interpreter]


def make(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs ``make`` in the repository; fails the test with its output when it fails."""
    done = subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=ROOT,
        # Flags of a make that runs the tests are not for this one.
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"make {' '.join(words)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


def words(target: Target, folder: Path) -> tuple[str, ...]:
    """Arguments of ``make build`` and ``make deploy``."""
    return f"PYTHON={target.python}", f"ARCH={target.arch}", f"BUILD={folder}"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Target], Path]:
    """Builds for a target, once for all processes that run tests; returns the folder of functions and layers."""
    own = tmp_path_factory.getbasetemp()
    builds = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "builds"
    builds.mkdir(exist_ok=True)

    def build(target: Target) -> Path:
        folder = builds / str(target)
        with (builds / f"{target}.lock").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            # The template is the last thing that a build writes.
            if not (folder / "template.yaml").exists():
                make("build", *words(target, folder))
        return folder

    return build


@dataclass(frozen=True)
class Account:
    """An emulated AWS account that formrelay was deployed to."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """What makes an AWS client talk to it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        }

    def client(self, service: str) -> Any:
        """A client of the account; not one of formrelay's."""
        import botocore.session

        return botocore.session.Session().create_client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def variables(self, function: str) -> dict[str, str]:
        """The environment that a deployed function has."""
        found = self.client("lambda").get_function_configuration(FunctionName=f"formrelay-{function}")
        variables: dict[str, str] = found["Environment"]["Variables"]
        return variables


@pytest.fixture(scope="session")
def deployed(built: Callable[[Target], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """``make deploy`` into an empty emulated account."""
    target = TARGETS[0]
    folder = built(target)
    with emulator(tmp_path_factory.mktemp("account")) as url:
        account = Account(url)
        # --old-file: what was built is not built again.
        flags = "DEPLOY=--no-confirm-changeset --no-progressbar"
        make("--old-file=build", "deploy", flags, *words(target, folder), **account.environment)
        yield account
