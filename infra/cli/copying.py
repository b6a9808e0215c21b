"""A project from another server, KoboToolbox or formrelay: form, media, submissions with their files, hooks.

Over the public API of both. Begun again, it goes on where it was: what is there is found and left as it is.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from infra.cli import instances
from infra.cli.client import Client
from infra.cli.faults import ServerError
from infra.cli.pooling import in_order
from infra.cli.progress import tracked

# As records name the first instanceID, and the one before the current.
_ROOT, _DEPRECATED_ID = "meta/rootUuid", "meta/deprecatedID"
# Fields of a hook that another server takes.
_HOOK = (
    "name", "endpoint", "active", "export_type", "auth_level", "subset_fields", "email_notification",
    "payload_template", "events", "filter", "concurrency",
)  # fmt: skip
_ID = re.compile(r"""^(<[^\s/>]+(?:\s[^>]*?)?\sid=)(?:"[^"]*"|'[^']*')""")
_META = re.compile(r"<(?:[\w.-]+:)?meta(?:\s[^>]*)?>.*?</(?:[\w.-]+:)?meta\s*>", re.DOTALL)
_DEPRECATED = re.compile(r"<((?:[\w.-]+:)?deprecatedID)(?:\s[^>]*)?(?:/>|>[^<]*</\1\s*>)")
_INSTANCE = re.compile(r"<((?:[\w.-]+:)?)instanceID(?:\s[^>]*)?>[^<]*</\1instanceID\s*>")
_FORM_UUID = re.compile(r"(<formhub>\s*<uuid>)[^<]*(</uuid>)")


class _Copied(NamedTuple):
    """A record of the copy: how many files it has, and which revision it says that it replaced."""

    files: int
    deprecated: str | None


class _There(NamedTuple):
    """What the copy has: its records by their instanceIDs, and the current instanceID of each by its first one."""

    records: dict[str, _Copied]
    current: dict[str, str]


# An instance and its files; None when the copy has it already.
_Read = tuple[str, instances.Files] | ServerError | None


def project(source: Client, uid: str, target: Client) -> str:
    """The copy of a project, made and deployed as far as it is not yet; its uid."""
    original = source.get(f"/api/v2/assets/{uid}/")
    copy = _begun(source, uid, target) or _made(source, original, target)
    path = f"/api/v2/assets/{copy}"
    there = {_name(file) for file in target.pages(f"{path}/files/", file_type="form_media")}
    for file in source.pages(f"/api/v2/assets/{uid}/files/", file_type="form_media"):
        if _name(file) not in there:
            _media(source, file, target, copy)
    if not target.get(f"{path}/")["has_deployment"]:
        target.send("POST", f"{path}/deployment/", {"active": True})
    return copy


def _mark(source: Client, uid: str) -> str:
    """What the description of a copy says of where it comes from, by which it is found again."""
    return f"copied from {source.url}/{uid}"


def _begun(source: Client, uid: str, target: Client) -> str | None:
    for found in target.pages("/api/v2/assets/", q="asset_type:survey"):
        if _mark(source, uid) in str(found["settings"].get("description", "")):
            return str(found["uid"])
    return None


def _made(source: Client, original: dict[str, Any], target: Client) -> str:
    described = f"{original['settings'].get('description') or ''} ({_mark(source, original['uid'])})"
    fields = {
        "name": original["name"],
        "asset_type": "survey",
        "settings": {**original["settings"], "description": described},
        "content": _form(source, original),
        "tag_string": original.get("tag_string") or "",
    }
    return str(target.send("POST", "/api/v2/assets/", fields)["uid"])


def _form(source: Client, original: dict[str, Any]) -> dict[str, Any]:
    """The form that is filled in, which may have been changed since without being deployed.

    Names that were made there stay what they are in records, however they would be made here.
    """
    content, deployed = original["content"], original.get("deployed_version_id")
    if deployed and deployed != original["version_id"]:
        content = source.get(f"/api/v2/assets/{original['uid']}/versions/{deployed}/")["content"]
    for sheet, made in (("survey", "$autoname"), ("choices", "$autovalue")):
        for row in content.get(sheet) or ():
            if made in row:
                row.setdefault("name", row[made])
    return dict(content)


def _name(file: dict[str, Any]) -> str:
    return str(file["metadata"]["filename"])


def _media(source: Client, file: dict[str, Any], target: Client, copy: str) -> None:
    name = _name(file)
    content = source.request("GET", file["content"]).content
    target.request(
        "POST",
        f"/api/v2/assets/{copy}/files/",
        data={"file_type": "form_media", "description": file.get("description") or name},
        files={"content": (name, content, file["metadata"].get("mimetype") or "application/octet-stream")},
    )


def submissions(source: Client, uid: str, target: Client, copy: str) -> tuple[Counter[str], list[str]]:
    """Sends every submission with its files, oldest first; counts of new ones and of those there, and what failed.

    What the copy has with all of its files is not asked for again, so one that is begun anew soon goes on.
    """
    form_uuid = target.get(f"/api/v2/assets/{copy}/")["deployment__uuid"]
    data = f"/api/v2/assets/{uid}/data/"
    total = source.get(data, limit=1)["count"]
    there = _there(target, copy)

    def read(record: dict[str, Any]) -> _Read:
        known = there.records.get(record["_uuid"])
        if known and known.files == len(_attached(record)):
            return None
        try:
            return _instance(source, uid, record), dict(_files(source, record))
        except ServerError as error:
            return error

    counts: Counter[str] = Counter()
    errors: list[str] = []
    records = in_order(read, source.pages(data, sort='{"_id":1}'))
    for record, found in tracked(records, total, "Submissions"):
        try:
            replaced = _replaced(record, there)
            counts[_sent(target, record, found, copy, form_uuid, replaced)] += 1
        except ServerError as error:
            errors.append(f"{record['_id']}: {error}")
    return counts, errors


