"""A made-up submission of a project, in the shape of a stored one, for hooks that have none to show yet."""

from __future__ import annotations

import json
import mimetypes
import uuid

from formrelay import attachments, ids
from formrelay.attachments import File
from formrelay.forms import sample
from formrelay.forms.content import VERSION_QUESTION, ContentError
from formrelay.openrosa import instance as instances
from formrelay.openrosa import json_submission
from formrelay.openrosa.errors import OpenRosaError
from formrelay.openrosa.instance import Answers, Instance
from formrelay.storage import assets
from formrelay.storage.assets import Project
from formrelay.storage.table import Item

# When it was sent, in ms: a fixed time, so that the same form always gives the same bytes.
_TIME = 1_769_852_520_000
_MAX_FILES = len(ids.ALPHABET)


class SampleError(ValueError):
    """The form has faults that leave it without a possible submission; the text says which."""


def submission(project: Project, origin: str) -> Item:
    """The sample of a project's deployed form, or of its newest version before a deployment.

    ``origin`` is the base URL it would have been posted to. Raises SampleError.
    """
    version = project.state["deployed_version"] or project.state["version"]
    filled = _filled(project, version)
    root = str(uuid.uuid5(uuid.NAMESPACE_OID, project.uid))
    answers = {
        "formhub": {"uuid": project.state["form_uuid"]},
        **filled.answers,
        VERSION_QUESTION: version,
        "meta": {"instanceID": f"uuid:{root}"},
    }
    repeats = frozenset(filled.repeats)
    label = project.state["form_version"]
    try:
        xml = _xml(project.uid, label, answers)
        instance = instances.read(xml)
        flat = instances.flatten(instance, repeats)
    except OpenRosaError as error:
        raise SampleError(error.message) from None
    return {
        "id": ids.id_at(_TIME),
        "root": root,
        "uuid": root,
        "time": _TIME,
        "by": project.owner,
        "geo": instances.geolocation(flat, filled.geopoints),
        "origin": origin,
        "owner": project.owner,
        "form_uuid": project.state["form_uuid"],
        "files": _files(instance, repeats, filled.media),
        "status": {},
        "answers": json.dumps(flat, ensure_ascii=False),
        "xml": xml,
    }


def _filled(project: Project, version: str) -> sample.Sample:
    try:
        return sample.fill(assets.content(project.uid, version) or {"survey": [], "choices": []})
    except ContentError as error:
        raise SampleError(str(error)) from None


def _xml(asset: str, label: str | None, answers: Answers) -> bytes:
    message = {"id": asset, "version": label, "submission": answers}
    return json_submission.to_xml(json.dumps(message).encode())[1]


def _files(instance: Instance, repeats: frozenset[str], media: list[str]) -> dict[str, Item]:
    named = instances.xpaths(instance, repeats, frozenset(media))
    files = {
        name: File(
            uid="att" + ids.ALPHABET[index] * 21,
            data=b"",
            mimetype=mimetypes.guess_type(name)[0] or "application/octet-stream",
            sha1="",
            xpath=xpath,
            hidden=False,
            at=_TIME,
        )
        for index, (name, xpath) in enumerate(list(named.items())[:_MAX_FILES])
    }
    return attachments.entries(files, {})
