"""Files of a submission: which count, under which names, where their bytes stand (contract submissions §4, §6)."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from formrelay import ids
from formrelay.openrosa.errors import MultipartError, Outcome
from formrelay.openrosa.multipart import Part
from formrelay.storage import blobs
from formrelay.storage.table import Item

# Of one submission, over all its parts: their entries stand in its item, which DynamoDB limits to 400 KB.
MAX_FILES = 500
MAX_ENTRIES = 230_000
"""Of all entries together, in bytes as JSON: room for 200 files at least, for 500 with names of some dozen letters."""
# In bytes.
_MAX_NAME = 255
_MAX_XPATH = 300
# Without parameters (RFC 6838 §4.2); S3 wants it in ASCII.
_TYPE = re.compile(r"[A-Za-z0-9][\w.+-]{0,49}/[A-Za-z0-9][\w.+-]{0,79}", re.ASCII)
_NOT_STORED = re.compile(r"[^\w.-]")
_DEFAULT_TYPE = "application/octet-stream"


class File(NamedTuple):
    """One file as it came; ``xpath`` names the question it answers, empty when unknown."""

    uid: str
    data: bytes
    mimetype: str
    sha1: str
    xpath: str
    hidden: bool
    at: int


def received(parts: Sequence[Part], named: Mapping[str, str], has_media: bool, now: int) -> dict[str, File]:
    """Name → file of the parts that are files. Raises OpenRosaError for names that cannot be kept or clash.

    ``named`` are the file names that answers give, with their paths; ``has_media`` tells whether the form asks
    for files at all.
    """
    files: dict[str, File] = {}
    xpaths = _xpaths(named)
    for part in parts:
        name = part.filename or ""
        if not name or len(name.encode()) > _MAX_NAME:
            raise MultipartError("a file needs a name of at most 255 bytes")
        sha1 = hashlib.sha1(part.data, usedforsecurity=False).hexdigest()
        if name in files and files[name].sha1 != sha1:
            raise Outcome.ATTACHMENT_NAME_TAKEN.error()
        files[name] = File(
            uid=ids.uid("att"),
            data=part.data,
            mimetype=_mimetype(part),
            sha1=sha1,
            xpath=xpaths.get(name, ""),
            hidden=has_media and name not in xpaths and not _is_special(name),
            at=now,
        )
    return files


def _mimetype(part: Part) -> str:
    sent = (part.content_type or "").partition(";")[0].strip().lower()
    if _TYPE.fullmatch(sent) and sent != _DEFAULT_TYPE:
        return sent
    import mimetypes

    # By the suffix alone: a whole name may be taken for a URL, and that of ``data:…`` tells any type it likes.
    _, dot, suffix = (part.filename or "").rpartition(".")
    return mimetypes.guess_type(f"file{dot}{suffix}")[0] or _DEFAULT_TYPE


def _is_special(name: str) -> bool:
    """Files that no question names: audit logs, encrypted files, recordings made in the background."""
    return name == "audit.csv" or name.endswith(".enc") or name.startswith("background-audio")


def fresh(files: Mapping[str, File], there: Mapping[str, Item]) -> dict[str, File]:
    """The files that are not there yet. Raises OpenRosaError 409 when a name is there with other bytes."""
    new = {}
    for name, file in files.items():
        known = there.get(name)
        if known is None:
            new[name] = file
        elif known["sha1"] != file.sha1:
            raise Outcome.ATTACHMENT_NAME_TAKEN.error()
    return new


def missing(named: Iterable[str], there: Container[str]) -> bool:
    """Whether answers name a file that is not among those that are there."""
    return any(name not in there and _cleaned(name) not in there for name in named)


def _xpaths(named: Mapping[str, str]) -> dict[str, str]:
    """File name → the question it answers, by its very name or by that under which it is stored.

    Scripts that move data send files under the latter, as records show it.
    """
    return {_cleaned(name): xpath for name, xpath in named.items()} | dict(named)


def still_named(there: Mapping[str, Item], named: Mapping[str, str]) -> dict[str, Item]:
    """The entries of files after an edit: those that no answer names any more are hidden, until one does again."""
    xpaths = _xpaths(named)
    return {
        name: {
            **entry,
            "xpath": _kept(xpaths.get(name, "")),
            "hidden": name not in xpaths and bool(entry["hidden"] or entry["xpath"]),
        }
        for name, entry in there.items()
    }


def _kept(xpath: str) -> str:
    return xpath if len(xpath.encode()) <= _MAX_XPATH else ""


def upload(files: Mapping[str, File], asset: str, root_uuid: str) -> None:
    """Puts the bytes into S3; the record that names them is written afterwards."""
    for file in files.values():
        blobs.put(blobs.attachment_key(asset, root_uuid, file.uid), file.data, file.mimetype)


def entries(files: Mapping[str, File], there: Mapping[str, Item]) -> dict[str, Item]:
    """Name → what the submission keeps of a file; ``there`` are the entries that it has already.

    Raises OpenRosaError 400 when there would be more than a submission can keep.
    """
    used = {entry["stored"] for entry in there.values()}
    found = {}
    for name, file in files.items():
        stored = _stored_name(name, used)
        used.add(stored)
        found[name] = {
            "uid": file.uid,
            "type": file.mimetype,
            "stored": stored,
            "size": len(file.data),
            "sha1": file.sha1,
            "xpath": _kept(file.xpath),
            "hidden": file.hidden,
            "at": file.at,
        }
    if len(found) + len(there) > MAX_FILES:
        raise MultipartError(f"a submission has at most {MAX_FILES} files")
    if _weight(found) + _weight(there) > MAX_ENTRIES:
        raise MultipartError("a submission cannot have that many files with such long names")
    return found


def _weight(entries: Mapping[str, Item]) -> int:
    return len(json.dumps(dict(entries), ensure_ascii=False).encode())


def _cleaned(name: str) -> str:
    return _NOT_STORED.sub("", name.strip().replace(" ", "_"))


def _stored_name(name: str, used: Collection[str]) -> str:
    """``front door-10.jpg`` → ``front_door-10.jpg``; a random suffix keeps clashing names apart."""
    cleaned = _cleaned(name) or "file"
    if cleaned not in used:
        return cleaned
    stem, dot, suffix = cleaned.rpartition(".")
    mark = "_" + "".join(secrets.choice(ids.ALPHABET) for _ in range(7))
    return f"{stem}{mark}.{suffix}" if dot else cleaned + mark
