"""A project from another server, KoboToolbox or formrelay: form, media, submissions with their files, hooks.

Over the public API of both. Begun again, it goes on where it was: what is there is found and left as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from infra.cli import instances
from infra.cli.client import Client, ServerError
from infra.cli.progress import tracked

# Fields of a hook that another server takes.
_HOOK = (
    "name", "endpoint", "active", "export_type", "auth_level", "subset_fields", "email_notification",
    "payload_template",
)  # fmt: skip
_ID = re.compile(r"""^(<[^\s/>]+(?:\s[^>]*?)?\sid=)(?:"[^"]*"|'[^']*')""")
_FORM_UUID = re.compile(r"(<formhub>\s*<uuid>)[^<]*(</uuid>)")
_MARK = "copied from "


def project(source: Client, uid: str, target: Client) -> str:
    """The copy of a project, made and deployed unless there is one; its uid."""
    original = source.get(f"/api/v2/assets/{uid}/")
    mark = f"{_MARK}{source.url}/{uid}"
    for found in target.pages("/api/v2/assets/", q="asset_type:survey"):
        if mark in str(found["settings"].get("description", "")):
            return str(found["uid"])
    settings = {
        **original["settings"],
        "description": f"{original['settings'].get('description', '')} ({mark})",
    }
    made = target.send(
        "POST",
        "/api/v2/assets/",
        {
            "name": original["name"],
            "asset_type": "survey",
            "settings": settings,
            "content": original["content"],
        },
    )
    copy = str(made["uid"])
    for file in source.pages(f"/api/v2/assets/{uid}/files/", file_type="form_media"):
        _media(source, file, target, copy)
    target.send("POST", f"/api/v2/assets/{copy}/deployment/", {"active": True})
    return copy


def _media(source: Client, file: dict[str, Any], target: Client, copy: str) -> None:
    name = file["metadata"]["filename"]
    content = source.request("GET", file["content"]).content
    target.request(
        "POST",
        f"/api/v2/assets/{copy}/files/",
        data={"file_type": "form_media", "description": file.get("description") or name},
        files={"content": (name, content, file["metadata"].get("mimetype") or "application/octet-stream")},
    )


def submissions(source: Client, uid: str, target: Client, copy: str) -> tuple[Counter[str], list[str]]:
    """Sends every submission with its files; counts of new ones and of those that were there, and what went wrong."""
    form_uuid = target.get(f"/api/v2/assets/{copy}/")["deployment__uuid"]
    total = source.get(f"/api/v2/assets/{uid}/data/", limit=1)["count"]
    counts: Counter[str] = Counter()
    errors: list[str] = []
    for record in tracked(source.pages(f"/api/v2/assets/{uid}/data/"), total, "Submissions"):
        try:
            counts[_submission(source, uid, record, target, copy, form_uuid)] += 1
        except ServerError as error:
            errors.append(f"{record['_id']}: {error}")
    return counts, errors


def _submission(
    source: Client, uid: str, record: dict[str, Any], target: Client, copy: str, form_uuid: str
) -> str:
    xml = source.request("GET", f"/api/v2/assets/{uid}/data/{record['_id']}/", params={"format": "xml"}).text
    files = dict(_files(source, record))
    rewritten = rewrite(xml, copy, form_uuid, record["_submission_time"])
    return instances.send_one(target, rewritten.encode(), files)


def rewrite(xml: str, asset: str, form_uuid: str, submitted: str) -> str:
    """An instance as one of another form: its root's ``id``, the form's uuid, and when it was submitted.

    Everything else stays as it is, instanceID included, which is what makes a second copy a duplicate.
    """
    body = re.sub(r"^\s*(<\?xml[^>]*\?>)?(\s|<!--.*?-->)*", "", xml, count=1, flags=re.DOTALL)
    with_id = _ID.sub(lambda found: found[1] + quoteattr(asset), body, count=1)
    with_uuid = _FORM_UUID.sub(lambda found: found[1] + escape(form_uuid) + found[2], with_id, count=1)
    if "submissionDate=" in with_uuid.partition(">")[0]:
        return with_uuid
    return re.sub(
        r"^<([^\s/>]+)", lambda root: f"{root[0]} submissionDate={quoteattr(submitted)}", with_uuid, count=1
    )


def _files(source: Client, record: dict[str, Any]) -> Iterator[tuple[str, tuple[str, bytes, str]]]:
    for file in record.get("_attachments") or []:
        if file.get("is_deleted"):
            continue
        name = file.get("media_file_basename") or file["filename"].rsplit("/", 1)[-1]
        content = source.request("GET", file["download_url"]).content
        yield name, (name, content, file["mimetype"])


def hooks(source: Client, uid: str, target: Client, copy: str) -> list[str]:
    """Makes the project's hooks, switched off; names those whose password has to be entered again.

    Switched off, so that nothing is sent twice while both servers have the data.
    """
    there = {hook["name"] for hook in target.pages(f"/api/v2/assets/{copy}/hooks/")}
    lacking = []
    for hook in source.pages(f"/api/v2/assets/{uid}/hooks/"):
        if hook["name"] in there:
            continue
        fields = {name: hook[name] for name in _HOOK if hook.get(name) is not None} | {"active": False}
        settings = {"custom_headers": hook["settings"].get("custom_headers") or {}}
        if hook.get("auth_level") == "basic_auth":
            lacking.append(hook["name"])
            # A password is never shown; this one stands for it until the owner enters it.
            settings |= {"username": hook["settings"].get("username", ""), "password": "to be entered"}
        target.send("POST", f"/api/v2/assets/{copy}/hooks/", {**fields, "settings": settings})
    return lacking
