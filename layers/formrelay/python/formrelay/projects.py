"""Projects: create, change, deploy, archive (contract assets §2, §5, §6); how they look stands in ``api``."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from formrelay import clock, functions, ids
from formrelay.auth import Caller
from formrelay.errors import ApiError, UnavailableError, detail, invalid
from formrelay.forms.content import ContentError, content_hash, normalise
from formrelay.forms.summary import summarise
from formrelay.openrosa.bounds import OUTSIDE_XML
from formrelay.storage import assets, form_files
from formrelay.storage.assets import Project, Version
from formrelay.storage.table import Item, TransactionError

TYPES = ("survey", "template", "block", "question", "collection", "empty", "text")
MAX_NAME = 255
_LABEL = "%Y-%m-%d %H:%M:%S"
# How often a change is made again on a project that others change at the same moment.
_TRIES = 5


@dataclass(frozen=True)
class Draft:
    """A change of a project, checked: what is None stays as it is."""

    name: str | None = None
    asset_type: str | None = None
    content: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None
    tags: list[str] | None = None


def checked_content(
    content: Mapping[str, Any], translations: list[str | None] | None = None
) -> tuple[dict[str, Any], str | None]:
    """Normalised content, and the title it carries. Raises ApiError 400 under ``content`` or ``name``."""
    try:
        normalised = normalise(content, translations)
    except ContentError as error:
        raise invalid("content", str(error)) from None
    if normalised.title and len(normalised.title) > MAX_NAME:
        raise invalid("name", f"Ensure this field has no more than {MAX_NAME} characters.")
    return normalised.content, normalised.title


def create(caller: Caller, draft: Draft) -> Project:
    """A new project of the caller's, with one version, not deployed."""
    now = clock.now_ms()
    uid = ids.uid("a")
    content = draft.content if draft.content is not None else checked_content({})[0]
    version = Version(ids.uid("v"), 1, content_hash(content), now)
    state = {
        "uid": uid,
        "owner": caller.username,
        "name": draft.name or "",
        "type": draft.asset_type or "survey",
        "id": secrets.randbelow(2**31),
        "form_uuid": uuid.uuid4().hex,
        "active": False,
        "version": version.uid,
        "deployed_version": None,
        "form_md5": None,
        "form_version": None,
    }
    info = {
        "settings": standard_settings(draft.settings or {}),
        "summary": summarise(content),
        "tags": draft.tags or [],
        "created": now,
        "modified": now,
        "deployed": None,
        "content_hash": version.content_hash,
        "version_count": 1,
        "deployed_count": 0,
        "created_by": caller.username,
        "modified_by": caller.username,
        "revision": 0,
    }
    assets.create(state, info, version, content, listing_row(state, info))
    return Project(uid, state, info=info)


def update(caller: Caller, uid: str, draft: Draft) -> Project:
    """Writes a change; a new version is made when name or content changed (contract assets §4.5)."""

    def change(found: Project) -> None:
        state, info = dict(found.state), dict(found.info)
        version: Version | None = None
        state["name"] = draft.name if draft.name is not None else state["name"]
        state["type"] = draft.asset_type or state["type"]
        if draft.settings is not None:
            merged = {**info["settings"], **draft.settings} if draft.settings else {}
            info["settings"] = standard_settings(merged)
        if draft.tags is not None:
            info["tags"] = draft.tags
        content = draft.content
        digest = content_hash(content) if content is not None else info["content_hash"]
        if digest != info["content_hash"] or state["name"] != found.state["name"]:
            content = content if content is not None else assets.content(uid, state["version"]) or {}
            number = info["version_count"] + 1
            version = Version(ids.uid("v"), number, digest, clock.now_ms())
            state["version"] = version.uid
            info |= {"content_hash": digest, "summary": summarise(content), "version_count": number}
        if (state, info) == (found.state, found.info):
            return
        _save(found, state, info, caller, version, content if version else None)

    return _change(uid, change)


