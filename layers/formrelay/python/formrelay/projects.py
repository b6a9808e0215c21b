"""Projects: create and change (contract assets §2, §5); how they look stands in ``api``."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from formrelay import clock, history, ids
from formrelay.auth import Caller
from formrelay.errors import UnavailableError, invalid, not_found
from formrelay.forms.content import ContentError, content_hash, normalise
from formrelay.forms.summary import summarise
from formrelay.listings import row_of
from formrelay.storage import assets
from formrelay.storage.assets import Project, Version
from formrelay.storage.table import ConflictError, Item, TransactionError, backoff

TYPES = ("survey", "template", "block", "question", "collection", "empty", "text")
MAX_NAME = 255
# What clients keep here for themselves, such as how reports and maps of a project look: field → what it is until one
# was sent.
LOOKS: dict[str, dict[str, Any]] = {
    "report_styles": {"default": {}, "specified": {}, "kuid_names": {}},
    "report_custom": {},
    "map_styles": {},
    "map_custom": {},
    "advanced_features": {},
    "data_sharing": {},
}
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
    looks: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Those of :data:`LOOKS` that were sent."""
    imported: bool = False
    """Whether the content replaces the form by an import."""


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
        "looks": _told_apart(draft.looks),
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
    assets.create(state, info, version, content, row_of(state, info))
    return Project(uid, state, info=info)


def update(caller: Caller, uid: str, draft: Draft) -> Project:
    """Writes a change; a new version is made when name or content changed (contract assets §4.5).

    Raises ApiError 400 for another type of a project that was deployed: devices fill it in.
    """

    def apply(found: Project) -> None:
        state, info = dict(found.state), dict(found.info)
        version: Version | None = None
        state["name"] = draft.name if draft.name is not None else state["name"]
        state["type"] = draft.asset_type or state["type"]
        if state["deployed_version"] and state["type"] != "survey":
            raise invalid("asset_type", "A project that was deployed stays a survey.")
        if draft.settings is not None:
            merged = {**info["settings"], **draft.settings} if draft.settings else {}
            info["settings"] = standard_settings(merged)
        if draft.tags is not None:
            info["tags"] = draft.tags
        if draft.looks:
            info["looks"] = _told_apart({**info.get("looks", {}), **draft.looks})
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
        other = digest != found.info["content_hash"]
        by = history.who(caller)
        told = history.change_ops(by, found, state, info, content=other, imported=draft.imported)
        save(found, state, info, caller, version, content if version else None, told)

    return change(uid, apply)


def _told_apart(looks: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Those that are not as they are by themselves."""
    return {name: value for name, value in looks.items() if value != LOOKS[name]}


def change(uid: str, apply: Callable[[Project], None]) -> Project:
    """Reads a project and lets ``apply`` write it until nobody else wrote in between; returns it as it stands then.

    Raises 404 when there is no such project, UnavailableError when others always come first.
    """
    for turn in range(_TRIES):
        found = assets.project(uid, with_info=True)
        if found is None:
            raise not_found()
        try:
            apply(found)
        except TransactionError:
            continue
        except ConflictError:
            backoff(turn)
            continue
        return assets.project(uid, with_info=True) or found
    raise UnavailableError


def save(
    found: Project,
    state: Item,
    info: Item,
    caller: Caller,
    version: Version | None = None,
    content: dict[str, Any] | None = None,
    also: Sequence[Item] = (),
) -> None:
    """Writes a changed project, dated and signed. Raises TransactionError as :func:`assets.save` does."""
    info = info | {"modified": clock.now_ms(), "modified_by": caller.username}
    assets.save(found, state, info, row_of(state, info), version, content, also)


def standard_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Project settings with the keys that always exist (contract assets §4.4)."""
    country = given.get("country") or []
    countries = country if isinstance(country, list) else [country]
    texts = {name: "" for name in ("description", "organization") if given.get(name) is None}
    return {
        **given,
        **texts,
        "sector": given.get("sector") or {},
        "country": countries,
        "country_codes": [c["value"] for c in countries if isinstance(c, dict) and "value" in c],
    }
