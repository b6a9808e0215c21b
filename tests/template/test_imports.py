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
found = {name.split(".")[0] for name, module in sys.modules.items()
         if "site-packages" in (getattr(module, "__file__", None) or "")}
print(*sorted(found))
"""


@pytest.mark.parametrize("name", sorted(_LIGHT))
def test_a_light_function_imports_what_it_needs_and_nothing_else(name: str) -> None:
    path = os.pathsep.join((str(ROOT), str(ROOT / "layers/formrelay/python")))
    ran = subprocess.run(
        [sys.executable, "-c", _LIST, f"functions.{name}.app"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    found = {package for package in ran.stdout.split() if package.isidentifier() and package[0] != "_"}
    assert found <= _LIGHT[name]


def test_every_function_is_light_or_known_to_be_heavy() -> None:
    assert set(functions()) == set(_LIGHT) | _HEAVY
