"""``make build``: what functions and layers consist of, for every interpreter at hand."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest

from infra.build import assemble
from tests.support.template import functions, template
from tests.template.conftest import TARGETS, Target

LAYERS = ("FormrelayLayer", "HeavyLayer", "ImagingLayer")
# ELF: e_machine of the two processors.
MACHINES = {"x86_64": 62, "arm64": 183}
MAX_UNZIPPED = 60 * 1024 * 1024
Builder = Callable[[Target], Path]

each_target = pytest.mark.parametrize("target", TARGETS, ids=str)


def files(folder: Path, pattern: str) -> Iterator[Path]:
    return (path for path in folder.rglob(pattern) if path.is_file())


def magic(interpreter: Path) -> bytes:
    code = "import importlib.util, sys; sys.stdout.buffer.write(importlib.util.MAGIC_NUMBER)"
    return subprocess.run([str(interpreter), "-I", "-c", code], capture_output=True, check=True).stdout


@each_target
def test_every_source_has_unchecked_bytecode_of_that_interpreter(target: Target, built: Builder) -> None:
    folder = built(target)
    bytecode = list(files(folder, "*.pyc"))
    if target.interpreter is None:
        assert bytecode == []
        return
    expected = magic(target.interpreter) + struct.pack("<I", 0b01)
    assert {path.read_bytes()[:8] for path in bytecode} == {expected}
    tag = f"cpython-{target.python.replace('.', '')}"
    sources = {path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc" for path in files(folder, "*.py")}
    assert sources == set(bytecode)
    assert len(sources) > 500


@each_target
def test_bytecode_names_the_place_where_lambda_puts_it(target: Target, built: Builder) -> None:
    for path in files(built(target), "ids.*.pyc"):
        assert b"/opt/python/formrelay/ids.py" in path.read_bytes()
    for path in files(built(target) / "IngestFunction", "app.*.pyc"):
        assert b"/var/task/app.py" in path.read_bytes()


@each_target
def test_native_code_is_for_that_version_and_processor(target: Target, built: Builder) -> None:
    native = list(files(built(target), "*.so"))
    assert native
    for path in native:
        assert f"cpython-{target.python.replace('.', '')}-" in path.name or "abi3" in path.name
        (machine,) = struct.unpack_from("<H", path.read_bytes(), 18)
        assert machine == MACHINES[target.arch], path.name


@each_target
def test_functions_hold_their_own_source_alone(target: Target, built: Builder) -> None:
    for name in functions():
        folder = built(target) / f"{name.capitalize()}Function"
        top = {path.name for path in folder.iterdir()} - {"__pycache__"}
        assert "app.py" in top
        assert {Path(entry).suffix for entry in top} == {".py"}


@each_target
def test_layers_do_not_overlap_and_fit_lambda_with_room_to_spare(target: Target, built: Builder) -> None:
    tops = [{path.name for path in (built(target) / name / "python").iterdir()} for name in LAYERS]
    for one, other in combinations(tops, 2):
        assert one & other <= {"__pycache__"}
    sizes = [path.stat().st_size for name in LAYERS for path in files(built(target) / name, "*")]
    assert sum(sizes) < MAX_UNZIPPED


@each_target
def test_botocore_describes_the_services_in_use_alone(target: Target, built: Builder) -> None:
    data = built(target) / "FormrelayLayer" / "python" / "botocore" / "data"
    assert {path.name for path in data.iterdir() if path.is_dir()} == assemble.SERVICES
    assert (data / "endpoints.json").is_file()


def test_build_makes_by_default_what_the_template_deploys_by_default() -> None:
    makefile = (assemble.ROOT / "Makefile").read_text("utf-8")
    inner = (assemble.ROOT / "infra" / "build" / "Makefile").read_text("utf-8")
    parameters = template()["Parameters"]
    for text in (makefile, inner):
        assert f"\nPYTHON ?= {parameters['Runtime']['Default'].removeprefix('python')}\n" in text
        assert f"\nARCH ?= {parameters['Architecture']['Default']}\n" in text


def test_without_a_matching_interpreter_it_warns_and_makes_no_bytecode(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "app.py").write_text("answer = 42\n")
    assemble.compile_all(tmp_path, "/var/task", "3.99")
    assert "no python3.99 found" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["app.py"]


def test_a_command_that_is_not_that_python_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = tmp_path / "python3.99"
    shim.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert shim in assemble.candidates("3.99")
    assert assemble.find_interpreter("3.99") is None
