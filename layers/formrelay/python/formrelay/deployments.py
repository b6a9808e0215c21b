"""Deployment of projects: deploy, archive, the compiled form (contract assets §6, §8)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from formrelay import clock, functions, history, ids
from formrelay.auth import Caller
from formrelay.errors import ApiError, detail, invalid
from formrelay.forms import grids, itemsets, media
from formrelay.projects import change, save
from formrelay.storage import assets, blobs, form_files
from formrelay.storage.assets import Project
from formrelay.storage.table import Item
from formrelay.xml_text import OUTSIDE_XML

_LABEL = "%Y-%m-%d %H:%M:%S"
# Version of a form that was never deployed.
_DRAFT = "draft"


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
    content = assets.content(found.uid, version.uid) or {}
    form, md5 = _compile(found, version.uid, label, content)
    told_before = form_files.deployed(found.uid)
    made = _made_files(found.uid, content, told_before)

    def apply(current: Project) -> None:
        if current.state["version"] != version.uid:
            raise invalid("version_id", "The project was changed meanwhile")
        state = current.state | {
            "active": active,
            "deployed_version": version.uid,
            "form_md5": md5,
            "form_version": label,
            # Devices seal what they send for whoever holds the private key.
            "encrypted": bool(content.get("settings", {}).get("public_key")),
        }
        info = current.info | {"deployed": now}
        if not version.label and current.state["deployed_version"] != version.uid:
            info["deployed_count"] = current.info["deployed_count"] + 1
        files = form_files.deploy_ops(found.uid, form_files.read(found.uid), made)
        told = history.deployment_op(history.who(caller), current, version.uid)
        done = version._replace(deployed=now, label=label)
        save(current, state, info, caller, done, also=[form, told, *files])

    deployed = change(found.uid, apply)
    form_files.forget(found.uid, [file["uid"] for file in [*told_before, *made]])
    return deployed


def _made_files(asset: str, content: dict[str, Any], told_before: Sequence[Item]) -> list[Item]:
    """Files that devices need with this form and its owner does not upload; the one from before if it is the same."""
    data = itemsets.external_choices(content)
    if data is None:
        return []
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    for file in told_before:
        if (file["filename"], file["md5"]) == (itemsets.NAME, md5):
            return [file]
    kind = media.mimetype_of(itemsets.NAME)
    file = {"uid": ids.uid("af"), "filename": itemsets.NAME, "mimetype": kind, "md5": md5, "size": len(data)}
    blobs.put(blobs.form_file_key(asset, file["uid"]), data, kind)
    return [file]


def set_active(caller: Caller, uid: str, active: bool) -> Project:
    """Archives or unarchives a deployed project; ``date_deployed`` stays."""

    def apply(found: Project) -> None:
        told = history.archive_op(history.who(caller), found, active=active)
        save(found, found.state | {"active": active}, dict(found.info), caller, also=[told])

    return change(uid, apply)


def xform(found: Project) -> str:
    """The XForm of the newest version, deployed or not. Raises ApiError 400 as :func:`deploy` does."""
    version = found.state["version"]
    stored = assets.xform(found.uid, version) if version == found.state["deployed_version"] else None
    if stored:
        return stored
    return str(_compiled(found, version, _DRAFT, assets.content(found.uid, version) or {})["xform"])


def _compile(found: Project, version_uid: str, label: str, content: dict[str, Any]) -> tuple[Item, str]:
    """The write of the compiled form, and its MD5."""
    answer = _compiled(found, version_uid, label, content)
    md5 = hashlib.md5(answer["xform"].encode(), usedforsecurity=False).hexdigest()
    shape = _grown_shape(found, answer["shape"], content)
    return assets.xform_op(found.uid, version_uid, answer["xform"], shape, md5), md5


def _compiled(found: Project, version_uid: str, label: str, content: dict[str, Any]) -> dict[str, Any]:
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
    return answer


def _grown_shape(
    found: Project, shape: dict[str, list[str]], content: Mapping[str, Any]
) -> dict[str, list[str]]:
    """The new version's shape with what only earlier versions had, which submissions that name no version may have.

    What the new version has made something else of, such as a group of a repeat, is what it is now.
    """
    deployed = found.state["deployed_version"]
    before = assets.shape(found.uid, deployed) if deployed else {}
    asked = {row.get("$xpath") for row in grids.plain(content).get("survey", ())}
    return {
        kind: list(dict.fromkeys([*paths, *(path for path in before.get(kind, ()) if path not in asked)]))
        for kind, paths in shape.items()
    }
