"""A folder of filled forms, as ODK Collect and Briefcase keep them, sent in: safe to begin again at any time."""

from __future__ import annotations

import mimetypes
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from infra.cli.client import Client
from infra.cli.faults import ServerError
from infra.cli.pooling import in_order
from infra.cli.progress import tracked

Files = dict[str, tuple[str, bytes, str]]

# Files above this go in a request of their own: servers say how much they take at once (4,000,000 here).
_AT_ONCE = 3_500_000


def found(folder: Path) -> list[Path]:
    """The instances below a folder: every XML file. Raises ServerError where there is none."""
    if not folder.is_dir():
        raise ServerError(f"{folder} is no folder")
    paths = sorted(path for path in folder.rglob("*.xml") if path.is_file())
    if not paths:
        raise ServerError(f"{folder} has no filled form in it (*.xml)")
    return paths


def send(client: Client, folder: Path) -> tuple[Counter[str], list[str]]:
    """Sends all of them; counts of what was ``new`` and what was ``there`` before, and what went wrong."""
    paths = found(folder)
    counts: Counter[str] = Counter()
    errors: list[str] = []
    sent = in_order(lambda path: _safely(client, path), paths)
    for path, result in tracked(sent, len(paths), "Submitting"):
        if result in ("new", "there"):
            counts[result] += 1
        else:
            errors.append(f"{path}: {result}")
    return counts, errors


def _safely(client: Client, path: Path) -> str:
    try:
        return send_one(client, path.read_bytes(), dict(_media(path)))
    except (ServerError, OSError) as error:
        return str(error)


def send_one(client: Client, xml: bytes, files: Files) -> str:
    """One instance with its files, in as many requests as it takes; ``new`` or ``there``."""
    outcome = "there"
    for part in _parts(files):
        if client.submit(xml, part) == 201:
            outcome = "new"
    return outcome


def _parts(files: Files) -> Iterator[Files]:
    part: Files = {}
    size = 0
    for name, file in files.items():
        if part and size + len(file[1]) > _AT_ONCE:
            yield part
            part, size = {}, 0
        part[name] = file
        size += len(file[1])
    yield part


def _media(path: Path) -> Iterator[tuple[str, tuple[str, bytes, str]]]:
    """Files beside an instance that has its folder for itself."""
    beside = [other for other in path.parent.iterdir() if other.is_file() and other != path]
    if any(other.suffix == ".xml" for other in beside):
        return
    for other in beside:
        kind = mimetypes.guess_type(other.name)[0] or "application/octet-stream"
        yield other.name, (other.name, other.read_bytes(), kind)
