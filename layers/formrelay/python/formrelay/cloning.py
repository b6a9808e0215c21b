"""Projects made, or changed, from what another project holds (contract assets §2.2)."""

from __future__ import annotations

from dataclasses import replace

from formrelay import permissions
from formrelay.auth import Caller
from formrelay.errors import detail, not_found
from formrelay.projects import Draft
from formrelay.storage import assets
from formrelay.storage.assets import Project

# What each type may become.
_INTO = {
    "question": ("question", "survey", "template"),
    "block": ("block", "question", "survey", "template"),
    "survey": ("block", "question", "survey", "template"),
    "template": ("survey", "template"),
}
_WITH_SETTINGS = ("survey", "template")
# Whether data is shared is a choice of its own for each project.
_NEVER_COPIED = "share-metadata"


def draft_of(caller: Caller, source: str, version: str | None, draft: Draft, into: Project | None) -> Draft:
    """The draft, with what it leaves open taken from the project ``source``; ``into`` is what it is to change.

    Raises 404 for a source that the caller may not view or a version that it has not, 400 for types that do not go
    together. A project that is changed keeps its type, unless it has none yet (``empty``).
    """
    found = permissions.require(caller, assets.project(source, with_info=True), permissions.VIEW_ASSET)
    kind = _type(found, draft, into)
    content = assets.content(found.uid, version or found.state["version"])
    if content is None:
        raise not_found()
    return replace(
        draft,
        name=found.state["name"] if draft.name is None else draft.name,
        asset_type=kind,
        content=content,
        settings=_settings(found, draft, kind),
        tags=found.info["tags"] if draft.tags is None else draft.tags,
    )


def _type(found: Project, draft: Draft, into: Project | None) -> str:
    source = str(found.state["type"])
    typed = into is not None and into.state["type"] != "empty"
    kind = str(into.state["type"]) if into and typed else draft.asset_type or source
    if kind not in _INTO.get(source, (source,)):
        raise detail(400, "Destination type is not compatible with source type")
    return kind


def _settings(found: Project, draft: Draft, kind: str) -> dict[str, object] | None:
    if kind not in _WITH_SETTINGS or found.state["type"] not in _WITH_SETTINGS:
        return draft.settings
    copied = {name: value for name, value in found.info["settings"].items() if name != _NEVER_COPIED}
    return {**copied, **(draft.settings or {})}
