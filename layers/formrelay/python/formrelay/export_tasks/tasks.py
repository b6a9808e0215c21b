"""Tasks: what is asked for, by whom, under which name; started, and started again by recovery."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from formrelay import clock, functions, history, ids
from formrelay.auth import Caller
from formrelay.errors import UnavailableError
from formrelay.exports.options import EXTENSIONS, NAMES, UNNAMED, XLSX
from formrelay.log import logger
from formrelay.permissions import Rows
from formrelay.settings import settings
from formrelay.storage import blobs, exports, keys
from formrelay.storage.assets import Project
from formrelay.storage.table import Item
from formrelay.usernames import ANONYMOUS

# Of finished ones, per user and form (contract exports §1.2).
KEPT: Final = 10
# Unfinished ones, per user and form; anonymous callers share one.
MOST_AT_ONCE: Final = 10
_TRIES: Final = 5
_LONGEST_NAME: Final = 207
_NOT_IN_NAMES: Final = re.compile(r"[^\w.-]")
_SHOWN_AS: Final = {UNNAMED: "labels", NAMES: "False"}


def owner(caller: Caller | None) -> str:
    """Whose tasks a caller's are."""
    return caller.username if caller else ANONYMOUS


def mark_of(rows: Rows) -> str:
    """What a finished file keeps of the rows that it was made of."""
    return hashlib.sha256(json.dumps(rows.query, sort_keys=True).encode()).hexdigest()


def is_open(task: Item, rows: Rows) -> bool:
    """Whether somebody who may see these rows may see the file: all of them, or the very ones that it was made of."""
    return rows.all or bool(task["rows"] == mark_of(rows))


class BusyError(Exception):
    """As many exports as may be are under way already."""


def ask(
    caller: Caller | None, project: Project, wanted: Mapping[str, Any], origin: str, by: Item
) -> tuple[Item, bool]:
    """The task with these settings, and whether it is a new one: stored, started, told in the project's activity.

    An identical one that is under way is not made twice; anonymous callers share one of any kind. ``by`` is who acts.
    Raises BusyError.
    """
    user = owner(caller)
    kind = json.dumps(wanted, sort_keys=True) if caller else ""
    guard = keys.export_under_way(project.uid, user, kind)
    for _ in range(_TRIES):
        others = exports.listed(project.uid, user)
        under_way = {task["uid"]: task for task in others if task["status"] in exports.UNFINISHED}
        newest = (exports.get(guard) or {}).get("uid")
        if newest in under_way and caller:
            return under_way[newest], False
        if newest in under_way or len(under_way) >= MOST_AT_ONCE:
            raise BusyError
        task = _named(make(caller, project, wanted, origin, wanted["type"]), others)
        told = history.entry_op(by, project.uid, project.owner, "export")
        if exports.create(task, guard, newest, [told]):
            start(task)
            return task, True
    raise UnavailableError(1)


def _named(task: Item, others: Sequence[Item]) -> Item:
    """The task with its key, and a file unlike those of the user's other ones."""
    if any(task["file"] == other["file"] for other in others):
        stem, _, extension = task["file"].rpartition(".")
        task["file"] = f"{stem}_{task['uid'][-7:]}.{extension}"
    return {**keys.export_task(task["asset"], task["user"], task["uid"]), **task}


def make(caller: Caller | None, project: Project, wanted: Mapping[str, Any], origin: str, kind: str) -> Item:
    """A task as it is stored, but for its key."""
    now = clock.now_ms()
    uid = ids.timed_uid("e")
    return {
        "uid": uid,
        "asset": project.uid,
        "user": owner(caller),
        "superuser": bool(caller and caller.superuser),
        "origin": origin,
        "settings": json.dumps(wanted, ensure_ascii=False),
        "kind": kind,
        "created": now,
        "file": file_name(str(project.state["name"]), wanted, kind, now),
        "blob": blobs.export_key(project.uid, uid),
        "status": exports.CREATED,
        "tries": 0,
        "sweep": keys.errand_shard(uid),
        "sweep_at": now + settings().recovery_grace * 1000,
    }


def start(task: Item) -> None:
    """Has a task worked on; what cannot be started now is left to recovery."""
    try:
        functions.export_soon(task["asset"], task["sk"])
    except Exception:
        logger.exception("export left to recovery", extra={"asset": task["asset"], "export": task["uid"]})


def look(task: Item, now: int) -> str:
    """Has a task worked on again that nobody works on; for recovery."""
    later = now + settings().recovery_grace * 1000
    if not exports.put_off(task, until=later):
        return "moved"
    functions.export_soon(task["asset"], task["sk"])
    return "export"


def file_name(project: str, wanted: Mapping[str, Any], kind: str, now: int) -> str:
    """The name of the result (contract exports §1.3)."""
    versions = "all versions" if wanted["fields_from_all_versions"] else "latest version"
    moment = clock.iso_naive(now).replace("T", "-").replace(":", "-")
    lang = _SHOWN_AS.get(wanted["lang"], wanted["lang"])[:80]
    rest = f" - {versions} - {lang} - {moment}.{EXTENSIONS[kind]}"
    room = _LONGEST_NAME - len(rest)
    name = project if len(project) <= room else f"{project[: room - 3]}..."
    return _NOT_IN_NAMES.sub("", f"{name}{rest}".replace(" ", "_"))


def of_format(extension: str) -> str:
    """The type of export behind a file's extension."""
    return XLSX if extension == "xlsx" else extension


def remove(task: Item) -> None:
    """Removes a task and its file."""
    exports.delete(task)
    blobs.delete(task["blob"])


def forget_old(asset: str, user: str) -> None:
    """Removes finished tasks of a user beyond those that are kept, oldest first."""
    finished = [task for task in exports.listed(asset, user) if task["status"] not in exports.UNFINISHED]
    for task in finished[KEPT:]:
        remove(task)
