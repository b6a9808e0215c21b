"""Projects: their state, details, versions, compiled forms, rights, and the owner's list.

One Query reads what a submission needs of a project (:func:`project`); content and settings stand apart.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from formrelay import ids
from formrelay.json_text import compact
from formrelay.settings import settings
from formrelay.storage import keys, listings, table
from formrelay.storage.packing import INLINE, packed, unpacked
from formrelay.storage.table import Item

# Parts of a project's details that are whatever the client sent: kept as one JSON text, as DynamoDB takes neither
# every number nor every depth.
_FREE = ("settings", "summary", "looks")


@dataclass
class Project:
    """What one strongly consistent Query says of a project.

    ``state``: uid, owner, name, type, pk, form_uuid, active, deployed_version, version, …;
    ``hooks``: uid → ``{active, events, paused, filter}``, of which the last two may be missing;
    ``rights``: username → ``{codenames: {codename: uid of the assignment}, …}``.
    """

    uid: str
    state: Item
    hooks: dict[str, Item] = field(default_factory=dict)
    rights: dict[str, Item] = field(default_factory=dict)
    info: Item = field(default_factory=dict)

    @property
    def owner(self) -> str:
        return str(self.state["owner"])

    @property
    def is_deployed(self) -> bool:
        return bool(self.state.get("deployed_version"))

    def filters(self, username: str) -> dict[str, list[dict[str, Any]]]:
        """The row-level rights of a user: codename → queries, any of which a row has to meet."""
        found: dict[str, list[dict[str, Any]]] = json.loads(self.rights[username].get("filters", "{}"))
        return found


def project(asset: str, *, with_info: bool = False) -> Project | None:
    """The project with its hooks and rights; ``with_info`` adds settings, summary and dates. One Query."""
    if not ids.is_uid(asset, "a"):
        return None
    condition = "#pk = :pk AND begins_with(#sk, :s)"
    values = {":pk": keys.asset_pk(asset), ":s": "S"}
    if with_info:
        condition = "#pk = :pk AND #sk BETWEEN :s AND :t"
        values[":t"] = "T~"
    found: Project | None = None
    for item in table.query_all(settings().data_table, condition, values):
        kind, _, rest = item["sk"].partition("#")
        if item["sk"] == "S":
            found = Project(asset, item)
        elif found is None:
            return None
        elif kind == "T":
            found.info = info_of(item)
        else:
            _file_under(found, rest, item)
    return found


def rights(asset: str) -> dict[str, Item]:
    """The rights on a project by user, as in :class:`Project`. One Query."""
    found = Project(asset, {})
    values = {":pk": keys.asset_pk(asset), ":perm": keys.permission(asset, "")["sk"]}
    for item in table.query_all(settings().data_table, "#pk = :pk AND begins_with(#sk, :perm)", values):
        _file_under(found, item["sk"].partition("#")[2], item)
    return found.rights


def _file_under(found: Project, rest: str, item: Item) -> None:
    kind, _, name = rest.partition("#")
    (found.hooks if kind == "hook" else found.rights)[name] = item


def _info_item(asset: str, info: Item) -> Item:
    plain = {name: value for name, value in info.items() if name not in _FREE}
    free = {name: info[name] for name in _FREE if name in info}
    return {**keys.asset_info(asset), **plain, **packed(asset, compact(free))}


def info_of(item: Item) -> Item:
    """The details of a project, out of their item."""
    plain = {name: value for name, value in item.items() if name not in ("packed", "blob")}
    return {**plain, **json.loads(unpacked(item))}


def asset_of_form(form_uuid: str) -> str | None:
    """The asset a form uuid belongs to."""
    item = table.get(settings().data_table, keys.form_uuid(form_uuid))
    return item["asset"] if item else None


class Version(NamedTuple):
    """One version of a project's form. ``number`` counts from 1; ``deployed`` and ``modified`` in ms;
    ``label`` once it is deployed."""

    uid: str
    number: int
    content_hash: str
    modified: int
    deployed: int | None = None
    label: str = ""

    def item(self, asset: str) -> Item:
        return {**keys.version(asset, self.uid), **self._asdict()}


def create(state: Item, info: Item, version: Version, content: dict[str, Any], row: Item) -> None:
    """Writes a new project with its first version and its row in the owner's list, all or nothing."""
    data = settings().data_table
    uid = state["uid"]
    new = "attribute_not_exists(#pk)"
    table.transact(
        [
            table.put_op(data, {**keys.asset_state(uid), **state}, condition=new),
            table.put_op(data, _info_item(uid, info)),
            table.put_op(data, version.item(uid)),
            table.put_op(data, _content_item(uid, version.uid, content)),
            table.put_op(data, {**keys.form_uuid(state["form_uuid"]), "asset": uid}, condition=new),
            listings.put_op(row),
        ]
    )


