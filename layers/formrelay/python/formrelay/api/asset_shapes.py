"""Projects as the API shows them (contract assets §3)."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

from formrelay import clock, ownership, permissions
from formrelay.api import export_shapes, permission_shapes
from formrelay.api.about import Query
from formrelay.api.router import Context
from formrelay.listings import deployment_status
from formrelay.projects import LOOKS
from formrelay.storage import export_settings, form_files, marks, submissions
from formrelay.storage.assets import Project, Version
from formrelay.storage.table import Item
from formrelay.usernames import ANONYMOUS

FORM_MEDIA = "form_media"
_VERSIONS_SHOWN = 100
EXCLUDE = Query(
    "exclude", "Fields to leave out, joined by commas; `content.choices`: of the form, that part."
)
_LIST_ONLY = (
    "url",
    "date_created",
    "date_modified",
    "date_deployed",
    "owner",
    "summary",
    "owner__username",
    "parent",
    "uid",
    "tag_string",
    "settings",
    "kind",
    "name",
    "asset_type",
    "version_id",
    "has_deployment",
    "deployed_version_id",
    "deployment__active",
    "deployment__submission_count",
    "deployment__last_submission_time",
    "deployment__encrypted",
    "deployment__uuid",
    "deployment_status",
    "permissions",
    "export_settings",
    "downloads",
    "data",
    "subscribers_count",
    "status",
    "access_types",
    "children",
    "data_sharing",
    "owner_label",
    "last_modified_by",
    "created_by",
)


def wanted(ctx: Context, project: dict[str, Any]) -> dict[str, Any]:
    """A project without what ``?exclude=`` names (contract accounts §6.6), and without such parts of its form."""
    names = left_out(ctx)
    kept = {name: value for name, value in project.items() if name not in names}
    if "content" in kept:
        kept["content"] = {
            part: value for part, value in kept["content"].items() if f"content.{part}" not in names
        }
    return kept


def left_out(ctx: Context) -> set[str]:
    """What ``?exclude=`` names."""
    return {name.strip() for name in ctx.request.query.get("exclude", "").split(",")}


class Totals(NamedTuple):
    """What was submitted to a project, None where the caller may not know: how many, and when the newest (ms)."""

    submissions: int | None
    newest: int | None


def totals(ctx: Context, project: Project) -> Totals:
    """Counts what was submitted to a project, without reading it."""
    if not permissions.allowed(ctx.caller, project, permissions.VIEW):
        return Totals(None, None)
    if not project.is_deployed:
        return Totals(0, None)
    return Totals(marks.census(project.uid).count, submissions.newest_time(project.uid))


def list_item(ctx: Context, project: Project, inactive: Container[str], totals: Totals) -> dict[str, Any]:
    """A row of the project list: no content; ``inactive`` users are left out of its permissions."""
    shown = _common(ctx, project, totals, inactive)
    return {name: shown[name] for name in _LIST_ONLY}


def detail(
    ctx: Context, project: Project, content: dict[str, Any], versions: list[Version]
) -> dict[str, Any]:
    """A project in full."""
    url = _asset_url(ctx, project.uid)
    deployed = [version for version in versions if version.deployed]
    numbers = version_numbers(versions)
    rows = [version_item(ctx, project.uid, v, numbers) for v in deployed[:_VERSIONS_SHOWN]]
    more = f"{url}/versions/?deployed=true&limit={_VERSIONS_SHOWN}&start={_VERSIONS_SHOWN}"
    rest = more if len(deployed) > len(rows) else None
    return {
        **_common(ctx, project, totals(ctx, project)),
        "export_settings": _export_settings(ctx, project),
        "files": [file_item(ctx, project.uid, file) for file in form_files.read(project.uid).files],
        "version__content_hash": project.info["content_hash"],
        "version_count": project.info["version_count"],
        "deployed_versions": {"count": len(deployed), "next": rest, "previous": None, "results": rows},
        "deployment__links": {},
        "deployment__data_download_links": {},
        **LOOKS,
        **project.info.get("looks", {}),
        "content": content,
        "embeds": [
            {"format": "xls", "url": f"{url}/xls/"},
            {"format": "xform", "url": f"{url}/xform/"},
        ],
        "analysis_form_json": {"additional_fields": []},
        "xform_link": f"{url}/xform/",
        "hooks_link": f"{url}/hooks/",
        "xls_link": f"{url}/xls/",
        "assignable_permissions": permission_shapes.assignable(ctx, project),
        "effective_permissions": permission_shapes.effective(ctx, project),
        "exports": f"{url}/exports/",
        "paired_data": f"{url}/paired-data/",
        "project_ownership": _ownership(ctx, project),
    }


def file_item(ctx: Context, asset: str, file: Item) -> dict[str, Any]:
    """A media file. Clients take ``metadata`` apart by position: an address comes fourth (contract assets §10)."""
    url = f"{_asset_url(ctx, asset)}/files/{file['uid']}/"
    metadata = {"hash": f"md5:{file['md5']}", "filename": file["filename"], "mimetype": file["mimetype"]}
    return {
        "uid": file["uid"],
        "url": url,
        "asset": f"{_asset_url(ctx, asset)}/",
        "user": f"{ctx.api}/users/{file['by']}/",
        "user__username": file["by"],
        "file_type": FORM_MEDIA,
        "description": file["description"],
        "date_created": clock.iso_micro(file["created"]),
        "content": f"{url}content/",
        "metadata": metadata | ({"redirect_url": file["url"]} if "url" in file else {}),
    }


def version_item(ctx: Context, asset: str, version: Version, numbers: Mapping[str, str]) -> dict[str, Any]:
    """A version; ``numbers`` are those of all of the project's."""
    return {
        "uid": version.uid,
        "url": f"{_asset_url(ctx, asset)}/versions/{version.uid}/",
        "content_hash": version.content_hash,
        "date_deployed": _iso(version.deployed) or False,
        "date_modified": clock.iso_micro(version.modified),
        "version_number": numbers[version.uid],
    }