def _there(target: Client, copy: str) -> _There:
    fields = json.dumps(["_uuid", "_attachments", _ROOT, _DEPRECATED_ID])
    there = _There({}, {})
    for row in target.pages(f"/api/v2/assets/{copy}/data/", fields=fields, sort='{"_id":1}'):
        there.records[row["_uuid"]] = _Copied(len(row.get("_attachments") or []), _bare(row, _DEPRECATED_ID))
        there.current[_bare(row, _ROOT) or row["_uuid"]] = row["_uuid"]
    return there


def _bare(record: dict[str, Any], name: str) -> str | None:
    """An instanceID of a record as ``_uuid`` has it."""
    value = record.get(name)
    return str(value).strip().removeprefix("uuid:") if value else None


def _replaced(record: dict[str, Any], there: _There) -> str | None:
    """Which revision in the copy this one replaces: that of a record which was edited since it was copied.

    None for one that is new to the copy, whatever revisions it had. One that was edited on both sides says what it
    replaced on its own, which the server refuses.
    """
    if known := there.records.get(record["_uuid"]):
        return known.deprecated
    deprecated, root = _bare(record, _DEPRECATED_ID), _bare(record, _ROOT)
    if deprecated in there.records or root not in there.current:
        return deprecated if deprecated in there.records else None
    return root if there.current[root] == root else deprecated


def _sent(
    target: Client, record: dict[str, Any], found: _Read, copy: str, form_uuid: str, replaced: str | None
) -> str:
    if found is None:
        return "there"
    if isinstance(found, ServerError):
        raise found
    xml, files = found
    rewritten = rewrite(xml, copy, form_uuid, record["_submission_time"], replaced)
    return instances.send_one(target, rewritten.encode(), files)


def _instance(source: Client, uid: str, record: dict[str, Any]) -> str:
    path = f"/api/v2/assets/{uid}/data/{record['_id']}/"
    return source.request("GET", path, params={"format": "xml"}).content.decode()


def rewrite(xml: str, asset: str, form_uuid: str, submitted: str, replaced: str | None = None) -> str:
    """An instance as one of another form: its root's ``id``, the form's uuid, when it was submitted, what it replaces.

    Everything else stays as it is, instanceID included, which is what makes a second copy a duplicate.
    """
    body = re.sub(r"^\s*(<\?xml[^>]*\?>)?(\s|<!--.*?-->)*", "", xml, count=1, flags=re.DOTALL)
    with_id = _ID.sub(lambda found: found[1] + quoteattr(asset), body, count=1)
    with_uuid = _FORM_UUID.sub(lambda found: found[1] + escape(form_uuid) + found[2], with_id, count=1)
    with_uuid = _META.sub(lambda found: _as_revision(found[0], replaced), with_uuid)
    if "submissionDate=" in with_uuid.partition(">")[0]:
        return with_uuid
    return re.sub(
        r"^<([^\s/>]+)", lambda root: f"{root[0]} submissionDate={quoteattr(submitted)}", with_uuid, count=1
    )


def _as_revision(meta: str, replaced: str | None) -> str:
    """That element as one of a record that replaces another, or none."""
    without = _DEPRECATED.sub("", meta)
    if replaced is None:
        return without
    text = escape(replaced if ":" in replaced else f"uuid:{replaced}")
    return _INSTANCE.sub(
        lambda found: f"{found[0]}<{found[1]}deprecatedID>{text}</{found[1]}deprecatedID>", without, count=1
    )


def _attached(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [file for file in record.get("_attachments") or [] if not file.get("is_deleted")]


def _files(source: Client, record: dict[str, Any]) -> Iterator[tuple[str, tuple[str, bytes, str]]]:
    for file in _attached(record):
        name = file.get("media_file_basename") or file["filename"].rsplit("/", 1)[-1]
        content = source.request("GET", file["download_url"]).content
        yield name, (name, content, file["mimetype"])


def hooks(source: Client, uid: str, target: Client, copy: str) -> list[str]:
    """Makes the project's hooks, switched off; names those whose password has to be entered again.

    Switched off, so that nothing is sent twice while both servers have the data.
    """
    made = target.pages(f"/api/v2/assets/{copy}/hooks/")
    there = {(hook["name"], hook["endpoint"]) for hook in made}
    lacking = []
    for hook in source.pages(f"/api/v2/assets/{uid}/hooks/"):
        if (hook["name"], hook["endpoint"]) in there:
            continue
        fields = {name: hook[name] for name in _HOOK if hook.get(name) is not None} | {"active": False}
        settings = {"custom_headers": hook["settings"].get("custom_headers") or {}}
        if hook.get("auth_level") == "basic_auth":
            lacking.append(hook["name"])
            # A password is never shown; this one stands for it until the owner enters it.
            settings |= {"username": hook["settings"].get("username", ""), "password": "to be entered"}
        target.send("POST", f"/api/v2/assets/{copy}/hooks/", {**fields, "settings": settings})
    return lacking
