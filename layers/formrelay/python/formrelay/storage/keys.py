"""Keys of both tables: one function per key. The access patterns stand in docs/architecture.md, "Items".

A key is a dict ``{"pk": …, "sk": …}`` of plain strings; :mod:`formrelay.storage.table` marshals it.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from typing import Any

Key = dict[str, str]

SWEEP_INDEX = "sweep"
TROUBLE_INDEX = "trouble"
# Of the sweep index: for deliveries, and for all else, which must not wait behind a million of them.
DELIVERY_SHARDS = tuple(f"{number}" for number in range(8))
ERRAND_SHARDS = tuple(f"e{number}" for number in range(4))
SWEEP_SHARDS = DELIVERY_SHARDS + ERRAND_SHARDS


def of(item: Mapping[str, Any]) -> Key:
    """The key of an item that was read."""
    return {"pk": item["pk"], "sk": item["sk"]}


def sid_text(sid: int) -> str:
    """A submission id as it stands in keys: 15 digits."""
    return f"{sid:015d}"


def delivery_shard(hook_uid: str, sid: int) -> str:
    """The shard of the sweep index in which a delivery stands."""
    return _one_of(DELIVERY_SHARDS, f"{hook_uid}/{sid}")


def errand_shard(name: str) -> str:
    """The shard in which anything else stands; the same for the same name, in every process."""
    return _one_of(ERRAND_SHARDS, name)


def _one_of(shards: tuple[str, ...], name: str) -> str:
    return shards[zlib.crc32(name.encode()) % len(shards)]


# Accounts


def account(username: str) -> Key:
    return {"pk": f"U#{username}", "sk": "U"}


def directory_pk() -> str:
    return "U"


def directory_row(username: str) -> Key:
    return {"pk": directory_pk(), "sk": username}


def api_key(key_hash: str) -> Key:
    return {"pk": f"K#{key_hash}", "sk": "K"}


def access_pk(username: str) -> str:
    return f"A#{username}"


def access(username: str, group: str) -> Key:
    return {"pk": access_pk(username), "sk": group}


def signup(token_hash: str) -> Key:
    return {"pk": f"S#{token_hash}", "sk": "S"}


def signup_count(what: str) -> Key:
    return {"pk": f"S#{what}", "sk": "N"}


def login_failures(name: str, address: str) -> Key:
    return {"pk": f"T#{name}#{address}", "sk": "T"}


# Projects


def asset_pk(asset: str) -> str:
    return f"A#{asset}"


def asset_state(asset: str) -> Key:
    return {"pk": asset_pk(asset), "sk": "S"}


def asset_info(asset: str) -> Key:
    return {"pk": asset_pk(asset), "sk": "T#info"}


def permission(asset: str, username: str) -> Key:
    return {"pk": asset_pk(asset), "sk": f"S#perm#{username}"}


def hook_state(asset: str, hook: str) -> Key:
    return {"pk": asset_pk(asset), "sk": f"S#hook#{hook}"}


def hook(asset: str, hook_uid: str) -> Key:
    return {"pk": asset_pk(asset), "sk": f"H#{hook_uid}"}


def health(asset: str, hook_uid: str) -> Key:
    return {"pk": asset_pk(asset), "sk": f"Q#{hook_uid}"}


def hook_count(asset: str) -> Key:
    return {"pk": asset_pk(asset), "sk": "H"}


def hook_asset(hook_uid: str) -> Key:
    return {"pk": f"W#{hook_uid}", "sk": "W"}


def hook_tests(hook_uid: str) -> Key:
    return {"pk": f"W#{hook_uid}", "sk": "T"}


def version(asset: str, version_uid: str) -> Key:
    return {"pk": asset_pk(asset), "sk": f"V#{version_uid}"}


def content(asset: str, version_uid: str) -> Key:
    return {"pk": asset_pk(asset), "sk": f"C#{version_uid}"}


def xform(asset: str, version_uid: str) -> Key:
    return {"pk": asset_pk(asset), "sk": f"X#{version_uid}"}


def form_files(asset: str) -> Key:
    return {"pk": asset_pk(asset), "sk": "F"}


def form_file(asset: str, file_uid: str) -> Key:
    return {"pk": asset_pk(asset), "sk": f"F#{file_uid}"}


def manifest(asset: str) -> Key:
    return {"pk": asset_pk(asset), "sk": "M"}


def listing_pk(username: str) -> str:
    return f"L#{username}"


def listing(username: str, asset: str) -> Key:
    return {"pk": listing_pk(username), "sk": asset}


def invite(uid: str) -> Key:
    return {"pk": f"Q#{uid}", "sk": "Q"}


def invites_pk(username: str) -> str:
    return f"C#{username}"


def invite_of(username: str, uid: str) -> Key:
    """Beside the invite for each of the two people; its uid sorts by time."""
    return {"pk": invites_pk(username), "sk": uid}


def form_uuid(uuid: str) -> Key:
    return {"pk": f"N#{uuid}", "sk": "N"}


def import_pk(username: str) -> str:
    return f"I#{username}"


def import_task(username: str, task: str) -> Key:
    return {"pk": import_pk(username), "sk": task}


# Submissions and deliveries


def submissions_pk(asset: str) -> str:
    return f"D#{asset}"


def submission(asset: str, sid: int) -> Key:
    return {"pk": submissions_pk(asset), "sk": sid_text(sid)}


def guard(asset: str, uuid: str) -> Key:
    return {"pk": f"G#{asset}#{uuid}", "sk": "G"}


def marks_pk(series: str) -> str:
    """``series``: the uid of a form or of a hook."""
    return f"M#{series}"


def mark(series: str, first: int) -> Key:
    """Of the stretch of submissions, or deliveries, that begins with this id."""
    return {"pk": marks_pk(series), "sk": sid_text(first)}


def marks_head(series: str) -> Key:
    """Sorts before the marks themselves."""
    return {"pk": marks_pk(series), "sk": "!"}


def revision(asset: str, sid: int, number: int) -> Key:
    return {"pk": f"E#{asset}#{sid_text(sid)}", "sk": f"{number:06d}"}


def leftovers(asset: str, sid: int) -> Key:
    """What is still to be removed of a submission that was deleted."""
    return {"pk": f"X#{asset}#{sid_text(sid)}", "sk": "X"}


def body_leftovers(asset: str, body: str) -> Key:
    """A body in S3, by the last part of its key, until a record names it."""
    return {"pk": f"X#{asset}#{body}", "sk": "X"}


def deliveries_pk(hook_uid: str) -> str:
    return f"H#{hook_uid}"


def delivery(hook_uid: str, sid: int) -> Key:
    return {"pk": deliveries_pk(hook_uid), "sk": sid_text(sid)}


def attempts_pk(hook_uid: str, sid: int) -> str:
    return f"T#{hook_uid}#{sid_text(sid)}"


def attempt(hook_uid: str, sid: int, number: int) -> Key:
    return {"pk": attempts_pk(hook_uid, sid), "sk": f"{number:06d}"}


def trouble(hook_uid: str, kind: str) -> str:
    """Partition of the trouble index; ``kind`` is ``failed``, ``pending``, ``parked`` or ``waiting``."""
    return f"{hook_uid}#{kind}"


# Activity of projects


def history_pk(asset: str) -> str:
    return f"Y#{asset}"


def history_entry(asset: str, position: str) -> Key:
    return {"pk": history_pk(asset), "sk": position}


def history_blocks_pk(asset: str) -> str:
    return f"F#{asset}"


def history_block(asset: str, number: int) -> Key:
    return {"pk": history_blocks_pk(asset), "sk": f"{number:09d}"}


def deleted_pk(asset: str) -> str:
    return f"Z#{asset}"


def deleted_submission(asset: str, sid: int) -> Key:
    return {"pk": deleted_pk(asset), "sk": sid_text(sid)}


# Reports and jobs


def report_pk(owner: str) -> str:
    return f"R#{owner}"


def report(owner: str) -> Key:
    return {"pk": report_pk(owner), "sk": "!"}


def report_line(owner: str, hook_uid: str, sid: int) -> Key:
    return {"pk": report_pk(owner), "sk": f"M#{hook_uid}#{sid_text(sid)}"}


def report_notice(owner: str, hook_uid: str, kind: str) -> Key:
    """What happened to a hook itself stands beside the failures of its deliveries."""
    return {"pk": report_pk(owner), "sk": f"M#{hook_uid}#{kind}"}


def report_arrived(owner: str, hook_uid: str, sid: int) -> Key:
    return {"pk": report_pk(owner), "sk": f"K#{hook_uid}#{sid_text(sid)}"}


def report_letter(owner: str, letter: str) -> Key:
    return {"pk": report_pk(owner), "sk": f"U#{letter}"}


def letter(uid: str) -> Key:
    return {"pk": f"V#{uid}", "sk": "V"}


def log_exports_pk(log: str) -> str:
    return f"B#{log}"


def log_export(log: str, uid: str) -> Key:
    """An export of a log, ``U#<username>`` or ``A#<asset>``; its uid sorts by time."""
    return {"pk": log_exports_pk(log), "sk": uid}


