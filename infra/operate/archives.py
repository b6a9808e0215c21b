"""``export`` and ``restore``: a project as one file, and that file as a project of another deployment.

The file is a gzipped tar: ``manifest.json``, then lines of JSON and the objects of the bucket that they name, in the
order in which they are restored: the project itself comes last, so that nobody sees half of it. Credentials and signing
secrets of hooks are left out, and restored hooks are switched off; deliveries and logs stay behind, so nothing is sent.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from infra.operate import archive_reader, archive_writer
from infra.operate.command import Command, RefusedError, note, tell


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("asset", help="uid of the project")
    parser.add_argument("file", type=Path, help="where to write it; must not exist")
    parser.add_argument("--table", help="read from this table instead, one restored to an earlier time")


def _read_from(table: str) -> None:
    from formrelay.settings import settings

    os.environ["FORMRELAY_DATA_TABLE"] = table
    settings.cache_clear()


def export(options: argparse.Namespace) -> int:
    """Writes beside the file and renames at the end, so that a file under that name is complete."""
    if options.file.exists():
        raise RefusedError(f"{options.file} exists already.")
    if options.table:
        _read_from(options.table)
    unfinished = options.file.with_name(options.file.name + ".part")
    try:
        with unfinished.open("wb") as file:
            written = archive_writer.write(options.asset, file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    unfinished.rename(options.file)
    tell({"exported": options.asset, **written})
    return 0


def _restore_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="what export has written")


def restore(options: argparse.Namespace) -> int:
    """May be run again, after a crash, too: what is there already stays as it is."""
    try:
        with options.file.open("rb") as file:
            done = archive_reader.restore(file)
    except archive_reader.BadArchiveError as error:
        raise RefusedError(f"{options.file}: {error}") from None
    except OSError as error:
        raise RefusedError(str(error)) from None
    if done.left_out:
        note(f"No such accounts, so without their rights: {', '.join(sorted(done.left_out))}.")
    if done.hooks:
        note(f"Switched off until their credentials are set again: {done.hooks} hooks.")
    tell({"restored": done.asset, "items": done.items, "files": done.files})
    return 0


COMMANDS = (
    Command("export", "write a project into a file", _export_arguments, export),
    Command("restore", "make the project that a file holds, uids kept", _restore_arguments, restore),
)
