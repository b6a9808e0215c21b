"""Files of saved settings: made when somebody asks for one, then kept for a while (contract exports §2.1)."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from formrelay import clock, permissions
from formrelay.auth import Caller
from formrelay.export_tasks import tasks
from formrelay.permissions import Rows
from formrelay.storage import blobs, exports, keys
from formrelay.storage.assets import Project
from formrelay.storage.table import Item

# How long a file is served although there may be newer data.
FRESH_MS: Final = 300_000
# Longer than anything links to it; the bucket forgets the file itself by then.
_KEPT: Final = 86_400
# While a caller waits: how often is looked, in seconds.
_FIRST_LOOK: Final = 0.1
_LAST_LOOK: Final = 1.0


def current(caller: Caller | None, project: Project, setting: Item, extension: str, origin: str) -> Item:
    """The file of a setting for this caller: the newest one while it serves, else one that was started now."""
    user = tasks.owner(caller)
    key = keys.export_copy(project.uid, setting["uid"], extension, user)
    rows = permissions.rows(caller, project, permissions.VIEW)
    shows = _shows(rows, setting)
    found = exports.get(key)
    if found and _serves(found, shows, rows):
        return found
    wanted: dict[str, Any] = json.loads(setting["settings"])
    task = tasks.make(caller, project, wanted, origin, tasks.of_format(extension))
    task |= {
        **key,
        "setting": setting["uid"],
        "shows": shows,
        "blob": blobs.answer_key(),
        "expires": task["created"] // 1000 + _KEPT,
    }
    if not exports.replace(task, found["uid"] if found else None):
        return exports.get(key) or task  # somebody else was first
    tasks.start(task)
    return task


def awaited(task: Item, seconds: float) -> Item:
    """The same file after it is finished, or after so many seconds."""
    ends = clock.now() + seconds
    pause = _FIRST_LOOK
    key = keys.of(task)
    while task["status"] in exports.UNFINISHED:
        task = exports.get(key) or task
        if task["status"] not in exports.UNFINISHED or clock.now() >= ends:
            break
        clock.sleep(pause)
        pause = min(2 * pause, _LAST_LOOK)
    return task


def _serves(task: Item, shows: str, rows: Rows) -> bool:
    if task["shows"] != shows:
        return False
    if task["status"] == exports.COMPLETE and task["rows"] != tasks.mark_of(rows):
        return False  # rights were others while it was made
    return task["status"] in exports.UNFINISHED or clock.now_ms() < _finished(task) + FRESH_MS


def _finished(task: Item) -> int:
    return int(task["created"] + task.get("seconds", 0) * 1000)


def _shows(rows: Rows, setting: Item) -> str:
    """What a file shows: it no longer serves when the settings, or the rows that its user may see, are others."""
    text = json.dumps([setting["settings"], rows.query], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
