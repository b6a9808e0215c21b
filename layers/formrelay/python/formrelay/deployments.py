"""Deployment of projects: deploy, archive, the compiled form (contract assets §6, §8)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from formrelay import clock, functions, history
from formrelay.auth import Caller
from formrelay.errors import ApiError, detail, invalid
from formrelay.openrosa.bounds import OUTSIDE_XML
from formrelay.projects import change, save
from formrelay.storage import assets, form_files
from formrelay.storage.assets import Project

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
    md5 = _compile(found, version.uid, label)
    told_before = [file["uid"] for file in form_files.deployed(found.uid)]

    def apply(current: Project) -> None:
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
        told = history.deployment_op(history.who(caller), current, version.uid)
        save(current, state, info, caller, replace(version, deployed=now, label=label), also=[told, *media])

    deployed = change(found.uid, apply)
    form_files.forget(found.uid, told_before)
    return deployed


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
    return stored or str(_compiled(found, version, _DRAFT)["xform"])


def _compile(found: Project, version_uid: str, label: str) -> str:
    answer = _compiled(found, version_uid, label)
    md5 = hashlib.md5(answer["xform"].encode(), usedforsecurity=False).hexdigest()
    assets.put_xform(found.uid, version_uid, answer["xform"], _grown_shape(found, answer["shape"]), md5)
    return md5


def _compiled(found: Project, version_uid: str, label: str) -> dict[str, Any]:
    answer = functions.compile_form(
        {
            "action": "xform",
            "asset": found.uid,
            "name": OUTSIDE_XML.sub("", found.state["name"]),
            "version": version_uid,
            "form_uuid": found.state["form_uuid"],
            "version_label": label,
            "content": assets.content(found.uid, version_uid),
        }
    )
    if "error" in answer:
        raise ApiError(400, {"error": answer["error"]})
    return answer


def _grown_shape(found: Project, shape: dict[str, list[str]]) -> dict[str, list[str]]:
    """The new version's shape with what only earlier versions had: phones go on sending those for a while."""
    deployed = found.state["deployed_version"]
    before = assets.shape(found.uid, deployed) if deployed else {}
    return {kind: list(dict.fromkeys([*paths, *before.get(kind, [])])) for kind, paths in shape.items()}
