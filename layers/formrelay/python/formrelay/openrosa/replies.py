"""What OpenRosa clients are told: headers and XML, or JSON for clients that speak it.

Contract submissions §3–§5 (submitting), §8 (in JSON), §9 (lists).

``now`` is in milliseconds since 1970; ``location`` is the absolute URL of the request's path, without query.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from formrelay.clock import http_date, iso_offset
from formrelay.errors import CHALLENGE
from formrelay.openrosa.errors import Outcome
from formrelay.openrosa.markup import attribute, text
from formrelay.xml_text import OUTSIDE_XML

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from formrelay.openrosa.errors import OpenRosaError

ACCEPTED_BYTES = 4_000_000
"""What clients are told that they may post at once. They split by it, and count files, not what is around them."""
TAKEN_BYTES = 4_600_000
"""What is taken: the files that clients may post with all their headers, as much as reaches a function in base64."""

XML_TYPE = "text/xml; charset=utf-8"
JSON_TYPE = "application/json"

_RESPONSE_NAMESPACE = "http://openrosa.org/http/response"
_METADATA_NAMESPACE = "http://www.opendatakit.org/xforms"
_LIST_NAMESPACE = "http://openrosa.org/xforms/xformsList"
_MANIFEST_NAMESPACE = "http://openrosa.org/xforms/xformsManifest"
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
_LOCATED = frozenset((201, 202, 204, 409))


class Reply(NamedTuple):
    """An answer: plain values, for the HTTP layer to send."""

    status: int
    headers: dict[str, str]
    body: bytes


class Receipt(NamedTuple):
    """What a client is told of its accepted submission; times in ms, ``message`` None for the default text."""

    form_id: str
    instance_id: str
    submitted: int
    completed: int
    encrypted: bool = False
    message: str | None = None


class ListedForm(NamedTuple):
    """One row of the form list; ``md5`` is the hexadecimal MD5 of the form's XML as served."""

    form_id: str
    name: str
    version: str
    md5: str
    download_url: str
    manifest_url: str


class ListedMedia(NamedTuple):
    """One row of a manifest; ``md5`` is the file's, hexadecimal."""

    filename: str
    md5: str
    download_url: str


def precheck(location: str, now: int) -> Reply:
    """204 to HEAD: submissions may be posted to ``location``."""
    return _reply(204, b"", now, location=location)


def success(receipt: Receipt, location: str, now: int, *, as_json: bool = False) -> Reply:
    """201: the submission is stored."""
    message = receipt.message or "Successful submission."
    submitted, completed = iso_offset(receipt.submitted), iso_offset(receipt.completed)
    if as_json:
        body = {
            "message": message,
            "formid": receipt.form_id,
            "encrypted": receipt.encrypted,
            "instanceID": receipt.instance_id,
            "submissionDate": submitted,
            "markedAsCompleteDate": completed,
        }
        return _reply(201, _json(body), now, JSON_TYPE, location)
    xml = (
        f'<OpenRosaResponse xmlns="{_RESPONSE_NAMESPACE}">\n'
        f"    <message>{_text(message)}</message>\n"
        f'    <submissionMetadata xmlns="{_METADATA_NAMESPACE}" id={_attribute(receipt.form_id)}'
        f" instanceID={_attribute(receipt.instance_id)}"
        f' submissionDate="{submitted}" isComplete="true" markedAsCompleteDate="{completed}"/>\n'
        "</OpenRosaResponse>"
    )
    return _reply(201, xml.encode(), now, location=location)


def refusal(error: OpenRosaError, location: str, now: int, *, as_json: bool = False) -> Reply:
    """Any other outcome of a submission, 202 for a duplicate included."""
    if as_json:
        # The contract words a missing form as the API does, every other outcome as OpenRosa's.
        body = {"detail" if error.args == Outcome.NOT_FOUND.value else "error": error.message}
        return _reply(error.status, _json(body), now, JSON_TYPE, location)
    xml = (
        "<?xml version='1.0' encoding='UTF-8' ?>\n"
        f'<OpenRosaResponse xmlns="{_RESPONSE_NAMESPACE}">\n'
        f'        <message nature="">{_text(error.message)}</message>\n'
        "</OpenRosaResponse>"
    )
    return _reply(error.status, xml.encode(), now, location=location)


def detail(status: int, message: str, now: int, *, as_json: bool = False) -> Reply:
    """``<root><detail>…`` or ``{"detail": …}``; a 401 carries the Basic challenge."""
    if as_json:
        reply = _reply(status, _json({"detail": message}), now, JSON_TYPE)
    else:
        xml = f"{_DECLARATION}<root><detail>{_text(message)}</detail></root>"
        reply = _reply(status, xml.encode(), now)
    if status == 401:
        reply.headers["WWW-Authenticate"] = CHALLENGE
    return reply


def form_list(forms: Iterable[ListedForm], now: int) -> Reply:
    """The forms a client may download and submit to."""
    rows = "".join(map(_form_row, forms))
    return _reply(200, f'{_DECLARATION}<xforms xmlns="{_LIST_NAMESPACE}">{rows}</xforms>'.encode(), now)


def manifest(files: Iterable[ListedMedia], now: int) -> Reply:
    """The media of one form; clients hash the list, so the caller keeps its order stable."""
    rows = "".join(map(_media_row, files))
    body = f'{_DECLARATION}<manifest xmlns="{_MANIFEST_NAMESPACE}">{rows}</manifest>'
    return _reply(200, body.encode(), now)


def form_xml(xform: bytes, now: int) -> Reply:
    """A form, byte for byte as its hash was made of."""
    return _reply(200, xform, now)


def openrosa_headers(now: int) -> dict[str, str]:
    """The headers of every answer on these paths; clients take them for the mark of an OpenRosa server."""
    return {
        "X-OpenRosa-Version": "1.0",
        "X-OpenRosa-Accept-Content-Length": str(ACCEPTED_BYTES),
        "Date": http_date(now),
    }


def _reply(
    status: int, body: bytes, now: int, content_type: str = XML_TYPE, location: str | None = None
) -> Reply:
    headers = {"Content-Type": content_type, **openrosa_headers(now)}
    if location is not None and status in _LOCATED:
        headers["Location"] = location
    return Reply(status, headers, body)


def _form_row(form: ListedForm) -> str:
    name, version = _text(form.name), _text(form.version)
    return (
        f"<xform><formID>{_text(form.form_id)}</formID><name>{name}</name>"
        f"<majorMinorVersion>{version}</majorMinorVersion><version>{version}</version>"
        f"<hash>md5:{form.md5}</hash><descriptionText>{name}</descriptionText>"
        f"<downloadUrl>{_text(form.download_url)}</downloadUrl>"
        f"<manifestUrl>{_text(form.manifest_url)}</manifestUrl></xform>"
    )


def _media_row(media: ListedMedia) -> str:
    return (
        f"<mediaFile><filename>{_text(media.filename)}</filename><hash>md5:{media.md5}</hash>"
        f"<downloadUrl>{_text(media.download_url)}</downloadUrl></mediaFile>"
    )


def _text(value: str) -> str:
    return text(OUTSIDE_XML.sub("", value))


def _attribute(value: str) -> str:
    return attribute(OUTSIDE_XML.sub("", value))


def _json(body: Mapping[str, object]) -> bytes:
    return json.dumps(body).encode()