def job(uid: str) -> Key:
    return {"pk": f"J#{uid}", "sk": "J"}


def job_chunk(uid: str, number: int) -> Key:
    """A part of what a job has selected."""
    return {"pk": f"J#{uid}", "sk": f"S#{number:06d}"}


def hook_jobs_pk(hook_uid: str) -> str:
    return f"J#{hook_uid}"


def hook_job(hook_uid: str, uid: str) -> Key:
    """A job that people follow; its uid sorts by time."""
    return {"pk": hook_jobs_pk(hook_uid), "sk": uid}


# Exports


def exports_pk(asset: str) -> str:
    return f"O#{asset}"


def export_tasks(user: str) -> str:
    """What the sort keys of a user's export tasks begin with."""
    return f"T#{user}#"


def export_task(asset: str, user: str, uid: str) -> Key:
    """An export that somebody asked for; its uid sorts by time."""
    return {"pk": exports_pk(asset), "sk": f"{export_tasks(user)}{uid}"}


def export_under_way(asset: str, user: str, what: str) -> Key:
    """The newest export of its kind that a user asked for; ``what`` tells kinds apart."""
    return {"pk": exports_pk(asset), "sk": f"U#{user}#{hashlib.sha256(what.encode()).hexdigest()}"}


def export_copy(asset: str, setting: str, kind: str, user: str) -> Key:
    """The newest file of a saved setting, for one user."""
    return {"pk": exports_pk(asset), "sk": f"Y#{setting}#{kind}#{user}"}


def export_setting(asset: str, uid: str) -> Key:
    return {"pk": exports_pk(asset), "sk": f"S#{uid}"}


def export_name(asset: str, name: str) -> Key:
    """The setting that bears a name."""
    return {"pk": exports_pk(asset), "sk": f"N#{hashlib.sha256(name.encode()).hexdigest()}"}
