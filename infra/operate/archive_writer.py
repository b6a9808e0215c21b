"""Writes a project into an archive, page by page: memory holds one page and one object at a time."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Iterator
from typing import IO, Any

from infra.operate.archive_format import END, LINES, MANIFEST, OBJECTS, VERSION, Item, batches, line
from infra.operate.command import RefusedError

_PAGE = 100


def write(asset: str, file: IO[bytes]) -> dict[str, int]:
    """The project's archive; says how much is in it. Raises RefusedError when there is no such project."""
    from formrelay.storage import assets

    project = assets.project(asset)
    if project is None:
        raise RefusedError(f"There is no project {asset}.")
    with tarfile.open(fileobj=file, mode="w|gz") as archive:
        manifest = {"version": VERSION, "asset": asset, "owner": project.owner, "name": project.state["name"]}
        _add(archive, MANIFEST, json.dumps(manifest, ensure_ascii=False).encode())
        written = _Writer(archive, asset)
        written.submissions()
        written.activity()
        written.project(list(project.rights), project.owner, project.state["form_uuid"])
        counts = {"submissions": written.count, "items": written.items, "files": written.files}
        _add(archive, END, json.dumps(counts).encode())
    return counts


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = len(data), int(time.time())
    archive.addfile(entry, io.BytesIO(data))


class _Writer:
    def __init__(self, archive: tarfile.TarFile, asset: str) -> None:
        self._archive, self._asset = archive, asset
        self.items = self.files = self.count = self._pages = 0

    def submissions(self) -> None:
        """Each with its guards, its history and its files."""
        from formrelay.storage import submissions

        for page in batches(submissions.scan(self._asset), _PAGE):
            self._lines("submissions", [item for row in page for item in self._with_kin(row)])
            self.count += len(page)

    def _with_kin(self, row: Item) -> Iterator[Item]:
        from formrelay.storage import blobs, keys

        revisions = list(_below(f"E#{self._asset}#{keys.sid_text(row['id'])}"))
        for version in (row, *revisions):
            for entry in version.get("files", {}).values():
                self._object(blobs.attachment_key(self._asset, row["root"], entry["uid"]))
        yield from self._guards({row["root"], row["uuid"], *(found["uuid"] for found in revisions)})
        yield from revisions
        # To no hook: nothing of it is delivered where it is restored.
        yield {name: value for name, value in row.items() if name != "waiting"} | {"hooks": []}

    def _guards(self, uuids: set[str]) -> Iterator[Item]:
        from formrelay.settings import settings
        from formrelay.storage import keys, table

        for some in batches(sorted(uuids), _PAGE):
            found = table.batch_get(settings().data_table, [keys.guard(self._asset, uuid) for uuid in some])
            yield from filter(None, found)

    def activity(self) -> None:
        """What was done to the project, and which submissions it once had."""
        from formrelay.storage import keys

        for pk in (keys.history_pk(self._asset), keys.deleted_pk(self._asset)):
            for page in batches(_below(pk), _PAGE):
                self._lines("activity", page)

    def project(self, users: list[str], owner: str, form_uuid: str) -> None:
        """Versions, media, rights, hooks; its state last of all."""
        from formrelay.settings import settings
        from formrelay.storage import blobs, keys, table

        for item in _below(keys.asset_pk(self._asset)):
            kind = item["sk"].partition("#")[0]
            if kind == "F" and item["sk"] != "F" and "url" not in item:
                self._object(blobs.form_file_key(self._asset, item["uid"]))
            if "blob" in item:
                self._object(item["blob"])
            if kind not in ("Q", "S"):
                self._lines("project", [_harmless(item)])
        wanted = [keys.form_uuid(form_uuid), *(keys.listing(user, self._asset) for user in [owner, *users])]
        hooks = [keys.hook_asset(hook["uid"]) for hook in _hooks(self._asset)]
        for some in batches([*wanted, *hooks], _PAGE):
            self._lines("project", [item for item in table.batch_get(settings().data_table, some) if item])
        states = [_harmless(item) for item in _below(keys.asset_pk(self._asset)) if _is_state(item)]
        self._lines("project", sorted(states, key=lambda item: item["sk"], reverse=True))

    def _lines(self, folder: str, items: list[Item]) -> None:
        if items:
            self._pages += 1
            self.items += len(items)
            _add(self._archive, f"{folder}/{self._pages:06d}{LINES}", b"".join(map(line, items)))

    def _object(self, key: str) -> None:
        """An object of the bucket; one that is gone is left out, as it is for readers of the project."""
        from formrelay.aws import s3
        from formrelay.storage import blobs

        try:
            data = blobs.get(key)
        except s3().exceptions.NoSuchKey:
            return
        self.files += 1
        _add(self._archive, OBJECTS + key, data)


def _below(pk: str) -> Iterator[Item]:
    from formrelay.settings import settings
    from formrelay.storage import table

    return table.query_all(settings().data_table, "#pk = :pk", {":pk": pk})


def _hooks(asset: str) -> list[Item]:
    from formrelay.storage import hooks

    return hooks.listed(asset)


def _is_state(item: Item) -> bool:
    return str(item["sk"]).partition("#")[0] == "S"


def _harmless(item: dict[str, Any]) -> Item:
    """A hook without what it knows, switched off; everything else as it is."""
    if item["sk"].startswith("H#"):
        return {**item, "sealed": [], "signing": [], "active": False}
    if item["sk"].startswith("S#hook#"):
        return {
            **{name: item[name] for name in ("pk", "sk", "events", "filter") if name in item},
            "active": False,
        }
    return item