def deploy(caller: Caller, found: Project, *, active: bool, version_uid: str | None = None) -> Project:
    """Compiles the newest version and makes it the one that is filled in, with the media files that there are.

    Raises ApiError 400 with pyxform's words for a form that does not compile.
    """
    if found.state["type"] != "survey":
        raise detail(400, f"Only surveys may be deployed, but this asset is a {found.state['type']}")
    if version_uid and version_uid != found.state["version"]:
        raise invalid("version_id", "Only the current version can be deployed")
    version = next(v for v in assets.versions(found.uid) if v.uid == found.state["version"])
    now = clock.now_ms()
    number = found.info["deployed_count"] + 1
    label = version.label or f"{number} ({datetime.fromtimestamp(now / 1000, UTC).strftime(_LABEL)})"
    md5 = _compile(found, version.uid, label)
    told_before = [file["uid"] for file in form_files.deployed(found.uid)]

    def change(current: Project) -> None:
        if current.state["version"] != version.uid:
            raise invalid("version_id", "The project was changed meanwhile")
        state = current.state | {
            "active": active,
            "deployed_version": version.uid,
            "form_md5": md5,
            "form_version": label,
        }
        info = current.info | {"deployed": now}
        if not version.label:
            info["deployed_count"] = current.info["deployed_count"] + 1
        media = form_files.deploy_ops(found.uid, form_files.read(found.uid))
        _save(current, state, info, caller, replace(version, deployed=now, label=label), also=media)

    deployed = _change(found.uid, change)
    form_files.forget(found.uid, told_before)
    return deployed


def set_active(caller: Caller, uid: str, active: bool) -> Project:
    """Archives or unarchives a deployed project; ``date_deployed`` stays."""

    def change(found: Project) -> None:
        _save(found, found.state | {"active": active}, dict(found.info), caller)

    return _change(uid, change)


def _compile(found: Project, version_uid: str, label: str) -> str:
    content = assets.content(found.uid, version_uid)
    answer = functions.compile_form(
        {
            "action": "xform",
            "asset": found.uid,
            "name": OUTSIDE_XML.sub("", found.state["name"]),
            "version": version_uid,
            "form_uuid": found.state["form_uuid"],
            "version_label": label,
            "content": content,
        }
    )
    if "error" in answer:
        raise ApiError(400, {"error": answer["error"]})
    md5 = hashlib.md5(answer["xform"].encode(), usedforsecurity=False).hexdigest()
    assets.put_xform(found.uid, version_uid, answer["xform"], _grown_shape(found, answer["shape"]), md5)
    return md5


def _grown_shape(found: Project, shape: dict[str, list[str]]) -> dict[str, list[str]]:
    """The new version's shape with what only earlier versions had: phones go on sending those for a while."""
    deployed = found.state["deployed_version"]
    before = assets.shape(found.uid, deployed) if deployed else {}
    return {kind: list(dict.fromkeys([*paths, *before.get(kind, [])])) for kind, paths in shape.items()}


def _change(uid: str, change: Callable[[Project], None]) -> Project:
    """Reads, changes and writes a project until nobody else wrote in between; returns it as it stands then."""
    for _ in range(_TRIES):
        found = assets.project(uid, with_info=True)
        if found is None:
            raise detail(404, "Not found.")
        try:
            change(found)
        except TransactionError:
            continue
        return assets.project(uid, with_info=True) or found
    raise UnavailableError


def _save(
    found: Project,
    state: Item,
    info: Item,
    caller: Caller,
    version: Version | None = None,
    content: dict[str, Any] | None = None,
    also: Sequence[Item] = (),
) -> None:
    info = info | {"modified": clock.now_ms(), "modified_by": caller.username}
    assets.save(found, state, info, listing_row(state, info), version, content, also)


def listing_row(state: Mapping[str, Any], info: Mapping[str, Any]) -> Item:
    """What lists of projects and of forms sort, filter and show without reading each project."""
    return {
        "owner": state["owner"],
        "name": state["name"],
        "type": state["type"],
        "status": deployment_status(state),
        "modified": info["modified"],
        "deployed": info["deployed"],
        "form_version": state["form_version"],
        "form_md5": state["form_md5"],
    }


def deployment_status(state: Mapping[str, Any]) -> str:
    """``draft``, ``deployed``, ``archived``; ``-`` for what is no survey."""
    if state["type"] != "survey":
        return "-"
    if not state["deployed_version"]:
        return "draft"
    return "deployed" if state["active"] else "archived"


def standard_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Project settings with the keys that always exist (contract assets §4.4)."""
    country = given.get("country") or []
    countries = country if isinstance(country, list) else [country]
    return {
        "description": "",
        "organization": "",
        **given,
        "sector": given.get("sector") or {},
        "country": countries,
        "country_codes": [c["value"] for c in countries if isinstance(c, dict) and "value" in c],
    }