def version_numbers(versions: Sequence[Version]) -> dict[str, str]:
    """What versions are called, by uid: ``2`` the second deployed one, ``2.1`` the first draft after it.

    ``versions`` are all of the project's, newest first.
    """
    numbers = {}
    deployed = drafts = 0
    for version in reversed(versions):
        if version.deployed:
            deployed, drafts = deployed + 1, 0
            numbers[version.uid] = str(deployed)
        else:
            drafts += 1
            numbers[version.uid] = f"{deployed}.{drafts}"
    return numbers


def _export_settings(ctx: Context, project: Project) -> list[dict[str, Any]]:
    """What is saved of exports, for who sees data."""
    if permissions.reach(ctx.caller, project, permissions.VIEW) is None:
        return []
    return [export_shapes.shown(ctx.api, project.uid, row) for row in export_settings.listed(project.uid)]


def _common(
    ctx: Context, project: Project, totals: Totals, inactive: Container[str] | None = None
) -> dict[str, Any]:
    state, info, url = project.state, project.info, _asset_url(ctx, project.uid)
    suffix = f".{ctx.request.suffix}" if ctx.request.suffix else "/"
    deployed = project.is_deployed
    return {
        "url": url + suffix,
        "owner": f"{ctx.api}/users/{project.owner}/",
        "owner__username": project.owner,
        "owner_label": project.owner,
        "parent": None,
        "uid": project.uid,
        "kind": "asset",
        "name": state["name"],
        "asset_type": state["type"],
        "settings": info["settings"],
        "summary": info["summary"],
        "date_created": clock.iso_micro(info["created"]),
        "date_modified": clock.iso_micro(info["modified"]),
        "date_deployed": _iso(info["deployed"]),
        "version_id": state["version"],
        "has_deployment": deployed,
        "deployed_version_id": state["deployed_version"],
        "deployment__active": state["active"],
        "deployment__submission_count": totals.submissions,
        "deployment__last_submission_time": clock.iso_seconds(totals.newest) if totals.newest else None,
        "deployment__encrypted": state.get("encrypted", False),
        "deployment__uuid": state["form_uuid"] if deployed else None,
        "deployment_status": deployment_status(state),
        "downloads": [{"format": kind, "url": f"{url}.{kind}"} for kind in ("xls", "xml")],
        "tag_string": ",".join(info["tags"]),
        "permissions": permission_shapes.assignments(ctx, project, inactive),
        "export_settings": [],
        "data": f"{url}/data{suffix}",
        "children": {"count": 0},
        "subscribers_count": 0,
        "status": _status(project),
        "access_types": _access_types(ctx, project),
        "data_sharing": info.get("looks", {}).get("data_sharing", LOOKS["data_sharing"]),
        "last_modified_by": info["modified_by"],
        "created_by": info["created_by"],
    }


def _status(project: Project) -> str:
    if permissions.allowed(None, project, permissions.VIEW_ASSET):
        return "public"
    return "shared" if project.rights.keys() - {ANONYMOUS} else "private"


def _ownership(ctx: Context, project: Project) -> dict[str, Any] | None:
    """The last invite to take the project over, for the two whom it is about."""
    last = project.info.get("ownership")
    if not last or ctx.caller is None or ctx.caller.username not in (last["sender"], last["recipient"]):
        return None
    return {
        "invite": f"{ctx.api}/project-ownership/invites/{last['invite']}/",
        "sender": f"{ctx.api}/users/{last['sender']}/",
        "recipient": f"{ctx.api}/users/{last['recipient']}/",
        "status": ownership.status_of(last),
    }


def _access_types(ctx: Context, project: Project) -> list[str] | None:
    """How the caller came by a collection; null for everything else."""
    if project.state["type"] != "collection":
        return None
    found = {
        "owned": ctx.caller is not None and ctx.caller.username == project.owner,
        "public": permissions.allowed(None, project, permissions.VIEW_ASSET),
        "shared": ctx.caller is not None and ctx.caller.username in project.rights,
        "superuser": ctx.caller is not None and ctx.caller.superuser,
    }
    return [name for name, is_so in found.items() if is_so]


def _asset_url(ctx: Context, uid: str) -> str:
    return f"{ctx.api}/assets/{uid}"


def _iso(ms: int | None) -> str | None:
    return clock.iso_micro(ms) if ms else None
