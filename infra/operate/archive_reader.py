"""Restores a project from an archive. Every write is made only where nothing stands, so that it may be made again."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, Any

from infra.operate.archive_format import END, LINES, MANIFEST, OBJECTS, VERSION, Item, item_of

_WRITERS = 16
# Of one member; what formrelay keeps is smaller.
_MAX_MEMBER = 1 << 30


class BadArchiveError(Exception):
    """The file is no archive, not of this version, or has what does not belong to its project."""


@dataclass
class Restored:
    """What came of it; ``left_out`` are users that the deployment does not have."""

    asset: str
    items: int = 0
    files: int = 0
    hooks: int = 0
    left_out: set[str] = field(default_factory=set)


def restore(file: IO[bytes]) -> Restored:
    """Makes the project of an archive. Raises BadArchiveError."""
    try:
        with tarfile.open(fileobj=file, mode="r|gz") as archive:
            members = _members(archive)
            name, data = next(members, ("", b""))
            manifest = _manifest(name, data)
            done = Restored(manifest["asset"])
            with ThreadPoolExecutor(_WRITERS) as pool:
                for name, data in members:
                    if name != END:
                        _restore(name, data, done, pool)
            if name != END:
                raise BadArchiveError("it ends too early: run the command again with the whole file")
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError) as error:
        raise BadArchiveError(f"not a whole archive ({error})") from error
    return done


def _members(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for entry in archive:
        content = archive.extractfile(entry)
        if content is None or entry.size > _MAX_MEMBER:
            raise BadArchiveError(f"{entry.name} does not belong there")
        yield entry.name, content.read()


def _manifest(name: str, data: bytes) -> dict[str, Any]:
    from formrelay import ids
    from formrelay.storage import accounts

    manifest = json.loads(data) if name == MANIFEST else {}
    if manifest.get("version") != VERSION or not ids.is_uid(manifest["asset"], "a"):
        raise BadArchiveError("not an archive of this version")
    if accounts.get_account(manifest["owner"]) is None:
        raise BadArchiveError(f"make the account {manifest['owner']} first, who owns the project")
    found: dict[str, Any] = manifest
    return found


def _restore(name: str, data: bytes, done: Restored, pool: ThreadPoolExecutor) -> None:
    from formrelay.storage import blobs

    if name.startswith(OBJECTS):
        key = name.removeprefix(OBJECTS)
        if not re.fullmatch(rf"(attachments|media|bodies)/{done.asset}/[^/]+(/[^/]+)?", key):
            raise BadArchiveError(f"{name} does not belong to the project")
        blobs.put(key, data)
        done.files += 1
        return
    if not name.endswith(LINES):
        raise BadArchiveError(f"{name} does not belong there")
    items = [item_of(text, done.asset) for text in data.splitlines()]
    _check(items, done.asset)
    items = _of_users_here(items, done)
    states = [item for item in items if item["sk"] == "S"]
    parts = [item for item in items if item["sk"] != "S"]
    made = pool.map(_put, parts)
    done.hooks += sum(new for item, new in zip(parts, made, strict=True) if item["sk"].startswith("H#"))
    list(pool.map(_put, states))
    done.items += len(items)


def _check(items: list[Item], asset: str) -> None:
    """What a file from elsewhere may write: this project, and what names it."""
    own = re.compile(rf"[ADYZ]#{asset}|[GE]#{asset}#.+")
    for item in items:
        if own.fullmatch(item["pk"]):
            continue
        names_it = item["sk"] == asset if item["pk"].startswith("L#") else item.get("asset") == asset
        if not (item["pk"].startswith(("L#", "N#", "W#")) and names_it):
            raise BadArchiveError(f"{item['pk']} does not belong to the project")


def _of_users_here(items: list[Item], done: Restored) -> list[Item]:
    """Without rights and lists of users that this deployment does not have: others may take their names."""
    from formrelay.storage import accounts
    from formrelay.usernames import ANONYMOUS

    kept = []
    for item in items:
        user = _user(item)
        if user and user != ANONYMOUS and accounts.get_account(user) is None:
            done.left_out.add(user)
            continue
        if item["sk"].startswith("H#"):
            kept.append(_health(done.asset, item["uid"]))
        kept.append(item)
    return kept


def _user(item: Item) -> str | None:
    if item["pk"].startswith("L#"):
        return str(item["pk"]).removeprefix("L#")
    found = item["sk"].removeprefix("S#perm#")
    return str(found) if found != item["sk"] else None


def _health(asset: str, hook: str) -> Item:
    from formrelay.storage import health

    return health.new(asset, hook)


def _put(item: Item) -> bool:
    """Whether it was not there yet."""
    from formrelay.settings import settings
    from formrelay.storage import table

    try:
        table.put(settings().data_table, item, condition="attribute_not_exists(#pk)")
    except table.ConditionError as error:
        if item["pk"].startswith("N#") and error.old and error.old["asset"] != item["asset"]:
            raise BadArchiveError("another project has its form uuid") from None
        return False
    return True
