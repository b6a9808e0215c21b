"""Puts together what one function or layer of the template ships, for a Python version and a processor.

``sam build`` runs it through the Makefile beside it; it needs the standard library and pip alone.
Lambda rejects ordinary bytecode (the archive's time stamps are all 1980) and starts twice as slowly without any,
so bytecode is made that is never checked against its source. Only the interpreter of that version can make it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PLATFORMS = {
    "arm64": ("manylinux2014_aarch64", "manylinux_2_17_aarch64"),
    "x86_64": ("manylinux2014_x86_64", "manylinux_2_17_x86_64"),
}
# What botocore needs of its 20 MB of service descriptions: the clients of formrelay.aws, and sts for roles.
SERVICES = {"dynamodb", "kms", "lambda", "s3", "sesv2", "sqs", "sts"}
# Of no use once installed.
USELESS = ("bin", "**/__pycache__", "**/tests", "**/*.dist-info/RECORD", "boto3/examples")


def main() -> None:
    """Command line: logical id, ``--python 3.13``, ``--arch arm64``, ``--to folder``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", help="logical id in template.yaml, such as IngestFunction")
    parser.add_argument("--python", required=True, metavar="3.x")
    parser.add_argument("--arch", required=True, choices=sorted(PLATFORMS))
    parser.add_argument("--to", required=True, type=Path)
    wanted = parser.parse_args()
    if wanted.name.endswith("Layer"):
        folder = wanted.to / "python"
        layer(short(wanted.name, "Layer"), folder, wanted.python, wanted.arch)
        place = "/opt/python"
    else:
        folder = wanted.to
        function(short(wanted.name, "Function"), folder)
        place = "/var/task"
    compile_all(folder, place, wanted.python)


def short(logical_id: str, kind: str) -> str:
    """``IngestFunction`` → ``ingest``."""
    return logical_id.removesuffix(kind).lower()


def function(name: str, to: Path) -> None:
    """Copies the source of a function."""
    shutil.copytree(
        ROOT / "functions" / name, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )


def layer(name: str, to: Path, version: str, arch: str) -> None:
    """Installs a layer's locked wheels, drops what is of no use in Lambda, and adds our own package if it is there."""
    source = ROOT / "layers" / name
    to.mkdir(parents=True, exist_ok=True)
    install(source / "requirements.txt", to, version, arch)
    prune(to)
    if (source / "python").is_dir():
        shutil.copytree(
            source / "python", to, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
        )


def install(requirements: Path, to: Path, version: str, arch: str) -> None:
    """Installs wheels for that version and processor, whatever machine this is; every hash is checked."""
    platforms = [f"--platform={name}" for name in PLATFORMS[arch]]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"),
            *("--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile"),
            *("--implementation=cp", f"--python-version={version}", *platforms),
            *("--target", str(to), "--requirement", str(requirements)),
        ],
        check=True,
    )


def prune(folder: Path) -> None:
    """Removes tests, scripts, and descriptions of AWS services that formrelay does not call."""
    for pattern in USELESS:
        for path in list(folder.glob(pattern)):
            remove(path)
    data = folder / "botocore" / "data"
    if not data.is_dir():
        return
    for service in [path for path in data.iterdir() if path.is_dir()]:
        if service.name not in SERVICES:
            remove(service)
            continue
        for old in sorted(service.iterdir())[:-1]:
            remove(old)
    for path in list(data.glob("**/examples-*")):
        remove(path)


def remove(path: Path) -> None:
    """Removes a file or a folder."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def compile_all(folder: Path, place: str, version: str) -> None:
    """Makes unchecked bytecode, with ``place`` as the path in tracebacks; only warns when it cannot."""
    interpreter = find_interpreter(version)
    if interpreter is None:
        print(
            f"warning: no python{version} found, so no bytecode: functions will start slowly", file=sys.stderr
        )
        return
    subprocess.run(
        [
            *(str(interpreter), "-I", "-m", "compileall", "-q", "--invalidation-mode=unchecked-hash"),
            *("-s", str(folder), "-p", place, str(folder)),
        ],
        check=True,
    )


def find_interpreter(version: str) -> Path | None:
    """A working interpreter of that version: this one, one on PATH, or one of pyenv's."""
    for candidate in candidates(version):
        if answers(candidate, version):
            return candidate
    return None


def candidates(version: str) -> list[Path]:
    """Where such an interpreter may be."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    return [
        Path(sys.executable),
        *(path for folder in folders if (path := Path(folder, f"python{version}")).is_file()),
        *sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"), reverse=True),
    ]


def answers(candidate: Path, version: str) -> bool:
    """Whether this runs and is of that version; pyenv leaves commands on PATH that only print an error."""
    try:
        found = subprocess.run(
            [str(candidate), "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return found.returncode == 0 and found.stdout.strip() == version


if __name__ == "__main__":
    main()
