"""What each function imports when it starts: a cold start pays for every package, so each is named here."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.template import ROOT, functions

# The logger brings the first three, the clients of AWS come with the first call.
_LOGGER = {"aws_lambda_powertools", "jmespath", "typing_extensions", "botocore"}
# charset_normalizer and simplejson are optional parts of requests.
_CLIENT = {"requests", "urllib3", "certifi", "idna", "charset_normalizer", "simplejson"}
_LIGHT = {
    "ingest": _LOGGER | {"xmltodict"},
    "openrosa": _LOGGER,
    "api": _LOGGER | {"xmltodict"},
    "deliver": _LOGGER | _CLIENT,
    "recover": _LOGGER | _CLIENT,
    "report": _LOGGER,
    "bounce": _LOGGER,
    "export": _LOGGER | {"xmltodict"},
}
# Carries heavy libraries, and says so by being here.
_HEAVY = {"compile", "image"}

_LIST = """
import importlib, sys
importlib.import_module(sys.argv[1])
for name, module in sys.modules.items():
    print(name, "site-packages" in (getattr(module, "__file__", None) or ""))
"""


def loaded(name: str) -> dict[str, bool]:
    """The modules that a function has imported when it has started, and whether each is of somebody else."""
    path = os.pathsep.join((str(ROOT), str(ROOT / "layers/formrelay/python")))
    ran = subprocess.run(
        [sys.executable, "-c", _LIST, f"functions.{name}.app"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    rows = (line.split() for line in ran.stdout.splitlines())
    return {module: others == "True" for module, others in rows}


@pytest.mark.parametrize("name", sorted(_LIGHT))
def test_a_light_function_imports_what_it_needs_and_nothing_else(name: str) -> None:
    packages = {module.partition(".")[0] for module, others in loaded(name).items() if others}
    found = {package for package in packages if package.isidentifier() and package[0] != "_"}
    assert found <= _LIGHT[name]


def test_every_function_is_light_or_known_to_be_heavy() -> None:
    assert set(functions()) == set(_LIGHT) | _HEAVY


@pytest.mark.parametrize("name", ["ingest", "deliver"])
def test_what_applies_filters_is_left_to_the_first_hook_that_has_one(name: str) -> None:
    assert not {
        module for module in loaded(name) if module.startswith(("formrelay.query", "formrelay.hooks.filters"))
    }