def save(
    found: Project,
    state: Item,
    info: Item,
    row: Item,
    version: Version | None = None,
    content: dict[str, Any] | None = None,
    also: Sequence[Item] = (),
) -> None:
    """Writes changes of a project, with a new or changed version and a new version's content.

    ``also`` are further writes of the same transaction. Raises TransactionError when one of them is refused,
    or somebody else changed the project since ``found`` was read.
    """
    data = settings().data_table
    operations = [
        table.put_op(
            data,
            _info_item(found.uid, info | {"revision": found.info["revision"] + 1}),
            condition="#revision = :revision",
            values={":revision": found.info["revision"]},
        ),
        table.put_op(data, {**keys.asset_state(found.uid), **state}),
        listings.save_op(row),
    ]
    if version:
        operations.append(table.put_op(data, version.item(found.uid)))
    if version and content is not None:
        operations.append(table.put_op(data, _content_item(found.uid, version.uid, content)))
    table.transact([*operations, *also])


def remove(found: Project, job: Item) -> None:
    """Takes a project away at once, from its owner's list too, and leaves a job that removes the rest.

    Its hooks go with it, so that deliveries under way end with the attempt that runs: without its hook none is made.

    Raises TransactionError when somebody else changed or deleted the project since ``found`` was read.
    """
    data = settings().data_table
    table.transact(
        [
            table.delete_op(
                data,
                keys.asset_info(found.uid),
                condition="#revision = :revision",
                values={":revision": found.info["revision"]},
            ),
            table.delete_op(data, keys.asset_state(found.uid)),
            table.delete_op(data, keys.listing(found.owner, found.uid)),
            table.delete_op(data, keys.form_uuid(found.state["form_uuid"])),
            *(table.delete_op(data, keys.hook(found.uid, hook)) for hook in found.hooks),
            table.put_op(data, job),
        ]
    )


def _content_item(asset: str, version_uid: str, content: dict[str, Any]) -> Item:
    return {**keys.content(asset, version_uid), **packed(asset, compact(content))}


def content(asset: str, version_uid: str) -> dict[str, Any] | None:
    """The content of one version."""
    item = table.get(settings().data_table, keys.content(asset, version_uid))
    found: dict[str, Any] | None = json.loads(unpacked(item)) if item else None
    return found


def versions(asset: str) -> list[Version]:
    """Every version of a project, newest first."""
    found = table.query_all(
        settings().data_table,
        "#pk = :pk AND begins_with(#sk, :v)",
        {":pk": keys.asset_pk(asset), ":v": "V#"},
    )
    names = Version._fields
    listed = [Version(**{name: item[name] for name in names}) for item in found]
    return sorted(listed, key=lambda version: version.number, reverse=True)


def xform_op(asset: str, version_uid: str, xml: str, shape: dict[str, Any], md5: str) -> Item:
    """The write of a version's compiled form, for the transaction that deploys it: what is told of it is its own."""
    packed_shape = zlib.compress(compact(shape).encode(), 6)
    body = packed(asset, xml, INLINE - len(packed_shape))
    item = {**keys.xform(asset, version_uid), "shape": packed_shape, "md5": md5, **body}
    return table.put_op(settings().data_table, item)


def xform(asset: str, version_uid: str) -> str | None:
    """The XForm of a deployed version, as served."""
    item = table.get(settings().data_table, keys.xform(asset, version_uid))
    return unpacked(item) if item else None


def shape(asset: str, version_uid: str) -> dict[str, Any]:
    """What ingest needs of a deployed form: repeats, geopoints, media; nothing of one that is not there."""
    try:
        return _shape(asset, version_uid)
    except LookupError:
        return {name: [] for name in _SHAPE}


def shape_for(project: Project, named: str | None) -> dict[str, Any]:
    """The shape by which to read a submission that names a version, or none.

    It is that of this version, if it was ever deployed here, as devices go on with the form they have; else that of
    the deployed one.
    """
    deployed = project.state["deployed_version"]
    if named and named != deployed and ids.is_uid(named, "v"):
        with suppress(LookupError):
            return _shape(project.uid, named)
    return shape(project.uid, deployed)


_SHAPE = ("repeats", "geopoints", "media")


@lru_cache(maxsize=256)
def _shape(asset: str, version_uid: str) -> dict[str, Any]:
    """Never changes once it is there, so kept per process. Raises LookupError."""
    key = keys.xform(asset, version_uid)
    found, _ = table.query(
        settings().data_table,
        "#pk = :pk AND #sk = :sk",
        {":pk": key["pk"], ":sk": key["sk"]},
        projection="#shape",
    )
    if not found:
        raise LookupError(version_uid)
    parsed: dict[str, Any] = json.loads(zlib.decompress(found[0]["shape"]))
    return {name: parsed.get(name, []) for name in _SHAPE}
