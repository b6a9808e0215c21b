"""Media files of a form: those that its owner keeps, and those that devices are told of since the last deployment.

Both lists stand beside each other: a file that was added or deleted changes what devices get only when the form is
deployed again. Bytes stay as long as either list names them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from formrelay.json_text import compact
from formrelay.settings import settings
from formrelay.storage import blobs, keys, table
from formrelay.storage.packing import packed, unpacked
from formrelay.storage.table import Item

# What devices need to know of a file; ``url`` stands in place of bytes for one that lies elsewhere.
_LISTED = ("uid", "filename", "mimetype", "md5", "size", "url")


class Files(NamedTuple):
    """The files of a form, oldest first, at one ``revision`` of their list.

    Each: ``uid, filename, mimetype, md5, description, by, created``, and ``size`` or ``url``.
    """

    revision: int
    files: list[Item]


def read(asset: str) -> Files:
    """The files that the owner keeps."""
    condition, values = "#pk = :pk AND begins_with(#sk, :f)", {":pk": keys.asset_pk(asset), ":f": "F"}
    head = keys.form_files(asset)["sk"]
    revision, files = 0, []
    # The revision sorts first: files that are added meanwhile make it outdated, never the other way round.
    for item in table.query_all(settings().data_table, condition, values):
        if item["sk"] == head:
            revision = item["revision"]
        else:
            files.append(item)
    return Files(revision, sorted(files, key=lambda item: (item["created"], item["uid"])))


def get(asset: str, uid: str) -> Item | None:
    """One file that the owner keeps."""
    return table.get(settings().data_table, keys.form_file(asset, uid))


def add(asset: str, file: Item, revision: int, also: Sequence[Item] = ()) -> None:
    """Writes a new file beside those of ``revision``, in one transaction with the writes in ``also``.

    Raises TransactionError when files came or went since, or the project is gone.
    """
    data = settings().data_table
    operations = [
        table.update_op(
            data,
            keys.form_files(asset),
            "ADD #revision :one",
            {":one": 1, **_seen(revision)},
            condition=_unchanged(revision),
        ),
        table.check_op(data, keys.asset_state(asset), "attribute_exists(#pk)"),
        table.put_op(data, {**keys.form_file(asset, file["uid"]), **file}),
        *also,
    ]
    table.settle(lambda: table.transact(operations))


def remove(asset: str, uid: str, also: Sequence[Item] = ()) -> None:
    """Takes a file off the owner's list, in one transaction with the writes in ``also``.

    Raises TransactionError when it is not there."""
    data = settings().data_table
    operations = [
        table.delete_op(data, keys.form_file(asset, uid), condition="attribute_exists(#pk)"),
        table.update_op(data, keys.form_files(asset), "ADD #revision :one", {":one": 1}),
        *also,
    ]
    table.settle(lambda: table.transact(operations))
    forget(asset, [uid])


def deployed(asset: str) -> list[Item]:
    """The files that devices are told of, in a stable order: ``uid, filename, mimetype, md5``, ``size`` or ``url``."""
    item = table.get(settings().data_table, keys.manifest(asset))
    found: list[Item] = json.loads(unpacked(item)) if item else []
    return found


def deploy_ops(asset: str, now: Files, made: Sequence[Item] = ()) -> list[Item]:
    """Writes that tell devices of those files, refused when the owner's list has changed since it was read.

    ``made`` are files that come with the form itself; the owner's own of the same name take their place.
    """
    data = settings().data_table
    own = {file["filename"] for file in now.files}
    files = [*now.files, *(file for file in made if file["filename"] not in own)]
    listed = [{name: file[name] for name in _LISTED if name in file} for file in files]
    return [
        table.put_op(data, {**keys.manifest(asset), **packed(asset, compact(listed))}),
        table.check_op(data, keys.form_files(asset), _unchanged(now.revision), _seen(now.revision)),
    ]


def forget(asset: str, uids: Sequence[str]) -> None:
    """Removes the bytes of files that the owner no longer keeps, except of those that devices are told of.

    Whoever dies before this leaves bytes that nobody reads.
    """
    if not uids:
        return
    told = {file["uid"] for file in deployed(asset)}
    for uid in uids:
        if uid not in told:
            blobs.delete(blobs.form_file_key(asset, uid))


def _unchanged(revision: int) -> str:
    return "#revision = :seen" if revision else "attribute_not_exists(#revision)"


def _seen(revision: int) -> Item:
    return {":seen": revision} if revision else {}
