"""Many projects at once, for lists: one call reads the parts of dozens."""

from __future__ import annotations

from collections.abc import Sequence

from formrelay.settings import settings
from formrelay.storage import assets, keys, table
from formrelay.storage.assets import Project
from formrelay.storage.table import Item


def infos(uids: Sequence[str]) -> dict[str, Item]:
    """Settings, summary, tags and dates by uid, of those projects that there are."""
    wanted = [keys.asset_info(uid) for uid in uids]
    read = table.batch_get_all(settings().data_table, wanted)
    return {uid: assets.info_of(item) for uid, item in zip(uids, read, strict=True) if item}


def granted(uids: Sequence[str], username: str, codename: str) -> set[str]:
    """The uids of those projects on which that user was given the right."""
    wanted = [keys.permission(uid, username) for uid in uids]
    read = table.batch_get_all(settings().data_table, wanted)
    return {uid for uid, item in zip(uids, read, strict=True) if item and codename in item["codenames"]}


def projects(uids: Sequence[str], names: Sequence[str], *, with_info: bool = True) -> dict[str, Project]:
    """Projects by uid, of those that there are, without their hooks; of the rights on them only those of the named."""
    parts = [keys.asset_state, *([keys.asset_info] if with_info else [])]
    wanted = [part(uid) for uid in uids for part in parts]
    wanted += [keys.permission(uid, name) for uid in uids for name in names]
    items = iter(list(table.batch_get_all(settings().data_table, wanted)))
    found: dict[str, Project] = {}
    for uid in uids:
        state, *info = [next(items) for _ in parts]
        if state and all(info):
            found[uid] = Project(uid, state, info=assets.info_of(info[0]) if info and info[0] else {})
    for uid in uids:
        granted = {name: next(items) for name in names}
        if uid in found:
            found[uid].rights = {name: item for name, item in granted.items() if item}
    return found
